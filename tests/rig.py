"""Three cameras around the origin, and what they see: small frames, distances in millimeters."""

import numpy as np

from posecut_core.cameras.camera import Camera

SIZE = (160, 120)


def camera_at(name, azimuth, *, elevation=35.0, distance=500.0, focal=200.0, size=SIZE):
    """A camera that looks at the origin, with a little distortion."""
    a, e = np.radians([azimuth, elevation])
    center = distance * np.array([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)])
    forward = -center / distance
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    matrix = np.array([[focal, 0, (size[0] - 1) / 2], [0, focal, (size[1] - 1) / 2], [0, 0, 1]])
    return Camera(name, size, matrix, np.array([-0.05, 0.01, 0, 0, 0]), rotation, -rotation @ center)


def three_cameras():
    """Cameras left, middle and right."""
    return tuple(camera_at(name, azimuth) for name, azimuth in (("left", -40), ("middle", 10), ("right", 60)))
