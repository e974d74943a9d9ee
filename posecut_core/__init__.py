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
    from posecut_core.health.doctor import doctor
    from posecut_core.labels.table import LabelTable
    from posecut_core.progress import Progress
    from posecut_core.workflow.analyze_videos import analyze_videos
    from posecut_core.workflow.check_labels import check_labels, write_labels
    from posecut_core.workflow.create_project import add_new_videos, create_new_project
    from posecut_core.workflow.create_training_dataset import create_training_dataset
    from posecut_core.workflow.cross_validate import cross_validate
    from posecut_core.workflow.edit_bodyparts import edit_bodyparts
    from posecut_core.workflow.evaluate_network import evaluate_network
    from posecut_core.workflow.export_deeplabcut import export_deeplabcut
    from posecut_core.workflow.extract_frames import extract_frames
    from posecut_core.workflow.extract_outlier_frames import extract_outlier_frames
    from posecut_core.workflow.filterpredictions import filterpredictions
    from posecut_core.workflow.merge_datasets import merge_datasets
    from posecut_core.workflow.merge_labels import merge_labels
    from posecut_core.workflow.plot_trajectories import create_labeled_video, plot_trajectories
    from posecut_core.workflow.train_network import train_network
    from posecut_core.workflow.undo_labels import redo_labels, undo_labels

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
    "add_new_videos": "workflow.create_project",
    "analyze_videos": "workflow.analyze_videos",
    "check_labels": "workflow.check_labels",
    "create_labeled_video": "workflow.plot_trajectories",
    "create_new_project": "workflow.create_project",
    "create_training_dataset": "workflow.create_training_dataset",
    "cross_validate": "workflow.cross_validate",
    "doctor": "health.doctor",
    "edit_bodyparts": "workflow.edit_bodyparts",
    "evaluate_network": "workflow.evaluate_network",
    "export_deeplabcut": "workflow.export_deeplabcut",
    "extract_frames": "workflow.extract_frames",
    "extract_outlier_frames": "workflow.extract_outlier_frames",
    "filterpredictions": "workflow.filterpredictions",
    "merge_datasets": "workflow.merge_datasets",
    "merge_labels": "workflow.merge_labels",
    "plot_trajectories": "workflow.plot_trajectories",
    "redo_labels": "workflow.undo_labels",
    "train_network": "workflow.train_network",
    "undo_labels": "workflow.undo_labels",
    "write_labels": "workflow.check_labels",
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
