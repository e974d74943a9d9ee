"""Labelled frames with their images' places, gathered from the project for a network to be measured on."""

from collections.abc import Mapping, Sequence

import numpy as np

from posecut_core.analysis.labelled_frames import LabelledFrames, stored_frames
from posecut_core.dataset.split import FrameRef
from posecut_core.errors import DatasetError
from posecut_core.labels.stored_images import image_names
from posecut_core.labels.table import LabelTable
from posecut_core.project.layout import Project
from posecut_core.video.store import FrameStore


def gather_frames(
    project: Project, tables: Mapping[str, LabelTable], *, train: Sequence[FrameRef], test: Sequence[FrameRef]
) -> tuple[LabelledFrames, ...]:
    """Gather the frames that `tables` has labels of, video by video, in increasing order of their numbers.

    Raises:
        DatasetError: none is left.
    """
    found = []
    for video in sorted({frame.video for frame in (*train, *test)}):
        own_train, own_test = ([frame.number for frame in frames if frame.video == video] for frames in (train, test))
        if np.isin(tables[video].numbers, [*own_train, *own_test]).any():
            found.append(_of_video(project, tables[video], own_train, own_test))
    if not found:
        raise DatasetError(
            f"None of the {len(train) + len(test)} frames of the training dataset is labelled any more; restore the "
            "labels or run posecut create-training-dataset and posecut train-network again."
        )
    return tuple(found)


def frame_names(project: Project, frames: LabelledFrames) -> list[str]:
    """List the names of the frames' images, as the labels have them."""
    names = image_names(project, frames.video, frames.numbers.tolist())
    return [names[number] for number in frames.numbers.tolist()]


def _of_video(project: Project, table: LabelTable, train: list[int], test: list[int]) -> LabelledFrames:
    labels = table.rows(np.isin(table.numbers, [*train, *test]))
    store = FrameStore.open(project.frame_store(table.video))
    frames = stored_frames(table.video, store, labels.numbers)
    return LabelledFrames(
        **vars(frames),
        xy=labels.xy,
        looked_for=labels.looked_at,
        is_train=np.isin(labels.numbers, train),
    )
