"""What the user has chosen in napari's Preferences for PoseCut; `napari.yaml` holds the choices and their defaults."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from napari.settings import get_plugin_settings

_PLUGIN = "posecut"
_SMALLEST, _LARGEST = 4, 40  # markers, as in napari.yaml
_THINNEST, _THICKEST = 1, 10  # bones, likewise
_RECENT = 8  # projects that are remembered
WhenClosing = Literal["ask", "go on", "stop"]


@dataclass(frozen=True)
class Preferences:
    """The choices; these defaults count where napari does not know the plugin, because it was switched off."""

    advance: bool = True  # to the next frame when a frame is done
    marker_size: int = 10  # screen pixels
    bone_size: float = 2.5  # the same
    panels: bool = False  # whether napari's own panels are shown in a window of PoseCut
    recent: str = ""  # folders of projects, one a line
    helps: bool = True  # whether a network proposes poses, and trains in the background, while the user labels
    when_closing: WhenClosing = "ask"  # about work that runs

    @property
    def projects(self) -> tuple[str, ...]:
        """Return the folders of the projects that were opened lately, the last one first."""
        return tuple(filter(None, self.recent.split("\n")))


def preferences() -> Preferences:
    """Return what is chosen now."""
    settings = _settings()
    if settings is None:
        return Preferences()
    return Preferences(
        advance=settings.labeling.advance,
        marker_size=settings.labeling.marker_size,
        bone_size=settings.labeling.bone_size,
        panels=settings.window.panels,
        recent=settings.window.recent,
        helps=settings.labeling.helps,
        when_closing=settings.work.when_closing,
    )


def remember_sizes(marker: float, bone: float) -> None:
    """Keep the sizes of markers and bones, as near to them as napari's preferences allow."""
    settings = _settings()
    if settings is not None:
        settings.labeling.marker_size = min(max(round(marker), _SMALLEST), _LARGEST)
        settings.labeling.bone_size = min(max(bone, _THINNEST), _THICKEST)


def remember_project(folder: Path) -> None:
    """Keep a project as the one that was opened last."""
    settings, opened = _settings(), str(folder)
    if settings is not None:
        others = (one for one in preferences().projects if one != opened)
        settings.window.recent = "\n".join([opened, *others][:_RECENT])


def remember_panels(shown: bool) -> None:
    """Keep whether napari's own panels are shown."""
    settings = _settings()
    if settings is not None:
        settings.window.panels = shown


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
