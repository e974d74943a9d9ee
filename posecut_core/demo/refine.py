"""The demonstration in two rounds: frames in which the first network errs are corrected, and it is trained again."""

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from posecut_core.demo.run import STEPS, Cast, DemoResult, Steps, StepTime, run_demo, show, split
from posecut_core.demo.sample import RESULTS, VIDEOS, check_folder, earlier_project, film_all, label
from posecut_core.demo.scene import FURTHER, UNSEEN_AT_DUSK, Scene, mean_errors, prepare
from posecut_core.poses.files import read_predictions
from posecut_core.progress import Notice, Report, silent
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project
from posecut_core.refinement.candidates import Criteria
from posecut_core.video.frame_store import numbers_in
from posecut_core.workflow.analyze_videos import AnalyzedVideos, analyze_videos
from posecut_core.workflow.extract_outlier_frames import extract_outlier_frames
from posecut_core.workflow.merge_datasets import merge_datasets
from posecut_core.workflow.train_network import train_network

_TASK = "mouse-refined"  # a project of its own, beside that of the demonstration in one round
_STEP_COUNT = 7  # of the second round
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


def demo(folder: str | os.PathLike[str] = "posecut-demo", *, refine: bool = False, report: Report = silent) -> object:
    """Draw videos of a mouse and run every step on them, in a few minutes.

    Args:
        folder: where to write the videos and the project.
        refine: play two rounds with fewer labels: in the second one, frames in which the network errs are corrected and
            it is trained again. This takes twice as long.
        report: told of everything.
    """
    return (run_refined_demo if refine else run_demo)(Path(folder).expanduser(), report=report)


def run_refined_demo(folder: Path, *, rounds: Rounds | None = None, report: Report = silent) -> RefinedDemo:
    """Play two rounds of the workflow on drawn videos; in a folder of an earlier demo only what is missing is done.

    Args:
        folder: where to write; it is made if it does not exist.
        rounds: what to play; by default few labels of two mice, then outliers of a further video of one of them, in
            which the lamp goes down now and then.
        report: told of everything.

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
    """Analyse a video and extract frames in which the network seems to err, with drafts of labels."""
    results = config.parent.parent / RESULTS
    analyze_videos(config, [video], destfolder=results, report=report)
    extract_outlier_frames(
        config,
        [video],
        **asdict(rounds.criteria),
        number_of_frames=rounds.frames_to_correct,
        destfolder=results,
        report=report,
    )


def _second_round(first: DemoResult, rounds: Rounds, *, choose: _Choose, report: Report = silent) -> RefinedDemo:
    """Label frames of the further video, train again on all labels, and analyse the unseen video again.

    Args:
        first: the first round.
        rounds: the same as in the first round.
        choose: extracts the frames of the further video that are to be labelled.
        report: told of everything.
    """
    config, further, step = first.config_path, rounds.further, Steps(report, _STEP_COUNT)
    unseen, results = first.folder / VIDEOS / f"{rounds.cast.unseen.name}.mp4", first.folder / RESULTS / _ROUND_2
    video = step("drawing one more video", lambda: film_all((further,), first.folder / VIDEOS, report)[0])
    frames = step("choosing frames of it to correct", lambda: _chosen(config, video, rounds, choose, report))
    step("correcting their labels", lambda: label(config, (further,), {further.name: frames}))
    merged = step("merging them with the others", lambda: _merge(config, rounds, report))
    step("training again", lambda: train_network(config, maxiters=rounds.steps, weights=rounds.weights, report=report))
    analysed = step(
        "analysing a new video, again",
        lambda: analyze_videos(config, [unseen], save_as_csv=True, destfolder=results, report=report),
    )
    shown = step("drawing trajectories and a labelled video", lambda: show(config, unseen, results, report))
    return RefinedDemo(
        folder=first.folder,
        config_path=config,
        bodyparts=first.bodyparts,
        before=Round(merged - len(frames), first.unseen_errors, first.unseen_error),
        after=Round(merged, *_errors(rounds.cast.unseen, analysed)),
        video=further.name,
        corrected=frames,
        times=(*first.times, *step.times),
        files=_files(first, analysed, shown),
    )


def _chosen(config: Path, video: Path, rounds: Rounds, choose: _Choose, report: Report) -> tuple[int, ...]:
    """Return the frames of the further video that are in the project; they are chosen if there are none."""
    if not _stored(config, video):
        choose(config, video, rounds, report)
    return _stored(config, video)


def _stored(config: Path, video: Path) -> tuple[int, ...]:
    return numbers_in(open_project(config).frame_store(video.stem))


def _merge(config: Path, rounds: Rounds, report: Report) -> int:
    """Begin iteration 1 with a training dataset of all labels; return how many frames are labelled."""
    merged = merge_datasets(config, report=report)
    split(config, rounds.settings)
    return merged.labelled_frames


def _errors(unseen: Scene, analysed: AnalyzedVideos) -> tuple[tuple[float, ...], float]:
    return mean_errors(read_predictions(analysed.videos[0].files[0]).xy, prepare(unseen).truth)


def _files(first: DemoResult, analysed: AnalyzedVideos, shown: dict[str, Path]) -> dict[str, Path]:
    project = open_project(first.config_path)
    return {
        "videos and their truth": first.folder / VIDEOS,
        "project": project.root,
        "network": project.training().folder,
        "predictions, before": first.files["predictions"],
        "predictions, after": analysed.videos[0].files[0],
        "labelled video, before": first.files["labelled video"],
        "labelled video, after": shown["labelled video"],
    }
