"""The palette of 25 colors that color-blind people can tell apart."""

import numpy as np
import pytest

from posecut_core.plots.colors import colors_of
from posecut_core.project.state import DISTINCT

# Machado, Oliveira and Fernandes 2009, complete dichromacy, in linear RGB.
SEEN_BY = {
    "normal": np.eye(3),
    "red-blind": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "green-blind": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
}
TO_XYZ = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]


def lab(linear):
    """Return CIELAB of linear RGB, under the white of sRGB."""
    xyz = np.asarray(linear) @ np.transpose(TO_XYZ) / [0.95047, 1.0, 1.08883]
    root = np.where(xyz > 0.008856, np.cbrt(np.clip(xyz, 0, None)), 7.787 * xyz + 16 / 116)
    x, y, z = root.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


@pytest.mark.parametrize("eyes", SEEN_BY)
def test_25_bodyparts_can_be_told_apart(eyes):
    """Any two colors are 15 apart or more, some six times what can just be noticed."""
    colors = colors_of(DISTINCT, 25)
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    seen = lab(np.clip(linear @ np.transpose(SEEN_BY[eyes]), 0, 1))
    apart = np.linalg.norm(seen[:, None] - seen, axis=2) + 1000 * np.eye(25)
    assert apart.min() > 15


def test_a_bodypart_that_is_added_changes_no_color():
    """The others keep theirs."""
    np.testing.assert_array_equal(colors_of(DISTINCT, 8)[:7], colors_of(DISTINCT, 7))
