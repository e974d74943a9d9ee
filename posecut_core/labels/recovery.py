"""Rebuild a damaged journal from what is sound: snapshots, and the lines before and after the damage."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count, takewhile
from pathlib import Path

from posecut_core.errors import LabelError
from posecut_core.labels.bodypart_ids import AddBodypart, record_names
from posecut_core.labels.codec import encode
from posecut_core.labels.contents import sound_steps
from posecut_core.labels.edits import Begin, History, Step, follow
from posecut_core.labels.snapshots import LabelSnapshot, sound_snapshots
from posecut_core.labels.validation import bodyparts_of
from posecut_core.project.paths import Project
from posecut_core.storage.files import keep_copy, read_bytes, write_bytes
from posecut_core.storage.journal import JournalText, journal_line, read_journal


@dataclass(frozen=True)
class Recovered:
    """Labels as far as they could be restored."""

    history: History
    revision: int  # up to which edits were made, as far as one knows
    lost: tuple[int, ...]  # revisions of the edits that are gone


def _recover(text: JournalText, generations: tuple[LabelSnapshot, ...]) -> Recovered:
    """Restore labels from a damaged journal.

    A snapshot that is newer than the damage restores everything. Without one, edits after the damage are made as far as
    they still can be.

    Args:
        text: the journal.
        generations: the sound snapshots, the newest first.
    """
    steps = sound_steps(text)
    newest = max([text.revision, *(generation.revision for generation in generations)], default=0)
    history, start = _prefix(steps)
    base = next((found for found in generations if found.revision > start), None)
    if base:
        history, start = History(base.state), base.revision
    lost = []
    for revision in range(start + 1, newest + 1):
        try:
            history = history.after(steps[revision])
        except (KeyError, LabelError):
            lost.append(revision)
    return Recovered(history, newest, tuple(lost))


def rebuild_journal(project: Project, video: str) -> tuple[Path | None, Recovered]:
    """Begin a video's journal anew with what can be restored; return where the damaged one is kept, and what it gave.

    Whoever calls makes sure that nobody else edits. What was done before cannot be undone any more. Nothing is kept
    where there was no journal any more.

    Raises:
        LabelError: a newer PoseCut wrote in it.
        StorageError: the disk refuses.
    """
    path = project.label_journal(video)
    text = read_journal(path)
    found = _recover(text, sound_snapshots(project.frame_folder(video)))
    kept = _keep(path, f"labels-damaged-{found.revision}.jsonl")
    write_bytes(path, journal_line(found.revision + 1, encode(Begin(found.history.state.frames))))
    return kept, found


def rebuild_names(project: Project, videos: Iterable[str]) -> Path | None:
    """Begin the journal of bodyparts anew; return where the damaged one is kept, None where there was none.

    Bodyparts have the names that snapshots have, and those that only edits know go by their identities.

    Raises:
        LabelError: a newer PoseCut wrote in a journal of labels.
        StorageError: the disk refuses.
    """
    path, videos = project.bodypart_journal, tuple(videos)
    kept = _keep(path, "bodyparts-damaged.jsonl")
    newest = [found[0] for video in videos if (found := sound_snapshots(project.frame_folder(video)))]
    names = {identity: name for generation in newest for identity, name in generation.bodyparts.items()}
    steps = [step for video in videos for step in sound_steps(read_journal(project.label_journal(video))).values()]
    for identity in sorted({part for step in steps for part in bodyparts_of(step)} - names.keys()):
        names[identity] = f"{identity} (earlier)" if identity in names.values() else identity
    path.unlink(missing_ok=True)
    record_names(project, [AddBodypart(identity, name) for identity, name in names.items()])
    return kept


def _keep(path: Path, name: str) -> Path | None:
    return keep_copy(path.with_name(name), read_bytes(path)) if path.exists() else None


def _prefix(steps: dict[int, Step]) -> tuple[History, int]:
    """Follow a journal from its beginning as far as it is complete, up to a revision; 0 without a beginning."""
    first = min(steps, default=0)
    if not steps or not isinstance(steps[first], Begin):
        return History(), 0
    unbroken = takewhile(lambda revision: revision in steps, count(first))
    history, followed = follow(steps[revision] for revision in unbroken)
    return history, first + followed - 1
