"""The demonstration: every step of the workflow, called as a user would, on videos drawn for the purpose."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from posecut_core.demo.mouse import BODYPARTS
from posecut_core.demo.sample import RESULTS, TASK, VIDEOS, check_folder, create, film_all, frames_of, label
from posecut_core.demo.scene import TO_LABEL, UNSEEN, Scene, mean_errors, prepare
from posecut_core.poses.files import read_predictions
from posecut_core.progress import Notice, Report, silent
from posecut_core.project.opening import open_project
from posecut_core.workflow.analyze_videos import AnalyzedVideos, analyze_videos
from posecut_core.workflow.check_labels import check_labels
from posecut_core.workflow.create_training_dataset import create_training_dataset
from posecut_core.workflow.evaluate_network import Evaluation, evaluate_network
from posecut_core.workflow.extract_frames import extract_frames
from posecut_core.workflow.plot_trajectories import create_labeled_video, plot_trajectories
from posecut_core.workflow.train_network import TrainedNetwork, train_network

_NET_TYPE = "resnet_18"
STEPS = 1400  # of training
_SETTINGS = {
    "init_weights": "random",  # the demonstration needs no network
    "norm": "frozen_batch",  # no statistics: those of a crop and those of the whole frame differ where walls are dark
    "width": 0.5,
    "global_scale": 1.0,
    "batch_size": 4,
    "crop_size": 160,
    "crop_on_animal": 0.7,
    "rotation": 180.0,
    "blur": 0.5,
    "noise": 0.02,
    "pos_dist_thresh": 8.0,
    "learning_rate": 3e-3,
    "mirror": True,
}  # of training; all others are as for any project
_FRAMES_TO_LABEL = 50  # of each video
_STEP_COUNT = 10

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class StepTime:
    """How long a step of the demonstration took."""

    step: str
    seconds: float


@dataclass(frozen=True)
class DemoResult:
    """What the demonstration found; errors are mean distances in pixels."""

    folder: Path
    config_path: Path
    bodyparts: tuple[str, ...]
    train_error: float
    test_error: float
    unseen_errors: tuple[float, ...]  # per bodypart, of points in plain view
    unseen_error: float
    hidden_share: float  # of the unseen video's points; they lie under the plank and are not measured
    seconds_per_training_step: float  # NaN where the network had been trained before
    frames_per_second: float  # of analysis; 0 where the video had been analysed before
    times: tuple[StepTime, ...]
    files: dict[str, Path]  # what -> where


@dataclass(frozen=True)
class Cast:
    """The scenes that are labelled, and the one that is never seen before the end."""

    to_label: tuple[Scene, ...] = TO_LABEL
    unseen: Scene = UNSEEN

    @property
    def all(self) -> tuple[Scene, ...]:
        """Return every scene, the unseen one last."""
        return (*self.to_label, self.unseen)


def run_demo(
    folder: Path, *, cast: Cast | None = None, steps: int = STEPS, frames_to_label: int = _FRAMES_TO_LABEL,
    task: str = TASK, settings: Mapping[str, object] | None = None, report: Report = silent,
) -> DemoResult:  # fmt: skip
    """Draw videos and run the whole workflow on them; in a folder of an earlier demo only what is missing is done.

    Args:
        folder: where to write; it is made if it does not exist.
        cast: the scenes; by default two mice to label and another to analyse.
        steps: training steps.
        frames_to_label: frames of each video to label.
        task: of the project; another one has a project of its own in the same folder.
        settings: of training, beside those of every demonstration.
        report: told of everything.

    Raises:
        ArgumentError: the folder holds something else.
        StorageError: the disk refuses.
    """
    check_folder(folder)
    scenes, step = cast or Cast(), Steps(report, _STEP_COUNT)
    own = [scene.name for scene in scenes.to_label]
    videos = step("drawing the videos of three mice", lambda: film_all(scenes.all, folder / VIDEOS, report))
    config = step("creating a project with two of them", lambda: create(folder, videos[:-1], report, task=task))
    extracted = step(
        "choosing frames to label, by k-means",
        lambda: extract_frames(config, videos=own, number_of_frames=frames_to_label, report=report),
    )
    step(
        "labelling them: true positions with human-like jitter",
        lambda: label(config, scenes.to_label, frames_of(extracted)),
    )
    step("drawing the labels, to check them", lambda: check_labels(config, report=report))
    step("splitting the frames for training and test", lambda: split(config, settings or {}))
    trained = step("training a network", lambda: train_network(config, maxiters=steps, report=report))
    evaluation = step("evaluating it", lambda: evaluate_network(config, plotting=True, report=report))
    analysed = step(
        "analysing a new video",
        lambda: analyze_videos(config, [videos[-1]], save_as_csv=True, destfolder=folder / RESULTS, report=report),
    )
    files = step(
        "drawing trajectories and a labelled video", lambda: show(config, videos[-1], folder / RESULTS, report)
    )
    return _judge(folder, config, scenes.unseen, trained, evaluation, analysed, files, step.times)


class Steps:
    """Announces each step, times it and hands on its result."""

    def __init__(self, report: Report, count: int) -> None:
        self._report, self._count = report, count
        self.times: tuple[StepTime, ...] = ()

    def __call__(self, words: str, step: Callable[[], _Result]) -> _Result:
        """Run one step under the heading `words`."""
        self._report(Notice(f"Step {len(self.times) + 1} of {self._count}: {words}"))
        begin = time.perf_counter()
        result = step()
        self.times = (*self.times, StepTime(words, round(time.perf_counter() - begin, 2)))
        return result


def split(config: Path, settings: Mapping[str, object]) -> None:
    """Create the training dataset of the project's iteration, if there is none, with `settings` beside the usual."""
    if not open_project(config).training().split.exists():
        create_training_dataset(config, shuffles=[1], net_type=_NET_TYPE, settings={**_SETTINGS, **settings})


def show(config: Path, video: Path, results: Path, report: Report) -> dict[str, Path]:
    """Draw trajectories and a labelled video from the predictions in `results`, and say where they are."""
    plotted = plot_trajectories(config, [video], destfolder=results, report=report)
    labeled = create_labeled_video(
        config, [video], destfolder=results, draw_skeleton=True, trailpoints=12, report=report
    )
    return {"trajectories": plotted.folders[0], "labelled video": labeled.files[0]}


def _judge(
    folder: Path,
    config: Path,
    unseen: Scene,
    trained: TrainedNetwork,
    evaluation: Evaluation,
    analysed: AnalyzedVideos,
    shown: dict[str, Path],
    times: tuple[StepTime, ...],
) -> DemoResult:
    """Hold the predictions of the unseen video against its truth."""
    truth, video, errors = prepare(unseen).truth, analysed.videos[0], evaluation.rows[-1].errors
    per_part, mean = mean_errors(read_predictions(video.files[0]).xy, truth)
    project = open_project(config)
    files = {
        "videos and their truth": folder / VIDEOS,
        "project": project.root,
        "checked labels": project.labeled_data,
        "network": project.training().folder,
        "evaluation": project.training().evaluation("").folder,
        "predictions": video.files[0],
        **shown,
    }
    return DemoResult(
        folder=folder,
        config_path=config,
        bodyparts=BODYPARTS,
        train_error=errors.train,
        test_error=errors.test,
        unseen_errors=per_part,
        unseen_error=mean,
        hidden_share=float(truth.hidden.mean()),
        seconds_per_training_step=trained.seconds_per_step,
        frames_per_second=video.frames_per_second,
        times=times,
        files=files,
    )
