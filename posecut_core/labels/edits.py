"""Edits of labels: one immutable value per kind, what each does to a state, and the history that undo walks."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from numbers import Integral, Real
from typing import Annotated, Any, get_args

import msgspec
from msgspec.structs import force_setattr, replace

from posecut_core.errors import LabelError
from posecut_core.labels.state import Frame, LabelOrigin, LabelState, Point, Position
from posecut_core.storage.journal import JournalText

# --- edits ------------------------------------------------------------------------------------------------------------
# What can be done to the labels of a video: one immutable value per kind of edit, and what each does to a state. Its
# fields and their order are those of its line in the journal.

_FrameNumber = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]  # such as tables can hold


class _Edit(msgspec.Struct, frozen=True, tag_field="op", omit_defaults=True, forbid_unknown_fields=True):
    """What an edit of any kind has: its name in the journal."""


class Begin(_Edit, frozen=True, tag="begin"):
    """Set all labels: the first line of a journal. It cannot be undone."""

    frames: Mapping[_FrameNumber, Frame]

    def __post_init__(self) -> None:
        """Put the frames in order, as they are written."""
        force_setattr(self, "frames", dict(sorted(self.frames.items())))


class Identify(_Edit, frozen=True, tag="identify"):
    """Note by which pixels frames are recognized. Metadata only; skipped by undo."""

    images: Mapping[_FrameNumber, str]  # frame -> SHA-256


class Place(_Edit, frozen=True, tag="place"):
    """Place a bodypart by hand, whatever was known of it."""

    frame: _FrameNumber
    bodypart: str
    xy: Position


class Move(_Edit, frozen=True, tag="move"):
    """Move a bodypart that has a position; a suggestion that is moved becomes a label."""

    frame: _FrameNumber
    bodypart: str
    xy: Position


class Delete(_Edit, frozen=True, tag="delete"):
    """Unset a bodypart: nobody has looked for it."""

    frame: _FrameNumber
    bodypart: str


class Propose(_Edit, frozen=True, tag="propose"):
    """Suggest the position that a network predicts; what a person has said of the bodypart is never replaced."""

    frame: _FrameNumber
    bodypart: str
    xy: Position
    likelihood: float
    model: str = msgspec.field(default_factory=str)  # in the journal also where it is empty
    snapshot: int | None = None


class Accept(_Edit, frozen=True, tag="accept"):
    """Make a label of a suggestion."""

    frame: _FrameNumber
    bodypart: str


class MarkOccluded(_Edit, frozen=True, tag="occlude"):
    """Say that a bodypart is hidden, with the place where it must be, or without."""

    frame: _FrameNumber
    bodypart: str
    xy: Position | None = None


class MarkAbsent(_Edit, frozen=True, tag="absent"):
    """Say that a bodypart is not in the frame."""

    frame: _FrameNumber
    bodypart: str


class DropFrame(_Edit, frozen=True, tag="drop"):
    """Take a frame out of labeling and training; its points are kept."""

    frame: _FrameNumber


class RestoreFrame(_Edit, frozen=True, tag="restore-frame"):
    """Take a dropped frame back in."""

    frame: _FrameNumber


class Restore(_Edit, frozen=True, tag="restore"):
    """Put back what was known of a bodypart before; None is unset."""

    frame: _FrameNumber
    bodypart: str
    point: Point | None


class Together(_Edit, frozen=True, tag="together"):
    """Several edits that count as one: all or none is kept, and one step undoes them."""

    edits: tuple["Edit", ...]


class Undo(_Edit, frozen=True, tag="undo"):
    """Take back the last edit that was not taken back yet."""


class Redo(_Edit, frozen=True, tag="redo"):
    """Do again what was taken back last."""


PointEdit = Place | Move | Delete | Propose | Accept | MarkOccluded | MarkAbsent | Restore
Edit = PointEdit | DropFrame | RestoreFrame | Identify | Begin | Together
JournalEntry = Edit | Undo | Redo


def apply(state: LabelState, edit: Edit) -> LabelState:
    """Return the labels after an edit.

    Raises:
        LabelError: the edit cannot be made in this state.
    """
    match edit:
        case Begin(frames):
            return LabelState(frames)
        case Together(edits):
            return reduce(apply, edits, state)
        case Identify(images):
            seen = {number: replace(state.frame(number), image=image) for number, image in images.items()}
            return reduce(lambda known, item: known.with_frame(*item), seen.items(), state)
        case DropFrame(number) | RestoreFrame(number):
            return _dropped(state, number, drop=isinstance(edit, DropFrame))
        case _:
            _refuse_dropped(state, edit)
            return state.with_point(edit.frame, edit.bodypart, _changed(state.point(edit.frame, edit.bodypart), edit))


def _invert(state: LabelState, edit: Edit) -> Edit:
    """Return the edit that leads back to `state` after `edit` was applied to it.

    Raises:
        LabelError: the edit cannot be made in this state.
    """
    match edit:
        case Begin():
            return Begin(state.frames)
        case Together(edits):
            inverses: list[Edit] = []
            for part in edits:
                inverses.append(_invert(state, part))
                state = apply(state, part)
            return Together(tuple(reversed(inverses)))
        case Identify(images):
            return Identify({number: state.frame(number).image for number in images})
        case DropFrame(number):
            return RestoreFrame(number)
        case RestoreFrame(number):
            return DropFrame(number)
        case _:
            return Restore(edit.frame, edit.bodypart, state.point(edit.frame, edit.bodypart))


def frames_of(edit: JournalEntry) -> tuple[int, ...]:
    """List the frames that an edit touches, each once, in order."""
    match edit:
        case Begin(frames) | Identify(frames):
            return tuple(sorted(frames))
        case Together(edits):
            return tuple(sorted({number for part in edits for number in frames_of(part)}))
        case Undo() | Redo():
            return ()
        case _:
            return (edit.frame,)


def _changed(point: Point | None, edit: PointEdit) -> Point | None:
    """Return what is known of a bodypart after an edit of it."""
    match edit:
        case Restore():
            return edit.point
        case Delete():
            return None
        case Place(xy=xy):
            return Point("placed", xy)
        case MarkOccluded(xy=xy):
            return Point("occluded", xy)
        case MarkAbsent():
            return Point("absent")
        case Move(xy=xy):
            return _moved(point, xy, edit)
        case Propose():
            return _proposed(point, edit)
        case Accept():
            return _accepted(point, edit)


def _moved(point: Point | None, xy: Position, edit: Move) -> Point:
    if point is None or point.xy is None:
        raise _impossible(edit, point, "a label or suggestion with a position to move", "place it instead")
    if point.state == "proposed":
        return Point("placed", xy, replace(point.origin, kind="refined"))
    return replace(point, xy=xy)


def _proposed(point: Point | None, edit: Propose) -> Point:
    if point is not None and point.is_label:
        raise _impossible(edit, point, "an unset bodypart or a suggestion", "leave out manual labels")
    return Point("proposed", edit.xy, LabelOrigin("machine", edit.likelihood, edit.model, edit.snapshot))


def _accepted(point: Point | None, edit: Accept) -> Point:
    if point is None or point.is_label:
        raise _impossible(edit, point, "a suggestion to accept", "accept suggestions only")
    return Point("placed", point.xy, replace(point.origin, kind="refined"))


def _dropped(state: LabelState, number: int, *, drop: bool) -> LabelState:
    frame = state.frame(number)
    if frame.dropped == drop:
        found = "already dropped, expected a frame in use" if drop else "not dropped, expected one that is"
        raise LabelError(f"Frame {number} is {found}; choose another.")
    return state.with_frame(number, replace(frame, dropped=drop))


def _refuse_dropped(state: LabelState, edit: PointEdit) -> None:
    if state.frame(edit.frame).dropped and not isinstance(edit, Restore):
        raise LabelError(f"Frame {edit.frame} was dropped, expected a frame in use; restore the frame first.")


def _impossible(edit: Move | Propose | Accept, point: Point | None, expected: str, advice: str) -> LabelError:
    found = "is unset" if point is None else f"is {point.state}"
    return LabelError(f"{edit.bodypart} in frame {edit.frame} {found}, expected {expected}; {advice}.")


# --- history ----------------------------------------------------------------------------------------------------------
# Labels with all that can be undone and redone, as a journal's lines lead to them.


@dataclass(frozen=True, eq=False, repr=False)
class Made:
    """An edit that was made, on top of those before it."""

    edit: Edit
    inverse: Edit
    before: "Made | None"


@dataclass(frozen=True)
class History:
    """A state, and the ways back and forth from it."""

    state: LabelState = field(default_factory=LabelState)
    done: Made | None = None  # what undoing takes back, the last edit on top
    undone: Made | None = None  # what redoing does again

    def after(self, entry: JournalEntry) -> "History":
        """Return the history after one more line.

        Raises:
            LabelError: the edit cannot be made, or there is nothing to undo or redo.
        """
        match entry:
            case Undo():
                if self.done is None:
                    raise LabelError("There is nothing to undo; all edits of these labels have been undone.")
                top = self.done
                return History(apply(self.state, top.inverse), top.before, Made(top.edit, top.inverse, self.undone))
            case Redo():
                if self.undone is None:
                    raise LabelError("There is nothing to redo; undo an edit first.")
                top = self.undone
                return History(apply(self.state, top.edit), Made(top.edit, top.inverse, self.done), top.before)
            case Begin():
                return History(apply(self.state, entry))
            case Identify():
                return History(apply(self.state, entry), self.done, self.undone)
            case _:
                made = Made(entry, _invert(self.state, entry), self.done)
                return History(apply(self.state, entry), made)


def replay(entries: Iterable[JournalEntry]) -> History:
    """Return the history that edits lead to.

    Raises:
        LabelError: one cannot follow those before it.
    """
    return reduce(History.after, entries, History())


def follow(entries: Iterable[JournalEntry]) -> tuple[History, int]:
    """Return the history that the lines of a journal lead to, up to the first that cannot follow, and their number."""
    history, count = History(), 0
    for entry in entries:
        try:
            history = history.after(entry)
        except LabelError:
            break
        count += 1
    return history, count


# --- json -------------------------------------------------------------------------------------------------------------
# Edits and frames as plain JSON values, and back; edits made of NumPy's numbers as edits of Python's own.


_KINDS = frozenset(kind.__struct_config__.tag for kind in get_args(JournalEntry))
_WRONG = {
    "frame": "An edit names the frame {!r}, expected a whole number; give its number in the video.",
    "bodypart": "An edit names the bodypart {!r}, expected its identity; give session.identity(NAME).",
    "xy": "A label lies at {!r}, expected two numbers; give x and y in pixels.",
    "likelihood": "A suggestion has the likelihood {!r}, expected a number from 0 to 1; give that.",
    "snapshot": "A suggestion comes from the training step {!r}, expected a whole number; give that, or None.",
    "model": "A suggestion comes from the network {!r}, expected its name; give its scorer.",
}


def plain_entry(entry: JournalEntry) -> JournalEntry:
    """Return an edit with Python's own numbers in place of NumPy's; x and y may be any sequence of two numbers.

    Raises:
        LabelError: a frame is no whole number, a position is not two numbers, a bodypart is no text, or a likelihood is
            not from 0 to 1.
    """
    if isinstance(entry, Together):
        return replace(entry, edits=tuple(map(plain_entry, entry.edits)))
    if not isinstance(entry, PointEdit | DropFrame | RestoreFrame):
        return entry
    try:
        plain = msgspec.convert(msgspec.to_builtins(entry, enc_hook=_plain), type(entry))
    except (TypeError, ValueError, OverflowError) as error:
        raise _refused(entry, error) from error
    if isinstance(plain, Propose) and not 0 <= plain.likelihood <= 1:  # as NaN is not
        raise LabelError(_WRONG["likelihood"].format(plain.likelihood))
    return plain


def encode(entry: JournalEntry) -> dict[str, Any]:
    """Write an edit as a JSON object."""
    plain: dict[str, Any] = msgspec.to_builtins(entry, str_keys=True)
    return plain


def decode(value: Mapping[str, Any]) -> JournalEntry:
    """Read what `encode` wrote.

    Raises:
        LabelError: the object is no edit.
    """
    try:
        return msgspec.convert(value, JournalEntry, str_keys=True)
    except (ValueError, RecursionError) as error:
        raise LabelError(
            f"{str(value)[:80]} is an unknown edit type; it was probably written by a newer version of PoseCut: update "
            "PoseCut."
        ) from error


def _is_known(value: Mapping[str, Any]) -> bool:
    """Tell whether an edit is of a kind that this PoseCut knows; if it cannot be read all the same, it is damaged."""
    parts = value.get("edits") if value.get("op") == "together" else ()
    inner = parts if isinstance(parts, list) else ()
    return str(value.get("op")) in _KINDS and all(_is_known(part) for part in inner if isinstance(part, Mapping))


def encode_frames(frames: Mapping[int, Frame]) -> dict[str, Any]:
    """Write frames as a JSON object by frame number."""
    plain: dict[str, Any] = msgspec.to_builtins(dict(sorted(frames.items())), str_keys=True)
    return plain


def decode_frames(values: Mapping[str, Any]) -> dict[int, Frame]:
    """Read what `encode_frames` wrote.

    Raises:
        ValueError: it is something else, such as a number that no frame can have.
        LabelError: a point contradicts itself.
    """
    return msgspec.convert(values, dict[_FrameNumber, Frame], str_keys=True)


def _plain(value: Any) -> Any:
    """Return a value of another kind than JSON's as one of them: a dict, which no field takes, where there is none."""
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, str):
        return str(value)
    return list(value) if isinstance(value, Iterable) else {}


def _refused(entry: JournalEntry, error: Exception) -> LabelError:
    """Say which field of an edit is wrong, and what it holds."""
    found = re.search(r"\$\.(\w+)", str(error))
    name = found[1] if found else "xy"
    return LabelError(
        _WRONG.get(name, "An edit holds {!r}, expected what it is documented to hold; give that.").format(
            getattr(entry, name)
        )
    )


def valid_entries(text: JournalText) -> dict[int, JournalEntry]:
    """Return revision -> edit of the lines that hold one.

    Raises:
        LabelError: a newer PoseCut wrote one of them; nothing is damaged then.
    """
    found = {}
    for revision, record in text.records:
        try:
            found[revision] = decode(record)
        except LabelError:
            if not _is_known(record):
                raise
    return found


def states_at(text: JournalText, revisions: Collection[int]) -> dict[int, LabelState]:
    """Return the labels as they were at revisions of a journal; those that it does not go back to are left out.

    Raises:
        LabelError: a newer PoseCut wrote one of its edits.
    """
    found, history = {}, History()
    for revision, entry in valid_entries(text).items():
        try:
            history = history.after(entry)
        except LabelError:
            break
        if revision in revisions:
            found[revision] = history.state
    return found
