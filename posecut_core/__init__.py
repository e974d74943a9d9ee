"""PoseCut: markerless pose estimation for laboratory video, without a screen.

The workflow, under the names of the paper (Nath, Mathis et al. 2019), in its order; each function takes the path of
the project's config.yaml first:

    create_new_project, add_new_videos              a project folder and its videos
    import_project                                  one of DeepLabCut, SLEAP or Lightning Pose moves in
    extract_frames, write_labels, check_labels      frames to label, and their labels
    create_training_dataset, train_network          your own network
    evaluate_network, cross_validate                its errors on one split, and on several
    analyze_videos                                  its predictions for whole videos
    live, benchmark                                 poses of a camera while it records; how long a frame takes
    filterpredictions                               the same without single errors
    analyzeskeleton                                 lengths, directions and angles of the skeleton in them
    calibrate_cameras, refine_cameras, triangulate  several cameras, and points in space from their predictions
    plot_trajectories, create_labeled_video         pictures of the predictions
    find_outlier_frames, extract_outlier_frames     frames in which the network errs, found, and extracted to label
    merge_datasets                                  the next iteration with them
    export_model                                    the network as a file for other programs
    export_deeplabcut, merge_labels                 images for DeepLabCut, and what it changed in the labels
    export_labels, import_labels                    labels to and from files of other programs
    export_poses, import_poses                      predictions to and from files of other programs
    undo_labels, redo_labels                        the last edits of labels taken back, and made again
    edit_bodyparts, doctor                          other names, more bodyparts; what is damaged and how to mend it
    propose_labels, assist                          a network that helps to label, once or while somebody labels
    frame_scoremaps                                 what the network sees in one frame

What these steps work on, for your notebooks and programs:

    open_project, Project                           a project: where everything of it lies, and what config.yaml says;
    adopt_project                                   opening only reads, adopting keeps what was moved or extracted
    VideoReader, VideoWriter                        frames of a video by their exact numbers; images as a video
    FrameStore, FrameRef, Crop                      extracted frames; one frame of one video; a window of the frame
    read_labels, LabelTable                         the labels of a video as a table
    LabelSession, with Place, MarkOccluded,         the same edited one by one: each edit is durable when `apply`
        MarkAbsent, Delete, Undo, Redo              returns
    TrainingSettings                                how a network is built and trained
    Predictor                                       a trained network: images in, positions or score maps out
    with_neighbors                                  an image as a network with a `context` sees it
    PoseStream, Pose                                the same for frames that come one by one
    Predictions, read_predictions,                  predictions of a video, and their files
        write_predictions
    Points3D, read_points                           points of a session of views in space, and their files
    median_filtered, arima_filtered,                predictions smoothed over time, or with their gaps filled
        spline_filtered, kalman_filtered

`posecut_core.demo` draws videos with exact ground truth, and a labeled project of them.

Shapes of arrays are written in one alphabet everywhere: B batch, T video frames, F labeled frames, K bodyparts,
C cameras, H W pixels, h w cells of a score map. Positions are x, y in pixels of the full frame, x right, y down, and
(0, 0) is the center of the top-left pixel. Missing is NaN.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from posecut_core.dataset.settings import TrainingSettings
    from posecut_core.errors import PosecutError
    from posecut_core.health.doctor import doctor
    from posecut_core.inference.live import Pose, PoseStream
    from posecut_core.inference.predictor import Predictor
    from posecut_core.labels.edits import Delete, MarkAbsent, MarkOccluded, Place, Redo, Undo
    from posecut_core.labels.images import adopt_project
    from posecut_core.labels.session import LabelSession
    from posecut_core.labels.store import read_labels
    from posecut_core.labels.table import LabelTable
    from posecut_core.poses.files import read_predictions, write_predictions
    from posecut_core.poses.filters import arima_filtered, kalman_filtered, median_filtered, spline_filtered
    from posecut_core.poses.points import Points3D, read_points
    from posecut_core.poses.predictions import Predictions
    from posecut_core.progress import Notice, Progress
    from posecut_core.project.opening import open_project
    from posecut_core.project.paths import Project
    from posecut_core.types import Crop, FrameRef
    from posecut_core.video.frame_store import FrameStore
    from posecut_core.video.neighbors import with_neighbors
    from posecut_core.video.reader import VideoReader
    from posecut_core.video.writer import VideoWriter
    from posecut_core.workflow.analyze_videos import analyze_videos
    from posecut_core.workflow.analyzeskeleton import analyzeskeleton
    from posecut_core.workflow.calibrate_cameras import calibrate_cameras
    from posecut_core.workflow.check_labels import check_labels, write_labels
    from posecut_core.workflow.create_project import add_new_videos, create_new_project
    from posecut_core.workflow.create_training_dataset import create_training_dataset
    from posecut_core.workflow.cross_validate import cross_validate
    from posecut_core.workflow.edit_bodyparts import edit_bodyparts
    from posecut_core.workflow.evaluate_network import evaluate_network
    from posecut_core.workflow.export_deeplabcut import export_deeplabcut
    from posecut_core.workflow.export_labels import export_labels
    from posecut_core.workflow.export_model import export_model
    from posecut_core.workflow.export_poses import export_poses
    from posecut_core.workflow.extract_frames import extract_frames
    from posecut_core.workflow.extract_outlier_frames import extract_outlier_frames, find_outlier_frames
    from posecut_core.workflow.filterpredictions import filterpredictions
    from posecut_core.workflow.import_labels import import_labels
    from posecut_core.workflow.import_poses import import_poses
    from posecut_core.workflow.import_project import import_project
    from posecut_core.workflow.live import benchmark, live
    from posecut_core.workflow.merge_datasets import merge_datasets
    from posecut_core.workflow.merge_labels import merge_labels
    from posecut_core.workflow.plot_trajectories import create_labeled_video, plot_trajectories
    from posecut_core.workflow.propose_labels import assist, propose_labels
    from posecut_core.workflow.refine_cameras import refine_cameras
    from posecut_core.workflow.scoremaps import frame_scoremaps
    from posecut_core.workflow.train_network import train_network
    from posecut_core.workflow.triangulate import triangulate
    from posecut_core.workflow.undo_labels import redo_labels, undo_labels

__version__ = "0.1.0"

__all__ = [
    "Crop",
    "Delete",
    "FrameRef",
    "FrameStore",
    "LabelSession",
    "LabelTable",
    "MarkAbsent",
    "MarkOccluded",
    "Notice",
    "Place",
    "Points3D",
    "Pose",
    "PoseStream",
    "PosecutError",
    "Predictions",
    "Predictor",
    "Progress",
    "Project",
    "Redo",
    "TrainingSettings",
    "Undo",
    "VideoReader",
    "VideoWriter",
    "add_new_videos",
    "adopt_project",
    "analyze_videos",
    "analyzeskeleton",
    "arima_filtered",
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
    "kalman_filtered",
    "live",
    "median_filtered",
    "merge_datasets",
    "merge_labels",
    "open_project",
    "plot_trajectories",
    "propose_labels",
    "read_labels",
    "read_points",
    "read_predictions",
    "redo_labels",
    "refine_cameras",
    "spline_filtered",
    "train_network",
    "triangulate",
    "undo_labels",
    "with_neighbors",
    "write_labels",
    "write_predictions",
]

_HOMES = {
    "Crop": "types",
    "Delete": "labels.edits",
    "FrameRef": "types",
    "FrameStore": "video.frame_store",
    "LabelSession": "labels.session",
    "LabelTable": "labels.table",
    "MarkAbsent": "labels.edits",
    "MarkOccluded": "labels.edits",
    "Notice": "progress",
    "Place": "labels.edits",
    "Points3D": "poses.points",
    "Pose": "inference.live",
    "PoseStream": "inference.live",
    "PosecutError": "errors",
    "Predictions": "poses.predictions",
    "Predictor": "inference.predictor",
    "Progress": "progress",
    "Project": "project.paths",
    "Redo": "labels.edits",
    "TrainingSettings": "dataset.settings",
    "Undo": "labels.edits",
    "VideoReader": "video.reader",
    "VideoWriter": "video.writer",
    "add_new_videos": "workflow.create_project",
    "adopt_project": "labels.images",
    "analyze_videos": "workflow.analyze_videos",
    "analyzeskeleton": "workflow.analyzeskeleton",
    "arima_filtered": "poses.filters",
    "assist": "workflow.propose_labels",
    "benchmark": "workflow.live",
    "calibrate_cameras": "workflow.calibrate_cameras",
    "check_labels": "workflow.check_labels",
    "create_labeled_video": "workflow.plot_trajectories",
    "create_new_project": "workflow.create_project",
    "create_training_dataset": "workflow.create_training_dataset",
    "cross_validate": "workflow.cross_validate",
    "doctor": "health.doctor",
    "edit_bodyparts": "workflow.edit_bodyparts",
    "evaluate_network": "workflow.evaluate_network",
    "export_deeplabcut": "workflow.export_deeplabcut",
    "export_labels": "workflow.export_labels",
    "export_model": "workflow.export_model",
    "export_poses": "workflow.export_poses",
    "extract_frames": "workflow.extract_frames",
    "extract_outlier_frames": "workflow.extract_outlier_frames",
    "filterpredictions": "workflow.filterpredictions",
    "find_outlier_frames": "workflow.extract_outlier_frames",
    "frame_scoremaps": "workflow.scoremaps",
    "import_labels": "workflow.import_labels",
    "import_poses": "workflow.import_poses",
    "import_project": "workflow.import_project",
    "live": "workflow.live",
    "kalman_filtered": "poses.filters",
    "median_filtered": "poses.filters",
    "merge_datasets": "workflow.merge_datasets",
    "merge_labels": "workflow.merge_labels",
    "open_project": "project.opening",
    "plot_trajectories": "workflow.plot_trajectories",
    "propose_labels": "workflow.propose_labels",
    "read_labels": "labels.store",
    "read_points": "poses.points",
    "read_predictions": "poses.files",
    "redo_labels": "workflow.undo_labels",
    "refine_cameras": "workflow.refine_cameras",
    "spline_filtered": "poses.filters",
    "train_network": "workflow.train_network",
    "triangulate": "workflow.triangulate",
    "undo_labels": "workflow.undo_labels",
    "write_labels": "workflow.check_labels",
    "with_neighbors": "video.neighbors",
    "write_predictions": "poses.files",
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
