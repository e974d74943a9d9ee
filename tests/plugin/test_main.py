"""`python -m napari_posecut` is the window as a program."""

import sys

import pytest

from napari_posecut import __main__ as program
from napari_posecut import window
from posecut_core.errors import ProjectError


@pytest.mark.parametrize(("words", "project"), [([], None), (["mouse"], "mouse")])
def test_the_window_opens_on_the_project(monkeypatch, words, project):
    """With or without one; a window that is closed is a success."""
    opened = []
    monkeypatch.setattr(window, "work", opened.append)
    monkeypatch.setattr(sys, "argv", ["napari_posecut", *words])
    assert program.main() == 0
    assert opened == [project]


def test_a_refusal_is_one_sentence(monkeypatch, capsys, tmp_path):
    """Without a traceback, and with the exit code of `posecut`."""
    monkeypatch.setattr(sys, "argv", ["napari_posecut", str(tmp_path / "nothing")])
    assert program.main() == ProjectError.exit_code
    assert capsys.readouterr().err.count("\n") == 1
