"""Splits of a cross-validation, and the shuffles made of them."""

import dataclasses

import numpy as np
import pytest

from posecut_core.dataset.settings import TrainingSettings, read_settings, write_settings
from posecut_core.dataset.split import read_split
from posecut_core.errors import ArgumentError, DatasetError
from posecut_core.labels.store import write_labels
from posecut_core.labels.table import LabelTable
from posecut_core.project.opening import open_project
from posecut_core.project.paths import snapshot_folder
from posecut_core.training.dataset import _random_folds, _video_folds, shuffle_of
from posecut_core.types import FrameRef
from posecut_core.video.frame_store import FrameStore

FRAMES = tuple(FrameRef(video, number) for video in ("a", "b", "c") for number in range(0, 40, 10))


def test_random_folds_are_those_of_their_seeds():
    """Each split has the seed after the one before, and its name says so."""
    folds = _random_folds(FRAMES, count=3, fraction=0.75, seed=5, labels="l.csv")
    assert [(fold.name, fold.split.seed) for fold in folds] == [("seed 5", 5), ("seed 6", 6), ("seed 7", 7)]
    assert {(len(fold.split.train), len(fold.split.test)) for fold in folds} == {(9, 3)}
    assert len({fold.split.test for fold in folds}) == 3


def test_each_video_tests_once():
    """All frames of one video test, all others train."""
    folds = _video_folds(FRAMES, fraction=0.95, labels="l.csv")
    assert [fold.name for fold in folds] == ["a", "b", "c"]
    for fold in folds:
        assert {frame.video for frame in fold.split.test} == {fold.name}
        assert sorted((*fold.split.train, *fold.split.test)) == list(FRAMES)


def test_splits_that_say_nothing_are_refused():
    """One split has no spread, a split without test frames no test error, and one video none to leave out."""
    with pytest.raises(ArgumentError, match="at least 2"):
        _random_folds(FRAMES, count=1, fraction=0.5, seed=0, labels="l")
    with pytest.raises(DatasetError, match="none is left for testing; lower TrainingFraction"):
        _random_folds(FRAMES, count=2, fraction=1.0, seed=0, labels="l")
    with pytest.raises(DatasetError, match="Only a has labeled frames"):
        _video_folds(FRAMES[:4], fraction=0.5, labels="l")


@pytest.fixture
def setup(trainable):
    """The project, its first shuffle's split as a fold, and that shuffle's settings."""
    project = open_project(trainable)
    split = read_split(project.training(1).split)
    frames = sorted((*split.train, *split.test))
    return project, frames, split.labels, read_settings(project.training(1).settings)


def test_a_shuffle_is_made_once(setup):
    """The same fold with the same settings is the same shuffle, also where it is to train longer."""
    project, frames, labels, settings = setup
    fold = _random_folds(frames, count=2, fraction=0.75, seed=11, labels=labels)[0]
    number = shuffle_of(project, fold, settings, trainingsetindex=0)
    assert number == 2
    made = read_split(project.training(2).split)
    assert (made.train, made.test, made.seed) == (fold.split.train, fold.split.test, 11)
    longer = dataclasses.replace(settings, maxiters=99)
    assert shuffle_of(project, fold, longer, trainingsetindex=0) == 2


def test_a_shuffle_that_was_trained_for_longer_is_not_taken_up(setup):
    """Its network would stand among others that had fewer steps; one trained for as long is taken."""
    project, frames, labels, settings = setup
    fold = _random_folds(frames, count=2, fraction=0.75, seed=11, labels=labels)[0]
    number = shuffle_of(project, fold, settings, trainingsetindex=0)
    snapshot_folder(project.training(number).folder, settings.maxiters).mkdir()
    assert shuffle_of(project, fold, settings, trainingsetindex=0) == number
    snapshot_folder(project.training(number).folder, settings.maxiters + 1).mkdir()
    assert shuffle_of(project, fold, settings, trainingsetindex=0) == number + 1


def test_other_settings_or_labels_are_another_shuffle(setup):
    """A shuffle that trains otherwise, or on labels that have changed, is not taken up."""
    project, frames, labels, settings = setup
    fold = _random_folds(frames, count=2, fraction=0.75, seed=11, labels=labels)[0]
    shuffle_of(project, fold, settings, trainingsetindex=0)
    assert shuffle_of(project, fold, dataclasses.replace(settings, noise=0.2), trainingsetindex=0) == 3
    write_settings(project.training(2).settings, TrainingSettings())
    assert shuffle_of(project, fold, settings, trainingsetindex=0) == 4
    older = dataclasses.replace(fold, split=dataclasses.replace(fold.split, labels="labels-of-before.csv"))
    assert shuffle_of(project, older, settings, trainingsetindex=0) == 5


def test_frames_that_are_given_make_a_shuffle_without_a_seed(setup):
    """A fold that was not drawn is written down as it is, and found again."""
    project, frames, labels, settings = setup
    drawn = _random_folds(frames, count=2, fraction=0.5, seed=1, labels=labels)[0]
    fold = dataclasses.replace(drawn, split=dataclasses.replace(drawn.split, seed=None))
    number = shuffle_of(project, fold, settings, trainingsetindex=0)
    made = read_split(project.training(number).split)
    assert (made.train, made.test, made.seed) == (fold.split.train, fold.split.test, None)
    assert shuffle_of(project, fold, settings, trainingsetindex=0) == number


def test_labels_that_are_added_while_folds_train_change_no_fold(setup):
    """A fold is written down with its own frames and labels, whatever the project's are by then."""
    project, frames, labels, settings = setup
    drawn, other = _random_folds(frames, count=2, fraction=0.5, seed=1, labels=labels)
    by_hand = dataclasses.replace(other, split=dataclasses.replace(other.split, seed=None))
    store = FrameStore.open(project.frame_store("aster"), create=True)  # it sorts before the video that is there
    store.append([(0, np.zeros((64, 64, 3), np.uint8), (0, 0))])
    write_labels(project, LabelTable("aster", ("white", "black"), np.arange(1), np.full((1, 2, 2), 30.0)))
    for fold in (drawn, by_hand):
        number = shuffle_of(project, fold, settings, trainingsetindex=0)
        assert read_split(project.training(number).split) == fold.split
        assert read_settings(project.training(number).settings) == settings
