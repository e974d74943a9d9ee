"""Edits and frames as plain JSON values, and back; edits made of NumPy's numbers as edits of Python's own."""

import re
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import Any, get_args

import msgspec
from msgspec.structs import replace

from posecut_core.errors import LabelError
from posecut_core.labels.edits import DropFrame, FrameNumber, PointEdit, Propose, RestoreFrame, Step, Together
from posecut_core.labels.state import Frame

_KINDS = frozenset(kind.__struct_config__.tag for kind in get_args(Step))
_WRONG = {
    "frame": "An edit names the frame {!r}, expected a whole number; give its number in the video.",
    "bodypart": "An edit names the bodypart {!r}, expected its identity; give session.identity(NAME).",
    "xy": "A label lies at {!r}, expected two numbers; give x and y in pixels.",
    "likelihood": "A draft has the likelihood {!r}, expected a number from 0 to 1; give that.",
    "snapshot": "A draft comes from the training step {!r}, expected a whole number; give that, or None.",
    "model": "A draft comes from the network {!r}, expected its name; give its scorer.",
}


def plain_step(step: Step) -> Step:
    """Return an edit with Python's own numbers in place of NumPy's; x and y may be any sequence of two numbers.

    Raises:
        LabelError: a frame is no whole number, a position is not two numbers, a bodypart is no text, or a likelihood is
            not from 0 to 1.
    """
    if isinstance(step, Together):
        return replace(step, edits=tuple(map(plain_step, step.edits)))
    if not isinstance(step, PointEdit | DropFrame | RestoreFrame):
        return step
    try:
        plain = msgspec.convert(msgspec.to_builtins(step, enc_hook=_plain), type(step))
    except (TypeError, ValueError, OverflowError) as error:
        raise _refused(step, error) from error
    if isinstance(plain, Propose) and not 0 <= plain.likelihood <= 1:  # as NaN is not
        raise LabelError(_WRONG["likelihood"].format(plain.likelihood))
    return plain


def encode(step: Step) -> dict[str, Any]:
    """Write an edit as a JSON object."""
    plain: dict[str, Any] = msgspec.to_builtins(step, str_keys=True)
    return plain


def decode(value: Mapping[str, Any]) -> Step:
    """Read what `encode` wrote.

    Raises:
        LabelError: the object is no edit.
    """
    try:
        return msgspec.convert(value, Step, str_keys=True)
    except (ValueError, RecursionError) as error:
        raise LabelError(
            f"{str(value)[:80]} is an unknown edit type; it was probably written by a newer version of PoseCut: update "
            "PoseCut."
        ) from error


def is_known(value: Mapping[str, Any]) -> bool:
    """Tell whether an edit is of a kind that this PoseCut knows; if it cannot be read all the same, it is damaged."""
    parts = value.get("edits") if value.get("op") == "together" else ()
    inner = parts if isinstance(parts, list) else ()
    return str(value.get("op")) in _KINDS and all(is_known(part) for part in inner if isinstance(part, Mapping))


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
    return msgspec.convert(values, dict[FrameNumber, Frame], str_keys=True)


def _plain(value: Any) -> Any:
    """Return a value of another kind than JSON's as one of them: a dict, which no field takes, where there is none."""
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, str):
        return str(value)
    return list(value) if isinstance(value, Iterable) else {}


def _refused(step: Step, error: Exception) -> LabelError:
    """Say which field of an edit is wrong, and what it holds."""
    found = re.search(r"\$\.(\w+)", str(error))
    name = found[1] if found else "xy"
    return LabelError(
        _WRONG.get(name, "An edit holds {!r}, expected what it is documented to hold; give that.").format(
            getattr(step, name)
        )
    )
