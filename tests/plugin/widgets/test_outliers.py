"""The dock that finds frames in which a network errs."""

import pytest
from qtpy.QtWidgets import QScrollArea

from napari_posecut.session import session_of
from napari_posecut.widgets.docks.outliers import OutliersDock
from posecut_core.project.opening import project_videos
from tests.plugin.hand import press
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


def test_nothing_is_cut_off_in_a_narrow_dock(dock):
    """Kind: a long label of one field took the right edge of all others out of sight."""
    content = dock.findChild(QScrollArea).widget()
    for method in dock.form.method.choices:
        dock.form.method.value = method
        assert content.minimumSizeHint().width() <= 290, method


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


def test_the_number_of_frames_outlasts_the_work(dock):
    """It is asked for once, and stays as it was chosen after frames were extracted."""
    dock.form.number.value = 3
    dock.find_button.click()
    dock.session.jobs.end("done", result=found(dock, [4, 7, 9]))
    dock.extract_button.click()
    dock.session.jobs.end("done", message="3 frames were extracted.")
    dock.session.project_changed.emit()
    assert dock.form.number.value == 3


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


def compared(dock, *, mostly_wrong=False, suggested="uncertain"):
    """Return what the child finds by all methods, in the first video only."""
    videos = dock.session.jobs.job.request.arguments["videos"]
    found = [{"jump": [1, 4], "uncertain": [4], "pca": []}, {"jump": [], "uncertain": [], "pca": []}]
    return {
        "videos": [
            {"video": video, "looked_at": 12, "found": one, "suggested": suggested, "mostly_wrong": mostly_wrong}
            for video, one in zip(videos, found, strict=True)
        ],
        "refused": {"fitting": "the videos are long; ask for it alone"},
        "suggested": suggested,
    }


def test_all_methods_are_shown_below_each_other(viewer, dock):
    """Each has its lane; the arrows go through the frames of all; one button takes the method that fits best."""
    dock.compare_button.click()
    arguments = dock.session.jobs.job.request.arguments
    assert (arguments["methods"], arguments["snapshot"]) == (["jump", "uncertain", "pca", "fitting"], 100)
    dock.session.jobs.end("done", result=compared(dock))
    said = dock.sentence.text()
    assert "Recommended: a likelihood is low</b> (1 of 24 frames)" in said
    assert "Not tried: off the expected path" in said
    lanes = [plot.getAxis("left")._tickLevels[0][0][1] for plot in dock.timeline._plots]
    assert lanes == ["jump", "unlikely", "pose"]
    assert dock.timeline.marks.tolist() == [1, 4]
    dock.after.click()
    assert viewer.dims.current_step[0] == 1
    dock.take_button.click()
    request = dock.session.jobs.job.request
    assert (request.verb, request.arguments["outlieralgorithm"]) == ("find_outliers", "uncertain")
    assert dock.take_button.isHidden()


def test_most_of_a_video_being_wrong_is_told(dock):
    """More labels help then, and not the correction of single frames; of a search by one method this is said, too."""
    dock.compare_button.click()
    dock.session.jobs.end("done", result=compared(dock, mostly_wrong=True))
    assert dock.sentence.text().count("label more frames, then train again") == 2
    asked = []
    dock.session.remedy_requested.connect(asked.append)
    dock.show()
    press(dock.label_button)
    assert asked[0].step == "extract_frames"
    assert set(asked[0].arguments["videos"]) == set(project_videos(dock.session.project))
    dock.find_button.click()
    dock.session.jobs.end("done", result=found(dock, range(7)), message="7 of 24 frames look wrong.")
    assert "label more frames, then train again" in dock.sentence.text()
    dock.find_button.click()
    dock.session.jobs.end("done", result=found(dock, range(6)), message="6 of 24 frames look wrong.")
    assert "label more frames" not in dock.sentence.text()
    assert dock.label_button.isHidden()


def test_the_spread_of_an_ensemble_is_compared_where_there_is_one(dock, sample):
    """Its networks are those of the chosen shuffle."""
    analyze(sample, networks=3)
    dock.list_networks()
    dock.networks.setCurrentIndex(0)
    dock.compare_button.click()
    assert "spread" in dock.session.jobs.job.request.arguments["methods"]
    result = compared(dock)
    result["videos"][0]["found"]["spread"] = [7]
    dock.session.jobs.end("done", result=result)
    assert "ensemble" in [plot.getAxis("left")._tickLevels[0][0][1] for plot in dock.timeline._plots]


def test_where_no_method_finds_anything_there_is_no_suggestion(dock):
    """The sentence says it, and no button is left over."""
    dock.compare_button.click()
    result = {**compared(dock, suggested=None), "refused": {}}
    dock.session.jobs.end("done", result=result)
    assert dock.sentence.text() == "No method finds a frame that looks wrong."
    assert dock.take_button.isHidden()
