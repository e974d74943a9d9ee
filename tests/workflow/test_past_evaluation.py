"""An evaluation that is read from the project again."""

import os
import subprocess
import sys

import pytest

from posecut_core.evaluation.tables import newest_evaluation
from posecut_core.poses.predictions import read_origin
from posecut_core.progress import silent
from posecut_core.project.opening import open_project
from posecut_core.workflow import evaluate_network


@pytest.fixture
def project(spot_project):
    """A project with a network whose predictions are known."""
    return open_project(spot_project)


def test_nothing_is_read_where_nothing_was_evaluated(project):
    """A project without an evaluation has none."""
    assert newest_evaluation(project) is None


def test_the_newest_evaluation_comes_back(project):
    """The one that was written last counts, with the figures that the evaluation returned."""
    for step in (20, 10):
        (done,) = evaluate_network.evaluate_network(project.root, 2, snapshots=step, report=silent).rows
    os.utime(done.results_csv, (2**31, 2**31))
    found = newest_evaluation(project)
    assert (found.scorer, found.row.step, found.row.shuffle) == (done.scorer, 10, 2)
    assert found.row.test == pytest.approx(done.errors.test, abs=1e-4)
    assert list(found.bodyparts) == list(done.bodyparts)
    assert found.frames
    assert found.report == done.report
    means = [frame.error for frame in found.frames]
    assert means == sorted(means, reverse=True)


def test_reading_needs_no_jax():
    """A window may read an evaluation."""
    code = "import sys, posecut_core.evaluation.tables, posecut_core.model.log; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_evaluation_of_an_earlier_network_is_told_from_one_of_the_present(project):
    """Kind: results are taken for those of a network by its name, though it was trained again since."""
    evaluate_network.evaluate_network(project.root, 1, report=silent)
    assert newest_evaluation(project).is_present
    project.training(1).manifest(10).write_text("trained again")
    assert not newest_evaluation(project).is_present
    (table,) = project.evaluation_results.glob("*/*.h5")
    assert len(read_origin(table).settings["network"]) == 64
