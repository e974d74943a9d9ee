"""The dock that leads through drafts to the next iteration."""

import numpy as np
import pytest
from qtpy.QtCore import QPoint
from qtpy.QtTest import QTest

from napari_posecut.session import session_of
from napari_posecut.widgets.docks.refine import RefineDock
from posecut_core.labels.store import write_drafts
from posecut_core.labels.table import LabelTable
from posecut_core.project.config import edit_config
from posecut_core.project.opening import frame_folders, open_project
from posecut_core.video.frame_store import FrameStore
from tests.plugin.hand import LEFT, click_row
from tests.plugin.widgets.fake_jobs import FakeJobs


@pytest.fixture
def dock(viewer, unlabeled, qtbot):
    """The dock on a project with drafts in two frames of its first video."""
    project = open_project(unlabeled)
    video = frame_folders(project)[0].name
    numbers = FrameStore.open(project.frame_store(video)).numbers[:2]
    parts = project.config.bodyparts
    xy = np.full((2, len(parts), 2), 30.0)
    table = LabelTable(video, parts, numbers, xy)
    write_drafts(project, table, np.full((2, len(parts)), 0.5), model="network", snapshot=1)
    project.training_datasets.mkdir(parents=True)
    (project.training_datasets / "earlier.yaml").touch()  # of the iteration that ends
    session = session_of(viewer)
    session.jobs = FakeJobs()
    session.open(unlabeled)
    dock = RefineDock(viewer)
    qtbot.addWidget(dock)
    return dock


def click(button):
    QTest.mouseClick(button, LEFT, pos=QPoint(8, button.height() // 2))


def test_without_a_project_it_says_what_to_do(viewer, qtbot):
    """Nothing can be merged, and the way is shown."""
    dock = RefineDock(viewer)
    qtbot.addWidget(dock)
    assert "1 Project" in dock.heading.text()
    assert not dock.merge_button.isEnabled()


def test_drafts_are_reviewed_one_frame_after_the_other(dock):
    """Counts go down with each frame accepted, until none is left to ask about."""
    assert "2 frames to review" in dock.heading.text()
    assert dock.videos.topLevelItem(0).text(1) == "2"
    dock.next_button.click()
    assert dock.session.labeling.status(dock.session.labeling.frame) == "unreviewed"
    dock.accept_button.click()
    assert "1 frame to review" in dock.heading.text()
    dock.next_button.click()
    dock.accept_button.click()
    assert not dock.next_button.isEnabled()
    assert dock.choice.isHidden()


@pytest.mark.parametrize(("place", "policy"), [(1, "accept"), (2, "leave")])
def test_merging_follows_the_choice(dock, place, policy):
    """What becomes of drafts is the person's choice; labels are let go of, and come back."""
    dock.policies.button(place).click()
    dock.merge_button.click()
    assert dock.session.jobs.job.request.arguments == {"unreviewed": policy}
    assert not dock.session.labeling.writable
    assert not dock.merge_button.isEnabled()
    edit_config(dock.session.project.config_path, {"iteration": 1})
    dock.session.jobs.end("done", message="Iteration 1 begins, with 9 labeled frames.")
    assert dock.session.labeling.writable
    assert "Iteration 1 begins, with 9 labeled frames" in dock.advice.text()
    assert "4 Train" in dock.advice.text()


def test_right_after_a_merge_there_is_nothing_to_merge(dock, viewer, qtbot):
    """The window says that training comes next, also after a restart; drafts can still be made labels of."""
    edit_config(dock.session.project.config_path, {"iteration": 1})
    dock.session.refresh()
    click(dock.policies.button(2))  # drafts stay drafts
    assert not dock.merge_button.isEnabled()
    assert "Iteration 1 has begun" in dock.advice.text()
    click(dock.policies.button(1))  # drafts become labels
    assert dock.merge_button.isEnabled()


def test_before_the_first_training_no_iteration_ends(dock):
    """What is missing is said where the button is."""
    for path in dock.session.project.training_datasets.iterdir():
        path.unlink()
    dock.session.labels_changed.emit()
    click(dock.policies.button(1))
    assert "train a network first" in dock.advice.text()


def test_drafts_that_must_be_reviewed_first_keep_the_merge_back(dock):
    """By default nothing is merged before all drafts are reviewed, and the button says so."""
    assert not dock.merge_button.isEnabled()
    assert "review all suggestions first" in dock.merge_button.toolTip()


def test_a_refusal_is_shown(dock):
    """What the core refuses stands in the dock, and labels can be edited again."""
    dock.policies.button(2).click()
    dock.merge_button.click()
    dock.session.jobs.end("failed", message="Two suggestions are unreviewed.")
    assert "Two suggestions are unreviewed." in dock.job_line.sentence.text()
    assert dock.session.labeling.writable


def test_what_is_to_be_corrected_is_named(dock, qtbot):
    """The bodyparts of the shown frame are listed with their colors and likelihoods; a click chooses one to place."""
    dock.next_button.click()
    labeling = dock.session.labeling
    rows = [dock.bodyparts.topLevelItem(row) for row in range(dock.bodyparts.topLevelItemCount())]
    assert [row.text(0) for row in rows] == [one.name for one in labeling.keypoints]
    assert {(row.text(1), row.text(2)) for row in rows} == {("suggested", "0.50")}
    dock.show()
    click_row(dock.bodyparts, 2)
    assert labeling.current.name == rows[2].text(0)
