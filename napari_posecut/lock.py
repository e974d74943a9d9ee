"""Keep napari's own tools off a layer: they would add and move markers past the label store, or shift the picture.

A layer that is not editable stays in napari's mode of moving the view, in which our own clicks and drags work.
"""

from napari.layers import Layer
from napari.utils.events import Event


def lock(layer: Layer, advice: str = "") -> None:
    """Let napari's tools change a layer neither now nor later.

    Args:
        layer: that PoseCut draws.
        advice: what the status bar says while the layer is chosen, in place of the keys of napari's tools.
    """
    layer.editable = False
    layer.events.editable.connect(_lock_again)
    layer.events.help.connect(lambda event: setattr(event.source, "help", advice))


def _lock_again(event: Event) -> None:
    """Undo what napari does when it makes a layer's controls, gets other data, or shows three dimensions."""
    if event.source.editable:
        event.source.editable = False
