"""Snapshots: exact, whole or absent, checked, of a known network."""

import dataclasses
import errno
import hashlib
import json
import os
import shutil
import signal
import threading
import time

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
import pytest

from posecut_core.backbones.resnet import ResNetSpec
from posecut_core.dataset.scoremaps import distances_between
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.errors import ModelError, StorageError
from posecut_core.model import snapshots
from posecut_core.model.snapshots import (
    DamagedSnapshotError,
    SnapshotInfo,
    load_parameters,
    load_state,
    newest_sound,
    read_info,
    remove_old_snapshots,
    save_snapshot,
)
from posecut_core.model.step import TrainState, initial_state
from posecut_core.project.paths import snapshot_folder, snapshot_steps

SMALL = {"a": {"kernel": jnp.arange(6.0).reshape(2, 3)}, "b": jnp.ones(3)}


def info_of(thin, step):
    return SnapshotInfo(step, "TestNov23shuffle1", thin, 0.5)


def small_state(step=0):
    """Return a state with few numbers: snapshots do not look into it."""
    return initial_state(SMALL, TrainingSettings())._replace(step=jnp.asarray(step, jnp.int32))


@pytest.fixture
def interrupting(monkeypatch):
    """A function that lets Ctrl-C arrive in a call of Orbax, which makes an error of its own of what it meets there."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupt(name):
        real = getattr(ocp.StandardCheckpointer, name)

        def interrupted(*given, **options):
            try:
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
                time.sleep(0.2)
            except KeyboardInterrupt:
                raise RuntimeError("the loop is closed") from None
            return real(*given, **options)

        monkeypatch.setattr(ocp.StandardCheckpointer, name, interrupted)

    yield interrupt
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(os.name == "nt", reason="signals are sent to no thread there")
@pytest.mark.parametrize("name", ["save", "restore"])
def test_an_interrupt_is_no_damage(tmp_path, thin, interrupting, name):
    """Ctrl-C while a snapshot is read or written is told as such: nobody is advised to delete a sound one."""
    folder = save(tmp_path, thin, 1)
    interrupting(name)
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path, thin, 2) if name == "save" else load_parameters(folder, SMALL)
    assert snapshot_steps(tmp_path) == (1,)


def save(folder, thin, *steps):
    return [save_snapshot(folder, info_of(thin, step), small_state(step)) for step in steps][-1]


def test_a_snapshot_round_trip_is_exact(tmp_path, thin, thin_parameters):
    """Every bit of parameters and optimizer comes back, with the step and what the snapshot says of itself."""
    fresh = initial_state(thin_parameters, TrainingSettings())
    generator = np.random.default_rng(0)

    def noise(leaf):
        return jnp.asarray(generator.normal(size=leaf.shape) * 100).astype(leaf.dtype)

    state = TrainState(jnp.asarray(7, jnp.int32), *(jax.tree.map(noise, tree) for tree in fresh[1:]))
    folder = save_snapshot(tmp_path, info_of(thin, 7), state)
    assert read_info(folder) == info_of(thin, 7)
    found = load_state(folder, info_of(thin, 7), jax.eval_shape(lambda: fresh))
    assert jax.tree.structure(found) == jax.tree.structure(state)
    jax.tree.map(np.testing.assert_array_equal, found, state)
    jax.tree.map(np.testing.assert_array_equal, load_parameters(folder, state.parameters), state.parameters)


def test_the_running_mean_predicts(tmp_path, thin):
    """A snapshot with a running mean gives it to whoever predicts, and the whole state to whoever goes on."""
    settings = TrainingSettings(ema_decay=0.9)
    state = initial_state(SMALL, settings)
    state = state._replace(averaged=jax.tree.map(lambda leaf: leaf + 1, state.averaged))
    folder = save_snapshot(tmp_path, info_of(thin, 0), state)
    jax.tree.map(np.testing.assert_array_equal, load_parameters(folder, SMALL), state.averaged)
    jax.tree.map(
        np.testing.assert_array_equal, load_state(folder, info_of(thin, 0), jax.eval_shape(lambda: state)), state
    )


def test_a_running_mean_begins_where_there_was_none(tmp_path, thin):
    """A training that goes on with `ema_decay`, from a snapshot without a mean, begins it with the parameters."""
    folder = save(tmp_path, thin, 5)
    shapes = jax.eval_shape(lambda: initial_state(SMALL, TrainingSettings(ema_decay=0.9)))
    found = load_state(folder, info_of(thin, 5), shapes)
    jax.tree.map(np.testing.assert_array_equal, found.averaged, SMALL)


def test_the_scorer_names_network_run_and_step(thin):
    """Result files are named after the network that made them."""
    scorer = info_of(thin, 720).scorer
    assert scorer == "PoseCut_resnet18_TestNov23shuffle1_720"


def test_a_flipped_bit_is_found_in_any_file(tmp_path, thin):
    """Whatever file loses a bit, the snapshot is refused and the file is named."""
    folder = save(tmp_path, thin, 5)
    files = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size]
    assert len(files) > 4
    for path in files:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 4
        path.write_bytes(content)
        with pytest.raises(DamagedSnapshotError, match=path.relative_to(folder).as_posix()):
            read_info(folder)
        content[len(content) // 2] ^= 4
        path.write_bytes(content)
    assert read_info(folder) == info_of(thin, 5)
    os.truncate(files[0], 2**33)  # a hole, which takes no room but half a minute to sum
    with pytest.raises(DamagedSnapshotError, match=files[0].relative_to(folder).as_posix()):
        read_info(folder)


def test_a_changed_manifest_is_found(tmp_path, thin):
    """The manifest vouches for itself too: a changed value, or a file cut short or lost, is damage."""
    path = save(tmp_path, thin, 5) / "snapshot.json"
    text = path.read_text()
    for damaged in (text.replace('"step": 5', '"step": 7'), text[:200], "[]", "{}", "\0\0"):
        path.write_text(damaged)
        with pytest.raises(DamagedSnapshotError, match=r"snapshot\.json"):
            read_info(path.parent)
    path.unlink()
    with pytest.raises(DamagedSnapshotError, match=r"snapshot\.json is missing"):
        read_info(path.parent)


def test_a_missing_file_is_named(tmp_path, thin):
    """A snapshot that was copied in part is refused."""
    folder = save(tmp_path, thin, 5)
    (folder / "parameters" / "_METADATA").unlink()
    with pytest.raises(DamagedSnapshotError, match="parameters/_METADATA is missing"):
        read_info(folder)


def test_a_snapshot_that_was_never_made_is_no_damage(tmp_path):
    """Where there is no folder, the message says to train."""
    with pytest.raises(ModelError, match=r"There is no snapshot .* train the network first") as raised:
        read_info(snapshot_folder(tmp_path, 5))
    assert not isinstance(raised.value, DamagedSnapshotError)


def test_a_newer_snapshot_is_left_alone(tmp_path, thin):
    """A schema from the future is not taken for damage: it is neither read nor renamed."""
    path = save(tmp_path, thin, 5) / "snapshot.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": 2}))
    with pytest.raises(ModelError, match="newer PoseCut") as raised:
        newest_sound(tmp_path)
    assert not isinstance(raised.value, DamagedSnapshotError)
    assert snapshot_steps(tmp_path) == (5,)


def test_another_network_is_refused(tmp_path, thin):
    """Parameters of other shapes than asked for are refused in a sentence."""
    folder = save(tmp_path, thin, 5)
    shapes = {"a": {"kernel": jnp.zeros((4, 3))}, "b": jnp.zeros(3)}
    for other in (shapes, {"c": jnp.zeros(3)}):
        with pytest.raises(ModelError, match="holds snapshots of a different network"):
            load_parameters(folder, other)


def test_every_network_is_described_exactly(tmp_path, thin):
    """All that is needed to build the network again is in the manifest."""
    resnet = ResNetSpec(depth=101, width=0.3, norm="frozen_batch", stride_in="conv1", pool_before=0)
    network = dataclasses.replace(thin, backbone=resnet, bodyparts=("Ohr, l", "żyła"), precision="bfloat16")
    info = SnapshotInfo(1_234_567, "x", network, 0.1)
    folder = save_snapshot(tmp_path, info, small_state())
    assert folder.name == "snapshot-1234567"
    assert read_info(folder) == info
    assert read_info(folder).distances is None  # as in PoseCut 0.1.0


def test_distances_between_bodyparts_go_with_the_network(tmp_path, thin):
    """They come back as they were, to a hundredth of a pixel."""
    bodyparts = len(thin.bodyparts)
    distances = distances_between(np.random.default_rng(0).uniform(0, 200, (9, bodyparts, 2)))
    folder = save_snapshot(tmp_path, dataclasses.replace(info_of(thin, 7), distances=distances), small_state())
    for found, expected in zip(read_info(folder).distances, distances, strict=True):
        np.testing.assert_allclose(found, expected, atol=0.006)
        assert found.dtype == np.float32


def test_steps_are_those_of_whole_snapshots(tmp_path, thin):
    """Steps ascend as numbers; partial folders, files and other folders do not count."""
    assert snapshot_steps(tmp_path / "none") == ()
    save(tmp_path, thin, 1_000_000, 20, 3)
    for other in (".snapshot-000030.partial", "snapshot-12", "damaged-snapshot-000040", "snapshot-000050.bak"):
        (tmp_path / other).mkdir()
    (tmp_path / "snapshot-000060").write_text("a file")
    assert snapshot_steps(tmp_path) == (3, 20, 1_000_000)


def test_leftovers_of_a_killed_run_are_cleared(tmp_path, thin):
    """The next save removes what an unfinished one left."""
    (tmp_path / ".snapshot-000030.partial" / "parameters").mkdir(parents=True)
    save(tmp_path, thin, 40)
    assert [path.name for path in tmp_path.iterdir()] == ["snapshot-000040"]


def test_a_snapshot_is_deleted_at_once(tmp_path, thin, monkeypatch):
    """Kind: deleting that is killed half way. What is left is no snapshot, and goes when the training goes on."""
    save(tmp_path, thin, 1, 2)
    with monkeypatch.context() as patch:
        patch.setattr(snapshots.shutil, "rmtree", lambda *words, **options: None)
        remove_old_snapshots(tmp_path, keep=1)
    assert snapshot_steps(tmp_path) == (2,)
    remove_old_snapshots(tmp_path, keep=1)
    assert [path.name for path in tmp_path.iterdir()] == ["snapshot-000002"]


@pytest.mark.parametrize(("keep", "left"), [(None, (1, 2, 3)), (1, (3,)), (2, (2, 3)), (9, (1, 2, 3))])
def test_the_newest_are_kept(tmp_path, keep, left):
    """All but the last few are deleted."""
    for step in (1, 2, 3):
        snapshot_folder(tmp_path, step).mkdir()
    remove_old_snapshots(tmp_path, keep=keep)
    assert snapshot_steps(tmp_path) == left


def test_the_newest_sound_snapshot_is_found(tmp_path, thin):
    """Damaged snapshots are renamed and named, and the one before them is chosen; older ones are not looked at."""
    save(tmp_path, thin, 1, 2, 3, 4)
    for step in (1, 3, 4):
        (snapshot_folder(tmp_path, step) / "snapshot.json").write_text("{")
    aside = tuple(tmp_path / f"damaged-snapshot-00000{step}" for step in (4, 3))
    assert newest_sound(tmp_path) == (info_of(thin, 2), aside)
    assert all(path.is_dir() for path in aside)
    assert snapshot_steps(tmp_path) == (1, 2)
    assert newest_sound(tmp_path) == (info_of(thin, 2), ())


def test_all_damaged_is_none_sound(tmp_path, thin):
    """Where no snapshot is sound there is none, and all are named."""
    save(tmp_path, thin, 1)
    (snapshot_folder(tmp_path, 1) / "snapshot.json").unlink()
    assert newest_sound(tmp_path) == (None, (tmp_path / "damaged-snapshot-000001",))
    assert newest_sound(tmp_path) == (None, ())


def test_an_existing_snapshot_is_replaced(tmp_path, thin):
    """Saving a step again gives the new one."""
    save(tmp_path, thin, 5)
    doubled = jax.tree.map(lambda leaf: 2 * leaf, SMALL)
    folder = save_snapshot(tmp_path, info_of(thin, 5), initial_state(doubled, TrainingSettings()))
    jax.tree.map(np.testing.assert_array_equal, load_parameters(folder, SMALL), doubled)
    read_info(folder)


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ("_save_tree", ValueError("RESOURCE_EXHAUSTED: Error writing local file [os_error_code='28']")),
        ("sync", OSError(errno.ENOSPC, "No space left on device")),
    ],
)
def test_a_full_disk_leaves_what_was_there(tmp_path, thin, monkeypatch, where, error):
    """When the disk is full the error says so, the older snapshot is whole, and nothing partial is left."""
    save(tmp_path, thin, 5)

    def full(*arguments):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(snapshots, where, full)
        with pytest.raises(StorageError, match=r"snapshot-000006.*disk is full"):
            save(tmp_path, thin, 6)
    assert [path.name for path in tmp_path.iterdir()] == ["snapshot-000005"]
    read_info(snapshot_folder(tmp_path, 5))


def test_a_disk_without_room_is_told_before_anything_is_written(tmp_path, thin, monkeypatch, capfd):
    """Where a snapshot does not fit, one sentence says so, what was there stays, and Orbax writes nothing."""
    save(tmp_path, thin, 5)
    state = small_state(6)
    needed = sum(leaf.nbytes for leaf in jax.tree.leaves(state))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage._replace(free=needed))
    monkeypatch.setattr(snapshots, "_save_tree", lambda *arguments: pytest.fail("it was begun"))
    with pytest.raises(StorageError, match=r"snapshot-000006.*disk is full"):
        save_snapshot(tmp_path, info_of(thin, 6), state)
    assert capfd.readouterr().err == ""
    assert [path.name for path in tmp_path.iterdir()] == ["snapshot-000005"]


def test_a_snapshot_takes_no_more_room_than_is_asked_for(tmp_path, thin, thin_parameters):
    """What the check for room counts is at least what the files of a network take on the disk."""
    state = initial_state(thin_parameters, TrainingSettings())
    folder = save_snapshot(tmp_path, info_of(thin, 1), state)
    taken = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert taken < snapshots._ROOM + sum(leaf.nbytes for leaf in jax.tree.leaves(state))


def test_a_renamed_snapshot_is_named(tmp_path, thin):
    """A snapshot in a folder of another step is refused with its right name, wherever it is read."""
    save(tmp_path, thin, 5).rename(snapshot_folder(tmp_path, 7))
    for read in (read_info, lambda folder: newest_sound(folder.parent)):
        with pytest.raises(ModelError, match=r"snapshot-000007 holds the snapshot of step 5; rename it"):
            read(snapshot_folder(tmp_path, 7))


def test_what_the_disk_says_to_orbax_is_passed_on(tmp_path, thin, capfd):
    """A file that may not grow, as on a full disk, gives one sentence, no traceback, and nothing partial."""
    resource = pytest.importorskip("resource")
    state = initial_state({"kernel": jnp.asarray(np.random.default_rng(0).normal(size=30_000))}, TrainingSettings())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(StorageError, match=r"Cannot write .*snapshot-000001; File too large: check the disk"):
            save_snapshot(tmp_path, info_of(thin, 1), state)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert capfd.readouterr().err == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [("run", "../../x"), ("step", "10"), ("global_scale", True), ("network", "x"), ("files", {"../../x": "0"})]
    + [("distances", tables) for tables in ([], {"mean": [[0.0]]}, {"mean": [[0.0]], "spread": [[0.0]]})]
    + [
        ("distances", {"mean": table, "spread": [[0.0, 1.0], [1.0, 0.0]]})
        for table in (
            "far",
            [["0", "1"], ["1", "0"]],
            [[False, True], [True, False]],
            [[0.0, 1.0], [2.0, 0.0]],
            [[0.0, 1e39], [1e39, 0.0]],
            [[0.0, -1.0], [-1.0, 0.0]],
            [[0.0, float("nan")], [float("nan"), 0.0]],
            [[0.0, 1.0], [1.0]],
        )
    ],
)
def test_a_manifest_signed_by_somebody_else_leads_nowhere(tmp_path, thin, key, value):
    """The kind: manifests of networks from others, rightly signed, whose values name files or have other types."""
    folder = save(tmp_path, thin, 5)
    manifest = json.loads((folder / "snapshot.json").read_text())
    del manifest["sha256"]
    manifest[key] = value
    manifest["sha256"] = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
    (folder / "snapshot.json").write_text(json.dumps(manifest))
    with pytest.raises(DamagedSnapshotError, match=r"snapshot\.json"):
        read_info(folder)
