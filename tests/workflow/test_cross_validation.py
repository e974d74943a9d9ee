"""cross_validate."""

import csv
import dataclasses

import numpy as np
import pytest

from posecut_core.dataset.settings import read_settings
from posecut_core.dataset.split import read_split
from posecut_core.errors import ArgumentError, DatasetError
from posecut_core.labels.store import write_labels
from posecut_core.labels.table import LabelTable
from posecut_core.progress import Notice, Progress
from posecut_core.project.opening import open_project
from posecut_core.project.paths import snapshot_steps
from posecut_core.video.frame_store import FrameStore
from posecut_core.workflow.create_project import add_new_videos
from posecut_core.workflow.cross_validate import cross_validate


@pytest.fixture
def options(toy_trainable, quick_steps):
    """Settings of the project's own shuffle, for quick steps."""
    settings = read_settings(open_project(toy_trainable).training(1).settings)
    return {"settings": {entry.name: getattr(settings, entry.name) for entry in dataclasses.fields(settings)}}


def test_the_error_of_several_splits_is_told_with_its_spread(toy_trainable, options):
    """Each split is trained, evaluated and named; mean and spread are those of their test errors."""
    reports = []
    result = cross_validate(toy_trainable, splits=2, seed=8, report=reports.append, **options)
    assert [(fold.name, fold.shuffle, fold.training_iterations) for fold in result.folds] == [
        ("seed 8", 2, 4),
        ("seed 9", 3, 4),
    ]
    errors = [fold.test_error for fold in result.folds]
    assert (result.test.mean, result.test.sd) == (pytest.approx(np.mean(errors)), pytest.approx(np.std(errors, ddof=1)))
    assert result.test.low < result.test.mean < result.test.high
    assert (result.test.count, result.confidence) == (2, 0.95)
    assert [report.text for report in reports if isinstance(report, Notice) and report.text.startswith("Split")] == [
        "Split 1 of 2: seed 8",
        "Split 2 of 2: seed 9",
    ]
    with result.table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["split"], float(row["test px"])) for row in rows] == [
        (fold.name, pytest.approx(fold.test_error, abs=1e-4)) for fold in result.folds
    ]


def test_what_is_trained_is_not_trained_again(toy_trainable, options):
    """Interrupted in the second split and called again, the first keeps its snapshot; a third call trains nothing."""

    def stop(progress):
        if progress == Notice("Split 2 of 2: seed 9"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cross_validate(toy_trainable, splits=2, seed=8, report=stop, **options)
    project = open_project(toy_trainable)
    before = {path: path.stat().st_mtime_ns for path in project.training(2).folder.glob("snapshot-*/snapshot.json")}
    assert len(before) == 2
    result = cross_validate(toy_trainable, splits=2, seed=8, **options)
    reports = []
    again = cross_validate(toy_trainable, splits=2, seed=8, report=reports.append, **options)
    assert again == result
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert not [report for report in reports if isinstance(report, Progress) and report.stage == "training"]
    assert not project.training(4).split.exists()


def test_the_same_call_can_train_longer(toy_trainable, options):
    """A larger maxiters goes on with the shuffles that are there; no snapshot but the last is evaluated."""
    cross_validate(toy_trainable, splits=2, **options)
    result = cross_validate(toy_trainable, splits=2, maxiters=6, **options)
    assert [fold.training_iterations for fold in result.folds] == [6, 6]
    assert [fold.name for fold in result.folds] == ["seed 1", "seed 2"]
    project = open_project(toy_trainable)
    assert [snapshot_steps(project.training(fold.shuffle).folder)[-1] for fold in result.folds] == [6, 6]


def test_all_splits_train_for_as_long_whatever_their_settings_file_says(toy_trainable, options, monkeypatch):
    """A shuffle that was made for 4 steps trains for as many as the others, also where no number is given."""
    seen = []

    def train(config, shuffle, trainingsetindex, *, maxiters=None, **others):
        seen.append((shuffle, maxiters))
        raise KeyboardInterrupt

    monkeypatch.setattr("posecut_core.workflow.cross_validate.train_network", train)
    given = {name: value for name, value in options["settings"].items() if name != "maxiters"}
    with pytest.raises(KeyboardInterrupt):
        cross_validate(toy_trainable, seed=1, settings=given)
    assert seen == [(1, 400)]  # as the labels tell


def test_each_video_is_left_out_once(toy_trainable, options):
    """The video that tests has not trained; with labels in one video alone the call is refused."""
    with pytest.raises(DatasetError, match="Only dots has labeled frames"):
        cross_validate(toy_trainable, leave_one_video_out=True, **options)
    project = open_project(toy_trainable)
    video = toy_trainable.parent.parent / "more.mp4"
    video.write_bytes(next((toy_trainable.parent / "videos").iterdir()).resolve().read_bytes())
    add_new_videos(toy_trainable, [video])
    old, new = (FrameStore.open(project.frame_store(name), create=name == "more") for name in ("dots", "more"))
    new.append((number, old.read(number), (0, 0)) for number in range(2))
    write_labels(project, LabelTable("more", ("white", "black"), np.arange(2), np.full((2, 2, 2), 30.0)))
    result = cross_validate(toy_trainable, leave_one_video_out=True, **options)
    assert [(fold.name, fold.train_frames, fold.test_frames) for fold in result.folds] == [
        ("dots", 2, 4),
        ("more", 4, 2),
    ]
    split = read_split(project.training(result.folds[0].shuffle).split)
    assert {frame.video for frame in split.train} == {"more"}
    assert result.table.name == "CrossValidation-videos.csv"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"splits": 1}, "1 splits were requested"),
        ({"confidence": 95}, "confidence is 95; give a probability"),
        ({"trainingsetindex": 3}, "trainingsetindex is 3, expected 0 for 0.95"),
    ],
)
def test_wrong_arguments_train_nothing(toy_trainable, options, wrong, words):
    """They are refused before a shuffle is made."""
    with pytest.raises(ArgumentError, match=words):
        cross_validate(toy_trainable, **wrong, **options)
    assert not open_project(toy_trainable).training(2).split.exists()


def test_a_wrong_cluster_is_refused_before_anything_is_split(toy_trainable):
    """Kind: the shuffles of all splits were made, and nobody to train them."""
    project = open_project(toy_trainable)
    before = sorted(project.training_datasets.rglob("*"))
    with pytest.raises(ArgumentError, match="cluster is 'nowhere'"):
        cross_validate(toy_trainable, splits=2, cluster="nowhere")
    assert sorted(project.training_datasets.rglob("*")) == before
