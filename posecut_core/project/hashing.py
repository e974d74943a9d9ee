"""The SHA-256 of a file: what tells that it is still as it was written or fetched."""

import hashlib
from pathlib import Path

from posecut_core.project.reading import open_file


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal, without reading it into memory."""
    with open_file(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
