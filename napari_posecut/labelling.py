"""The labelling of a project, one frame at a time: what a click or a key does, without any window.

    labelling = Labelling(open_project(config))
    labelling.go_to(FrameKey("session1", 40))
    labelling.place((81.5, 40.0))     # the current bodypart; the next one becomes current

Every edit goes to the label store and is durable when the call returns. Whoever shows it listens to `frame_changed`
(another frame is shown) and `marks_changed` (something in it is different now).
"""

from collections.abc import Callable

from psygnal import Signal

from napari_posecut.browser import Browser, FrameKey, FrameStatus, Progress, progress_of, status_of
from napari_posecut.marks import Mark, Proposal, mark_of
from napari_posecut.proposals import ProposedPoses, accepted, stored
from posecut_core.errors import LabelError
from posecut_core.labels.edits import (
    Delete,
    DropFrame,
    Edit,
    MarkAbsent,
    MarkOccluded,
    Move,
    Place,
    Redo,
    RestoreFrame,
    Step,
    Together,
    Undo,
    frames_of,
)
from posecut_core.labels.history import Made
from posecut_core.labels.point import Position
from posecut_core.labels.session import LabelSession
from posecut_core.project.layout import Project

SETTLED = ("done", "dropped")  # frames that need nobody


class Labelling:
    """A person's labelling of a project; close it when the window closes."""

    frame_changed = Signal()
    marks_changed = Signal()

    def __init__(self, project: Project, *, advance: bool = True, take_over: bool = False) -> None:
        """Open the labels of a project at the first frame that needs a person.

        Args:
            project: the opened project.
            advance: whether to go on to the next frame when a frame is done.
            take_over: whether to edit although another computer says that it does.

        Raises:
            VideoError: a frame store is damaged.
            LabelError: labels are damaged or do not fit the project.
        """
        self.advance = advance
        self.frame: FrameKey | None = None
        self.proposals = ProposedPoses()
        self._take_over = take_over
        self._chosen: str | None = None
        self._paused = False
        self.browser = Browser(project, take_over=take_over)
        self._show(self._first_open())

    def reload(self, project: Project) -> None:
        """Read again which frames there are and what is known of them, after something else changed them.

        Raises:
            VideoError: a frame store is damaged.
            LabelError: labels are damaged or do not fit the project.
        """
        self.browser.leave()
        self.browser = Browser(project, take_over=self._take_over)
        known = self.frame in self.browser.frames
        self._show(self.frame if known else self._first_open())

    # What is shown

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
        return chosen or next((mark for mark in marks if mark.state == "unset"), None) or _first_open(marks)

    def status(self, frame: FrameKey) -> FrameStatus:
        """Say how far the labelling of a frame is."""
        proposed = bool(self.proposals.of(frame))
        return status_of(self.browser.frame(frame), self.browser.columns, proposed=proposed)

    @property
    def progress(self) -> Progress:
        """Count done frames and decided bodyparts of the whole project."""
        states = ((self.browser.frame(key), self.status(key)) for key in self.browser.frames)
        return progress_of(states, len(self.browser.columns))

    @property
    def frames_open(self) -> bool:
        """Tell whether any frame still needs a person."""
        return any(self.status(key) not in SETTLED for key in self.browser.frames)

    @property
    def writable(self) -> bool:
        """Tell whether the shown frame can be edited; `notices` say why not."""
        return self.browser.session is not None and self.browser.session.writable

    @property
    def notices(self) -> tuple[str, ...]:
        """Return what a person should know of how the shown video's labels were opened."""
        return self.browser.session.notices if self.browser.session else ()

    # Going about

    def go_to(self, frame: FrameKey) -> None:
        """Show a frame.

        Raises:
            LabelError: it is not among the extracted frames, or its labels are damaged.
        """
        if frame not in self.browser.frames:
            raise LabelError(
                f"Frame {frame.number} of {frame.video} is not among the extracted frames; extract it first, or choose "
                "another."
            )
        self._show(frame)

    def step(self, by: int) -> None:
        """Show the frame that many places further on in the list, at most its last or first one."""
        if self.frame is not None:
            place = self.browser.frames.index(self.frame) + by
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
        for key in [self.frame, *self.browser.around(self.frame, 1)] if self.frame else []:
            parts = list(self.browser.columns)
            start = parts.index(self._chosen) + 1 if key == self.frame and self._chosen else 0
            doubtful = next((mark for mark in self.marks_of(key)[start:] if _is_doubtful(mark, pcutoff)), None)
            if doubtful is not None:
                self._show(key)
                self.choose(doubtful.bodypart)
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

    # Editing; all of these raise LabelError where the labels cannot be edited and StorageError where the disk refuses

    def place(self, xy: Position) -> None:
        """Place the current bodypart, and go on to the next one; after the last one, to the next frame."""
        self._decide(lambda frame, part: Place(frame, part, xy))

    def occlude(self, xy: Position | None = None) -> None:
        """Say that the current bodypart is hidden, at a position or nowhere known, and go on."""
        self._decide(lambda frame, part: MarkOccluded(frame, part, xy))

    def mark_absent(self) -> None:
        """Say that the current bodypart is not in the frame, and go on."""
        self._decide(lambda frame, part: MarkAbsent(frame, part))

    def move(self, bodypart: str, xy: Position) -> None:
        """Move a bodypart that is shown: a label, or a proposal, which becomes a label with it."""
        frame = self._shown()
        proposal = self._unstored(frame, bodypart)
        drafted = () if proposal is None else (stored(frame, bodypart, proposal),)
        self._apply(*drafted, Move(frame.number, bodypart, xy))

    def unset(self, bodypart: str) -> None:
        """Delete a label or wave a proposal away; the bodypart is the current one then."""
        frame = self._shown()
        if self.browser.frame(frame).points.get(bodypart) is not None:
            self._apply(Delete(frame.number, bodypart))
        self.proposals.wave_away(frame, bodypart)
        self.choose(bodypart)

    def accept(self) -> None:
        """Make labels of all proposals that are shown, and go on to the next frame if that completes this one."""
        frame = self._shown()
        parts = [mark.bodypart for mark in self.marks if mark.state == "proposed"]
        edits = [edit for part in parts for edit in accepted(frame, part, self._unstored(frame, part))]
        if edits:
            self._apply(*edits)
        self._go_on(was_open=True)

    def copy_pose(self) -> None:
        """Propose the pose of the nearest frame before this one that has labels, for bodyparts that are unset.

        Raises:
            LabelError: no frame before it has labels.
        """
        frame = self._shown()
        earlier = [key for key in self.browser.frames if key < frame and self._labels(key)]
        if not earlier:
            raise LabelError("No frame before this one has labels to copy; label one of them first.")
        unset = {mark.bodypart for mark in self.marks if mark.state == "unset"}
        pose = {part: Proposal(xy) for part, xy in self._labels(earlier[-1]).items() if part in unset}
        self.proposals.copy(frame, pose)
        self.marks_changed.emit()

    def drop(self) -> None:
        """Take the shown frame out of labelling and training, or take it back in."""
        frame = self._shown()
        dropped = self.browser.frame(frame).dropped
        self._apply(RestoreFrame(frame.number) if dropped else DropFrame(frame.number))

    def undo(self) -> None:
        """Take the last edit of this video back, and show where it was."""
        self._retrace(Undo(), self._writer().history.done)

    def redo(self) -> None:
        """Make the edit that was taken back last again, and show where it is."""
        self._retrace(Redo(), self._writer().history.undone)

    # What others do meanwhile

    def pause(self) -> None:
        """Let go of the labels, so that another process can edit them; `resume` ends it.

        Raises:
            StorageError: the disk refuses to write the labels' files; every edit is in the journal all the same.
        """
        self._paused = True
        self.browser.leave()
        self.marks_changed.emit()

    def resume(self, project: Project) -> None:
        """Take the labels up again as they are now.

        Raises:
            VideoError: a frame store is damaged.
            LabelError: labels are damaged or do not fit the project.
        """
        self._paused = False
        self.reload(project)

    def close(self) -> None:
        """Write the CollectedData files and let others edit.

        Raises:
            StorageError: the disk refuses; every edit is in the journal all the same.
        """
        self.browser.leave()

    # Inside

    def _shown(self) -> FrameKey:
        if self.frame is None:
            raise LabelError("The project has no extracted frames to label; extract frames first.")
        return self.frame

    def _first_open(self) -> FrameKey | None:
        frames = self.browser.frames
        return next((key for key in frames if self.status(key) not in SETTLED), frames[0] if frames else None)

    def _show(self, frame: FrameKey | None) -> None:
        if frame is not None and not self._paused:
            self.browser.enter(frame.video)
        self.frame, self._chosen = frame, None
        self.frame_changed.emit()

    def _writer(self) -> LabelSession:
        frame = self._shown()
        if self._paused:
            raise LabelError("The labels are being changed by work that is running; wait until it has ended.")
        self.browser.enter(frame.video)
        assert self.browser.session is not None
        self.browser.session.require_writable()
        return self.browser.session

    def _labels(self, frame: FrameKey) -> dict[str, Position]:
        points = self.browser.frame(frame).points
        return {part: point.xy for part, point in points.items() if point.is_label and point.xy}

    def _unstored(self, frame: FrameKey, bodypart: str) -> Proposal | None:
        """Return a proposal that is only shown; None where the store knows of the bodypart."""
        known = self.browser.frame(frame).points.get(bodypart)
        return None if known else self.proposals.of(frame).get(bodypart)

    def _decide(self, edit: Callable[[int, str], Edit]) -> None:
        frame, current = self._shown(), self.current
        if current is None:
            raise LabelError(
                "All bodyparts of this frame are labelled; drag a marker to correct it, or choose a bodypart to place "
                "it again."
            )
        self._apply(edit(frame.number, current.bodypart))
        self._go_on(was_open=current.is_open)

    def _go_on(self, *, was_open: bool) -> None:
        """Let the next bodypart be the current one; show the next open frame if this one has just been completed."""
        self._chosen = None
        if not (self.advance and was_open and _first_open(self.marks) is None and self.next_open()):
            self.marks_changed.emit()

    def _apply(self, *edits: Edit) -> None:
        self._writer().apply(edits[0] if len(edits) == 1 else Together(edits))
        self.marks_changed.emit()

    def _retrace(self, step: Step, made: Made | None) -> None:
        session = self._writer()
        session.apply(step)
        touched = frames_of(made.edit) if made else ()
        keys = [key for key in self.browser.frames if key.video == session.video and key.number in touched]
        self._chosen = None
        if keys and self.frame not in keys:
            self._show(keys[0])
        self.marks_changed.emit()


def _first_open(marks: tuple[Mark, ...]) -> Mark | None:
    return next((mark for mark in marks if mark.is_open), None)


def _is_doubtful(mark: Mark, pcutoff: float) -> bool:
    return mark.state == "proposed" and mark.likelihood is not None and mark.likelihood < pcutoff
