"""What comes before and after extracted frames, taken from the project's videos for networks that see it."""

from collections.abc import Collection, Iterator, Sequence

import numpy as np
from jaxtyping import UInt8

from posecut_core.formats.deeplabcut.frames import image_names
from posecut_core.labels.replaced_images import look_alike
from posecut_core.progress import Notice, Progress, Report, silent
from posecut_core.project.given import named_few
from posecut_core.project.opening import check_videos, resolve_video
from posecut_core.project.paths import Project
from posecut_core.results import counted
from posecut_core.video.frame_store import FrameStore, numbers_in
from posecut_core.video.neighbors import neighbors_of
from posecut_core.video.reader import VideoReader

_Frame = tuple[int, UInt8[np.ndarray, "H W 3"]]


def take_neighbors(
    project: Project, video: str, *, context: int, numbers: Collection[int] | None = None, report: Report = silent
) -> int:
    """Keep so many frames before and after extracted ones in their store, unless it has them.

    Images of other programs may show another frame than the one that their names tell: around these nothing is taken,
    which is told.

    Args:
        project: the opened project.
        video: stem of one of its videos.
        context: how many frames before and after each.
        numbers: of the extracted frames; by default all.
        report: called after each of them.

    Returns:
        how many frames were added.

    Raises:
        VideoError: the video or the frame store cannot be read.
        StorageError: the frame store cannot be written; it is then as it was before.
    """
    there = numbers_in(project.frame_store(video))
    chosen = there if numbers is None else sorted({*numbers}.intersection(there))
    if not context or not chosen:
        return 0
    store = FrameStore.open(project.frame_store(video))
    lacking = {*store.lacking_neighbors(chosen, context=context)}
    bare = [number for number in chosen if lacking.intersection(neighbors_of(number, context=context))]
    if not bare:
        return 0
    path = resolve_video(project, video)
    check_videos(project, [path])
    unlike: list[int] = []
    with VideoReader(path) as reader:
        added = store.keep_neighbors(_around(reader, store, bare, context, unlike, report))
    if unlike:
        names = named_few([*image_names(project, video, unlike).values()])
        told = f"{counted(len(unlike), 'image')} of {video} will be seen without what is before and after it: {names}"
        report(Notice(f"{told}. {path.name} has another picture at that number, or none"))
    return added


def _around(
    reader: VideoReader, store: FrameStore, numbers: Sequence[int], context: int, unlike: list[int], report: Report
) -> Iterator[_Frame]:
    """Read the frames around those of a store that look like the video's, and note the others in `unlike`."""
    origins, sizes = (
        dict(zip(store.numbers.tolist(), values.tolist(), strict=True)) for values in (store.origins, store.sizes)
    )
    for done, number in enumerate(numbers, start=1):
        last = min(number + context, reader.index.frame_count - 1)
        images = dict(reader.frames(range(max(number - context, 0), last + 1)))
        whole, (x, y), (height, width) = images.pop(number, None), origins[number], sizes[number]
        seen = None if whole is None else whole[y : y + height, x : x + width]
        if seen is None or seen.shape[:2] != (height, width) or not look_alike(store.read(number), seen):
            unlike.append(number)
        else:
            yield from ((each, image) for each, image in images.items() if image is not None)
        report(Progress(f"reading what is before and after frames of {reader.index.path.name}", done, len(numbers)))
