"""Files of an evaluation."""

import csv

import pytest

from posecut_core.evaluation.measurement import EvaluationJob, evaluated_steps, measure, write_results
from posecut_core.progress import silent
from posecut_core.project.opening import open_project
from posecut_core.workflow import evaluate_network


@pytest.fixture
def results(spot_project):
    """A function that writes the results of a step of shuffle 2; returns the job, what was measured, the files."""
    project = open_project(spot_project)

    def write(step, bodyparts=None):
        job = EvaluationJob(project.training(2, 0), step, bodyparts)
        network = evaluate_network.Predictor.load(project.training(2).folder, snapshot=step)
        measured = measure(job, network, batch_size=2, report=silent)
        return job, measured, write_results(job, network, measured)

    return write


def test_every_file_is_there_and_readable(results):
    """Tables and diagram carry the network's name; calibration is in the table of results as well."""
    job, _, files = results(10)
    with files.results.open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["Expected calibration error"], row["Suggested p-cutoff"]) == ("0.2000", "0.6000")
    assert job.project.combined_evaluation.read_text() == files.results.read_text()
    assert len(files.calibration.read_text().splitlines()) == 11
    names = (files.results, files.bodyparts, files.calibration, files.diagram, files.predictions, files.frames)
    assert {path.name.split("-")[0].removesuffix(".h5") for path in names} == {"Fake_10"}


def test_steps_of_one_training_make_a_curve(results):
    """Every snapshot that was evaluated on all bodyparts is there, and no evaluation of some."""
    results(20, ["beside"])
    for step in (20, 10):
        job, measured, _ = results(step)
    assert [entry.step for entry in evaluated_steps(job, measured)] == [10, 20]
