"""Drafts of labels: what a network predicts in frames that a person is going to correct."""

from collections.abc import Sequence

import numpy as np

from posecut_core.labels.store import write_drafts
from posecut_core.labels.table import LabelTable
from posecut_core.poses.predictions import Predictions, of_bodyparts
from posecut_core.project.paths import Project
from posecut_core.types import NetworkName


def draft_predictions(project: Project, video: str, found: Predictions, numbers: Sequence[int]) -> int:
    """Propose what a network predicts in frames of a video, for the bodyparts of the project; return how many drafts.

    Args:
        project: the opened project.
        video: stem of the video's file name.
        found: predictions of every frame of the video.
        numbers: of the frames, increasing; they are extracted already.

    Raises:
        LabelError: the labels cannot be written now.
        StorageError: the disk refuses.
    """
    rows = np.array(numbers, dtype=np.int64)
    seen = of_bodyparts(found, [part for part in project.config.bodyparts if part in found.bodyparts])
    network = NetworkName.parse(found.scorer)
    return write_drafts(
        project,
        LabelTable(video, seen.bodyparts, rows, seen.xy[rows]),
        np.clip(seen.likelihood[rows], 0.0, 1.0),  # scores of some of DeepLabCut's networks pass 1
        model=found.scorer,
        snapshot=network.step if network else None,
    )
