"""Random actions at a real window: some here, many by `tests/benchmarks/window_actions.py`."""

import hypothesis
from hypothesis import stateful

from napari_posecut.widgets.docks.label import LabelDock
from tests.plugin.random_actions import Actions

FEW = hypothesis.settings(
    max_examples=3, stateful_step_count=20, deadline=None, database=None, phases=(hypothesis.Phase.generate,)
)


def test_labels_are_what_a_model_says(viewer, stock):
    """After each of some random actions the labels are those of a plain model, and no exception reached Qt."""
    dock = LabelDock(viewer)
    viewer.window.add_dock_widget(dock, area="right")
    Actions.window, Actions.stock = (viewer, dock), stock.unlabeled
    stateful.run_state_machine_as_test(Actions, settings=FEW)
