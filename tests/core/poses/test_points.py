"""Points in space keep their values on disk, and can be made steadier."""

from dataclasses import replace

import numpy as np
import pytest

from posecut_core.errors import AnalysisError, ArgumentError
from posecut_core.poses.files import find_predictions
from posecut_core.poses.points import Points3D, points_path, read_points, smoothed, with_constant_bones, write_points
from posecut_core.poses.predictions import Origin, read_origin


def some_points(frames=40, noise=0.0):
    """Two bodyparts 30 apart that go round a circle."""
    turn = np.linspace(0, 2 * np.pi, frames)
    path = 50 * np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=-1)
    xyz = np.stack([path, path + np.array([0, 0, 30])], axis=1)
    xyz += noise * np.random.default_rng(0).normal(size=xyz.shape)
    shape = xyz.shape[:2]
    return Points3D("PoseCut_x", ("a", "b"), xyz, np.full(shape, 0.9), np.full(shape, 0.5), np.full(shape, 1.0))


@pytest.mark.parametrize("frames", [1, 40])
def test_points_come_back_from_their_file(tmp_path, frames):
    """A round trip keeps every number and the origin; the table is none of a video's predictions."""
    points = some_points(frames)
    points.xyz[3:5] = np.nan
    path = points_path("day1", points.scorer, tmp_path)
    origin = Origin(None, "hash", {"smoothing": 6})
    assert write_points(path, points, csv=True, origin=origin) == (path, path.with_suffix(".csv"))
    found = read_points(path)
    assert (found.scorer, found.bodyparts) == (points.scorer, points.bodyparts)
    for name in ("xyz", "likelihood", "error", "uncertainty"):
        np.testing.assert_array_equal(getattr(found, name), getattr(points, name))
    assert read_origin(path) == origin
    assert find_predictions(tmp_path / "day1.mp4") == ()


def test_what_is_no_table_of_points_is_refused(tmp_path):
    """A missing file and another one have a sentence each."""
    with pytest.raises(AnalysisError, match="Found no points at"):
        read_points(tmp_path / "a_3d.h5")
    (tmp_path / "b_3d.h5").write_bytes(b"nothing")
    with pytest.raises(AnalysisError, match=r"not a readable \.h5 of points"):
        read_points(tmp_path / "b_3d.h5")


def test_smoothing_halves_what_moves_within_its_period():
    """A wave of the period has half its height afterwards, a slow one all of it; noise gets less, gaps stay."""
    frames = np.arange(400)
    still = some_points(400)
    for period, left in ((8, 0.5), (100, 1.0)):
        wave = np.zeros((400, 2, 3))
        wave[..., 0] = np.sin(2 * np.pi * frames / period)[:, None]
        seen = smoothed(replace(still, xyz=wave), period=8).xyz[100:300, 0, 0]
        assert np.abs(seen).max() == pytest.approx(left, abs=0.02)
    truth, noisy = some_points(200), some_points(200, noise=1.0)
    noisy.xyz[50:53, 0] = np.nan
    result = smoothed(noisy, period=8).xyz
    assert np.isnan(result[50:53, 0]).all()
    assert np.nanstd(result - truth.xyz) < 0.6
    with pytest.raises(ArgumentError, match="smoothing is 2, expected more than 2 frames"):
        smoothed(truth, period=2)


def test_uncertain_points_are_smoothed_more():
    """A single error that says how uncertain it is does not bend the path."""
    points = some_points(100)
    points.xyz[50, 0] += 40
    points.uncertainty[50, 0] = 40
    assert np.linalg.norm(smoothed(points, period=6).xyz[50, 0] - some_points(100).xyz[50, 0]) < 1


def test_bones_keep_their_length():
    """Each bone has its median length; the more uncertain end has moved, and missing ends stay missing."""
    points = some_points(60, noise=1.5)
    points.uncertainty[:, 1] = 3.0
    points.xyz[7, 0] = np.nan
    steady = with_constant_bones(points, [(0, 1)])
    lengths = np.linalg.norm(steady.xyz[:, 1] - steady.xyz[:, 0], axis=-1)
    there = np.isfinite(lengths)
    assert np.ptp(lengths[there]) < 1e-6
    moved = np.linalg.norm(steady.xyz - points.xyz, axis=-1)[there]
    np.testing.assert_allclose(moved[:, 1], 9 * moved[:, 0], rtol=1e-6, atol=1e-9)
    assert np.isnan(steady.xyz[7, 0]).all()
    np.testing.assert_array_equal(steady.xyz[7, 1], points.xyz[7, 1])
