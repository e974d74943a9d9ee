"""The labelled frames that a network is measured on."""

import numpy as np

from posecut_core.dataset.split import FrameRef, Split
from posecut_core.workflow.evaluated_frames import frame_names, labelled_frames
from posecut_core.workflow.opening import open_project


def test_frames_of_the_split_are_gathered_with_labels_and_origins(spot_project):
    """Each frame has its place in train or test, its label in the full frame, and where its stored image lies."""
    project = open_project(spot_project)
    split = Split((FrameRef("spot", 9),), (FrameRef("spot", 5),), fraction=0.5, seed=None, labels="labels.csv")
    (frames,) = labelled_frames(project, split)
    assert frames.numbers.tolist() == [5, 9]
    assert frames.is_train.tolist() == [False, True]
    assert frames.origins.tolist() == [[6, 4], [0, 0]]
    assert frames.sizes.tolist() == [[44, 58], [48, 64]]
    np.testing.assert_allclose(frames.xy[:, 0], [[20.5, 15.5], [34.5, 29.5]])
    assert [int(name[3:-4]) for name in frame_names(project, frames)] == [5, 9]
