"""Labels and projects of other programs, in dock 1 of a real window."""

from pathlib import Path

import pytest
from qtpy.QtWidgets import QFileDialog

from napari_posecut.session import session_of
from napari_posecut.window import add_flow_bar
from posecut_core.errors import Remedy
from posecut_core.interchange.registry import FORMATS
from tests.plugin.hand import choose, press, write
from tests.plugin.immediate_jobs import work_at_once
from tests.plugin.widgets.fake_jobs import FakeJobs


@pytest.fixture
def dock(viewer, sample):
    """1 Project with labeled frames, its tab Files in front."""
    session_of(viewer).jobs = FakeJobs()
    session_of(viewer).open(sample)
    dock = add_flow_bar(viewer).open("1 Project")
    dock.tabs.setCurrentWidget(dock.files)
    return dock


def answer(monkeypatch, path):
    """Let every dialog for a file or a folder be answered."""
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(path))


def test_labels_are_written_for_another_program(dock):
    """The child is given the format; where the file is and what it lacks is said beside the button."""
    runner, jobs = dock.files.labels_out, dock.session.jobs
    choose(runner.form.fields["format"].native, FORMATS["cvat"].title)
    press(runner.start_button)
    assert (jobs.job.request.verb, jobs.job.request.arguments) == ("export_labels", {"format": "cvat"})
    assert dock.session.labeling.writable
    jobs.end("done", message="6 labeled frames of 2 videos in x.xml.", lines=("Lost in this format: the skeleton.",))
    assert runner.result.text().replace("\u200b", "") == (
        "<b>6 labeled frames of 2 videos in x.xml.</b><br>Lost in this format: the skeleton."
    )
    assert runner.result.isVisible()


def test_labels_come_from_a_file(dock, monkeypatch):
    """A canceled dialog starts nothing; the labels are let go of meanwhile, and what came is still said afterwards."""
    runner, jobs = dock.files.labels_in, dock.session.jobs
    answer(monkeypatch, "")
    press(runner.start_button)
    assert jobs.running == ()
    answer(monkeypatch, "/data/theirs.slp")
    write(runner.form.fields["animal"].native, "7")
    press(runner.start_button)
    assert jobs.job.request.arguments == {"file": "/data/theirs.slp", "animal": "7"}
    assert not dock.session.labeling.writable
    jobs.end("done", message="theirs.slp: 12 labels and suggestions are new.")
    assert dock.session.labeling.writable
    assert "12 labels" in runner.result.text()


def test_of_a_file_with_several_animals_one_is_taken_by_a_button(dock, monkeypatch):
    """The refusal has a button that names the animal, and the import begins with it."""
    answer(monkeypatch, "/data/two.slp")
    press(dock.files.labels_in.start_button)
    root = str(dock.session.project.root)
    remedy = Remedy("import_labels", config=root, file="/data/two.slp", animal="mother")
    dock.session.jobs.end("failed", message="It has the animals mother, pup.", remedies=(remedy,))
    (button,) = dock.files.labels_in.line.remedies.buttons
    assert button.text() == "Take those of mother"
    press(button)
    assert dock.session.jobs.job.request.arguments == {"file": "/data/two.slp", "animal": "mother"}


def test_labels_go_out_and_come_back(dock, monkeypatch):
    """What the window writes it reads again, and there is nothing new in it."""
    asked = work_at_once(dock.session, monkeypatch)
    choose(dock.files.labels_out.form.fields["format"].native, FORMATS["cvat"].title)
    press(dock.files.labels_out.start_button)
    (path,) = dock.session.project.exports.iterdir()
    answer(monkeypatch, path)
    press(dock.files.labels_in.start_button)
    assert [request.verb for request in asked] == ["export_labels", "import_labels"]
    assert "has nothing new" in dock.files.labels_in.result.text().replace("\u200b", "")


@pytest.fixture
def start(viewer):
    """1 Project before any project is open."""
    session_of(viewer).jobs = FakeJobs()
    return add_flow_bar(viewer).open("1 Project")


def test_a_project_of_another_program_is_imported(start, sample, monkeypatch, tmp_path):
    """A child makes it, what came along and what did not is said, and it is opened."""
    press(start.start.import_button)
    form, jobs = start.imports, start.session.jobs
    write(form.form.fields["experimenter"].native, "ada")
    write(form.folder, str(tmp_path))
    answer(monkeypatch, "/data/flies.slp")
    press(form.from_file_button)
    wanted = {"source": "/data/flies.slp", "working_directory": str(tmp_path), "copy_videos": False}
    assert jobs.job.request.arguments == {**wanted, "experimenter": "ada"}
    lines = ("Came along: 2 videos, 7 bodyparts", "Did not: its networks")
    jobs.end("done", result={"config_path": str(sample)}, message="The project is there.", lines=lines)
    assert start.session.project.config_path == sample
    assert "Did not: its networks" in form.result.text().replace("\u200b", "")


def test_an_import_leaves_alone_what_was_opened_meanwhile(start, sample, monkeypatch):
    """It is said that it is done; whoever works at another project is not taken away from it."""
    answer(monkeypatch, "/data/theirs")
    press(start.start.import_button)
    press(start.imports.from_folder_button)
    start.session.open(sample)
    said = []
    start.session.notified.connect(said.append)
    start.session.jobs.end("done", result={"config_path": "/data/other/config.yaml"}, message="The project is there.")
    assert start.session.project.config_path == Path(sample)
    assert said == ["The project is there."]
