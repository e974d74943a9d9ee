"""The dock in which videos are analyzed."""

from pathlib import Path

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QDesktopServices
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QScrollArea

from napari_posecut.labeling.extracted_frames import listed_videos
from napari_posecut.widgets.docks.analyze import AnalyzeDock
from posecut_core.errors import Remedy
from posecut_core.progress import Notice, Progress
from posecut_core.project.config import edit_config
from tests.plugin.hand import LEFT, NONE, _reach, choose, click_row, press, write
from tests.plugin.widgets.analyzed_project import analyze


@pytest.fixture
def dock(viewer, session, sample):
    """The dock, with a project of two videos."""
    session.open(sample)
    made = AnalyzeDock(viewer)
    viewer.window.add_dock_widget(made, name="6 Analyze")
    return made


@pytest.fixture
def videos(session, dock):
    """Paths of the project's videos."""
    return [str(path) for path in listed_videos(session.project).values()]


def test_without_a_project_it_says_what_to_do(viewer, session):
    """Nothing can be analyzed before a project is open."""
    dock = AnalyzeDock(viewer)
    assert "open or create one" in dock.heading.text()
    assert not dock.start_button.isEnabled()


def test_the_checked_videos_are_analyzed(session, dock, videos, tmp_path):
    """Those of the project and those that were added, with the options that are chosen."""
    dock.videos.add(tmp_path / "other.mp4")
    dock.folder.setText(str(tmp_path))
    dock.start_button.click()
    assert session.jobs.job.request.verb == "analyze_queue"
    assert session.jobs.job.request.arguments == {
        "videos": (*videos, str(tmp_path / "other.mp4")),
        "shuffle": 1,
        "destfolder": str(tmp_path),
        "steps": {"analyze_videos": {"save_as_csv": True, "engine": "auto"}},
    }
    assert not dock.start_button.isEnabled()


def test_a_cluster_is_of_the_whole_queue(session, dock, videos):
    """What is made of a video after its analysis is made where it was analyzed."""
    dock.analysis.fields["cluster"].value = "local:2"
    dock.start_button.click()
    given = session.jobs.job.request.arguments
    assert (given["cluster"], given["steps"]) == (
        "local:2",
        {"analyze_videos": {"save_as_csv": True, "engine": "auto"}},
    )


def test_each_video_says_how_far_it_is(session, dock, videos):
    """One is done and one has failed, with the reason; what is done is not analyzed again unless it is checked."""
    dock.start_button.click()
    session.jobs.report(Progress("a is done", 1, 1, {"video": 0, "finished": 1}), Progress("b", 1, 4, {"video": 1}))
    assert [dock.videos.state_of(video) for video in videos] == ["done", "25 %"]
    session.jobs.report(Progress("It is damaged.", 1, 1, {"video": 1, "failed": 1}))
    assert dock.failures.text().endswith("It is damaged.")
    told = []
    session.notified.connect(lambda sentence, _, kind: told.append((sentence, kind)))
    session.jobs.end("done", message="1 of 2 videos analyzed, 1 failed: b.mp4.", is_warning=True)
    assert [dock.videos.state_of(video) for video in videos] == ["done", "failed"]
    assert dock.videos.checked == (videos[1],)
    assert told == [("1 of 2 videos analyzed, 1 failed: b.mp4.", "warning")]


def test_what_was_stopped_can_go_on(session, dock, videos):
    """A video that was not finished says so and stays checked."""
    dock.start_button.click()
    session.jobs.report(Progress("a", 1, 4, {"video": 0}))
    dock.line.stop.click()
    session.jobs.end("stopped")
    assert [dock.videos.state_of(video) for video in videos] == ["stopped", "stopped"]
    assert dock.videos.checked == tuple(videos)


@pytest.mark.parametrize("state", ["failed", "crashed"])
def test_a_video_whose_work_failed_is_not_called_stopped(session, dock, videos, state):
    """What was done before stays done, and the reason is in the list."""
    dock.start_button.click()
    session.jobs.report(Progress("a is done", 1, 1, {"video": 0, "finished": 1}), Progress("b", 1, 4, {"video": 1}))
    session.jobs.end(state, message="Memory ran out.")
    assert [dock.videos.state_of(video) for video in videos] == ["done", "failed"]


def test_a_video_that_is_done_is_shown_by_a_double_click_or_enter(session, dock, videos):
    """Its path is handed to whoever shows results; a video that is not done is not."""
    wanted = []
    session.video_requested.connect(wanted.append)
    dock.videos.set_state(videos[1], "done")
    for place in (0, 1):
        click_row(dock.videos, place, 1, twice=True)
    assert wanted == [videos[1]]
    QTest.keyClick(dock.videos, Qt.Key.Key_Return)
    assert wanted == [videos[1], videos[1]]


def test_a_new_iteration_asks_for_the_videos_once_more(viewer, session, dock, videos):
    """What an older network found is checked to be analyzed again, and can be looked at until then."""
    analyze(session.project.config_path)
    session.refresh()
    assert [dock.videos.state_of(video) for video in videos] == ["done", "done"]
    assert dock.videos.checked == ()
    dock.videos.check(Path(videos[0]))
    session.refresh()
    assert dock.videos.checked == (videos[0],)  # by hand, to be analyzed again
    edit_config(session.project.config_path, {"iteration": 1})
    session.refresh()
    assert [dock.videos.state_of(video) for video in videos] == ["by an older network"] * 2
    assert dock.videos.checked == tuple(videos)
    assert dock.show_button.isVisibleTo(dock)


def test_results_are_one_click_away_once_a_video_is_done(session, dock, videos, monkeypatch):
    """The selected video is shown, or else the first that is done, and so is the folder of its results."""
    wanted, opened = [], []
    session.video_requested.connect(wanted.append)
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()) or True)
    assert not dock.show_button.isVisible()
    press(dock.start_button)
    assert not dock.options.isVisible()  # how far the work is has its room
    session.jobs.report(*(Progress("done", 1, 1, {"video": place, "finished": 1}) for place in (0, 1)))
    session.jobs.end("done")
    assert dock.options.isVisible()
    press(dock.show_button)
    dock.videos.setCurrentItem(dock.videos.topLevelItem(1))
    press(dock.show_button)
    press(dock.open_button)
    assert wanted == videos
    assert opened == [str(Path(videos[1]).parent)]


def test_a_dock_that_is_opened_later_shows_the_queue(viewer, session, dock, videos):
    """What was reported before the dock was there is shown in it, also of videos that are not the project's."""
    session.jobs.start("analyze_queue", {"videos": ["/data/far.mp4", videos[0]]})
    session.jobs.report(Progress("far", 1, 2, {"video": 0}))
    late = AnalyzeDock(viewer)
    assert (late.videos.state_of("/data/far.mp4"), late.videos.state_of(videos[0])) == ("50 %", "waiting")


def test_nothing_checked_starts_nothing(session, dock, videos, monkeypatch):
    """The person is told to check a video."""
    notified = []
    monkeypatch.setattr("napari_posecut.session.show_info", notified.append)
    for video in videos:
        dock.videos.set_state(video, "done")
    dock.start_button.click()
    assert session.jobs.running == ()
    assert notified[0].startswith("No video is checked")


def box(form, name):
    """Return the widget of Qt that a person sees in a form."""
    return form.fields[name].native


def tick(check_box):
    """Click on the square of a check box: its text may end before its middle."""
    _reach(check_box)
    QTest.mouseClick(check_box, LEFT, NONE, QPoint(8, check_box.height() // 2))


def steps(session):
    """Return what is asked for each video."""
    return session.jobs.job.request.arguments["steps"]


def test_engine_and_tracking_crop_are_chosen_by_hand(session, dock, videos):
    """What is chosen is handed to the step under its names; what is not is left to it."""
    assert not dock.tracking.margin.native.isVisible()
    assert not box(dock.analysis, "engine").isVisible()
    tick(dock.more)
    choose(box(dock.analysis, "engine"), "openvino-int8")
    press(dock.tracking.on.native)
    write(dock.tracking.margin.native.lineEdit(), "25")
    press(dock.start_button)
    assert steps(session) == {
        "analyze_videos": {"save_as_csv": True, "engine": "openvino-int8", "dynamic": (True, 0.5, 25)}
    }


def test_all_networks_of_the_shuffle_are_asked_in_each_step(session, dock, videos):
    """What follows an analysis is about the same networks."""
    tick(dock.more)
    tick(box(dock.analysis, "ensemble"))
    press(dock.filter)
    press(dock.start_button)
    assert session.jobs.job.request.arguments["ensemble"] is True
    assert not any("ensemble" in given for given in steps(session).values())


def test_the_engine_of_posecut_yaml_is_chosen_at_first(viewer, session, sample):
    """What the project says holds until somebody chooses another one."""
    with (sample.parent / "posecut.yaml").open("a") as file:
        file.write("engine: xla\n")
    session.open(sample)
    dock = AnalyzeDock(viewer)
    assert dock.analysis.fields["engine"].value == "xla"


def test_what_follows_has_its_options(session, dock):
    """A filter shows its own fields only; what it fills is drawn, and beside the raw poses on a wish."""
    press(dock.filter)
    assert box(dock.filtering, "windowlength").isVisible()
    choose(box(dock.filtering, "filtertype"), "kalman")
    assert not box(dock.filtering, "windowlength").isVisible()
    write(box(dock.filtering, "pcutoff"), "0.4")
    press(dock.skeleton)
    press(dock.draw)
    tick(box(dock.drawing, "keypoints_only"))
    press(dock.start_button)
    asked = steps(session)
    assert list(asked) == ["analyze_videos", "filterpredictions", "analyzeskeleton", "create_labeled_video"]
    assert asked["filterpredictions"] == {"save_as_csv": True, "filtertype": "kalman", "pcutoff": 0.4}
    assert asked["analyzeskeleton"] == {"save_as_csv": True, "filtered": True}
    drawn = {"draw_skeleton": True, "keypoints_only": True, "filtered": True, "overwrite": True}
    assert asked["create_labeled_video"] == {"pcutoff": 0, **drawn}
    session.jobs.end("stopped")
    tick(box(dock.drawing, "side_by_side"))
    press(dock.start_button)
    assert steps(session)["create_labeled_video"] == {"side_by_side": True, **drawn}


def test_a_field_that_holds_no_number_starts_nothing(session, dock):
    """The sentence names the field."""
    told = []
    session.notified.connect(told.append)
    press(dock.filter)
    choose(box(dock.filtering, "filtertype"), "spline")
    write(box(dock.filtering, "pcutoff"), "high")
    press(dock.start_button)
    assert session.jobs.running == ()
    assert told == ["\"gap below likelihood\" is 'high', expected a number; correct it or leave it empty."]


def test_what_ran_is_told(session, dock, videos):
    """The end names engine and speed of each video, and what the core said on the way stays."""
    press(dock.start_button)
    session.jobs.report(Notice("OpenVINO in bfloat16 is not used: positions differ by 0.4 px in the median"))
    session.jobs.report(Progress("a is done", 1, 1, {"video": 0, "finished": 1}))
    said = [{"video": videos[0], "files": [], "failure": "", "said": ["9 frames, 41.2 frames/s by openvino-float32"]}]
    session.jobs.end("done", result={"videos": said}, message="1 video analyzed.")
    told = dock.result.text().replace("\u200b", "")
    assert "9 frames, 41.2 frames/s by openvino-float32" in told
    assert "differ by 0.4 px" in told
    assert "41.2" in dock.videos.topLevelItem(0).toolTip(1)


def test_an_engine_that_is_refused_is_left_by_its_button(session, dock):
    """The dock shows the core's sentence; its remedy chooses auto."""
    tick(dock.more)
    choose(box(dock.analysis, "engine"), "openvino")
    press(dock.start_button)
    session.remedy_requested.connect(dock.apply_remedy)
    refused = (
        "OpenVINO in bfloat16 is refused for net: positions differ by 0.4 px in the median, at most 0.1 is allowed"
    )
    session.jobs.end("failed", message=refused, remedies=(Remedy("analyze_videos", engine="auto"),))
    assert "0.4 px" in dock.line.sentence.text()
    (button,) = dock.line.remedies.buttons
    assert button.text() == "Analyze with engine auto"
    press(button)
    assert dock.analysis.fields["engine"].value == "auto"


def test_everything_fits_a_small_screen(dock):
    """With all options open the dock is scrolled, and not higher than the window."""
    for one in (dock.filter, dock.draw, dock.tracking.on.native):
        press(one)
    tick(dock.more)
    assert dock.findChild(QScrollArea).height() < 760
    assert dock.window().height() <= 800
