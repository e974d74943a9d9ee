"""The form that says what makes a frame look wrong."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_posecut.widgets.docks.outliers import _METHODS, _frames_in, _OutlierForm
from posecut_core.errors import ArgumentError
from posecut_core.types import OutlierAlgorithm


@given(st.sets(st.integers(0, 10_000), min_size=1))
def test_frame_numbers_are_read(numbers):
    """Numbers written with commas are read as they are, increasing, each once."""
    assert _frames_in(", ".join(map(str, numbers))) == tuple(sorted(numbers))


def test_ranges_are_read():
    """A range stands for all frames in it."""
    assert _frames_in("7, 3-5,4") == (3, 4, 5, 7)


@pytest.mark.parametrize("text", ["", "a", "5-3", "-4", "1 2", "0-99999999999"])
def test_what_is_no_number_is_refused(text):
    """The sentence says what is expected."""
    with pytest.raises(ArgumentError, match="write"):
        _frames_in(text)


@pytest.mark.parametrize("algorithm", get_args(OutlierAlgorithm))
def test_each_method_has_its_own_fields(qtbot, algorithm):
    """Every algorithm of the core can be chosen, and only what it looks at is asked for."""
    form = _OutlierForm()
    qtbot.addWidget(form)
    form.offer(bodyparts=("snout", "tail"), others=(), number=7)
    form.method.value = algorithm
    form.fields["frames"].value = "3, 4"
    given_arguments = form.arguments()
    fields = next(names for _, name, names in _METHODS if name == algorithm)
    assert given_arguments["outlieralgorithm"] == algorithm
    assert given_arguments["number_of_frames"] == 7
    assert {name for name in fields if name not in ("bodyparts", "other")} <= set(given_arguments)
    assert ("frames" in given_arguments) == (algorithm in ("list", "manual"))
