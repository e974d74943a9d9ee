"""What training frames must have, so that training on them can work at all."""

from collections.abc import Sequence

import numpy as np

from posecut_core.dataset.batches import TrainingFrames
from posecut_core.dataset.split import FrameRef
from posecut_core.errors import DatasetError

MIN_SIDE = 32  # scaled pixels: two cells of the network's coarsest maps, or there is nothing to look around at


def check_trainable(frames: TrainingFrames, refs: Sequence[FrameRef]) -> None:
    """Refuse frames from which nothing can be learnt; `refs` names them.

    Raises:
        DatasetError: there are fewer than two frames, none has a label, a label is infinite, or a frame is too small.
    """
    if len(frames) < 2:
        raise DatasetError(
            f"The training dataset has only {len(frames)} training frame, at least 2 are needed; "
            "label more frames and create a new dataset."
        )
    if np.isnan(frames.xy).all() or not frames.looked_at.any():
        raise DatasetError("None of the training frames has a label; label more frames and create a new dataset.")
    for frame, xy in zip(refs, frames.xy, strict=True):
        if np.isinf(xy).any():
            raise DatasetError(
                f"A label of frame {frame.number} of {frame.video} is infinite, a position in pixels is expected; "
                "correct it and create a new dataset."
            )
    _check_sizes(frames, refs)


def _check_sizes(frames: TrainingFrames, refs: Sequence[FrameRef]) -> None:
    for frame, (height, width) in zip(refs, frames.sizes.tolist(), strict=True):
        if min(height, width) < MIN_SIDE:
            raise DatasetError(
                f"Frame {frame.number} of {frame.video} has {width}x{height} pixels when scaled, but the network needs "
                f"{MIN_SIDE} on each side; raise global_scale in the shuffle's settings.yaml, or extract whole frames."
            )
