"""Preferences are napari's, and known to the code by the same names and defaults."""

import pytest
from napari.settings import get_plugin_settings
from npe2 import PluginManifest

from napari_posecut import preferences as module
from napari_posecut.preferences import Preferences, preferences, remember_when_closing
from napari_posecut.session import session_of


def test_defaults_are_those_of_the_manifest():
    """Where napari does not know the plugin, nothing is different."""
    shown = PluginManifest.from_distribution("posecut").contributions.configurations
    defaults = {name: found.default for part in shown.values() for name, found in part.properties.items()}
    assert Preferences(**defaults) == Preferences()


def test_a_plugin_that_is_switched_off_has_defaults(monkeypatch):
    """Reading and remembering do no harm then."""
    monkeypatch.setattr(module, "_PLUGIN", "nobody")
    remember_when_closing("stop")
    assert preferences() == Preferences()


def test_choices_are_read(settings):
    """What is set in napari's dialog counts from the next reading on, and nonsense is refused there."""
    settings.labeling.marker_size = 22
    settings.labeling.advance = False
    remember_when_closing("stop")
    assert preferences() == Preferences(advance=False, marker_size=22, helps=False, when_closing="stop")
    with pytest.raises(ValueError, match="marker_size"):
        settings.labeling.marker_size = 1000
    assert settings is get_plugin_settings("posecut")


def test_labeling_follows_them(settings, viewer, config):
    """A project is opened with the chosen size of markers, and goes on by itself or not."""
    settings.labeling.marker_size, settings.labeling.advance = 30, False
    session = session_of(viewer)
    session.open(config)
    assert session.labeling.advance is False
    current = session.canvas.points.size.max() * viewer.scene.camera.zoom
    assert current == pytest.approx(1.4 * 30)
    viewer.scene.camera.zoom *= 3
    assert session.canvas.points.size.max() * viewer.scene.camera.zoom == pytest.approx(current)
    session.close()
