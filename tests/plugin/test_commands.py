"""What is in napari's own menus works with and without a project."""

from types import SimpleNamespace

import pytest
from qtpy.QtWidgets import QFileDialog

from napari_posecut.contributions import ask_for_project, export_deeplabcut
from napari_posecut.jobs.files import Request
from napari_posecut.session import session_of


@pytest.mark.parametrize("chosen", [True, False])
def test_a_chosen_project_is_opened(viewer, config, monkeypatch, chosen):
    """Whoever chooses nothing gets the buttons at least."""
    answer = str(config) if chosen else ""
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *words: (answer, ""))
    ask_for_project(viewer)
    assert "PoseCut" in viewer.window.dock_widgets
    assert (session_of(viewer).project is not None) == chosen


def test_images_for_deeplabcut_need_a_project(viewer, monkeypatch):
    """Without one nothing is started."""
    monkeypatch.setattr(session_of(viewer).jobs, "start", lambda *words: pytest.fail("started"))
    export_deeplabcut(viewer)


@pytest.mark.parametrize(
    ("state", "message", "sentence"),
    [
        ("done", "The frames were written as images.", "written as images"),
        ("failed", "The disk is full.", "disk is full"),
        ("stopped", "", "stopped"),
    ],
)
def test_images_for_deeplabcut_are_written_in_the_background(viewer, config, monkeypatch, state, message, sentence):
    """The person is told how it ended, once."""
    session, notified = session_of(viewer), []
    session.open(config)
    request = Request("export_deeplabcut", {})
    job = SimpleNamespace(state=state, message=message, remedies=(), request=request, is_warning=False)
    monkeypatch.setattr(session.jobs, "start", lambda verb, arguments: job)
    monkeypatch.setattr(session, "notify", lambda sentence, remedies, **_: notified.append(sentence))
    export_deeplabcut(viewer)
    for ended in (SimpleNamespace(state="done", request=Request("doctor", {})), job, job):
        session.jobs.ended.emit(ended)
    assert len(notified) == 1
    assert sentence in notified[0]
    session.close()
