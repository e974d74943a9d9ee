"""The dock in which videos are analyzed."""

import pytest

from napari_posecut.widgets.docks.analyze import AnalyzeDock
from posecut_core.progress import Progress
from posecut_core.project.opening import project_videos


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
    return [str(path) for path in project_videos(session.project).values()]


def test_without_a_project_it_says_what_to_do(viewer, session):
    """Nothing can be analyzed before a project is open."""
    dock = AnalyzeDock(viewer)
    assert "open or create one" in dock.heading.text()
    assert not dock.start_button.isEnabled()


def test_the_checked_videos_are_analyzed(session, dock, videos, tmp_path):
    """Those of the project and those that were added, with the options that are chosen."""
    dock.videos.add(tmp_path / "other.mp4")
    dock.csv.setChecked(True)
    dock.folder.setText(str(tmp_path))
    dock.start_button.click()
    assert session.jobs.job.request.verb == "analyze_queue"
    assert session.jobs.job.request.arguments == {
        "videos": (*videos, str(tmp_path / "other.mp4")),
        "shuffle": 1,
        "save_as_csv": True,
        "destfolder": str(tmp_path),
        "filter": False,
        "draw": False,
    }
    assert not dock.start_button.isEnabled()


def test_each_video_says_how_far_it_is(session, dock, videos):
    """One is done and one has failed, with the reason; what is done is not analyzed again unless it is checked."""
    dock.start_button.click()
    session.jobs.report(Progress("a is done", 1, 1, {"video": 0, "finished": 1}), Progress("b", 1, 4, {"video": 1}))
    assert [dock.videos.state_of(video) for video in videos] == ["done", "25 %"]
    session.jobs.report(Progress("It is damaged.", 1, 1, {"video": 1, "failed": 1}))
    assert dock.failures.text().endswith("It is damaged.")
    session.jobs.end("done")
    assert [dock.videos.state_of(video) for video in videos] == ["done", "failed"]
    assert dock.videos.checked == (videos[1],)


def test_what_was_stopped_can_go_on(session, dock, videos):
    """A video that was not finished says so and stays checked."""
    dock.start_button.click()
    session.jobs.report(Progress("a", 1, 4, {"video": 0}))
    dock.line.stop.click()
    session.jobs.end("stopped")
    assert [dock.videos.state_of(video) for video in videos] == ["stopped", "stopped"]
    assert dock.videos.checked == tuple(videos)


def test_a_video_that_is_done_is_shown_by_a_double_click(session, dock, videos):
    """Its path is handed to whoever shows results; a video that is not done is not."""
    wanted = []
    session.video_requested.connect(wanted.append)
    dock.videos.set_state(videos[1], "done")
    for place in (0, 1):
        dock.videos.itemDoubleClicked.emit(dock.videos.topLevelItem(place), 0)
    assert wanted == [videos[1]]


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
