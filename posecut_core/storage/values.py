"""Single values of settings: told apart, checked against a model, and written in a sentence."""

import datetime
import functools
import re
import reprlib
import unicodedata
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from posecut_core.errors import perhaps

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_short = reprlib.Repr()  # a damaged file may hold a value as long as a book
_short.maxlevel, _short.maxlist, _short.maxdict, _short.maxstring, _short.maxother = 3, 10, 10, 200, 200


@functools.cache
def properties(model: type) -> Mapping[str, dict[str, Any]]:
    """Return the JSON schema of each field of a model by its name: type, bounds, choices, default and description."""
    found: dict[str, dict[str, Any]] = TypeAdapter(model).json_schema()["properties"]
    return found


class SettingError(ValueError):
    """A value that cannot work: validators raise it where they have better words than `faults` makes."""

    def __init__(self, words: str, *, at: tuple[object, ...] = (), remedy: str = "correct it there") -> None:
        super().__init__(words)
        self.words = words  # what was found, and what is expected
        self.at = at  # keys and places that lead to the value
        self.remedy = remedy


def faults(error: ValidationError, given: Mapping[str, object], model: type) -> list[SettingError]:
    """Say of each field that a model refused what was found, and what is expected.

    Args:
        error: the refusal.
        given: the values by their fields' names.
        model: what they were for.
    """
    found: dict[str, SettingError] = {}
    for entry in error.errors():
        name = str(entry["loc"][0]) if entry["loc"] else ""
        said = entry.get("ctx", {}).get("error")
        if not isinstance(said, SettingError):
            schema, wrong = properties(model).get(name, {}), given.get(name, entry["input"])
            expected = (entry["type"] == "value_error" and str(said)) or described(schema)
            expected += perhaps(wrong, schema.get("enum", ())) if isinstance(wrong, str) else ""
            value = shown(wrong)
            if entry["type"] == "missing":
                said = SettingError(f"{name} is missing, expected {expected}", remedy=f"add a line `{name}: ...`")
            else:
                said = SettingError(f"{name} is {value}, expected {expected}", at=(name,))
        found.setdefault(name, said)
    return list(found.values())


def described(schema: Mapping[str, Any]) -> str:
    """Say in words which values a JSON schema takes; a schema may have its own words, under `expected`."""
    if "expected" in schema:
        return str(schema["expected"])
    if "anyOf" in schema:
        return " or ".join(sorted(map(described, schema["anyOf"]), key=lambda words: words != "null"))
    if "enum" in schema:
        *others, last = (str(choice) for choice in schema["enum"])
        return f"{', '.join(others)} or {last}"
    kind = {"boolean": "true or false", "null": "null", "string": "a text", "integer": "a whole number"}
    words = kind.get(schema["type"], "a number")
    if "multipleOf" in schema:
        words = f"a multiple of {schema['multipleOf']}"
    low, high = (_figure(schema.get(bound)) for bound in ("minimum", "maximum"))
    if "exclusiveMinimum" in schema:
        return f"{words} above {_figure(schema['exclusiveMinimum'])}" + (f" and up to {high}" if high else "")
    if low and high:
        return f"{words} from {low} to {high}"
    return f"{words} of at least {low}" if low else words


def _figure(bound: float | None) -> str:
    return "" if bound is None else f"{bound:.0f}" if bound == int(bound) else f"{bound:g}"


def is_set(value: object) -> bool:
    """Tell whether a key has a value: old files have keys that are empty, or an empty string."""
    return value is not None and not (isinstance(value, str) and not value.strip())


def as_flag(values: Mapping[str, object], key: str) -> bool:
    """Return true or false, also of words such as `yes` and `off`; false where the key is unset.

    Raises:
        SettingError: it is something else.
    """
    value = values.get(key)
    flag = _WORDS.get(str(value).strip().lower()) if is_set(value) else False
    if flag is None:
        raise SettingError(f"{key} is {shown(value)}, expected true or false", at=(key,))
    return flag


def is_file_part(name: str) -> bool:
    """Tell whether a text can be part of a file's name, and leads to no other folder."""
    wrong = any(letter in "/\\" or unicodedata.category(letter) in ("Cc", "Cs") for letter in name)
    return not wrong and name not in ("", ".", "..")


def is_formula(name: str) -> bool:
    """Tell whether a spreadsheet that opens a table would run a name: it calls something, another program even."""
    return name.lstrip().startswith(("=", "+", "-", "@")) and bool(set(name) & set("(!|"))


def as_name(value: object) -> str | None:
    """Return a text, a number or a date as text; None for anything else."""
    if isinstance(value, str | datetime.date) or as_number(value) is not None:
        return str(value)
    return None


def as_number(value: object) -> float | None:
    """Return a number, also one written as text, that is not a truth value; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
        return None
    try:
        return float(value)
    except OverflowError:  # a whole number of more than 308 digits
        return None


def as_integer(value: object) -> int | None:
    """Return a whole number; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool) and as_number(value) is not None:
        return value
    number = as_number(value)
    return int(number) if number is not None and number.is_integer() else None


def shown(value: object) -> str:
    """Write a value as Python does, cut to what a message can hold."""
    return _short.repr(value)
