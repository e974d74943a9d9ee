"""The dock that shows how far off a network is."""

import numpy as np
import pytest
from qtpy.QtGui import QDesktopServices

from napari_posecut.widgets.docks.evaluate import EvaluateDock
from posecut_core.evaluation.errors import MeanErrors
from posecut_core.evaluation.reliability import Calibration
from posecut_core.evaluation.tables import (
    FrameError,
    put_row,
    result_row,
    write_bodypart_errors,
    write_frame_errors,
    write_frame_predictions,
)
from posecut_core.formats.deeplabcut.frames import image_names
from posecut_core.labels.agreement import Agreement, LabelComparison, pooled, write_agreement
from tests.plugin.hand import choose, click_row, press

NAN = float("nan")
ERRORS = MeanErrors(1.5, 2.25, 1.25, NAN, train_pairs=10, test_pairs=2)


def evaluate(project, frames):
    """Leave the files of an evaluation behind."""
    stem, folder = "PoseCut_resnet18_mouse_60", project.training(1).evaluation("").folder
    found = Calibration(17.0, 4, 3, 0.125, 0.3, ())
    row = result_row(ERRORS, found, step=60, percent=95, shuffle=1, pcutoff=0.6, bodyparts=None)
    put_row(folder / f"{stem}-results.csv", row)
    write_bodypart_errors(folder / f"{stem}-keypoint-results.csv", ("snout", "tail"), (ERRORS, ERRORS))
    write_frame_errors(folder / f"{stem}-frame-results.csv", frames)
    (folder / "report.html").write_text("<html></html>")


@pytest.fixture
def dock(viewer, session, sample):
    """The dock, with a project that was never evaluated."""
    session.open(sample)
    made = EvaluateDock(viewer)
    viewer.window.add_dock_widget(made, name="5 Evaluate")
    return made


@pytest.fixture
def frame(session):
    """A labeled frame other than the shown one."""
    session.labeling.step(2)
    other = session.labeling.frame
    session.labeling.step(-2)
    return other


def cells(table):
    items = [table.topLevelItem(place) for place in range(table.topLevelItemCount())]
    return [[item.text(column) for column in range(table.columnCount())] for item in items]


def test_without_a_project_it_says_what_to_do(viewer, session):
    """Nothing can be evaluated before a project is open."""
    dock = EvaluateDock(viewer)
    assert "open or create one" in dock.heading.text()
    assert not dock.start_button.isEnabled()


def test_results_are_shown_when_the_work_is_done(session, dock, frame):
    """The button starts the work; at its end tables and summary are there, the worst frame first."""
    assert dock.bodyparts.isHidden()
    dock.plotting.setChecked(True)
    dock.start_button.click()
    assert session.jobs.job.request.arguments == {"shuffle": 1, "plotting": True}
    assert not dock.start_button.isEnabled()
    evaluate(session.project, [FrameError(frame.video, frame.number, False, 9.0), FrameError("m", 1, True, 12.0)])
    session.jobs.end("done")
    assert cells(dock.bodyparts) == [["snout", "1.50", "2.25", "2"], ["tail", "1.50", "2.25", "2"]]
    assert cells(dock.frames) == [["m", "1", "12.00", "training"], [frame.video, str(frame.number), "9.00", "test"]]
    assert "2.25 px on 1 test frame</b>" in dock.summary.text()
    assert "So few test frames tell little" in dock.summary.text()
    assert "pcutoff of 0.30" in dock.summary.text()
    assert "n/a and 1.25 px" in dock.summary.text()
    assert dock.start_button.isEnabled()


def test_the_distance_between_two_people_stands_beside_the_errors(session, dock, frame):
    """Where their labels were compared; an error near that is as good as the labels tell."""
    project = session.project
    parts = {"snout": Agreement(4, 2.7, 3.1)}
    write_agreement(project.label_agreement, LabelComparison(2, pooled(parts.values()), parts, ()))
    evaluate(project, [FrameError(frame.video, frame.number, False, 9.0)])
    session.project_changed.emit()
    assert cells(dock.bodyparts) == [["snout", "1.50", "2.25", "2", "2.70"], ["tail", "1.50", "2.25", "2", ""]]
    assert "two people are 2.70" in dock.summary.text()


def test_an_evaluation_on_disk_is_shown_when_a_project_is_opened(viewer, session, sample):
    """Nobody has to evaluate again to see the figures."""
    session.open(sample)
    evaluate(session.project, [])
    dock = EvaluateDock(viewer)
    assert "after 60 steps" in dock.heading.text()
    assert len(cells(dock.bodyparts)) == 2


def test_a_click_on_a_worst_frame_opens_it(session, dock, frame):
    """The frame is shown to be labeled."""
    evaluate(session.project, [FrameError(frame.video, frame.number, False, 9.0)])
    session.project_changed.emit()
    assert session.labeling.frame != frame
    dock.frames.itemClicked.emit(dock.frames.topLevelItem(0), 0)
    assert session.labeling.frame == frame


def test_predictions_are_joined_to_the_labels_of_a_worst_frame(viewer, session, dock, frame):
    """Crosses are where the network sees the bodyparts, with a line to each label; the next frame has none."""
    part, (x, y) = next((one.name, one.xy) for one in session.labeling.keypoints_of(frame) if one.xy)
    evaluate(session.project, [FrameError(frame.video, frame.number, False, 9.0)])
    files = session.project.training(1).evaluation("PoseCut_resnet18_mouse_60")
    name = image_names(session.project, frame.video, [frame.number])[frame.number]
    write_frame_predictions(
        files.predictions,
        [("labeled-data", frame.video, name)],
        np.array([[[x + 8, y]]]),
        np.ones((1, 1)),
        scorer=files.scorer,
        bodyparts=(part,),
    )
    session.project_changed.emit()
    click_row(dock.frames, 0)
    layer = viewer.layers["predictions"]
    seen = layer.data[layer.face_color[:, 3] > 0]
    np.testing.assert_allclose(seen[0], (y, x + 8))
    np.testing.assert_allclose([seen[1:, 1].min(), seen[1:, 1].max()], [x, x + 8])
    assert viewer.layers.selection.active is session.canvas.points
    session.labeling.step(1)
    assert not layer.visible


def test_a_missing_table_of_predictions_is_told(session, dock, frame):
    """Evaluations of 0.1.0 may lack it; the frame is shown all the same."""
    evaluate(session.project, [FrameError(frame.video, frame.number, False, 9.0)])
    session.project_changed.emit()
    said = []
    session.notified.connect(said.append)
    click_row(dock.frames, 0)
    assert session.labeling.frame == frame
    assert "expected a table" in said[0]


def test_the_snapshot_to_evaluate_is_chosen(session, dock):
    """Those that the shuffle has are offered, and all of them; without a choice config.yaml decides."""
    for step in (30, 60):
        (session.project.training(1).folder / f"snapshot-{step:06d}").mkdir(parents=True)
    session.project_changed.emit()
    box = dock.evaluating.fields["snapshots"].native
    assert [box.itemText(row) for row in range(box.count())] == [
        "as in the project",
        "last",
        "all",
        "30 steps",
        "60 steps",
    ]
    for text, given in (("30 steps", {"snapshots": 30}), ("all", {"snapshots": "all"}), ("as in the project", {})):
        choose(box, text)
        press(dock.start_button)
        assert session.jobs.job.request.arguments == {"shuffle": 1, "plotting": False, **given}
        session.jobs.end("stopped")
    choose(dock.exporting.fields["snapshot"].native, "60 steps")
    press(dock.export_button)
    assert session.jobs.job.request.arguments["snapshot"] == 60


def test_the_report_is_opened_in_the_browser(session, dock, monkeypatch):
    """The button opens the page that the evaluation has written."""
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()) or True)
    evaluate(session.project, [])
    session.project_changed.emit()
    dock.report.click()
    assert opened == [str(session.project.training(1).evaluation("").folder / "report.html")]


def test_a_report_that_no_browser_opens_is_named(session, dock, monkeypatch):
    """On a computer without a browser the window says where the page is."""
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda _: False)
    evaluate(session.project, [])
    session.project_changed.emit()
    said = []
    session.notified.connect(said.append)
    press(dock.report)
    assert said == [f"The report could not be opened in a browser; it is {dock.shown.report}."]


def test_a_trained_network_is_to_be_evaluated_not_trained(session, dock):
    """What comes next is said by what is there."""
    assert "Train a network first" in dock.heading.text()
    (session.project.training(1).folder / "snapshot-000060").mkdir(parents=True)
    session.project_changed.emit()
    assert "Press Evaluate" in dock.heading.text()


def test_the_end_of_an_evaluation_is_a_message(session, dock):
    """It takes the place of what was done before."""
    said = []
    session.notified.connect(lambda *message: said.append(message))
    press(dock.start_button)
    session.jobs.end("done", message="The error is 2.25 px on test frames.")
    assert said == [("The error is 2.25 px on test frames.", (), "done")]


def test_the_network_is_exported_from_here(session, dock):
    """The button is there once a network is trained; the end says where the files are."""
    assert not dock.export_button.isVisible()
    (session.project.training(1).folder / "snapshot-000060").mkdir(parents=True)
    session.project_changed.emit()
    choose(dock.exporting.fields["format"].native, "safetensors")
    press(dock.export_button)
    assert session.jobs.job.request.arguments == {"shuffle": 1, "format": "safetensors"}
    assert not dock.export_button.isEnabled()
    session.jobs.end("done", result={"files": ["/p/net.safetensors"]}, message="")
    assert dock.exported.text().replace("\u200b", "") == "Wrote /p/net.safetensors"
    assert dock.exported.isVisible()
    dock.shuffle.setValue(2)
    assert not dock.exported.isVisible()
