"""Files are known by their content."""

import hashlib

import pytest

from posecut_core.storage.files import file_sha256


@pytest.mark.parametrize("content", [b"", b"posecut", bytes(2**20 + 1)])
def test_the_hash_is_that_of_the_content(tmp_path, content):
    """It is the SHA-256 of all bytes, of an empty file and of a large one too."""
    (tmp_path / "file").write_bytes(content)
    assert file_sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()
