"""A labeled project made of drawn videos: for the demonstration, for notebooks, and to try things out."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from posecut_core.cameras.camera import project as image_of
from posecut_core.cameras.views import USUAL_VIEWS
from posecut_core.demo.mouse import BODYPARTS, SKELETON
from posecut_core.demo.rig import film_board, film_views, points_of, true_cameras
from posecut_core.demo.scene import TO_LABEL, Scene, Truth, film, human_labels, prepare
from posecut_core.errors import ArgumentError
from posecut_core.labels.store import read_labels
from posecut_core.progress import Report, silent
from posecut_core.project.config import edit_config
from posecut_core.project.given import given_path
from posecut_core.project.opening import open_project
from posecut_core.workflow.check_labels import write_labels
from posecut_core.workflow.create_project import create_new_project
from posecut_core.workflow.extract_frames import ExtractedFrames, extract_frames

_JITTER = 0.7  # standard deviation of a human's labels around the truth, in pixels
_DOTSIZE = 6  # pixels, fit for small frames
_BATCH_SIZE = 4  # as where engines are compared, so that one program of the network does for both
TASK, TASK_IN_SPACE, _EXPERIMENTER = "mouse", "mouse-3d", "posecut"
WALK = replace(TO_LABEL[0], name="walk", frames=150)  # seen by three cameras
VIDEOS, RESULTS, BOARDS = "videos", "results", "boards"  # folders beside the project


def sample_project(
    folder: str | os.PathLike[str],
    *,
    scenes: tuple[Scene, ...] = TO_LABEL,
    frames_to_label: int = 20,
    report: Report = silent,
) -> Path:
    """Draw videos of mice, label some of their frames, and return the config.yaml of the project; what is there stays.

    Args:
        folder: where the videos and the project go; it is made if it does not exist.
        scenes: what to draw.
        frames_to_label: frames of each video, chosen by k-means.
        report: called with progress and notices.

    Raises:
        ArgumentError: the folder holds something else.
        StorageError: the disk refuses.
    """
    folder = given_path(folder)
    check_folder(folder)
    config = create(folder, film_all(scenes, folder / VIDEOS, report), report)
    label(config, scenes, frames_of(extract_frames(config, number_of_frames=frames_to_label, report=report)))
    return config


def sample_views(
    folder: str | os.PathLike[str],
    *,
    scenes: tuple[Scene, ...] = (WALK,),
    frames_to_label: int = 20,
    report: Report = silent,
) -> Path:
    """Draw mice as three cameras see them, label the same moments in all views, and return the project's config.yaml.

    Videos of a board that these cameras saw lie in the folder `boards` beside the project. What is there stays.

    Args:
        folder: where the videos and the project go; it is made if it does not exist.
        scenes: what to draw.
        frames_to_label: moments of each scene.
        report: called with progress and notices.

    Raises:
        ArgumentError: the folder holds something else.
        StorageError: the disk refuses.
    """
    folder = given_path(folder)
    check_folder(folder)
    film_board(folder / BOARDS, report=report)
    views = [view for scene in scenes for view in film_views(scene, folder / VIDEOS, report=report)]
    config = create(folder, views, report, task=TASK_IN_SPACE)
    extracted = extract_frames(config, number_of_frames=frames_to_label, views=USUAL_VIEWS, report=report)
    label_views(config, scenes, frames_of(extracted))
    return config


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds anything but an earlier demonstration.

    Raises:
        ArgumentError: it does, or it is a file.
    """
    if folder.is_file():
        raise ArgumentError(f"{folder} is a file, expected a folder or nothing; give another folder.")
    own = (VIDEOS, RESULTS, BOARDS)
    entries = folder.iterdir() if folder.is_dir() else iter(())
    strange = [path.name for path in entries if path.name not in own and not path.name.startswith((f"{TASK}-", "."))]
    if strange:
        raise ArgumentError(
            f"{folder} holds {strange[0]}, expected a new folder or that of an earlier demo; give another folder."
        )


def film_all(scenes: tuple[Scene, ...], folder: Path, report: Report) -> list[Path]:
    """Draw every scene that is not drawn yet."""
    return [film(scene, folder, report=report) for scene in scenes]


def earlier_project(folder: Path, *, task: str = TASK) -> Path | None:
    """Find the config.yaml of an earlier call, of whatever day."""
    return next(iter(sorted(folder.glob(f"{task}-{_EXPERIMENTER}-*/config.yaml"))), None)


def create(folder: Path, videos: list[Path], report: Report, *, task: str = TASK) -> Path:
    """Create the project, or find that of an earlier day."""
    earlier = earlier_project(folder, task=task)
    if earlier:
        return earlier
    created = create_new_project(
        task, _EXPERIMENTER, videos, folder, bodyparts=BODYPARTS, skeleton=SKELETON, report=report
    )
    edit_config(created.config_path, {"dotsize": _DOTSIZE, "skeleton_color": "white", "batch_size": _BATCH_SIZE})
    return created.config_path


def frames_of(extracted: ExtractedFrames) -> dict[str, tuple[int, ...]]:
    """List the frames of each video by its name."""
    return {video.video: video.frames for video in extracted.videos}


def label(config: Path, scenes: tuple[Scene, ...], frames: Mapping[str, tuple[int, ...]]) -> None:
    """Label frames of videos without labels as a person would: the truth, with a hand's jitter; drafts are corrected.

    Args:
        config: path of config.yaml.
        scenes: what the videos show.
        frames: numbers of the frames to label, by the scene's name.
    """
    project = open_project(config)
    for scene in scenes:
        if len(read_labels(project, scene.name).numbers):
            continue
        rng = np.random.default_rng([scene.seed, 3])
        write_labels(config, human_labels(rng, prepare(scene).truth, scene.name, frames[scene.name], jitter=_JITTER))


def label_views(config: Path, scenes: tuple[Scene, ...], frames: Mapping[str, tuple[int, ...]]) -> None:
    """Label moments in all views as a person would; those of videos with labels stay as they are.

    Args:
        config: path of config.yaml.
        scenes: what the videos show.
        frames: numbers of the frames to label, by the video's name.
    """
    project = open_project(config)
    for scene in scenes:
        points = points_of(scene)
        for place, camera in enumerate(true_cameras()):
            video = f"{scene.name}_{camera.name}"
            if len(read_labels(project, video).numbers):
                continue
            truth = Truth(image_of(camera, points), np.zeros(points.shape[:2], bool))
            rng = np.random.default_rng([scene.seed, 5, place])
            write_labels(config, human_labels(rng, truth, video, frames[video], jitter=_JITTER))
