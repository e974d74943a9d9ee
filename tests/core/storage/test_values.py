"""Single values are checked by kind."""

import pytest

from posecut_core.storage.values import as_integer, as_name, as_number


@pytest.mark.parametrize(
    ("value", "name", "number", "integer"),
    [("a", "a", None, None), (7, "7", 7.0, 7), (0.5, "0.5", 0.5, None), (8.0, "8.0", 8.0, 8), (True, None, None, None)],
)
def test_values_are_told_apart(value, name, number, integer):
    """Truth values are no numbers, and whole numbers may be written with a point."""
    assert (as_name(value), as_number(value), as_integer(value)) == (name, number, integer)


def test_infinite_numbers_are_no_integers():
    """Infinity and NaN, which YAML allows, are refused where a whole number is expected."""
    assert as_integer(float("inf")) is None
    assert as_integer(float("nan")) is None
