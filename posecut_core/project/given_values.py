"""Names and numbers as people give them: one for a list, texts for numbers, ranges, arrays of other libraries.

`forgiving` turns the arguments of a public step into what its annotations say, so that each step need not.
"""

import csv
import functools
import inspect
import math
import operator
import os
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from posecut_core.errors import ArgumentError

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
_MOST = 10_000_000  # numbers that a list may have: more are a slip
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def forgiving(step: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Let a function take its arguments in the forms that people use, and refuse others in a sentence.

    A parameter of whole numbers takes texts and numbers of other libraries, one of several takes a single one, ranges
    such as "100-110,517" and anything that can be gone through; one of names takes a single name, or several in a text
    with commas between them, and quotes around a name that has a comma.

    Raises (as the function that is made):
        ArgumentError: a value cannot be what its parameter is.
    """

    @functools.wraps(step)
    def called(*words: Arguments.args, **options: Arguments.kwargs) -> Result:
        signature, hints = _annotated(step)
        try:
            bound = signature.bind(*words, **options)
        except TypeError:
            return step(*words, **options)  # Python says what is missing, or too much
        for name, value in bound.arguments.items():
            bound.arguments[name] = _converted(value, hints.get(name), name)
        return step(*bound.args, **bound.kwargs)

    return called


def given_names(given: object, *, what: str, known: Iterable[str] = ()) -> tuple[str, ...]:
    """List names, given as several, as one, or as a text with commas between them, or semicolons if it has no commas.

    Square brackets around the whole text, and single quotes around names in them, are Python's and no part of a name.

    Args:
        given: the names; in a text a name that has a comma stands in double quotes, if it is not known anyway.
        what: they are called in an error.
        known: names to look for first, also such as have commas.

    Raises:
        ArgumentError: one of them is no text.
    """
    names = tuple(known)
    if isinstance(given, str):
        return (str(given),) if given in names else _split(_separated(given), names)
    entries = list(given) if isinstance(given, Iterable) else [given]
    wrong = [entry for entry in entries if not isinstance(entry, str | os.PathLike)]
    if wrong:
        raise ArgumentError(f"{what} contains {wrong[0]!r}, expected names; correct the list.")
    return tuple(str(entry) for entry in entries)


def whole_number(given: object, *, what: str) -> int:
    """Return a whole number, given as such, as a text, or as a number of another library.

    Raises:
        ArgumentError: it is none.
    """
    text = given.strip() if isinstance(given, str) else given
    try:
        if isinstance(text, str):
            return int(text)
        if isinstance(text, float) and text.is_integer():
            return int(text)
        if not isinstance(text, bool):
            return operator.index(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        pass
    raise ArgumentError(f"{what} is {given!r}, expected a whole number.")


def whole_numbers(given: object, *, what: str) -> tuple[int, ...]:
    """List whole numbers, given as several, as one, or as a text of numbers and ranges such as "5,10-12".

    Raises:
        ArgumentError: a part is neither, or there are more than ten million.
    """
    if isinstance(given, str):
        parts = [part.strip() for part in _separated(given).split(",") if part.strip()]
        spans = [_span(part, what) for part in parts]
        if sum(len(span) for span in spans) > _MOST:
            raise ArgumentError(f"{what} is {given!r}, expected at most {_MOST} numbers; give smaller ranges.")
        return tuple(number for span in spans for number in span)
    if not isinstance(given, Iterable):
        return (whole_number(given, what=what),)
    entries = (whole_numbers(entry, what=what) if isinstance(entry, str) else (entry,) for entry in given)
    return tuple(whole_number(entry, what=what) for several in entries for entry in several)


def number(given: object, *, what: str) -> float:
    """Return a number that is not NaN, given as such or as a text.

    Raises:
        ArgumentError: it is none.
    """
    try:
        found = given if isinstance(given, int | float) else float(given)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        found = math.nan
    if isinstance(given, bool) or math.isnan(found):
        raise ArgumentError(f"{what} is {given!r}, expected a number.")
    return found


def _separated(text: str) -> str:
    """Write a list in the way of Python or of other programs as parts with commas between them."""
    inner = text.strip()[1:-1]
    if text.strip() == f"[{inner}]" and not set("[]") & set(inner):
        text = re.sub(r"(^|,)\s*'([^',]*)'\s*(?=,|$)", r"\1\2", inner)
    return text if "," in text else text.replace(";", ",")


def _split(text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Split a text at commas outside quotes; neighbours that are a known name together stay together."""
    parts = text.split(",")
    found: list[str] = []
    rest: list[str] = []
    while parts:
        longest = next((n for n in range(len(parts), 1, -1) if ",".join(parts[:n]).strip() in known), 0)
        if longest and not rest:
            found.append(",".join(parts[:longest]).strip())
            parts = parts[longest:]
            continue
        rest.append(parts.pop(0))
        if ",".join(rest).count('"') % 2 == 0:
            found += _unquoted(",".join(rest))
            rest = []
    return tuple(name for name in (*found, *rest) if name.strip())


def _unquoted(text: str) -> list[str]:
    row = next(csv.reader([" ".join(text.split())], skipinitialspace=True), [])
    return [name.strip() for name in row]


def _span(part: str, what: str) -> range:
    low, dash, high = part.partition("-")
    low, high = low.strip(), high.strip()
    if not low and high.isascii() and high.isdigit():
        raise ArgumentError(f"The {what} {part!r} is negative; expected numbers from 0, counted from the beginning.")
    if not (low.isascii() and low.isdigit()) or (dash and not (high.isascii() and high.isdigit())):
        raise ArgumentError(f"The {what} {part!r} is not a whole number; expected numbers and ranges as in 5,10-12.")
    if len(low) > 18 or len(high) > 18:
        raise ArgumentError(f"The {what} {part!r} is larger than any that there is; expected numbers as in 5,10-12.")
    first, last = int(low), int(high if dash else low)
    if last < first:
        raise ArgumentError(
            f"The {what}s {part!r} run backwards; expected the smaller one first, as in {last}-{first}."
        )
    return range(first, last + 1)


@functools.cache
def _annotated(step: Callable[..., object]) -> tuple[inspect.Signature, Mapping[str, object]]:
    return inspect.signature(step), typing.get_type_hints(step)


def _converted(value: Any, hint: object, name: str) -> Any:
    """Turn a value into what an annotation says, where people give it in other forms."""
    kinds = _kinds(hint)
    if value is None and type(None) in kinds:
        return None
    if bool in kinds:
        return _flag(value, name)
    if Sequence[int] in kinds:
        return _several(value, kinds, name)
    if Sequence[str] in kinds:
        return value if str in kinds and isinstance(value, str) else given_names(value, what=name)
    if float in kinds:
        return number(value, what=name)
    if int in kinds:
        word = str in kinds and isinstance(value, str) and not value.strip().lstrip("+-").isdigit()
        return value if word else whole_number(value, what=name)
    return value


def _kinds(hint: object) -> tuple[object, ...]:
    is_union = isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union
    return typing.get_args(hint) if is_union else (hint,)


def _several(value: Any, kinds: tuple[object, ...], name: str) -> Any:
    if isinstance(value, str) and str in kinds and re.search(r"[^\d\s,;\[\]-]|^\W*$", value):
        return value.strip()
    return whole_numbers(value, what=name.removesuffix("s") if isinstance(value, str) else name)


def _flag(value: Any, name: str) -> bool:
    found = _TRUTH.get(str(value).strip().lower())
    if found is None:
        raise ArgumentError(f"{name} is {value!r}, expected True or False.")
    return found
