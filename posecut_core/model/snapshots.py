"""Snapshots of a training run: Orbax trees under a manifest with the SHA-256 of every file.

    <model folder>/snapshot-000720/
        snapshot.json     schema, step, network, scale, files and their hashes, and a hash of all this
        parameters/       Orbax
        optimizer/        Orbax
        averaged/         Orbax; the running mean of the parameters, where the training keeps one

A snapshot is written beside its place, synced and renamed: it is there whole or not at all.
"""

import contextlib
import dataclasses
import errno
import hashlib
import json
import logging
import math
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import jax
import numpy as np
import orbax.checkpoint as ocp

from posecut_core.backbones import Backbone, described, from_description
from posecut_core.dataset.scoremaps import Distances
from posecut_core.errors import ModelError, PosecutError, Remedy, refuse_newer
from posecut_core.formats.deeplabcut.results import results_scorer
from posecut_core.model.pose_net import NetworkSpec
from posecut_core.model.step import TrainState
from posecut_core.poses.predictions import Network
from posecut_core.progress import quieted
from posecut_core.project.paths import MANIFEST, Snapshots, Training, snapshot_folder, snapshot_steps
from posecut_core.storage.files import file_sha256, read_json, storage_error, sync
from posecut_core.storage.values import is_file_part
from posecut_core.types import NetworkName

_T = TypeVar("_T")

_SCHEMA = 1
LARGEST = 2**31  # bytes of a file; all of the largest network with its moments have a third of it
_PRECISIONS = ("float32", "bfloat16")
_FARTHEST = 1e6  # pixels between two bodyparts
_ROOM = 2**20  # bytes that a snapshot takes at most beside its numbers


class DamagedSnapshotError(ModelError):
    """A file of a snapshot is missing or not as it was written."""


@dataclass(frozen=True)
class SnapshotInfo:
    """What a snapshot says of itself."""

    step: int
    run: str  # str(RunName), for the names of result files
    network: NetworkSpec
    global_scale: float
    distances: Distances | None = dataclasses.field(default=None, compare=False)  # None in PoseCut 0.1.0

    @property
    def scorer(self) -> str:
        """Name of the trained network, as it stands in result files."""
        return str(NetworkName.of(self.network.backbone.net_type, self.run, self.step))


def save_snapshot(model_folder: Path, info: SnapshotInfo, state: TrainState) -> Path:
    """Write a snapshot; an existing one of the same step is replaced.

    Raises:
        StorageError: the disk refused; nothing that existed is changed.
    """
    target = snapshot_folder(model_folder, info.step)
    partial = target.with_name(f".{target.name}.partial")
    try:
        _sweep(model_folder)
        partial.mkdir(parents=True)
        _check_room(partial, state)
        _save_tree(partial / "parameters", state.parameters)
        _save_tree(partial / "optimizer", state.optimizer)
        if state.averaged:
            _save_tree(partial / "averaged", state.averaged)
        if state.pace:
            _save_tree(partial / "pace", state.pace)
        (partial / MANIFEST).write_text(json.dumps(_manifest(partial, info), indent=1), encoding="utf-8")
        for file in _files(partial):
            sync(partial / file)
        sync(partial / MANIFEST)
        shutil.rmtree(target, ignore_errors=True)  # a damaged one: nobody goes on from it
        os.replace(partial, target)
        sync(model_folder)
    except (OSError, ValueError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise storage_error(target, _disk_error(error)) from error
    return target


def remove_old_snapshots(model_folder: Path, *, keep: int | None) -> None:
    """Delete all but the `keep` newest snapshots, and what killed runs left; None keeps all.

    Each goes at once: one that is half deleted would be a damaged one.
    """
    steps = snapshot_steps(model_folder)
    for step in steps[:-keep] if keep else ():
        folder = snapshot_folder(model_folder, step)
        with contextlib.suppress(OSError):  # it goes next time
            os.replace(folder, folder.with_name(f".{folder.name}.partial"))
    _sweep(model_folder)


def _sweep(model_folder: Path) -> None:
    """Delete what runs that were killed while they saved or deleted a snapshot have left."""
    for leftover in model_folder.glob(".snapshot-*.partial"):
        shutil.rmtree(leftover, ignore_errors=True)


def read_info(folder: Path) -> SnapshotInfo:
    """Read what a snapshot says of itself, and check all its files against their hashes.

    Raises:
        ModelError: the snapshot is missing, of another step than its name says, or of a newer PoseCut.
        DamagedSnapshotError: it is damaged; the file is named.
    """
    try:
        manifest = read_json(folder / MANIFEST)
        refuse_newer(folder, manifest["schema"], known=_SCHEMA, kind=ModelError)
        if manifest.pop("sha256") != _content_hash(manifest):
            raise _damaged(folder, MANIFEST)
        hashes: dict[str, str] = manifest["files"]
        info = info_from(manifest)
        if not all(_is_inside(file) for file in hashes):
            raise _damaged(folder, MANIFEST)
    except (OSError, KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, ModelError):
            raise
        if not folder.is_dir():
            raise ModelError(
                f"There is no snapshot {folder}; train the network first.", Remedy("train_network")
            ) from error
        raise _damaged(folder, MANIFEST) from error
    own = snapshot_folder(folder.parent, info.step)
    if folder.name != own.name:
        raise ModelError(f"{folder} holds the snapshot of step {info.step}; rename it to {own.name}, or delete it.")
    for file, expected in hashes.items():
        path = folder / file
        if not path.is_file() or path.stat().st_size > LARGEST or file_sha256(path) != expected:
            raise _damaged(folder, file)
    return info


def info_from(manifest: Mapping[str, Any]) -> SnapshotInfo:
    """Make of what `description_of` returned, or of a manifest, what it says, with every value of its type.

    Raises:
        LookupError, TypeError, ValueError, AttributeError: it says something else.
    """
    network = dict(manifest["network"])
    backbone, bodyparts = from_description(network), tuple(network.pop("bodyparts"))
    del network[backbone.family]
    spec = NetworkSpec(backbone, bodyparts, **network)
    distances = _distances_from(manifest.get("distances"), bodyparts=len(bodyparts))
    info = SnapshotInfo(manifest["step"], manifest["run"], spec, manifest["global_scale"], distances)
    _check_types(backbone, spec, info)
    if spec.precision not in _PRECISIONS or spec.context < 0:
        raise ValueError("there is no such network")
    if not bodyparts or not all(isinstance(part, str) for part in bodyparts) or info.step < 0:
        raise ValueError("it has no bodyparts, or no step")
    if not 0 < info.global_scale < math.inf or not is_file_part(info.run):
        raise ValueError("its scale is not a number, or its name is not a file name")
    return info


def _distances_from(described: Any, *, bodyparts: int) -> Distances | None:
    """Read what `description_of` says of distances.

    Raises:
        LookupError, TypeError, ValueError: it is something else.
    """
    if described is None:
        return None
    tables = [np.array(dict(described)[name]) for name in Distances._fields]
    if any(table.shape != (bodyparts, bodyparts) for table in tables):
        raise ValueError(f"it names {bodyparts} bodyparts, but its distances are those of others")
    for table in tables:
        is_sound = table.dtype.kind in "if" and (table >= 0).all() and (table < _FARTHEST).all()
        if not is_sound or (table != table.T).any():
            raise ValueError("its distances are no numbers of pixels, or not the same in both directions")
    found = Distances(*(table.astype(np.float32) for table in tables))
    return found


def _check_types(*values: Backbone | NetworkSpec | SnapshotInfo) -> None:
    kinds: dict[object, tuple[type, ...]] = {int: (int,), float: (int, float), str: (str,), bool: (bool,)}
    for value in values:
        for entry in dataclasses.fields(value):
            found = getattr(value, entry.name)
            if type(found) not in kinds.get(entry.type, (type(found),)):
                raise TypeError(f"{entry.name} is {found!r}")


def _is_inside(file: str) -> bool:
    """Tell whether the name of a snapshot's file stays in its folder."""
    path = PurePosixPath(file)
    return not path.is_absolute() and ".." not in path.parts


def newest_sound(model_folder: Path) -> tuple[SnapshotInfo | None, tuple[Path, ...]]:
    """Find the newest snapshot that is as it was written, None where there is none.

    Newer ones are damaged: they are renamed so that they count no more, and returned by their new names.

    Raises:
        ModelError: a snapshot is of another step than its name says, or of a newer PoseCut.
        StorageError: a damaged snapshot cannot be renamed.
    """
    damaged: list[Path] = []
    for step in reversed(snapshot_steps(model_folder)):
        folder = snapshot_folder(model_folder, step)
        try:
            return read_info(folder), tuple(damaged)
        except DamagedSnapshotError:
            damaged.append(_set_aside(folder))
    return None, tuple(damaged)


def _set_aside(folder: Path) -> Path:
    target = folder.with_name(f"damaged-{folder.name}")
    try:
        shutil.rmtree(target, ignore_errors=True)
        return folder.replace(target)
    except OSError as error:
        raise storage_error(target, error) from error


def load_parameters(folder: Path, shapes: Any) -> Any:
    """Read the parameters that predict; `shapes` is the tree to expect."""
    averaged = folder / "averaged"
    return _load_tree(averaged if averaged.is_dir() else folder / "parameters", shapes)


def load_state(folder: Path, info: SnapshotInfo, shapes: TrainState) -> TrainState:
    """Read the whole training state of a snapshot that says `info` of itself; `shapes` is the tree to expect.

    Where a running mean is expected and the snapshot has none, it begins with the parameters. Without a pace, which
    needs all losses, training goes on to `maxiters`.
    """
    step = jax.numpy.asarray(info.step, jax.numpy.int32)
    parameters = _load_tree(folder / "parameters", shapes.parameters)
    averaged = load_parameters(folder, shapes.averaged) if shapes.averaged else ()
    pace = _load_tree(folder / "pace", shapes.pace) if shapes.pace and (folder / "pace").is_dir() else ()
    return TrainState(step, parameters, _load_tree(folder / "optimizer", shapes.optimizer), averaged, pace)


def _check_room(folder: Path, state: TrainState) -> None:
    """Raise what a full disk would: in the midst of a tree Orbax abandons its other writes, which end in tracebacks."""
    if shutil.disk_usage(folder).free < _ROOM + sum(leaf.nbytes for leaf in jax.tree.leaves(state)):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextlib.contextmanager
def _checkpointer() -> Iterator[ocp.StandardCheckpointer]:
    """Open Orbax, which would log every file that it touches, and the errors that it raises."""
    with quieted("absl", below=logging.CRITICAL), ocp.StandardCheckpointer() as checkpointer:
        yield checkpointer


def _uninterrupted(work: Callable[[], _T]) -> _T:
    """Do in a thread, where no Ctrl-C arrives, what Orbax does: it would turn that into another error."""
    with ThreadPoolExecutor(1, thread_name_prefix="snapshot") as thread:
        return thread.submit(work).result()


def _save_tree(path: Path, tree: Any) -> None:
    def save() -> None:
        with _checkpointer() as checkpointer:
            checkpointer.save(path.absolute(), tree)

    _uninterrupted(save)


def _disk_error(error: OSError | ValueError) -> OSError:
    if isinstance(error, OSError):
        return error
    code = re.search(r"os_error_code='(\d+)'", str(error))  # Orbax wraps what the disk says in a long ValueError
    return OSError(int(code[1]), os.strerror(int(code[1]))) if code else OSError(0, str(error)[:200])


def _load_tree(path: Path, shapes: Any) -> Any:
    sharding = jax.numpy.zeros(()).sharding  # of the device where arrays are made
    target = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), shapes)

    def load() -> Any:
        with _checkpointer() as checkpointer:
            stored = checkpointer.metadata(path.absolute()).item_metadata.tree
            if _shapes_by_name(stored) != _shapes_by_name(shapes):
                raise ModelError(
                    f"{path.parent} holds snapshots of a different network; move them away or create a new shuffle."
                )
            return checkpointer.restore(path.absolute(), target)

    try:
        return _uninterrupted(load)
    except PosecutError:
        raise
    except Exception as error:  # Orbax and tensorstore raise anything on files that are damaged
        raise _damaged(path.parent, path.name) from error


def _shapes_by_name(tree: Any) -> dict[str, tuple[int, ...]]:
    leaves = jax.tree.leaves_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): tuple(leaf.shape) for path, leaf in leaves}


def _manifest(folder: Path, info: SnapshotInfo) -> dict[str, Any]:
    content = {
        "schema": _SCHEMA,
        **description_of(info),
        "files": {file: file_sha256(folder / file) for file in _files(folder)},
    }
    return {**content, "sha256": _content_hash(content)}


def description_of(info: SnapshotInfo) -> dict[str, Any]:
    """Return what `info_from` reads; the backbone is called by its family, as the only one of 0.1.0 was."""
    network = {entry.name: getattr(info.network, entry.name) for entry in dataclasses.fields(info.network)}
    if not info.network.context:
        del network["context"]  # which PoseCut 0.1.0 does not know
    described_network = {**described(network.pop("backbone")), **network}
    described_info = {"step": info.step, "run": info.run, "global_scale": info.global_scale}
    if info.distances is not None:
        tables = {name: np.round(table, 2).tolist() for name, table in info.distances._asdict().items()}
        described_info["distances"] = tables
    return {**described_info, "network": described_network}


def _content_hash(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _damaged(folder: Path, file: str) -> DamagedSnapshotError:
    return DamagedSnapshotError(
        f"Snapshot {folder} is damaged: {file} is missing or not as it was written; "
        "delete this snapshot and use the one before it."
    )


def chosen_network(training: Training, snapshot: Snapshots | None, *, ensemble: bool = False) -> Network:
    """Say which network, or ensemble, is meant, without loading it.

    Raises:
        ModelError: there is no such snapshot or ensemble, or it is damaged.
    """
    step = training.chosen_steps(snapshot)[-1]
    info = read_info(training.snapshot(step))
    scorer = ensemble_scorer(info, training) if ensemble else info.scorer
    return Network(scorer, training.sha256(step, ensemble=ensemble), results_scorer(training, scorer))


def ensemble_scorer(info: SnapshotInfo, training: Training) -> str:
    """Name what all networks of a training say together, of which `info` is one."""
    run = dataclasses.replace(training.run, networks=len(training.networks()))
    return str(NetworkName.of(info.network.backbone.net_type, str(run), info.step))
