"""Errors on validation frames while a network trains."""

import math

import numpy as np
import pytest

from posecut_core.evaluation.measurement import EvaluationJob, measure
from posecut_core.inference.predictor import Predictor
from posecut_core.model.log import read_log
from posecut_core.progress import Progress, silent
from posecut_core.project.opening import open_project
from posecut_core.training.run import prepare_run
from posecut_core.workflow.train_network import train_network


@pytest.mark.usefixtures("quick_steps")
def test_the_error_is_logged_with_the_loss(trainable):
    """Every row has the error on the frame that validates, as evaluate_network would measure it; reports have it."""
    reports = []
    trained = train_network(trainable, settings={"validation_share": 0.34}, report=reports.append)
    errors = [row.validation_error for row in read_log(trained.log)]
    assert len(errors) == 2
    assert not any(map(math.isnan, errors))
    told = [
        report.values["validation_error"]
        for report in reports
        if isinstance(report, Progress) and report.stage == "training"
    ]
    assert told == errors
    project = open_project(trainable)
    (held_out,) = prepare_run(project.training(1, 0), {}, report=silent).validation
    job = EvaluationJob(project.training(1, 0), trained.last_step, None)
    measured = measure(job, Predictor.load(trained.model_folder), batch_size=2, report=silent)
    (place,) = np.flatnonzero(np.isin(measured.frames[0].numbers, held_out.numbers))
    assert errors[-1] == pytest.approx(measured.errors[place].mean(), rel=1e-3)


@pytest.mark.usefixtures("quick_steps")
def test_nothing_validates_by_default(trainable):
    """All training frames train, and the log's column is empty."""
    trained = train_network(trainable)
    assert len(prepare_run(open_project(trainable).training(1, 0), {}, report=silent).frames) == 3
    assert all(math.isnan(row.validation_error) for row in read_log(trained.log))
