"""What lies on disk of a video's extracted frames and of their labels; read again only where a file has changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from posecut_core.labels.contents import read_contents
from posecut_core.labels.state import LabelState
from posecut_core.project.layout import Project
from posecut_core.video.store import FrameStore
from posecut_core.workflow.opening import frame_folders

Stamp = tuple[object, ...]  # differs where files do


@dataclass(frozen=True)
class KnownVideo:
    """The frames of one video."""

    store: FrameStore
    origins: Mapping[int, tuple[int, int]]  # by frame number: x, y of the picture's top-left pixel in the full frame
    state: LabelState
    of_frames: Stamp
    of_labels: Stamp


def read_known(project: Project, before: Mapping[str, KnownVideo] | None = None) -> dict[str, KnownVideo]:
    """Read the frames and labels of a project, video by video.

    Args:
        project: the opened project.
        before: what was read earlier; where files are as they were then, it is handed back.

    Raises:
        VideoError: a frame store is damaged.
        LabelError: labels are damaged or do not fit the project.
    """
    known = before or {}
    videos = (folder.name for folder in frame_folders(project))
    there = (video for video in videos if project.frame_store(video).exists())
    return {video: _read(project, video, known.get(video)) for video in there}


def _read(project: Project, video: str, before: KnownVideo | None) -> KnownVideo:
    of_frames, of_labels = _stamp_of_frames(project, video), _stamp_of_labels(project, video)  # before it is read
    if before is not None and (before.of_frames, before.of_labels) == (of_frames, of_labels):
        return before
    if before is not None and before.of_frames == of_frames:
        store, origins = before.store, before.origins
    else:
        store = FrameStore.open(project.frame_store(video))
        origins = {
            number: (x, y) for number, (x, y) in zip(store.numbers.tolist(), store.origins.tolist(), strict=True)
        }
    same = before is not None and before.of_labels == of_labels
    state = before.state if before is not None and same else read_contents(project, video).history.state
    return KnownVideo(store, origins, state, of_frames, of_labels)


def _stamp_of_frames(project: Project, video: str) -> Stamp:
    """Return what differs after frames were added or removed: their numbers are written last."""
    numbers = project.frame_store(video) / "number"
    return (str(numbers), *_seen((numbers / "zarr.json", *sorted(numbers.glob("c/*")))))


def _stamp_of_labels(project: Project, video: str) -> Stamp:
    tables = (project.collected_data(video, suffix) for suffix in (".h5", ".csv"))
    files = (project.label_journal(video), project.bodypart_journal, *tables)
    return (project.config.bodyparts, *_seen(files))


def _seen(files: Iterable[Path]) -> Iterable[tuple[int, int, int] | None]:
    """Return inode, size and time of each file; a file that is replaced has another inode."""
    for file in files:
        try:
            found = file.stat()
            yield found.st_ino, found.st_size, found.st_mtime_ns
        except OSError:
            yield None
