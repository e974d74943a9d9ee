"""What earlier iterations of a project hand on to the next one: a network to begin with, and what it is built like."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from posecut_core.dataset.settings import TrainingSettings, read_settings
from posecut_core.model.snapshots import snapshot_folder, snapshot_steps
from posecut_core.progress import Progress, Report
from posecut_core.project.layout import Project

# What a network is built like, and what it sees: with the same of each, training may go on from the one before.
_INHERITED = ("net_type", "width", "norm", "init_weights", "global_scale")


@dataclass(frozen=True)
class PreviousTraining:
    """What earlier iterations have of a shuffle."""

    network: Path | None  # its last snapshot
    settings: TrainingSettings | None


def previous_network(project: Project, shuffle: int, trainingsetindex: int) -> Path | None:
    """Return the last snapshot of a shuffle in the nearest earlier iteration that has one; None if none has."""
    for earlier in _iterations_before(project):
        folder = earlier.model_folder(shuffle, trainingsetindex)
        if steps := snapshot_steps(folder):
            return snapshot_folder(folder, steps[-1])
    return None


def previous_training(project: Project, shuffle: int, trainingsetindex: int) -> PreviousTraining:
    """Find the last network of a shuffle and its settings; without one, settings of the nearest earlier iteration.

    Raises:
        ModelError: the settings are damaged.
    """
    network = previous_network(project, shuffle, trainingsetindex)
    earlier = (before.model_folder(shuffle, trainingsetindex) for before in _iterations_before(project))
    paths = (folder / "settings.yaml" for folder in ((network.parent,) if network else earlier))
    return PreviousTraining(network, next((read_settings(path) for path in paths if path.exists()), None))


def fitting_network(before: PreviousTraining, net_type: str) -> Path | None:
    """Return the previous network if it is of a `net_type`, so that training may begin with it."""
    fits = before.settings is not None and before.settings.net_type == net_type
    return before.network if fits else None


def with_inherited(
    before: PreviousTraining, shuffle: int, given: Mapping[str, object], report: Report
) -> Mapping[str, object]:
    """Add to the settings given those that a shuffle's previous ones hand on, unless a net_type is given."""
    if before.settings is None or "net_type" in given:
        return given
    values = {name: getattr(before.settings, name) for name in _INHERITED if name not in given}
    told = ", ".join(f"{name} {value}" for name, value in values.items())
    report(Progress(f"Shuffle {shuffle} takes over from an earlier iteration: {told}", 0, 0))
    return {**values, **given}


def _iterations_before(project: Project) -> Iterator[Project]:
    """Give the project as it was in each earlier iteration, the last one first."""
    for iteration in range(project.config.iteration - 1, -1, -1):
        yield Project(project.root, dataclasses.replace(project.config, iteration=iteration))
