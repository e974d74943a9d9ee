"""The controls of the overlay over a video."""

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_posecut.layers.overlay import OverlayStyle
from napari_posecut.widgets.docks.results import _OverlayControls

STYLE = OverlayStyle(np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), np.ones(2, bool), pcutoff=0.6, edges=((0, 1),))


@pytest.fixture
def controls(qtbot):
    controls = _OverlayControls()
    qtbot.addWidget(controls)
    controls.show_video(("snout", "tail"), STYLE)
    return controls


def test_a_video_begins_with_its_project_s_style(controls):
    """All bodyparts, the skeleton and the pcutoff are those of the project."""
    style = controls.styled(STYLE)
    assert style.shown.tolist() == [True, True]
    assert (style.pcutoff, style.edges) == (0.6, ((0, 1),))


def test_what_a_person_chooses_is_told_once(controls, qtbot):
    """A bodypart that is unticked is not drawn, and the change is heard."""
    with qtbot.waitSignal(controls.changed):
        controls.bodyparts.topLevelItem(1).setCheckState(0, Qt.CheckState.Unchecked)
    assert controls.styled(STYLE).shown.tolist() == [True, False]
    controls.skeleton.setChecked(False)
    assert controls.styled(STYLE).edges == ()


def test_the_spread_of_networks_stands_beside_the_likelihoods(controls):
    """Where several networks were asked, the table says by how many pixels they differ."""
    controls.show_likelihoods(np.array([0.5, 0.25]), np.array([1.25, 30.0]))
    assert [item.text(1) for item in controls._rows()] == ["0.50 ± 1.2 px", "0.25 ± 30.0 px"]


def test_likelihoods_are_written_in_silence(controls, qtbot):
    """The numbers stand beside the bodyparts; writing them is no change of the style."""
    with qtbot.assertNotEmitted(controls.changed):
        controls.show_likelihoods(np.array([0.25, 1.0]))
    assert [controls.bodyparts.topLevelItem(row).text(1) for row in range(2)] == ["0.25", "1.00"]
    assert controls.chosen_bodypart == "snout"
