"""PoseCut: markerless pose estimation for laboratory video, without a screen.

The workflow, under the names of the paper (Nath, Mathis et al. 2019), in its order; each function takes the path of
the project's config.yaml first:

    create_new_project, add_new_videos              a project folder and its videos
    extract_frames, write_labels, check_labels      frames to label, and their labels
    create_training_dataset, train_network          a network of one's own
    evaluate_network, cross_validate                its errors on one split, and on several
    analyze_videos                                  its predictions for whole videos
    filterpredictions                               the same without single errors
    plot_trajectories, create_labeled_video         pictures of the predictions
    extract_outlier_frames, merge_datasets          frames in which the network errs; the next iteration with them
    export_deeplabcut, merge_labels                 images for DeepLabCut, and what it changed in the labels
    undo_labels, redo_labels                        the last edits of labels taken back, and made again
    edit_bodyparts, doctor                          other names, more bodyparts; what is damaged and how to mend it

Shapes of arrays are written in one alphabet everywhere: B batch, T video frames, F labelled frames, K bodyparts,
C cameras, H W pixels, h w cells of a score map. Positions are x, y in pixels of the full frame, x right, y down, and
(0, 0) is the centre of the top-left pixel. Missing is NaN.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from posecut_core.errors import PosecutError
    from posecut_core.labels.table import LabelTable
    from posecut_core.progress import Progress
    from posecut_core.workflow.analysing import analyze_videos
    from posecut_core.workflow.bodyparts import edit_bodyparts
    from posecut_core.workflow.creating import add_new_videos, create_new_project
    from posecut_core.workflow.cross_validation import cross_validate
    from posecut_core.workflow.datasets import create_training_dataset
    from posecut_core.workflow.doctoring import doctor
    from posecut_core.workflow.evaluating import evaluate_network
    from posecut_core.workflow.exporting import export_deeplabcut
    from posecut_core.workflow.extracting import extract_frames
    from posecut_core.workflow.filtering import filterpredictions
    from posecut_core.workflow.iteration import merge_datasets
    from posecut_core.workflow.labelling import check_labels, write_labels
    from posecut_core.workflow.merging import merge_labels
    from posecut_core.workflow.outliers import extract_outlier_frames
    from posecut_core.workflow.showing import create_labeled_video, plot_trajectories
    from posecut_core.workflow.training import train_network
    from posecut_core.workflow.undoing import redo_labels, undo_labels

__version__ = "0.1.0"

__all__ = [
    "LabelTable",
    "PosecutError",
    "Progress",
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
]

_HOMES = {
    "LabelTable": "labels.table",
    "PosecutError": "errors",
    "Progress": "progress",
    "add_new_videos": "workflow.creating",
    "analyze_videos": "workflow.analysing",
    "check_labels": "workflow.labelling",
    "create_labeled_video": "workflow.showing",
    "create_new_project": "workflow.creating",
    "create_training_dataset": "workflow.datasets",
    "cross_validate": "workflow.cross_validation",
    "doctor": "workflow.doctoring",
    "edit_bodyparts": "workflow.bodyparts",
    "evaluate_network": "workflow.evaluating",
    "export_deeplabcut": "workflow.exporting",
    "extract_frames": "workflow.extracting",
    "extract_outlier_frames": "workflow.outliers",
    "filterpredictions": "workflow.filtering",
    "merge_datasets": "workflow.iteration",
    "merge_labels": "workflow.merging",
    "plot_trajectories": "workflow.showing",
    "redo_labels": "workflow.undoing",
    "train_network": "workflow.training",
    "undo_labels": "workflow.undoing",
    "write_labels": "workflow.labelling",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that importing the package stays quick."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
