"""Frames that nothing can be learned from are refused by name."""

import numpy as np
import pytest

from posecut_core.dataset.frames import _MIN_SIDE, TrainingFrames, check_trainable
from posecut_core.errors import DatasetError
from posecut_core.types import FrameRef

REFS = (FrameRef("a", 7), FrameRef("b", 9))


def frames(*, count=2, xy=5.0, annotated=True, size=(_MIN_SIDE, _MIN_SIDE)):
    """Frames of which the last one has `xy` and `size`."""
    sizes, points = np.full((count, 2), 64, np.int32), np.full((count, 1, 2), 5.0, np.float32)
    sizes[-1], points[-1] = size, xy
    if np.isnan(xy):
        points[:] = xy
    return TrainingFrames(np.zeros((count, 64, 64, 3), np.uint8), sizes, points, np.full((count, 1), annotated))


def test_frames_that_can_be_learned_from_pass():
    """Two frames with a label, of the smallest size, are enough."""
    check_trainable(frames(), REFS)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"count": 1}, "only 1 training frame, at least 2 are needed; label more frames"),
        ({"xy": np.nan}, "None of the training frames has a label"),
        ({"annotated": False}, "None of the training frames has a label"),
        ({"xy": np.inf}, "label of frame 9 of b is infinite"),
        (
            {"size": (_MIN_SIDE - 1, 500)},
            "frame 9 of b, which has 500x31 pixels when scaled, .* 32 .* raise global_scale",
        ),
        ({"size": (500, _MIN_SIDE - 1)}, "frame 9 of b, which has 31x500 pixels"),
    ],
)
def test_what_cannot_work_is_named(changes, words):
    """One sentence says what was found, what is needed and what to do."""
    made = frames(**changes)
    with pytest.raises(DatasetError, match=words):
        check_trainable(made, REFS[: len(made)])
