"""Random actions at a real window: some here, many by `tests/benchmarks/window_actions.py`."""

import hypothesis
from hypothesis import stateful

from napari_posecut.window import add_flow_bar
from tests.plugin.random_actions import Actions

FEW = hypothesis.settings(
    max_examples=3,
    stateful_step_count=20,
    deadline=None,
    database=None,
    derandomize=True,
    phases=(hypothesis.Phase.generate,),
    suppress_health_check=list(hypothesis.HealthCheck),
)


def test_labels_are_what_a_model_says(viewer, stock):
    """After each of some random actions in all docks the labels are those of a plain model; no exception reached Qt."""
    Actions.window, Actions.stock = (viewer, add_flow_bar(viewer)), stock.unlabeled
    stateful.run_state_machine_as_test(Actions, settings=FEW)
