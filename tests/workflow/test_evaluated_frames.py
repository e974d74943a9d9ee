"""Labeled frames, predicted and drawn."""

import numpy as np
import pytest
from matplotlib.image import imread

from posecut_core.evaluation.measurement import _predict_all, gather_frames
from posecut_core.labels.store import read_labels
from posecut_core.plots.frames import draw_all, draw_frame, frame_kind
from posecut_core.project.opening import open_project
from posecut_core.types import FrameRef
from posecut_core.workflow import evaluate_network


@pytest.fixture
def measured(spot_project):
    """Project, network, frames 5 (trains) and 9 (tests), and their predictions."""
    project = open_project(spot_project)
    tables = {"spot": read_labels(project, "spot")}
    frames = gather_frames(project, tables, train=(FrameRef("spot", 5),), test=(FrameRef("spot", 9),))
    network = evaluate_network.Predictor.load(project.training(1).folder, snapshot=10)
    return project, network, frames, _predict_all(network, frames, batch_size=2, report=lambda progress: None)


def test_predictions_are_in_the_full_frame(measured):
    """The spot of the crop is found where it lies in its full frame."""
    (found,) = measured[3]
    np.testing.assert_allclose(found.xy[:, 0], [[20.5, 17.5], [28.5, 21.5]])


def test_a_frame_is_drawn_in_its_own_pixels(measured, tmp_path):
    """Each picture says which side of the split it is of; progress counts every one."""
    project, network, frames, predicted = measured
    reports = []
    paths = draw_all(tmp_path, project, network, frames, predicted, ("spot",), reports.append)
    assert [path.name.split("-")[0] for path in paths] == ["Training", "Test"]
    assert [frame_kind(frames[0], place) for place in (0, 1)] == ["Training", "Test"]
    assert (reports[-1].done, reports[-1].total) == (2, 2)
    one = draw_frame(project.config, network, frames[0], predicted[0], 1, ("spot",))
    one.save(tmp_path / "one.png")
    assert (imread(tmp_path / "one.png") == imread(paths[1])).all()
