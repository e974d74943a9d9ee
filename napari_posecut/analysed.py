"""The analysed videos of a project, and what is needed to draw a network's predictions of one; no window here."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from napari_posecut.convert import edges_of
from napari_posecut.overlay import OverlayStyle
from posecut_core.analysis.found_predictions import FoundPredictions, NetworkName, find_predictions, network_name
from posecut_core.analysis.prediction_files import read_predictions
from posecut_core.analysis.predictions import Predictions
from posecut_core.plots.colours import colours_of, named_colour
from posecut_core.project.config import ProjectConfig
from posecut_core.project.layout import Project
from posecut_core.workflow.opening import project_videos


@dataclass(frozen=True)
class Trajectories:
    """Predictions of a video, and the same as curves over its frames."""

    predictions: Predictions
    curves: Float32[np.ndarray, "3 K T"]  # x, y, likelihood


def analysed_videos(
    project: Project, *, videos: Iterable[Path] = (), folders: Iterable[Path] = ()
) -> tuple[FoundPredictions, ...]:
    """List the predictions of a project's videos, video by video, the newest of each first.

    Args:
        project: the opened project.
        videos: others to look at.
        folders: where to look, besides the folder of each video.
    """
    known = dict.fromkeys([*project_videos(project).values(), *videos])
    found = [find_predictions(video, folder) for video in known for folder in (None, *folders)]
    return tuple(dict.fromkeys(entry for several in found for entry in several))


def own_network(project: Project, scorer: str) -> NetworkName | None:
    """Return which network of the project's present iteration a name means; None for any other."""
    name = network_name(scorer)
    return name if name is not None and name.iteration == project.config.iteration else None


def in_words(found: FoundPredictions) -> str:
    """Name the network of predictions for a person to read."""
    name, filtered = network_name(found.scorer), "filtered, " if found.filtered else ""
    if name is None:
        return f"{filtered}{found.scorer}"
    return f"{filtered}{name.step:,} steps, shuffle {name.shuffle}, iteration {name.iteration}"


def read_trajectories(table: Path) -> Trajectories:
    """Read predictions; it takes seconds for a long video.

    Raises:
        AnalysisError: the file is missing or holds something else.
    """
    found = read_predictions(table)
    predictions = replace(found, xy=np.ascontiguousarray(found.xy), likelihood=np.ascontiguousarray(found.likelihood))
    curves = np.concatenate([predictions.xy, predictions.likelihood[..., None]], axis=2)
    return Trajectories(predictions, np.ascontiguousarray(curves.transpose(2, 1, 0), dtype=np.float32))


def style_of(config: ProjectConfig, bodyparts: tuple[str, ...]) -> OverlayStyle:
    """Return how the bodyparts of a network look: those of the project as while labelling, others after them."""
    order = tuple(dict.fromkeys([*config.bodyparts, *bodyparts]))
    colours = colours_of(config.colormap, len(order))
    red, green, blue = named_colour(config.skeleton_color).tolist()
    return OverlayStyle(
        colours=colours[[order.index(part) for part in bodyparts]],
        shown=np.ones(len(bodyparts), bool),
        pcutoff=config.pcutoff,
        edges=tuple(edges_of(config.skeleton, bodyparts)),
        bone_colour=(red, green, blue),
    )
