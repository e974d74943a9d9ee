"""Checks of single values of config.yaml; an error names the key, what was found, what was expected, what to do."""

import datetime
import re
import reprlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from posecut_core.errors import ProjectError
from posecut_core.project.yaml_text import line_of

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_short = reprlib.Repr()  # a damaged file may hold a value as long as a book
_short.maxlevel, _short.maxlist, _short.maxdict, _short.maxstring, _short.maxother = 3, 10, 10, 200, 200


@dataclass(frozen=True)
class Fields:
    """The mapping read from a config.yaml, asked for one checked value at a time.

    Unset values (absent, empty, or an empty string, as old files have them) give the default.
    """

    values: Mapping[str, object]
    path: Path  # named in errors

    def place(self, *keys: object) -> str:
        """Say where a value stands, by the keys that lead to it: the file and, where it is found there, the line."""
        line = line_of(self.path, *keys)
        return f"{self.path} line {line}" if line else str(self.path)

    def wrong(self, key: str, expected: str) -> ProjectError:
        """Make the error for a key whose value does not do."""
        found = shown(self.values.get(key))
        return ProjectError(f"{self.place(key)}: {key} is {found}, expected {expected}; correct it there.")

    def is_set(self, key: str) -> bool:
        """Tell whether a key has a value."""
        value = self.values.get(key)
        return value is not None and not (isinstance(value, str) and not value.strip())

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; numbers count as their digits. Without a default the key must be set."""
        if not self.is_set(key):
            if default is None:
                raise ProjectError(f"{self.path}: {key} is missing, expected a text; add a line `{key}: ...`.")
            return default
        name = as_name(self.values[key])
        if name is None:
            raise self.wrong(key, "a text")
        return name

    def flag(self, key: str) -> bool:
        """Return true or false, also of words such as `yes` and `off`; false where unset."""
        if not self.is_set(key):
            return False
        value = _WORDS.get(str(self.values[key]).strip().lower())
        if value is None:
            raise self.wrong(key, "true or false")
        return value

    def integer(self, key: str, default: int, *, at_least: int | None = None) -> int:
        """Return a whole number."""
        if not self.is_set(key):
            return default
        number = as_integer(self.values[key])
        if number is None or (at_least is not None and number < at_least):
            raise self.wrong(key, "a whole number" + (f" of at least {at_least}" if at_least is not None else ""))
        return number

    def fraction(self, key: str, default: float) -> float:
        """Return a number from 0 to 1."""
        if not self.is_set(key):
            return default
        number = as_number(self.values[key])
        if number is None or not 0 <= number <= 1:
            raise self.wrong(key, "a number from 0 to 1")
        return number


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
