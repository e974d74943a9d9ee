"""The frames of a project, and how far the labelling of each is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import UInt8

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


@dataclass(frozen=True, order=True)
class FrameKey:
    """One extracted frame: the stem of its video's file name, and its number in the video."""

    video: str
    number: int


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
        stores = {folder.name: project.frame_store(folder.name) for folder in frame_folders(project)}
        self._stores = {video: FrameStore.open(path) for video, path in stores.items() if path.exists()}
        self._numbers = {video: store.numbers.tolist() for video, store in self._stores.items()}
        self._states = {video: read_contents(project, video).history.state for video in self._stores}
        self._take_over = take_over
        self.frames = tuple(FrameKey(video, number) for video, found in self._numbers.items() for number in found)
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
        """Read the picture of a frame.

        Raises:
            VideoError: it is damaged on disk.
        """
        return self._stores[key.video].read(key.number)

    def origin(self, key: FrameKey) -> tuple[int, int]:
        """Return x, y of a picture's top-left pixel in the full frame."""
        x, y = self._stores[key.video].origins[self._numbers[key.video].index(key.number)].tolist()
        return x, y

    def around(self, key: FrameKey, by: int) -> list[FrameKey]:
        """List all other frames in the order in which they come up, forwards (1) or backwards (-1) from a frame."""
        place = self.frames.index(key)
        after = [*self.frames[place + 1 :], *self.frames[:place]]
        return after if by > 0 else after[::-1]


@dataclass(frozen=True)
class Progress:
    """How much of the labelling is done, exactly."""

    done: int  # frames
    frames: int  # in all, without dropped ones
    points: int  # bodyparts that a person has decided about, in all frames
    open: int  # the others


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


def progress_of(states: Iterable[tuple[Frame, FrameStatus]], bodyparts: int) -> Progress:
    """Count done frames and decided bodyparts.

    Args:
        states: every extracted frame, with its status.
        bodyparts: how many the project has.
    """
    used = [(frame, status) for frame, status in states if status != "dropped"]
    points = sum(sum(point.is_label for point in frame.points.values()) for frame, _ in used)
    done = sum(status == "done" for _, status in used)
    return Progress(done, len(used), points, len(used) * bodyparts - points)
