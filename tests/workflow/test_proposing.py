"""Frames that are not completely labeled get proposals of the newest network; labels stay as they are."""

import os
from types import SimpleNamespace

import numpy as np
import pytest

from posecut_core.assistant.proposals import read_proposals
from posecut_core.errors import ModelError
from posecut_core.labels.edits import Delete, DropFrame
from posecut_core.labels.session import LabelSession
from posecut_core.progress import Notice, Progress
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project
from posecut_core.video.frame_store import FrameStore
from posecut_core.workflow import propose_labels as proposing
from posecut_core.workflow.propose_labels import _newest_model, propose_labels
from tests.workflow.conftest import BrightSpot, spot_image, spot_position


@pytest.fixture
def loaded(monkeypatch):
    """The network that is loaded: a BrightSpot of step 20 whose first bodypart is called "beside"."""

    class Reversed(BrightSpot):
        step = 20

        def predict(self, images):
            xy, likelihood = super().predict(images)
            return xy[:, ::-1], likelihood[:, ::-1]

    network = Reversed("Fake_20", bodyparts=("beside", "spot"))
    monkeypatch.setattr(proposing, "Predictor", SimpleNamespace(load=lambda folder: network))
    return network


@pytest.fixture
def unfinished(spot_project):
    """config.yaml of a project with frames 0, 3, 5, 9: 3 and 5 lack a label, 9 is dropped, 10 has none at all."""
    project = open_project(spot_project)
    FrameStore.open(project.frame_store("spot")).append([(10, spot_image(10), (0, 0))])
    with LabelSession.open(project, "spot") as session:
        for number in (3, 5):
            session.apply(Delete(number, session.identity("beside")))
        session.apply(DropFrame(9))
    return spot_project


def snapshot(folder, step, *, at):
    made = folder / f"snapshot-{step:06d}"
    made.mkdir(parents=True, exist_ok=True)
    os.utime(made, ns=(at, at))


def test_frames_that_lack_a_label_are_predicted(unfinished, loaded):
    """Proposals are in the project's order of bodyparts, in pixels of the full frame, also for crops."""
    seen = []
    done = propose_labels(unfinished, report=seen.append)
    assert (done.scorer, done.step, done.frames) == ("Fake_20", 20, {"spot": 3})
    found = read_proposals(done.path)
    assert (found.model, found.step, found.bodyparts) == ("Fake_20", 20, ("spot", "beside"))
    assert found.videos["spot"].numbers.tolist() == [3, 5, 10]
    np.testing.assert_allclose(found.videos["spot"].xy[:, 0], [spot_position(number) for number in (3, 5, 10)])
    np.testing.assert_allclose(found.videos["spot"].likelihood, [[0.9, 0.3]] * 3)
    assert [(one.done, one.total) for one in seen if isinstance(one, Progress) and one.stage == "suggesting labels"][
        -1
    ] == (3, 3)


def test_labels_stay_as_they_are(unfinished, loaded):
    """Nothing beside the labels is written."""
    project = open_project(unfinished)
    before = project.label_journal("spot").read_bytes()
    propose_labels(unfinished)
    assert project.label_journal("spot").read_bytes() == before


def test_nothing_to_propose_is_no_error(spot_project, loaded):
    """Where every frame is labeled the file says so."""
    assert propose_labels(spot_project).frames == {}
    assert read_proposals(open_project(spot_project).proposals).frames == 0


def test_the_network_trained_last_proposes(spot_project):
    """Of the shuffles' networks and the assistant's the newest counts, unless a shuffle is asked for."""
    project = open_project(spot_project)
    snapshot(project.training(1).folder, 30, at=10**18)
    snapshot(project.training(2).folder, 20, at=2 * 10**18)
    assert _newest_model(project, None) == project.training(2).folder
    assert _newest_model(project, 1) == project.training(1).folder
    snapshot(project.assistant, 300, at=3 * 10**18)
    assert _newest_model(project, None) == project.assistant
    assert _newest_model(project, 2) == project.training(2).folder


def test_an_earlier_iteration_helps_until_the_next_is_trained(spot_project):
    """The newest iteration that has a network counts."""
    before = open_project(spot_project)
    edit_config(spot_project, {"iteration": 2})
    after = open_project(spot_project)
    assert _newest_model(after, 1) == before.training(1).folder
    snapshot(after.training(1).folder, 5, at=10**18)
    assert _newest_model(after, None) == after.training(1).folder


def test_without_a_network_there_is_a_sentence(trainable):
    """It says what to do, with and without a shuffle."""
    with pytest.raises(ModelError, match="no trained network in ") as raised:
        propose_labels(trainable)
    assert "train_network" in [remedy.step for remedy in raised.value.remedies]
    with pytest.raises(ModelError, match="no trained network of shuffle 1 in"):
        propose_labels(trainable, 1)


def test_bodyparts_that_the_network_does_not_know_are_left_out(unfinished, loaded):
    """One that was added since has no proposals; with none in common there is a sentence."""
    edit_config(unfinished, {"bodyparts": ["spot", "beside", "tail"]})
    propose_labels(unfinished)
    assert read_proposals(open_project(unfinished).proposals).bodyparts == ("spot", "beside")
    loaded.bodyparts = ("wing", "fin")
    with pytest.raises(ModelError, match=r"Fake_20 knows wing, fin, expected .*spot, beside, tail"):
        propose_labels(unfinished)


@pytest.fixture
def both(unfinished, monkeypatch):
    """A trained network, and the older one that learns from the labels; a dict by folder, to be changed."""
    project = open_project(unfinished)
    snapshot(project.assistant, 400, at=10**9)
    networks = {project.assistant: Shifted("Helper_400", 1.0), project.training(2).folder: Shifted("Trained_30", 0.0)}
    snapshot(project.training(2).folder, 30, at=2 * 10**18)
    monkeypatch.setattr(proposing, "Predictor", SimpleNamespace(load=networks.get))
    return networks


class Shifted(BrightSpot):
    """Finds everything some pixels too far to the right."""

    step = 30

    def __init__(self, scorer, shift):
        super().__init__(scorer)
        self.shift = np.array([shift, 0.0])

    def predict(self, images):
        xy, likelihood = super().predict(images)
        return xy + self.shift, likelihood


def test_a_short_training_leaves_the_better_proposals(unfinished, both):
    """A network that is far from the labels does not take the place of the one that learns from them; it is told."""
    folder = open_project(unfinished).training(2).folder
    assert propose_labels(unfinished).scorer == "Trained_30"
    both[folder].shift[:] = 40.0
    told = []
    done = propose_labels(unfinished, report=told.append)
    assert (done.scorer, done.learns) == ("Helper_400", True)
    assert any("goes on suggesting" in one.text for one in told if isinstance(one, Notice))
    assert propose_labels(unfinished, 2).scorer == "Trained_30"
