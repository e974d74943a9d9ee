"""What is drawn over a frame of an analyzed video, and which videos are analyzed; arrays in, arrays out."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64

from napari_posecut.labeling.extracted_frames import listed_videos
from napari_posecut.layers.convert import FILLED, to_rows_columns
from posecut_core.errors import ModelError
from posecut_core.plots.colors import colors_of, named_color
from posecut_core.poses.files import FoundPredictions, find_predictions, read_predictions
from posecut_core.poses.predictions import Predictions, check_source, read_origin
from posecut_core.project.config import ProjectConfig, bones_between
from posecut_core.project.paths import Project
from posecut_core.types import NetworkName

# --- overlay ----------------------------------------------------------------------------------------------------------
# What is drawn over one frame of an analyzed video: markers, skeleton, trails; arrays in, arrays out.
#
# Every array has the same length in all frames, so that its colors need not be built again: what is not to be seen is
# not `shown`, or a line without length.


_FAINTEST = 0.15  # opacity of a trail's end


@dataclass(frozen=True)
class OverlayStyle:
    """What is drawn of K bodyparts, and how."""

    colors: Float64[np.ndarray, "K 3"]  # red green blue from 0 to 1
    shown: Bool[np.ndarray, " K"]
    pcutoff: float = 0.6  # markers of lower likelihood are hollow, and have neither bones nor trails
    edges: tuple[tuple[int, int], ...] = ()  # bones, as pairs of bodyparts
    bone_color: tuple[float, float, float] = (0.0, 0.0, 0.0)
    trail: int = 0  # frames


@dataclass(frozen=True)
class PoseMarkers:
    """What a Points layer shows of one frame."""

    data: Float64[np.ndarray, "K 2"]  # row, column
    shown: Bool[np.ndarray, " K"]
    face: Float64[np.ndarray, "K 4"]


def pose_markers(xy: Float[np.ndarray, "K 2"], likelihood: Float[np.ndarray, " K"], style: OverlayStyle) -> PoseMarkers:
    """Return the markers of a frame: hollow where the likelihood is not above the pcutoff."""
    placed = ~np.isnan(xy).any(axis=1)
    opacity = np.where((likelihood > style.pcutoff) & placed & style.shown, FILLED["placed"], FILLED["proposed"])
    face = np.concatenate([style.colors, opacity[:, None]], axis=1)
    return PoseMarkers(to_rows_columns(np.where(placed[:, None], xy, 0.0)), placed & style.shown, face)


def pose_lines(
    xy: Float[np.ndarray, "T K 2"], likelihood: Float[np.ndarray, "T K"], number: int, style: OverlayStyle
) -> Float64[np.ndarray, "N 2 2"]:
    """Return the lines of a frame, each as where it begins and how far it goes, in rows and columns.

    First the trails, the way of each bodypart through the last frames, as trail x K lines from frame to frame; then the
    bones. Only frames from `number - style.trail` to `number` are looked at, however long the video is.

    Args:
        xy: positions of the whole video.
        likelihood: of the whole video.
        number: the frame shown.
        style: what is drawn.
    """
    frames = np.arange(number - style.trail, number + 1)
    window = np.maximum(frames, 0)
    places = to_rows_columns(xy[window])
    seen = _seen(xy[window], likelihood[window], style) & (frames >= 0)[:, None]
    bones = np.array(style.edges, dtype=np.int64).reshape(-1, 2).T
    starts = np.concatenate([places[:-1].reshape(-1, 2), places[-1, bones[0]]])
    ends = np.concatenate([places[1:].reshape(-1, 2), places[-1, bones[1]]])
    both = np.concatenate([(seen[:-1] & seen[1:]).ravel(), seen[-1, bones[0]] & seen[-1, bones[1]]])
    lines = np.stack([starts, ends - starts], axis=1)
    return np.where(both[:, None, None], lines, 0.0).astype(np.float64)


def line_colors(style: OverlayStyle) -> Float64[np.ndarray, "N 4"]:
    """Return the colors of `pose_lines`: a trail has that of its bodypart, and is fainter the longer ago it is."""
    age = np.linspace(_FAINTEST, 1.0, style.trail) if style.trail else np.empty(0)
    parts = len(style.colors)
    trails = np.column_stack([np.tile(style.colors, (style.trail, 1)), np.repeat(age, parts)])
    return np.concatenate([trails, np.tile((*style.bone_color, 1.0), (len(style.edges), 1))])


def _seen(
    xy: Float[np.ndarray, "... K 2"], likelihood: Float[np.ndarray, "... K"], style: OverlayStyle
) -> Bool[np.ndarray, "... K"]:
    return ~np.isnan(xy).any(axis=-1) & (likelihood > style.pcutoff) & style.shown


# --- analyzed ---------------------------------------------------------------------------------------------------------
# The analyzed videos of a project, and what is needed to draw a network's predictions of one; no window here.


@dataclass(frozen=True)
class Trajectories:
    """Predictions of a video, and the same as curves over its frames."""

    predictions: Predictions
    curves: Float32[np.ndarray, "3 K T"]  # x, y, likelihood


def analyzed_videos(
    project: Project, *, videos: Iterable[Path] = (), folders: Iterable[Path] = ()
) -> tuple[FoundPredictions, ...]:
    """List the predictions of a project's videos, video by video, the newest of each first.

    Args:
        project: the opened project.
        videos: others to look at.
        folders: where to look, besides the folder of each video.
    """
    known = dict.fromkeys([*listed_videos(project).values(), *videos])
    found = [find_predictions(video, folder) for video in known for folder in (None, *folders)]
    return tuple(dict.fromkeys(entry for several in found for entry in several))


@dataclass(frozen=True)
class OwnNetwork:
    """A network of the project's present iteration."""

    shuffle: int
    trainingsetindex: int
    step: int
    ensemble: bool = False  # all networks of the shuffle, together

    @property
    def arguments(self) -> dict[str, object]:
        """What steps call it by."""
        together: dict[str, object] = {"ensemble": True} if self.ensemble else {}
        return {
            "shuffle": self.shuffle,
            "trainingsetindex": self.trainingsetindex,
            "snapshot": self.step,
            **together,
        }


def own_network(project: Project, scorer: str) -> OwnNetwork | None:
    """Return which network of the project's present iteration a name means; None for any other."""
    name = NetworkName.parse(scorer)
    run = name.of_project if name else None
    if name is None or run is None or run.iteration != project.config.iteration:
        return None
    index = project.trainingsetindex(run.percent)
    return None if index is None else OwnNetwork(run.shuffle, index, name.step, ensemble=run.networks > 1)


def own_predictions(project: Project) -> dict[str, list[FoundPredictions]]:
    """Return the predictions, as they were analyzed, of each network of this iteration, by its scorer."""
    tables: dict[str, list[FoundPredictions]] = {}
    for found in analyzed_videos(project):
        if not found.filtered and own_network(project, found.scorer) is not None:
            tables.setdefault(found.scorer, []).append(found)
    return tables


def in_words(found: FoundPredictions) -> str:
    """Name the network of predictions for the user to read."""
    name, filtered = NetworkName.parse(found.scorer), "filtered, " if found.filtered else ""
    run = name.of_project if name else None
    if name is None or run is None:
        return f"{filtered}{found.scorer}"
    together = "" if run.networks == 1 else f"{run.networks} networks together, "
    return f"{filtered}{together}{name.step:,} steps, shuffle {run.shuffle}, iteration {run.iteration}"


def read_trajectories(project: Project, shown: FoundPredictions) -> Trajectories:
    """Read predictions; it takes seconds for a long video.

    Raises:
        AnalysisError: the file is missing or holds something else, or came from another network or video of the name.
    """
    _check_origin(project, shown)
    found = read_predictions(shown.table)
    predictions = replace(found, xy=np.ascontiguousarray(found.xy), likelihood=np.ascontiguousarray(found.likelihood))
    curves = np.concatenate([predictions.xy, predictions.likelihood[..., None]], axis=2)
    return Trajectories(predictions, np.ascontiguousarray(curves.transpose(2, 1, 0), dtype=np.float32))


def _check_origin(project: Project, shown: FoundPredictions) -> None:
    """Check what predictions came from, as far as they say it and the network is still there."""
    origin, own = read_origin(shown.table), own_network(project, shown.scorer)
    if origin is None or origin.analysis is None or not shown.video.is_file():
        return
    network = None
    with suppress(OSError, ModelError):  # the network is not there any more
        if own is not None:
            training = project.training(own.shuffle, own.trainingsetindex)
            network = training.sha256(own.step, ensemble=own.ensemble)
    check_source(shown.table, origin.analysis, shown.video, network)


def style_of(config: ProjectConfig, bodyparts: tuple[str, ...]) -> OverlayStyle:
    """Return how the bodyparts of a network look: those of the project as while labeling, others after them."""
    order = tuple(dict.fromkeys([*config.bodyparts, *bodyparts]))
    colors = colors_of(config.colormap, len(order))
    red, green, blue = named_color(config.skeleton_color).tolist()
    return OverlayStyle(
        colors=colors[[order.index(part) for part in bodyparts]],
        shown=np.ones(len(bodyparts), bool),
        pcutoff=config.pcutoff,
        edges=bones_between(bodyparts, config.skeleton),
        bone_color=(red, green, blue),
    )
