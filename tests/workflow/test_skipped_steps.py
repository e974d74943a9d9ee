"""Skipped steps are joined to streaks, and lead to the frames that stood in them."""

import pytest

from posecut_core.dataset.frames import frames_of_step
from posecut_core.training.loop import _streak, _suspects


@pytest.mark.parametrize(
    ("skipped", "last", "expected"),
    [((), 3, ()), ((3,), 4, ()), ((4,), 4, (4,)), ((1, 3, 4, 5), 5, (3, 4, 5)), ((1, 2), 2, (1, 2))],
)
def test_a_streak_ends_with_the_last_step(skipped, last, expected):
    """Only skipped steps without a gap up to the last one count."""
    assert _streak(skipped, last=last) == expected


def test_the_frame_that_spoils_every_batch_comes_first():
    """When the steps with frame 13 are skipped, it is the first suspect, and only frames of these steps follow."""
    shown = {step: frames_of_step(20, batch_size=4, seed=5, step=step - 1).tolist() for step in range(1, 31)}
    skipped = [step for step, frames in shown.items() if 13 in frames]
    found = _suspects(skipped, count=20, batch_size=4, seed=5)
    assert found[0] == 13
    assert set(found) == {frame for step in skipped for frame in shown[step]}


def test_a_frame_counts_once_in_a_batch():
    """Two frames in batches of four: both stand in every batch, as often as the other."""
    assert _suspects([1, 2], count=2, batch_size=4, seed=0) == (0, 1)
