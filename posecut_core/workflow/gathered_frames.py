"""Labelled frames with their images' places, gathered from the project for a network to be measured on."""

from collections.abc import Mapping, Sequence

import numpy as np

from posecut_core.analysis.labelled_frames import LabelledFrames
from posecut_core.dataset.split import FrameRef
from posecut_core.errors import DatasetError
from posecut_core.labels.store import image_names
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
    keep = np.isin(table.numbers, [*train, *test])
    numbers, xy = table.numbers[keep], table.xy[keep]
    store = FrameStore.open(project.frame_store(table.video))
    places = np.searchsorted(store.numbers, numbers)
    has_labels = ~np.isnan(xy).all(axis=(1, 2))  # a frame that lost all its labels says nothing about absence
    return LabelledFrames(
        video=table.video,
        store=store,
        numbers=numbers,
        origins=store.origins[places],
        sizes=store.sizes[places],
        xy=xy,
        looked_for=table.looked_for & has_labels[:, None],
        is_train=np.isin(numbers, train),
    )
