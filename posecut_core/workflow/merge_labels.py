"""What other programs changed in the labels: shown, then taken over or discarded, never without being asked."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from posecut_core.errors import ArgumentError, LabelError, PosecutError, Remedy, treat_all
from posecut_core.formats.deeplabcut.frames import frame_words
from posecut_core.labels.edits import Together
from posecut_core.labels.exchange import describe
from posecut_core.labels.images import adopt_project
from posecut_core.labels.session import LabelSession
from posecut_core.project.given import forgiving
from posecut_core.project.opening import chosen_stems, frame_folders
from posecut_core.project.paths import Project
from posecut_core.results import Summary, counted, first_of


@dataclass(frozen=True)
class MergedVideo:
    """What other programs changed in the labels of one video."""

    video: str
    changes: tuple[str, ...]  # as "frame 3: snout placed at (81.5, 40.0)"
    copies: tuple[Path, ...]  # of files that were discarded
    obstacle: str = ""  # why they cannot be taken over, so that all one can do is discard them

    def _lines(self, decision: str) -> list[str]:
        changes = counted(len(self.changes), "change") if self.changes else "changes that cannot be read"
        lines = [f"{self.video}: {changes}, {decision}", *(f"  {line}" for line in first_of(self.changes))]
        lines += [f"  {self.obstacle}"] * bool(self.obstacle)
        return lines + [f"  the previous file is kept as {path}" for path in self.copies]


@dataclass(frozen=True)
class MergedLabels:
    """What was found, and what became of it."""

    config_path: Path
    decision: str  # shown, taken over or discarded
    videos: tuple[MergedVideo, ...]  # those with changes

    def summary(self) -> Summary:
        """Say what other programs changed, and what became of it."""
        root = self.config_path.parent
        check = (Remedy("check_labels", config=root),)
        if not self.videos:
            return Summary("No other program changed the labels.", following=check)
        lines = tuple(line for video in self.videos for line in video._lines(self.decision))
        if self.decision != "shown":
            return Summary("", lines, check)
        take, discard = (Remedy("merge_labels", config=root, **{word: True}) for word in ("take", "discard"))
        return Summary("", lines, (discard,) if any(video.obstacle for video in self.videos) else (take, discard))


@forgiving
def merge_labels(
    config: str | os.PathLike[str],
    *,
    take: bool = False,
    discard: bool = False,
    videos: str | Sequence[str] | None = None,
) -> MergedLabels:
    """Show what other programs changed in the labels; accept or discard it if asked to.

    The labels of other programs are the CollectedData files of the project.

    Args:
        config: path of config.yaml.
        take: accept the changes, as one edit per video that can be undone.
        discard: write the files again as PoseCut has them; copies of what was there are kept.
        videos: only these videos of the project; by default all.

    Raises:
        ArgumentError: both were asked for.
        LabelError: a file is unreadable and not to be discarded, or somebody else edits the labels; of several videos,
            the others are done.
        StorageError: the disk refuses.
    """
    if take and discard:
        raise ArgumentError("The changes cannot be both accepted and discarded; choose one.")
    project = adopt_project(config)
    stems = chosen_stems((folder.name for folder in frame_folders(project)), videos)
    decision = "taken over" if take else "discarded" if discard else "shown"

    def together(found: list[MergedVideo]) -> MergedLabels:
        return MergedLabels(project.config_path, decision, tuple(one for one in found if one.changes or one.obstacle))

    return treat_all(
        stems,
        lambda video: _merge(project, video, take=take, discard=discard),
        together,
        what="videos have labels that cannot be read or written",
        kind=LabelError,
    )


def _merge(project: Project, video: str, *, take: bool, discard: bool) -> MergedVideo:
    with LabelSession.open(project, video, read_only=not (take or discard)) as session:
        found = session.outside
        words = frame_words(project, video, [edit.frame for edit in found.edits])
        changes = tuple(describe(edit, session.columns, words) for edit in found.edits)
        obstacle = _obstacle(session)
        copies: tuple[Path, ...] = ()
        if found and take:
            session.merge_outside()
        elif found and discard:
            copies = session.discard_outside()
        return MergedVideo(video, changes, copies, obstacle)


def _obstacle(session: LabelSession) -> str:
    """Say why what other programs changed cannot be taken over; "" where it can."""
    try:
        session.check(Together(session.outside.edits))
    except PosecutError as error:
        return str(error)
    return session.outside.problem
