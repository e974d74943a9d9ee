"""Score maps over a video."""

import numpy as np
import pytest

from tests.plugin.hand import seen
from tests.plugin.widgets.analyzed_project import results_dock
from tests.plugin.widgets.fake_jobs import FakeJobs


@pytest.fixture
def dock(viewer, sample, qtbot):
    dock = results_dock(viewer, sample, jobs=FakeJobs())
    qtbot.wait(1)  # as in test_results
    return dock


def test_a_score_map_lies_where_the_child_says(viewer, dock, tmp_path):
    """The child is asked for this frame by the network of the predictions; its map goes with the frame."""
    dock.show_chosen()
    viewer.dims.set_current_step(0, 5)
    dock.maps.button.click()
    request = dock.session.jobs.job.request
    assert (request.arguments["frame"], request.arguments["shuffle"], request.arguments["snapshot"]) == (5, 1, 100)
    file = tmp_path / "maps.npy"
    np.save(file, np.zeros((3, 4, 1), np.float32))
    part = dock.overlay.bodyparts.topLevelItem(0).text(0)
    dock.session.jobs.end(
        "done",
        result={
            "file": str(file),
            "video": request.arguments["video"],
            "frame": 5,
            "bodyparts": [part],
            "cell": [16.0, 8.0],
            "origin": [7.5, 3.5],
        },
    )
    layer = viewer.layers[f"score map of {part}"]
    np.testing.assert_array_equal(layer.scale, (8, 16))
    np.testing.assert_array_equal(layer.translate, (3.5, 7.5))
    viewer.dims.set_current_step(0, 6)
    assert f"score map of {part}" not in seen(viewer)
