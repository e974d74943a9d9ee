"""What a child process can be asked to do: names, the calls of the core behind them, and queues of videos."""

import dataclasses
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import psutil

import posecut_core
from napari_posecut.remedies import in_window
from posecut_core.errors import AnalysisError, ArgumentError, CameraError, StorageError, VideoError
from posecut_core.progress import Notice, Progress, Report
from posecut_core.project.given import named_few
from posecut_core.refinement.candidates import best_heuristic, is_mostly_wrong
from posecut_core.results import Summary, counted
from posecut_core.steps import arguments_of

if TYPE_CHECKING:
    from posecut_core.workflow.create_training_dataset import CreatedDataset
    from posecut_core.workflow.scoremaps import FrameScoremaps
    from posecut_core.workflow.train_network import TrainedNetwork


# --- video queue ------------------------------------------------------------------------------------------------------
# A queue of videos, analyzed one after the other in one child process, or on a cluster; each says how it went.
#
# Reports carry `video`, the place in the queue that they are about; the last of each carries `finished` or
# `failed` too. Each video goes through all steps before the next one begins.


_NAMED = 5  # failed videos in a sentence; the list of videos marks all
_OF_ONE_VIDEO = (AnalysisError, StorageError, VideoError)  # any other failure is the same for all of them


@dataclass(frozen=True)
class _QueuedVideo:
    """How one video went."""

    video: str
    files: tuple[Path, ...] = ()
    said: tuple[str, ...] = ()  # of its analysis: how fast, by which engine, what a tracking crop did
    failure: str = ""  # why it is not done


@dataclass(frozen=True)
class _AnalyzedQueue:
    """The videos in their order."""

    videos: tuple[_QueuedVideo, ...]

    def summary(self) -> Summary:
        """Say how many videos are done, which failed, and of each what its analysis says of itself."""
        done = [one for one in self.videos if not one.failure]
        failed = [Path(one.video).name for one in self.videos if one.failure]
        lines = tuple(f"{Path(one.video).name}: {'; '.join(one.said)}" for one in done if one.said)
        if not failed:
            return Summary(f"{counted(len(done), 'video')} analyzed.", lines)
        text = f"{len(done)} of {counted(len(self.videos), 'video')} analyzed, {len(failed)} failed: "
        text += f"{named_few(failed, most=_NAMED)}."
        return Summary(text, lines, is_warning=True)


def analyze_queue(config: Path, arguments: Mapping[str, Any], report: Report) -> _AnalyzedQueue:
    """Analyze videos, and do with each what is to follow; failures stop no other video.

    Args:
        config: path of config.yaml.
        arguments: `videos`, as paths; `shuffle`, `snapshot`, `ensemble` and `destfolder` as all steps take them;
            `steps`, in their order, each with its other arguments: `analyze_videos`, and those that follow it;
            `cluster`, if several videos are to be treated at once.
        report: called with progress and notices.

    Raises:
        PosecutError: as `analyze_videos` raises it where no video can be analyzed.
        AnalysisError: each video failed, for a reason of its own.
    """
    videos = tuple(arguments["videos"])
    work = partial(_one, config, arguments, _clashing(videos, arguments.get("destfolder")))

    def about(place: int, progress: Progress | Notice) -> None:
        if isinstance(progress, Progress):
            progress = dataclasses.replace(progress, values={**progress.values, "video": place})
        report(progress)

    treated: dict[int, _QueuedVideo] = {}
    for place, video in _treated(videos, work, arguments.get("cluster"), about):
        treated[place] = video
        done = Progress(f"{Path(video.video).name} is done", 1, 1, {"finished": 1})
        about(place, Progress(video.failure, 1, 1, {"failed": 1}) if video.failure else done)
    if treated and all(video.failure for video in treated.values()):
        raise _none_done([treated[place] for place in range(len(videos))])
    return _AnalyzedQueue(tuple(treated[place] for place in range(len(videos))))


def _none_done(videos: Sequence[_QueuedVideo]) -> AnalysisError:
    """Return what a queue without a result fails with."""
    if len(videos) == 1:
        return AnalysisError(videos[0].failure)
    names = named_few([Path(one.video).name for one in videos], most=_NAMED)
    return AnalysisError(f"None of {len(videos)} videos could be analyzed: {names}. The list says why of each.")


_Work = Callable[[str, Report], _QueuedVideo]


def _treated(
    videos: tuple[str, ...], work: _Work, cluster: str | None, about: Callable[[int, Progress | Notice], None]
) -> Iterator[tuple[int, _QueuedVideo]]:
    """Yield how each video went: here, one after the other, or on a cluster, as they are done."""
    if cluster is None:
        for place, video in enumerate(videos):
            yield place, work(video, partial(about, place))
        return
    from posecut_core.distributed.executors import executor_of

    with closing(executor_of(cluster).run(work, videos)) as running:
        for place, outcome in running:
            if isinstance(outcome, Progress):
                about(place, outcome)
                continue
            for notice in outcome.notices:
                about(place, notice)
            if outcome.error is None:
                yield place, outcome.result
            elif isinstance(outcome.error, _OF_ONE_VIDEO):
                yield place, _QueuedVideo(videos[place], failure=in_window(outcome.error))
            else:
                raise outcome.error


def _one(
    config: Path, arguments: Mapping[str, Any], clashing: Mapping[str, str], video: str, report: Report
) -> _QueuedVideo:
    try:
        if video in clashing:
            raise AnalysisError(clashing[video])
        return _QueuedVideo(video, *_done(config, video, arguments, report))
    except _OF_ONE_VIDEO as error:
        return _QueuedVideo(video, failure=in_window(error))


def _done(
    config: Path, video: str, arguments: Mapping[str, Any], report: Report
) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    shared = ("shuffle", "snapshot", "ensemble", "destfolder")
    where = {name: arguments[name] for name in shared if arguments.get(name) is not None}
    files: list[Path] = []
    said: list[str] = []
    for step, given in arguments["steps"].items():
        done = getattr(posecut_core, step)(config, [video], **where, **given, report=report)
        files += done.files
        for one in getattr(done, "videos", ()):
            said += [one.sentence(), *([one.tracking.sentence()] if one.tracking else [])]
    return tuple(files), tuple(said)


def _clashing(videos: tuple[str, ...], folder: str | None) -> dict[str, str]:
    """Say of which videos the results would have one name: the second would be taken for analyzed."""
    places = {video: (folder or os.path.dirname(video), Path(video).stem) for video in videos}
    counts = Counter(places.values())
    return {
        video: f"{counts[place]} videos are named {place[1]}, so their results in {place[0]} would overwrite each "
        "other; analyze them one at a time, each with its own results folder."
        for video, place in places.items()
        if counts[place] > 1
    }


# --- verbs ------------------------------------------------------------------------------------------------------------
# What a child process can be asked to do: names, and the calls of the core behind them.
#
# Arguments are those of the core's functions, as JSON has them; results are the core's frozen dataclasses. The core,
# and JAX with it, is imported by the call, so that a window can look at the table.


Verb = Callable[[Path, Mapping[str, Any], Report], object]


@dataclass(frozen=True)
class _DatasetAndNetwork:
    """A training, and the training dataset where there was none before."""

    dataset: "CreatedDataset | None"
    network: "TrainedNetwork"

    def summary(self) -> Summary:
        """Say how far training came."""
        return self.network.summary()


def _core(name: str) -> Verb:
    def call(config: Path, arguments: Mapping[str, Any], report: Report) -> object:
        reports = any(argument.parameter == "report" for argument in arguments_of(name))
        return getattr(posecut_core, name)(config, **arguments, **({"report": report} if reports else {}))

    return call


def import_project(config: Path, arguments: Mapping[str, Any], report: Report) -> object:
    """Make a project of one of another program; there is none yet that it belongs to.

    Args:
        config: passed over.
        arguments: those of `import_project`.
        report: called with progress and notices.

    Raises:
        PosecutError: as `import_project` raises it.
    """
    return posecut_core.import_project(**arguments, report=report)


def create_dataset_and_train(config: Path, arguments: Mapping[str, Any], report: Report) -> _DatasetAndNetwork:
    """Train a shuffle, from its training dataset or from one made of all labels as they are now.

    Args:
        config: path of config.yaml.
        arguments: those of `train_network`; its `settings` may name `net_type` as well.
        report: notified of the training.

    Raises:
        PosecutError: as both steps raise it.
    """
    from posecut_core.project.opening import open_project

    shuffle, index = arguments.get("shuffle", 1), arguments.get("trainingsetindex", 0)
    settings, rest = arguments.get("settings"), {key: arguments[key] for key in arguments if key != "settings"}
    dataset = None
    if not open_project(config).training(shuffle, index).split.exists():
        dataset = posecut_core.create_training_dataset(
            config, shuffles=[shuffle], trainingsetindex=index, settings=settings, report=report
        )
        settings = None  # they are in settings.yaml now
    return _DatasetAndNetwork(dataset, posecut_core.train_network(config, **rest, settings=settings, report=report))


def find_outliers(config: Path, arguments: Mapping[str, Any], report: Report) -> object:
    """Find frames that look wrong, and neither extract nor write anything.

    Args:
        config: path of config.yaml.
        arguments: those of `extract_outlier_frames`; what concerns the choice among the frames found is passed over.
        report: called with progress and notices.

    Raises:
        PosecutError: as `find_outlier_frames` raises it.
    """
    choice = ("extractionalgorithm", "random_share", "seed")
    known = {name: value for name, value in arguments.items() if name not in choice}
    return posecut_core.find_outlier_frames(config, **known, report=report)


@dataclass(frozen=True)
class _ComparedVideo:
    """What each method finds in one video."""

    video: str
    looked_at: int  # frames
    found: Mapping[str, tuple[int, ...]]
    suggested: str | None  # the method that fits best; None where none finds anything
    mostly_wrong: bool


@dataclass(frozen=True)
class _ComparedMethods:
    """What all methods find."""

    videos: tuple[_ComparedVideo, ...]
    refused: Mapping[str, str]  # method -> why it cannot judge these videos
    suggested: str | None  # for all videos together

    def summary(self) -> Summary:
        """Say how many frames each method finds."""
        totals = Counter({name: len(found) for one in self.videos for name, found in one.found.items()})
        return Summary("", tuple(f"{name}: {counted(count, 'frame')}" for name, count in totals.items()))


_OTHER_NETWORKS = ("other_snapshots", "other_shuffles")
_LONG = 20_000  # frames, beyond which fitting a model to each bodypart takes too long to be tried unasked


def compare_outliers(config: Path, arguments: Mapping[str, Any], report: Report) -> _ComparedMethods:
    """Find frames that look wrong by several methods, and neither extract nor write anything.

    Args:
        config: path of config.yaml.
        arguments: those of `find_outliers`; `methods` instead of `outlieralgorithm`.
        report: called with progress and notices.

    Raises:
        PosecutError: as `find_outlier_frames` raises it where not only a method is at fault.
    """
    given = {name: value for name, value in arguments.items() if name != "methods"}
    others: dict[str, Any] = {name: given.pop(name) for name in _OTHER_NETWORKS if name in given}
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    refused: dict[str, str] = {}
    looked_at: dict[str, int] = {}
    for method in arguments["methods"]:
        if method == "fitting" and sum(looked_at.values()) > _LONG:
            refused[method] = "the videos are long; ask for it alone"
            continue
        more = others if method == "disagreement" else {}
        try:
            outliers: Any = find_outliers(config, {**given, **more, "outlieralgorithm": method}, report)
        except (AnalysisError, ArgumentError, CameraError) as error:
            refused[method] = in_window(error)
            continue
        for video in outliers.videos:
            looked_at[str(video.video)] = video.looked_at
            far = (one for one in video.candidates if method != "fitting" or one.score > video.criteria.epsilon)
            found.setdefault(str(video.video), {})[method] = tuple(sorted({one.number for one in far}))
    videos = tuple(
        _ComparedVideo(
            name, looked_at[name], one, best_heuristic(one, looked_at[name]), is_mostly_wrong(one, looked_at[name])
        )
        for name, one in found.items()
    )
    together = {
        method: [(video, number) for video, one in found.items() for number in one.get(method, ())]
        for method in arguments["methods"]
    }
    return _ComparedMethods(videos, refused, best_heuristic(together, sum(looked_at.values())))


def assist(config: Path, arguments: Mapping[str, Any], report: Report) -> object:
    """Train on what is labeled, and propose the rest, until told to stop, or until the window is gone."""
    from posecut_core.workflow.propose_labels import assist as run

    return run(config, **arguments, report=_while_parent_lives(report))


def _while_parent_lives(report: Report) -> Report:
    """Return a report that raises KeyboardInterrupt once the process is gone that has started this one."""
    number, parent = os.getppid(), psutil.Process().parent()

    def checked(progress: Progress | Notice) -> None:
        # On Windows a process keeps the number of a parent that has ended; elsewhere it gets another parent.
        if os.getppid() != number or parent is None or not parent.is_running():
            raise KeyboardInterrupt
        report(progress)

    return checked


def propose(config: Path, arguments: Mapping[str, Any], report: Report) -> object:
    """Let the newest network propose labels for frames that have none."""
    from posecut_core.workflow.propose_labels import propose_labels

    return propose_labels(config, **arguments, report=report)


def scoremap(config: Path, arguments: Mapping[str, Any], report: Report) -> "FrameScoremaps":
    """Write the score maps of one frame.

    Args:
        config: path of config.yaml.
        arguments: those of `frame_scoremaps`.
        report: not called; it takes as long as loading a network.

    Raises:
        PosecutError: as `frame_scoremaps` raises it.
    """
    from posecut_core.workflow.scoremaps import frame_scoremaps

    return frame_scoremaps(config, **arguments)


VERBS: dict[str, Verb] = {
    "assist": assist,
    "propose": propose,
    "add_videos": _core("add_new_videos"),
    "analyze_queue": analyze_queue,
    "check_labels": _core("check_labels"),
    "compare_outliers": compare_outliers,
    "create_labeled_video": _core("create_labeled_video"),
    "cross_validate": _core("cross_validate"),
    "create_dataset_and_train": create_dataset_and_train,
    "doctor": _core("doctor"),
    "evaluate": _core("evaluate_network"),
    "export_model": _core("export_model"),
    "export_deeplabcut": _core("export_deeplabcut"),
    "export_labels": _core("export_labels"),
    "export_poses": _core("export_poses"),
    "extract_frames": _core("extract_frames"),
    "extract_outliers": _core("extract_outlier_frames"),
    "filterpredictions": _core("filterpredictions"),
    "find_outliers": find_outliers,
    "import_labels": _core("import_labels"),
    "import_poses": _core("import_poses"),
    "import_project": import_project,
    "merge_datasets": _core("merge_datasets"),
    "plot_trajectories": _core("plot_trajectories"),
    "scoremap": scoremap,
    "calibrate_cameras": _core("calibrate_cameras"),
    "refine_cameras": _core("refine_cameras"),
    "triangulate": _core("triangulate"),
}

Part = Literal["cameras", "config", "frames", "labels", "networks", "predictions"]
# What a verb writes of a project that others read or write. Two that write the same part do not run at the same time; a
# window lets go of labels while they are written, and reads again what it shows. Proposals are not among them: they are
# replaced whole, and can be made anew.
_WRITES: Mapping[str, frozenset[Part]] = {
    "add_videos": frozenset({"config"}),
    "analyze_queue": frozenset({"predictions"}),
    "create_dataset_and_train": frozenset({"networks"}),
    "cross_validate": frozenset({"networks"}),
    "doctor": frozenset({"config", "frames", "labels", "networks"}),
    "extract_frames": frozenset({"config", "frames"}),
    "extract_outliers": frozenset({"config", "frames", "labels"}),
    "filterpredictions": frozenset({"predictions"}),
    "import_labels": frozenset({"config", "frames", "labels"}),
    "import_poses": frozenset({"predictions"}),
    "merge_datasets": frozenset({"config", "labels"}),
    "calibrate_cameras": frozenset({"cameras"}),
    "refine_cameras": frozenset({"cameras"}),
    "triangulate": frozenset({"cameras", "predictions"}),  # it reads the cameras that a calibration replaces
}


# How work is called in sentences.
_TITLES: Mapping[str, str] = {
    "add_videos": "adding videos",
    "analyze_queue": "video analysis",
    "assist": "learning from your labels",
    "check_labels": "drawing labels",
    "compare_outliers": "comparison of ways to find outlier frames",
    "create_dataset_and_train": "training",
    "create_labeled_video": "drawing a labeled video",
    "cross_validate": "cross-validation",
    "doctor": "project repair",
    "evaluate": "evaluation",
    "export_deeplabcut": "writing images for DeepLabCut",
    "export_labels": "export of the labels",
    "export_model": "export of the network",
    "export_poses": "export of predictions",
    "extract_frames": "frame extraction",
    "extract_outliers": "extraction of outlier frames",
    "filterpredictions": "filtering of trajectories",
    "find_outliers": "search for outlier frames",
    "import_labels": "import of labels",
    "import_poses": "import of predictions",
    "import_project": "import of a project",
    "merge_datasets": "merging labels",
    "plot_trajectories": "drawing trajectories",
    "propose": "suggesting poses",
    "scoremap": "computing a score map",
    "calibrate_cameras": "calibration",
    "refine_cameras": "refinement of the cameras",
    "triangulate": "triangulation",
}


def title_of(verb: str) -> str:
    """Return how a verb is called in a sentence for the user."""
    return _TITLES.get(verb, verb.replace("_", " "))


def writes(verb: str) -> frozenset[Part]:
    """Return what a verb writes of what others read."""
    return _WRITES.get(verb, frozenset())


def in_the_way(one: str, other: str) -> bool:
    """Tell whether two verbs must not run at the same time in a project."""
    return one == other or not writes(one).isdisjoint(writes(other))
