"""Bones and angles of drawn poses, and their tables."""

import numpy as np
import pandas as pd
import pytest

from posecut_core.poses.files import find_predictions
from posecut_core.poses.predictions import AnalysisOrigin, Origin, Predictions, read_origin
from posecut_core.poses.skeleton import measure_skeleton, write_skeleton

DOWN = 90.0  # as y points


@pytest.fixture
def poses():
    """Three bodyparts: b goes around a, one eighth of a turn per frame; c lies right of a; c is missing once."""
    turn = np.radians(45 * np.arange(8))
    a, c = np.zeros((8, 2)), np.tile([4.0, 0.0], (8, 1))
    c[6] = np.nan
    xy = np.stack([a, np.stack([3 * np.cos(turn), 3 * np.sin(turn)], axis=-1), c], axis=1)
    return Predictions("net", ("a", "b", "c"), xy, np.tile([0.9, 0.5, 0.7], (8, 1)))


def test_bones_have_a_length_a_direction_and_a_likelihood(poses):
    """Names, columns and values are those of DeepLabCut 3.0.2: degrees from 0 to 360, the lower likelihood."""
    table = measure_skeleton(poses, [(0, 1)])
    assert table.columns.tolist() == [("a_b", "length"), ("a_b", "orientation"), ("a_b", "likelihood")]
    np.testing.assert_allclose(table["a_b", "length"], 3.0)
    np.testing.assert_allclose(table["a_b", "orientation"], 45.0 * np.arange(8), atol=1e-9)
    assert table["a_b", "orientation"][2] == DOWN
    assert (table["a_b", "likelihood"] == 0.5).all()


def test_bones_that_meet_make_an_angle(poses):
    """It is the smaller one, whichever way the bones are written, and missing with any of the three bodyparts."""
    for bones in ([(0, 1), (0, 2)], [(1, 0), (0, 2)], [(2, 0), (1, 0)]):
        table = measure_skeleton(poses, bones)
        (name,) = {name for name, column in table.columns if column == "angle"}
        assert name in ("b_a_c", "c_a_b")
        np.testing.assert_allclose(table[name, "angle"], [0, 45, 90, 135, 180, 135, np.nan, 45], atol=1e-9)
        assert (table[name, "likelihood"] == 0.5).all()
    assert not [column for _, column in measure_skeleton(poses, [(0, 1), (1, 0)]).columns if column == "angle"]


@pytest.mark.parametrize("frames", [1, 8])
def test_tables_are_read_back(poses, tmp_path, monkeypatch, frames):
    """By pandas, .h5 and .csv; written in pieces; the .h5 says what it came from, and is none of predictions."""
    monkeypatch.setattr("posecut_core.poses.skeleton.TABLE_ROWS", 3)
    few = Predictions("net", poses.bodyparts, poses.xy[:frames], poses.likelihood[:frames])
    origin = Origin(AnalysisOrigin("net", "n", ("a",), "v", frames, (0, 9, 0, 9), "d"), "hash")
    path = tmp_path / "mousePoseCut_resnet50_mJan1shuffle1_5_skeleton.h5"
    files = write_skeleton(path, few, [(0, 1), (0, 2)], csv=True, origin=origin)
    expected = measure_skeleton(few, [(0, 1), (0, 2)])
    for found in (pd.read_hdf(files[0]), pd.read_csv(files[1], header=[0, 1], index_col=0)):
        assert found.columns.tolist() == expected.columns.tolist()
        np.testing.assert_allclose(found.to_numpy(dtype=float), expected.to_numpy())
    assert read_origin(path) == origin
    assert find_predictions(tmp_path / "mouse.mp4") == ()
