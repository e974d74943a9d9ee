"""The animal walks as an animal does."""

import numpy as np

from posecut_core.demo.mouse import SUBSTEPS, _follow, _settled, drift, wander

WAYPOINTS = np.array([[50.0, 50.0], [200.0, 60.0], [120.0, 200.0]])


def test_a_walk_is_smooth():
    """No moment is a leap, and the heading turns little by little."""
    walk = wander(np.random.default_rng(3), frames=100, waypoints=WAYPOINTS)
    assert np.linalg.norm(np.diff(walk.neck, axis=0), axis=1).max() < 2
    assert np.abs(np.diff(walk.heading)).max() < 0.1
    assert len(_settled(walk.neck)) == 100 * SUBSTEPS


def test_a_walk_goes_somewhere():
    """The animal covers ground, and the distance traveled only grows."""
    walk = wander(np.random.default_rng(3), frames=200, waypoints=WAYPOINTS)
    assert np.ptp(walk.neck, axis=0).min() > 40
    assert np.all(np.diff(walk.traveled) >= 0)


def test_links_keep_their_length_and_bend_little():
    """A chain that follows never stretches, and no link bends more than it may."""
    walk = wander(np.random.default_rng(3), frames=60, waypoints=WAYPOINTS)
    lengths, bends = np.array([5.0, 4.0, 3.0]), np.array([0.3, 0.3, 0.2])
    chain = _follow(walk.neck, walk.heading, lengths, bends)
    links = chain[:, :-1] - chain[:, 1:]
    np.testing.assert_allclose(np.linalg.norm(links, axis=-1), np.broadcast_to(lengths, (180, 3)))
    angles = np.arctan2(links[..., 1], links[..., 0])
    assert (np.abs((np.diff(angles, axis=1) + np.pi) % (2 * np.pi) - np.pi) <= bends[1:] + 1e-9).all()


def test_drift_is_smooth_and_wanders():
    """A slow signal changes little from moment to moment, and much over its period."""
    signal = drift(np.random.default_rng(0), 2000, 100.0)
    assert np.abs(np.diff(signal)).max() < 0.1
    assert np.ptp(signal) > 0.8
