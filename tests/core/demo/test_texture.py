"""Textures are smooth, random and repeatable."""

import numpy as np

from posecut_core.demo.mouse import fractal_noise, value_noise


def test_noise_is_decided_by_its_seed():
    """The same seed gives the same noise, another seed another."""
    one, same, other = (value_noise(np.random.default_rng(seed), (20, 30), (4.0, 4.0)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_blobs_are_as_large_as_asked():
    """Neighbors differ little within a blob, and more along its short side than along its long one."""
    noise = value_noise(np.random.default_rng(0), (200, 200), (2.0, 40.0))
    assert np.abs(noise).max() <= 1
    assert np.abs(np.diff(noise, axis=0)).mean() > 5 * np.abs(np.diff(noise, axis=1)).mean()


def test_octaves_add_detail():
    """More octaves give a rougher texture of the same shape."""
    smooth, rough = (fractal_noise(np.random.default_rng(0), (64, 64), (32.0, 32.0), octaves=n) for n in (1, 4))
    assert rough.shape == smooth.shape == (64, 64)
    assert np.abs(np.diff(rough)).mean() > np.abs(np.diff(smooth)).mean()
