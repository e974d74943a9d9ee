"""The dock that finds frames in which a network errs."""

import pytest

from napari_posecut.session import session_of
from napari_posecut.widgets.docks.outliers import OutliersDock
from tests.plugin.widgets.analyzed_project import analyze
from tests.plugin.widgets.fake_jobs import FakeJobs


@pytest.fixture
def dock(viewer, sample, qtbot):
    analyze(sample)
    session = session_of(viewer)
    session.jobs = FakeJobs()
    session.open(sample)
    qtbot.wait(1)  # layers are drawn once before they are removed
    dock = OutliersDock(viewer)
    qtbot.addWidget(dock)
    return dock


def found(dock, numbers):
    """Return what the child finds: these frames in the first video, nothing in the other."""
    videos = dock.session.jobs.job.request.arguments["videos"]
    candidates = [{"number": number, "reason": "jump", "score": 30.0, "bodyparts": []} for number in numbers]
    return {
        "scorer": "x",
        "videos": [
            {
                "video": video,
                "criteria": {},
                "looked_at": 12,
                "candidates": candidates if place == 0 else [],
                "fresh": list(numbers) if place == 0 else [],
                "number_of_frames": 2,
            }
            for place, video in enumerate(videos)
        ],
    }


def test_without_a_project_it_says_what_to_do(viewer, qtbot):
    """Nothing can be asked for, and the way is shown."""
    dock = OutliersDock(viewer)
    qtbot.addWidget(dock)
    assert "1 Project" in dock.heading.text()
    assert not dock.find_button.isEnabled()
    assert not dock.extract_button.isEnabled()


def test_suspects_are_counted_and_shown(viewer, dock):
    """What the child finds is said and marked, and stepping goes to the frames in the video."""
    dock.find_button.click()
    arguments = dock.session.jobs.job.request.arguments
    assert (arguments["outlieralgorithm"], arguments["epsilon"], arguments["snapshot"]) == ("jump", 20, 100)
    assert len(arguments["videos"]) == 2
    dock.session.jobs.end("done", result=found(dock, [4, 7, 9]), message="3 of 24 frames look wrong.")
    assert "3 of 24 frames look wrong." in dock.sentence.text()
    assert dock.timeline.marks.tolist() == [4, 7, 9]
    dock.after.click()
    dock.after.click()
    assert viewer.dims.current_step[0] == 7
    dock.before.click()
    assert viewer.dims.current_step[0] == 4


def test_other_numbers_ask_for_another_search(dock):
    """What was found with other parameters is not extracted."""
    dock.find_button.click()
    dock.session.jobs.end("done", result=found(dock, [4]))
    assert dock.extract_button.isEnabled()
    dock.form.fields["epsilon"].value = 5
    assert not dock.extract_button.isEnabled()
    dock.find_button.click()
    assert dock.session.jobs.job.request.arguments["epsilon"] == 5


@pytest.mark.parametrize("state", ["done", "failed", "crashed", "stopped"])
def test_labels_are_let_go_of_while_drafts_are_written(dock, state):
    """They cannot be edited meanwhile, and can be again however it ends."""
    dock.find_button.click()
    dock.session.jobs.end("done", result=found(dock, [4]))
    dock.extract_button.click()
    assert dock.session.jobs.job.request.verb == "extract_outliers"
    assert not dock.session.labeling.writable
    assert not dock.extract_button.isEnabled()
    dock.session.jobs.end(state, result={"videos": [{"added": [4], "drafts": 7}]}, message="It failed.")
    assert dock.session.labeling.writable


def test_named_frames_are_taken_without_a_search(dock):
    """They belong to one video, and nobody has to look for them."""
    dock.form.method.value = "manual"
    dock.form.fields["frames"].value = "2, 5-6"
    assert not dock.extract_button.isEnabled()
    dock.videos.item(1).setCheckState(dock.videos.item(1).checkState().Unchecked)
    dock.extract_button.click()
    arguments = dock.session.jobs.job.request.arguments
    assert (arguments["frames"], len(arguments["videos"])) == ([2, 5, 6], 1)
