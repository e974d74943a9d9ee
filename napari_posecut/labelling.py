"""The labelling of a project, one frame at a time: what a click or a key does, without any window.

    labelling = Labelling(open_project(config))
    labelling.go_to(FrameKey("session1", 40))
    labelling.place((81.5, 40.0))     # the current bodypart; the next one becomes current

Every edit goes to the label store and is durable when the call returns. Whoever shows it listens to `frame_changed`
(another frame is shown) and `marks_changed` (something in it is different now).
"""

from collections.abc import Callable

from napari_posecut.browser import FrameKey
from napari_posecut.marks import Proposal
from napari_posecut.proposals import accepted, stored
from napari_posecut.tour import Tour, first_open
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


class Labelling(Tour):
    """A person's labelling of a project; close it when the window closes."""

    def __init__(
        self, project: Project, *, advance: bool = True, take_over: bool = False, paused: bool = False
    ) -> None:
        """Open the labels of a project at the first frame that needs a person.

        Args:
            project: the opened project.
            advance: whether to go on to the next frame when a frame is done.
            take_over: whether to edit although another computer says that it does.
            paused: whether to begin as after `pause`.

        Raises:
            VideoError: a frame store is damaged.
            LabelError: labels are damaged or do not fit the project.
        """
        super().__init__(project, take_over=take_over, paused=paused)
        self.advance = advance

    # All of these raise LabelError where the labels cannot be edited and StorageError where the disk refuses

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
        self.marks_changed.emit()

    def unset(self, bodypart: str) -> None:
        """Delete a label or wave a proposal away; the bodypart is the current one then."""
        frame = self._shown()
        if self.browser.frame(frame).points.get(bodypart) is not None:
            self._apply(Delete(frame.number, bodypart))
            self.proposals.wave_away(frame, bodypart)  # or the deleted label would be proposed at once
        elif bodypart in self.proposals.of(frame):
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
        """Propose the pose of the nearest frame of the video before this one that has labels, where parts are unset.

        Raises:
            LabelError: no frame before it has labels.
        """
        frame = self._shown()
        earlier = (key for key in self.browser.around(frame, -1) if key.video == frame.video and key < frame)
        source = next(filter(None, map(self._labels, earlier)), None)
        if source is None:
            raise LabelError("No frame of this video before this one has labels to copy; label one of them first.")
        unset = {mark.bodypart for mark in self.marks if mark.state == "unset"}
        self.proposals.copy(frame, {part: Proposal(xy) for part, xy in source.items() if part in unset})
        self.marks_changed.emit()

    def drop(self) -> None:
        """Take the shown frame out of labelling and training, or take it back in."""
        frame = self._shown()
        dropped = self.browser.frame(frame).dropped
        self._apply(RestoreFrame(frame.number) if dropped else DropFrame(frame.number))
        self.marks_changed.emit()

    def undo(self) -> None:
        """Take the last edit of this video back, and show where it was."""
        self._retrace(Undo(), self._writer().history.done)

    def redo(self) -> None:
        """Make the edit that was taken back last again, and show where it is."""
        self._retrace(Redo(), self._writer().history.undone)

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
        if not (self.advance and was_open and first_open(self.marks) is None and self.next_open()):
            self.marks_changed.emit()

    def _apply(self, *edits: Edit) -> None:
        self._writer().apply(edits[0] if len(edits) == 1 else Together(edits))

    def _retrace(self, step: Step, made: Made | None) -> None:
        session = self._writer()
        session.apply(step)
        touched = frames_of(made.edit) if made else ()
        keys = [key for key in self.browser.frames if key.video == session.video and key.number in touched]
        if keys and self.frame not in keys:
            self._show(keys[0])
        else:
            self._chosen = None
            self.marks_changed.emit()
