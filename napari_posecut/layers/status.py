"""Layers of which napari's status bar says x and y, as all of PoseCut does, and which bodypart is there.

napari itself says row and column, and the place of a point in its layer.
"""

from typing import Any

from napari import layers
from napari.layers.base import Layer

from napari_posecut.layers.convert import to_xy


class _InXY(Layer):
    """What the layers have in common; they are named as those of napari, which go by these names."""

    def get_status(self, position: Any = None, **where: Any) -> dict[str, str]:
        """Return what the status bar says while the mouse is at a position."""
        status: dict[str, str] = super().get_status(position, **where)
        if position is None:
            return status
        x, y = to_xy(position)
        return self._told(status, f"x {x:.1f}, y {y:.1f}", status["value"])

    def _told(self, status: dict[str, str], place: str, value: str) -> dict[str, str]:
        said = f"{place}: {value}" if value else place
        return {**status, "coordinates": said, "coords": place, "value": value}


class Image(_InXY, layers.Image):
    """A picture, or a score map: its value comes after the place."""


class Vectors(_InXY, layers.Vectors):
    """Lines; there is nothing to say of them but the place."""


class Points(_InXY, layers.Points):
    """Markers; what is known of the one under the mouse comes after the place."""

    words: tuple[str, ...] = ()  # of each point

    def get_status(self, position: Any = None, **where: Any) -> dict[str, str]:
        """Return what the status bar says while the mouse is at a position; a thread asks."""
        status, words = super().get_status(position, **where), self.words
        if position is None:
            return status
        point = self.get_value(position, **where)
        known = words[point] if point is not None and point < len(words) else ""
        return self._told(status, status["coords"], known)


def words_of(name: str, likelihood: float | None) -> str:
    """Say which bodypart a marker is, and how sure a network is of it."""
    return name if likelihood is None else f"{name}, likelihood {likelihood:.2f}"
