"""What PoseCut adds to napari: the list is exact, and each entry leads somewhere."""

import inspect
from pathlib import Path

import pytest
import yaml
from napari.plugins import menu_item_template
from npe2 import PluginManager, PluginManifest

import napari_posecut
from napari_posecut.widgets.flow import _STAGES, FlowBlock, _dock_class

TEXT = (Path(napari_posecut.__file__).parent / "napari.yaml").read_text(encoding="utf-8")
WRITTEN = yaml.safe_load(TEXT)["contributions"]
MENUS = {"napari/layers/annotate", "napari/layers/track", "napari/file/io_utilities"}


@pytest.fixture(scope="module")
def manifest():
    PluginManager.instance().discover()  # as napari does when it starts
    return PluginManifest.from_distribution("posecut")


def test_contributions_are_exact():
    """npe2 passes over keys that it does not know; so a slip in one would go unseen."""
    assert set(WRITTEN) == {"commands", "widgets", "readers", "writers", "sample_data", "menus", "configurations"}
    assert set(WRITTEN["menus"]) == MENUS


def test_everything_named_can_be_imported(manifest):
    """No command leads nowhere, and each begins with the distribution's name."""
    manifest.validate_imports()
    assert manifest.name == "posecut"
    assert all(command.id.startswith("posecut.") for command in manifest.contributions.commands)


def test_every_command_is_used_or_in_a_menu(manifest):
    """What is only in the command palette would be found by nobody."""
    points = manifest.contributions
    used = {one.command for one in (*points.widgets, *points.readers, *points.writers, *points.sample_data)}
    used |= {item.command for items in points.menus.values() for item in items}
    assert {command.id for command in points.commands} == used


def test_docks_are_those_of_the_row_of_buttons(manifest):
    """Both list the same docks under the same titles, in the same order."""
    widgets = manifest.contributions.widgets
    assert [widget.display_name for widget in widgets] == ["PoseCut", *(stage.title for stage in _STAGES)]
    in_menu = [menu_item_template.format(manifest.display_name, stage.title) for stage in _STAGES]
    assert [stage.dock for stage in _STAGES] == in_menu
    assert widgets[0].get_callable() is FlowBlock
    assert [widget.get_callable() for widget in widgets[1:]] == [_dock_class(stage) for stage in _STAGES]


def test_docks_take_the_viewer_only(manifest):
    """napari hands the viewer over by this name, and nothing else."""
    for widget in manifest.contributions.widgets:
        assert list(inspect.signature(widget.get_callable()).parameters) == ["napari_viewer"]


@pytest.mark.parametrize("title", ["PoseCut", *(stage.title for stage in _STAGES)])
def test_every_widget_opens(viewer, title):
    """Each works without a project, from napari's own menu."""
    _, widget = viewer.window.add_plugin_dock_widget("posecut", title)
    assert widget in viewer.window.dock_widgets.values()


def test_napari_finds_the_plugin(viewer):
    """It is discovered as any other, not only by its name."""
    assert "posecut" in {found.name for found in PluginManager.instance().iter_manifests()}
