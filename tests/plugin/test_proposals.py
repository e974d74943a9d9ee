"""What is proposed for a frame, and what becomes of it when a person accepts it."""

from napari_posecut.labeling.keypoints import Proposal, ProposedPoses, accepted, stored
from posecut_core.labels.edits import Accept, Place, Propose
from posecut_core.types import FrameRef

FRAME, OTHER = FrameRef("m1", 3), FrameRef("m1", 7)
NETWORK, COPIED = Proposal((1.0, 2.0), 0.4, "net", 10), Proposal((5.0, 6.0))


def test_copies_count_before_the_network():
    """The pose of another frame, which a person asked for, replaces what the network proposes, in that frame only."""
    poses = ProposedPoses()
    poses.set_network({FRAME: {"a": NETWORK, "b": NETWORK}, OTHER: {"a": NETWORK}})
    poses.change(FRAME, {"a": COPIED})
    assert poses.of(FRAME) == {"a": COPIED, "b": NETWORK}
    assert poses.of(OTHER) == {"a": NETWORK}
    assert poses.of(FrameRef("m2", 3)) == {}


def test_what_was_waved_away_stays_away():
    """A proposal that was waved away does not return with the next network, only with a copy."""
    poses = ProposedPoses()
    poses.set_network({FRAME: {"a": NETWORK}})
    poses.change(FRAME, {"a": None})
    poses.set_network({FRAME: {"a": NETWORK}})
    assert poses.of(FRAME) == {}
    poses.change(FRAME, {"a": COPIED})
    assert poses.of(FRAME) == {"a": COPIED}


def test_the_newest_network_counts():
    """Proposals of a network go when those of another one come."""
    poses = ProposedPoses()
    poses.set_network({FRAME: {"a": NETWORK}})
    poses.set_network({OTHER: {"a": NETWORK}})
    assert poses.of(FRAME) == {}


def test_proposals_are_written_down_with_their_origin():
    """A network's becomes a draft that names it, a copied one a label by hand."""
    assert stored(FRAME, "a", NETWORK) == Propose(3, "a", (1.0, 2.0), 0.4, "net", 10)
    assert stored(FRAME, "a", COPIED) == Place(3, "a", (5.0, 6.0))


def test_accepting_makes_a_label_once():
    """A network's proposal is written and accepted, a copied one placed, a stored draft accepted."""
    assert accepted(FRAME, "a", NETWORK) == (stored(FRAME, "a", NETWORK), Accept(3, "a"))
    assert accepted(FRAME, "a", COPIED) == (stored(FRAME, "a", COPIED),)
    assert accepted(FRAME, "a", None) == (Accept(3, "a"),)
