"""The demonstration in two rounds: frames of a further video join, and only what is missing is done again."""

from dataclasses import replace

import numpy as np
import pytest

from posecut_core.demo.run import Cast, Rounds, run_refined_demo
from posecut_core.demo.scene import FURTHER, TO_LABEL, UNSEEN
from posecut_core.labels.store import read_labels, read_state
from posecut_core.progress import Progress
from posecut_core.project.opening import open_project

SHORT = Rounds(
    cast=Cast((replace(TO_LABEL[0], frames=8),), replace(UNSEEN, frames=5)),
    further=replace(FURTHER, frames=12),
    steps=2,
    frames_to_label=3,
    frames_to_correct=2,
    settings={"batch_size": 1, "crop_size": 64, "global_scale": 0.25},
)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A folder, and what two short rounds in it came to."""
    folder = tmp_path_factory.mktemp("rounds")
    return folder, run_refined_demo(folder, rounds=SHORT)


def test_two_rounds_on_a_few_frames(played):
    """Outliers of the further video are corrected, and a network of iteration 1 begins with that of iteration 0."""
    _, result = played
    project = open_project(result.config_path)
    table = read_labels(project, FURTHER.name)
    assert (result.before.labelled_frames, result.after.labelled_frames) == (3, 5)
    assert (tuple(table.numbers.tolist()), project.config.iteration) == (result.corrected, 1)
    assert not read_state(project, FURTHER.name).unreviewed
    assert np.isfinite([result.before.unseen_error, result.after.unseen_error, *result.after.unseen_errors]).all()
    assert result.before.unseen_error != result.after.unseen_error
    assert "iteration-0" in (project.training(1).settings).read_text()
    assert all(path.exists() for path in result.files.values())


def test_a_second_call_changes_nothing(played):
    """Both rounds are found again as they were, each with its own errors."""
    folder, first = played
    seen = []
    again = run_refined_demo(folder, rounds=SHORT, report=seen.append)
    assert (again.before, again.after, again.corrected) == (first.before, first.after, first.corrected)
    assert "training" not in {report.stage for report in seen if isinstance(report, Progress)}
