"""Labels beside their pictures are told from labels in them."""

import numpy as np

from posecut_core.labels.placement import FAR, beyond, far_labels, outside
from posecut_core.labels.table import LabelTable
from posecut_core.video.store import FrameStore

NUMBERS = np.array([3, 4, 20], dtype=np.int64)  # 10 x 8 pixels at (40, 60), not extracted, at (5, 6)


def test_the_edge_of_a_pixel_is_inside(project):
    """Half a pixel further than its centre; frames that were never extracted are not judged."""
    store = FrameStore.open(project.frame_store("m1"))
    xy = np.array([[[49.5, 67.5], [49.6, 60.0]], [[0.0, 0.0], [1e9, 0.0]], [[4.5, 5.5], [np.nan, np.nan]]])
    assert outside(LabelTable("m1", ("nose", "tail"), NUMBERS, xy), store) == ("frame 3 tail",)


def test_a_margin_lets_labels_lie_just_outside(project):
    """By a share of the longer side, in any order of frames."""
    store = FrameStore.open(project.frame_store("m1"))
    xy = np.array([[[15.4, 6.0]], [[0.0, 0.0]], [[38.4, 60.0]]])
    assert beyond(NUMBERS[::-1], xy, store, margin=FAR)[:, 0].tolist() == [False, False, True]


def test_the_first_and_their_number_are_named():
    """One sentence says what is expected."""
    assert "(frame 3 nose, 2 in all), expected pixels" in str(far_labels("m1", ["frame 3 nose", "frame 4 nose"]))
