"""Figures of predictions."""

import numpy as np
import pytest
from matplotlib.image import imread

from posecut_core.errors import ArgumentError, StorageError
from posecut_core.plots.trajectories import _displacements, _envelope, _likely_positions, draw_trajectories
from posecut_core.poses.predictions import Predictions

NAMES = ("trajectory.png", "plot.png", "plot-likelihood.png", "hist.png", "speed.png")


def walk(frames, likelihood=0.9):
    xy = np.cumsum(np.random.default_rng(0).normal(size=(frames, 2, 2)), axis=0) + 50
    return Predictions("PoseCut_x", ("snout", "tail"), xy, np.full((frames, 2), likelihood))


@pytest.mark.parametrize("predictions", [walk(40), walk(1), walk(5_000), walk(20, likelihood=0.1)])
def test_figures_are_written_whatever_the_predictions(tmp_path, predictions):
    """One frame, many frames, and no likely point at all give readable pictures and a page without a warning."""
    files = draw_trajectories(tmp_path / "plot-poses" / "m1", predictions, pcutoff=0.6, title="m1")
    assert files == tuple(tmp_path / "plot-poses" / "m1" / name for name in (*NAMES, "trajectories.html"))
    for path in files[:-1]:
        assert imread(path).std() > 0.05


def test_frames_that_could_not_be_decoded_are_gaps(tmp_path):
    """NaN positions are neither drawn nor a warning."""
    predictions = walk(30)
    predictions.xy[10:12], predictions.likelihood[10:12] = np.nan, 0
    assert len(draw_trajectories(tmp_path, predictions, pcutoff=0.6)) == 6


def test_the_page_stands_alone_and_says_how_bodyparts_move(tmp_path):
    """Names are escaped, pictures are in the file, and the largest jump is named with its frame."""
    xy = np.zeros((40, 2, 2))
    xy[:, 0, 0] = 2.0 * np.arange(40)
    xy[25:, 0, 1] = 30.0
    predictions = Predictions("net", ("<snout>", "tail"), xy, np.ones((40, 2)))
    text = draw_trajectories(tmp_path, predictions, pcutoff=0.6, title="a & b.mp4")[-1].read_text("utf-8")
    assert "<h1>a &amp; b.mp4</h1>" in text
    assert "<td>&lt;snout&gt;</td><td>100.0%</td>" in text
    assert "<td>30.1, to frame 25</td>" in text
    assert text.count('src="data:image/png;base64,') == 5
    assert "<script" not in text
    assert "http" not in text


def test_unlikely_points_are_masked_and_points_at_the_cutoff_are_not():
    """Positions with a likelihood below pcutoff become NaN."""
    predictions = Predictions("s", ("a",), np.ones((3, 1, 2)), np.array([[0.59], [0.6], [0.61]]))
    assert np.isnan(_likely_positions(predictions, 0.6)[:, 0, 0]).tolist() == [True, False, False]


def test_displacements_are_distances_between_neighboring_frames():
    """A point that moves by (3, 4) moves by 5; next to a gap nothing is known."""
    xy = np.array([[[0.0, 0.0]], [[3.0, 4.0]], [[np.nan, np.nan]], [[3.0, 4.0]]])
    np.testing.assert_array_equal(_displacements(xy), [[5.0], [np.nan], [np.nan]])


def test_an_envelope_loses_no_spike():
    """The least and greatest value survive in the bin they belong to; a bin without values is NaN."""
    values = np.zeros(1003)
    values[517], values[901] = 9.0, -7.0
    values[100:200] = np.nan
    reduced = _envelope(values, 100)
    width = reduced.frames[1] - reduced.frames[0]
    assert abs(reduced.frames[np.nanargmax(reduced.greatest)] - 517) <= width
    assert abs(reduced.frames[np.nanargmin(reduced.least)] - 901) <= width
    assert (np.nanmax(reduced.greatest), np.nanmin(reduced.least)) == (9.0, -7.0)
    assert np.isnan(reduced.median[np.abs(reduced.frames - 150) < 30]).all()
    assert np.nanmax(np.abs(reduced.median)) == 0


def test_wrong_arguments_write_nothing(tmp_path):
    """An unknown colormap is found before the first figure; a file in place of the folder is one sentence."""
    with pytest.raises(ArgumentError, match="colormap"):
        draw_trajectories(tmp_path / "plots", walk(5), pcutoff=0.6, colormap="nonsense")
    assert not (tmp_path / "plots").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="Cannot write"):
        draw_trajectories(tmp_path / "file", walk(5), pcutoff=0.6)
