"""What one bodypart looks like, and which one a click means."""

import pytest

from napari_posecut.labeling.keypoints import Keypoint, Proposal, keypoint_of, nearest
from posecut_core.labels.state import LabelOrigin, Point

MACHINE = LabelOrigin("machine", 0.4, "net", 10)


def _mark(bodypart, xy):
    return Keypoint(bodypart, bodypart, "placed", xy)


@pytest.mark.parametrize(
    ("point", "proposal", "state"),
    [
        (None, None, "unset"),
        (None, Proposal((1.0, 2.0), 0.9), "proposed"),
        (Point("placed", (3.0, 4.0)), Proposal((1.0, 2.0), 0.9), "placed"),
        (Point("proposed", (3.0, 4.0), MACHINE), None, "proposed"),
        (Point("occluded"), Proposal((1.0, 2.0)), "occluded"),
        (Point("absent"), None, "absent"),
    ],
)
def test_the_store_counts_before_proposals(point, proposal, state):
    """A bodypart looks as the store knows it; only where that knows nothing, a proposal is shown."""
    keypoint = keypoint_of("b1", "snout", point, proposal)
    assert (keypoint.bodypart, keypoint.name, keypoint.state) == ("b1", "snout", state)
    assert keypoint.xy == (point.xy if point else proposal.xy if proposal else None)
    assert keypoint.is_open == (state in ("unset", "proposed"))


def test_likelihood_is_that_of_the_network():
    """A draft has the likelihood that is stored, a proposal its own, a label by hand none."""
    assert keypoint_of("b1", "snout", Point("proposed", (3.0, 4.0), MACHINE), None).likelihood == 0.4
    assert keypoint_of("b1", "snout", None, Proposal((1.0, 2.0), 0.9)).likelihood == 0.9
    assert keypoint_of("b1", "snout", Point("placed", (3.0, 4.0)), Proposal((1.0, 2.0), 0.9)).likelihood is None


def test_the_nearest_within_reach_is_meant():
    """The closest keypoint is found, one out of reach or without a position never."""
    keypoints = [_mark("far", (50.0, 0.0)), _mark("near", (3.0, 4.0)), _mark("nearer", (2.0, 0.0)), _mark("none", None)]
    assert nearest(keypoints, (0.0, 0.0), within=5.0).bodypart == "nearer"
    assert nearest(keypoints, (0.0, 0.0), within=1.0) is None


def test_the_preferred_one_wins_within_reach():
    """Of keypoints on top of each other the current one is meant, if it is within reach."""
    keypoints = [_mark("near", (3.0, 4.0)), _mark("nearer", (2.0, 0.0))]
    assert nearest(keypoints, (0.0, 0.0), within=5.0, preferred="near").bodypart == "near"
    assert nearest(keypoints, (0.0, 0.0), within=4.9, preferred="near").bodypart == "nearer"
