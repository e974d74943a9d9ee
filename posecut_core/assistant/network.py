"""A small network that learns from the labels as they come: what it is, and when it learns and proposes."""

import dataclasses
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import jax
import numpy as np

from posecut_core.assistant.proposals import proposals_for, stored_videos, write_proposals
from posecut_core.dataset.frames import (
    KnownImages,
    TrainingFrames,
    check_trainable,
    load_frames,
    mirror_order,
    scaled_size,
)
from posecut_core.dataset.scoremaps import Distances, distances_between
from posecut_core.dataset.settings import TrainingSettings, settings_from
from posecut_core.dataset.sizes import comfortable_scale
from posecut_core.errors import LabelError, VideoError
from posecut_core.formats.deeplabcut.frames import frame_name
from posecut_core.inference.engine import XlaEngine
from posecut_core.inference.predictor import Predictor
from posecut_core.labels.contents import Contents, read_contents
from posecut_core.labels.table import LabelTable
from posecut_core.model.devices import chosen_devices, placement
from posecut_core.model.initialization import begin
from posecut_core.model.log import Metrics
from posecut_core.model.pose_net import NetworkSpec, parameter_shapes
from posecut_core.model.snapshots import SnapshotInfo, load_state, newest_sound, remove_old_snapshots, save_snapshot
from posecut_core.model.step import TrainState, fit, initial_state
from posecut_core.progress import Notice, Progress, silent
from posecut_core.project.opening import open_project
from posecut_core.project.paths import Project, snapshot_folder
from posecut_core.results import counted
from posecut_core.storage.files import Stamps, stamps
from posecut_core.types import FrameRef
from posecut_core.video.frame_store import FrameStore

_SETTINGS: Mapping[str, object] = {
    "net_type": "resnet_18",
    "width": 0.5,
    "norm": "frozen_batch",  # no statistics: few small crops have poor ones
    "init_weights": "random",  # no download stands before the first help
    "batch_size": 4,
    "crop_size": 160,
    "crop_on_animal": 0.7,
    "rotation": 180.0,  # of few frames, none shows the animal in all directions
    "blur": 0.5,
    "noise": 0.02,
    "learning_rate": 3e-3,
    "learning_rate_decay": "none",
    "ema_decay": 0.99,
    "maxiters": 10**9,
    "display_iters": 25,
}  # all others are as for any training
_RADIUS = 8.5  # scaled pixels: cells so near to a label are the bodypart; its suggestions were measured with that
_KEPT = 2  # snapshots: one more than is needed, should the last be damaged


@dataclass(frozen=True)
class _Assistant:
    """The network of a project, before its next step."""

    project: Project
    settings: TrainingSettings
    spec: NetworkSpec
    state: TrainState
    distances: Distances | None = None  # between the bodyparts of the labels, once there are some

    def info(self, step: int) -> SnapshotInfo:
        """Say what a snapshot of `step` holds."""
        run = f"{self.project.config.task}{self.project.config.date}assistant"
        return SnapshotInfo(step, run, self.spec, self.settings.global_scale, self.distances)

    def save(self, step: int) -> Path:
        """Write a snapshot of the network as it is after `step`; older ones are deleted.

        Raises:
            StorageError: the disk refuses.
        """
        saved = save_snapshot(self.project.assistant, self.info(step), self.state)
        remove_old_snapshots(self.project.assistant, keep=_KEPT)
        return saved


def _begin(project: Project, changes: Mapping[str, object]) -> _Assistant:
    """Go on from the assistant's last snapshot, or begin afresh where it was for other bodyparts.

    Args:
        project: the project, in which frames have been extracted.
        changes: settings that replace the assistant's own; another scale or network begins afresh too.

    Raises:
        ModelError: a setting cannot work, or a newer PoseCut wrote the snapshot.
        StorageError: a damaged snapshot cannot be set aside.
    """
    info, _ = newest_sound(project.assistant)
    scale = info.global_scale if info else _scale(project)
    scale = float(str(changes.get("global_scale", scale)))
    settings = settings_from({**_SETTINGS, "global_scale": scale, "pos_dist_thresh": _RADIUS / scale, **changes})
    begun = begin(settings, project.config.bodyparts, report=silent)
    if info and (info.network, info.global_scale) == (begun.spec, settings.global_scale):
        shapes = jax.eval_shape(lambda tree: initial_state(tree, settings), parameter_shapes(begun.spec))
        state = load_state(snapshot_folder(project.assistant, info.step), info, shapes)
        return _Assistant(project, settings, begun.spec, state, info.distances)
    shutil.rmtree(project.assistant, ignore_errors=True)
    return _Assistant(project, settings, begun.spec, initial_state(begun.parameters, settings))


def _frames(assistant: _Assistant, tables: Mapping[str, LabelTable], known: KnownImages) -> TrainingFrames:
    """Read the labeled frames, padded to the size of the largest extracted frame of the project.

    Raises:
        DatasetError: they cannot be trained on.
        VideoError: extracted frames are damaged.
    """
    project, scale = assistant.project, assistant.settings.global_scale
    refs, called = _labeled_refs(tables), partial(frame_name, project)
    sides = [side for video in stored_videos(project) for side in _sizes(project, video)]
    least = scaled_size(max(height for height, _ in sides), max(width for _, width in sides), scale=scale)
    frames = load_frames(
        refs,
        tables,
        lambda video: FrameStore.open(project.frame_store(video)),
        scale=scale,
        context=assistant.settings.context,
        least=least,
        known=known,
        called=called,
        report=silent,
    )
    check_trainable(frames, refs, called=called)
    return frames


def _scale(project: Project) -> float:
    """Choose global_scale by the longest side of the extracted frames."""
    longest = max(max(size) for video in stored_videos(project) for size in _sizes(project, video))
    return comfortable_scale(longest, interactive=True)


def _sizes(project: Project, video: str) -> list[tuple[int, int]]:
    return [(height, width) for height, width in FrameStore.open(project.frame_store(video)).sizes.tolist()]


# --- labels -----------------------------------------------------------------------------------------------------------
# Labels of a project while somebody edits them: read again when they have grown, without locks.


class LabelWatch:
    """The project as it was at the last poll, and the labels of its videos with extracted frames."""

    def __init__(self, config: str | os.PathLike[str]) -> None:
        self.project = open_project(config)
        self.contents: dict[str, Contents] = {}
        self._config_seen = stamps(self.project.config_path)
        self._seen: dict[str, Stamps] = {}
        self._unread: set[str] = set()  # videos whose labels could not be read at the last poll

    def poll(self) -> bool:
        """Read what has changed since the last poll, and tell whether anything has.

        Labels that cannot be read are read once more at the next poll: a program may be writing them.

        Raises:
            LabelError: labels that could not be read at the last poll cannot be read now.
            ProjectError: config.yaml is malformed.
        """
        changed = self._poll_config()
        for video in stored_videos(self.project):
            found = stamps(*_label_files(self.project, video))
            if found != self._seen.get(video):
                changed |= self._read(video, found)
        return changed

    def tables(self) -> dict[str, LabelTable]:
        """Return the labels of each video that may be trained on; frames without an image are left out."""
        return {video: _trainable(self.project, contents.table(video)) for video, contents in self.contents.items()}

    def _poll_config(self) -> bool:
        """Begin anew where config.yaml lists other bodyparts: names of columns are in everything that was read."""
        found, before = stamps(self.project.config_path), self.project.config.bodyparts
        if found == self._config_seen:
            return False
        self.project, self._config_seen = open_project(self.project.config_path), found
        if self.project.config.bodyparts == before:
            return False
        self.contents, self._seen, self._unread = {}, {}, set()
        return True

    def _read(self, video: str, found: Stamps) -> bool:
        try:
            self.contents[video] = read_contents(self.project, video)
        except LabelError:
            if video in self._unread:
                raise
            self._unread.add(video)
            return False
        self._seen[video] = found
        self._unread.discard(video)
        return True


def _labeled_refs(tables: Mapping[str, LabelTable]) -> tuple[FrameRef, ...]:
    """List the frames of tables, video by video."""
    return tuple(FrameRef(video, number) for video, table in tables.items() for number in table.numbers.tolist())


def _placed_frames(tables: Mapping[str, LabelTable]) -> int:
    """Count the frames of tables in which a bodypart has a position."""
    return sum(int((~np.isnan(table.xy[..., 0])).any(axis=1).sum()) for table in tables.values())


def _trainable(project: Project, table: LabelTable) -> LabelTable:
    stored = FrameStore.open(project.frame_store(table.video)).numbers
    return table.rows(table.annotated.any(axis=1) & np.isin(table.numbers, stored))


def _label_files(project: Project, video: str) -> list[Path]:
    """List the files that say what is labeled: the journal, or DeepLabCut's files where there is none yet."""
    journal = project.label_journal(video)
    if journal.exists():
        return [journal]
    return [project.collected_data(video), project.collected_data(video, ".csv")]


# --- learning ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pace:
    """When the assistant does what; all but `frames` is counted in training steps, which take 0.1 to 0.2 s."""

    frames: int = 5  # labeled ones with which it begins
    first: int = 300  # the first proposals
    every: int = 300  # the next ones; later where there are more frames than that to predict
    poll: int = 25  # whether labels have changed
    rest: int = 6000  # without another label it has learned what there is to learn, and waits for one


class Assistance:
    """One call of `assist`: what it looks at, and when the next proposals are due."""

    def __init__(
        self,
        watch: LabelWatch,
        pace: Pace,
        settings: Mapping[str, object],
        wait: Callable[[], None],
        tell: Callable[[Progress | Notice | None], None],
    ) -> None:
        self._watch, self._pace, self._settings, self._wait, self._tell = watch, pace, settings, wait, tell
        self._due = 0  # step of the next proposals
        self._failed = False  # whether the last proposals could not be made

    def run(self) -> tuple[int, int, int]:
        """Train until the last step; with other bodyparts another network begins.

        Returns:
            The step that it went on from, the last one, and how many frames it learned from at last.
        """
        while True:
            self._labels()
            found = self._learn(_begin(self._watch.project, self._settings))
            if found is not None:
                return found

    def _learn(self, assistant: _Assistant) -> tuple[int, int, int] | None:
        """Train one network, on other frames whenever labels have changed; None where the bodyparts have."""
        images: KnownImages = {}
        first = step = int(assistant.state.step)
        self._due = step + 1 if step else self._pace.first
        while True:
            tables = self._labels(assistant)
            if self._watch.project.config.bodyparts != assistant.spec.bodyparts:
                return None
            frames = _frames(assistant, tables, images)
            known = dataclasses.replace(assistant, distances=distances_between(frames.xy))
            assistant = self._steps(known, frames)
            step = int(assistant.state.step)
            if step >= assistant.settings.maxiters:
                return first, step, len(frames)

    def _labels(self, assistant: _Assistant | None = None) -> dict[str, LabelTable]:
        """Wait until enough frames are labeled, and return their labels; an interruption leaves a snapshot."""
        self._watch.poll()
        try:
            while (count := _placed_frames(tables := self._watch.tables())) < self._pace.frames:
                self._await_change(Progress("waiting for labeled frames", count, self._pace.frames))
            self._tell(Progress(f"preparing to learn from {counted(count, 'labeled frame')}", 0))  # it is compiled soon
        except KeyboardInterrupt:
            if assistant is not None:
                assistant.save(int(assistant.state.step))
            raise
        return tables

    def _await_change(self, progress: Progress) -> None:
        while not self._watch.poll():
            self._tell(progress)
            self._wait()

    def _steps(self, assistant: _Assistant, frames: TrainingFrames) -> _Assistant:
        """Train on the same frames until labels change, the last step is taken, or nothing is left to learn."""
        settings, spec = assistant.settings, assistant.spec
        order = mirror_order(spec.bodyparts, settings.mirror_pairs)
        where = placement(chosen_devices(None), batch_size=settings.batch_size)
        first = int(assistant.state.step) + 1
        with closing(fit(assistant.state, frames, order, spec=spec, settings=settings, where=where)) as steps:
            for step, taken in enumerate(steps, start=first):
                assistant = dataclasses.replace(assistant, state=taken.state)
                self._after(assistant, step, _progress(taken.metrics, len(frames)))
                if step % self._pace.poll == 0 and self._watch.poll():
                    return assistant
                if step - first + 1 == self._pace.rest and step < settings.maxiters:
                    break
            else:
                return assistant
        assistant.save(step)
        self._await_change(Progress("waiting for more labels", 0))
        return assistant

    def _after(self, assistant: _Assistant, step: int, progress: Progress | None) -> None:
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

    def _propose(self, assistant: _Assistant, step: int) -> None:
        """Write new proposals; frames that somebody takes out meanwhile are passed over once."""
        project, settings = assistant.project, assistant.settings
        self._due = step + self._pace.every
        info = assistant.info(step)
        predictor = Predictor(info, XlaEngine(info.network, assistant.state.predicting))
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
        self._tell(Progress("new suggestions", proposals.frames, proposals.frames, {"step": step}))


def _progress(metrics: Metrics | None, frames: int) -> Progress | None:
    if metrics is None:
        return None
    values = {"loss": metrics.loss, "steps_per_s": metrics.steps_per_second, "labelled_frames": frames}
    return Progress("learning from your labels", metrics.step, None, values)
