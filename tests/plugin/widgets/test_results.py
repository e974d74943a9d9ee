"""The dock that shows analyzed videos."""

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QFileDialog

from napari_posecut.labeling.extracted_frames import listed_videos
from napari_posecut.session import session_of
from napari_posecut.widgets.docks.results import ResultsDock
from napari_posecut.window import add_flow_bar
from posecut_core.poses.files import filtered_path, prediction_path, read_predictions, write_predictions
from posecut_core.types import FrameRef
from tests.plugin.hand import choose, press, seen, write
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


def test_what_a_filter_changed_is_shown_beside_it(viewer, dock):
    """Crosses over the video and dotted curves below it are the other positions; they go with a second press."""
    video = dock.networks.currentData().video
    table = prediction_path(video, SCORER)
    assert not dock.beside.isVisible()
    read = read_predictions(table)
    write_predictions(filtered_path(table), replace(read, xy=read.xy + 2))
    dock.list_analyzed()
    dock.networks.setCurrentIndex(next(row for row in range(2) if not dock.networks.itemData(row).filtered))
    dock.show_chosen()
    assert dock.beside.text() == "filtered positions, too"
    press(dock.beside)
    viewer.dims.set_current_step(0, 3)
    crosses, points = viewer.layers["beside"], viewer.layers["bodyparts"]
    np.testing.assert_array_equal(crosses.data - points.data, np.full((7, 2), 2.0))
    assert [len(curves) for curves in dock.timeline._beside_curves] == [7, 7, 7]
    np.testing.assert_array_equal(dock.timeline._beside_curves[0][0].getData()[1][:2], read.xy[0, 0, 0] + [2.0, 2.0])
    press(dock.beside)
    assert not crosses.visible
    assert dock.timeline._beside_curves == []
    press(dock.beside)
    dock.show_chosen()
    assert "beside" not in seen(viewer)


def test_leaving_brings_the_labeling_back(viewer, dock):
    """The second press takes the video, its plot and its callbacks away."""
    before = len(viewer.dims.events.current_step.callbacks)
    labels = seen(viewer)
    dock.show_chosen()
    assert "labels" not in seen(viewer)
    dock.show_chosen()
    assert seen(viewer) == labels
    assert dock.timeline is None
    assert len(viewer.dims.events.current_step.callbacks) == before


@pytest.mark.parametrize("how", ["layer", "dock"])
def test_removing_a_layer_or_the_dock_leaves_too(viewer, dock, qtbot, how):
    """A person who removes the video or closes the dock is back at the labeling."""
    dock.show_chosen()
    if how == "layer":
        viewer.layers.remove(viewer.layers[dock.playback.video.name])
    else:
        viewer.window.remove_dock_widget(dock)
    qtbot.waitUntil(lambda: dock.playback.video is None)
    assert "labels" in seen(viewer)
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
    video = next(iter(listed_videos(dock.session.project).values()))
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
    video = next(iter(listed_videos(session.project).values()))
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


@pytest.fixture
def shown(viewer, dock):
    """The dock in the row's place, with the first video on the screen."""
    bar = add_flow_bar(viewer)
    bar.open("9 Results")
    press(dock.show_button)
    return dock


def action(dock, words):
    """Return a line of the menus for what is made."""
    (found,) = [one for one, _ in dock.products._actions if one.text() == words]
    return found


def test_the_shown_frame_joins_the_labels(viewer, shown):
    """It is extracted with the predictions as drafts; a button leads to it, and nothing runs for that."""
    session, video = shown.session, shown.playback.video
    viewer.dims.set_current_step(0, 5)
    assert FrameRef(video.stem, 5) not in session.labeling.index.frames
    press(shown.products.add_button)
    frame = FrameRef(video.stem, 5)
    assert session.labeling.status(frame) == "unreviewed"
    assert [one.xy for one in session.labeling.keypoints_of(frame)][:2] == [(25.0, 10.0), (25.0, 15.0)]
    assert shown.playback.video == video
    message = add_flow_bar(viewer).message
    assert "with 7 suggestions" in message.sentence.text()
    (button,) = message.remedies.buttons
    assert button.text() == "Go to frame 5"
    press(button)
    assert session.labeling.frame == frame
    assert session.canvas is not None


def test_a_frame_of_a_foreign_video_is_refused(shown, tmp_path):
    """The sentence says that the video has to join the project first."""
    said = []
    shown.session.notified.connect(said.append)
    shown.playback.video = tmp_path / "other.mp4"
    press(shown.products.add_button)
    assert "other.mp4 is not a video of the project" in said[0]


def test_what_is_made_of_a_video_looks_like_the_screen(viewer, shown):
    """Labeled videos have the pcutoff, trails, skeleton and bodyparts that are shown; a clip has a few frames."""
    shown.overlay.pcutoff.setValue(30)
    shown.overlay.bodyparts.topLevelItem(0).setCheckState(0, Qt.CheckState.Unchecked)
    action(shown, "Labeled video").trigger()
    request = shown.session.jobs.job.request
    wanted = {"videos": [str(shown.playback.video)], "snapshot": 100, "pcutoff": 0.3, "trailpoints": 10}
    assert request.verb == "create_labeled_video"
    assert {**wanted, "draw_skeleton": True, "filtered": False}.items() <= request.arguments.items()
    assert len(request.arguments["bodyparts"]) == 6
    assert not action(shown, "Figures of the trajectories").isEnabled()
    shown.session.jobs.end("done", lines=("Labeled video: /out/a_labeled.mp4",))
    assert "a_labeled.mp4" in shown.products.result.text().replace("\u200b", "")
    viewer.dims.set_current_step(0, 9)
    action(shown, "Labeled clip of 5 s from here").trigger()
    assert shown.session.jobs.job.request.arguments["frames"] == [9, 10, 11]
    shown.session.jobs.end("done")
    action(shown, "Figures of the trajectories").trigger()
    assert shown.session.jobs.job.request.verb == "plot_trajectories"


def test_trajectories_are_filtered_from_here(shown):
    """The filtered ones are in the list of networks once they are there."""
    action(shown, "Filtered trajectories: Kalman, gaps filled").trigger()
    request = shown.session.jobs.job.request
    wanted = {"videos": [str(shown.playback.video)], "filtertype": "kalman", "snapshot": 100}
    assert request.verb == "filterpredictions"
    assert wanted.items() <= request.arguments.items()
    before, table = shown.networks.count(), shown.networks.currentData().table
    write_predictions(table.with_name(f"{table.stem}_filtered.h5"), read_predictions(table))
    shown.session.jobs.end("done", message="1 video filtered.")
    assert shown.networks.count() == before + 1


def test_predictions_are_written_for_spreadsheets_and_other_programs(shown, monkeypatch):
    """A .csv is there at once; formats of other programs are a child's work; the folder is opened."""
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()) or True)
    table = shown.networks.currentData().table
    action(shown, "Table for spreadsheets (.csv)").trigger()
    assert read_predictions(table.with_suffix(".csv")).xy.shape == (FRAMES, 7, 2)
    action(shown, "Open the folder").trigger()
    assert opened == [str(table.parent)]
    action(shown, "As movement's netCDF").trigger()
    request = shown.session.jobs.job.request
    assert (request.verb, request.arguments["format"]) == ("export_poses", "movement")
    assert request.arguments["destfolder"] == str(table.parent)
    shown.session.jobs.end("done")
    action(shown, "Copies under DeepLabCut's names").trigger()
    request = shown.session.jobs.job.request
    assert (request.verb, request.arguments["results"]) == ("export_deeplabcut", [str(shown.playback.video)])


def test_predictions_of_another_program_are_listed(dock, monkeypatch, tmp_path):
    """Of several videos one is named; what came is in the list of networks."""
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "theirs.slp"), ""))
    names = [*listed_videos(dock.session.project)]
    dock.products.ask_video = lambda videos: videos[1]
    action(dock, "Take predictions from a file…").trigger()
    request = dock.session.jobs.job.request
    assert (request.verb, request.arguments) == (
        "import_poses",
        {"file": str(tmp_path / "theirs.slp"), "video": names[1]},
    )
    before = dock.networks.count()
    video = listed_videos(dock.session.project)[names[0]]
    found = read_predictions(prediction_path(video, SCORER))
    write_predictions(prediction_path(video, "DLC_theirs"), replace(found, scorer="DLC_theirs"))
    dock.session.jobs.end("done", message="12 frames.")
    assert dock.networks.count() == before + 1


def test_videos_are_found_by_a_part_of_their_name(dock):
    """The list has those only; a video that is asked for elsewhere is shown all the same."""
    names = [dock.videos.itemText(row) for row in range(dock.videos.count())]
    assert len(names) == 2
    write(dock.filter, names[1][:8].upper())
    assert [dock.videos.itemText(row) for row in range(dock.videos.count())] == [names[1]]
    dock.show_video(str(next(iter(listed_videos(dock.session.project).values()))))
    assert dock.videos.currentText() == names[0]


def test_the_video_is_gone_through_in_steps(viewer, shown):
    """The arrows move by as many frames as the step says, and stop at the ends."""
    write(shown.player.step, "5")
    for button, frame in ((shown.player.on_button, 5), (shown.player.on_button, 10), (shown.player.on_button, 11)):
        press(button)
        assert viewer.dims.current_step[0] == frame
    press(shown.player.back_button)
    assert viewer.dims.current_step[0] == 6


def test_the_video_plays_at_the_chosen_speed(viewer, shown, qtbot):
    """By the clock and the video's own rate, however long a picture takes; it stops at the end and begins anew."""
    player, now = shown.player, [0.0]
    player._clock = lambda: now[0]
    choose(player.speed, "0.5x")
    press(player.play_button)
    player._timer.stop()
    now[0] = 8 / shown.playback.fps
    player._advance()
    assert (viewer.dims.current_step[0], player.play_button.text()) == (4, "Pause")
    viewer.dims.set_current_step(0, 1)  # by the user, meanwhile
    now[0] += 4 / shown.playback.fps
    player._advance()
    assert viewer.dims.current_step[0] == 1
    now[0] += 100.0
    player._advance()
    assert (viewer.dims.current_step[0], player.play_button.text()) == (FRAMES - 1, "Play")
    press(player.play_button)
    assert viewer.dims.current_step[0] == 0
    press(shown.show_button)
    assert player.play_button.text() == "Play"
