"""`posecut label` opens the window in a process of its own, or says why it cannot."""

import importlib.util
import os

import pytest

from posecut_core.cli import verbs
from posecut_core.cli.summaries import outcome_of
from posecut_core.cli.verbs import _check_installed, _check_screen, open_window
from posecut_core.errors import PosecutError


@pytest.fixture
def opened(monkeypatch):
    """A window that only writes down which project it was opened with."""
    projects = []

    def fake(project):
        projects.append(project)
        return open_window(project, program=("-c", "print('noise')"))

    monkeypatch.setattr(verbs, "open_window", fake)
    monkeypatch.setattr(verbs, "_check_installed", lambda: None)
    monkeypatch.setattr(verbs, "_check_screen", lambda environment: None)
    return projects


def test_the_window_is_given_the_project(opened, posecut, project):
    """Afterwards the labels are to be checked."""
    code, out, _ = posecut("label", project)
    assert (code, opened) == (0, [project])
    assert "posecut check-labels" in out


def test_the_current_folder_is_the_project(opened, posecut, project, monkeypatch, tmp_path):
    """Inside a project none has to be named; elsewhere the window opens without one."""
    monkeypatch.chdir(project)
    posecut("label")
    monkeypatch.chdir(tmp_path)
    posecut("label")
    assert opened == [project, None]


def test_json_is_all_that_is_printed(opened, posecut_json, project):
    """What the window's process prints does not come between."""
    code, result, err = posecut_json("label", project)
    assert (code, result["exit_code"], "noise" in err) == (0, 0, True)


@pytest.mark.parametrize(("ending", "code"), [("sys.exit(3)", 3), ("os.kill(os.getpid(), 9)", 137)])
def test_the_exit_code_of_the_window_is_handed_on(tmp_path, ending, code):
    """A window that could not open its project, or was killed, leads to no next step."""
    window = open_window(tmp_path, program=("-c", f"import os, sys; {ending}"))
    outcome = outcome_of(window, {})
    assert (outcome.exit_code, outcome.following) == (code, ())


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_screen_that_does_not_answer_is_asked_for(tmp_path, monkeypatch):
    """Qt ends the process where it finds no screen; another signal says nothing of screens."""
    monkeypatch.setenv("DISPLAY", "remote:10")
    lines = {
        name: open_window(tmp_path, program=("-c", f"import os, signal; os.kill(os.getpid(), signal.{name})"))
        .summary()
        .text
        for name in ("SIGABRT", "SIGKILL")
    }
    assert "DISPLAY=remote:10" in lines["SIGABRT"]
    assert "DISPLAY" not in lines["SIGKILL"]


def test_missing_libraries_are_named():
    """Without napari, or without any Qt, the sentence says what to install."""
    for installed, missing in (({"PyQt6"}, "napari"), ({"napari"}, "Qt")):
        with pytest.raises(PosecutError, match=rf"needs {missing},.*pip install 'posecut\[napari\]'"):
            _check_installed(lambda name, installed=installed: name in installed)
    _check_installed({"napari", "PySide6"}.__contains__)


def test_a_screen_is_needed_on_linux():
    """Any of the ways to name one will do; other systems always have one."""
    with pytest.raises(PosecutError, match="no screen"):
        _check_screen({"DISPLAY": ""}, system="linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        _check_screen({name: "x"}, system="linux")
    _check_screen({}, system="darwin")


def test_the_window_that_is_started_exists():
    """The plugin's module is there under the name that the core knows."""
    assert importlib.util.find_spec("napari_posecut.__main__")
