"""The numbered splits of a project, each with the settings of its training: which there are, and how one is written."""

import re
from collections.abc import Sequence

from posecut_core.dataset.settings import TrainingSettings, write_settings
from posecut_core.dataset.split import Split, write_split
from posecut_core.project.layout import Project


def taken_shuffles(project: Project, fractions: Sequence[int]) -> set[int]:
    """Return the shuffles that have a split, or a model folder with more in it than settings.

    Args:
        project: the project.
        fractions: entries of TrainingFraction; a shuffle of any of them counts.
    """
    splits = (path.stem for path in project.training_datasets.glob("*.yaml"))
    models = {path.parent.name for path in project.models.glob("*/*") if path.name != "settings.yaml"}
    prefixes = {project.dataset_name(1, index).removesuffix("1") for index in fractions}
    matches = (re.fullmatch(r"(.*shuffle)([1-9]\d*)", name) for name in {*splits, *models})
    return {int(match[2]) for match in matches if match and match[1] in prefixes}


def free_shuffle(project: Project, fractions: Sequence[int]) -> int:
    """Return the number after the last shuffle that `taken_shuffles` finds."""
    return max(taken_shuffles(project, fractions), default=0) + 1


def write_shuffle(
    project: Project, shuffle: int, trainingsetindex: int, *, split: Split, settings: TrainingSettings
) -> None:
    """Write a split, whose labels are written already, and the settings of its training.

    Raises:
        StorageError: the project folder cannot be written.
    """
    write_settings(project.model_folder(shuffle, trainingsetindex) / "settings.yaml", settings)
    write_split(project.split_path(shuffle, trainingsetindex), split)  # last: a shuffle with a split has settings
