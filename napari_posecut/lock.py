"""Keep napari's own tools off a layer: they would add and move markers past the label store, or shift the picture.

A layer that is not editable stays in napari's mode of moving the view, in which our own clicks and drags work.
"""

from napari.layers import Layer
from napari.utils.events import Event

ADVICE = "click: place the bodypart; press on a marker: drag it; F1: all keys"


def lock(layer: Layer) -> None:
    """Let napari's tools change a layer neither now nor later."""
    layer.editable = False
    layer.events.editable.connect(_lock_again)
    layer.events.help.connect(_advise)


def _lock_again(event: Event) -> None:
    """Undo what napari does when it makes a layer's controls, gets other data, or shows three dimensions."""
    if event.source.editable:
        event.source.editable = False


def _advise(event: Event) -> None:
    """Name our own keys where napari would name those of its tools."""
    event.source.help = ADVICE
