"""The window comes up furnished, and closes without losing or blocking anything."""

import contextlib
import subprocess
import sys
from types import SimpleNamespace

import pytest
from napari._app_model import get_app_model
from qtpy.QtCore import Qt

import napari_posecut
from napari_posecut import window
from napari_posecut.jobs import monitor
from napari_posecut.jobs.verbs import title_of
from napari_posecut.session import _ask_user, _Closing, session_of
from napari_posecut.widgets.docks.label import LabelDock
from napari_posecut.widgets.flow import FlowBar
from napari_posecut.window import add_flow_bar, open_here, open_window
from posecut_core.errors import PosecutError, ProjectError
from posecut_core.labels.session import LabelSession
from posecut_core.project.opening import open_project


@pytest.fixture
def opened(qtbot, config, settings):
    """A window that is to be seen, with the project open."""
    made = open_window(config)
    yield made
    session_of(made).jobs.running = ()
    with contextlib.suppress(RuntimeError):  # the test has closed it
        made.close()


class FakeJob:
    """Work that runs until it is stopped."""

    def __init__(self) -> None:
        self.request = SimpleNamespace(verb="create_dataset_and_train")
        self.stopped = False

    def stop(self):
        self.stopped = True

    def poll(self):
        return ()


def close_by_hand(viewer):
    """Close the window as a person does, through its frame."""
    bar = add_flow_bar(viewer)
    return bar.window().close()


def is_free(config):
    """Tell whether another program could edit the labels now."""
    with LabelSession.open(open_project(config), "walk") as session:
        return session.writable


def test_importing_the_plugin_is_light():
    """The paper's names are there before napari, Qt or JAX are."""
    code = "import napari_posecut, sys; print(napari_posecut.label_frames.__name__, *sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert loaded[0] == "label_frames"
    assert {"napari", "qtpy", "jax", "numpy"}.isdisjoint(loaded)


def test_a_window_has_buttons_docks_and_the_project(opened, config):
    """Opened on a project, the labeling is in front, and the same again adds nothing."""
    docked = list(opened.window.dock_widgets)
    assert docked == ["PoseCut", "1 Project (PoseCut)", "3 Label (PoseCut)"]
    assert session_of(opened).project.config_path == config
    open_here(opened, config)
    assert list(opened.window.dock_widgets) == docked


def test_a_window_without_a_project_begins_with_the_first_dock(qtbot):
    """There a project is created or opened."""
    made = open_window(show=False)
    assert list(made.window.dock_widgets) == ["PoseCut", "1 Project (PoseCut)"]
    made.close()


def test_no_window_is_left_where_there_is_no_project(qtbot, tmp_path, config):
    """Neither a wrong path nor a damaged config.yaml leaves an empty window behind."""
    before = set(map(id, qtbot_windows()))
    config.write_text("Task: [")
    for path in (tmp_path / "nothing", config):
        with pytest.raises(ProjectError):
            open_window(path, show=False)
    assert set(map(id, qtbot_windows())) <= before


def qtbot_windows():
    from qtpy.QtWidgets import QApplication, QMainWindow

    return [one for one in QApplication.topLevelWidgets() if isinstance(one, QMainWindow) and one.isVisible()]


@pytest.mark.parametrize(("name", "dock"), [("label_frames", "3 Label"), ("refine_labels", "8 Refine")])
def test_the_papers_names_open_their_docks(qtbot, config, settings, monkeypatch, name, dock):
    """From a script they wait until the window is closed; block=False returns at once."""
    waited = []
    monkeypatch.setattr(window.napari, "run", lambda: waited.append(name))
    for block in (True, False):
        viewer = getattr(napari_posecut, name)(config, block=block)
        assert f"{dock} (PoseCut)" in viewer.window.dock_widgets
        viewer.close()
    assert waited == [name]


def test_closing_the_window_closes_the_labels(opened, config):
    """Other programs may edit them from then on."""
    close_by_hand(opened)
    assert is_free(config)


def test_a_script_that_closes_the_viewer_closes_the_labels(viewer, config):
    """So it is with a window that was never seen."""
    open_here(viewer, config)
    viewer.close()
    assert is_free(config)


def test_nothing_else_happens_to_a_window_that_a_script_closes(viewer, config, monkeypatch):
    """However long its labels take to be written; napari's picture, deleted meanwhile, would end the process."""
    open_here(viewer, config)
    add_flow_bar(viewer).window().hide()  # such a window closes its project before napari has closed anything
    monkeypatch.setattr(monitor, "_done_soon", lambda future: False)
    viewer.close()
    assert is_free(config)


def test_a_script_that_closes_the_viewer_is_not_asked(opened):
    """It could not keep the window: what is in it is gone already. Work goes on."""
    session, job = session_of(opened), FakeJob()
    session.jobs.running, session.ask_about_jobs = (job,), None
    opened.close()
    assert (session.project, job.stopped) == (None, False)


@pytest.mark.parametrize(("answer", "closed", "stopped"), [("go on", 1, 0), ("stop", 1, 1), ("stay", 0, 0)])
def test_a_person_decides_about_work_that_runs(opened, config, answer, closed, stopped):
    """It goes on, or stops, or the window stays with everything in it."""
    session, job = session_of(opened), FakeJob()
    session.jobs.running, asked = (job,), []
    session.ask_about_jobs = lambda jobs, window: asked.append(tuple(jobs)) or answer
    assert close_by_hand(opened) == bool(closed)
    assert asked == [(job,)]
    assert (session.project is None, job.stopped) == (bool(closed), bool(stopped))


@pytest.mark.parametrize("way", ["the cross of the frame", "File > Close Window"])
def test_closing_asks_once(opened, settings, qtbot, monkeypatch, way):
    """While work runs PoseCut asks and napari does not, whichever way the window is closed."""
    from napari._qt.dialogs.confirm_close_dialog import ConfirmCloseDialog

    session, asked, by_napari = session_of(opened), [], []
    session.jobs.running = (FakeJob(),)
    session.ask_about_jobs = lambda jobs, window: asked.append(len(jobs)) or "go on"
    monkeypatch.setattr(ConfirmCloseDialog, "reject", lambda dialog: by_napari.append("asked") or dialog.done(0))
    seen = add_flow_bar(opened).window()
    qtbot.waitExposed(seen)
    if way.startswith("File"):
        seen.close(quit_app=False, confirm_need=True)  # what the entry of the menu calls
    else:
        seen.windowHandle().close()  # which reaches the window as the cross does: not from the program
    qtbot.waitUntil(lambda: session.project is None, timeout=3000)
    assert (asked, by_napari) == ([1], [])


@pytest.mark.parametrize("chosen", ["go on", "stop"])
def test_who_has_decided_once_is_not_asked(opened, settings, chosen):
    """The preference answers."""
    settings.work.when_closing = chosen
    session, job = session_of(opened), FakeJob()
    session.jobs.running, session.ask_about_jobs = (job,), None
    assert close_by_hand(opened)
    assert job.stopped == (chosen == "stop")


def test_the_question_can_be_answered_for_ever(opened, settings, qtbot, monkeypatch):
    """The dialog names the work, and keeps the answer where the person says so."""
    from qtpy.QtWidgets import QMessageBox

    texts = []

    def choose(box):
        texts.append(box.text())
        box.checkBox().setChecked(True)
        button = next(one for one in box.buttons() if one.text().startswith("Pause"))
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    monkeypatch.setattr(QMessageBox, "exec", choose)
    assert _ask_user((FakeJob(),), add_flow_bar(opened).window()) == "stop"
    assert texts == ["Still running: training."]
    assert settings.work.when_closing == "stop"


def test_a_stop_that_fails_is_told(opened, monkeypatch):
    """The window closes all the same."""
    session, job = session_of(opened), FakeJob()
    job.stop = lambda: (_ for _ in ()).throw(PosecutError("The disk refuses."))
    session.jobs.running, session.ask_about_jobs = (job,), lambda jobs, window: "stop"
    assert close_by_hand(opened)


def test_a_window_is_watched_once(opened, config):
    """Opening the project again asks nobody twice."""
    session_of(opened).open(config)
    assert len(add_flow_bar(opened).window().findChildren(_Closing)) == 1


def test_docks_opened_elsewhere_are_found(viewer):
    """A dock from napari's own menu is brought to the front instead of a second one."""
    _, widget = viewer.window.add_plugin_dock_widget("posecut", "3 Label")
    assert add_flow_bar(viewer).open("3 Label") is widget
    assert isinstance(widget, LabelDock)
    viewer.window.add_plugin_dock_widget("posecut", "PoseCut")
    assert isinstance(add_flow_bar(viewer), FlowBar)


def test_naparis_menu_knows_the_docks_of_the_row(opened):
    """Its entry takes the dock away and brings it back, instead of making a second one."""
    dock = add_flow_bar(opened)._dock("3 Label")
    docked = list(opened.window.dock_widgets)
    for shown in (False, True):
        get_app_model().commands.execute_command("posecut.label").result()  # what a click on the entry does
        assert dock.isHidden() != shown
        assert list(opened.window.dock_widgets) == docked


def test_work_is_named_for_people():
    """Verbs are written as words."""
    assert title_of("create_dataset_and_train") == "training"
