"""What earlier iterations of a project hand on to the next one: a network to begin with, and what it is built like."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from posecut_core.model.snapshots import snapshot_folder, snapshot_steps
from posecut_core.project.layout import Project


def previous_network(project: Project, shuffle: int, trainingsetindex: int) -> Path | None:
    """Return the last snapshot of a shuffle in the nearest earlier iteration that has one; None if none has."""
    for earlier in _iterations_before(project):
        folder = earlier.model_folder(shuffle, trainingsetindex)
        if steps := snapshot_steps(folder):
            return snapshot_folder(folder, steps[-1])
    return None


def _iterations_before(project: Project) -> Iterator[Project]:
    """Give the project as it was in each earlier iteration, the last one first."""
    for iteration in range(project.config.iteration - 1, -1, -1):
        yield Project(project.root, dataclasses.replace(project.config, iteration=iteration))
