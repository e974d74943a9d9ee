"""The public names of the core, and that notebooks use no others."""

import ast
import importlib
import inspect
import json
import typing

import pytest

import napari_posecut
import posecut_core
import posecut_core.demo
from posecut_core.types import OutlierAlgorithm
from tests.structure.source import ROOT

WORKFLOW = {
    "add_new_videos",
    "adopt_project",
    "analyze_videos",
    "analyzeskeleton",
    "assist",
    "benchmark",
    "calibrate_cameras",
    "check_labels",
    "create_labeled_video",
    "create_new_project",
    "create_training_dataset",
    "cross_validate",
    "doctor",
    "edit_bodyparts",
    "evaluate_network",
    "export_deeplabcut",
    "export_labels",
    "export_model",
    "export_poses",
    "extract_frames",
    "extract_outlier_frames",
    "filterpredictions",
    "find_outlier_frames",
    "frame_scoremaps",
    "import_labels",
    "import_poses",
    "import_project",
    "live",
    "merge_datasets",
    "merge_labels",
    "plot_trajectories",
    "propose_labels",
    "redo_labels",
    "refine_cameras",
    "train_network",
    "triangulate",
    "undo_labels",
    "write_labels",
}
# What the steps work on, and functions of it.
NOUNS = {"Crop", "FrameRef", "FrameStore", "LabelSession", "LabelTable", "Predictions", "Predictor", "Project"}
NOUNS |= {"TrainingSettings", "VideoReader", "VideoWriter", "PosecutError", "Progress"}
NOUNS |= {"Delete", "MarkAbsent", "MarkOccluded", "Notice", "Place", "Redo", "Undo"}
NOUNS |= {"open_project", "read_labels", "read_predictions", "write_predictions", "arima_filtered", "median_filtered"}
NOUNS |= {"kalman_filtered", "spline_filtered", "Pose", "PoseStream", "Points3D", "read_points", "with_neighbors"}
PUBLIC = {package.__name__: set(package.__all__) for package in (posecut_core, posecut_core.demo, napari_posecut)}
NOTEBOOKS = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("notebooks/*.ipynb"))


def test_public_names_are_exact() -> None:
    """Exactly the workflow and what it works on is public, each name once, in order."""
    assert set(posecut_core.__all__) == WORKFLOW | NOUNS
    assert posecut_core.__all__ == sorted(posecut_core.__all__)


def test_every_public_name_is_there() -> None:
    """Each name in `__all__` leads to something of that name, and is listed by dir()."""
    assert [getattr(posecut_core, name).__name__ for name in posecut_core.__all__] == posecut_core.__all__
    assert set(posecut_core.__all__) <= set(dir(posecut_core))


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A name that does not exist fails as in any module."""
    assert not hasattr(posecut_core, "label_frames_by_magic")


def test_project_comes_first() -> None:
    """Every step but the creation of a project takes `config` first and reports by keyword only."""
    for name in sorted(WORKFLOW - {"create_new_project", "import_project"}):
        parameters = inspect.signature(getattr(posecut_core, name)).parameters
        assert next(iter(parameters)) == "config", name
        report = parameters.get("report")
        assert report is None or report.kind is inspect.Parameter.KEYWORD_ONLY, name


def test_results_are_frozen_dataclasses() -> None:
    """Every step hands back a frozen dataclass."""
    for name in sorted(WORKFLOW):
        step = getattr(posecut_core, name)
        result = inspect.signature(step).return_annotation
        if isinstance(result, str):
            result = getattr(importlib.import_module(step.__module__), result)
        assert result.__dataclass_params__.frozen, name


@pytest.mark.parametrize(
    ("step", "parameter", "choices"),
    [
        ("extract_frames", "mode", {"automatic", "manual"}),
        ("extract_frames", "algo", {"kmeans", "uniform"}),
        ("filterpredictions", "filtertype", {"median", "arima", "spline", "kalman"}),
        ("extract_outlier_frames", "outlieralgorithm", set(typing.get_args(OutlierAlgorithm))),
        ("extract_outlier_frames", "extractionalgorithm", {"kmeans", "uniform"}),
        ("merge_datasets", "unreviewed", {"refuse", "accept", "leave"}),
    ],
)
def test_choices_are_said_by_types(step: str, parameter: str, choices: set[str]) -> None:
    """An editor and a type checker know what a parameter takes, and any other word is refused by name."""
    function = getattr(posecut_core, step)
    assert set(typing.get_args(typing.get_type_hints(function)[parameter])) == choices
    required = {} if step in ("extract_frames", "merge_datasets") else {"videos": "a.mp4"}
    with pytest.raises(posecut_core.PosecutError, match=f"{parameter} is 'anything', expected one of"):
        function("nowhere", **required, **{parameter: "anything"})


def private_names(code: str) -> list[str]:
    """List what code takes out of the project's packages that is not public."""
    tree = ast.parse(code)
    taken, called = [], {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            taken += [(node.module or "", alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            called |= {alias.asname or alias.name: alias.name for alias in node.names}
            taken += [alias.name.rpartition(".")[::2] for alias in node.names if "." in alias.name]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (package := called.get(ast.unparse(node.value))):
            taken.append((package, node.attr))
    ours = [(module, name) for module, name in taken if module.split(".")[0] in ("posecut_core", "napari_posecut")]
    packages = [tuple(package.rpartition(".")[::2]) for package in PUBLIC]
    return [
        f"{module}.{name}"
        for module, name in ours
        if name not in PUBLIC.get(module, ()) and (module, name) not in packages and not name.startswith("__")
    ]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_use_public_names_only(name: str) -> None:
    """What a notebook shows is what its reader may rely on."""
    cells = json.loads((ROOT / name).read_text(encoding="utf-8"))["cells"]
    lines = [line for cell in cells if cell["cell_type"] == "code" for line in [*cell["source"], "\n"]]
    assert private_names("".join(line for line in lines if not line.startswith("%"))) == []  # % is for the notebook


def test_private_names_are_noticed() -> None:
    """A name from a module of the house is none of the public ones, however it is taken."""
    code = """
import posecut_core as posecut
import posecut_core.labels.store
from posecut_core import demo, open_project
from posecut_core.demo import film
from posecut_core.project.opening import frame_folders
posecut.VideoReader, posecut.types
"""
    found = ["posecut_core.labels.store", "posecut_core.project.opening.frame_folders", "posecut_core.types"]
    assert private_names(code) == found
