"""A training that was really killed ends at the same bits as one that was not."""

import os
import shutil
import signal
import subprocess
import sys

import jax
import orbax.checkpoint as ocp
import pytest

from posecut_core.model.snapshots import read_info
from posecut_core.project.opening import open_project
from tests.structure.source import ROOT

TRAIN = """
import os, signal, sys
from posecut_core.backbones import register
from posecut_core.model import snapshots
from posecut_core.progress import Progress
from posecut_core.workflow.train_network import train_network
from tests.toy_backbone import Toy

register(Toy())
when, *configs = sys.argv[1:]

def kill(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)

def report(progress):
    if isinstance(progress, Progress) and progress.stage == "training" and str(progress.done) == when:
        kill()

if when == "saving":
    snapshots.os.replace = lambda source, target: kill() if "snapshot" in str(source) else os.rename(source, target)
for config in configs:
    trained = train_network(config, maxiters=5, displayiters=1, saveiters=2, report=report)
    print(trained.first_step, trained.last_step)
"""


@pytest.fixture
def train(tmp_path):
    """A function that trains in a process of its own, which kills itself when it is told to."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "JAX_ENABLE_COMPILATION_CACHE": "1",
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "compiled"),
    }

    def run(when, *configs):
        command = [sys.executable, "-W", "error", "-c", TRAIN, when, *map(str, configs)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == (0 if when == "never" else -signal.SIGKILL), done.stderr
        return done.stdout.splitlines()

    return run


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_training_ends_like_another(toy_trainable, train, tmp_path):
    """Killed before the first snapshot, while saving it, and after it: parameters and moments are the same."""
    other = shutil.copytree(toy_trainable.parent, tmp_path / "other" / toy_trainable.parent.name, symlinks=True)
    for when in ("1", "saving", "3"):
        train(when, toy_trainable)
    assert train("never", toy_trainable, other / "config.yaml") == ["2 5", "0 5"]
    killed, straight = (open_project(config).training(1).folder for config in (toy_trainable, other))
    assert {entry.name for entry in killed.iterdir()} == {entry.name for entry in straight.iterdir()}
    name = "snapshot-000005"
    assert read_info(killed / name) == read_info(straight / name)
    assert leaves(killed / name) == leaves(straight / name)


def leaves(folder):
    """Read every number of a snapshot, as bytes."""
    with ocp.StandardCheckpointer() as checkpointer:
        trees = [checkpointer.restore(folder / part) for part in ("parameters", "optimizer")]
    return [leaf.tobytes() for leaf in jax.tree.leaves(jax.device_get(trees))]
