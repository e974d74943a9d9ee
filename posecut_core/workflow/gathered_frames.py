"""Labelled frames with their images' places, gathered from the project for a network to be measured on."""

from collections.abc import Mapping, Sequence

import numpy as np

from posecut_core.analysis.labelled_frames import LabelledFrames, stored_frames
from posecut_core.dataset.split import FrameRef
from posecut_core.errors import DatasetError, LabelError
from posecut_core.labels.placement import without_outside
from posecut_core.labels.replaced_images import disputed_frames, disputed_images, review_images
from posecut_core.labels.stored_images import image_names, never_extracted, without_picture
from posecut_core.labels.table import LabelTable
from posecut_core.progress import Progress, Report, silent
from posecut_core.project.given_files import named_few
from posecut_core.project.layout import Project
from posecut_core.video.store import FrameStore


def gather_frames(
    project: Project,
    tables: Mapping[str, LabelTable],
    *,
    train: Sequence[FrameRef],
    test: Sequence[FrameRef],
    validation: Sequence[FrameRef] = (),
    report: Report = silent,
) -> tuple[LabelledFrames, ...]:
    """Gather the frames that `tables` has labels of, video by video, in increasing order of their numbers.

    Frames without labels, without a picture or with two are left out and told; labels outside their picture are not
    measured.

    Raises:
        DatasetError: none is left.
        VideoError: a frame store is damaged.
    """
    found, every = [], (*train, *validation, *test)
    labelled = [frame for frame in every if _is_labelled(tables, frame)]
    bare = [frame for frame in every if frame.video in tables and not _is_labelled(tables, frame)]
    _tell_bare(project, bare, report)
    there = {*with_pictures(project, labelled, report=report)}
    for video in sorted({frame.video for frame in there}):
        sides = [[frame.number for frame in side if frame.video == video] for side in (there, train, validation)]
        labels = tables[video].rows(np.isin(tables[video].numbers, sides[0]))
        found.append(_of_video(project, labels, train=sides[1], validation=sides[2]))
    if not found:
        raise DatasetError(
            f"None of the {len(every)} frames of the training dataset is labelled any more; restore the labels or "
            "run posecut create-training-dataset and posecut train-network again."
        )
    return tuple(found)


def _tell_bare(project: Project, frames: Sequence[FrameRef], report: Report) -> None:
    """Tell frames of a training dataset that have no labels any more."""
    for video in sorted({frame.video for frame in frames}):
        names = image_names(project, video, sorted(frame.number for frame in frames if frame.video == video))
        told = f"{video}: left out because they have no labels any more: {named_few(list(names.values()))}"
        report(Progress(told, 0, 0))


def with_pictures(project: Project, frames: Sequence[FrameRef], *, report: Report = silent) -> tuple[FrameRef, ...]:
    """Return the frames that have a picture; those whose picture is gone are told.

    Left out, too, are frames whose image shows another picture than what was labelled: opening the project tells them.

    Raises:
        DatasetError: none is left.
        VideoError: a frame store is damaged.
    """
    left_out, lost = set[FrameRef](), list[LabelError]()
    for video in sorted({frame.video for frame in frames}):
        absent = without_picture(project, video, sorted(frame.number for frame in frames if frame.video == video))
        if absent:
            lost.append(never_extracted(project, video, absent))
            report(Progress(str(lost[-1]).removesuffix("."), 0, 0))
        left_out |= {FrameRef(video, number) for number in (*absent, *disputed_frames(project, video))}
    found = tuple(frame for frame in frames if frame not in left_out)
    if frames and not found:
        raise DatasetError(str(lost[0]) if lost else _all_disputed(project, frames))
    return found


def frame_names(project: Project, frames: LabelledFrames) -> list[str]:
    """List the names of the frames' images, as the labels have them."""
    names = image_names(project, frames.video, frames.numbers.tolist())
    return [names[number] for number in frames.numbers.tolist()]


def _is_labelled(tables: Mapping[str, LabelTable], frame: FrameRef) -> bool:
    return frame.video in tables and frame.number in tables[frame.video].numbers


def _all_disputed(project: Project, frames: Sequence[FrameRef]) -> str:
    videos = sorted({frame.video for frame in frames})
    told = [disputed_images(project, video, review_images(project, video)) for video in videos]
    return f"None of the {len(frames)} frames can be used. {'; '.join(filter(None, told))}."


def _of_video(project: Project, table: LabelTable, *, train: list[int], validation: list[int]) -> LabelledFrames:
    store = FrameStore.open(project.frame_store(table.video))
    labels = without_outside(table, store)
    frames = stored_frames(table.video, store, labels.numbers)
    return LabelledFrames(
        **vars(frames),
        xy=labels.xy,
        looked_for=labels.looked_at,
        is_train=np.isin(labels.numbers, train),
        validates=np.isin(labels.numbers, validation),
    )
