"""Projects are opened by dropping them on napari; everything else is left to others."""

import pytest

from napari_posecut import contributions
from napari_posecut.contributions import _NO_LAYERS, project_reader
from napari_posecut.session import session_of
from napari_posecut.widgets.flow import FlowBar
from tests.plugin.hand import seen


@pytest.mark.parametrize("of", [lambda path: path, lambda path: path.parent])
def test_a_project_is_opened(viewer, config, of):
    """Its config.yaml or its folder, through napari's own way of opening files, brings buttons and docks."""
    viewer.open(str(of(config)), plugin="posecut")
    assert session_of(viewer).project.config_path == config
    assert any(isinstance(docked, FlowBar) for docked in viewer.window.dock_widgets.values())
    assert seen(viewer) == ["frame", "skeleton", "labels"]


def test_a_project_is_opened_in_the_viewer_that_was_asked(viewer, config, monkeypatch):
    """Another one may be in front."""
    monkeypatch.setattr(contributions, "current_viewer", lambda: pytest.fail("the viewer in front was not asked"))
    viewer.open(str(config), plugin="posecut")
    assert session_of(viewer).project.config_path == config


@pytest.mark.parametrize("text", ["", "a: 1", "[1, 2]", "Task: [", "Task: x\nbodyparts: 3"])
def test_other_files_of_the_name_are_left_alone(tmp_path, text):
    """The content decides, not the name."""
    (tmp_path / "config.yaml").write_text(text)
    assert project_reader(str(tmp_path / "config.yaml")) is None
    assert project_reader(str(tmp_path)) is None


def test_a_damaged_project_is_told_with_the_line(viewer, config):
    """Dropping a project whose config.yaml is no YAML any more says what to correct, where napari would only refuse."""
    notified = []
    session_of(viewer).notified.connect(notified.append)
    config.write_text(config.read_text() + "colormap: [jet\n")
    viewer.open(str(config.parent), plugin="posecut")
    assert len(notified) == 1
    assert "config.yaml line" in notified[0]


def test_other_paths_are_left_alone(tmp_path, config):
    """Folders without config.yaml, other names, what does not exist, and several paths at once."""
    other = config.with_name("other.yaml")
    other.write_bytes(config.read_bytes())
    for path in (str(tmp_path), str(other), str(tmp_path / "nothing" / "config.yaml"), [str(config)]):
        assert project_reader(path) is None


def test_a_refusal_is_told(viewer, config, monkeypatch):
    """What goes wrong on opening is a sentence for the person, not an exception in napari."""
    opener = project_reader(str(config))
    config.unlink()
    assert opener(str(config)) == _NO_LAYERS
    assert session_of(viewer).project is None


def test_without_a_window_nothing_is_opened(config, monkeypatch):
    """A script that reads the path through npe2 gets no layers."""
    monkeypatch.setattr(contributions, "current_viewer", lambda: None)
    assert project_reader(str(config))(str(config)) == _NO_LAYERS
