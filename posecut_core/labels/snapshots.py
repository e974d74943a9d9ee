"""Snapshots of a video's labels: `labels-<revision>.json`, whole or not at all; the newest few are kept.

A snapshot holds what DeepLabCut's files cannot (origins, drafts, hidden and absent bodyparts, pixel hashes), and the
SHA-256 of the CollectedData files that were written with it: that tells when another program changed them. What it
changed is told by the snapshot of the labels that it found there, so that one is kept however old it is. The journal
alone is enough to restore the labels; snapshots are the way back if it is damaged.
"""

import contextlib
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count, takewhile
from pathlib import Path
from typing import Any

from posecut_core.errors import LabelError, refuse_newer
from posecut_core.labels.bodypart_ids import AddBodypart, record_names
from posecut_core.labels.edits import (
    Begin,
    History,
    JournalEntry,
    decode_frames,
    encode,
    encode_frames,
    follow,
    valid_entries,
)
from posecut_core.labels.state import LabelState
from posecut_core.labels.validation import bodyparts_of
from posecut_core.project.paths import Project
from posecut_core.storage.files import keep_copy, parse_json, read_bytes, read_text, write_bytes, write_text
from posecut_core.storage.journal import JournalText, journal_line, read_journal

_SCHEMA = 1
_KEPT = 3
_NAME = re.compile(r"labels-(\d{8,})\.json")


@dataclass(frozen=True)
class LabelSnapshot:
    """The labels of a video as they were at a revision of the journal."""

    revision: int
    state: LabelState
    bodyparts: Mapping[str, str]  # identity -> name, in the order of the columns
    files: Mapping[str, str] = field(default_factory=dict)  # CollectedData files: name -> SHA-256
    exported: int = 0  # the revision that these files have


def snapshot_paths(folder: Path) -> tuple[Path, ...]:
    """List the snapshots in a video's folder, the newest first."""
    found = _paths(folder)
    return tuple(found[revision] for revision in sorted(found, reverse=True))


def snapshot_revisions(folder: Path) -> frozenset[int]:
    """Return of which revisions there are snapshots in a video's folder, damaged ones too, as their names say."""
    return frozenset(_paths(folder))


def kept_revisions(revisions: Iterable[int], *, exported: int) -> frozenset[int]:
    """Return which snapshots stay: the newest few, and that of the labels that the CollectedData files have."""
    return frozenset({*sorted(revisions, reverse=True)[:_KEPT], exported})


def write_snapshot(folder: Path, generation: LabelSnapshot) -> Path:
    """Write a snapshot, replacing one of the same revision, and remove those that need not stay.

    Raises:
        StorageError: the disk refuses.
    """
    path = folder / f"labels-{generation.revision:08d}.json"
    write_text(path, _signed(_body(generation)))
    found = _paths(folder)
    for old in found.keys() - kept_revisions(found, exported=generation.exported):
        with contextlib.suppress(OSError):  # it goes next time
            found[old].unlink(missing_ok=True)
    return path


def read_snapshot(path: Path) -> LabelSnapshot:
    """Read a snapshot.

    Raises:
        LabelError: it has changed since it was written, its labels are invalid, or a newer PoseCut wrote it.
    """
    try:
        text = read_text(path)
        content: dict[str, Any] = parse_json(text)
        schema = int(content["schema"])
        whole = text == _signed(_encode({key: value for key, value in content.items() if key != "sha256"}))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        whole, content, schema = False, {}, 0
    refuse_newer(path, schema, known=_SCHEMA, kind=LabelError)
    if not whole:
        raise LabelError(
            f"{path} has changed since it was written; delete it: the next one is written when labels are saved."
        )
    return _decoded(content, path)


def sound_snapshots(folder: Path) -> tuple[LabelSnapshot, ...]:
    """Read the snapshots that are as they were written, the newest first; `doctor` names the others."""
    found = []
    for path in snapshot_paths(folder):
        try:
            found.append(read_snapshot(path))
        except LabelError:
            continue
    return tuple(found)


def _paths(folder: Path) -> dict[int, Path]:
    if not folder.is_dir():
        return {}
    return {int(match[1]): path for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))}


def _decoded(content: Mapping[str, Any], path: Path) -> LabelSnapshot:
    try:
        state = LabelState(decode_frames(content["frames"]))
        values = content["revision"], state, content["bodyparts"], content["files"]
        return LabelSnapshot(*values, exported=content["exported"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise LabelError(
            f"{path} holds an invalid label; delete it: the next one is written when labels are saved."
        ) from error


def _body(generation: LabelSnapshot) -> str:
    """Return a snapshot as JSON, encoded frame by frame: a thread that writes it lets a window go on in between."""
    head = {
        "schema": _SCHEMA,
        "revision": generation.revision,
        "bodyparts": dict(generation.bodyparts),
        "files": dict(generation.files),
        "exported": generation.exported,
    }
    numbers = sorted(generation.state.frames)
    frames = (_encode(encode_frames({number: generation.state.frames[number]}))[1:-1] for number in numbers)
    return f'{_encode(head)[:-1]},"frames":{{{",".join(frames)}}}}}'


_encode = json.JSONEncoder(separators=(",", ":")).encode


def _signed(content: str) -> str:
    """Return a JSON object as text that ends with the hash of all that stands before it."""
    body = content[:-1]
    return f'{body},"sha256":"{hashlib.sha256(body.encode()).hexdigest()}"}}\n'


# --- recovery ---------------------------------------------------------------------------------------------------------
# Rebuild a damaged journal from what is sound: snapshots, and the lines before and after the damage.


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
    entries = valid_entries(text)
    newest = max([text.revision, *(generation.revision for generation in generations)], default=0)
    history, start = _prefix(entries)
    base = next((found for found in generations if found.revision > start), None)
    if base:
        history, start = History(base.state), base.revision
    lost = []
    for revision in range(start + 1, newest + 1):
        try:
            history = history.after(entries[revision])
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
    entries = [
        entry for video in videos for entry in valid_entries(read_journal(project.label_journal(video))).values()
    ]
    for identity in sorted({part for entry in entries for part in bodyparts_of(entry)} - names.keys()):
        names[identity] = f"{identity} (earlier)" if identity in names.values() else identity
    path.unlink(missing_ok=True)
    record_names(project, [AddBodypart(identity, name) for identity, name in names.items()])
    return kept


def _keep(path: Path, name: str) -> Path | None:
    return keep_copy(path.with_name(name), read_bytes(path)) if path.exists() else None


def _prefix(entries: dict[int, JournalEntry]) -> tuple[History, int]:
    """Follow a journal from its beginning as far as it is complete, up to a revision; 0 without a beginning."""
    first = min(entries, default=0)
    if not entries or not isinstance(entries[first], Begin):
        return History(), 0
    unbroken = takewhile(lambda revision: revision in entries, count(first))
    history, followed = follow(entries[revision] for revision in unbroken)
    return history, first + followed - 1
