"""Step J's end: the corrected labels join the others, and the next iteration of training begins (`merge_datasets`)."""

import os
from dataclasses import dataclass
from pathlib import Path

from posecut_core.dataset.split import has_revision
from posecut_core.errors import LabelError, Remedy
from posecut_core.formats.deeplabcut.frames import frames_listed
from posecut_core.labels.images import adopt_project
from posecut_core.labels.store import accept_drafts, finish_saving, read_state
from posecut_core.labels.table import LabelTable
from posecut_core.progress import Notice, Report, silent
from posecut_core.project.config import edit_config
from posecut_core.project.given import forgiving
from posecut_core.project.opening import frame_folders
from posecut_core.project.paths import Project
from posecut_core.results import Summary, counted
from posecut_core.training.dataset import labeled_tables
from posecut_core.types import Unreviewed

_NAMED = 8  # frames of each video in a message


@dataclass(frozen=True)
class MergedDatasets:
    """What the next iteration begins with."""

    config_path: Path
    iteration: int  # the new one
    labelled_frames: int
    accepted: int  # drafts that became labels
    left: int  # drafts that nobody has looked at, which are not trained on
    begun_before: bool = False  # nothing was made in the iteration yet, so that it goes on being the next one
    goes_on: bool = False  # the first shuffle has a network, from whose weights training can go on

    def summary(self) -> Summary:
        """Say which iteration begins, with how many frames, and what became of suggestions."""
        root = self.config_path.parent
        begins = "has begun already and has no training dataset yet" if self.begun_before else "begins"
        text = f"Iteration {self.iteration} {begins}, with {counted(self.labelled_frames, 'labeled frame')}."
        if self.accepted:
            text += f" {counted(self.accepted, 'suggestion')} accepted without review, as requested."
        if self.left:
            text += f" {counted(self.left, 'suggestion')} left out of training."
        weights = {"weights": "previous"} if self.goes_on else {}
        train = Remedy("train_network", config=root, **weights)
        return Summary(text, following=(Remedy("create_training_dataset", config=root), train))


@forgiving
def merge_datasets(
    config: str | os.PathLike[str], *, unreviewed: Unreviewed = "refuse", report: Report = silent
) -> MergedDatasets:
    """Begin the next iteration: the corrected labels join the others.

    Its training datasets and networks get folders of their own; those before stay. One that was begun and in which
    nothing was made yet stays the next one, however often this is called.
    Source: Nath et al. 2019, step J; there too `iteration` in config.yaml grows by one.

    Args:
        config: path of config.yaml.
        unreviewed: what becomes of suggestions that nobody has reviewed: "refuse" (list them and do nothing), "accept"
            (all become labels as they are), "leave" (they stay suggestions and are not trained on).
        report: notified of the videos.

    Raises:
        ArgumentError: there is no such policy.
        LabelError: the first iteration has no training dataset yet, or this one has one of the same labels; suggestions
            are unreviewed, nothing is labeled, or another program's changes are undecided.
        StorageError: the disk refuses; the iteration is then as before.
    """
    project = adopt_project(config, report=report)
    begun_before = project.config.iteration > 0 and not project.has_training_dataset
    if not begun_before:
        _check_used(project)
    drafts = {folder.name: read_state(project, folder.name).unreviewed for folder in frame_folders(project)}
    open_drafts = {video: found for video, found in drafts.items() if found}
    if open_drafts and unreviewed == "refuse":
        raise _unreviewed(project, open_drafts)
    if unreviewed == "accept":
        for video, found in open_drafts.items():
            report(Notice(f"accepting {len(found)} suggestions of {video}"))
            accept_drafts(project, video, found)
        for video in drafts.keys() - open_drafts.keys():  # accepted by a call that was killed before it could save
            finish_saving(project, video)
    count = sum(map(len, open_drafts.values()))
    accepted = count if unreviewed == "accept" else 0
    tables = labeled_tables(project, report=report)
    iteration = project.config.iteration
    if not begun_before:
        _check_news(project, tables, unreviewed=count - accepted)
        iteration += 1
        edit_config(project.config_path, {"iteration": iteration})
    labeled = sum(len(table.numbers) for table in tables)
    first = project.training(1)
    goes_on = any(training.snapshots for training in (first, *first.earlier()))
    return MergedDatasets(project.config_path, iteration, labeled, accepted, count - accepted, begun_before, goes_on)


def _check_used(project: Project) -> None:
    """Refuse to leave the first iteration before anything was made in it."""
    if not project.has_training_dataset:
        raise LabelError(
            f"Iteration {project.config.iteration} has no training dataset yet; create one from the current labels "
            "before you start the next iteration.",
            Remedy("create_training_dataset", config=project.root),
        )


def _check_news(project: Project, tables: list[LabelTable], *, unreviewed: int) -> None:
    """Refuse an iteration that would train on the same labels as the one before."""
    if has_revision(project.training_datasets, tables):
        same = f"No label has changed since the training dataset of iteration {project.config.iteration} was created; "
        if unreviewed:
            raise LabelError(
                f"{same}review the {counted(unreviewed, 'suggestion')} before you start the next iteration.",
                Remedy("label_frames", config=project.root),
            )
        raise LabelError(
            f"{same}extract outlier frames and label them before you start the next iteration, or create another "
            "shuffle of these labels.",
            Remedy("extract_outlier_frames", config=project.root),
            Remedy("create_training_dataset", config=project.root),
        )


def _unreviewed(project: Project, drafts: dict[str, tuple[tuple[int, str], ...]]) -> LabelError:
    listed = []
    for video, found in drafts.items():
        frames = sorted({number for number, _ in found})
        more = f" and {len(frames) - _NAMED} more" if len(frames) > _NAMED else ""
        listed.append(f"{video} {frames_listed(project, video, frames[:_NAMED])}{more}")
    return LabelError(
        f"{sum(map(len, drafts.values()))} suggestions are unreviewed ({'; '.join(listed)}); review them one by one, "
        "accept all, or leave them out of training.",
        Remedy("label_frames", config=project.root),
        Remedy("merge_datasets", config=project.root, unreviewed="accept"),
        Remedy("merge_datasets", config=project.root, unreviewed="leave"),
    )
