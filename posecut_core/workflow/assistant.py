"""The small network that learns while somebody labels: what it is built like, and where it goes on from."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jax

from posecut_core.dataset.batches import TrainingFrames, scaled_size
from posecut_core.dataset.loading import KnownImages, load_frames
from posecut_core.dataset.requirements import check_trainable
from posecut_core.dataset.settings import TrainingSettings, settings_from
from posecut_core.labels.table import LabelTable
from posecut_core.model.beginning import begin
from posecut_core.model.network import NetworkSpec, parameter_shapes
from posecut_core.model.snapshots import (
    SnapshotInfo,
    load_state,
    newest_sound,
    remove_old_snapshots,
    save_snapshot,
    snapshot_folder,
)
from posecut_core.model.training import TrainState, initial_state
from posecut_core.progress import silent
from posecut_core.project.layout import Project
from posecut_core.video.store import FrameStore
from posecut_core.workflow.label_watch import labelled_refs, stored_videos

SETTINGS: Mapping[str, object] = {
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
COMFORTABLE_SIDE = 320  # pixels: longest side of the scaled frames
SMALLEST_SCALE = 0.25
RADIUS = 8.5  # scaled pixels: cells so near to a label are the bodypart
_KEPT = 2  # snapshots: one more than is needed, should the last be damaged


@dataclass(frozen=True)
class Assistant:
    """The network of a project, before its next step."""

    project: Project
    settings: TrainingSettings
    spec: NetworkSpec
    state: TrainState

    def info(self, step: int) -> SnapshotInfo:
        """Say what a snapshot of `step` holds."""
        run = f"{self.project.config.task}{self.project.config.date}assistant"
        return SnapshotInfo(step, run, self.spec, self.settings.global_scale)

    def save(self, step: int) -> Path:
        """Write a snapshot of the network as it is after `step`; older ones are deleted.

        Raises:
            StorageError: the disk refuses.
        """
        saved = save_snapshot(self.project.assistant, self.info(step), self.state)
        remove_old_snapshots(self.project.assistant, keep=_KEPT)
        return saved


def begin_assistant(project: Project, changes: Mapping[str, object]) -> Assistant:
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
    settings = settings_from({**SETTINGS, "global_scale": scale, "pos_dist_thresh": RADIUS / scale, **changes})
    begun = begin(settings, project.config.bodyparts, report=silent)
    if info and (info.network, info.global_scale) == (begun.spec, settings.global_scale):
        shapes = jax.eval_shape(lambda tree: initial_state(tree, settings), parameter_shapes(begun.spec))
        state = load_state(snapshot_folder(project.assistant, info.step), info, shapes)
        return Assistant(project, settings, begun.spec, state)
    shutil.rmtree(project.assistant, ignore_errors=True)
    return Assistant(project, settings, begun.spec, initial_state(begun.parameters, settings))


def assistant_frames(assistant: Assistant, tables: Mapping[str, LabelTable], known: KnownImages) -> TrainingFrames:
    """Read the labelled frames, padded to the size of the largest extracted frame of the project.

    Raises:
        DatasetError: they cannot be trained on.
        VideoError: extracted frames are damaged.
    """
    project, scale = assistant.project, assistant.settings.global_scale
    refs = labelled_refs(tables)
    sides = [side for video in stored_videos(project) for side in _sizes(project, video)]
    least = scaled_size(max(height for height, _ in sides), max(width for _, width in sides), scale=scale)
    frames = load_frames(
        refs,
        tables,
        lambda video: FrameStore.open(project.frame_store(video)),
        scale=scale,
        least=least,
        known=known,
        report=silent,
    )
    check_trainable(frames, refs)
    return frames


def _scale(project: Project) -> float:
    """Choose global_scale so that the longest side of extracted frames comes down to a comfortable one."""
    longest = max(max(size) for video in stored_videos(project) for size in _sizes(project, video))
    return round(min(1.0, max(SMALLEST_SCALE, COMFORTABLE_SIDE / longest)), 3)


def _sizes(project: Project, video: str) -> list[tuple[int, int]]:
    return [(height, width) for height, width in FrameStore.open(project.frame_store(video)).sizes.tolist()]
