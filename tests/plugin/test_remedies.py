"""What helps after an error is a button that leads to its dock, with the arguments filled in."""

import pandas as pd
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QLineEdit, QPushButton

from napari_posecut.remedies import in_window
from napari_posecut.session import session_of
from napari_posecut.window import add_flow_bar
from posecut_core.errors import LabelError, PosecutError, Remedy
from posecut_core.labels.edits import Place
from posecut_core.labels.session import LabelSession
from posecut_core.progress import Notice
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project
from tests.plugin.hand import click_row, press
from tests.plugin.widgets.fake_jobs import FakeJobs


@pytest.fixture
def bar(viewer):
    """The row of buttons, whose jobs do what a test says."""
    session_of(viewer).jobs = FakeJobs()
    return add_flow_bar(viewer)


def refuse(bar, *remedies, message="It cannot be done."):
    """Let something be refused, and return the sentence and the texts of the buttons on the message line."""

    def action():
        raise PosecutError(message, *remedies)

    session_of(bar._viewer).attempt(action)
    return shown(bar)


def shown(bar):
    """Return the sentence and the texts of the buttons on the message line."""
    sentence = bar.findChild(QLineEdit, "posecut.message.sentence")
    return sentence.text(), [button.text() for button in bar.message.remedies.buttons]


def press_remedy(bar, text):
    """Press a button on the message line as a user does, and return the dock in front."""
    press(next(button for button in bar.message.remedies.buttons if button.text() == text))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("quantizing to int8 by 32 images, once", "Quantizing to int8 by 32 images, once."),
        ("openfield.mp4 is damaged", "openfield.mp4 is damaged."),
        ("mouse: 3 labels lie outside", "mouse: 3 labels lie outside."),
        ("Which of these do you mean?", "Which of these do you mean?"),
    ],
)
def test_a_notice_is_a_sentence_in_the_window(said, told):
    """In the shell it is a heading; the name of a file stays as it is written."""
    assert in_window(Notice(said)) == told


def test_a_remedy_with_a_dock_is_a_button_and_the_sentence_names_no_call(bar):
    """Each alternative has its own button; the sentence stays as the core says it."""
    ways = [Remedy("train_network", weights=weights) for weights in ("model.safetensors", "random")]
    assert refuse(bar, *ways) == ("It cannot be done.", ["Train from a file", "Train from random weights"])
    bar.message.dismiss.click()
    assert shown(bar) == ("", [])


def test_without_a_dock_the_sentence_says_where(bar):
    """What only Python has is said as a call."""
    sentence, buttons = refuse(bar, Remedy("write_labels", config="/p"))
    assert buttons == []
    assert "in Python" in sentence


def test_training_starts_with_the_weights_of_the_button(bar, sample):
    """The dock comes to the front with the weights chosen, and the training has begun."""
    session = session_of(bar._viewer)
    session.open(sample)
    refuse(bar, Remedy("train_network", weights="random"))
    press_remedy(bar, "Train from random weights")
    assert session.jobs.job.request.verb == "create_dataset_and_train"
    assert session.jobs.job.request.arguments["settings"]["init_weights"] == "random"


def test_named_frames_are_extracted_at_once(bar, sample):
    """A button that names its frames needs no second one."""
    session = session_of(bar._viewer)
    session.open(sample)
    video = session.labeling.index.frames[0].video
    refuse(bar, Remedy("extract_frames", config=sample.parent, frames=[7], videos=[video]))
    press_remedy(bar, "Extract frame 7")
    assert session.jobs.job.request.arguments == {"videos": [video], "algo": "manual", "frames": [7]}


def test_what_is_not_safe_is_filled_in_and_left_to_the_user(bar, sample):
    """Drafts become labels only when the user merges; videos are checked, and nothing runs."""
    session = session_of(bar._viewer)
    session.open(sample)
    refuse(bar, Remedy("merge_datasets", unreviewed="accept"))
    press_remedy(bar, "Accept all suggestions")
    assert bar.open("8 Refine").policy == "accept"
    frames = bar.open("2 Frames")
    first, second = frames._items
    refuse(bar, Remedy("extract_frames", videos=[second]))
    press_remedy(bar, "Extract frames")
    assert frames._checked() == [second]
    assert first != second
    assert session.jobs.running == ()


def test_a_failed_job_has_the_buttons_in_its_line(bar, sample):
    """They are where the work was started, and go when it starts again."""
    session = session_of(bar._viewer)
    session.open(sample)
    dock = bar.open("5 Evaluate")
    dock.start_button.click()
    session.jobs.end("failed", message="There is no network.", remedies=(Remedy("train_network", shuffle=3),))
    button = dock.findChild(QPushButton, "evaluate.line.remedies.1")
    assert button.text() == "Train the network"
    press(button)
    assert bar.open("4 Train").shuffle.value() == 3
    bar.open("5 Evaluate").start_button.click()
    assert dock.line.remedies.buttons == []


def test_bodyparts_renamed_in_the_file_are_renamed_by_a_button(bar, config):
    """A project that opens to nobody before it is said what the new name means, opens then."""
    with LabelSession.open(open_project(config), "walk") as session:
        session.apply(Place(2, session.identity("hand"), (8.0, 9.0)))
    edit_config(config, {"bodyparts": ["paw", "tip"]})
    session_of(bar._viewer).attempt(lambda: session_of(bar._viewer).open(config))
    sentence, buttons = shown(bar)
    assert "paw" in sentence
    assert buttons == ["Rename hand to paw", "Add paw"]
    press_remedy(bar, "Rename hand to paw")
    labeling = session_of(bar._viewer).labeling
    frame = next(key for key in labeling.index.frames if key.number == 2)
    assert [(one.name, one.xy) for one in labeling.keypoints_of(frame)] == [("paw", (8.0, 9.0)), ("tip", None)]


def test_a_damaged_project_is_repaired_by_a_button(bar, config):
    """The check runs as a job, again where it failed, and the project opens when it is done."""
    session = session_of(bar._viewer)
    refuse(bar, Remedy("doctor", config=config.parent, mend=True))
    press_remedy(bar, "Repair the project")
    session.jobs.end("failed", message="The disk is full.")
    press(bar.open("1 Project").repair_line.again)
    assert session.jobs.find("doctor") is session.jobs.job
    assert (session.jobs.job.request.verb, session.jobs.job.request.arguments) == ("doctor", {"mend": True})
    mended = {"problem": "It was damaged.", "mended": True, "harmless": False}
    session.jobs.end("done", result={"findings": [mended]})
    assert session.project.config_path == config
    assert shown(bar)[0].startswith("1 problem repaired")


def _label_hand(project):
    with LabelSession.open(project, "walk") as labels:
        labels.apply(Place(2, labels.identity("hand"), (8.0, 9.0)))


def _move_elsewhere(project, video="walk"):
    """Change the first label of a video as another program would."""
    for suffix in (".h5", ".csv"):
        (path := project.collected_data(video, suffix)).write_bytes(path.read_bytes())
    table = pd.read_hdf(project.collected_data(video, ".h5"))
    table.iloc[0, 0] = 55.0
    table.to_hdf(project.collected_data(video, ".h5"), key="df_with_missing", mode="w")
    table.to_csv(project.collected_data(video, ".csv"))


def test_changes_by_another_program_are_told_while_the_window_is_open(bar, config):
    """Who comes back from another program sees what it changed."""
    project, session = open_project(config), session_of(bar._viewer)
    _label_hand(project)
    session.open(config)
    assert bar.banner.isHidden()
    _move_elsewhere(project)
    QApplication.instance().applicationStateChanged.emit(Qt.ApplicationState.ApplicationActive)
    assert not bar.banner.isHidden()
    assert "Another program changed 1 label of walk" in bar.banner.sentence.text()


def test_changes_of_videos_that_are_not_shown_are_told_too(bar, sample, qtbot):
    """They are listed with those of the shown one, a click on one shows its frame, and all are taken over at once."""
    project, session = open_project(sample), session_of(bar._viewer)
    session.open(sample)
    shown_video, other = session.labeling.frame.video, session.labeling.index.frames[-1].video
    assert other != shown_video
    _move_elsewhere(project, other)
    QApplication.instance().applicationStateChanged.emit(Qt.ApplicationState.ApplicationActive)
    qtbot.waitUntil(lambda: not bar.banner.isHidden())
    assert f"Another program changed 1 label of {other}" in bar.banner.sentence.text().replace("\u200b", "")
    _move_elsewhere(project, shown_video)
    QApplication.instance().applicationStateChanged.emit(Qt.ApplicationState.ApplicationActive)
    assert f"2 labels of {other}, {shown_video}" in bar.banner.sentence.text().replace("\u200b", "")
    press(bar.banner.show_button)
    click_row(bar.banner.changes, 0)
    assert session.labeling.frame.video == other
    press(bar.banner.take_button)
    assert bar.banner.isHidden()
    first = next(key for key in session.labeling.index.frames if key.video == other)
    assert session.labeling.keypoints_of(first)[0].xy[0] == 55.0
    session.labeling.step(1)
    qtbot.waitUntil(lambda: not bar.banner._timer.isActive())
    assert bar.banner.isHidden()


@pytest.mark.parametrize(("text", "x"), [("Take over the changes", 55.0), ("Discard the changes", 8.0)])
def test_changes_by_another_program_are_told_and_decided_by_a_button(bar, config, text, x):
    """Labels that DeepLabCut has changed are not passed over: opening says so, and a button accepts or discards."""
    project, session = open_project(config), session_of(bar._viewer)
    _label_hand(project)
    _move_elsewhere(project)
    session.open(config)
    assert "Another program changed 1 label of walk" in bar.banner.sentence.text()
    bar.banner.confirm = lambda question: True
    press(bar.banner.show_button)
    assert bar.banner.changes.topLevelItem(0).text(0) == "frame 2: hand placed at (55.0, 9.0)"
    press(bar.banner.take_button if text.startswith("Take") else bar.banner.discard_button)
    assert bar.banner.isHidden()
    frame = next(key for key in session.labeling.index.frames if key.number == 2)
    assert session.labeling.keypoints_of(frame)[0].xy[0] == x
    assert session.labeling.index.label_session.outside.edits == ()


def test_a_message_stays_while_proposals_come_and_goes_with_the_next_edit(bar, sample, qtbot):
    """What was said is not taken away by work in the background."""
    session = session_of(bar._viewer)
    session.open(sample)
    session.notify("2 frames were extracted.")
    qtbot.waitUntil(lambda: not bar.message._settling.isActive())
    session.labeling.keypoints_changed.emit()
    assert shown(bar)[0] == "2 frames were extracted."
    session.labeling.step(1)
    assert shown(bar)[0] == ""


def test_errors_keep_their_remedies_without_a_row_of_buttons(viewer, monkeypatch):
    """A dock that was opened alone has napari's own notice, which says where each remedy is."""
    told = []
    monkeypatch.setattr("napari_posecut.session.show_info", told.append)

    def action():
        raise LabelError("No frame is labeled.", Remedy("label_frames"))

    session_of(viewer).attempt(action)
    assert told == ["No frame is labeled. Here: 3 Label (Label frames)."]
