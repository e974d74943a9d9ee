"""The frames of a project, and how far the labelling of each is."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from napari_posecut.pictures import FrameKey, Pictures
from posecut_core.labels.contents import read_contents
from posecut_core.labels.identities import match_names, read_identities
from posecut_core.labels.session import LabelSession
from posecut_core.labels.state import Frame, LabelState
from posecut_core.project.layout import Project
from posecut_core.video.store import FrameStore
from posecut_core.workflow.opening import frame_folders

FrameStatus = Literal["unlabelled", "proposed", "unreviewed", "begun", "done", "dropped"]
# unreviewed: machine labels in the store; proposed: only shown, by the network that the project has now
MEANING: Mapping[FrameStatus, str] = {
    "unlabelled": "nothing labelled yet",
    "proposed": "a network proposes a pose",
    "unreviewed": "machine labels to review",
    "begun": "some bodyparts labelled",
    "done": "done",
    "dropped": "taken out of training",
}


@dataclass(frozen=True)
class Progress:
    """How much of the labelling is done, exactly."""

    done: int  # frames
    frames: int  # in all, without dropped ones
    points: int  # bodyparts that a person has decided about, in all frames
    open: int  # the others


class Browser:
    """The extracted frames of a project with their pictures and labels; those of one video at a time are editable."""

    def __init__(self, project: Project, *, take_over: bool = False) -> None:
        """Read which frames there are and what is known of them.

        Args:
            project: the opened project.
            take_over: whether to edit labels although another computer says that it does.

        Raises:
            VideoError: a frame store is damaged.
            LabelError: labels are damaged or do not fit the project.
        """
        self.project = project
        self.columns = match_names(read_identities(project), project.config.bodyparts).columns
        paths = {folder.name: project.frame_store(folder.name) for folder in frame_folders(project)}
        stores = {video: FrameStore.open(path) for video, path in paths.items() if path.exists()}
        self._pictures = Pictures(stores)
        self._origins = {key: origin for video, store in stores.items() for key, origin in _origins(video, store)}
        self._states = {video: read_contents(project, video).history.state for video in stores}
        self._take_over = take_over
        self.frames = tuple(self._origins)
        self.places = {key: place for place, key in enumerate(self.frames)}  # where each is in `frames`
        self._counts: dict[FrameKey, tuple[Frame | None, int | None]] = {}  # each frame as it was counted last
        self.session: LabelSession | None = None  # of the video whose labels can be edited

    def enter(self, video: str) -> None:
        """Open the labels of a video for editing, and close those that were open.

        Raises:
            LabelError: the labels are damaged or do not fit the project.
            StorageError: the labels that were open could not be written as files; every edit is in the journal.
        """
        if self.session is None or self.session.video != video:
            self.leave()
            self.session = LabelSession.open(self.project, video, take_over=self._take_over)

    def leave(self) -> None:
        """Close the labels that are open: their files are written, and others may edit.

        Raises:
            StorageError: the disk refuses; every edit is in the journal all the same.
        """
        if self.session is not None:
            session, self.session = self.session, None
            self._states[session.video] = session.state
            session.close()

    def state(self, video: str) -> LabelState:
        """Return what is known of a video's frames."""
        if self.session is not None and self.session.video == video:
            return self.session.state
        return self._states[video]

    def frame(self, key: FrameKey) -> Frame:
        """Return what is known of a frame."""
        return self.state(key.video).frame(key.number)

    def image(self, key: FrameKey) -> UInt8[np.ndarray, "H W 3"]:
        """Return the picture of a frame, and read its neighbours meanwhile, which are likely to be asked for next.

        Raises:
            VideoError: it is damaged on disk.
        """
        place = self.places[key]
        return self._pictures.read(key, then=self.frames[max(place - 1, 0) : place + 3])

    def origin(self, key: FrameKey) -> tuple[int, int]:
        """Return x, y of a picture's top-left pixel in the full frame."""
        return self._origins[key]

    def around(self, key: FrameKey, by: int) -> list[FrameKey]:
        """List all other frames in the order in which they come up, forwards (1) or backwards (-1) from a frame."""
        place = self.places[key]
        after = [*self.frames[place + 1 :], *self.frames[:place]]
        return after if by > 0 else after[::-1]

    @property
    def progress(self) -> Progress:
        """Count done frames and decided bodyparts of the whole project."""
        used = [count for key in self.frames if (count := self._count(key)) is not None]
        points = sum(used)
        done = used.count(len(self.columns))
        return Progress(done, len(used), points, len(used) * len(self.columns) - points)

    def _count(self, key: FrameKey) -> int | None:
        frame = self.state(key.video).frames.get(key.number)
        known = self._counts.get(key)
        if known is None or known[0] is not frame:  # frames are immutable: the same one needs no counting
            self._counts[key] = known = (frame, decided(frame, self.columns))
        return known[1]


def status_of(frame: Frame, bodyparts: Iterable[str], *, proposed: bool = False) -> FrameStatus:
    """Say how far the labelling of a frame is.

    Args:
        frame: what the label store knows.
        bodyparts: identities of the project's bodyparts.
        proposed: whether there is a proposal for the frame.
    """
    if frame.dropped:
        return "dropped"
    known = [frame.points.get(part) for part in bodyparts]
    if any(point is not None and not point.is_label for point in known):
        return "unreviewed"
    if all(point is not None for point in known):
        return "done"
    if any(point is not None for point in known):
        return "begun"
    return "proposed" if proposed else "unlabelled"


def decided(frame: Frame | None, bodyparts: Iterable[str]) -> int | None:
    """Count the bodyparts that a person has decided about; None for a frame that was taken out of training.

    Args:
        frame: what the label store knows; None where it knows nothing.
        bodyparts: identities of the project's bodyparts.
    """
    if frame is None or frame.dropped:
        return 0 if frame is None else None
    points = [frame.points.get(part) for part in bodyparts]
    return sum(point is not None and point.is_label for point in points)


def _origins(video: str, store: FrameStore) -> Iterator[tuple[FrameKey, tuple[int, int]]]:
    for number, (x, y) in zip(store.numbers.tolist(), store.origins.tolist(), strict=True):
        yield FrameKey(video, number), (x, y)
