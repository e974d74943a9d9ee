"""A store's folder appears whole or not at all, and what is wrong with one is said in a sentence."""

import errno

import numpy as np
import pytest
import zarr
from zarr.errors import ContainsArrayError

from posecut_core.errors import StorageError, VideoError
from posecut_core.video.frame_store import FrameStore, _create_store, _open_store, _writable


def test_half_a_store_is_not_left_behind(tmp_path, monkeypatch):
    """Where a new store cannot be completed, there is none, and the next attempt begins anew."""
    with monkeypatch.context() as patch:
        patch.setattr(zarr.Group, "create_array", lambda *words, **options: _refuse())
        with pytest.raises(StorageError, match="the disk is full"):
            _create_store(tmp_path / "frames.zarr")
    assert list(tmp_path.iterdir()) == []


def _refuse():
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_store_that_is_there_stays(tmp_path):
    """Who comes second finds the frames of who came first, and nothing is left beside them."""
    FrameStore.open(tmp_path / "frames.zarr", create=True).append([(7, np.ones((2, 2, 3), np.uint8), (0, 0))])
    before = sorted(tmp_path.rglob("*"))
    _create_store(tmp_path / "frames.zarr")
    assert sorted(tmp_path.rglob("*")) == before
    assert FrameStore.open(tmp_path / "frames.zarr").numbers.tolist() == [7]


def test_a_damaged_store_is_not_replaced(tmp_path):
    """Where the head of a store is lost, its pictures stay for whoever can save them."""
    store = FrameStore.open(tmp_path / "frames.zarr", create=True)
    store.append([(7, np.ones((2, 2, 3), np.uint8), (0, 0))])
    (store.path / "zarr.json").unlink()
    before = sorted(store.path.rglob("*"))
    with pytest.raises(VideoError, match="are damaged"):
        FrameStore.open(store.path, create=True)
    assert sorted(store.path.rglob("*")) == before


def test_a_new_store_has_the_permissions_of_other_folders(tmp_path):
    """It is not private, as temporary folders are."""
    _create_store(tmp_path / "new" / "frames.zarr")
    (tmp_path / "usual").mkdir()
    assert (tmp_path / "new" / "frames.zarr").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_an_error_of_zarr_is_a_sentence(tmp_path):
    """What zarr finds wrong while writing is damage."""
    with pytest.raises(VideoError, match="are damaged; restore them from a copy"), _writable(tmp_path):
        raise ContainsArrayError("number")


def test_a_store_that_is_not_there_is_not_opened(tmp_path):
    """Nor is one begun."""
    with pytest.raises(VideoError, match="There are no extracted frames at"):
        _open_store(tmp_path / "frames.zarr")
    assert list(tmp_path.iterdir()) == []
