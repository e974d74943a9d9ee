"""Step I: take single errors out of predictions (`filterpredictions`)."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from posecut_core.distributed.executors import each_on
from posecut_core.errors import AnalysisError, ArgumentError, Remedy, treat_all
from posecut_core.model.snapshots import chosen_network
from posecut_core.poses.files import (
    check_replaceable,
    existing_predictions,
    filtered_path,
    prediction_path,
    write_predictions,
)
from posecut_core.poses.filters import arima_filtered, kalman_filtered, median_filtered, spline_filtered
from posecut_core.poses.predictions import Network, Predictions, read_origin
from posecut_core.progress import Notice, Report, silent
from posecut_core.project.given import Videos, forgiving, given_folder
from posecut_core.project.opening import chosen_videos, open_project
from posecut_core.project.paths import Project
from posecut_core.results import Summary, counted
from posecut_core.storage.locks import sole_writer
from posecut_core.types import FilterType

_FILLING = ("arima", "spline", "kalman")  # filters whose filled positions keep low likelihoods


@dataclass(frozen=True)
class FilteredPredictions:
    """Where the filtered predictions of one call lie."""

    scorer: str
    filtertype: str
    files: tuple[Path, ...]  # .h5 and .csv of each video

    def summary(self) -> Summary:
        """Say where the filtered predictions are."""
        lines = tuple(f"Filtered by {self.filtertype}: {path}" for path in self.files)
        given: dict[str, object] = {"filtered": True} | ({"pcutoff": 0} if self.filtertype in _FILLING else {})
        steps = ("plot_trajectories", "create_labeled_video")
        return Summary("", lines, tuple(Remedy(step, **given) for step in steps))


@forgiving
def filterpredictions(
    config: str | os.PathLike[str],
    videos: Videos,
    shuffle: int = 1,
    trainingsetindex: int = 0,
    *,
    filtertype: FilterType = "median",
    windowlength: int = 5,
    p_bound: int | float = 0.001,
    ARdegree: int = 3,  # noqa: N803 (the paper's name)
    MAdegree: int = 1,  # noqa: N803 (the paper's name)
    pcutoff: int | float | None = None,
    max_gap: int = 10,
    save_as_csv: bool = True,
    snapshot: int | str | None = None,
    ensemble: bool = False,
    destfolder: str | os.PathLike[str] | None = None,
    videotype: str | Sequence[str] = "",
    dlc_names: bool = False,
    cluster: str | None = None,
    report: Report = silent,
) -> FilteredPredictions:
    """Smooth the predictions of analyzed videos, into files beside them.

    `<video><scorer>_filtered.h5` has positions smoothed over time, and likelihoods as before. What "arima" bridged and
    "spline" and "kalman" filled has a position and a low likelihood: a pcutoff of 0 then draws all of it. After the
    last two, what is too uncertain has no position.

    Args:
        config: path of config.yaml.
        videos: analyzed videos: files, names of project videos, or folders.
        shuffle: which shuffle: which split of the labeled frames, and its network.
        trainingsetindex: which of config.yaml's training fractions, counted from 0.
        filtertype: "median" of the frames around each frame; "arima": what a state-space model of the movement expects
            from the frames before, which also bridges unlikely and missing positions; "spline": fill gaps, and leave
            other positions as they are; or "kalman": fill gaps and smooth by the frames before and after, each as much
            as its likelihood says.
        windowlength: for "median": an odd number of frames.
        p_bound: for "arima": bridge positions of lower likelihood.
        ARdegree: for "arima": how many earlier values the model looks at.
        MAdegree: for "arima": how many earlier errors the model looks at.
        pcutoff: for "spline" and "kalman": positions of lower likelihood are gaps; by default pcutoff in config.yaml.
        max_gap: for "spline" and "kalman": the longest gap to fill, in frames; longer ones have no positions.
        save_as_csv: write a .csv beside the .h5.
        snapshot: number of training steps of the snapshot, or "last"; by default snapshotindex in config.yaml decides.
        ensemble: take the predictions of all networks of the shuffle together.
        destfolder: folder of the predictions; by default beside each video.
        videotype: take only videos of this suffix from folders, such as mp4; by default all.
        dlc_names: name files and columns as DeepLabCut 3 does, for programs that go by its names.
        cluster: filter several videos at once, as `analyze_videos` does; the results are the same.
        report: called after each video.

    Raises:
        ArgumentError: a filter or a number is not possible.
        AnalysisError: a video has not been analyzed by this network, or only by an earlier one of its name; of
            several, the others are done.
        StorageError: the folder cannot be written.
    """
    if ARdegree < 1 or MAdegree < 0:
        raise ArgumentError(f"ARdegree is {ARdegree} and MAdegree {MAdegree}, expected at least 1 and 0.")
    project = open_project(config)
    network = chosen_network(project.training(shuffle, trainingsetindex), snapshot, ensemble=ensemble)
    given = chosen_videos(project, videos, videotype=videotype, elsewhere=True, report=report)

    gaps: dict[str, Any] = {"pcutoff": project.config.pcutoff if pcutoff is None else pcutoff, "max_gap": max_gap}
    used: dict[str, int | float] = gaps
    if filtertype == "median":
        smooth, used = partial(median_filtered, windowlength=windowlength), {"windowlength": windowlength}
    elif filtertype == "arima":
        smooth = partial(arima_filtered, p_bound=p_bound, ar_degree=ARdegree, ma_degree=MAdegree)
        used = {"p_bound": p_bound, "ARdegree": ARdegree, "MAdegree": MAdegree}
    else:
        smooth = partial(spline_filtered if filtertype == "spline" else kalman_filtered, **gaps)
    folder = None if destfolder is None else given_folder(destfolder)
    filtering = _Filtering(
        project, network, folder, smooth, {"filtertype": filtertype, **used}, csv=save_as_csv, dlc_names=dlc_names
    )

    def together(files: list[tuple[Path, ...]]) -> FilteredPredictions:
        scorer = network.dlc_scorer if dlc_names else network.scorer
        return FilteredPredictions(scorer, filtertype, tuple(path for several in files for path in several))

    return treat_all(
        given.paths,
        partial(_filter, filtering),
        together,
        what="videos have no filtered predictions",
        kind=AnalysisError,
        failed=given.refused,
        each=each_on(cluster, stage="filtering predictions", report=report, counting=True),
    )


@dataclass(frozen=True)
class _Filtering:
    """What is the same for all videos of a call."""

    project: Project
    network: Network
    destfolder: Path | None
    smooth: Callable[[Predictions], Predictions]
    settings: dict[str, object]  # of the filter
    csv: bool
    dlc_names: bool


def _filter(filtering: _Filtering, video: Path, report: Report) -> tuple[Path, ...]:
    """Filter the predictions of one video, and return what was written."""
    project, network, settings = filtering.project, filtering.network, filtering.settings
    found = existing_predictions(project, video, network, filtering.destfolder, report=report)
    origin, predictions = replace(found.derived, settings=settings), found.predictions
    target = filtered_path(found.path)
    if filtering.dlc_names:
        predictions = replace(predictions, scorer=network.dlc_scorer)
        target = filtered_path(prediction_path(video, network.dlc_scorer, found.path.parent))
        check_replaceable(target)
    frames, window = len(predictions.xy), settings.get("windowlength")
    if isinstance(window, int) and window > frames:
        told = f"{video.name} has {counted(frames, 'frame')}, fewer than the window of {window:,}"
        report(Notice(f"{told}; little of the movement is left"))
    before = read_origin(target)
    with sole_writer(target, doing=f"The predictions of {video.name} are being filtered"):
        smooth = filtering.smooth(predictions)
        if before is not None and before.filter and before.settings != settings:
            report(Notice(f"{target.name}, which was filtered by {before.filter}, is replaced"))
        return write_predictions(target, smooth, csv=filtering.csv, origin=origin)
