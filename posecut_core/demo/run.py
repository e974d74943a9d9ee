"""The demonstration: every step of the workflow, called as a user would, on videos drawn for the purpose."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import Float64

from posecut_core.cameras.views import USUAL_VIEWS
from posecut_core.demo.mouse import BODYPARTS
from posecut_core.demo.rig import AZIMUTHS, BOARD, BOARD_ORIGIN, film_board, film_views, points_of
from posecut_core.demo.sample import (
    BOARDS,
    RESULTS,
    TASK,
    TASK_IN_SPACE,
    VIDEOS,
    WALK,
    check_folder,
    create,
    earlier_project,
    film_all,
    frames_of,
    label,
    label_views,
)
from posecut_core.demo.scene import (
    FURTHER,
    TO_LABEL,
    UNSEEN,
    UNSEEN_AT_DUSK,
    Scene,
    mean_errors,
    prepare,
)
from posecut_core.errors import ArgumentError
from posecut_core.poses.files import read_predictions
from posecut_core.poses.points import read_points
from posecut_core.progress import Notice, Report, silent
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project
from posecut_core.refinement.candidates import Criteria
from posecut_core.results import Summary
from posecut_core.video.frame_store import numbers_in
from posecut_core.workflow.analyze_videos import AnalyzedVideos, analyze_videos
from posecut_core.workflow.calibrate_cameras import calibrate_cameras
from posecut_core.workflow.check_labels import check_labels
from posecut_core.workflow.create_training_dataset import create_training_dataset
from posecut_core.workflow.evaluate_network import Evaluation, evaluate_network
from posecut_core.workflow.extract_frames import extract_frames
from posecut_core.workflow.extract_outlier_frames import extract_outlier_frames
from posecut_core.workflow.merge_datasets import merge_datasets
from posecut_core.workflow.plot_trajectories import create_labeled_video, plot_trajectories
from posecut_core.workflow.train_network import TrainedNetwork, train_network
from posecut_core.workflow.triangulate import triangulate

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
    frames_per_second: float  # of analysis; 0 where the video had been analyzed before
    times: tuple[StepTime, ...]
    files: dict[str, Path]  # what -> where


@dataclass(frozen=True)
class Cast:
    """The scenes that are labeled, and the one that is never seen before the end."""

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
        cast: the scenes; by default two mice to label and another to analyze.
        steps: training steps.
        frames_to_label: frames of each video to label.
        task: of the project; another one has a project of its own in the same folder.
        settings: of training, beside those of every demonstration.
        report: called with progress and notices.

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
        "labeling them: true positions with human-like jitter",
        lambda: label(config, scenes.to_label, frames_of(extracted)),
    )
    checked = step(
        "drawing the labels of one video, to check them", lambda: check_labels(config, videos=own[:1], report=report)
    )
    step("splitting the frames for training and test", lambda: split(config, settings or {}, steps=steps))
    trained = step("training a network", lambda: train_network(config, maxiters=steps, report=report))
    evaluation = step("evaluating it", lambda: evaluate_network(config, report=report))
    analyzed = step(
        "analyzing a new video",
        lambda: analyze_videos(config, [videos[-1]], save_as_csv=True, destfolder=folder / RESULTS, report=report),
    )
    files = step("drawing trajectories and a labeled video", lambda: show(config, videos[-1], folder / RESULTS, report))
    files = {"checked labels": checked.videos[0].folder, **files}
    return _judge(folder, config, scenes.unseen, trained, evaluation, analyzed, files, step.times)


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


def split(config: Path, settings: Mapping[str, object], *, steps: int) -> None:
    """Create the training dataset of the project's iteration, if there is none, with `settings` beside the usual."""
    if not open_project(config).training().split.exists():
        wanted = {**_SETTINGS, "maxiters": steps, **settings}
        create_training_dataset(config, shuffles=[1], net_type=_NET_TYPE, settings=wanted)


def show(config: Path, video: Path, results: Path, report: Report) -> dict[str, Path]:
    """Draw trajectories and a labeled video from the predictions in `results`, and say where they are."""
    plotted = plot_trajectories(config, [video], destfolder=results, report=report)
    labeled = create_labeled_video(
        config, [video], destfolder=results, draw_skeleton=True, trailpoints=12, report=report
    )
    return {"trajectories": plotted.folders[0], "labeled video": labeled.files[0]}


def _judge(
    folder: Path,
    config: Path,
    unseen: Scene,
    trained: TrainedNetwork,
    evaluation: Evaluation,
    analyzed: AnalyzedVideos,
    shown: dict[str, Path],
    times: tuple[StepTime, ...],
) -> DemoResult:
    """Hold the predictions of the unseen video against its truth."""
    truth, video, errors = prepare(unseen).truth, analyzed.videos[0], evaluation.rows[-1].errors
    per_part, mean = mean_errors(read_predictions(video.files[0]).xy, truth)
    project = open_project(config)
    files = {
        "videos and their truth": folder / VIDEOS,
        "project": project.root,
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


# --- second round -----------------------------------------------------------------------------------------------------
# The demonstration in two rounds: frames in which the first network errs are corrected, and it is trained again.


_TASK = "mouse-refined"  # a project of its own, beside that of the demonstration in one round
_STEP_COUNT_OF_TWO = 7  # of the second round
_BY_FITTING = Criteria("fitting")  # which finds the farthest where none is far
_ROUND_2 = "round-2"  # predictions are named alike in both rounds


@dataclass(frozen=True)
class Rounds:
    """What is played, and how much of it."""

    cast: Cast = field(default_factory=lambda: Cast(unseen=UNSEEN_AT_DUSK))
    further: Scene = FURTHER  # in which outliers are looked for
    steps: int = STEPS  # of each training
    frames_to_label: int = 12  # of each video of the first round
    frames_to_correct: int = 24  # of the further video
    criteria: Criteria = _BY_FITTING  # of outliers
    random_share: float = 0.5  # of the frames to correct
    weights: str = "previous"  # what the second training begins with
    settings: Mapping[str, object] = field(default_factory=dict)  # of both trainings, beside the usual


_Choose = Callable[[Path, Path, Rounds, Report], object]  # config.yaml, video: extracts frames of the video


@dataclass(frozen=True)
class Round:
    """What one round came to; errors are mean distances in pixels, of points in plain view of the unseen video."""

    labelled_frames: int
    unseen_errors: tuple[float, ...]  # per bodypart
    unseen_error: float


@dataclass(frozen=True)
class RefinedDemo:
    """What the demonstration in two rounds found."""

    folder: Path
    config_path: Path
    bodyparts: tuple[str, ...]
    before: Round
    after: Round
    video: str  # whose frames were corrected
    corrected: tuple[int, ...]  # their numbers
    times: tuple[StepTime, ...]
    files: dict[str, Path]  # what -> where


def demo(
    folder: str | os.PathLike[str] = "posecut-demo", *, refine: bool = False, views: int = 1, report: Report = silent
) -> object:
    """Draw videos of a mouse and run every step on them, in a few minutes.

    Args:
        folder: where to write the videos and the project.
        refine: play two rounds with fewer labels: in the second one, frames in which the network errs are corrected and
            it is trained again. This takes twice as long.
        views: 1, or 3 to see the mouse with three calibrated cameras and find its bodyparts in space.
        report: called with progress and notices.

    Raises:
        ArgumentError: there are no such views, or two rounds are asked for with three; or the folder holds something
            else.
        StorageError: the disk refuses.
    """
    if views not in (1, len(AZIMUTHS)) or (views > 1 and refine):
        raise ArgumentError(
            f"views is {views}{' with refine' if refine else ''}, expected 1, or {len(AZIMUTHS)} without refine."
        )
    if views > 1:
        return run_demo_in_space(Path(folder).expanduser(), report=report)
    return (run_refined_demo if refine else run_demo)(Path(folder).expanduser(), report=report)


def run_refined_demo(folder: Path, *, rounds: Rounds | None = None, report: Report = silent) -> RefinedDemo:
    """Play two rounds of the workflow on drawn videos; in a folder of an earlier demo only what is missing is done.

    Args:
        folder: where to write; it is made if it does not exist.
        rounds: what to play; by default few labels of two mice, then outliers of a further video of one of them, in
            which the lamp goes down now and then.
        report: called with progress and notices.

    Raises:
        ArgumentError: the folder holds something else.
        StorageError: the disk refuses.
    """
    played = rounds or Rounds()
    report(Notice("Round 1: a network trained on few labels"))
    first = _first_round(folder, played, report=report)
    report(Notice("Round 2: the worst frames are corrected, and it is trained again"))
    return _second_round(first, played, choose=_choose_outliers, report=report)


def _first_round(folder: Path, rounds: Rounds, *, report: Report = silent) -> DemoResult:
    """Run the demonstration with few labels, as the project's iteration 0, also where iteration 1 has begun."""
    check_folder(folder)
    earlier = earlier_project(folder, task=_TASK)
    if earlier:
        edit_config(earlier, {"iteration": 0})
    return run_demo(
        folder,
        cast=rounds.cast,
        steps=rounds.steps,
        frames_to_label=rounds.frames_to_label,
        task=_TASK,
        settings=rounds.settings,
        report=report,
    )


def _choose_outliers(config: Path, video: Path, rounds: Rounds, report: Report) -> None:
    """Analyze a video and extract frames in which the network seems to err, with drafts of labels."""
    results = config.parent.parent / RESULTS
    analyze_videos(config, [video], destfolder=results, report=report)
    extract_outlier_frames(
        config,
        [video],
        **asdict(rounds.criteria),
        random_share=rounds.random_share,
        number_of_frames=rounds.frames_to_correct,
        destfolder=results,
        report=report,
    )


def _second_round(first: DemoResult, rounds: Rounds, *, choose: _Choose, report: Report = silent) -> RefinedDemo:
    """Label frames of the further video, train again on all labels, and analyze the unseen video again.

    Args:
        first: the first round.
        rounds: the same as in the first round.
        choose: extracts the frames of the further video that are to be labeled.
        report: called with progress and notices.
    """
    config, further, step = first.config_path, rounds.further, Steps(report, _STEP_COUNT_OF_TWO)
    unseen, results = first.folder / VIDEOS / f"{rounds.cast.unseen.name}.mp4", first.folder / RESULTS / _ROUND_2
    video = step("drawing one more video", lambda: film_all((further,), first.folder / VIDEOS, report)[0])
    frames = step("choosing frames of it to correct", lambda: _chosen(config, video, rounds, choose, report))
    step("correcting their labels", lambda: label(config, (further,), {further.name: frames}))
    merged = step("merging them with the others", lambda: _merge(config, rounds, report))
    step("training again", lambda: train_network(config, maxiters=rounds.steps, weights=rounds.weights, report=report))
    analyzed = step(
        "analyzing a new video, again",
        lambda: analyze_videos(config, [unseen], save_as_csv=True, destfolder=results, report=report),
    )
    shown = step("drawing trajectories and a labeled video", lambda: show(config, unseen, results, report))
    return RefinedDemo(
        folder=first.folder,
        config_path=config,
        bodyparts=first.bodyparts,
        before=Round(merged - len(frames), first.unseen_errors, first.unseen_error),
        after=Round(merged, *_errors(rounds.cast.unseen, analyzed)),
        video=further.name,
        corrected=frames,
        times=(*first.times, *step.times),
        files=_files(first, analyzed, shown),
    )


def _chosen(config: Path, video: Path, rounds: Rounds, choose: _Choose, report: Report) -> tuple[int, ...]:
    """Return the frames of the further video that are in the project; they are chosen if there are none."""
    if not _stored(config, video):
        choose(config, video, rounds, report)
    return _stored(config, video)


def _stored(config: Path, video: Path) -> tuple[int, ...]:
    return numbers_in(open_project(config).frame_store(video.stem))


def _merge(config: Path, rounds: Rounds, report: Report) -> int:
    """Begin iteration 1 with a training dataset of all labels; return how many frames are labeled."""
    merged = merge_datasets(config, report=report)
    split(config, rounds.settings, steps=rounds.steps)
    return merged.labelled_frames


def _errors(unseen: Scene, analyzed: AnalyzedVideos) -> tuple[tuple[float, ...], float]:
    return mean_errors(read_predictions(analyzed.videos[0].files[0]).xy, prepare(unseen).truth)


def _files(first: DemoResult, analyzed: AnalyzedVideos, shown: dict[str, Path]) -> dict[str, Path]:
    project = open_project(first.config_path)
    return {
        "videos and their truth": first.folder / VIDEOS,
        "project": project.root,
        "network": project.training().folder,
        "predictions, before": first.files["predictions"],
        "predictions, after": analyzed.videos[0].files[0],
        "labeled video, before": first.files["labeled video"],
        "labeled video, after": shown["labeled video"],
    }


# --- several cameras --------------------------------------------------------------------------------------------------
# The demonstration in space: one network for the views of three cameras, and the error in millimeters.


_STEP_COUNT_IN_SPACE = 10
_TURNED = {"rotation": 30.0}  # up is up in these views
_COEFFICIENTS = 4  # of the lenses' distortion: the board does not come near enough to the borders for more
_IN_SPACE = Cast((WALK,), replace(WALK, name="unseen-walk", seed=UNSEEN.seed, frames=90))


@dataclass(frozen=True)
class DemoInSpace:
    """What the demonstration with several cameras found; errors are distances from the truth in millimeters."""

    folder: Path
    config_path: Path
    bodyparts: tuple[str, ...]
    errors: tuple[float, ...]  # medians, per bodypart
    error: float  # median of all points, in the world that the board on the floor says
    error_95: float  # which 95 of 100 points do not exceed
    aligned: float  # median of all points after they were turned and moved as a whole to fit the truth best
    found: float  # share of the bodyparts that have a point
    reprojection: Mapping[str, float]  # camera -> median pixels
    calibration: Mapping[
        str, float
    ]  # camera -> pixels of reprojection error; empty where it had been calibrated before
    times: tuple[StepTime, ...]
    files: dict[str, Path]  # what -> where

    def summary(self) -> Summary:
        """Say how far points are from the truth, and where everything is."""
        parts = ", ".join(f"{part} {error:.2f}" for part, error in zip(self.bodyparts, self.errors, strict=True))
        pixels = ", ".join(f"{camera} {error:.2f}" for camera, error in self.reprojection.items())
        lines = (
            f"Median error of each bodypart in millimeters: {parts}",
            f"Turned and moved as a whole to fit the truth best, points are {self.aligned:.2f} mm from it: the rest is "
            "where the board on the floor says that the world is",
            f"{self.found:.0%} of the bodyparts have a point; median reprojection error in pixels: {pixels}",
            *(f"Calibration of {camera}: {error:.2f} pixels" for camera, error in self.calibration.items()),
            *(f"{what}: {where}" for what, where in self.files.items()),
        )
        text = f"In an unseen video, points are {self.error:.2f} mm from the truth in the median, 95 % of them at most "
        return Summary(f"{text}{self.error_95:.2f} mm.", lines)


def run_demo_in_space(
    folder: Path, *, cast: Cast = _IN_SPACE, steps: int = STEPS, frames_to_label: int = 20, report: Report = silent
) -> DemoInSpace:
    """Film a mouse with three cameras, train one network on all views, and find its bodyparts in space.

    In a folder of an earlier demo only what is missing is done.

    Args:
        folder: where to write; it is made if it does not exist.
        cast: the scenes.
        steps: training steps.
        frames_to_label: moments of each scene to label, in every view.
        report: called with progress and notices.

    Raises:
        ArgumentError: the folder holds something else.
        StorageError: the disk refuses.
    """
    check_folder(folder)
    step, videos, results = Steps(report, _STEP_COUNT_IN_SPACE), folder / VIDEOS, folder / RESULTS
    filmed = step(
        "drawing the videos of three cameras",
        lambda: {scene: film_views(scene, videos, report=report) for scene in cast.all},
    )
    known = [video for scene in cast.to_label for video in filmed[scene]]
    config = step("creating a project", lambda: create(folder, known, report, task=TASK_IN_SPACE))
    boards = step("drawing videos of a board", lambda: film_board(folder / BOARDS, report=report))
    calibrated = step("calibrating the cameras by it", lambda: _calibrate(config, boards[0].parent, report))
    extracted = step(
        "choosing moments to label, the same in all views",
        lambda: extract_frames(config, number_of_frames=frames_to_label, views=USUAL_VIEWS, report=report),
    )
    step(
        "labeling them: true positions with human-like jitter",
        lambda: label_views(config, cast.to_label, frames_of(extracted)),
    )
    step("splitting the frames for training and test", lambda: split(config, _TURNED, steps=steps))
    step("training one network on all views", lambda: train_network(config, maxiters=steps, report=report))
    unseen = filmed[cast.unseen]
    step("analyzing new videos", lambda: analyze_videos(config, unseen, destfolder=results, report=report))
    made = step("triangulating them", lambda: triangulate(config, unseen, destfolder=results, report=report))
    points, session = read_points(made.sessions[0].files[0]), made.sessions[0]
    truth = points_of(cast.unseen) - BOARD_ORIGIN
    away = np.linalg.norm(points.xyz - truth, axis=-1)
    files = {"videos": videos, "project": config.parent, "points": session.files[0]}
    return DemoInSpace(
        folder,
        config,
        points.bodyparts,
        errors=tuple(_percentile(of_part, 50) for of_part in away.T),
        error=_percentile(away, 50),
        error_95=_percentile(away, 95),
        aligned=_percentile(np.linalg.norm(_aligned(points.xyz, truth) - truth, axis=-1), 50),
        found=session.found,
        reprojection=session.errors,
        calibration=calibrated,
        times=step.times,
        files=files,
    )


def _percentile(values: Float64[np.ndarray, "..."], share: float) -> float:
    known = values[np.isfinite(values)]
    return float(np.percentile(known, share)) if known.size else float("nan")


def _calibrate(config: Path, boards: Path, report: Report) -> Mapping[str, float]:
    """Calibrate the cameras of the project, if it has none, and return the errors in pixels."""
    if open_project(config).cameras.is_file():
        return {}
    return calibrate_cameras(
        config,
        boards,
        columns=BOARD.columns,
        rows=BOARD.rows,
        square=BOARD.square,
        coefficients=_COEFFICIENTS,
        world=0,  # the board lies on the floor then
        report=report,
    ).rms


def _aligned(points: Float64[np.ndarray, "T K 3"], truth: Float64[np.ndarray, "T K 3"]) -> Float64[np.ndarray, "T K 3"]:
    """Turn and move points as a whole so that they fit the truth best."""
    there = np.isfinite(points).all(axis=-1)
    if there.sum() < 3:
        return points
    middle, true_middle = points[there].mean(axis=0), truth[there].mean(axis=0)
    left, _, right = np.linalg.svd((truth[there] - true_middle).T @ (points[there] - middle))
    turn = left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right  # no mirror image
    return (points - middle) @ turn.T + true_middle
