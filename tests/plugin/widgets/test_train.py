"""The dock in which a network is trained."""

import dataclasses
from datetime import datetime

import pytest

import napari_posecut
from napari_posecut.widgets.docks.train import TrainDock
from napari_posecut.widgets.forms import training
from napari_posecut.widgets.forms.training import first_settings, sizes_of
from posecut_core import create_training_dataset
from posecut_core.dataset.duration import step_operations
from posecut_core.dataset.settings import (
    TrainingSettings,
    handed_on,
    previous_training,
    read_settings,
    with_inherited,
    write_settings,
)
from posecut_core.dataset.sizes import LabeledSizes
from posecut_core.errors import Remedy
from posecut_core.model.log import Metrics, append_log, start_log
from posecut_core.progress import Notice, Progress
from tests.plugin.hand import choose, press

ESTIMATE = Notice("60 steps will take about 2 min (excluding compilation) and 1.5 GB of memory")


def step(number, **values):
    return Progress("training", number, 60, {"loss": 1 / number, "learning_rate": 1e-3, "steps_per_s": 0.5} | values)


@pytest.fixture
def dock(viewer, session, sample, qtbot):
    """The dock, with a project whose shuffle 1 is new."""
    session.open(sample)
    made = TrainDock(viewer)
    viewer.window.add_dock_widget(made, name="4 Train")
    return made


@pytest.fixture
def begun(session, dock):
    """Leave 20 steps of an earlier training of shuffle 1 behind."""
    folder = session.project.training(1).folder
    folder.mkdir(parents=True)
    write_settings(folder / "settings.yaml", TrainingSettings(net_type="resnet_18", maxiters=60))
    start_log(folder / "log.csv", step=0)
    append_log(folder / "log.csv", Metrics(20, 0.5, 1e-3, 2.0))
    session.project_changed.emit()


def test_without_a_project_it_says_what_to_do(viewer, session):
    """Nothing can be trained before a project is open."""
    dock = TrainDock(viewer)
    assert "open or create one" in dock.heading.text()
    assert not dock.start_button.isEnabled()


def test_minutes_and_the_end_are_told_before_anything_was_trained(session, dock, monkeypatch):
    """They are those of this computer's speed, and of as many networks as are asked for; running work says its own."""
    work = step_operations(dock.form._shown)
    monkeypatch.setattr(training, "operations_per_second", lambda: work / 3)  # a step takes 3 s
    dock.now = lambda: datetime(2026, 1, 31, 14, 8)
    session.project_changed.emit()
    assert dock.form.length.native.itemText(2) == "usual: 400 steps, about 20 min"
    assert dock.ending.text() == "400 steps take about 20 min, until about 14:30."
    choose(dock.form.length.native, "quick look: 80 steps, about 4 min")
    assert dock.ending.text() == "80 steps take about 4 min, until about 14:15."
    dock.networks.setValue(400)
    assert "until about" in dock.ending.text()
    press(dock.start_button)
    assert not dock.ending.isVisible()


def test_minutes_are_those_of_the_crops_that_the_core_will_choose(session, dock):
    """Kind: a setting that is automatic counted as its default, though the labels tell what it will be."""

    def work(crop):
        return step_operations(dataclasses.replace(dock.form._shown, crop_size=crop))

    assert dock.form._sizes == sizes_of(session.project)
    dock.form.show_pace(frames=6, speed=1.0, sizes=LabeledSizes(animal=90, frame=100))
    assert dock.form._work == work(128)
    dock.form.fields["global_scale"].value = "4"
    assert dock.form._work == work(368)
    dock.form.fields["crop_size"].value = "64"
    assert dock.form._work == work(64)


def test_only_what_was_changed_is_asked_for(session, dock):
    """The core goes on choosing what nobody has touched, such as the scale."""
    dock.form.fields["maxiters"].value = 60
    dock.form.fields["init_weights"].value = "random"
    dock.start_button.click()
    job = session.jobs.job
    assert job.request.verb == "create_dataset_and_train"
    assert job.request.arguments == {"shuffle": 1, "settings": {"maxiters": 60, "init_weights": "random"}}
    assert dock.form.native.isHidden()


def test_a_training_that_went_before_is_gone_on_with(dock, begun):
    """Its settings and its curve are shown, and the button says that it resumes."""
    assert dock.start_button.text() == "Resume"
    assert "20 of 60 steps" in dock.heading.text()
    assert dock.form.fields["net_type"].value == "resnet_18"
    assert dock.form.changes() == {}
    assert dock.curve.series[0].points == ((20.0, 0.5),)


def test_curves_grow_while_it_trains(session, dock, begun):
    """Earlier steps stay, the estimate is shown, and the error has a curve where it is measured."""
    dock.start_button.click()
    session.jobs.report(ESTIMATE, step(30), step(40, validation_error=4.0))
    assert dock.notes.text() == f"{ESTIMATE.text}."
    assert [one.points for one in dock.curve.series] == [((20, 0.5), (30, 1 / 30), (40, 1 / 40)), ((40, 4.0),)]
    assert dock.figures.text() == "step 40, 2 s per step, learning rate 0.001"
    dock.line.stop.click()
    session.jobs.end("stopped")
    assert dock.notes.text() == f'Paused; "{dock.start_button.text()}" goes on.'
    assert not dock.form.native.isHidden()


def test_a_training_that_was_stopped_at_its_beginning_names_the_button_that_is_there(session, dock):
    """None is called Resume then."""
    dock.start_button.click()
    session.jobs.end("stopped")
    assert dock.start_button.isVisibleTo(dock)
    assert dock.notes.text() == f'Paused; "{dock.start_button.text()}" goes on.'


def test_what_trains_is_counted_once_it_is_known(session, dock, sample):
    """Kind: that no training dataset had the labels was said while they trained, and while the network was compiled."""
    dock.start_button.click()
    session.jobs.report(Notice("reading the labels"))
    assert "no training dataset has them yet" in dock.counts.text()
    create_training_dataset(sample)
    session.jobs.report(Notice("compiling the network"))
    assert "6 labeled frames, all in the last training dataset" in dock.counts.text()


def test_several_networks_are_trained_one_after_the_other(session, dock, begun):
    """The curve is that of the network that trains now, and the figures say which that is."""
    dock.networks.setValue(3)
    dock.start_button.click()
    assert session.jobs.job.request.arguments["seeds"] == 3
    session.jobs.report(step(60), dataclasses.replace(step(10), stage="training network 2"))
    assert dock.curve.series[0].points == ((10.0, 0.1),)
    assert dock.figures.text().startswith("network 2, step 10")


def test_a_finished_training_gets_further_networks(session, dock, begun):
    """What is trained to its end is refused, but not where more networks are wanted than there are."""
    training = session.project.training(1)
    append_log(training.log, Metrics(60, 0.5, 1e-3, 2.0))
    for network in (training, training.of_network(2)):
        network.snapshot(60).mkdir(parents=True)
    session.project_changed.emit()
    assert dock.networks.value() == 2
    dock.start_button.click()
    assert session.jobs.running == ()
    dock.networks.setValue(3)
    dock.start_button.click()
    assert session.jobs.job.request.arguments["seeds"] == 3


def test_a_dock_that_is_opened_later_shows_the_training(viewer, session, dock):
    """What was reported before the dock was there is shown in it."""
    session.jobs.start("create_dataset_and_train", {"shuffle": 3})
    session.jobs.report(ESTIMATE, step(10))
    late = TrainDock(viewer)
    assert late.shuffle.value() == 3
    assert late.curve.series[0].points == ((10.0, 0.1),)
    assert not late.start_button.isEnabled()


def test_both_ways_out_without_a_network_are_named(session, dock):
    """Where ImageNet weights cannot come, the line says why, and the dock what to choose in the window."""
    dock.start_button.click()
    ways = [Remedy("train_network", weights=weights) for weights in ("model.safetensors", "random")]
    session.jobs.end("failed", message="The weights could not be downloaded.", remedies=tuple(ways))
    notified = dock.line.sentence.text().replace("\u200b", "")
    assert "4 Train (Train from a file); or 4 Train (Train from random weights)" in notified


def test_a_setting_that_cannot_work_starts_nothing(session, dock, monkeypatch):
    """What is wrong is said with the label of the field."""
    notified = []
    monkeypatch.setattr("napari_posecut.session.show_info", notified.append)
    dock.form.fields["crop_size"].value = 100
    dock.start_button.click()
    assert session.jobs.running == ()
    assert notified == ['"crop size" is 100, expected a multiple of 16 from 64 to 4096; correct it.']


def test_a_shuffle_of_a_later_iteration_begins_as_before(session, dock, begun, monkeypatch):
    """Kind: one rule written twice. The form shows all that a new training takes over from the iteration before."""
    path = session.project.training(1).settings
    write_settings(path, dataclasses.replace(read_settings(path), global_scale=0.6))
    session.project = dataclasses.replace(
        session.project, config=dataclasses.replace(session.project.config, iteration=1)
    )
    shown = first_settings(session.project, 1)
    before = previous_training(session.project.training(1, 0))
    assert (shown.net_type, shown.global_scale) == ("resnet_18", 0.6)
    assert handed_on(shown) == {**with_inherited(before, 1, {}, lambda progress: None)}


def test_the_widget_trains_all_labels_from_another_program(sample, qtbot, monkeypatch):
    """A magicgui container counts what is labeled, and its button starts the next shuffle with the changed settings."""
    started = []
    monkeypatch.setattr("napari_posecut.widgets.forms.training.start", lambda *asked: started.append(asked))
    widget = napari_posecut.train_widget(sample)
    qtbot.addWidget(widget.native)
    assert widget.counts.value == "6 labeled frames; no training dataset has them yet."
    widget.form.length.value = 1200
    widget.train.native.click()
    ((config, request),) = started
    assert (config, request.verb) == (sample, "create_dataset_and_train")
    assert request.arguments == {"shuffle": 1, "settings": {"maxiters": 1200}}
    assert widget.said.value.startswith("Shuffle 1 is trained in the background")
