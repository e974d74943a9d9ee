"""Help while labelling (`assist`): a network learns from the labels as they come, and proposes the others."""

import dataclasses
import os
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from posecut_core.analysis.inference import Predictor
from posecut_core.analysis.proposal_files import write_proposals
from posecut_core.dataset.batches import TrainingFrames, mirror_order
from posecut_core.dataset.loading import KnownImages
from posecut_core.errors import VideoError
from posecut_core.labels.table import LabelTable
from posecut_core.model.compilation import use_compilation_cache
from posecut_core.model.devices import chosen_devices, placement
from posecut_core.model.snapshots import snapshot_folder
from posecut_core.model.training import Metrics, fit
from posecut_core.progress import Progress, Report, deferred_interrupt, silent
from posecut_core.workflow.assistant import Assistant, assistant_frames, begin_assistant
from posecut_core.workflow.label_watch import LabelWatch, labelled_refs
from posecut_core.workflow.proposing import proposals_for


@dataclass(frozen=True)
class Pace:
    """When the assistant does what; all but `frames` is counted in training steps, which take 0.1 to 0.2 s."""

    frames: int = 5  # labelled ones with which it begins
    first: int = 300  # the first proposals
    every: int = 300  # the next ones; later where there are more frames than that to predict
    look: int = 25  # whether labels have changed
    rest: int = 6000  # without another label it has learnt what there is to learn, and waits for one


PACE = Pace()


@dataclass(frozen=True)
class Assisted:
    """What `assist` left behind."""

    first_step: int  # 0, or the step of the snapshot that it went on from
    last_step: int
    labelled_frames: int  # that it learnt from at last
    proposals: Path
    snapshot: Path


def _a_second() -> None:
    time.sleep(1)


def assist(
    config: str | os.PathLike[str],
    *,
    maxiters: int | None = None,
    settings: Mapping[str, object] | None = None,
    pace: Pace = PACE,
    wait: Callable[[], None] = _a_second,
    report: Report = silent,
) -> Assisted:
    """Train a small network on what is labelled so far, and propose labels for the other extracted frames.

    Labels may be edited meanwhile, also by other programs: those that are new join the training. Proposals are written
    to `posecut-jobs/proposals.json`, the network to `posecut-models/assistant/`; training datasets, shuffles and
    config.yaml stay as they are. Ctrl-C, SIGTERM, or a KeyboardInterrupt raised by `report`, leaves a snapshot;
    calling again goes on from it, or begins afresh if the bodyparts have other names by then.

    Args:
        config: path of config.yaml.
        maxiters: end after this many steps in all; by default it goes on until it is interrupted.
        settings: any settings of training (as in settings.yaml) that replace the assistant's own.
        pace: with how many labelled frames it begins, and how often it does what.
        wait: is called between two looks at the labels while there is nothing to do.
        report: told of the loss, of new proposals, and while there are too few labels.

    Raises:
        LabelError: labels are damaged or do not fit the project.
        ModelError: a setting cannot work, or a newer PoseCut wrote the snapshot.
        StorageError: the disk refuses.
    """
    use_compilation_cache()
    limit = {} if maxiters is None else {"maxiters": maxiters}
    with deferred_interrupt() as interrupted:

        def tell(progress: Progress | None) -> None:
            if progress is not None:
                report(progress)
            if interrupted():
                raise KeyboardInterrupt

        return _Help(LabelWatch(config, report=report), pace, {**(settings or {}), **limit}, wait, tell).give()


class _Help:
    """One call of `assist`, from networks to their proposals."""

    def __init__(
        self,
        watch: LabelWatch,
        pace: Pace,
        settings: Mapping[str, object],
        wait: Callable[[], None],
        tell: Callable[[Progress | None], None],
    ) -> None:
        self._watch, self._pace, self._settings, self._wait, self._tell = watch, pace, settings, wait, tell
        self._due = 0  # step of the next proposals
        self._failed = False  # whether the last proposals could not be made

    def give(self) -> Assisted:
        """Train until the last step; with other bodyparts another network begins."""
        while True:
            self._labels()
            found = self._learn(begin_assistant(self._watch.project, self._settings))
            if found is not None:
                return found

    def _learn(self, assistant: Assistant) -> Assisted | None:
        """Train one network, on other frames whenever labels have changed; None where the bodyparts have."""
        images: KnownImages = {}
        first = step = int(assistant.state.step)
        self._due = step + 1 if step else self._pace.first
        while True:
            tables = self._labels()
            if self._watch.project.config.bodyparts != assistant.spec.bodyparts:
                return None
            frames = assistant_frames(assistant, tables, images)
            assistant = self._steps(assistant, frames)
            step = int(assistant.state.step)
            if step >= assistant.settings.maxiters:
                project = assistant.project
                snapshot = snapshot_folder(project.assistant, step)
                return Assisted(first, step, len(frames), project.proposals, snapshot)

    def _labels(self) -> dict[str, LabelTable]:
        """Wait until enough frames are labelled, and return their labels."""
        while True:
            self._watch.look()
            tables = self._watch.tables()
            count = len(labelled_refs(tables))
            if count >= self._pace.frames:
                return tables
            self._tell(Progress("waiting for labelled frames", count, self._pace.frames))
            self._wait()

    def _steps(self, assistant: Assistant, frames: TrainingFrames) -> Assistant:
        """Train on the same frames until labels change, the last step is taken, or nothing is left to learn."""
        settings, spec = assistant.settings, assistant.spec
        order = mirror_order(spec.bodyparts, settings.mirror_pairs)
        where = placement(chosen_devices(None), batch_size=settings.batch_size)
        first = int(assistant.state.step) + 1
        with closing(fit(assistant.state, frames, order, spec=spec, settings=settings, where=where)) as steps:
            for step, taken in enumerate(steps, start=first):
                assistant = dataclasses.replace(assistant, state=taken.state)
                self._after(assistant, step, _progress(taken.metrics, len(frames)))
                if step % self._pace.look == 0 and self._watch.look():
                    return assistant
                if step - first + 1 == self._pace.rest and step < settings.maxiters:
                    break
            else:
                return assistant
        self._rest(assistant)
        return assistant

    def _after(self, assistant: Assistant, step: int, progress: Progress | None) -> None:
        """Save and propose after a step where it is time to; an interruption leaves a snapshot."""
        saved = step >= self._due or step == assistant.settings.maxiters
        if saved:
            assistant.save(step)
            self._propose(assistant, step)
        try:
            self._tell(progress)
        except KeyboardInterrupt:
            if not saved:
                assistant.save(step)
            raise

    def _propose(self, assistant: Assistant, step: int) -> None:
        """Write new proposals; frames that somebody takes out meanwhile are passed over once."""
        project, settings = assistant.project, assistant.settings
        self._due = step + self._pace.every
        predictor = Predictor(assistant.info(step), assistant.state.predicting)
        try:
            proposals = proposals_for(
                project,
                self._watch.contents,
                predictor,
                step=step,
                batch_size=settings.batch_size,
                report=self._tell,
            )
        except VideoError:
            if self._failed:
                raise
            self._failed = True
            return
        write_proposals(project.proposals, proposals)
        self._failed = False
        self._due = step + max(self._pace.every, proposals.frames)
        self._tell(Progress("new proposals", proposals.frames, proposals.frames, {"step": step}))

    def _rest(self, assistant: Assistant) -> None:
        assistant.save(int(assistant.state.step))
        while not self._watch.look():
            self._tell(Progress("waiting for more labels", 0))
            self._wait()


def _progress(metrics: Metrics | None, frames: int) -> Progress | None:
    if metrics is None:
        return None
    values = {"loss": metrics.loss, "steps_per_s": metrics.steps_per_second, "labelled_frames": frames}
    return Progress("learning from your labels", metrics.step, None, values)
