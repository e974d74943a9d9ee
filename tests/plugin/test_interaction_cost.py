"""How many clicks, drags and keys a frame costs: a scripted annotator counts them at a real window."""

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_posecut.labeling.keypoints import Proposal
from napari_posecut.session import session_of
from posecut_core.labels.store import read_labels
from posecut_core.project.opening import open_project
from tests.plugin.hand import Hand

TRUTH = [(40.0 + 25 * part, 60.0 + 20 * (part % 4)) for part in range(7)]
OFF = 45.0  # pixels by which wrong proposals are too low


@pytest.fixture
def session(viewer, unlabeled):
    """The session of a window in which an unlabeled project is open."""
    session = session_of(viewer)
    session.open(unlabeled)
    QApplication.processEvents()
    return session


def _label(session, wrong):
    """Label the shown frame as it should be: drag what is wrong, accept the rest; return the number of events."""
    hand, frame = Hand(session.viewer), session.labeling.frame
    xy = [(x, y + OFF if part in wrong else y) for part, (x, y) in enumerate(TRUTH)]
    pose = {
        part: Proposal(place, 0.8, "net", 10) for part, place in zip(session.labeling.index.columns, xy, strict=True)
    }
    session.labeling.proposals.set_network({frame: pose})
    session.labeling.keypoints_changed.emit()
    for part in wrong:
        hand.drag(xy[part], TRUTH[part])
    hand.key(Qt.Key.Key_Return)
    assert session.labeling.frame != frame
    assert session.labeling.status(frame) == "done"
    for keypoint, place in zip(session.labeling.keypoints_of(frame), TRUTH, strict=True):
        assert keypoint.xy == pytest.approx(place, abs=1.0)
    return hand.events


def test_a_cold_frame_costs_a_click_per_bodypart(session, unlabeled):
    """K clicks label a frame of K bodyparts and show the next one; the labels are on disk by then."""
    hand, frame = Hand(session.viewer), session.labeling.frame
    for place in TRUTH:
        hand.click(place)
    assert hand.events == len(TRUTH)
    assert session.labeling.status(frame) == "done"
    assert session.labeling.frame == session.labeling.index.frames[1]
    table = read_labels(open_project(unlabeled), frame.video)
    assert table.numbers.tolist() == [frame.number]
    assert table.xy[0] == pytest.approx(np.array(TRUTH), abs=1.0)


@pytest.mark.parametrize("wrong", [(), (2,), (0, 3, 6), tuple(range(7))])
def test_proposals_cost_a_drag_per_wrong_one(session, wrong):
    """With w of the proposals wrong, w drags and one key label a frame; with none wrong, one key."""
    assert _label(session, wrong) <= len(wrong) + 1
