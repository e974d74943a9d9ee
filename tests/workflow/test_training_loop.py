"""Steps that give no finite loss are skipped, counted and named; a training that cannot go on ends."""

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posecut_core.errors import ModelError
from posecut_core.model import step as training
from posecut_core.model.log import read_log
from posecut_core.model.pace import first_pace
from posecut_core.model.pose_net import parameter_shapes
from posecut_core.model.snapshots import load_parameters, read_info
from posecut_core.model.step import TrainState
from posecut_core.progress import Notice, Progress
from posecut_core.project.opening import open_project
from posecut_core.project.paths import snapshot_folder, snapshot_steps
from posecut_core.types import FrameRef
from posecut_core.workflow.train_network import train_network

OPTIONS = {"maxiters": 12, "displayiters": 1, "saveiters": 2, "settings": {"max_bad_steps": 3}}


@pytest.fixture
def losing(monkeypatch, quick_steps):
    """A function that lets steps be skipped, numbered by how many are finished after them."""
    quick = training._train_step

    def lose(steps):
        def step(state, *arguments, **options):
            done = int(state.step) + 1
            if done in steps:
                return TrainState(state.step + 1, *state[1:]), jnp.float32(math.nan)
            return quick(state, *arguments, **options)

        monkeypatch.setattr(training, "_train_step", step)

    return lose


def parameters(trained):
    return load_parameters(trained.snapshot, parameter_shapes(read_info(trained.snapshot).network))


def snapshots(config):
    return snapshot_steps(open_project(config).training(1).folder)


def test_a_training_that_no_longer_pays_says_where_it_ends(trainable, quick_steps, monkeypatch):
    """The end is told once, its step is in the settings and in the result, and another call says how to go on."""
    quick = training._train_step

    def step(state, *arguments, **options):
        taken, loss = quick(state, *arguments, **options)
        flat = first_pace()._replace(falls_from=jnp.asarray(12, jnp.int32))
        pace = flat if int(state.step) >= 11 else first_pace()
        return taken._replace(pace=pace if options["settings"].ends_early else ()), loss

    monkeypatch.setattr(training, "_train_step", step)
    seen, options = [], {"maxiters": 100, "displayiters": 25, "saveiters": 1000, "settings": {"ends_early": True}}
    trained = train_network(trainable, **options, report=seen.append)
    assert (trained.last_step, trained.ended_early, snapshots(trainable)) == (62, True, (62,))
    told = [report.text for report in seen if isinstance(report, Notice) and "training ends" in report.text]
    assert told == ["Twice as many steps would lower the loss by less than 7 %: training ends at step 62"]
    ends = [
        (report.done, report.total) for report in seen if isinstance(report, Progress) and report.stage == "training"
    ]
    assert ends == [(25, 62), (50, 62), (62, 62)]
    assert open_project(trainable).training(1).folder.joinpath("settings.yaml").read_text().count("maxiters: 62\n") == 1
    assert trained.summary().text.startswith("Trained to step 62, as more steps no longer paid; loss ")
    again = train_network(trainable, **options)
    assert (again.first_step, again.last_step) == (62, 62)
    assert "set ends_early to false, and raise its number of steps to go on" in again.summary().text
    further = train_network(trainable, maxiters=100, settings={"ends_early": False})
    assert further.last_step == 100


def test_a_skipped_step_is_counted_and_its_frames_named(trainable, losing):
    """One bad step costs nothing but itself; the log and the result name it."""
    losing({5})
    trained = train_network(trainable, **OPTIONS)
    assert (trained.last_step, trained.skipped, trained.restored) == (12, (5,), ())
    assert set(trained.suspects) <= {FrameRef("dots", number) for number in range(3)}
    assert len(trained.suspects) == 2
    assert trained.suspect_names == tuple(map(str, trained.suspects))
    assert [row.step for row in read_log(trained.log) if row.skipped] == [5]


def test_a_snapshot_waits_for_a_step_that_was_taken(trainable, losing):
    """A snapshot that is due at a skipped step is written after the next good one, the last in any case."""
    losing({4, 12})
    train_network(trainable, **OPTIONS, max_snapshots_to_keep=20)
    assert snapshots(trainable) == (2, 5, 6, 8, 10, 12)


def test_after_many_bad_steps_the_last_snapshot_is_taken(trainable, losing):
    """Training goes on with the next step from the snapshot's parameters, and says so."""
    losing({6, 7, 8})
    seen = []
    trained = train_network(trainable, **OPTIONS, report=seen.append)
    assert (trained.last_step, trained.skipped, trained.restored) == (12, (6, 7, 8), (4,))
    (told,) = [report.text for report in seen if isinstance(report, Notice) and "going on" in report.text]
    assert told.startswith("3 steps in a row, up to step 8, gave no finite loss or gradients, with frame ")
    assert told.endswith("going on from the snapshot of step 4")
    # Quick steps make parameters 1% smaller: from the snapshot of step 4 on, steps 9 to 12 did.
    before = load_parameters(
        snapshot_folder(trained.model_folder, 4), parameter_shapes(read_info(trained.snapshot).network)
    )
    after = jax.tree.map(lambda leaf: leaf * 0.99**4, before)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5), parameters(trained), after)


@pytest.mark.parametrize(("first", "ended_at", "left"), [(6, 11, (2, 4)), (1, 3, ()), (10, 12, (2, 4, 6, 8))])
def test_a_training_that_cannot_go_on_ends(trainable, losing, first, ended_at, left):
    """Bad steps without end: one return to the last snapshot, where there is one, then an error that names frames."""
    losing(range(first, 100))
    words = rf"3 steps in a row, up to step {ended_at}, .*frame \d of dots, .*check the labels.*lower learning_rate"
    with pytest.raises(ModelError, match=words):
        train_network(trainable, **OPTIONS)
    assert snapshots(trainable) == left
    losing(())
    assert train_network(trainable, maxiters=12).first_step == (left[-1] if left else 0)


@pytest.mark.parametrize("killed_at", [5, 7, 10])
def test_killed_among_bad_steps_a_training_ends_like_another(trainable, losing, tmp_path, killed_at):
    """Before, within or after the bad steps: the resumed training skips, goes back and ends at the same bits."""
    losing({6, 7, 8})
    straight = train_network(trainable, **OPTIONS)
    expected, rows = parameters(straight), read_log(straight.log)
    for entry in straight.model_folder.glob("snapshot-*"):
        entry.rename(tmp_path / entry.name)

    def kill(progress):
        if isinstance(progress, Progress) and progress.stage == "training" and progress.done == killed_at:
            raise SystemExit

    with pytest.raises(SystemExit):
        train_network(trainable, **OPTIONS, report=kill)
    resumed = train_network(trainable, **OPTIONS)
    jax.tree.map(np.testing.assert_array_equal, parameters(resumed), expected)
    assert [(row.step, row.skipped) for row in read_log(resumed.log)] == [(row.step, row.skipped) for row in rows]


def test_an_interruption_at_a_skipped_step_leaves_the_snapshot_before(trainable, losing):
    """What is not known to be good is not written down."""
    losing({5})

    def interrupt(progress):
        if isinstance(progress, Progress) and progress.stage == "training" and progress.done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_network(trainable, **OPTIONS, report=interrupt)
    assert snapshots(trainable) == (2, 4)
