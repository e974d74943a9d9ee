"""Pictures of how far the labeling of a frame is."""

from qtpy.QtGui import QIcon

from napari_posecut.labeling.frame_index import MEANING
from napari_posecut.widgets.parts.frame_tree import _icon_of


def test_every_state_looks_different(qapp):
    """No two states have the same picture, not even without colors."""
    images = [_icon_of(status).pixmap(14).toImage() for status in MEANING]
    shapes = {bytes(image.constBits().asarray(image.sizeInBytes()))[3::4] for image in images}
    assert len(shapes) == len(MEANING)


def test_states_look_the_same_in_a_selected_row(qapp):
    """Kind: Qt tints icons there, and squares of bodyparts had another color than their markers."""
    icons = [_icon_of(status) for status in MEANING]
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):
        assert [icon.pixmap(14, mode).toImage() for icon in icons] == [icon.pixmap(14).toImage() for icon in icons]
