"""Points are written with x to the right and y down, beside their features."""

import numpy as np
import pandas as pd
import pytest
from napari.layers import Points

from napari_posecut.contributions import _table, write_points
from posecut_core.errors import ArgumentError


def test_a_layer_of_frames_is_written(tmp_path):
    """Each shown point is a row, through napari's own way of saving; the path that was written comes back."""
    layer = Points(
        np.array([[3.0, 40.0, 81.5], [3.0, 44.5, 60.0], [4.0, 1.0, 2.0]]),
        features={"bodypart": ["snout", "tail", "snout"], "likelihood": [0.9, 0.2, 0.5]},
        shown=[True, True, False],
    )
    path = str(tmp_path / "points.xy.csv")
    assert layer.save(path, plugin="posecut") == [path]
    expected = {"frame": [3, 3], "x": [81.5, 60.0], "y": [40.0, 44.5]}
    expected |= {"bodypart": ["snout", "tail"], "likelihood": [0.9, 0.2]}
    pd.testing.assert_frame_equal(pd.read_csv(path), pd.DataFrame(expected))


def test_other_tables_are_left_to_napari(tmp_path):
    """A plain .csv is napari's own format still."""
    path = tmp_path / "points.csv"
    Points(np.ones((1, 2))).save(str(path))
    assert path.read_text().startswith("index,axis-0,axis-1")


def test_points_without_a_position_are_left_out():
    """NaN is no place; without features there are positions only."""
    written = _table(np.array([[1.0, 2.0], [np.nan, 3.0]]), {})
    assert written.to_dict("list") == {"x": [2.0], "y": [1.0]}


def test_points_of_other_dimensions_are_refused(tmp_path):
    """A volume has no frames."""
    with pytest.raises(ArgumentError, match="row, column"):
        write_points(str(tmp_path / "points.xy.csv"), np.zeros((2, 4)), {})
    assert list(tmp_path.iterdir()) == []
