"""Edits in plain values, whatever numbers a program gives: what JSON can hold, and what it gives back."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

from posecut_core.errors import LabelError
from posecut_core.labels.edits import Begin, Edit, Identify, Propose, Redo, Step, Together, Undo
from posecut_core.labels.point import Position

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
