"""Poses are learned from all labels of the project."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from posecut_core.labels.store import write_labels
from posecut_core.labels.table import LabelTable
from posecut_core.poses.files import FoundTable, read_predictions, write_predictions
from posecut_core.poses.predictions import Predictions
from posecut_core.progress import Notice
from posecut_core.project.opening import open_project
from posecut_core.refinement.candidates import Criteria
from posecut_core.video.frame_store import FrameStore
from posecut_core.workflow.create_project import create_new_project
from posecut_core.workflow.extract_outlier_frames import _treat_video, _Wish

LINE = np.array([[10.0, 20.0], [20.0, 20.0], [30.0, 20.0]])


@pytest.fixture
def lines(tmp_path, spot_video):
    """A project whose labels are three points in a row, longer and shorter; predictions bend the row in frame 10."""
    config = create_new_project("Line", "me", [spot_video], tmp_path, bodyparts=("a", "b", "c")).config_path
    project = open_project(config)
    store = FrameStore.open(project.frame_store("spot"), create=True)
    store.append((number, np.zeros((48, 64, 3), np.uint8), (0, 0)) for number in range(8))
    xy = np.stack([LINE * [0.9 + 0.02 * number, 1.0] for number in range(8)])
    write_labels(project, LabelTable("spot", ("a", "b", "c"), np.arange(8), xy))
    seen = np.tile(LINE[[2, 0, 1]], (11, 1, 1))
    seen[10, 2, 1] += 30.0
    table = spot_video.with_name("spotnet.h5")
    write_predictions(table, Predictions("net", ("c", "a", "b"), seen, np.ones((11, 3))))
    return project, spot_video, table


def found(table):
    return FoundTable(table, read_predictions(table), None)


def treat(lines, criteria, **options):
    project, video, table = lines
    wish = {"bodyparts": None, "frames": (), "number_of_frames": 2, "random_share": 0.0, "algorithm": "uniform"}
    wish |= {"seed": 0, "confirm": None}
    return _treat_video(
        project, video, [found(table)], criteria, _Wish(**{**wish, **options}, report=lambda progress: None), stored=()
    )


def test_poses_unlike_the_labels_are_found(lines):
    """Whatever the order of the bodyparts in the predictions."""
    done = treat(lines, Criteria("pca", epsilon=15))
    assert (done.candidates, done.added) == (1, (10,))


def test_a_network_with_an_old_name_is_told(lines):
    """Its bodypart gets no drafts, which nobody should find out by counting."""
    project, video, table = lines
    renamed = Predictions("net", ("old", "a", "b"), read_predictions(table).xy, np.ones((11, 3)))
    write_predictions(table, renamed)
    said = []
    wish = _Wish(None, (9,), 2, 0.0, "uniform", 0, None, said.append)
    assert _treat_video(project, video, [found(table)], Criteria("manual"), wish, stored=()).drafts == 2
    assert said[0].text.startswith("The prediction of spot.mp4 by net has 'old', expected only bodyparts")


@pytest.mark.parametrize(
    ("algorithm", "reason"),
    [
        ("list", "no frame numbers were given"),
        ("manual", "no frame numbers"),
        ("disagreement", "network"),
        ("pca", "3"),
    ],
)
def test_criteria_that_cannot_run_are_asked_again(lines, algorithm, reason):
    """The reason is told, and whoever is asked may still agree to what was found before."""
    project, video, table = lines
    answers, asked, said = [Criteria(algorithm), True], [], []

    def confirm(found):
        asked.append(found.criteria.outlieralgorithm)
        return answers[len(asked) - 1]

    wish = _Wish(("a", "b"), (), 2, 0.0, "uniform", 0, confirm, said.append)
    assert _treat_video(project, video, [found(table)], Criteria("jump", epsilon=1), wish, stored=()).confirmed
    assert asked == ["jump", "jump"]
    assert any(reason in report.text for report in said if isinstance(report, Notice))


def test_too_high_a_threshold_still_shows_the_worst_of_a_fit(lines):
    """As many frames as DeepLabCut takes, twice the number wanted, the bent one among them."""
    asked = []
    done = treat(lines, Criteria("fitting", epsilon=1000), confirm=lambda found: bool(asked.append(found)))
    assert done.candidates == 4
    assert 10 in asked[0].fresh


@pytest.mark.parametrize(("likelihood", "told"), [(1.0, False), (0.4, True)])
def test_a_fit_without_enough_positions_is_said(lines, likelihood, told):
    """Of 11 frames each one counts; where no model can be fitted, no threshold would find anything."""
    project, video, table = lines
    said = []
    wish = _Wish(None, (), 6, 0.0, "uniform", 0, None, said.append)
    predictions = read_predictions(table)
    write_predictions(table, replace(predictions, likelihood=np.full((11, 3), likelihood)))
    _treat_video(project, video, [found(table)], Criteria("fitting", p_bound=0.5), wish, stored=())
    assert any(isinstance(report, Notice) and "fitting cannot judge spot.mp4" in report.text for report in said) == told


def test_tables_of_other_networks_are_read_by_name(lines):
    """Bodyparts are matched by name when networks are compared."""
    project, video, table = lines
    one = read_predictions(table)
    other = Path(table).with_name("spotother.h5")
    write_predictions(other, Predictions("other", ("a", "b", "c"), one.xy[:, [1, 2, 0]], np.ones((11, 3))))
    wish = _Wish(None, (), 2, 0.0, "uniform", 0, None, lambda progress: None)
    assert (
        _treat_video(
            project, video, [found(table), found(other)], Criteria("disagreement", epsilon=1), wish, stored=()
        ).candidates
        == 0
    )
