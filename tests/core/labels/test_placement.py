"""Labels beside their pictures are told from labels in them."""

import numpy as np

from posecut_core.labels.table import LabelTable
from posecut_core.labels.validation import _FAR, _beyond, _far_labels, labels_named, uncounted, without_outside
from posecut_core.video.frame_store import FrameStore

NUMBERS = np.array([3, 4, 20], dtype=np.int64)  # 10 x 8 pixels at (40, 60), not extracted, at (5, 6)


def test_only_what_is_strictly_inside_counts(project):
    """Kind: (0, 0) of other programs, borders, swapped x and y were trained on; unextracted frames are not judged."""
    store = FrameStore.open(project.frame_store("m1"))
    xy = np.array([[[49.9, 67.9], [50.0, 60.5]], [[0.0, 0.0], [1e9, 0.0]], [[5.0, 6.0], [np.nan, np.nan]]])
    table = LabelTable("m1", ("nose", "tail"), NUMBERS, xy)
    origins, sizes = np.array([[40.0, 60], [0, 0], [5, 6]]), np.array([[8.0, 10], [np.nan, np.nan], [8, 10]])
    invisible, outside = uncounted(table, origins, sizes)
    assert labels_named(table, outside, {3: "image a.png"}) == ("image a.png tail",)
    assert labels_named(table, invisible, {}) == ("frame 20 nose",)
    counted = without_outside(table, store)
    assert np.isnan(counted.xy[..., 0]).tolist() == [[False, True], [False, False], [True, True]]
    assert counted.annotated.tolist() == [[True, False], [True, True], [False, True]]


def test_a_margin_lets_labels_lie_just_outside(project):
    """By a share of the longer side, in any order of frames."""
    store = FrameStore.open(project.frame_store("m1"))
    xy = np.array([[[15.4, 6.0]], [[0.0, 0.0]], [[38.4, 60.0]]])
    assert _beyond(NUMBERS[::-1], xy, store, margin=_FAR)[:, 0].tolist() == [False, False, True]


def test_the_first_and_their_number_are_named():
    """One sentence says what is expected."""
    assert "(frame 3 nose, 2 in all), expected full-frame pixel" in str(
        _far_labels("m1", ["frame 3 nose", "frame 4 nose"])
    )
