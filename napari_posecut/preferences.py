"""What the user has chosen in napari's Preferences for PoseCut; `napari.yaml` holds the choices and their defaults."""

from dataclasses import dataclass
from typing import Any, Literal

from napari.settings import get_plugin_settings

_PLUGIN = "posecut"
_SMALLEST, _LARGEST = 4, 40  # markers, as in napari.yaml
WhenClosing = Literal["ask", "go on", "stop"]


@dataclass(frozen=True)
class Preferences:
    """The choices; these defaults count where napari does not know the plugin, because it was switched off."""

    advance: bool = True  # to the next frame when a frame is done
    marker_size: int = 10  # screen pixels
    helps: bool = True  # whether a network proposes poses, and trains in the background, while the user labels
    when_closing: WhenClosing = "ask"  # about work that runs


def preferences() -> Preferences:
    """Return what is chosen now."""
    settings = _settings()
    if settings is None:
        return Preferences()
    return Preferences(
        advance=settings.labeling.advance,
        marker_size=settings.labeling.marker_size,
        helps=settings.labeling.helps,
        when_closing=settings.work.when_closing,
    )


def remember_marker_size(size: float) -> None:
    """Keep the size of markers, as near to it as napari's preferences allow."""
    settings = _settings()
    if settings is not None:
        settings.labeling.marker_size = min(max(round(size), _SMALLEST), _LARGEST)


def remember_when_closing(choice: WhenClosing) -> None:
    """Keep what is to become of work that runs when the window closes."""
    settings = _settings()
    if settings is not None:
        settings.work.when_closing = choice


def _settings() -> Any:
    try:
        return get_plugin_settings(_PLUGIN)
    except KeyError:
        return None
