"""SHA-256 sums of a project's files, kept from one check to the next: a file that changed although nobody wrote to it.

`posecut-sums.json` has each file's size, time of writing and sum. A file whose size and time are as before and whose
content is not was changed by the disk, not by a program. What was written since is taken as it is.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from posecut_core.errors import PosecutError
from posecut_core.project.atomic import write_text
from posecut_core.project.hashing import file_sha256
from posecut_core.project.layout import jobs_folder
from posecut_core.project.reading import parse_json, read_text

SCHEMA = 1
_KEPT = re.compile(r"labeled-data/[^/]+/(labels\.jsonl|CollectedData_[^/]+)$|posecut\.yaml$")
_PASSING = (".lock", ".lock-holder.json")


@dataclass(frozen=True)
class FileSum:
    """One file as it was at the last check."""

    size: int  # bytes
    written: int  # nanoseconds
    sha256: str


def compare_sums(old: dict[str, FileSum], new: dict[str, FileSum]) -> tuple[str, ...]:
    """Return the files whose content changed while size and time of writing did not."""
    return tuple(
        name
        for name, now in new.items()
        if (before := old.get(name))
        and (before.size, before.written) == (now.size, now.written)
        and before.sha256 != now.sha256
    )


def missing_files(old: dict[str, FileSum], new: dict[str, FileSum]) -> tuple[str, ...]:
    """Return what is gone of labels and settings since the last check, and nothing that is left could tell or restore.

    That is a video's folder, a journal without a snapshot beside it, a CollectedData file without a journal, or
    posecut.yaml.
    """
    gone = [name for name in old if name not in new and _KEPT.match(name)]
    found = []
    for name in gone:
        folder, _, file = name.rpartition("/")
        if not folder:
            found.append(name)
            continue
        left = [other.removeprefix(f"{folder}/") for other in new if other.startswith(f"{folder}/")]
        if not left:
            found.append(folder)
        elif not any(other.startswith("labels-0" if file == "labels.jsonl" else "labels.jsonl") for other in left):
            found.append(name)
    return tuple(dict.fromkeys(found))


def sums_of(root: Path) -> dict[str, FileSum]:
    """Return path below `root` -> sum of all files in a project; links, locks and what jobs write are left out.

    Raises:
        OSError: a file cannot be read.
    """
    found, jobs = {}, jobs_folder(root)
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_relative_to(jobs) or path.is_symlink() or not path.is_file():
            continue
        if name.endswith(_PASSING) or path == sums_path(root):
            continue
        status = path.stat()
        found[name] = FileSum(status.st_size, status.st_mtime_ns, file_sha256(path))
    return found


def read_sums(root: Path) -> dict[str, FileSum]:
    """Read the sums of the last check; none where there was none.

    Raises:
        PosecutError: the file is not as it was written.
    """
    path = sums_path(root)
    if not path.exists():
        return {}
    try:
        text = read_text(path)
        content = parse_json(text)
        files = {name: FileSum(*values) for name, values in content["files"].items()}
        if text != _signed(files):
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PosecutError(f"{path} is not as it was written; delete it, and the next check begins anew.") from error
    return files


def write_sums(root: Path, sums: dict[str, FileSum]) -> None:
    """Keep the sums for the next check.

    Raises:
        StorageError: the disk refuses.
    """
    write_text(sums_path(root), _signed(sums))


def sums_path(root: Path) -> Path:
    """Return where the sums of a project are kept."""
    return root / "posecut-sums.json"


def _signed(files: dict[str, FileSum]) -> str:
    values = {name: [one.size, one.written, one.sha256] for name, one in files.items()}
    body = json.dumps({"schema": SCHEMA, "files": values}, indent=0)
    return f'{body[:-2]},\n"sha256": "{hashlib.sha256(body.encode()).hexdigest()}"\n}}\n'
