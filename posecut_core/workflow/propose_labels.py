"""Proposals for frames that are not labelled yet (`propose_labels`), from labels that somebody may be editing."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posecut_core.errors import LabelError, ModelError, Remedy
from posecut_core.inference.predictor import Predictor
from posecut_core.inference.stored_frames import Predicts, StoredFrames, predict_stored_frames, stored_frames
from posecut_core.labels.contents import Contents, read_contents
from posecut_core.labels.images import adopt_project
from posecut_core.labels.table import LabelTable
from posecut_core.poses.proposals import Proposals, VideoProposals, write_proposals
from posecut_core.progress import Progress, Report, silent
from posecut_core.project.given import forgiving
from posecut_core.project.opening import frame_folders, open_project
from posecut_core.project.paths import Project, snapshot_folder, snapshot_steps
from posecut_core.types import FrameRef
from posecut_core.video.frame_store import FrameStore

# --- label watch ------------------------------------------------------------------------------------------------------
# Labels of a project while somebody edits them: read again when they have grown, without locks.


_Signature = tuple[tuple[int, int], ...]  # size and time of writing of files


class LabelWatch:
    """The project as it was at the last look, and the labels of its videos with extracted frames."""

    def __init__(self, config: str | os.PathLike[str], *, report: Report = silent) -> None:
        self.project = adopt_project(config, report=report)
        self.contents: dict[str, Contents] = {}
        self._config_seen = _signature(self.project.config_path)
        self._seen: dict[str, _Signature] = {}
        self._unread: set[str] = set()  # videos whose labels could not be read at the last look

    def look(self) -> bool:
        """Read what has changed since the last look, and tell whether anything has.

        Labels that cannot be read are read once more at the next look: a program may be writing them.

        Raises:
            LabelError: labels that could not be read at the last look cannot be read now.
            ProjectError: config.yaml is malformed.
        """
        changed = self._look_at_config()
        for video in stored_videos(self.project):
            signature = _signature(*_label_files(self.project, video))
            if signature != self._seen.get(video):
                changed |= self._read(video, signature)
        return changed

    def tables(self) -> dict[str, LabelTable]:
        """Return the labels of each video that may be trained on; frames without an image are left out."""
        return {video: _trainable(self.project, contents.table(video)) for video, contents in self.contents.items()}

    def _look_at_config(self) -> bool:
        """Begin anew where config.yaml lists other bodyparts: names of columns are in everything that was read."""
        signature, before = _signature(self.project.config_path), self.project.config.bodyparts
        if signature == self._config_seen:
            return False
        self.project, self._config_seen = open_project(self.project.config_path), signature
        if self.project.config.bodyparts == before:
            return False
        self.contents, self._seen, self._unread = {}, {}, set()
        return True

    def _read(self, video: str, signature: _Signature) -> bool:
        try:
            self.contents[video] = read_contents(self.project, video)
        except LabelError:
            if video in self._unread:
                raise
            self._unread.add(video)
            return False
        self._seen[video] = signature
        self._unread.discard(video)
        return True


def stored_videos(project: Project) -> tuple[str, ...]:
    """List the videos that have extracted frames, by stem."""
    return tuple(folder.name for folder in frame_folders(project) if project.frame_store(folder.name).exists())


def labeled_refs(tables: Mapping[str, LabelTable]) -> tuple[FrameRef, ...]:
    """List the frames of tables, video by video."""
    return tuple(FrameRef(video, number) for video, table in tables.items() for number in table.numbers.tolist())


def placed_frames(tables: Mapping[str, LabelTable]) -> int:
    """Count the frames of tables in which a bodypart has a position."""
    return sum(int((~np.isnan(table.xy[..., 0])).any(axis=1).sum()) for table in tables.values())


def _trainable(project: Project, table: LabelTable) -> LabelTable:
    stored = FrameStore.open(project.frame_store(table.video)).numbers
    return table.rows(table.annotated.any(axis=1) & np.isin(table.numbers, stored))


def _label_files(project: Project, video: str) -> list[Path]:
    """List the files that say what is labelled: the journal, or DeepLabCut's files where there is none yet."""
    journal = project.label_journal(video)
    if journal.exists():
        return [journal]
    return [project.collected_data(video), project.collected_data(video, ".csv")]


def _signature(*paths: Path) -> _Signature:
    found = (path.stat() if path.exists() else None for path in paths)
    return tuple((status.st_size, status.st_mtime_ns) if status else (-1, 0) for status in found)


# --- proposing --------------------------------------------------------------------------------------------------------
# Proposals for frames that are not labelled yet (`propose_labels`): a trained network helps to label.


_DECIMALS = 2  # of a pixel: more says nothing


@dataclass(frozen=True)
class ProposedLabels:
    """What `propose_labels` wrote."""

    scorer: str  # of the network
    step: int  # training steps of its snapshot
    frames: dict[str, int]  # video -> frames with proposals
    path: Path
    learns: bool  # whether the network is the one that learns while somebody labels


@forgiving
def propose_labels(
    config: str | os.PathLike[str], shuffle: int | None = None, *, report: Report = silent
) -> ProposedLabels:
    """Let the newest trained network predict the extracted frames that are not completely labelled.

    What it finds is written to `posecut-jobs/proposals.json` for a person to see and accept; labels stay as they are.

    Args:
        config: path of config.yaml.
        shuffle: whose network; by default the one that was trained last of the newest iteration that has any, or the
            one that learns while somebody labels (`assist`) if that is newer.
        report: told of every batch.

    Raises:
        ModelError: there is no trained network, it is damaged, or it knows no bodypart of the project.
        LabelError: labels are damaged or do not fit the project.
        StorageError: the project folder cannot be written.
    """
    project = open_project(config)
    model = _newest_model(project, shuffle)
    predictor = Predictor.load(model)
    contents = {video: read_contents(project, video) for video in stored_videos(project)}
    proposals = proposals_for(
        project, contents, predictor, step=predictor.step, batch_size=project.config.batch_size, report=report
    )
    write_proposals(project.proposals, proposals)
    frames = {video: len(found.numbers) for video, found in proposals.videos.items()}
    return ProposedLabels(predictor.scorer, predictor.step, frames, project.proposals, model == project.assistant)


def proposals_for(
    project: Project,
    contents: Mapping[str, Contents],
    predictor: Predicts,
    *,
    step: int,
    batch_size: int,
    report: Report,
) -> Proposals:
    """Predict the extracted frames in which a bodypart is unset.

    Args:
        project: the project.
        contents: what is known of the labels of each video.
        predictor: the network.
        step: training steps of its snapshot.
        batch_size: frames that it sees at once.
        report: told of every batch.

    Raises:
        ModelError: the network knows no bodypart of the project.
        VideoError: extracted frames are damaged.
    """
    bodyparts = tuple(part for part in project.config.bodyparts if part in predictor.bodyparts)
    if not bodyparts:
        raise ModelError(
            f"{predictor.scorer} knows {', '.join(predictor.bodyparts)}, expected at least one of the project's "
            f"bodyparts ({', '.join(project.config.bodyparts)}); train a network on them first."
        )
    chosen = {video: _unset_frames(project, video, known, bodyparts) for video, known in contents.items()}
    total, done = sum(len(frames.numbers) for frames in chosen.values()), 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        report(Progress("proposing labels", done, total))

    columns = [predictor.bodyparts.index(part) for part in bodyparts]
    found = {
        video: _predicted(predictor, frames, columns, batch_size=batch_size, advance=advance)
        for video, frames in chosen.items()
        if len(frames.numbers)
    }
    return Proposals(predictor.scorer, step, bodyparts, found)


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


def _trained_at(folder: Path) -> int:
    """Return when the last snapshot was written, in nanoseconds."""
    return snapshot_folder(folder, snapshot_steps(folder)[-1]).stat().st_mtime_ns


def _unset_frames(project: Project, video: str, contents: Contents, bodyparts: tuple[str, ...]) -> StoredFrames:
    """Choose the extracted frames, but for dropped ones, in which nothing is known of some of the bodyparts."""
    store, state = FrameStore.open(project.frame_store(video)), contents.history.state
    parts = [contents.naming.identities[name] for name in bodyparts]
    unset = [
        number
        for number in store.numbers.tolist()
        if not state.frame(number).dropped and any(state.point(number, part) is None for part in parts)
    ]
    return stored_frames(video, store, np.array(unset, dtype=np.int64))


def _predicted(
    predictor: Predicts, frames: StoredFrames, columns: list[int], *, batch_size: int, advance: Callable[[int], None]
) -> VideoProposals:
    found = predict_stored_frames(predictor, frames, batch_size=batch_size, advance=advance)
    xy = np.round(found.xy[:, columns], _DECIMALS)
    return VideoProposals(frames.numbers, xy, np.clip(found.likelihood[:, columns], 0.0, 1.0))
