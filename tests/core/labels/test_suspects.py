"""Labels that are probably wrong are ranked first."""

from dataclasses import replace

import numpy as np
import pytest

from posecut_core.labels.suspects import in_one_place, rank_labels
from posecut_core.labels.table import LabelTable

BODYPARTS = ("nose", "left", "right", "back", "tail")
MOUSE = np.array([[40, 0], [20, 10], [20, -10], [0, 0], [-40, 0]], float)


@pytest.fixture
def table():
    """Labels of 60 frames by a hand that shakes; the mouse faces all ways."""
    rng = np.random.default_rng(1)
    angles = rng.uniform(0, 2 * np.pi, 60)
    turns = np.stack([np.cos(angles), -np.sin(angles), np.sin(angles), np.cos(angles)], axis=1).reshape(-1, 2, 2)
    xy = np.einsum("fij,kj->fki", turns, MOUSE) + rng.uniform(100, 400, (60, 1, 2)) + rng.normal(0, 1, (60, 5, 2))
    return LabelTable("m1", BODYPARTS, np.arange(0, 120, 2), xy)


def test_a_moved_label_is_the_first(table):
    """It stands before the others of its frame, which it makes look odd."""
    xy = table.xy.copy()
    xy[7, 3] += (15, 10)
    ranked = rank_labels([replace(table, xy=xy)])
    assert (ranked[0].video, ranked[0].number, ranked[0].bodypart) == ("m1", 14, "back")
    assert ranked[0].surprise > 5 > ranked[1].surprise


def test_exchanged_labels_are_named_together(table):
    """Both are told, with what they are exchanged with."""
    xy = table.xy.copy()
    xy[20, [1, 2]] = xy[20, [2, 1]]
    first = rank_labels([replace(table, xy=xy)])[:2]
    assert {(one.number, one.bodypart, one.exchanged_with) for one in first} == {
        (40, "left", "right"),
        (40, "right", "left"),
    }


def test_bodyparts_that_lie_in_one_place_are_told_together(table):
    """In every frame that has both, of three frames or more; that one frame shows them apart is enough."""
    xy = table.xy.copy()
    xy[:, [1, 2]] = xy[:, [0]] + 0.4
    xy[5, 1] = np.nan
    halves = [table.rows(np.arange(60) < 30), replace(table.rows(np.arange(60) >= 30), video="m2")]
    halves = [replace(half, xy=part) for half, part in zip(halves, (xy[:30], xy[30:]), strict=True)]
    assert in_one_place(halves) == (("nose", "left", "right"),)
    xy[40, 2] += 5
    assert in_one_place([replace(table, xy=xy)]) == (("nose", "left"),)
    xy[:-2, 1] = np.nan
    assert in_one_place([replace(table, xy=xy)]) == in_one_place([table]) == in_one_place([]) == ()


def test_every_label_has_its_rank_and_nothing_else(table):
    """Missing labels are passed over; videos are ranked together; few frames tell nothing."""
    xy = table.xy.copy()
    xy[3, 2], xy[5], xy[6, 1:] = np.nan, np.nan, np.nan
    halves = [table.rows(np.arange(60) < 30), replace(table.rows(np.arange(60) >= 30), video="m2")]
    halves[0] = replace(halves[0], xy=xy[:30])
    ranked = rank_labels(halves)
    assert len(set(ranked)) == len(ranked) == 60 * 5 - 1 - 5 - 5
    assert [one.surprise for one in ranked] == sorted((one.surprise for one in ranked), reverse=True)
    assert rank_labels([table.rows(np.arange(60) < 8)]) == rank_labels([]) == ()


def test_a_frame_with_rare_bodyparts_alone_is_passed_over(table):
    """Of those there are too few to learn from, so nothing is known about where they belong."""
    rare = np.full((60, 2, 2), np.nan)
    rare[9] = [[200, 200], [220, 200]]
    xy = np.concatenate([table.xy, rare], axis=1)
    xy[9, :5] = np.nan
    ranked = rank_labels([replace(table, bodyparts=(*BODYPARTS, "whisker", "claw"), xy=xy)])
    assert 18 not in {one.number for one in ranked}
    assert len(ranked) == 59 * 5
