"""How large the frames and crops of a training are, by the size of labeled frames and of the animal in them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from posecut_core.dataset.settings import TrainingSettings
from posecut_core.labels.table import LabelTable
from posecut_core.project.paths import Project
from posecut_core.video.frame_store import FrameStore

CROP_MARGIN = 4  # pixels between the animal and the border of a crop that holds all of it
_SMALLEST_CROP = 128  # pixels; smaller ones would save little time
_LARGEST_CROP = 384  # a step takes three times as long as with the usual crops
_RADIUS = 10.0  # scaled pixels; score maps have a cell for each 8


@dataclass(frozen=True)
class LabeledSizes:
    """Longest sides in pixels of the full frame."""

    animal: float
    frame: float

    def crop_size(self, *, scale: float) -> int:
        """Choose the side of crops at a scale of the frames.

        What tells like bodyparts apart, as the legs of an animal, may be at its other end. Nothing is beyond the frame.
        """
        usual = min(TrainingSettings.crop_size, max(_multiple(self.frame * scale), _SMALLEST_CROP))
        return min(max(usual, _multiple(self.animal * scale + 2 * CROP_MARGIN)), _LARGEST_CROP)


def comfortable_scale(longest: float, *, interactive: bool = False) -> float:
    """Choose the global_scale at which a computer without a GPU keeps up with frames; none is magnified.

    Args:
        longest: pixels of their longest side.
        interactive: for the network that learns while somebody labels, which has to be faster.
    """
    side, least = (320, 0.25) if interactive else (400, 0.4)
    return round(float(np.clip(side / longest, least, 1.0)), 3)


def disc_radius(*, scale: float) -> float:
    """Choose the pos_dist_thresh at a scale of the frames: a disc holds the cells next to a label, and few others.

    Smaller ones may hold no cell; on larger ones like bodyparts that are near each other overlap.
    """
    return round(_RADIUS / scale, 1)


def longest_side(project: Project, tables: Sequence[LabelTable]) -> int:
    """Return the longest side of the labeled frames, in pixels.

    Raises:
        VideoError: a frame store is damaged.
    """
    stores = [FrameStore.open(project.frame_store(table.video)) for table in tables]
    return max(
        int(store.sizes[np.isin(store.numbers, table.numbers)].max(initial=1))
        for store, table in zip(stores, tables, strict=True)
    )


def _multiple(length: float) -> int:
    return 16 * math.ceil(length / 16)
