"""train_network ends, stops, goes on and fails without losing what was trained."""

import errno
import math
import os
import re
import shutil
import signal
import subprocess
import sys

import jax
import numpy as np
import pytest

from posecut_core.dataset.settings import read_settings
from posecut_core.errors import ArgumentError, StorageError
from posecut_core.model import snapshots
from posecut_core.model.log import read_log
from posecut_core.model.pose_net import parameter_shapes
from posecut_core.model.snapshots import load_parameters, read_info
from posecut_core.progress import Notice, Progress
from posecut_core.project.opening import open_project
from posecut_core.project.paths import snapshot_folder, snapshot_steps
from posecut_core.storage.locks import sole_writer
from posecut_core.workflow.train_network import train_network


class Reports:
    """Keeps what is reported of training, and does something when told of a step."""

    def __init__(self, at=None, act=None):
        self.seen, self.at, self.act = [], at, act

    def __call__(self, progress):
        if isinstance(progress, Progress) and progress.stage == "training":
            self.seen.append(progress)
            if progress.done == self.at:
                self.act()


def interrupt():
    raise KeyboardInterrupt


def press_ctrl_c():
    signal.raise_signal(signal.SIGINT)


def terminate():
    signal.raise_signal(signal.SIGTERM)


def parameters(trained):
    return load_parameters(trained.snapshot, parameter_shapes(read_info(trained.snapshot).network))


def logged(trained):
    return [row.step for row in read_log(trained.log)]


def test_an_interrupted_training_ends_like_another(trainable, tmp_path_factory):
    """Real steps, from a thin network's weights: interrupted and taken up again they end at the same bits."""
    copy = shutil.copytree(trainable.parent, tmp_path_factory.mktemp("other") / "copy", symlinks=True)
    straight = train_network(copy)
    with pytest.raises(KeyboardInterrupt):
        train_network(trainable, report=Reports(at=2, act=interrupt))
    resumed = train_network(trainable)
    assert (resumed.first_step, resumed.last_step) == (2, 4)
    assert read_info(resumed.snapshot) == read_info(straight.snapshot)
    jax.tree.map(np.testing.assert_array_equal, parameters(resumed), parameters(straight))
    assert [row.loss for row in read_log(resumed.log)] == [row.loss for row in read_log(straight.log)]
    resnet = read_info(resumed.snapshot).network.backbone
    assert (resnet.depth, resnet.width, resnet.norm) == (18, 0.125, "frozen_batch")


@pytest.mark.usefixtures("quick_steps")
def test_a_training_ends_with_the_measurement_of_its_engine(trainable, monkeypatch):
    """The last snapshot is there then, so that the first analysis need not measure."""
    measured = []
    name = "posecut_core.workflow.train_network._measure_engine"
    monkeypatch.setattr(name, lambda training, report: measured.append((training.folder, training.snapshots[-1])))
    trained = train_network(trainable)
    assert measured == [(trained.model_folder, trained.last_step)]


@pytest.mark.usefixtures("quick_steps")
def test_a_training_tells_what_it_did(trainable):
    """The result, the reports, the log and the snapshots agree."""
    reports = Reports()
    trained = train_network(trainable, report=reports)
    assert (trained.first_step, trained.last_step, trained.damaged) == (0, 4, ())
    assert trained.loss == pytest.approx((1 / 3 + 1 / 4) / 2)
    assert trained.seconds_per_step > 0
    assert [progress.done for progress in reports.seen] == logged(trained) == [2, 4]
    assert {progress.total for progress in reports.seen} == {4}
    assert set(reports.seen[0].values) == {"loss", "learning_rate", "steps_per_s", "seconds_left"}
    assert reports.seen[-1].values["seconds_left"] == 0
    assert snapshot_steps(trained.model_folder) == (2, 4)
    info = read_info(trained.snapshot)
    assert (info.step, info.network.bodyparts, info.global_scale) == (4, ("white", "black"), 1.0)
    assert info.scorer.startswith("PoseCut_resnet18_Dots")
    assert info.scorer.endswith("shuffle1_4")


@pytest.mark.usefixtures("quick_steps")
def test_a_finished_training_takes_no_step(trainable):
    """Called again, nothing is trained, and the result says so; nothing on the disk changes."""
    trained = train_network(trainable)
    before = {path: path.stat().st_mtime_ns for path in trained.snapshot.rglob("*")}
    again = train_network(trainable)
    assert again.first_step == again.last_step == 4
    assert math.isnan(again.loss)
    assert math.isnan(again.seconds_per_step)
    assert again.snapshot == trained.snapshot
    assert {path: path.stat().st_mtime_ns for path in trained.snapshot.rglob("*")} == before
    assert logged(again) == [2, 4]


@pytest.mark.usefixtures("quick_steps")
@pytest.mark.parametrize(("act", "stopped_at"), [(interrupt, 3), (press_ctrl_c, 4), (terminate, 4)])
def test_ctrl_c_keeps_every_step(trainable, act, stopped_at):
    """Ctrl-C, SIGTERM or a report that raises leaves a snapshot of the last whole step, from which the next goes on."""
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train_network(trainable, maxiters=9, displayiters=3, saveiters=100, report=Reports(at=3, act=act))
    assert signal.getsignal(signal.SIGINT) is before
    trained = train_network(trainable)
    assert (trained.first_step, trained.last_step) == (stopped_at, 9)
    assert logged(trained) == [3, 6, 9]


@pytest.mark.usefixtures("quick_steps")
def test_steps_after_the_last_snapshot_are_logged_once(trainable):
    """When a run is killed between snapshots, the rows of the steps that are trained again are not there twice."""

    def killed():
        raise SystemExit

    with pytest.raises(SystemExit):
        train_network(trainable, maxiters=8, displayiters=1, saveiters=3, report=Reports(at=5, act=killed))
    trained = train_network(trainable)
    assert trained.first_step == 3
    assert logged(trained) == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.usefixtures("quick_steps")
def test_changed_settings_are_honored_and_written_down(trainable):
    """A larger maxiters trains on from the last snapshot, and settings.yaml says what was asked for last."""
    train_network(trainable)
    longer = train_network(trainable, maxiters=7, saveiters=1, max_snapshots_to_keep=2, settings={"noise": 0.01})
    assert (longer.first_step, longer.last_step) == (4, 7)
    assert snapshot_steps(longer.model_folder) == (6, 7)
    settings = read_settings(longer.model_folder / "settings.yaml")
    assert (settings.maxiters, settings.save_iters, settings.max_snapshots_to_keep, settings.noise) == (7, 1, 2, 0.01)


@pytest.mark.usefixtures("quick_steps")
def test_a_damaged_snapshot_is_named_and_the_one_before_it_used(trainable):
    """Training goes on from the last sound snapshot; the damaged one is kept under another name and written again."""
    trained = train_network(trainable)
    (trained.snapshot / "parameters" / "_METADATA").write_text("{}")
    told = []
    again = train_network(trainable, max_snapshots_to_keep=1, report=told.append)
    said = [report.text for report in told if isinstance(report, Notice)]
    assert said[0] == "Damaged and set aside: snapshot-000004. Training goes on from step 2, the newest sound one"
    assert (again.first_step, again.last_step) == (2, 4)
    assert again.damaged == (trained.model_folder / "damaged-snapshot-000004",)
    assert again.damaged[0].is_dir()
    assert snapshot_steps(trained.model_folder) == (4,)
    read_info(again.snapshot)


@pytest.mark.usefixtures("quick_steps")
def test_without_any_sound_snapshot_training_begins_again(trainable):
    """All snapshots damaged: they are named, and a fresh network is trained."""
    trained = train_network(trainable)
    for step in (2, 4):
        (snapshot_folder(trained.model_folder, step) / "snapshot.json").unlink()
    again = train_network(trainable)
    assert (again.first_step, again.last_step, len(again.damaged)) == (0, 4, 2)


@pytest.mark.usefixtures("quick_steps")
@pytest.mark.parametrize("where", ["_save_tree", "sync"])
def test_a_full_disk_costs_no_snapshot(trainable, monkeypatch, where):
    """When the disk is full while saving, the error says so, older snapshots are whole, and training can go on."""
    train_network(trainable, maxiters=2)

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(snapshots, where, full)
        with pytest.raises(StorageError, match="disk is full"):
            train_network(trainable, maxiters=4)
    trained = train_network(trainable)
    assert (trained.first_step, trained.last_step) == (2, 4)
    assert sorted(path.name for path in trained.model_folder.iterdir() if path.is_dir()) == [
        "snapshot-000002",
        "snapshot-000004",
    ]


@pytest.mark.usefixtures("quick_steps")
def test_a_second_training_of_a_shuffle_says_who_is_at_it(trainable):
    """Kind: two programs write one thing at once; the second is one sentence, and nothing is written."""
    folder = open_project(trainable).training(1).folder
    before = sorted(folder.iterdir())
    told = r"Shuffle 1 is being trained by another window or session of this program.*; wait until it is done"
    with sole_writer(folder / "log.csv", doing="Shuffle 1 is being trained"), pytest.raises(StorageError, match=told):
        train_network(trainable)
    assert sorted(folder.iterdir()) == before


def test_training_says_before_its_first_step_what_it_takes(trainable):
    """Minutes and memory come first; a finished training has nothing to say."""
    seen = []
    train_network(trainable, report=seen.append)
    first = next(report for report in seen if isinstance(report, Progress) and report.stage == "training")
    told = seen[seen.index(first) - 1]
    assert re.fullmatch(r"4 steps will take about 1 s \(excluding compilation\) and 1\.[01] GB of memory", told.text)
    seen.clear()
    train_network(trainable, report=seen.append)
    assert not [report for report in seen if isinstance(report, Notice) and "memory" in report.text]


def test_a_device_that_is_not_there_is_refused(trainable):
    """Before anything is read, the sentence names the devices that are there."""
    with pytest.raises(ArgumentError, match=r"no device 99 for gputouse; choose from 0 \("):
        train_network(trainable, gputouse=99)


ON_THE_SECOND = """
import sys
import jax
from posecut_core.model import step as training
from posecut_core.model.step import TrainState
from posecut_core.progress import Progress
from posecut_core.training import loop
from posecut_core.workflow.train_network import train_network

def step(state, batch, mirror_order, *, spec, settings):
    return TrainState(state.step + 1, *state[1:]), 1 / (state.step + 1)

training._train_step = step
loop._step_bytes = lambda *arguments, **options: 10**8
first, second = jax.local_devices()
seen = []

def look(progress):
    if isinstance(progress, Progress) and progress.stage == "training":
        seen.append({device for array in jax.live_arrays() for device in array.devices()})

for maxiters in (2, 4):  # from a file of weights, and from a snapshot
    train_network(sys.argv[1], gputouse=1, maxiters=maxiters, settings={"validation_share": 0.4}, report=look)
assert seen == [{second}, {second}], seen
"""


def run_on_two_devices(code, config):
    """Run a program to its end, in a process for which the processor is two devices."""
    flags = {"JAX_NUM_CPU_DEVICES": "2", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(config)],
        env=os.environ | flags,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_device_that_was_asked_for_is_the_only_one(trainable):
    """No array of weights, snapshots, batches or validation lies on the first device meanwhile."""
    run_on_two_devices(ON_THE_SECOND, trainable)


ON_BOTH = """
import sys
from posecut_core import backbones
from posecut_core.workflow.train_network import train_network
from tests.toy_backbone import Toy

backbones.register(Toy())
settings = {"net_type": Toy.net_type, "init_weights": "random", "batch_size": 2, "validation_share": 0.4}
for maxiters in (2, 4):
    assert train_network(sys.argv[1], maxiters=maxiters, settings=settings).last_step == maxiters
"""


def test_several_devices_train_together(trainable):
    """The first steps, which only time the training, leave the state on each device as it was."""
    run_on_two_devices(ON_BOTH, trainable)
