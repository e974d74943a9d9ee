"""Poses unlike the labeled ones are told by their distance from what was learned."""

import numpy as np
import pytest

from posecut_core.errors import AnalysisError
from posecut_core.poses.predictions import Predictions
from posecut_core.refinement.heuristics import _pca_residual, learn_poses

BODYPARTS = ("nose", "hip", "tail")


def straight(positions, lengths):
    """A straight animal of three points, of varying place and length."""
    along = np.array([0.0, 1.0, 2.0])
    x = positions[:, None] + lengths[:, None] * along
    return np.stack([x, np.full_like(x, 50.0)], axis=-1)


@pytest.fixture
def poses():
    lengths = np.linspace(20, 40, 12)
    return learn_poses(straight(np.linspace(0, 200, 12), lengths))


def test_labeled_poses_leave_nothing(poses):
    """Poses of the learned kind have no residual, wherever they are and whatever their length."""
    assert poses.residuals(straight(np.array([500.0, -90.0]), np.array([25.0, 60.0]))).max() < 1e-9
    assert len(poses.components) == 1


def test_a_bodypart_out_of_line_is_found(poses):
    """A hip 30 pixels beside the line is farther from any learned pose than the other bodyparts are."""
    xy = straight(np.zeros(3), np.full(3, 30.0))
    xy[1, 1, 1] += 30.0
    found = _pca_residual(Predictions("net", BODYPARTS, xy, np.ones((3, 3))), poses, epsilon=15, first=7)
    assert [(one.number, one.bodyparts) for one in found] == [(8, ("hip",))]
    assert found[0].score == pytest.approx(20.0)  # two thirds: the center moves by the other third


def test_missing_bodyparts_are_no_outliers(poses):
    """A frame with a missing bodypart cannot be judged."""
    xy = straight(np.zeros(2), np.full(2, 30.0))
    xy[0, 0] = np.nan
    assert _pca_residual(Predictions("net", BODYPARTS, xy, np.ones((2, 3))), poses, epsilon=0.1) == ()


def test_too_few_labels_teach_no_pose():
    """The message says how many complete frames are needed; incomplete ones do not count."""
    xy = straight(np.arange(8.0), np.full(8, 30.0))
    xy[:4, 2] = np.nan
    with pytest.raises(AnalysisError, match=r"^4 labeled frames.*\(6\); label more, or"):
        learn_poses(xy)
    with pytest.raises(AnalysisError, match=r"Only 2 bodyparts .* at least 3; compare more bodyparts"):
        learn_poses(xy[:, :2])
    with pytest.raises(AnalysisError, match=r"\(8\); label more, compare fewer bodyparts, or"):
        learn_poses(np.concatenate([xy, xy[:, :1]], axis=1))


def test_a_pose_that_never_varies_is_the_only_possible_one():
    """Identical labels leave a mean and directions of no size."""
    poses = learn_poses(straight(np.zeros(6), np.full(6, 30.0)))
    assert poses.residuals(straight(np.zeros(1), np.full(1, 30.0))).max() < 1e-9
