"""Pictures of how far the labeling of a frame is."""

from napari_posecut.labeling.frame_index import MEANING
from napari_posecut.widgets.parts.frame_tree import _icon_of


def test_every_state_looks_different(qapp):
    """No two states have the same picture, not even without colors."""
    images = [_icon_of(status).pixmap(14).toImage() for status in MEANING]
    shapes = {bytes(image.constBits().asarray(image.sizeInBytes()))[3::4] for image in images}
    assert len(shapes) == len(MEANING)
