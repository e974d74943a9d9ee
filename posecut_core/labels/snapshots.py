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
from pathlib import Path
from typing import Any

from posecut_core.errors import LabelError, refuse_newer
from posecut_core.labels.codec import decode_frames, encode_frames
from posecut_core.labels.state import LabelState
from posecut_core.storage.files import parse_json, read_text, write_text

_SCHEMA = 1
_KEPT = 3
_LONGEST = 100  # letters of what is wrong with one
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
    content = {
        "schema": _SCHEMA,
        "revision": generation.revision,
        "bodyparts": dict(generation.bodyparts),
        "files": dict(generation.files),
        "exported": generation.exported,
        "frames": encode_frames(generation.state.frames),
    }
    path = folder / f"labels-{generation.revision:08d}.json"
    write_text(path, _signed(content))
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
        whole = text == _signed({key: value for key, value in content.items() if key != "sha256"})
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
            f"{path} holds an invalid label ({str(error)[:_LONGEST]}); delete it: the next one is written when labels "
            "are saved."
        ) from error


def _signed(content: Mapping[str, Any]) -> str:
    """Return JSON text that ends with the hash of all that stands before it."""
    body = json.dumps(content, separators=(",", ":"))[:-1]
    return f'{body},"sha256":"{hashlib.sha256(body.encode()).hexdigest()}"}}\n'
