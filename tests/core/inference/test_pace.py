"""The speed that is told is that of now."""

import pytest

from posecut_core.inference.video import _RECENT, _Pace


def after(*batches):
    pace = _Pace()
    for seconds in batches:
        pace = pace.after(8, seconds)
    return pace


def test_a_pause_of_the_computer_does_not_mislead():
    """A batch that took an hour leaves the speed as it was; so does a first one that compiles."""
    assert after(60.0, *[2.0] * 8, 3600.0, 2.0).frames_per_second == pytest.approx(4.0)


def test_few_batches_go_as_fast_as_all_of_them_together():
    """Kind: of a short video all batches but the first are done at once, as they were begun while it was waited for."""
    assert after(8.0, 0.001, 0.001).frames_per_second == pytest.approx(3, rel=1e-3)


def test_a_lasting_change_is_followed():
    """What was before the last batches is forgotten."""
    pace = after(*[1.0] * 1000, *[4.0] * _RECENT)
    assert pace.frames_per_second == pytest.approx(2.0)
    assert len(pace.seconds) == _RECENT


def test_a_clock_that_stands_still_is_no_error():
    """Coarse clocks give two batches the same time."""
    assert after(0.0).frames_per_second > 0
