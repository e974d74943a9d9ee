"""The labeling of a project, one frame at a time: what a click or a key does, without any window."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from jaxtyping import Float64
from psygnal import Signal

from napari_posecut.labeling.frame_index import (
    AS_IT_IS,
    Brightness,
    FrameIndex,
    FrameStatus,
    IndexContents,
    LabelingProgress,
)
from napari_posecut.labeling.keypoints import (
    Keypoint,
    Proposal,
    ProposedPoses,
    accepted,
    keypoint_of,
    stored,
)
from posecut_core.cameras.views import OtherViews
from posecut_core.errors import LabelError, PosecutError
from posecut_core.formats.deeplabcut.frames import frame_words
from posecut_core.labels.edits import (
    Accept,
    Delete,
    DropFrame,
    Edit,
    JournalEntry,
    Made,
    MarkAbsent,
    MarkOccluded,
    Move,
    Place,
    Propose,
    Redo,
    Restore,
    RestoreFrame,
    Together,
    Undo,
    frames_of,
)
from posecut_core.labels.session import LabelSession
from posecut_core.labels.state import Position
from posecut_core.project.paths import Project
from posecut_core.results import counted
from posecut_core.types import FrameRef

# --- frame navigator --------------------------------------------------------------------------------------------------
# The frames of a project with their keypoints, one of them shown at a time: looking at labels without changing them.


_SETTLED = ("done", "dropped")  # frames that need nobody
_Value = TypeVar("_Value")


class _Runner(Protocol):
    """Runs what takes long, and returns its result or raises what it raised; a window lets a thread do it."""

    def __call__(self, work: Callable[[], _Value], /) -> _Value:
        """Return what `work` returns."""
        ...


def _run_now(work: Callable[[], _Value], /) -> _Value:
    """Run it here and now."""
    return work()


def _views_of(project: Project) -> OtherViews:
    """Return which videos are views of one moment; none where the cameras' file is damaged, which their steps say."""
    try:
        return OtherViews.of(project)
    except PosecutError:
        return OtherViews()


class FrameNavigator:
    """Which frame of a project is shown, what is known and proposed of it, and which bodypart is the current one."""

    frame_changed = Signal()  # another frame is shown, or the project was read again
    keypoints_changed = Signal()  # something in the shown frame is different now
    brightness_changed = Signal()  # the pictures of its video are to be shown otherwise

    def __init__(self, project: Project, *, take_over: bool = False, paused: bool = False) -> None:
        """Begin at the first frame that needs the user.

        Args:
            project: the opened project.
            take_over: whether to edit labels although another computer says that it does.
            paused: whether to begin as after `pause`.

        Raises:
            VideoError: a frame store is damaged.
            LabelError: labels are damaged or do not fit the project.
        """
        self.frame: FrameRef | None = None
        self.hidden: frozenset[str] = frozenset()  # bodyparts that the user does not want to see
        self.proposals = ProposedPoses(self._of_other_views)
        self.views = _views_of(project)
        self.index = FrameIndex(project, take_over=take_over)
        self.run: _Runner = _run_now
        self._chosen: str | None = None
        self._paused = paused
        self._show(self._first_open())

    def update(self, found: IndexContents) -> None:
        """Show what `FrameIndex.read` has found."""
        self.index.update(found)
        self.views = _views_of(found.project)
        self._show(self.frame if self.frame in self.index.places else self._first_open())

    @property
    def keypoints(self) -> tuple[Keypoint, ...]:
        """Return every bodypart of the shown frame, in the project's order."""
        return () if self.frame is None else self.keypoints_of(self.frame)

    def keypoints_of(self, frame: FrameRef) -> tuple[Keypoint, ...]:
        """Return every bodypart of a frame, in the project's order."""
        points, proposed = self.index.frame(frame).points, self.proposals.of(frame)
        columns = self.index.columns.items()
        return tuple(keypoint_of(part, name, points.get(part), proposed.get(part)) for part, name in columns)

    @property
    def seen(self) -> tuple[Keypoint, ...]:
        """Return the bodyparts of the shown frame that the user wants to see, which alone are edited."""
        return () if self.frame is None else self._seen_in(self.frame)

    def _seen_in(self, frame: FrameRef) -> tuple[Keypoint, ...]:
        return tuple(one for one in self.keypoints_of(frame) if one.bodypart not in self.hidden)

    @property
    def current(self) -> Keypoint | None:
        """Return the bodypart that the next click places; None where all that are shown are done."""
        keypoints = self.seen
        chosen = next((keypoint for keypoint in keypoints if keypoint.bodypart == self._chosen), None)
        return (
            chosen
            or next((keypoint for keypoint in keypoints if keypoint.state == "unset"), None)
            or _first_open(keypoints)
        )

    @property
    def epipolar_lines(self) -> list[Float64[np.ndarray, "L 2"]]:
        """Return the lines on which the current bodypart must lie, by its labels in other views; x, y in pixels."""
        frame, current = self.frame, self.current
        if frame is None or current is None:
            return []
        labels = self._in_other_views(frame)
        return self.views.lines(
            frame.video, {video: of[current.bodypart] for video, of in labels.items() if current.bodypart in of}
        )

    def _in_other_views(self, frame: FrameRef) -> dict[str, dict[str, Position]]:
        """Return the labels of the same moment by video."""
        others = (FrameRef(video, frame.number) for video in self.views.around(frame.video))
        return {other.video: self._labels(other) for other in others if other in self.index.places}

    def _of_other_views(self, frame: FrameRef) -> dict[str, Proposal]:
        found = self.views.proposed(frame.video, self._in_other_views(frame))
        return {part: Proposal(xy) for part, xy in found.items()}

    def _labels(self, frame: FrameRef) -> dict[str, Position]:
        points = self.index.frame(frame).points
        return {part: point.xy for part, point in points.items() if point.is_label and point.xy}

    def word(self, frame: FrameRef) -> str:
        """Return what a sentence calls a frame: its number, or its image where it is no frame of the video."""
        with suppress(PosecutError):  # a damaged record of images' names is reported by the steps
            return frame_words(self.index.project, frame.video, [frame.number])[frame.number]
        return f"frame {frame.number}"

    def status(self, frame: FrameRef) -> FrameStatus:
        """Say how far the labeling of a frame is."""
        return self.index.status(frame, proposed=self.proposals.has(frame))

    @property
    def note(self) -> str:
        """Return the note on the shown frame; nothing where there is none."""
        return self.index.notes.get(self.frame, "") if self.frame is not None else ""

    @property
    def progress(self) -> LabelingProgress:
        """Count done frames and decided bodyparts of the whole project."""
        return self.index.progress

    @property
    def writable(self) -> bool:
        """Tell whether the shown frame can be edited; `notices` say why not."""
        return self.index.label_session is not None and self.index.label_session.writable

    @property
    def notices(self) -> tuple[str, ...]:
        """Return what the user should know of how the shown video's labels were opened."""
        return self.index.label_session.notices if self.index.label_session else ()

    def go_to(self, frame: FrameRef) -> None:
        """Show a frame.

        Raises:
            LabelError: it is not among the extracted frames, or its labels are damaged.
        """
        if frame not in self.index.places:
            raise LabelError(
                f"Frame {frame.number} of {frame.video} is not among the extracted frames; extract it first, or choose "
                "another."
            )
        self._show(frame)

    def step(self, by: int) -> None:
        """Show the frame that many places further on in the list, at most its last or first one."""
        if self.frame is not None:
            place = self.index.places[self.frame] + by
            self._show(self.index.frames[min(max(place, 0), len(self.index.frames) - 1)])

    def next_open(self, by: int = 1) -> bool:
        """Show the next frame (the previous one with -1) that needs the user; tell whether there is another."""
        others = self.index.around(self.frame, by) if self.frame else []
        found = next((key for key in others if self._is_open(key)), None)
        if found is not None:
            self._show(found)
        return found is not None

    def _is_open(self, frame: FrameRef) -> bool:
        """Tell whether a frame needs the user, as far as they want to see its bodyparts."""
        if self.status(frame) in _SETTLED:
            return False
        return not self.hidden or _first_open(self._seen_in(frame)) is not None

    def next_uncertain(self, pcutoff: float) -> bool:
        """Choose the next proposal with a likelihood below `pcutoff`, in this frame or the following ones."""
        if self.frame is None:
            return False
        parts = list(self.index.columns)
        after = parts[parts.index(self._chosen) + 1 :] if self._chosen else parts
        others = ((key, parts) for key in self.index.around(self.frame, 1))
        for key, among in ((self.frame, after), *others, (self.frame, parts)):
            found = (one for one in self._seen_in(key) if one.bodypart in among)
            uncertain = next((one for one in found if _is_uncertain(one, pcutoff)), None)
            if uncertain is not None:
                self._show(key, chosen=uncertain.bodypart)
                return True
        return False

    def choose(self, bodypart: str) -> None:
        """Make a bodypart the current one, by its identity, labeled or not; one that is hidden is shown for that."""
        self._chosen, self.hidden = bodypart, self.hidden - {bodypart}
        self.keypoints_changed.emit()

    @property
    def brightness(self) -> Brightness:
        """Return how the pictures of the shown video are shown."""
        return AS_IT_IS if self.frame is None else self.index.brightness(self.frame.video)

    def set_brightness(self, brightness: Brightness) -> None:
        """Show the pictures of the shown video otherwise from now on; `FrameIndex.save_brightness` keeps it."""
        if self.frame is not None and brightness != self.brightness:
            self.index.set_brightness(self.frame.video, brightness)
            self.brightness_changed.emit()

    def hide(self, bodyparts: frozenset[str]) -> None:
        """Show all bodyparts but these, in this and all other frames; what is not shown is not edited."""
        self.hidden = bodyparts
        self.keypoints_changed.emit()

    def choose_next(self, by: int = 1) -> None:
        """Make the bodypart after the current one (before it with -1) the current one."""
        parts = [part for part in self.index.columns if part not in self.hidden]
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
            self.run(self.index.release)
        finally:
            self.keypoints_changed.emit()

    def resume(self) -> None:
        """Take the labels of the shown video up again, where they were let go of.

        Raises:
            LabelError: labels are damaged or do not fit the project.
        """
        if self._paused:
            self._paused = False
            if self.frame is not None:
                self._enter(self.frame.video)
            self.keypoints_changed.emit()

    def close(self) -> None:
        """Write the CollectedData files and let others edit.

        Raises:
            StorageError: the disk refuses; every edit is in the journal all the same.
        """
        self.run(self.index.release)

    def _shown(self) -> FrameRef:
        if self.frame is None:
            raise LabelError("The project has no extracted frames to label; extract frames first.")
        return self.frame

    def _first_open(self) -> FrameRef | None:
        frames = self.index.frames
        return next((key for key in frames if self.status(key) not in _SETTLED), frames[0] if frames else None)

    def _show(self, frame: FrameRef | None, *, chosen: str | None = None) -> None:
        if frame is not None:
            self._enter(frame.video)
        self.frame, self._chosen = frame, chosen
        self.frame_changed.emit()

    def _enter(self, video: str) -> None:
        if not self._paused and not self.index.is_open(video):
            self.run(lambda: self.index.open_labels(video))


def _first_open(keypoints: tuple[Keypoint, ...]) -> Keypoint | None:
    """Return the first bodypart that the user still has to decide about."""
    return next((keypoint for keypoint in keypoints if keypoint.is_open), None)


def _is_uncertain(keypoint: Keypoint, pcutoff: float) -> bool:
    return keypoint.state == "proposed" and keypoint.likelihood is not None and keypoint.likelihood < pcutoff


# --- labeling ---------------------------------------------------------------------------------------------------------
# The labeling of a project, one frame at a time: what a click or a key does, without any window.
#
#     labeling = Labeling(open_project(config))
#     labeling.go_to(FrameRef("session1", 40))
#     labeling.place((81.5, 40.0))     # the current bodypart; the next one becomes current
#
# Every edit goes to the label store, and `settle` makes it durable: before the call returns, but where a window lets a
# thread do it. Whoever shows it listens to `frame_changed` (another frame is shown) and `keypoints_changed` (something
# in it is different now).


@dataclass(frozen=True)
class PastEdit:
    """An edit of the shown video that was made, or taken back, and how far it is from now."""

    words: str
    by: int  # for `travel`: 0 is the last edit that stands, -1 the one before it, 1 the next to be made again


@dataclass(frozen=True)
class _Reproposed:
    """A change of what is proposed, which no store knows; alone, or together with an edit."""

    frame: FrameRef
    before: Mapping[str, Proposal | None]
    after: Mapping[str, Proposal | None]
    edits_before: tuple[int, Edit | None]  # of the video that could be undone by then, and the last of them
    edits_after: tuple[int, Edit | None]  # others where an edit belongs to it


class Labeling(FrameNavigator):
    """The user's labeling of a project; close it when the window closes."""

    def __init__(
        self, project: Project, *, advance: bool = True, take_over: bool = False, paused: bool = False
    ) -> None:
        """Open the labels of a project at the first frame that needs the user.

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
        self.settle: Callable[[LabelSession], object] = LabelSession.settle
        self._reproposed: list[_Reproposed] = []
        self._taken_back: list[_Reproposed] = []  # by `undo`, since the last change

    # All of these raise LabelError where the labels cannot be edited and StorageError where the disk refuses

    def place(self, xy: Position) -> None:
        """Place the current bodypart, and go on to the next one; after the last one, to the next frame."""
        self._edit_current(lambda frame, part: Place(frame, part, xy))

    def occlude(self, xy: Position | None = None) -> None:
        """Say that the current bodypart is hidden, at a position or nowhere known, and go on."""
        self._edit_current(lambda frame, part: MarkOccluded(frame, part, xy))

    def mark_absent(self) -> None:
        """Say that the current bodypart is not in the frame, and go on."""
        self._edit_current(lambda frame, part: MarkAbsent(frame, part))

    def move(self, bodypart: str, xy: Position) -> None:
        """Move a bodypart that is shown: a label, or a proposal, which becomes a label with it."""
        frame = self._shown()
        proposal = self._shown_proposal(frame, bodypart)
        drafted = () if proposal is None else (stored(frame, bodypart, proposal),)
        self._apply(*drafted, Move(frame.number, bodypart, xy))
        self.keypoints_changed.emit()

    def unset(self, bodypart: str) -> None:
        """Delete a label or reject a proposal; the bodypart is the current one then."""
        frame = self._shown()
        if self.index.frame(frame).points.get(bodypart) is not None:
            self._apply(Delete(frame.number, bodypart))
            self.proposals.change(frame, {bodypart: None})  # or the deleted label would be proposed at once
        elif bodypart in self.proposals.of(frame):
            self._repropose(frame, {bodypart: None})
        self.choose(bodypart)

    def reject(self) -> int:
        """Reject all proposals that are seen; where there are none, a network may still propose some later.

        Returns:
            How many proposals of bodyparts that are not seen are left.
        """
        frame = self._shown()
        proposed = [one.bodypart for one in self.seen if one.state == "proposed"]
        if proposed:
            stored_ones = [Delete(frame.number, part) for part in proposed if part not in self.movable]
            self._repropose(frame, dict.fromkeys(one.bodypart for one in self.seen), *stored_ones)
            self.keypoints_changed.emit()
        return self._unseen_proposals

    @property
    def movable(self) -> dict[str, Position]:
        """Return the proposals of the shown frame that are moved together: those that are only shown."""
        frame = self.frame
        shown = () if frame is None else (one for one in self.seen if self._shown_proposal(frame, one.bodypart))
        return {one.bodypart: one.xy for one in shown if one.xy is not None}

    def propose(self, places: Mapping[str, Position]) -> None:
        """Propose bodyparts of the shown frame elsewhere, by their identities; their likelihood is gone with it.

        Raises:
            LabelError: none are given.
        """
        frame = self._shown()
        if not places:
            raise LabelError(
                "Nothing was moved, because this frame has no suggestions that are moved together; drag a marker to "
                "move it alone."
            )
        self._repropose(frame, {part: Proposal(xy) for part, xy in places.items()})
        self.keypoints_changed.emit()

    def accept(self) -> int:
        """Make labels of all proposals that are seen, and go on to the next frame if that completes this one.

        Returns:
            How many proposals of bodyparts that are not seen are left.
        """
        frame, left = self._shown(), self._unseen_proposals
        parts = [keypoint.bodypart for keypoint in self.seen if keypoint.state == "proposed"]
        edits = [edit for part in parts for edit in accepted(frame, part, self._shown_proposal(frame, part))]
        if edits:
            self._apply(*edits)
        self._advance(was_open=True)
        return left

    @property
    def _unseen_proposals(self) -> int:
        return sum(one.state == "proposed" and one.bodypart in self.hidden for one in self.keypoints)

    def copy_pose(self) -> None:
        """Propose the pose of the nearest frame of the video before this one that has labels, where parts are unset.

        Raises:
            LabelError: no frame before it has labels, or no part is unset that has one there.
        """
        frame = self._shown()
        earlier = (key for key in self.index.around(frame, -1) if key.video == frame.video and key < frame)
        source = next(filter(None, map(self._labels, earlier)), None)
        if source is None:
            raise LabelError("No earlier frame of this video has labels to copy; label one of them first.")
        unset = {keypoint.bodypart for keypoint in self.seen if keypoint.state == "unset"}
        copied = {part: Proposal(xy) for part, xy in source.items() if part in unset}
        if not copied:
            raise LabelError(
                "Nothing was copied, because each bodypart that has a label there is labeled or suggested here already."
            )
        self._repropose(frame, copied)
        self.keypoints_changed.emit()

    def drop(self) -> None:
        """Take the shown frame out of labeling and training, or take it back in."""
        frame = self._shown()
        dropped = self.index.frame(frame).dropped
        self._apply(RestoreFrame(frame.number) if dropped else DropFrame(frame.number))
        self.keypoints_changed.emit()

    def undo(self) -> int:
        """Take the last change of this video back, and show where it was: an edit, or a pose copied or rejected.

        Returns:
            In how many frames something was changed.
        """
        last = self._last(self._reproposed)
        if last is None or last.edits_after != self._edits():
            return self._undo_or_redo(Undo(), self._editable_labels().history.done)
        if last.edits_before != last.edits_after:
            self._make(self._editable_labels(), Undo())
        self._reproposed.remove(last)
        self._taken_back.append(last)
        self.proposals.restore(last.frame, last.before)
        self._go_back_to(last.frame)
        return 1

    def redo(self) -> int:
        """Make the change that was taken back last again, and show where it is; return what `undo` does."""
        last = self._last(self._taken_back)
        if last is None or last.edits_before != self._edits():
            return self._undo_or_redo(Redo(), self._editable_labels().history.undone)
        if last.edits_before != last.edits_after:
            self._make(self._editable_labels(), Redo())
        self._taken_back.remove(last)
        self._reproposed.append(last)
        self.proposals.restore(last.frame, last.after)
        self._go_back_to(last.frame)
        return 1

    def past_edits(self, most: int) -> tuple[PastEdit, ...]:
        """Return the last edits of the shown video in their order, at most so many, and all that can be made again."""
        session, columns = self.index.label_session, self.index.columns
        if session is None:
            return ()
        done = [
            PastEdit(_words(edit, columns), -place) for place, edit in enumerate(_chain(session.history.done, most))
        ]
        undone = _chain(session.history.undone, most)
        return (*done[::-1], *(PastEdit(_words(edit, columns), place) for place, edit in enumerate(undone, start=1)))

    def travel(self, by: int) -> None:
        """Undo so many edits of the shown video (make them again with a positive number), and show where the last was.

        Raises:
            LabelError: there are fewer, or the labels cannot be edited.
            StorageError: the disk refuses; the edits before that are taken back.
        """
        session, touched = self._editable_labels(), tuple[int, ...]()

        def go() -> None:
            nonlocal touched
            for _ in range(abs(by)):
                made = session.history.done if by < 0 else session.history.undone
                session.apply(Undo() if by < 0 else Redo())
                touched = frames_of(made.edit) if made else ()

        try:
            self.run(go)
        finally:
            keys = [key for key in self.index.frames if key.video == session.video and key.number in touched]
            self._go_back_to(self._shown() if self.frame in keys or not keys else keys[0])

    def write_note(self, note: str) -> None:
        """Write a note on the shown frame; an empty one takes it away. It is no edit of labels, and is not undone.

        Raises:
            LabelError: it is too long, or the notes cannot be read.
            StorageError: the disk refuses, or another program keeps the notes locked.
        """
        self.index.write_note(self._shown(), note.strip())
        self.keypoints_changed.emit()

    def _edits(self) -> tuple[int, Edit | None]:
        """Return how many edits of the shown video can be undone, and the last; letting go of it changes neither."""
        count, last = 0, self.index.done(self._shown().video)
        made = last
        while made is not None:
            count, made = count + 1, made.before
        return count, None if last is None else last.edit

    def _last(self, changes: list[_Reproposed]) -> _Reproposed | None:
        """Return the last of the changes of the shown video."""
        video = self._shown().video
        return next((one for one in reversed(changes) if one.frame.video == video), None)

    def _repropose(self, frame: FrameRef, proposed: Mapping[str, Proposal | None], *edits: Edit) -> None:
        """Propose something else for bodyparts, nothing where that is None, and make edits: one step for `undo`."""
        before, edits_before = self.proposals.own(frame), self._edits()
        if edits:
            self._apply(*edits)
        self.proposals.change(frame, proposed)
        self._forget_taken_back()
        self._reproposed.append(_Reproposed(frame, before, self.proposals.own(frame), edits_before, self._edits()))

    def _forget_taken_back(self) -> None:
        """Let `redo` make nothing again in the shown video that was taken back before its last change."""
        video = self._shown().video
        self._taken_back = [one for one in self._taken_back if one.frame.video != video]

    def _editable_labels(self) -> LabelSession:
        frame = self._shown()
        if self._paused:
            raise LabelError("A running job is changing the labels; wait until it has finished.")
        self.index.open_labels(frame.video)
        if not self.writable:
            self._open_again(frame.video)
        assert self.index.label_session is not None
        self.index.label_session.require_writable()
        return self.index.label_session

    def _open_again(self, video: str) -> None:
        """Open labels that were for reading once more, since who edited them may have let go of them.

        Raises:
            LabelError: they can be edited now, but are others than were shown; or they are damaged.
        """
        shown = self.index.state(video)
        self.index.release()
        self.index.open_labels(video)
        if self.index.state(video) == shown:
            return
        self.keypoints_changed.emit()
        if self.writable:
            raise LabelError(
                "Nothing was changed, because these labels were edited elsewhere meanwhile; they are shown as they "
                "are now. Make the edit once more."
            )

    def _shown_proposal(self, frame: FrameRef, bodypart: str) -> Proposal | None:
        """Return a proposal that is only shown; None where the store knows of the bodypart."""
        known = self.index.frame(frame).points.get(bodypart)
        return None if known else self.proposals.of(frame).get(bodypart)

    def _edit_current(self, edit: Callable[[int, str], Edit]) -> None:
        frame, current = self._shown(), self.current
        if current is None:
            which = " that are shown" if self.hidden else ""
            raise LabelError(
                f"All bodyparts of this frame{which} are labeled; drag a marker to correct it, or choose a bodypart to "
                "place it again."
            )
        self._apply(edit(frame.number, current.bodypart))
        self._advance(was_open=current.is_open)

    def _advance(self, *, was_open: bool) -> None:
        """Let the next bodypart be the current one; show the next open frame if this one has just been completed."""
        self._chosen = None
        if not (self.advance and was_open and _first_open(self.seen) is None and self.next_open()):
            self.keypoints_changed.emit()

    def _apply(self, *edits: Edit) -> None:
        self._make(self._editable_labels(), edits[0] if len(edits) == 1 else Together(edits))
        self._forget_taken_back()

    def _make(self, session: LabelSession, step: JournalEntry) -> None:
        session.write(step)
        self.settle(session)

    def _undo_or_redo(self, step: JournalEntry, made: Made | None) -> int:
        session = self._editable_labels()
        self._make(session, step)
        touched = frames_of(made.edit) if made else ()
        keys = [key for key in self.index.frames if key.video == session.video and key.number in touched]
        if keys and self.frame not in keys:
            self._go_back_to(keys[0])
        else:
            self._go_back_to(self._shown())
        return len(touched)

    def _go_back_to(self, frame: FrameRef) -> None:
        if frame != self.frame and frame in self.index.places:
            self._show(frame)
        else:
            self._chosen = None
            self.keypoints_changed.emit()


def _chain(made: Made | None, most: int) -> list[Edit]:
    """List the edits that lie on top of each other, the uppermost first, at most so many."""
    edits: list[Edit] = []
    while made is not None and len(edits) < most:
        edits.append(made.edit)
        made = made.before
    return edits


_DONE: Mapping[type, str] = {
    Place: "placed",
    Move: "moved",
    Delete: "deleted",
    Propose: "suggested",
    Accept: "accepted",
    MarkOccluded: "hidden",
    MarkAbsent: "absent",
    Restore: "restored",
}


def _words(edit: Edit, columns: Mapping[str, str]) -> str:
    """Say what an edit did; `columns` are the names of the bodyparts by their identities."""
    numbers = frames_of(edit)
    where = f"frame {numbers[0]}" if len(numbers) == 1 else f"{len(numbers)} frames"
    if isinstance(edit, DropFrame | RestoreFrame):
        return f"{where}: {'dropped' if isinstance(edit, DropFrame) else 'taken back in'}"
    if isinstance(edit, Together):
        kinds = {type(part) for part in edit.edits}
        kind = kinds.pop() if len(kinds) == 1 else Accept if kinds == {Propose, Accept} else None
        parts = sum(isinstance(part, kind) for part in edit.edits) if kind else len(edit.edits)
        return f"{where}: {counted(parts, 'bodypart')} {_DONE.get(kind, 'changed') if kind else 'changed'}"
    bodypart = getattr(edit, "bodypart", None)
    return f"{where}: {columns.get(bodypart, bodypart)} {_DONE[type(edit)]}" if bodypart else f"{where}: changed"
