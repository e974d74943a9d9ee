"""Checks of single values of config.yaml; an error names the key, what was found, what was expected, what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from posecut_core.errors import ProjectError


@dataclass(frozen=True)
class Fields:
    """The mapping read from a config.yaml, asked for one checked value at a time.

    Unset values (absent, empty, or an empty string, as old files have them) give the default.
    """

    values: Mapping[str, object]
    path: Path  # named in errors

    def wrong(self, key: str, expected: str) -> ProjectError:
        """Make the error for a key whose value does not do."""
        return ProjectError(f"{self.path}: {key} is {self.values.get(key)!r}, expected {expected}; correct it there.")

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
        """Return true or false; false where unset."""
        if not self.is_set(key):
            return False
        value = self.values[key]
        if not isinstance(value, bool):
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


def as_name(value: object) -> str | None:
    """Return a text or a number as text; None for anything else."""
    if isinstance(value, str) or as_number(value) is not None:
        return str(value)
    return None


def as_number(value: object) -> float | None:
    """Return a number that is not a truth value; None for anything else."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def as_integer(value: object) -> int | None:
    """Return a whole number; None for anything else."""
    number = as_number(value)
    return int(number) if number is not None and number.is_integer() else None
