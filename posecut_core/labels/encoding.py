"""Edits and frames as plain JSON values, and back."""

from collections.abc import Mapping
from typing import Any

from posecut_core.errors import LabelError
from posecut_core.labels import edits
from posecut_core.labels.edits import Begin, Edit, Identify, Restore, Step, Together
from posecut_core.labels.plain_edits import plain_fields, plain_frame, plain_position
from posecut_core.labels.point import HUMAN, Origin, Point
from posecut_core.labels.state import Frame

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
