"""One program at a time changes a file."""

import pytest

from posecut_core.errors import StorageError
from posecut_core.project import exclusive as module
from posecut_core.project.exclusive import exclusive


def test_who_waits_too_long_hears_of_it(tmp_path, monkeypatch):
    """A lock that is held is waited for, not for ever; one that was let go is free."""
    monkeypatch.setattr(module, "_PATIENCE", 0)
    path = tmp_path / "names.lock"
    with exclusive(path), pytest.raises(StorageError, match="Another program keeps"), exclusive(path):
        pass
    with exclusive(path):
        pass


def test_a_folder_that_cannot_have_a_lock_is_a_sentence(tmp_path):
    """The disk's refusal names the lock."""
    (tmp_path / "file").write_bytes(b"")
    path = tmp_path / "file" / "names.lock"
    with pytest.raises(StorageError, match=r"Cannot write .*names\.lock"), exclusive(path):
        pass
