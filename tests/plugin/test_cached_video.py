"""What lies on disk of a project's frames is read again only where it has changed."""

from dataclasses import replace

import numpy as np

from napari_posecut.labeling.frame_index import _read_videos
from posecut_core.labels.edits import Place
from posecut_core.labels.session import LabelSession
from posecut_core.project.opening import open_project
from posecut_core.project.paths import Project
from posecut_core.video.frame_store import FrameStore


def test_what_is_as_before_is_not_read_again(config):
    """The very same objects come back."""
    project = open_project(config)
    known = _read_videos(project)
    assert list(known["walk"].origins) == [0, 2, 3]
    assert _read_videos(project, known)["walk"] is known["walk"]


def test_new_frames_are_found(config):
    """Their pictures are there, and what is known of labels stays."""
    project = open_project(config)
    known = _read_videos(project)
    FrameStore.open(project.frame_store("walk")).append([(1, np.zeros((4, 6, 3), np.uint8), (5, 7))])
    again = _read_videos(project, known)["walk"]
    assert again.origins[1] == (5, 7)
    assert again.store.read(1).shape == (4, 6, 3)
    assert again.state is known["walk"].state


def test_new_labels_are_found(config):
    """Pictures are not looked at again."""
    project = open_project(config)
    known = _read_videos(project)
    with LabelSession.open(project, "walk") as session:
        session.apply(Place(2, session.identity("hand"), (8.0, 9.0)))
    again = _read_videos(project, known)["walk"]
    assert len(again.state.frame(2).points) == 1
    assert again.store is known["walk"].store


def test_other_bodyparts_are_another_reading(config):
    """Files of DeepLabCut mean something else under other names."""
    project = open_project(config)
    known = _read_videos(project)
    renamed = Project(project.root, replace(project.config, bodyparts=("hand", "tip", "elbow")))
    again = _read_videos(renamed, known)["walk"]
    assert again.of_labels != known["walk"].of_labels
    assert again.of_frames == known["walk"].of_frames


def test_a_video_that_is_gone_is_forgotten(config):
    """What was known of it does not come back."""
    project = open_project(config)
    known = _read_videos(project)
    project.frame_folder("walk").rename(project.labeled_data / ".walk")
    assert _read_videos(project, known) == {}
