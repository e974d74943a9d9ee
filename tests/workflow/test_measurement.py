"""Predictions beside labels."""

import numpy as np
import pytest

from posecut_core.errors import DatasetError, ModelError
from posecut_core.evaluation.measurement import EvaluationJob, measure
from posecut_core.evaluation.tables import _read_frame_errors, read_results
from posecut_core.progress import silent
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project
from posecut_core.workflow import evaluate_network as evaluating
from posecut_core.workflow.evaluate_network import evaluate_network


def measured(config, bodyparts=None):
    project = open_project(config)
    job = EvaluationJob(project.training(1, 0), 10, bodyparts)
    return measure(job, evaluating.Predictor.load(project.training(1).folder, snapshot=10), batch_size=2, report=silent)


def test_errors_likelihoods_and_split_stand_side_by_side(spot_project):
    """A row per frame and a column per bodypart that is evaluated, in the same order throughout."""
    found = measured(spot_project, ["beside"])
    np.testing.assert_allclose(found.errors, [[5], [np.nan], [np.nan], [np.nan]])
    assert found.likelihood.tolist() == [[0.3]] * 4
    assert found.is_train.tolist() == [True, True, True, False]
    assert found.annotated.all()


def test_only_test_frames_calibrate(spot_project):
    """Points of training frames are not held out; an unlabeled bodypart that was looked for is wrong."""
    found = measured(spot_project).calibration
    assert (found.points, found.points_right, found.within) == (2, 1, 17.0)
    assert found.expected_error == pytest.approx((0.1 + 0.3) / 2)
    assert found.suggested_pcutoff == pytest.approx(0.6)


def test_frames_of_a_video_that_was_taken_out_are_not_measured(spot_project):
    """A past network is not judged by pictures that are no longer the project's, such as copies of what it learned."""
    edit_config(spot_project, {"video_sets": {"videos/other.mp4": {}}})
    with pytest.raises(DatasetError, match="None of the 4 frames"):
        measured(spot_project)


def test_right_is_as_the_settings_of_the_shuffle_say(spot_project):
    """pos_dist_thresh in settings.yaml is the distance; without the file there is one sentence."""
    path = open_project(spot_project).training(1).settings
    path.write_text("pos_dist_thresh: 9.5\n")
    assert (measured(spot_project).calibration.points_right, measured(spot_project).calibration.within) == (0, 9.5)
    path.unlink()
    with pytest.raises(ModelError, match=r"There is no .*settings\.yaml"):
        measured(spot_project)


def test_frames_that_validated_are_measured_apart(spot_project):
    """Kind: frames that trained nothing counted as training frames: their errors are neither side's."""
    project = open_project(spot_project)
    (project.training(1).settings).write_text("validation_share: 0.34\n")
    found = measured(spot_project)
    assert (found.is_train.sum(), found.validates.sum(), found.is_test.tolist()) == (2, 1, [False, False, False, True])
    (place,) = np.flatnonzero(found.validates)
    whole, errors = found.errors[place], found.overall(0.6)
    assert errors.validation == pytest.approx(np.nanmean(whole))
    assert errors.validation_pairs == np.count_nonzero(~np.isnan(whole))
    assert errors.train == pytest.approx(np.nanmean(found.errors[found.is_train]))
    assert errors.test_pairs == np.count_nonzero(~np.isnan(found.errors[3]))
    row = evaluate_network(spot_project).rows[0]
    assert (row.train_frames, row.validation_frames, row.test_frames) == (2, 1, 1)
    assert [error.side for error in _read_frame_errors(row.frames_csv)].count("validation") == 1
    assert read_results(row.results_csv)[-1].validation == pytest.approx(errors.validation, abs=1e-3)
    assert "validation frames" in row.report.read_text()
    assert "on 1 frame that validated" in evaluate_network(spot_project).summary().lines[0]
