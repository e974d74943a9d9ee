"""How many clicks, drags and keys a frame costs: a scripted annotator counts them at a real window."""

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_posecut.labelling.keypoints import Proposal
from napari_posecut.session import desk_of
from posecut_core.labels.store import read_labels
from posecut_core.project.opening import open_project
from tests.plugin.hand import Hand

TRUTH = [(40.0 + 25 * part, 60.0 + 20 * (part % 4)) for part in range(7)]
OFF = 45.0  # pixels by which wrong proposals are too low


@pytest.fixture
def desk(viewer, unlabelled):
    """The desk of a window in which an unlabelled project is open."""
    desk = desk_of(viewer)
    desk.open(unlabelled)
    QApplication.processEvents()
    return desk


def _label(desk, wrong):
    """Label the shown frame as it should be: drag what is wrong, accept the rest; return the number of events."""
    hand, frame = Hand(desk.viewer), desk.labelling.frame
    xy = [(x, y + OFF if part in wrong else y) for part, (x, y) in enumerate(TRUTH)]
    pose = {
        part: Proposal(place, 0.8, "net", 10) for part, place in zip(desk.labelling.browser.columns, xy, strict=True)
    }
    desk.labelling.proposals.take({frame: pose})
    desk.labelling.marks_changed.emit()
    for part in wrong:
        hand.drag(xy[part], TRUTH[part])
    hand.key(Qt.Key.Key_Return)
    assert desk.labelling.frame != frame
    assert desk.labelling.status(frame) == "done"
    for mark, place in zip(desk.labelling.marks_of(frame), TRUTH, strict=True):
        assert mark.xy == pytest.approx(place, abs=1.0)
    return hand.events


def test_a_cold_frame_costs_a_click_per_bodypart(desk, unlabelled):
    """K clicks label a frame of K bodyparts and show the next one; the labels are on disk by then."""
    hand, frame = Hand(desk.viewer), desk.labelling.frame
    for place in TRUTH:
        hand.click(place)
    assert hand.events == len(TRUTH)
    assert desk.labelling.status(frame) == "done"
    assert desk.labelling.frame == desk.labelling.browser.frames[1]
    table = read_labels(open_project(unlabelled), frame.video)
    assert table.numbers.tolist() == [frame.number]
    assert table.xy[0] == pytest.approx(np.array(TRUTH), abs=1.0)


@pytest.mark.parametrize("wrong", [(), (2,), (0, 3, 6), tuple(range(7))])
def test_proposals_cost_a_drag_per_wrong_one(desk, wrong):
    """With w of the proposals wrong, w drags and one key label a frame; with none wrong, one key."""
    assert _label(desk, wrong) <= len(wrong) + 1
