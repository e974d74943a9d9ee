"""Help while labeling: a network proposes labels (`propose_labels`), or learns from them as they come (`assist`)."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from posecut_core.assistant.network import Assistance, LabelWatch, Pace
from posecut_core.assistant.proposals import label_error, proposals_for, stored_videos, write_proposals
from posecut_core.errors import ModelError, Remedy
from posecut_core.inference.predictor import Predictor
from posecut_core.inference.stored_frames import Predicts
from posecut_core.labels.contents import Contents, read_contents
from posecut_core.model.devices import use_compilation_cache
from posecut_core.progress import Notice, Progress, Report, deferred_interrupt, silent
from posecut_core.project.given import forgiving
from posecut_core.project.opening import open_project
from posecut_core.project.paths import Project, snapshot_folder, snapshot_steps
from posecut_core.results import Summary, counted

_PACE = Pace()
_WORSE = 2.0  # times the assistant's error, above which a network that was trained later does not propose


@dataclass(frozen=True)
class ProposedLabels:
    """What `propose_labels` wrote."""

    scorer: str  # of the network
    step: int  # training steps of its snapshot
    frames: dict[str, int]  # video -> frames with suggestions
    path: Path
    learns: bool  # whether the network is the one that learns while somebody labels

    def summary(self) -> Summary:
        """Say for how many frames there are suggestions, and by which network."""
        lines = tuple(f"{video}: {counted(count, 'frame')}" for video, count in self.frames.items())
        text = f"{counted(sum(self.frames.values()), 'frame')} with suggestions by {self.scorer}."
        return Summary(text, lines, (Remedy("label_frames"),))


@dataclass(frozen=True)
class Assisted:
    """What `assist` left behind."""

    first_step: int  # 0, or the step of the snapshot that it went on from
    last_step: int
    labelled_frames: int  # that it learned from at last
    proposals: Path
    snapshot: Path

    def summary(self) -> Summary:
        """Say how much was learned."""
        return Summary(f"Learned from {counted(self.labelled_frames, 'labeled frame')} up to step {self.last_step}.")


@forgiving
def propose_labels(
    config: str | os.PathLike[str], shuffle: int | None = None, *, report: Report = silent
) -> ProposedLabels:
    """Let the newest trained network predict the extracted frames that are not completely labeled.

    What it finds is written to `posecut-jobs/proposals.json` for a person to see and accept; labels stay as they are.

    Args:
        config: path of config.yaml.
        shuffle: whose network; by default the one that was trained last of the newest iteration that has any, or the
            one that learns while somebody labels (`assist`) if that is newer, or far closer to the labels, as after a
            short training.
        report: called after each batch.

    Raises:
        ModelError: there is no trained network, it is damaged, or it knows no bodypart of the project.
        LabelError: labels are damaged or do not fit the project.
        StorageError: the project folder cannot be written.
    """
    project = open_project(config)
    model = _newest_model(project, shuffle)
    predictor = Predictor.load(model)
    contents = {video: read_contents(project, video) for video in stored_videos(project)}
    if shuffle is None and model != project.assistant and snapshot_steps(project.assistant):
        assistant = Predictor.load(project.assistant)
        if _is_far_worse(project, contents, predictor, assistant, report):
            model, predictor = project.assistant, assistant
    proposals = proposals_for(
        project, contents, predictor, step=predictor.step, batch_size=project.config.batch_size, report=report
    )
    write_proposals(project.proposals, proposals)
    frames = {video: len(found.numbers) for video, found in proposals.videos.items()}
    return ProposedLabels(predictor.scorer, predictor.step, frames, project.proposals, model == project.assistant)


def _newest_model(project: Project, shuffle: int | None) -> Path:
    """Return the folder of the network that was trained last; `shuffle` as for `propose_labels`.

    Raises:
        ModelError: there is none.
    """
    for iteration in range(project.config.iteration, -1, -1):
        trainings = project.at_iteration(iteration).trainings()
        trained = [one.folder for one in trainings if shuffle in (None, one.shuffle) and one.snapshots]
        if trained:
            break
    if shuffle is None and snapshot_steps(project.assistant):
        trained.append(project.assistant)
    if not trained:
        which = "" if shuffle is None else f" of shuffle {shuffle}"
        raise ModelError(
            f"Found no trained network{which} in {project.models.parent}; train one first.",
            Remedy("train_network", config=project.root, **({} if shuffle is None else {"shuffle": shuffle})),
        )
    return max(trained, key=_trained_at)


def _is_far_worse(
    project: Project, contents: Mapping[str, Contents], trained: Predicts, assistant: Predicts, report: Report
) -> bool:
    """Tell whether the assistant is far closer to the labels; both have learned from them, so little says nothing."""
    errors = [label_error(project, contents, one, batch_size=project.config.batch_size) for one in (trained, assistant)]
    worse = errors[0] > _WORSE * errors[1]
    if worse:
        report(
            Notice(
                f"The network that learns from your labels goes on suggesting: it is {errors[1]:.1f} px from them in "
                f"the median, {trained.scorer} {errors[0]:.1f} px"
            )
        )
    return worse


def _trained_at(folder: Path) -> int:
    """Return when the last snapshot was written, in nanoseconds."""
    return snapshot_folder(folder, snapshot_steps(folder)[-1]).stat().st_mtime_ns


def _a_second() -> None:
    time.sleep(1)


@forgiving
def assist(
    config: str | os.PathLike[str],
    *,
    maxiters: int | None = None,
    settings: Mapping[str, object] | None = None,
    pace: Pace = _PACE,
    wait: Callable[[], None] = _a_second,
    report: Report = silent,
) -> Assisted:
    """Train a small network on what is labeled so far, and suggest labels for the other extracted frames.

    Labels may be edited meanwhile, also by other programs: those that are new join the training. Suggestions go to
    `posecut-jobs/proposals.json`, the network to `posecut-models/assistant/`; training datasets, shuffles and
    config.yaml stay as they are. Ctrl-C, SIGTERM, or a KeyboardInterrupt raised by `report`, leaves a snapshot;
    calling again goes on from it, or begins afresh if the bodyparts have other names by then.

    Args:
        config: path of config.yaml.
        maxiters: end after this many steps in all; by default it goes on until it is interrupted.
        settings: any settings of training (as in settings.yaml) that replace the assistant's own.
        pace: with how many labeled frames it begins, and how often it does what.
        wait: is called between two looks at the labels while there is nothing to do.
        report: notified of the loss, of new suggestions, and while there are too few labels.

    Raises:
        LabelError: labels are damaged or do not fit the project.
        DatasetError: the frames are too small to be trained on, or do not fit into memory.
        ModelError: a setting cannot work, or a newer PoseCut wrote the snapshot.
        StorageError: the disk refuses.
    """
    use_compilation_cache()
    limit = {} if maxiters is None else {"maxiters": maxiters}
    with deferred_interrupt() as interrupted:

        def tell(progress: Progress | Notice | None) -> None:
            if progress is not None:
                report(progress)
            if interrupted():
                raise KeyboardInterrupt

        watch = LabelWatch(config)
        first, last, frames = Assistance(watch, pace, {**(settings or {}), **limit}, wait, tell).run()
    project = watch.project
    return Assisted(first, last, frames, project.proposals, snapshot_folder(project.assistant, last))
