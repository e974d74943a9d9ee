"""Loading without looking for garbage."""

import gc

import pytest

from napari_posecut.loading import loading


@loading()
def _refuse() -> None:
    assert not gc.isenabled()
    raise OSError("no disk")


def test_no_garbage_is_collected_while_loading():
    """It is again afterwards, also where loading failed."""
    with pytest.raises(OSError, match="no disk"):
        _refuse()
    assert gc.isenabled()


def test_loading_within_loading_ends_with_the_outer_one():
    """A window that opens a project while it starts goes on loading."""
    with loading():
        with loading():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
