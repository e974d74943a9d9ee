"""The frames of a project: how far the labeling of each is, what lies on disk, and pictures read ahead."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from napari_posecut.labeling.extracted_frames import partial_crops
from posecut_core.errors import PosecutError
from posecut_core.labels.contents import read_contents, read_naming
from posecut_core.labels.edits import Made
from posecut_core.labels.frame_notes import read_notes, write_note
from posecut_core.labels.session import LabelSession
from posecut_core.labels.state import Frame, LabelState
from posecut_core.project.config import ProjectConfig
from posecut_core.project.given import natural_key
from posecut_core.project.opening import frame_folders
from posecut_core.project.paths import Project
from posecut_core.project.state import ProjectState, look_of, read_state, update_state
from posecut_core.storage.files import stamps
from posecut_core.types import Crop, FrameRef
from posecut_core.video.frame_store import FrameStore, picture_hash

# --- images -----------------------------------------------------------------------------------------------------------
# The pictures of extracted frames: those next to the shown one are read ahead, so that going on waits for no disk.


@dataclass(frozen=True)
class _Picture:
    """A picture, and what it is recognized by."""

    pixels: UInt8[np.ndarray, "H W 3"]
    hash: str


class _ImageCache:
    """The pictures of some frame stores, read on one thread."""

    def __init__(self, stores: Mapping[str, FrameStore]) -> None:
        self._stores = stores
        self._reading: dict[FrameRef, Future[_Picture]] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="posecut-pictures")

    def read(self, key: FrameRef, *, then: Sequence[FrameRef] = ()) -> _Picture:
        """Return a picture, and begin to read those that are likely to be asked for next; others are forgotten.

        Raises:
            VideoError: it is damaged on disk.
            StorageError: it must not be read.
        """
        ahead = self._reading.get(key)
        if ahead is not None and ahead.exception() is not None:  # the disk may have come back since
            del self._reading[key]
        picture = self._submit(key).result()
        self._reading = {wanted: self._submit(wanted) for wanted in (key, *then)}
        return picture

    def _submit(self, key: FrameRef) -> Future[_Picture]:
        if key not in self._reading:
            self._reading[key] = self._thread.submit(_read_picture, self._stores[key.video], key.number)
        return self._reading[key]


def _read_picture(store: FrameStore, number: int) -> _Picture:
    pixels = store.read(number)
    return _Picture(pixels, picture_hash(pixels))


# --- frames and labels on disk ----------------------------------------------------------------------------------------
# What lies on disk of a video's extracted frames and of their labels; read again only where a file has changed.


_FileStamp = tuple[object, ...]  # differs where files do


@dataclass(frozen=True)
class _CachedVideo:
    """The frames of one video."""

    store: FrameStore
    origins: Mapping[int, tuple[int, int]]  # by frame number: x, y of the picture's top-left pixel in the full frame
    state: LabelState
    of_frames: _FileStamp
    of_labels: _FileStamp


def _read_videos(project: Project, before: Mapping[str, _CachedVideo] | None = None) -> dict[str, _CachedVideo]:
    """Read the frames and labels of a project, video by video.

    Args:
        project: the opened project.
        before: what was read earlier; where files are as they were then, it is handed back.

    Raises:
        VideoError: a frame store is damaged.
        LabelError: labels are damaged or do not fit the project.
    """
    cached = before or {}
    videos = sorted((folder.name for folder in frame_folders(project)), key=natural_key)
    there = (video for video in videos if project.frame_store(video).exists())
    return {video: _read(project, video, cached.get(video)) for video in there}


def _read(project: Project, video: str, before: _CachedVideo | None) -> _CachedVideo:
    of_frames, of_labels = _frames_stamp(project, video), _labels_stamp(project, video)  # before it is read
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
    return _CachedVideo(store, origins, state, of_frames, of_labels)


def _read_notes(project: Project, videos: Iterable[str]) -> dict[FrameRef, str]:
    """Read the notes on the frames of videos; where they cannot be read, labels are shown all the same."""
    notes = {}
    for video in videos:
        with suppress(PosecutError):
            found = read_notes(project.frame_notes(video))
            notes.update({FrameRef(video, number): note for number, note in found.items()})
    return notes


def _frames_stamp(project: Project, video: str) -> _FileStamp:
    """Return what differs after frames were added or removed: their numbers are written last."""
    numbers = project.frame_store(video) / "number"
    return (str(numbers), *stamps(numbers / "zarr.json", *sorted(numbers.glob("c/*"))))


def _labels_stamp(project: Project, video: str) -> _FileStamp:
    tables = (project.collected_data(video, suffix) for suffix in (".h5", ".csv"))
    files = (project.label_journal(video), project.bodypart_journal, *tables)
    return (project.config.bodyparts, *stamps(*files))


# --- frame index ------------------------------------------------------------------------------------------------------
# The frames of a project, and how far the labeling of each is.


Brightness = tuple[float, float, float]  # gray values from 0 to 255 that are black and white, and gamma
AS_IT_IS: Brightness = (0.0, 255.0, 1.0)
FrameStatus = Literal["unlabeled", "proposed", "unreviewed", "begun", "done", "dropped"]
# unreviewed: drafts among the labels; proposed: a pose is offered, and nothing is stored
MEANING: Mapping[FrameStatus, str] = {
    "unlabeled": "not labeled",
    "proposed": "a pose is suggested",
    "unreviewed": "suggestions to review",
    "begun": "partly labeled",
    "done": "done",
    "dropped": "dropped from training",
}

NOTED = "✎"  # marks a frame that has a note


@dataclass(frozen=True)
class LabelingProgress:
    """How much of the labeling is done, exactly."""

    done: int  # frames
    frames: int  # in all, without dropped ones
    points: int  # bodyparts that the user has decided about, in all frames
    open: int  # the others


@dataclass(frozen=True)
class IndexContents:
    """What was read of a project."""

    project: Project
    look: ProjectConfig  # config.yaml with the colors that bodyparts are drawn in
    brightness: Mapping[str, Brightness]  # of the videos whose pictures are not shown as they are
    columns: dict[str, str]  # identity -> name of the bodyparts
    cached: dict[str, _CachedVideo]
    notes: dict[FrameRef, str]
    crops: Mapping[str, Crop]  # of the videos of which extraction leaves a part out


class FrameIndex:
    """The extracted frames of a project with their pictures and labels; those of one video at a time are editable."""

    def __init__(self, project: Project, *, take_over: bool = False) -> None:
        """Read which frames there are and what is known of them.

        Args:
            project: the opened project.
            take_over: whether to edit labels although another computer says that it does.

        Raises:
            ProjectError: posecut.yaml is malformed.
            VideoError: a frame store is damaged.
            LabelError: labels are damaged or do not fit the project.
        """
        self._take_over = take_over
        self._unsaved: dict[str, Brightness] = {}  # that was set and is not in posecut.yaml yet
        self.label_session: LabelSession | None = None  # of the video whose labels can be edited
        self.columns: dict[str, str] = {}
        self._cached: dict[str, _CachedVideo] = {}
        self._counts: dict[str, dict[int, tuple[Frame, int | None]]] = {}  # each frame as it was counted last, by video
        self._statuses: dict[FrameRef, tuple[Frame, bool, FrameStatus]] = {}  # the same of how far it is
        self._done: dict[str, Made | None] = {}  # of videos that were open: the edits that can be undone
        self.update(self.read(project))

    def read(self, project: Project) -> "IndexContents":
        """Read again what has changed on disk; labels that are open for editing are closed only where it concerns them.

        A thread may do so, if nobody edits meanwhile; `take` then shows what was found.

        Raises:
            ProjectError: posecut.yaml is malformed.
            VideoError: a frame store is damaged.
            LabelError: labels are damaged or do not fit the project.
            StorageError: labels that were open could not be written as files; every edit is in the journal.
        """
        columns, look = read_naming(project).columns, look_of(project)
        brightness = read_state(project.settings_path).brightness
        cached = _read_videos(project, self._cached)
        if not self._still_open(project, columns, cached):
            self.release()
            cached = _read_videos(project, cached)  # with the edits that were open
        notes, crops = _read_notes(project, cached), partial_crops(project)
        return IndexContents(project, look, brightness, columns, cached, notes, crops)

    def update(self, contents: "IndexContents") -> None:
        """Hold what `look` has found."""
        cached = contents.cached
        if contents.columns != self.columns:
            self._counts.clear()
            self._statuses.clear()
        self.project, self.columns, self._cached = contents.project, contents.columns, cached
        self.look, self.notes, self.crops = contents.look, contents.notes, contents.crops
        self._brightness = dict(contents.brightness)
        self._states = {video: one.state for video, one in cached.items()}
        self._images = _ImageCache({video: one.store for video, one in cached.items()})
        self._origins = {FrameRef(v, number): xy for v, one in cached.items() for number, xy in one.origins.items()}
        self.frames = tuple(self._origins)
        self.places = {key: place for place, key in enumerate(self.frames)}  # where each is in `frames`

    def _still_open(self, project: Project, columns: Mapping[str, str], cached: Mapping[str, _CachedVideo]) -> bool:
        """Tell whether the labels that are open for editing can stay so."""
        label_session = self.label_session
        if label_session is None or not label_session.writable or label_session.video not in cached:
            return label_session is None
        config, earlier = project.config, self.project.config
        same = (columns, config.scorer) == (self.columns, earlier.scorer)
        return same and cached[label_session.video].store is self._cached[label_session.video].store

    def open_labels(self, video: str) -> None:
        """Open the labels of a video for editing, and close those that were open.

        Raises:
            LabelError: the labels are damaged or do not fit the project.
            StorageError: the labels that were open could not be written as files; every edit is in the journal.
        """
        if not self.is_open(video):
            self.release()
            self.label_session = LabelSession.open(self.project, video, take_over=self._take_over)

    def is_open(self, video: str) -> bool:
        """Tell whether the labels of a video are those that are open."""
        return self.label_session is not None and self.label_session.video == video

    def release(self) -> None:
        """Close the labels that are open: their files are written, and others may edit.

        Raises:
            StorageError: the disk refuses; every edit that is durable is in the journal all the same.
        """
        if self.label_session is not None:
            label_session, self.label_session = self.label_session, None
            try:
                label_session.close()
            finally:
                self._states[label_session.video] = label_session.state
                self._done[label_session.video] = label_session.history.done

    def state(self, video: str) -> LabelState:
        """Return what is known of a video's frames."""
        if self.label_session is not None and self.label_session.video == video:
            return self.label_session.state
        return self._states[video]

    def done(self, video: str) -> Made | None:
        """Return the edits of a video that can be undone, as of when its labels were open last; None if never."""
        if self.label_session is not None and self.label_session.video == video:
            return self.label_session.history.done
        return self._done.get(video)

    def frame(self, key: FrameRef) -> Frame:
        """Return what is known of a frame."""
        return self.state(key.video).frame(key.number)

    def status(self, key: FrameRef, *, proposed: bool = False) -> FrameStatus:
        """Say how far the labeling of a frame is; `proposed` tells whether there is a proposal for it."""
        frame, cached = self.frame(key), self._statuses.get(key)
        if cached is None or cached[0] is not frame or cached[1] != proposed:  # frames are immutable
            status = _status_of(frame, self.columns, proposed=proposed)
            self._statuses[key] = cached = (frame, proposed, status)
        return cached[2]

    def image(self, key: FrameRef) -> UInt8[np.ndarray, "H W 3"]:
        """Return the picture of a frame, and read its neighbors meanwhile, which are likely to be asked for next.

        Raises:
            VideoError: it is damaged on disk.
            StorageError: it must not be read.
        """
        place = self.places[key]
        picture = self._images.read(key, then=self.frames[max(place - 1, 0) : place + 3])
        if self.label_session is not None and self.label_session.video == key.video:
            self.label_session.show(key.number, picture.hash)
        return picture.pixels

    def picture(self, key: FrameRef) -> UInt8[np.ndarray, "H W 3"]:
        """Return the picture of a frame, and leave those alone that are read ahead.

        Raises:
            VideoError: it is damaged on disk.
            StorageError: it must not be read.
        """
        return self._cached[key.video].store.read(key.number)

    def origin(self, key: FrameRef) -> tuple[int, int]:
        """Return x, y of a picture's top-left pixel in the full frame."""
        return self._origins[key]

    def write_note(self, key: FrameRef, note: str) -> None:
        """Write a note on a frame; an empty one takes it away.

        Raises:
            LabelError: it is too long, or the notes cannot be read.
            StorageError: the disk refuses, or another program keeps the notes locked.
        """
        write_note(self.project, key.video, key.number, note)
        others = {other: text for other, text in self.notes.items() if other != key}
        self.notes = {**others, key: note} if note else others

    def brightness(self, video: str) -> Brightness:
        """Return how the pictures of a video are shown."""
        return self._unsaved.get(video, self._brightness.get(video, AS_IT_IS))

    def set_brightness(self, video: str, brightness: Brightness) -> None:
        """Show the pictures of a video otherwise; `save_brightness` keeps it."""
        self._unsaved[video] = brightness

    def save_brightness(self) -> None:
        """Keep how the pictures of all videos are shown, in posecut.yaml.

        Raises:
            ProjectError: posecut.yaml is malformed.
            StorageError: the disk refuses, or another program keeps the file locked.
        """
        changed = dict(self._unsaved)

        def together(state: ProjectState) -> ProjectState:
            every = {**state.brightness, **changed}
            return replace(state, brightness={video: values for video, values in every.items() if values != AS_IT_IS})

        update_state(self.project, together)
        self._brightness.update(changed)
        self._unsaved = {video: values for video, values in self._unsaved.items() if changed.get(video) != values}

    def around(self, key: FrameRef, by: int) -> list[FrameRef]:
        """List all other frames in the order in which they come up, forwards (1) or backwards (-1) from a frame."""
        place = self.places[key]
        after = [*self.frames[place + 1 :], *self.frames[:place]]
        return after if by > 0 else after[::-1]

    @property
    def progress(self) -> LabelingProgress:
        """Count done frames and decided bodyparts of the whole project."""
        used = [count for video in self._cached for count in self._decided(video) if count is not None]
        points = sum(used)
        done = used.count(len(self.columns))
        return LabelingProgress(done, len(used), points, len(used) * len(self.columns) - points)

    def _decided(self, video: str) -> list[int | None]:
        """Count the bodyparts of each frame that the user has decided about; None for a frame out of training."""
        known, numbers = self.state(video).frames, self._cached[video].origins
        counts = self._counts.setdefault(video, {})
        for number, frame in known.items():
            if (cached := counts.get(number)) is None or cached[0] is not frame:  # frames are immutable
                counts[number] = (frame, _count_decided(frame, self.columns))
        found = [counts[number][1] for number in known if number in numbers]
        return [*found, *[0] * (len(numbers) - len(found))]  # of the others nothing is known


def _status_of(frame: Frame, bodyparts: Iterable[str], *, proposed: bool = False) -> FrameStatus:
    """Say how far the labeling of a frame is.

    Args:
        frame: what the label store knows.
        bodyparts: identities of the project's bodyparts.
        proposed: whether there is a proposal for the frame.
    """
    if frame.dropped:
        return "dropped"
    cached = [frame.points.get(part) for part in bodyparts]
    if any(point is not None and not point.is_label for point in cached):
        return "unreviewed"
    if all(point is not None for point in cached):
        return "done"
    if any(point is not None for point in cached):
        return "begun"
    return "proposed" if proposed else "unlabeled"


def _count_decided(frame: Frame, bodyparts: Iterable[str]) -> int | None:
    """Count the bodyparts that the user has decided about; None for a frame that was taken out of training.

    Args:
        frame: what the label store knows.
        bodyparts: identities of the project's bodyparts.
    """
    if frame.dropped:
        return None
    points = [frame.points.get(part) for part in bodyparts]
    return sum(point is not None and point.is_label for point in points)
