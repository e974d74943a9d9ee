"""The dock that shows analyzed videos."""

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_posecut.session import session_of
from napari_posecut.widgets.docks.results import ResultsDock
from napari_posecut.window import add_flow_bar
from posecut_core.project.opening import project_videos
from tests.plugin.hand import seen
from tests.plugin.widgets.analyzed_project import FRAMES, SCORER, results_dock
from tests.plugin.widgets.fake_jobs import FakeJobs


@pytest.fixture
def dock(viewer, sample, qtbot):
    dock = results_dock(viewer, sample, jobs=FakeJobs())
    qtbot.wait(1)  # a person sees the labeling before leaving it: layers are drawn once before they are removed
    return dock


def test_without_a_project_it_says_what_to_do(viewer, qtbot):
    """Nothing can be chosen, and the way is shown."""
    dock = ResultsDock(viewer)
    qtbot.addWidget(dock)
    assert "1 Project" in dock.heading.text()
    assert not dock.show_button.isEnabled()


def test_the_overlay_follows_the_slider(viewer, dock):
    """Points are those of the frame shown, hollow below the pcutoff; the table and the plot follow."""
    dock.show_chosen()
    viewer.dims.set_current_step(0, 3)
    points = viewer.layers["bodyparts"]
    np.testing.assert_array_equal(points.data[:2], [[10, 23], [15, 23]])
    assert points.face_color[0, 3] == 0
    assert points.face_color[1, 3] > 0
    assert dock.timeline.frame == 3
    assert dock.overlay.bodyparts.topLevelItem(0).text(1) == "0.20"
    dock.overlay.pcutoff.setValue(10)
    assert points.face_color[0, 3] > 0


def test_napari_cannot_change_what_is_shown(viewer, dock):
    """Napari's tools add no point to the overlay, which could not be drawn any more, and move no layer."""
    dock.show_chosen()
    for layer in viewer.layers:
        layer.mode = "transform"
        assert layer.mode == "pan_zoom"


def test_the_plot_moves_the_video(viewer, dock):
    """A frame chosen in the plot is the one that is shown."""
    dock.show_chosen()
    dock.timeline.frame_chosen.emit(FRAMES - 1)
    assert viewer.dims.current_step[0] == FRAMES - 1
    assert dock.timeline.last == FRAMES


def test_a_bodypart_can_be_hidden(viewer, dock):
    """Its marker goes, its lines have no length, and the others stay."""
    dock.show_chosen()
    viewer.dims.set_current_step(0, 8)
    before = np.abs(viewer.layers["skeleton and trails"].data[:, 1]).sum()
    dock.overlay.bodyparts.topLevelItem(0).setCheckState(0, Qt.CheckState.Unchecked)
    assert not viewer.layers["bodyparts"].shown[0]
    assert viewer.layers["bodyparts"].shown[1:].all()
    assert 0 < np.abs(viewer.layers["skeleton and trails"].data[:, 1]).sum() < before


def test_leaving_brings_the_labeling_back(viewer, dock):
    """The second press takes the video, its plot and its callbacks away."""
    before = len(viewer.dims.events.current_step.callbacks)
    labels = [layer.name for layer in viewer.layers]
    dock.show_chosen()
    assert "labels" not in seen(viewer)
    dock.show_chosen()
    assert [layer.name for layer in viewer.layers] == labels
    assert dock.timeline is None
    assert len(viewer.dims.events.current_step.callbacks) == before


@pytest.mark.parametrize("how", ["layer", "dock"])
def test_removing_a_layer_or_the_dock_leaves_too(viewer, dock, how):
    """A person who removes the video or closes the dock is back at the labeling."""
    dock.show_chosen()
    if how == "layer":
        viewer.layers.remove(viewer.layers[dock.playback.video.name])
    else:
        viewer.window.remove_dock_widget(dock)
    assert "labels" in seen(viewer)
    assert dock.playback.video is None
    assert dock.timeline is None


def test_a_table_that_does_not_fit_is_refused(viewer, dock, sample):
    """Predictions of another video are not drawn; the person is told."""
    from posecut_core.poses.files import prediction_path, read_predictions, write_predictions
    from posecut_core.poses.predictions import Predictions

    video = dock.networks.currentData().video
    table = prediction_path(video, SCORER)
    read = read_predictions(table)
    write_predictions(table, Predictions(SCORER, read.bodyparts, read.xy[:-1], read.likelihood[:-1]))
    dock.show_chosen()
    assert dock.playback.video is None
    assert "labels" in seen(viewer)


def test_a_video_that_is_asked_for_is_shown(dock, viewer, sample):
    """A double click in another dock brings this one up with the video."""
    bar = add_flow_bar(viewer)
    video = next(iter(project_videos(dock.session.project).values()))
    dock.session.video_requested.emit(str(video))
    assert dock.playback.video == video
    assert bar.open("9 Results") is dock


def test_what_was_analyzed_is_listed(dock, monkeypatch):
    """The end of a queue of videos makes the dock look for them."""
    looked = []
    monkeypatch.setattr(dock, "list_analyzed", lambda: looked.append(True))
    dock.session.jobs.start("analyze_queue", {"videos": []})
    dock.session.jobs.end("done", result={"videos": [{"video": "a.mp4", "files": [], "failure": ""}]})
    assert looked


def test_what_was_analyzed_before_the_dock_was_made_is_listed(viewer, sample, tmp_path):
    """Predictions in a folder of their own are found there, also if the dock is opened after the analysis."""
    session = session_of(viewer)
    session.jobs = FakeJobs()
    session.open(sample)
    video = next(iter(project_videos(session.project).values()))
    table = tmp_path / f"{video.stem}{SCORER}.h5"
    table.touch()
    session.jobs.start("analyze_queue", {"videos": []})
    session.jobs.end("done", result={"videos": [{"video": str(video), "files": [str(table)], "failure": ""}]})
    dock = ResultsDock(viewer)
    viewer.window.add_dock_widget(dock, name="9 Results")
    assert dock.networks.currentData().table == table


def test_nothing_found_is_told(dock, tmp_path):
    """A video or a folder without predictions changes no choice, and the person is told what to do."""
    notified = []
    dock.session.notified.connect(notified.append)
    before = dock.videos.currentIndex()
    dock.show_video(str(tmp_path / "rat.mp4"))
    assert "no predictions of rat.mp4" in notified[0]
    assert dock.videos.currentIndex() == before
    assert dock.playback.video is None
    dock._choose_folder(tmp_path)
    assert f"listed videos in {tmp_path}" in notified[1]


def test_a_video_is_found_however_its_path_is_written(dock):
    """Qt's way to write a path, which is not that of Windows, chooses the same video."""
    video = dock._found[-1].video
    dock._choose_video(f"{video.parent}//{video.name}")
    assert dock.videos.currentData() == str(video)
