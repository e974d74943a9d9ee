"""Edits and frames as plain JSON values, and back."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

from posecut_core.errors import LabelError
from posecut_core.labels import edits
from posecut_core.labels.edits import Begin, Edit, Identify, Propose, Redo, Restore, Step, Together, Undo
from posecut_core.labels.state import HUMAN, Frame, Origin, Point, Position

# --- plain edits ------------------------------------------------------------------------------------------------------
# Edits in plain values, whatever numbers a program gives: what JSON can hold, and what it gives back.


_LAST_FRAME = 2**63 - 1


def plain_step(step: Step) -> Step:
    """Return an edit with Python's own numbers in place of NumPy's; x and y may be any sequence of two numbers.

    Raises:
        LabelError: a frame is no whole number, a position is not two numbers, a bodypart is no text, or a likelihood is
            not from 0 to 1.
    """
    return step if isinstance(step, Undo | Redo) else _plain(step)


def _plain(edit: Edit) -> Edit:
    match edit:
        case Begin() | Identify():
            return edit
        case Together(edits):
            return Together(tuple(_plain(part) for part in edits))
        case _:
            plain = replace(edit, **plain_fields(vars(edit)))
            if isinstance(plain, Propose) and not 0 <= plain.likelihood <= 1:  # as NaN is not
                raise _improbable(plain.likelihood)
            return plain


def plain_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an edit, or those of a file, with Python's own numbers.

    Raises:
        LabelError: as for `plain_step`, but any number may be a likelihood: files have what was proposed earlier.
    """
    return {name: _READERS[name](value) if name in _READERS else value for name, value in values.items()}


def plain_position(value: Any) -> Position | None:
    """Return x and y as Python's own numbers; None, which a hidden bodypart may have, stays None.

    Raises:
        LabelError: it is not two numbers.
    """
    if value is None:
        return None
    try:
        x, y = value
    except (TypeError, ValueError):
        x = y = None
    if not (isinstance(x, Real) and isinstance(y, Real)):
        raise LabelError(f"A label lies at {value!r}, expected two numbers; give x and y in pixels.")
    return float(x), float(y)


def plain_frame(value: Any) -> int:
    """Return a frame's number as Python's own, of a size that tables can hold.

    Raises:
        LabelError: it is no whole number, or none that a frame can have.
    """
    number = _whole(value)
    if not 0 <= number <= _LAST_FRAME:
        raise _no_frame(value)
    return number


def _whole(value: Any) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise _no_frame(value)
    return int(value)


def _no_frame(value: Any) -> LabelError:
    return LabelError(f"An edit names the frame {value!r}, expected a whole number; give its number in the video.")


def _identity(value: Any) -> str:
    if not isinstance(value, str):
        raise LabelError(f"An edit names the bodypart {value!r}, expected its identity; give session.identity(NAME).")
    return value


def _share(value: Any) -> float:
    if not isinstance(value, Real):
        raise _improbable(value)
    return float(value)


def _improbable(value: Any) -> LabelError:
    return LabelError(f"A draft has the likelihood {value!r}, expected a number from 0 to 1; give that.")


def _steps(value: Any) -> int | None:
    return None if value is None else _whole(value)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "frame": plain_frame,
    "bodypart": _identity,
    "xy": plain_position,
    "likelihood": _share,
    "snapshot": _steps,
}


# --- encoding ---------------------------------------------------------------------------------------------------------
# Edits and frames as plain JSON values, and back.


_KINDS: dict[str, type] = {
    "begin": Begin,
    "identify": Identify,
    "place": edits.Place,
    "move": edits.Move,
    "delete": edits.Delete,
    "propose": edits.Propose,
    "accept": edits.Accept,
    "occlude": edits.MarkOccluded,
    "absent": edits.MarkAbsent,
    "drop": edits.DropFrame,
    "restore-frame": edits.RestoreFrame,
    "restore": Restore,
    "together": Together,
    "undo": edits.Undo,
    "redo": edits.Redo,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def encode(step: Step) -> dict[str, Any]:
    """Write an edit as a JSON object."""
    name = {"op": _NAMES[type(step)]}
    match step:
        case Begin(frames):
            return {**name, "frames": encode_frames(frames)}
        case Together(parts):
            return {**name, "edits": [encode(part) for part in parts]}
        case Identify(images):
            return {**name, "images": {str(number): image for number, image in images.items()}}
        case Restore(frame, bodypart, point):
            return {**name, "frame": frame, "bodypart": bodypart, "point": point and encode_point(point)}
        case _:
            return {**name, **{key: value for key, value in vars(step).items() if value is not None}}


def decode(value: Mapping[str, Any]) -> Step:
    """Read what `encode` wrote.

    Raises:
        LabelError: the object is no edit.
    """
    try:
        return _decode(value)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise LabelError(f"{str(value)[:80]} is no edit of labels that this PoseCut knows; update PoseCut.") from error


def is_known(value: Mapping[str, Any]) -> bool:
    """Tell whether an edit is of a kind that this PoseCut knows; if it cannot be read all the same, it is damaged."""
    parts = value.get("edits") if value.get("op") == "together" else ()
    inner = parts if isinstance(parts, list) else ()
    return str(value.get("op")) in _KINDS and all(is_known(part) for part in inner if isinstance(part, Mapping))


def encode_frames(frames: Mapping[int, Frame]) -> dict[str, Any]:
    """Write frames as a JSON object by frame number."""
    return {str(number): _encode_frame(frames[number]) for number in sorted(frames)}


def decode_frames(values: Mapping[str, Any]) -> dict[int, Frame]:
    """Read what `encode_frames` wrote.

    Raises:
        LabelError: a number is none that a frame can have.
    """
    return {plain_frame(int(number)): _decode_frame(value) for number, value in values.items()}


def encode_point(point: Point) -> dict[str, Any]:
    """Write a point as a JSON object; what is at its default is left out."""
    origin = {key: value for key, value in vars(point.origin).items() if value is not None and value != ""}
    values = {"state": point.state, "xy": point.xy and list(point.xy), "origin": origin}
    return {key: value for key, value in values.items() if value is not None and value != {"kind": "human"}}


def decode_point(value: Mapping[str, Any]) -> Point:
    """Read what `encode_point` wrote."""
    origin = value.get("origin")
    return Point(value["state"], plain_position(value.get("xy")), Origin(**origin) if origin else HUMAN)


def _decode(value: Mapping[str, Any]) -> Step:
    fields = {key: given for key, given in value.items() if key != "op"}
    kind = _KINDS[value["op"]]
    if kind is Begin:
        return Begin(decode_frames(fields["frames"]))
    if kind is Identify:
        return Identify({plain_frame(int(number)): str(image) for number, image in fields["images"].items()})
    if kind is Together:
        return Together(tuple(_as_edit(decode(part)) for part in fields["edits"]))
    fields = plain_fields(fields)
    if kind is Restore:
        point = fields["point"]
        return Restore(fields["frame"], fields["bodypart"], None if point is None else decode_point(point))
    step: Step = kind(**fields)
    return step


def _as_edit(step: Step) -> Edit:
    if isinstance(step, edits.Undo | edits.Redo):
        raise TypeError("undo and redo stand alone")
    return step


def _encode_frame(frame: Frame) -> dict[str, Any]:
    values = {
        "image": frame.image,
        "dropped": frame.dropped,
        "listed": frame.listed,
        "points": {part: encode_point(point) for part, point in frame.points.items()},
    }
    return {key: value for key, value in values.items() if value}


def _decode_frame(value: Mapping[str, Any]) -> Frame:
    points = {part: decode_point(point) for part, point in value.get("points", {}).items()}
    return Frame(points, value.get("image", ""), value.get("dropped", False), value.get("listed", False))
