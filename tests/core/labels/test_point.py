"""A point cannot contradict itself."""

import pytest

from posecut_core.errors import LabelError
from posecut_core.labels.state import _HUMAN, LabelOrigin, Point

MACHINE = LabelOrigin("machine", 0.4, "net", 720)


def test_only_drafts_are_no_labels():
    """Whatever a person has said is a label, also that a bodypart is hidden or absent."""
    assert not Point("proposed", (1.0, 2.0), MACHINE).is_label
    points = [Point("placed", (1.0, 2.0)), Point("occluded"), Point("occluded", (1.0, 2.0)), Point("absent")]
    assert all(point.is_label and point.origin == _HUMAN for point in points)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (("placed",), "has no position"),
        (("proposed", None, MACHINE), "has no position"),
        (("absent", (1.0, 2.0)), "expected none"),
        (("placed", (1.0, float("nan"))), "two finite numbers"),
        (("occluded", (float("inf"), 1.0)), "two finite numbers"),
        (("proposed", (1.0, 2.0)), "comes from human"),
        (("placed", (1.0, 2.0), MACHINE), "comes from machine"),
    ],
)
def test_contradictions_are_refused(fields, words):
    """States, positions and origins must fit together."""
    with pytest.raises(LabelError, match=words):
        Point(*fields)
