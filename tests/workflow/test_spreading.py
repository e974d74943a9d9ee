"""Steps that treat several videos or splits give on a cluster what they give alone, byte for byte.

The cluster here does everything in this process, with copies of the work and of each thing, as they come through a
pipe, and from the last thing to the first. That processes and workers are replaced is shown in
`tests/core/distributed`; `tests/benchmarks/spread.py` analyzes by real ones, of which some are killed.
"""

import pickle
import shutil
from contextlib import chdir
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path
from types import SimpleNamespace

import pytest

from posecut_core.distributed import executors
from posecut_core.distributed.executors import outcome_of
from posecut_core.errors import ArgumentError, ModelError, PosecutError
from posecut_core.labels.store import read_state
from posecut_core.poses.files import read_predictions, write_predictions
from posecut_core.poses.predictions import read_origin
from posecut_core.project.opening import open_project, project_videos
from posecut_core.video.frame_store import numbers_in
from posecut_core.workflow import analyze_videos as analyzing
from posecut_core.workflow import cross_validate as validating
from posecut_core.workflow.analyze_videos import analyze_videos
from posecut_core.workflow.cross_validate import ValidatedFold, cross_validate
from posecut_core.workflow.extract_outlier_frames import extract_outlier_frames
from posecut_core.workflow.filterpredictions import filterpredictions
from posecut_core.workflow.plot_trajectories import create_labeled_video


@dataclass(frozen=True)
class Copying:
    """A cluster without processes, whose workers have a working folder of their own."""

    folder: Path

    def run(self, work, items):
        for place in reversed(range(len(items))):
            given, item = pickle.loads(pickle.dumps((work, items[place])))
            with chdir(self.folder):
                outcome = outcome_of(given, item)
            yield place, pickle.loads(pickle.dumps(outcome))


@pytest.fixture
def copying(monkeypatch, tmp_path_factory):
    """The name of a cluster without processes."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setattr(executors, "executor_of", lambda cluster: Copying(elsewhere))
    analyzing._request_of_worker.cache_clear()
    return "copying"


@pytest.fixture
def videos(spot_video, tmp_path):
    """Videos that the project does not have, not in the order of their names; one is damaged."""
    folder = tmp_path / "more"
    folder.mkdir()
    made = [shutil.copy(spot_video, folder / f"{name}.mp4") for name in ("zeta", "alpha")]
    (folder / "mid.mp4").write_bytes(b"\1" * 100)
    return [made[0], folder / "mid.mp4", made[1]]


def _done(step, *words, **options):
    """Return what a step did of what it was asked for, and why not the rest."""
    with pytest.raises(PosecutError) as refused:
        step(*words, **options)
    return refused.value.done, str(refused.value)


def _bytes(files):
    return [(path.name, path.read_bytes()) for path in files]


def test_videos_are_analyzed_filtered_and_drawn_as_alone(spot_project, videos, copying, tmp_path, monkeypatch):
    """A video that fails does not stop the others, and is named at the end; a path means what it does here."""
    monkeypatch.chdir(tmp_path)
    alone, there = Path("alone"), Path("there")
    one, told = _done(analyze_videos, spot_project, videos, destfolder=alone)
    other, said = _done(analyze_videos, spot_project, videos, destfolder=there, cluster=copying)
    assert told == said
    assert "mid.mp4" in said
    assert _bytes(one.files) == _bytes(other.files)
    assert [video.video for video in other.videos] == [videos[0], videos[2]]
    for step, options in ((filterpredictions, {}), (create_labeled_video, {"trailpoints": 2})):
        one, told = _done(step, spot_project, videos, destfolder=alone, **options)
        other, said = _done(step, spot_project, videos, destfolder=there, cluster=copying, **options)
        assert told.replace(str(alone), "") == said.replace(str(there), "")
        assert _bytes(one.files) == _bytes(other.files)
    again, _ = _done(create_labeled_video, spot_project, videos, destfolder=there, cluster=copying, trailpoints=2)
    assert again.skipped == again.files == other.files


def test_a_worker_that_lives_on_does_not_keep_the_window_of_analysis(spot_project, spot_video, copying, edit, tmp_path):
    """`cropping` is of config.yaml, which may change between two calls that are otherwise the same."""
    options = {"destfolder": tmp_path / "there", "cluster": copying}
    (before,) = analyze_videos(spot_project, [spot_video], **options).files
    assert read_origin(before).analysis.window == (0, 64, 0, 48)
    edit(cropping=True, x1=8, x2=40, y1=8, y2=40)
    (after,) = analyze_videos(spot_project, [spot_video], **options).files
    assert read_origin(after).analysis.window == (8, 40, 8, 40)


def test_outlier_frames_are_those_that_are_found_alone(spot_project, videos, copying, tmp_path):
    """Candidates, frames, drafts and the order of the project's videos are the same."""
    results = tmp_path / "alone"
    done, _ = _done(analyze_videos, spot_project, videos, destfolder=results)
    for path in done.files:
        found = read_predictions(path)
        xy = found.xy.copy()
        xy[[2, 7], 0] += 30.0
        write_predictions(path, replace(found, xy=xy), origin=read_origin(path))
    there = shutil.copytree(results, tmp_path / "there")
    copy = shutil.copytree(spot_project.parent, tmp_path / "copy" / spot_project.parent.name, symlinks=True)
    options = {"number_of_frames": 1, "seed": 1}
    one, told = _done(extract_outlier_frames, spot_project, videos, destfolder=results, **options)
    other, said = _done(extract_outlier_frames, copy, videos, destfolder=there, cluster=copying, **options)
    assert told.replace(str(results), "") == said.replace(str(there), "")
    assert [(video.video, video.added, video.drafts) for video in one.videos] == [
        (video.video, video.added, video.drafts) for video in other.videos
    ]
    assert [len(video.added) for video in other.videos] == [1, 1]
    first, second = open_project(spot_project), open_project(copy)
    assert [*project_videos(first)] == [*project_videos(second)] == ["spot", "zeta", "alpha"]
    for video, same in zip(one.videos, other.videos, strict=True):
        assert video.table.read_bytes() == same.table.read_bytes()
        stem = video.video.stem
        assert numbers_in(first.frame_store(stem)) == numbers_in(second.frame_store(stem))
        assert read_state(first, stem) == read_state(second, stem)


def test_nobody_can_be_asked_on_a_cluster(spot_project, spot_video, copying):
    """All videos are treated at once."""
    with pytest.raises(ArgumentError, match="nobody can be asked"):
        extract_outlier_frames(spot_project, spot_video, cluster=copying, confirm=lambda found: True)


def test_splits_are_trained_as_alone(toy_trainable, copying, monkeypatch, tmp_path):
    """The same trainings, one evaluation after the other; a split that fails does not keep the others from these.

    Weights are the file that is meant here, wherever a worker is.
    """
    trained, evaluated = [], []

    def train(config, shuffle, trainingsetindex, **options):
        trained.append((shuffle, options["maxiters"], options["settings"]))
        if shuffle in failing:
            raise ModelError("it is broken.")

    def evaluate(config, shuffle, **options):
        evaluated.append(shuffle)
        return SimpleNamespace(rows=[shuffle])

    monkeypatch.setattr(validating, "train_network", train)
    monkeypatch.setattr(validating, "evaluate_network", evaluate)
    monkeypatch.setattr(
        validating, "_validated", lambda fold, row: ValidatedFold(fold.name, row, 4, 3, 1, 1.0, float(row))
    )
    monkeypatch.chdir(tmp_path)
    Path("net.safetensors").touch()
    options = {"splits": 2, "seed": 8, "net_type": "resnet_18", "settings": {"batch_size": 2}}
    options["weights"] = "net.safetensors"
    failing = ()
    alone = cross_validate(toy_trainable, **options)
    before, table = sorted(trained, key=itemgetter(0)), alone.table.read_bytes()
    assert {given["init_weights"] for *_, given in before} == {str(tmp_path / "net.safetensors")}
    trained.clear()
    there = cross_validate(toy_trainable, cluster=copying, **options)
    assert sorted(trained, key=itemgetter(0)) == before
    assert (there, there.table.read_bytes()) == (alone, table)
    assert evaluated == [2, 3, 2, 3]
    failing = (3,)
    done, told = _done(cross_validate, toy_trainable, cluster=copying, **options)
    assert [fold.name for fold in done.folds] == ["seed 8"]
    assert "1 of 2 splits could not be trained; the others are done." in told
    assert "seed 9: it is broken." in told
