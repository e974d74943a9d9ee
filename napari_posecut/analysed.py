"""The analysed videos of a project, and what is needed to draw a network's predictions of one; no window here."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from napari_posecut.convert import edges_of
from napari_posecut.overlay import OverlayStyle
from posecut_core.analysis.found_predictions import FoundPredictions, find_predictions, network_name
from posecut_core.analysis.origins import check_source, read_origin
from posecut_core.analysis.prediction_files import read_predictions
from posecut_core.analysis.predictions import Predictions
from posecut_core.plots.colours import colours_of, named_colour
from posecut_core.project.config import ProjectConfig
from posecut_core.project.hashing import file_sha256
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


@dataclass(frozen=True)
class OwnNetwork:
    """A network of the project's present iteration."""

    shuffle: int
    trainingsetindex: int
    step: int

    @property
    def arguments(self) -> dict[str, object]:
        """What steps call it by."""
        return {"shuffle": self.shuffle, "trainingsetindex": self.trainingsetindex, "snapshot": self.step}


def own_network(project: Project, scorer: str) -> OwnNetwork | None:
    """Return which network of the project's present iteration a name means; None for any other."""
    name = network_name(scorer)
    if name is None or name.iteration != project.config.iteration:
        return None
    percents = [project.training_percent(index) for index in range(len(project.config.training_fractions))]
    return OwnNetwork(name.shuffle, percents.index(name.percent), name.step) if name.percent in percents else None


def in_words(found: FoundPredictions) -> str:
    """Name the network of predictions for a person to read."""
    name, filtered = network_name(found.scorer), "filtered, " if found.filtered else ""
    if name is None:
        return f"{filtered}{found.scorer}"
    return f"{filtered}{name.step:,} steps, shuffle {name.shuffle}, iteration {name.iteration}"


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
    manifest = project.snapshot_manifest(own.shuffle, own.step, own.trainingsetindex) if own else None
    network = file_sha256(manifest) if manifest and manifest.is_file() else None
    check_source(shown.table, origin.analysis, shown.video, network)


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
