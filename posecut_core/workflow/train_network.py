"""Step G: train the network (`train_network`): what a run begins with, and its loop."""

import contextlib
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import jax

from posecut_core.dataset.settings import write_settings
from posecut_core.errors import ArgumentError, PosecutError, Remedy
from posecut_core.formats.deeplabcut.frames import frame_name
from posecut_core.inference.predictor import Predictor, chosen_engine
from posecut_core.labels.images import adopt_project
from posecut_core.model.devices import chosen_devices, placement, use_compilation_cache
from posecut_core.model.log import start_log
from posecut_core.progress import Notice, Report, silent
from posecut_core.project.given import forgiving
from posecut_core.project.paths import Training
from posecut_core.project.state import read_state
from posecut_core.results import Summary, counted
from posecut_core.storage.locks import sole_writer
from posecut_core.training.loop import suspect_frames, train
from posecut_core.training.run import further_settings, prepare_run
from posecut_core.types import FrameRef

# --- validation -------------------------------------------------------------------------------------------------------
# The error of a network in training on frames that do not train it.


# --- training loop ----------------------------------------------------------------------------------------------------
# The loop of `train_network`: steps, log and snapshots, and the way back after steps that could not be taken.


_SUSPECTS = 3  # frames that are named; the result has all


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
    suspect_names: tuple[str, ...] = ()  # what sentences call these, as an image may be no frame of its video
    restored: tuple[int, ...] = ()  # steps of the snapshots that training went back to after many of them in a row
    ended_early: bool = False  # before the steps that were asked for, as more no longer paid
    others: "tuple[TrainedNetwork, ...]" = ()  # further networks of the shuffle, which differ in their seeds

    def summary(self) -> Summary:
        """Say how far training came, and where the network is."""
        lines = list(self._lines())
        for number, other in enumerate(self.others, start=2):
            lines += [f"Network {number}: {other._text()}", *(f"  {line}" for line in other._lines())]
        together = {"ensemble": True} if self.others else {}
        evaluate = Remedy("evaluate_network", shuffle=self.shuffle, trainingsetindex=self.trainingsetindex, **together)
        return Summary(self._text(), tuple(lines), (evaluate,))

    def _text(self) -> str:
        if self.first_step == self.last_step:
            how = "set ends_early to false, and raise" if self.ended_early else "raise"
            return f"The network was trained for {self.last_step} steps already; {how} its number of steps to go on."
        begin = f", from the snapshot of step {self.first_step}" if self.first_step else ""
        why = ", as more steps no longer paid" if self.ended_early else ""
        text = f"Trained to step {self.last_step}{begin}{why}; loss {self.loss:.4f}."
        if self.skipped:
            frames = ", ".join(self.suspect_names[:_SUSPECTS])
            text += f" {counted(len(self.skipped), 'step')} had no finite loss and were skipped; check {frames}."
        return text

    def _lines(self) -> tuple[str, ...]:
        damaged = (f"Damaged, moved aside and not used: {path}" for path in self.damaged)
        return (f"Snapshot: {self.snapshot}", f"Losses: {self.log}", *damaged)


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
    seeds: int = 1,
    gputouse: int | None = None,
    weights: str | os.PathLike[str] | None = None,
    settings: Mapping[str, object] | None = None,
    report: Report = silent,
) -> TrainedNetwork:
    """Train the network of a shuffle, or continue from its last snapshot.

    Ctrl-C, SIGTERM, or a KeyboardInterrupt raised by `report`, leaves a snapshot; calling again goes on from it. A
    damaged snapshot is renamed to `damaged-snapshot-...`, and training goes on from the one before it. Before the first
    step it reports how long the steps and how much memory the training will take.

    Args:
        config: path of config.yaml.
        shuffle: which shuffle: which split of the labeled frames, and its network.
        trainingsetindex: which of config.yaml's training fractions, counted from 0.
        maxiters: stop after this many steps in all. What is given here replaces what the shuffle's settings.yaml says,
            so that a later call continues in the same way; by default the number in that file.
        displayiters: log the loss every so many steps; by default the number in settings.yaml.
        saveiters: write a snapshot every so many steps; by default the number in settings.yaml.
        max_snapshots_to_keep: keep this many snapshots and delete older ones; by default the number in settings.yaml.
        seeds: train so many networks of this shuffle, one after the other, that differ in their seeds only: that of
            settings.yaml, the next one, and so on. Together they are an ensemble (`ensemble` of `analyze_videos`).
            Those that are trained already are not trained again; all take as many steps as the first one. The further
            ones lie in `network-2`, `network-3`, ... beside the first one's snapshots.
        gputouse: train on this device only, counted from 0; by default on all, if batch_size divides by their number.
        weights: what a new training begins with: "imagenet" (weights that are downloaded once, then cached), "random",
            "previous" (the last network of this shuffle in an earlier iteration), or a .safetensors file; by default as
            settings.yaml says, which is imagenet.
        settings: any other settings of settings.yaml.
        report: notified of every `displayiters` steps: loss, steps_per_s, seconds_left, and validation_error in pixels
            where the setting `validation_share` is above 0.

    Raises:
        ArgumentError: there is no such device, or `seeds` is less than 1.
        DatasetError: there is no such training dataset, or it cannot work.
        ModelError: settings, weights or a snapshot cannot be used, the memory is too small, or the loss is not finite
            any more.
        StorageError: the disk refused; the snapshots that were there are intact.
    """
    if seeds < 1:
        raise ArgumentError(f"seeds is {seeds}, expected the number of networks to train, 1 or more.")
    devices = chosen_devices(gputouse)
    use_compilation_cache()
    training = adopt_project(config, report=report).training(shuffle, trainingsetindex)
    changes = {
        "maxiters": maxiters,
        "display_iters": displayiters,
        "save_iters": saveiters,
        "max_snapshots_to_keep": max_snapshots_to_keep,
        "init_weights": None if weights is None else os.fspath(weights),
        **(settings or {}),
    }
    first = _trained(training, trainingsetindex, changes, devices, report)
    others = []
    for network in map(training.of_network, range(2, seeds + 1)):
        settings = further_settings(network)
        report(Notice(f"Network {network.network} of {seeds}, with seed {settings['seed']}"))
        others.append(_trained(network, trainingsetindex, settings, devices, report))
    return replace(first, others=tuple(others))


def _trained(
    training: Training,
    trainingsetindex: int,
    changes: Mapping[str, object],
    devices: Sequence[jax.Device],
    report: Report,
) -> TrainedNetwork:
    """Train one network to its end."""
    # The first arrays would otherwise take memory of a device that was not asked for.
    with _alone(training), jax.default_device(devices[0]):
        run = prepare_run(training, changes, report=report)
        first = int(run.state.step)
        start_log(run.training.log, step=first)
        account = train(run, placement(devices, batch_size=run.settings.batch_size), report)
        last = run.training.snapshots[-1]
        ended_early = account.end < run.settings.maxiters
        if ended_early:  # so that whoever compares it with the steps taken knows that these are all
            write_settings(run.training.settings, replace(run.settings, maxiters=last))
        _measure_engine(run.training, report)
    metrics, suspects = account.latest, suspect_frames(run, account.skipped)
    return TrainedNetwork(
        shuffle=training.shuffle,
        trainingsetindex=trainingsetindex,
        first_step=first,
        last_step=last,
        loss=metrics.loss if metrics else math.nan,
        seconds_per_step=1 / metrics.steps_per_second if metrics else math.nan,
        model_folder=run.training.folder,
        snapshot=training.snapshot(last),
        log=run.training.log,
        damaged=run.damaged,
        skipped=tuple(account.skipped),
        suspects=suspects,
        suspect_names=tuple(frame_name(training.project, frame) for frame in suspects),
        restored=tuple(account.restored),
        ended_early=ended_early,
    )


def _measure_engine(training: Training, report: Report) -> None:
    """Choose the engine of analyses now, so that the first one need not measure how far it is from XLA."""
    try:
        engine = read_state(training.project.settings_path).engine
        chosen_engine(Predictor.load(training.folder), training, engine, report=report)
    except PosecutError as error:  # the network is trained, and an analysis will say so again
        report(Notice.of(error))


def _alone(training: Training) -> contextlib.AbstractContextManager[None]:
    """Keep other programs from training the same shuffle; one that does not exist is reported elsewhere."""
    if not training.folder.is_dir():
        return contextlib.nullcontext()
    return sole_writer(training.log, doing=f"Shuffle {training.shuffle} is being trained")
