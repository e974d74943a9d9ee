"""Locks that are waited for."""

import pytest

from posecut_core.errors import StorageError
from posecut_core.storage.locks import hold


def test_it_is_free_again_afterwards(tmp_path):
    """Also where the work under it fails, whose error is left as it is."""
    path = tmp_path / "some.lock"
    with pytest.raises(OSError, match="torn"), hold(path, advice="wait"):
        raise OSError("torn")
    with hold(path, advice="wait", patience=0):
        assert path.exists()


def test_who_waits_too_long_hears_of_it(tmp_path):
    """The sentence names the lock and says what to do."""
    path = tmp_path / "some.lock"
    said = pytest.raises(StorageError, match=r"some\.lock is locked by another program; wait a bit")
    with hold(path, advice="none"), said, hold(path, advice="wait a bit", patience=0):
        pass


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    """There is no lock to have where no file can be made."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="Cannot write"), hold(tmp_path / "file" / "some.lock", advice="wait"):
        pass
