"""The public names of the core."""

import importlib
import inspect

import posecut_core

WORKFLOW = {
    "add_new_videos",
    "analyze_videos",
    "check_labels",
    "create_labeled_video",
    "create_new_project",
    "create_training_dataset",
    "cross_validate",
    "doctor",
    "edit_bodyparts",
    "evaluate_network",
    "export_deeplabcut",
    "extract_frames",
    "extract_outlier_frames",
    "filterpredictions",
    "merge_datasets",
    "merge_labels",
    "plot_trajectories",
    "redo_labels",
    "train_network",
    "undo_labels",
    "write_labels",
}


def test_public_names_are_exact() -> None:
    """Exactly the workflow and what it hands around is public, each name once, in order."""
    assert set(posecut_core.__all__) == WORKFLOW | {"LabelTable", "PosecutError", "Progress"}
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
    for name in sorted(WORKFLOW - {"create_new_project"}):
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
