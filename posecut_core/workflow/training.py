"""Step G: train the network (`train_network`)."""

import contextlib
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jax

from posecut_core.dataset.split import FrameRef
from posecut_core.labels.lock import sole_writer
from posecut_core.model.compilation import use_compilation_cache
from posecut_core.model.devices import chosen_devices, placement
from posecut_core.model.log import start_log
from posecut_core.model.snapshots import snapshot_folder, snapshot_steps
from posecut_core.progress import Report, silent
from posecut_core.project.given_values import forgiving
from posecut_core.project.layout import Project
from posecut_core.workflow.opening import open_project
from posecut_core.workflow.training_loop import suspect_frames, train
from posecut_core.workflow.training_run import prepare_run


@dataclass(frozen=True)
class TrainedNetwork:
    """What a training left behind."""

    shuffle: int
    trainingsetindex: int
    first_step: int  # 0, or the step of the snapshot that training went on from
    last_step: int
    loss: float  # mean over the last report; NaN where no step was needed
    seconds_per_step: float  # as above
    model_folder: Path
    snapshot: Path
    log: Path
    damaged: tuple[
        Path, ...
    ]  # snapshots that were damaged, as they are called now; training went on from the one before
    skipped: tuple[int, ...] = ()  # steps of this call whose loss or gradients were not finite
    suspects: tuple[FrameRef, ...] = ()  # frames that stood in those steps, those in most of them first
    restored: tuple[int, ...] = ()  # steps of the snapshots that training went back to after many of them in a row


@forgiving
def train_network(
    config: str | os.PathLike[str],
    shuffle: int = 1,
    trainingsetindex: int = 0,
    *,
    maxiters: int | None = None,
    displayiters: int | None = None,
    saveiters: int | None = None,
    max_snapshots_to_keep: int | None = None,
    gputouse: int | None = None,
    weights: str | os.PathLike[str] | None = None,
    settings: Mapping[str, object] | None = None,
    report: Report = silent,
) -> TrainedNetwork:
    """Train the network of a shuffle, or go on from its last snapshot.

    Ctrl-C, SIGTERM, or a KeyboardInterrupt raised by `report`, leaves a snapshot; calling again goes on from it. A
    damaged snapshot is renamed to `damaged-snapshot-...`, and training goes on from the one before it. Before the first
    step `report` is told how long the steps and how much memory the training will take.

    Args:
        config: path of config.yaml.
        shuffle: which training dataset.
        trainingsetindex: which of config.yaml's training fractions.
        maxiters: end after this many steps in all; this and `settings` replace what settings.yaml says, in the file.
        displayiters: report and log every so many steps.
        saveiters: write a snapshot every so many steps.
        max_snapshots_to_keep: delete older ones.
        gputouse: index of the device to train on; None takes all, if `batch_size` divides by their number.
        weights: "imagenet" (the default; fetched once from the model hub), "random", "previous" (the last network of
            this shuffle in an earlier iteration), or a .safetensors file of a ResNet to start from; only for the first
            call.
        settings: any other settings of settings.yaml.
        report: told of every `displayiters` steps: loss, steps_per_s, seconds_left, and validation_error in pixels
            where the setting `validation_share` is above 0.

    Raises:
        ArgumentError: there is no such device.
        DatasetError: there is no such training dataset, or it cannot work.
        ModelError: settings, weights or a snapshot cannot be used, the memory is too small, or the loss is not finite
            any more.
        StorageError: the disk refused; the snapshots that were there are intact.
    """
    devices = chosen_devices(gputouse)
    use_compilation_cache()
    project = open_project(config, report=report)
    changes = {
        "maxiters": maxiters,
        "display_iters": displayiters,
        "save_iters": saveiters,
        "max_snapshots_to_keep": max_snapshots_to_keep,
        "init_weights": None if weights is None else os.fspath(weights),
        **(settings or {}),
    }
    # The first arrays would otherwise take memory of a device that was not asked for.
    with _alone(project, shuffle, trainingsetindex), jax.default_device(devices[0]):
        run = prepare_run(project, shuffle, trainingsetindex, changes, report=report)
        first = int(run.state.step)
        start_log(run.log, step=first)
        account = train(run, placement(devices, batch_size=run.settings.batch_size), report)
    metrics = account.latest
    last = snapshot_steps(run.folder)[-1]
    return TrainedNetwork(
        shuffle=shuffle,
        trainingsetindex=trainingsetindex,
        first_step=first,
        last_step=last,
        loss=metrics.loss if metrics else math.nan,
        seconds_per_step=1 / metrics.steps_per_second if metrics else math.nan,
        model_folder=run.folder,
        snapshot=snapshot_folder(run.folder, last),
        log=run.log,
        damaged=run.damaged,
        skipped=tuple(account.skipped),
        suspects=suspect_frames(run, account.skipped),
        restored=tuple(account.restored),
    )


def _alone(project: Project, shuffle: int, trainingsetindex: int) -> contextlib.AbstractContextManager[None]:
    """Keep other programs from training the same shuffle; one that does not exist is told of elsewhere."""
    folder = project.model_folder(shuffle, trainingsetindex)
    if not folder.is_dir():
        return contextlib.nullcontext()
    return sole_writer(folder / "log.csv", doing=f"Shuffle {shuffle} is being trained")
