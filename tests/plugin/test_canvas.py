"""What the mouse and the keys do in a real window."""

from napari_posecut.desk import desk_of


def test_opening(viewer, sample):
    """A project opens."""
    desk_of(viewer).open(sample)
    assert len(viewer.layers) == 3


def test_opening_again(viewer, sample):
    """A project opens."""
    desk_of(viewer).open(sample)
    assert len(viewer.layers) == 3
