"""Where the names of a project's files and folders stand."""

import ast

import pytest

from tests.structure.source import sources

OWNED = (
    "settings.yaml",
    "log.csv",
    "report.html",
    "snapshot.json",
    "training-datasets",
    "posecut-models",
    "posecut-jobs",
)


@pytest.mark.parametrize("name", OWNED)
def test_a_name_is_written_once(name: str) -> None:
    """Only `project/paths.py` joins paths of datasets, trainings and evaluations, so that no two places disagree."""
    homes = {
        source.name
        for source in sources("posecut_core", "napari_posecut")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and node.value == name
    }
    assert homes == {"posecut_core/project/paths.py"}
