"""Step I: look at predictions as figures (`plot_trajectories`) and as labeled videos (`create_labeled_video`)."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from posecut_core.dataset.frames import made_ahead
from posecut_core.distributed.executors import each_on
from posecut_core.errors import AnalysisError, ArgumentError, Remedy, treat_all
from posecut_core.labels.notices import note_bodyparts, note_skeleton
from posecut_core.model.snapshots import chosen_network
from posecut_core.plots.colors import bytes_of, colors_of, named_color
from posecut_core.plots.labeled_video import PoseStyle, beside, black_picture, draw_pose, even_corner, layers_of
from posecut_core.plots.trajectories import draw_trajectories
from posecut_core.poses.files import FoundTable, existing_predictions
from posecut_core.poses.predictions import Network, Origin, Predictions, check_length, of_bodyparts, origin_from
from posecut_core.progress import Notice, Progress, Report, silent
from posecut_core.project.config import bones_between
from posecut_core.project.given import Videos, chosen_bodyparts, forgiving, given_folder
from posecut_core.project.opening import chosen_videos, open_project
from posecut_core.project.paths import Project
from posecut_core.project.state import look_of
from posecut_core.results import Summary
from posecut_core.storage.locks import clear_lock, sole_writer
from posecut_core.types import Crop
from posecut_core.video.demux import HALF_THE_CORES
from posecut_core.video.reader import VideoReader
from posecut_core.video.writer import VideoWriter, comment_of

_DARK = 60  # luma of 255, below which a color cannot be seen on black


@dataclass(frozen=True)
class PlottedTrajectories:
    """The figures of one call."""

    scorer: str
    folders: tuple[Path, ...]  # one per video
    files: tuple[Path, ...]

    def summary(self) -> Summary:
        """Say where the figures are."""
        return Summary("", tuple(f"Figures: {folder}" for folder in self.folders), (Remedy("create_labeled_video"),))


@dataclass(frozen=True)
class LabeledVideos:
    """The labeled videos of one call."""

    scorer: str
    files: tuple[Path, ...]  # one per video
    skipped: tuple[Path, ...]  # those of `files` that were there before

    def summary(self) -> Summary:
        """Say where the videos are; where they show errors, the frames with these come next."""
        lines = tuple(f"{'Exists already' if path in self.skipped else 'Labeled video'}: {path}" for path in self.files)
        text = "Videos that exist already were kept; overwrite them to draw them again." if self.skipped else ""
        return Summary(text, lines, (Remedy("extract_outlier_frames"),))


@forgiving
def plot_trajectories(
    config: str | os.PathLike[str],
    videos: Videos,
    *,
    shuffle: int = 1,
    trainingsetindex: int = 0,
    snapshot: int | str | None = None,
    ensemble: bool = False,
    destfolder: str | os.PathLike[str] | None = None,
    videotype: str | Sequence[str] = "",
    bodyparts: str | Sequence[str] | None = None,
    pcutoff: int | float | None = None,
    colormap: str | None = None,
    filtered: bool = False,
    report: Report = silent,
) -> PlottedTrajectories:
    """Draw the predictions of analyzed videos as figures.

    Paths, positions over time, likelihoods, jumps and speeds, and `trajectories.html`, one page with all of them, go to
    `plot-poses/<video><scorer>/` beside the predictions, so that figures of another network, and those that DeepLabCut
    keeps in `plot-poses/<video>/`, stay.

    Args:
        config: path of config.yaml.
        videos: analyzed videos: files, names of project videos, or folders.
        shuffle: which shuffle: which split of the labeled frames, and its network.
        trainingsetindex: which of config.yaml's training fractions, counted from 0.
        snapshot: number of training steps of the snapshot, or "last"; by default snapshotindex in config.yaml decides.
        ensemble: take the predictions of all networks of the shuffle together.
        destfolder: folder of the predictions; by default beside each video.
        videotype: take only videos of this suffix from folders, such as mp4; by default all.
        bodyparts: draw only these, separated by commas; by default all.
        pcutoff: leave out points of lower likelihood; by default pcutoff in config.yaml.
        colormap: colors of the bodyparts, a name of matplotlib's; by default colormap in config.yaml.
        filtered: draw what filterpredictions wrote; the folder's name then ends in `_filtered`.
        report: called after each video.

    Raises:
        AnalysisError: a video has not been analyzed by this network; of several, the others are done.
        ArgumentError: a bodypart or the colormap is unknown.
    """
    project = open_project(config)
    network = chosen_network(project.training(shuffle, trainingsetindex), snapshot, ensemble=ensemble)
    given = chosen_videos(project, videos, videotype=videotype, elsewhere=True, report=report)
    cutoff = project.config.pcutoff if pcutoff is None else pcutoff

    def plot(path: Path) -> tuple[Path, tuple[Path, ...]]:
        found = existing_predictions(project, path, network, destfolder, filtered=filtered, report=report)
        folder = found.path.parent / "plot-poses" / found.path.stem
        predictions = _chosen_predictions(project, found.predictions, bodyparts, report)
        if not (predictions.likelihood >= cutoff).any():
            told = f"{path.name}: no prediction has a likelihood of {cutoff:g} or more"
            report(Notice(f"{told}, so the figures of its positions are empty; try a lower pcutoff"))
        files = draw_trajectories(
            folder,
            predictions,
            pcutoff=cutoff,
            colormap=colormap or look_of(project).colormap,
            title=f"{path.name}, {network.scorer}{', filtered' if filtered else ''}",
            about=_source(found, filtered=filtered),
            alphavalue=project.config.alphavalue,
            dotsize=project.config.dotsize,
            origin=found.derived.text,
        )
        report(Progress("plotting trajectories", given.paths.index(path) + 1, len(given.paths)))
        return folder, files

    def together(plotted: list[tuple[Path, tuple[Path, ...]]]) -> PlottedTrajectories:
        files = (path for _, several in plotted for path in several)
        return PlottedTrajectories(network.scorer, tuple(folder for folder, _ in plotted), tuple(files))

    wrong = "videos have no figures"
    return treat_all(given.paths, plot, together, what=wrong, kind=AnalysisError, failed=given.refused)


def _source(found: FoundTable, *, filtered: bool) -> str:
    """Say what computed predictions and which filter they went through, as far as they say."""
    origin = found.origin or Origin(None)
    engine = f", computed by {origin.analysis.engine}" if origin.analysis else ""
    smoothed = f", filtered by {origin.filter or 'a filter that the file does not name'}" if filtered else ""
    return f"Predictions of {found.predictions.scorer}{engine}{smoothed}."


@forgiving
def create_labeled_video(
    config: str | os.PathLike[str],
    videos: Videos,
    *,
    shuffle: int = 1,
    trainingsetindex: int = 0,
    snapshot: int | str | None = None,
    ensemble: bool = False,
    destfolder: str | os.PathLike[str] | None = None,
    videotype: str | Sequence[str] = "",
    bodyparts: str | Sequence[str] | None = None,
    draw_skeleton: bool = False,
    trailpoints: int = 0,
    pcutoff: int | float | None = None,
    dotsize: int | float | None = None,
    alphavalue: int | float | None = None,
    colormap: str | None = None,
    filtered: bool = False,
    confidence_to_alpha: bool = False,
    displaycropped: bool = False,
    keypoints_only: bool = False,
    side_by_side: bool = False,
    frames: Sequence[int] = (),
    overwrite: bool = False,
    cluster: str | None = None,
    report: Report = silent,
) -> LabeledVideos:
    """Write videos with the predictions drawn on them.

    `<video><scorer>_labeled.mp4` beside the predictions shows a disc on each likely bodypart. Every frame of the video
    has its place, and its time where the video's rate varies; one that cannot be decoded repeats the picture before it.
    A labeled video that is there is kept if it was drawn from the same predictions with the same settings, and drawn
    anew if not.

    Args:
        config: path of config.yaml.
        videos: analyzed videos: files, names of project videos, or folders.
        shuffle: which shuffle: which split of the labeled frames, and its network.
        trainingsetindex: which of config.yaml's training fractions, counted from 0.
        snapshot: number of training steps of the snapshot, or "last"; by default snapshotindex in config.yaml decides.
        ensemble: take the predictions of all networks of the shuffle together.
        destfolder: folder of the predictions; by default beside each video.
        videotype: take only videos of this suffix from folders, such as mp4; by default all.
        bodyparts: draw only these, separated by commas; by default all.
        draw_skeleton: join bodyparts by config.yaml's skeleton.
        trailpoints: earlier positions to show behind each disc.
        pcutoff: leave out points of lower likelihood; by default pcutoff in config.yaml.
        dotsize: diameter of the discs in pixels; by default dotsize in config.yaml.
        alphavalue: opacity of the discs, 0 to 1; by default alphavalue in config.yaml.
        colormap: colors of the bodyparts, a name of matplotlib's; by default colormap in config.yaml.
        filtered: draw what filterpredictions wrote; the name then has `_filtered` in it.
        confidence_to_alpha: draw points the fainter the lower their likelihood is.
        displaycropped: show only the part of the frame that was analyzed.
        keypoints_only: draw on black instead of the video; a skeleton_color that is dark becomes white, and dark colors
            of bodyparts become lighter.
        side_by_side: show the predictions on the left, and what filterpredictions made of them on the right.
        frames: draw only these, such as 100-250; the name then has `_frames100-250` in it; by default all.
        overwrite: make videos again that exist.
        cluster: draw several videos at once, as `analyze_videos` does; the results are the same.
        report: called after each frame.

    Raises:
        AnalysisError: a video has not been analyzed by this network, or has changed since; of several, the others are
            done.
        ArgumentError: a bodypart, the colormap or a size is unknown or out of range.
        VideoError: a video cannot be read.
        StorageError: the folder cannot be written.
    """
    project = open_project(config)
    if draw_skeleton:
        note_skeleton(project, report=report)
    look = _Look(
        draw_skeleton=draw_skeleton,
        trailpoints=trailpoints,
        pcutoff=project.config.pcutoff if pcutoff is None else pcutoff,
        dotsize=project.config.dotsize if dotsize is None else dotsize,
        alphavalue=project.config.alphavalue if alphavalue is None else alphavalue,
        colormap=colormap or look_of(project).colormap,
        confidence_to_alpha=confidence_to_alpha,
        displaycropped=displaycropped,
        keypoints_only=keypoints_only,
        side_by_side=side_by_side,
    )
    network = chosen_network(project.training(shuffle, trainingsetindex), snapshot, ensemble=ensemble)
    given = chosen_videos(project, videos, videotype=videotype, elsewhere=True, report=report)
    folder = None if destfolder is None else given_folder(destfolder)
    drawing = _Drawing(
        project,
        network,
        folder,
        look,
        bodyparts=bodyparts,
        filtered=filtered,
        overwrite=overwrite,
        frames=sorted(set(frames)),
    )

    def together(drawn: list[tuple[Path, bool]]) -> LabeledVideos:
        skipped = tuple(path for path, is_new in drawn if not is_new)
        return LabeledVideos(network.scorer, tuple(path for path, _ in drawn), skipped)

    return treat_all(
        given.paths,
        partial(_draw, drawing),
        together,
        what="videos have no labeled video",
        kind=AnalysisError,
        failed=given.refused,
        each=each_on(cluster, stage="drawn videos", report=report),
    )


@dataclass(frozen=True)
class _Drawing:
    """What is the same for all videos of a call."""

    project: Project
    network: Network
    destfolder: Path | None
    look: "_Look"
    bodyparts: str | Sequence[str] | None
    filtered: bool
    overwrite: bool
    frames: Sequence[int] = ()  # that are drawn, increasing; empty for all


def _draw(drawing: _Drawing, path: Path, report: Report) -> tuple[Path, bool]:
    """Draw the predictions of one video, if that has not been done; return the labeled video and whether it is new."""
    project, look = drawing.project, drawing.look
    kinds = (False, True) if look.side_by_side else (drawing.filtered,)
    tables = [
        existing_predictions(project, path, drawing.network, drawing.destfolder, filtered=kind, report=report)
        for kind in kinds
    ]
    found = tables[-1]
    numbers = list(drawing.frames)
    clip = f"_frames{numbers[0]}-{numbers[-1]}" if numbers else ""
    target = found.path.with_name(f"{found.path.stem}{clip}_labeled.mp4")
    poses = [_chosen_predictions(project, table.predictions, drawing.bodyparts, report) for table in tables]
    style = _style(project, look, poses[-1].bodyparts)
    settings = _drawn(style, look, poses[-1].bodyparts) | ({"frames": numbers} if numbers else {})
    origin = replace(found.derived, settings=settings)
    if target.is_file() and not drawing.overwrite and _is_drawn(target, found.path, origin, report):
        clear_lock(target)
        return target, False
    window = _analyzed_window(project, found.origin) if look.displaycropped else None
    with sole_writer(target, doing=f"{target.name} is being drawn"):
        _write_labeled_video(path, target, poses, style, look, window, origin.text, report, numbers=numbers)
    return target, True


@dataclass(frozen=True)
class _Look:
    """What the caller wishes, checked."""

    draw_skeleton: bool
    trailpoints: int
    pcutoff: int | float
    dotsize: int | float
    alphavalue: int | float
    colormap: str
    confidence_to_alpha: bool
    displaycropped: bool
    keypoints_only: bool
    side_by_side: bool

    def __post_init__(self) -> None:
        if self.trailpoints < 0:
            raise ArgumentError(f"trailpoints is {self.trailpoints}, expected 0 or more; 0 draws no trails.")
        if not self.dotsize > 0:
            raise ArgumentError(f"dotsize is {self.dotsize}, expected a diameter in pixels above 0; 8 is usual.")
        if not 0 <= self.alphavalue <= 1:
            raise ArgumentError(f"alphavalue is {self.alphavalue}, expected 0 (invisible) to 1 (opaque); 0.7 is usual.")


def _style(project: Project, look: _Look, bodyparts: tuple[str, ...]) -> PoseStyle:
    """Turn wishes into colors and indices of the bodyparts drawn; each keeps its color when some are left out."""
    config = project.config
    colors = bytes_of(colors_of(look.colormap, len(config.bodyparts)))
    bone_color = bytes_of(named_color(config.skeleton_color)[None])
    if look.keypoints_only:
        colors, bone_color = _lightened(colors, 0.5), _lightened(bone_color, 1.0)
    order = {part: k for k, part in enumerate(config.bodyparts)}
    red, green, blue = bone_color[0].tolist()
    return PoseStyle(
        colors=np.array([colors[order.get(part, 0)] for part in bodyparts], dtype=np.uint8).reshape(-1, 3),
        dotsize=look.dotsize,
        alphavalue=look.alphavalue,
        pcutoff=look.pcutoff,
        bones=bones_between(bodyparts, config.skeleton) if look.draw_skeleton else (),
        bone_color=(red, green, blue),
        trailpoints=look.trailpoints,
        confidence_to_alpha=look.confidence_to_alpha,
    )


def _lightened(colors: UInt8[np.ndarray, "N 3"], share: float) -> UInt8[np.ndarray, "N 3"]:
    """Mix colors that cannot be seen on black with this share of white."""
    is_dark = colors @ np.array([0.299, 0.587, 0.114]) < _DARK
    return np.round(np.where(is_dark[:, None], (1 - share) * colors + share * 255, colors)).astype(np.uint8)


def _drawn(style: PoseStyle, look: _Look, bodyparts: tuple[str, ...]) -> dict[str, object]:
    """Write what a labeled video was drawn with in plain values; what 0.1 did not have only where it is wished."""
    values = {**asdict(style), "colors": style.colors.tolist(), "bodyparts": bodyparts}
    newer = ("confidence_to_alpha", "displaycropped", "keypoints_only", "side_by_side")
    values = {name: value for name, value in values.items() if name not in newer}
    values |= {name: True for name in newer if getattr(look, name)}
    plain: dict[str, object] = json.loads(json.dumps(values))
    return plain


def _is_drawn(target: Path, table: Path, origin: Origin, report: Report) -> bool:
    """Tell whether a labeled video is what would be drawn now; `report` learns why it is not.

    One that does not say what it was drawn from is believed, if it is not older than the predictions.
    """
    found = origin_from(comment_of(target))
    if found is None:
        stale = target.stat().st_mtime < table.stat().st_mtime
        why = "is older than the predictions" if stale else ""
    elif found.predictions != origin.predictions:
        why = "was drawn from other predictions"
    else:
        why = "was drawn with other settings" if found.settings != origin.settings else ""
    if why:
        report(Notice(f"{target.name} {why}; it is drawn again"))
    return not why


def _chosen_predictions(
    project: Project, predictions: Predictions, wanted: Sequence[str] | None, report: Report
) -> Predictions:
    note_bodyparts(project, predictions.bodyparts, source=f"The network {predictions.scorer}", report=report)
    return of_bodyparts(predictions, chosen_bodyparts(predictions.bodyparts, wanted))


def _analyzed_window(project: Project, origin: Origin | None) -> Crop | None:
    if origin is None or origin.analysis is None:
        return project.config.crop
    return Crop(*origin.analysis.window)


def _write_labeled_video(
    video: Path,
    target: Path,
    poses: Sequence[Predictions],
    style: PoseStyle,
    look: _Look,
    window: Crop | None,
    comment: str,
    report: Report,
    *,
    numbers: Sequence[int] = (),
) -> None:
    with VideoReader(video, threads=HALF_THE_CORES) as reader:
        index = reader.index
        shown_numbers = numbers or range(index.frame_count)
        outside = [number for number in numbers if not 0 <= number < index.frame_count]
        if outside:
            raise ArgumentError(
                f"frames names {outside[0]}, but {video.name} has {index.frame_count} frames; choose numbers from 0 to "
                f"{index.frame_count - 1}."
            )
        for predictions in poses:
            check_length(predictions, video, index.frame_count)
        empty = black_picture(index.width, index.height)
        whole = window is None and len(poses) == 1
        picture = beside([empty] * len(poses), window)
        corner = even_corner(window) if window else (0, 0)
        width = picture.width // len(poses)
        places = [range(start, start + width) for start in range(0, picture.width, width)]
        size = {"width": picture.width, "height": picture.height}
        times = None if index.is_steady else index.times[list(shown_numbers)]
        blank = ((number, black_picture(index.width, index.height)) for number in shown_numbers)
        drawn = blank if look.keypoints_only else reader.encodable(shown_numbers)
        with (
            VideoWriter(target, fps=index.fps, **size, times=times, comment=comment, fast=True) as writer,
            made_ahead(drawn, name="decoding") as pictures,
            reader,  # closed first: decoding ends at once then
        ):
            for place, (number, shown) in enumerate(pictures, start=1):
                if shown is not None:
                    picture = shown if whole else beside([shown] * len(poses), window)
                    past = slice(max(0, number - style.trailpoints), number + 1)
                    for predictions, columns in zip(poses, places, strict=True):
                        layers = layers_of(picture, style, columns)
                        draw_pose(layers, predictions.xy[past] - corner, predictions.likelihood[past], style)
                writer.write_picture(picture)
                report(Progress(f"drawing {target.name}", place, len(shown_numbers)))
