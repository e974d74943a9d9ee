"""The frames of a project with their marks, one of them shown at a time: looking at labels without changing them."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from psygnal import Signal

from napari_posecut.browser import Browser, Found, FrameKey, FrameStatus, Progress
from napari_posecut.marks import Mark, mark_of
from napari_posecut.proposals import ProposedPoses
from posecut_core.errors import LabelError
from posecut_core.project.layout import Project

SETTLED = ("done", "dropped")  # frames that need nobody
Value = TypeVar("Value")


class Aside(Protocol):
    """Runs what takes long, and returns its result or raises what it raised; a window lets a thread do it."""

    def __call__(self, work: Callable[[], Value], /) -> Value:
        """Return what `work` returns."""
        ...


def at_once(work: Callable[[], Value], /) -> Value:
    """Run it here and now."""
    return work()


class Tour:
    """Which frame of a project is shown, what is known and proposed of it, and which bodypart is the current one."""

    frame_changed = Signal()  # another frame is shown, or the project was read again
    marks_changed = Signal()  # something in the shown frame is different now

    def __init__(self, project: Project, *, take_over: bool = False, paused: bool = False) -> None:
        """Begin at the first frame that needs a person.

        Args:
            project: the opened project.
            take_over: whether to edit labels although another computer says that it does.
            paused: whether to begin as after `pause`.

        Raises:
            VideoError: a frame store is damaged.
            LabelError: labels are damaged or do not fit the project.
        """
        self.frame: FrameKey | None = None
        self.proposals = ProposedPoses()
        self.browser = Browser(project, take_over=take_over)
        self.aside: Aside = at_once
        self._chosen: str | None = None
        self._paused = paused
        self._show(self._first_open())

    def take(self, found: Found) -> None:
        """Show what `Browser.look` has found."""
        self.browser.take(found)
        self._show(self.frame if self.frame in self.browser.places else self._first_open())

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Return every bodypart of the shown frame, in the project's order."""
        return () if self.frame is None else self.marks_of(self.frame)

    def marks_of(self, frame: FrameKey) -> tuple[Mark, ...]:
        """Return every bodypart of a frame, in the project's order."""
        points, proposed = self.browser.frame(frame).points, self.proposals.of(frame)
        columns = self.browser.columns.items()
        return tuple(mark_of(part, name, points.get(part), proposed.get(part)) for part, name in columns)

    @property
    def current(self) -> Mark | None:
        """Return the bodypart that the next click places; None where the frame is done."""
        marks = self.marks
        chosen = next((mark for mark in marks if mark.bodypart == self._chosen), None)
        return chosen or next((mark for mark in marks if mark.state == "unset"), None) or first_open(marks)

    def status(self, frame: FrameKey) -> FrameStatus:
        """Say how far the labelling of a frame is."""
        return self.browser.status(frame, proposed=self.proposals.has(frame))

    @property
    def progress(self) -> Progress:
        """Count done frames and decided bodyparts of the whole project."""
        return self.browser.progress

    @property
    def writable(self) -> bool:
        """Tell whether the shown frame can be edited; `notices` say why not."""
        return self.browser.session is not None and self.browser.session.writable

    @property
    def notices(self) -> tuple[str, ...]:
        """Return what a person should know of how the shown video's labels were opened."""
        return self.browser.session.notices if self.browser.session else ()

    def go_to(self, frame: FrameKey) -> None:
        """Show a frame.

        Raises:
            LabelError: it is not among the extracted frames, or its labels are damaged.
        """
        if frame not in self.browser.places:
            raise LabelError(
                f"Frame {frame.number} of {frame.video} is not among the extracted frames; extract it first, or choose "
                "another."
            )
        self._show(frame)

    def step(self, by: int) -> None:
        """Show the frame that many places further on in the list, at most its last or first one."""
        if self.frame is not None:
            place = self.browser.places[self.frame] + by
            self._show(self.browser.frames[min(max(place, 0), len(self.browser.frames) - 1)])

    def next_open(self, by: int = 1) -> bool:
        """Show the next frame (the previous one with -1) that needs a person; tell whether there is another."""
        others = self.browser.around(self.frame, by) if self.frame else []
        found = next((key for key in others if self.status(key) not in SETTLED), None)
        if found is not None:
            self._show(found)
        return found is not None

    def next_doubtful(self, pcutoff: float) -> bool:
        """Choose the next proposal with a likelihood below `pcutoff`, in this frame or the following ones."""
        if self.frame is None:
            return False
        after = list(self.browser.columns).index(self._chosen) + 1 if self._chosen else 0
        starts = [(self.frame, after), *((key, 0) for key in self.browser.around(self.frame, 1)), (self.frame, 0)]
        for key, start in starts:
            doubtful = next((mark for mark in self.marks_of(key)[start:] if _is_doubtful(mark, pcutoff)), None)
            if doubtful is not None:
                self._show(key, chosen=doubtful.bodypart)
                return True
        return False

    def choose(self, bodypart: str) -> None:
        """Make a bodypart the current one, by its identity, whether it is labelled already or not."""
        self._chosen = bodypart
        self.marks_changed.emit()

    def choose_next(self, by: int = 1) -> None:
        """Make the bodypart after the current one (before it with -1) the current one."""
        parts = list(self.browser.columns)
        if self.frame is not None and parts:
            current = self.current
            place = parts.index(current.bodypart) + by if current else 0
            self.choose(parts[place % len(parts)])

    def pause(self) -> None:
        """Let go of the labels, so that another process can edit them; `resume` ends it.

        Raises:
            StorageError: the disk refuses to write the labels' files; every edit is in the journal all the same.
        """
        if self._paused:
            return
        self._paused = True
        try:
            self.aside(self.browser.leave)
        finally:
            self.marks_changed.emit()

    def resume(self) -> None:
        """Take the labels of the shown video up again, where they were let go of.

        Raises:
            LabelError: labels are damaged or do not fit the project.
        """
        if self._paused:
            self._paused = False
            if self.frame is not None:
                self._enter(self.frame.video)
            self.marks_changed.emit()

    def close(self) -> None:
        """Write the CollectedData files and let others edit.

        Raises:
            StorageError: the disk refuses; every edit is in the journal all the same.
        """
        self.aside(self.browser.leave)

    def _shown(self) -> FrameKey:
        if self.frame is None:
            raise LabelError("The project has no extracted frames to label; extract frames first.")
        return self.frame

    def _first_open(self) -> FrameKey | None:
        frames = self.browser.frames
        return next((key for key in frames if self.status(key) not in SETTLED), frames[0] if frames else None)

    def _show(self, frame: FrameKey | None, *, chosen: str | None = None) -> None:
        if frame is not None:
            self._enter(frame.video)
        self.frame, self._chosen = frame, chosen
        self.frame_changed.emit()

    def _enter(self, video: str) -> None:
        if not self._paused and not self.browser.edits(video):
            self.aside(lambda: self.browser.enter(video))


def first_open(marks: tuple[Mark, ...]) -> Mark | None:
    """Return the first bodypart that a person still has to decide about."""
    return next((mark for mark in marks if mark.is_open), None)


def _is_doubtful(mark: Mark, pcutoff: float) -> bool:
    return mark.state == "proposed" and mark.likelihood is not None and mark.likelihood < pcutoff
