"""plot_trajectories and create_labeled_video."""

import os
import shutil
from dataclasses import replace

import imageio.v3 as iio
import numpy as np
import pytest

from posecut_core.errors import AnalysisError, ArgumentError
from posecut_core.poses.files import read_predictions, write_predictions
from posecut_core.poses.predictions import origin_from, read_origin
from posecut_core.progress import Notice
from posecut_core.video.reader import VideoReader
from posecut_core.video.writer import VideoWriter
from posecut_core.workflow import plot_trajectories as showing
from posecut_core.workflow.analyze_videos import analyze_videos
from posecut_core.workflow.filterpredictions import filterpredictions
from posecut_core.workflow.plot_trajectories import create_labeled_video, plot_trajectories


@pytest.fixture
def analyzed(spot_project, spot_video):
    analyze_videos(spot_project, spot_video)
    return spot_video


def images(path):
    with VideoReader(path) as reader:
        return [image for _, image in reader.frames()]


def test_figures_lie_beside_the_predictions(spot_project, analyzed):
    """Figures and a page per video in a folder with the network's name: DeepLabCut's of the same video stay."""
    theirs = analyzed.parent / "plot-poses" / "spot" / "trajectory.png"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"DeepLabCut's")
    result = plot_trajectories(spot_project, analyzed)
    assert theirs.read_bytes() == b"DeepLabCut's"
    assert result.folders == (analyzed.parent / "plot-poses" / "spotFake_10",)
    assert [path.name for path in result.files] == [
        *("trajectory.png", "plot.png", "plot-likelihood.png", "hist.png", "speed.png"),
        "trajectories.html",
    ]
    assert all(path.is_file() for path in result.files)


def test_empty_figures_are_told_once(spot_project, analyzed):
    """Where no prediction is likely enough, there is nothing to see but likelihoods."""
    told = []
    plot_trajectories(spot_project, analyzed, pcutoff=0.99, report=told.append)
    (notice,) = [report.text for report in told if isinstance(report, Notice)]
    assert notice.startswith("spot.mp4: no prediction has a likelihood of 0.99 or more, so the figures")


def test_destfolder_is_where_the_predictions_are(spot_project, spot_video, tmp_path):
    """With the destfolder of analyze_videos, figures and videos go there."""
    out = tmp_path / "out"
    analyze_videos(spot_project, spot_video, destfolder=out)
    assert plot_trajectories(spot_project, "spot", destfolder=out).folders == (out / "plot-poses" / "spotFake_10",)
    assert create_labeled_video(spot_project, "spot", destfolder=out).files == (out / "spotFake_10_labeled.mp4",)


def test_filtered_predictions_are_drawn_under_their_own_name(spot_project, analyzed):
    """Pictures of them do not replace the others; without them the message names the step."""
    with pytest.raises(AnalysisError, match="Found no filtered predictions") as raised:
        plot_trajectories(spot_project, analyzed, filtered=True)
    (remedy,) = raised.value.remedies
    assert (remedy.step, remedy.arguments["videos"]) == ("filterpredictions", [str(analyzed)])
    filterpredictions(spot_project, analyzed)
    plotted = plot_trajectories(spot_project, analyzed, filtered=True)
    assert plotted.folders == (analyzed.parent / "plot-poses" / "spotFake_10_filtered",)
    labeled = create_labeled_video(spot_project, analyzed, filtered=True)
    assert labeled.files == (analyzed.parent / "spotFake_10_filtered_labeled.mp4",)


@pytest.mark.parametrize("function", [plot_trajectories, create_labeled_video])
def test_what_was_not_analyzed_is_one_sentence(spot_project, spot_video, function):
    """The message says which file is missing and what to run."""
    with pytest.raises(AnalysisError, match="analyze the video first"):
        function(spot_project, spot_video)


def test_the_labeled_video_has_every_frame_with_its_own_points(spot_project, analyzed):
    """Frame n of the labeled video shows the disc where the square of frame n is, and the source's fps and size."""
    (path,) = create_labeled_video(spot_project, analyzed, colormap="jet", alphavalue=1.0).files
    assert path.name == "spotFake_10_labeled.mp4"
    with VideoReader(path) as labeled, VideoReader(analyzed) as source:
        assert labeled.index.frame_count == source.index.frame_count
        assert labeled.index.fps == pytest.approx(source.index.fps)
        assert (labeled.index.width, labeled.index.height) == (64, 48)
        for number, image in labeled.frames():
            x, y = 10.5 + 2 * number, 12.5 + number
            rows, columns = np.nonzero(image.max(axis=2) > 60)
            np.testing.assert_allclose((columns.mean(), rows.mean()), (x, y), atol=1.0)


def test_a_labeled_clip_has_its_frames_only(spot_project, analyzed):
    """It has a name of its own, begins with the first frame that was asked for, and is kept beside the whole video."""
    (whole,) = create_labeled_video(spot_project, analyzed, colormap="jet", alphavalue=1.0).files
    (path,) = create_labeled_video(spot_project, analyzed, colormap="jet", alphavalue=1.0, frames="3-5").files
    assert path.name == "spotFake_10_frames3-5_labeled.mp4"
    assert whole.is_file()
    for shown, number in zip(images(path), (3, 4, 5), strict=True):
        rows, columns = np.nonzero(shown.max(axis=2) > 60)
        np.testing.assert_allclose((columns.mean(), rows.mean()), (10.5 + 2 * number, 12.5 + number), atol=1.0)
    assert create_labeled_video(spot_project, analyzed, colormap="jet", alphavalue=1.0, frames=[3, 4, 5]).skipped
    with pytest.raises(ArgumentError, match="frames names 99"):
        create_labeled_video(spot_project, analyzed, frames=99, keypoints_only=True)


def test_the_labeled_video_keeps_the_times_of_a_varying_rate(spot_project, spot_video):
    """Kind: a recording whose rate varies is drawn at its mean rate: each pose is shown at the recording's time."""
    times = np.array([0, 1, 2, 3, 20, 21, 22, 23, 40, 41, 42]) / 25
    pictures = images(spot_video)
    with VideoWriter(spot_video, fps=25, width=64, height=48, times=times) as writer:
        for image in pictures:
            writer.write(image)
    analyze_videos(spot_project, spot_video)
    (path,) = create_labeled_video(spot_project, spot_video).files
    with VideoReader(path) as reader:
        np.testing.assert_allclose(reader.index.times, times, atol=1e-4)


def test_a_labeled_video_is_kept_only_as_what_would_be_drawn_now(spot_project, analyzed):
    """Kind: a derived file counts as done by its name; other predictions or settings make it anew, and that is said."""
    said = []
    assert create_labeled_video(spot_project, analyzed).skipped == ()
    (path,) = create_labeled_video(spot_project, analyzed).skipped
    assert create_labeled_video(spot_project, analyzed, pcutoff=0.1, report=said.append).skipped == ()
    assert said[0].text == f"{path.name} was drawn with other settings; it is drawn again"
    table = path.with_name("spotFake_10.h5")
    predictions = read_predictions(table)
    write_predictions(table, replace(predictions, xy=predictions.xy + 3))
    said.clear()
    assert create_labeled_video(spot_project, analyzed, pcutoff=0.1, report=said.append).skipped == ()
    assert any(
        isinstance(one, Notice) and one.text.endswith("was drawn from other predictions; it is drawn again")
        for one in said
    )


@pytest.mark.parametrize("age", [-10, 10])
def test_a_labeled_video_that_says_nothing_goes_by_its_age(spot_project, analyzed, age):
    """One of PoseCut 0.1 is kept, unless it is older than the predictions."""
    path = analyzed.with_name("spotFake_10_labeled.mp4")
    shutil.copy(analyzed, path)
    time = analyzed.with_name("spotFake_10.h5").stat().st_mtime + age
    os.utime(path, (time, time))
    assert create_labeled_video(spot_project, analyzed).skipped == ((path,) if age > 0 else ())


def test_figures_say_what_they_were_drawn_from(spot_project, analyzed):
    """Each carries the hash of its predictions, and what these came from."""
    path = plot_trajectories(spot_project, analyzed).files[0]
    origin = origin_from(iio.immeta(path)["Comment"])
    assert origin.analysis == read_origin(analyzed.with_name("spotFake_10.h5")).analysis
    assert origin.predictions


def test_options_change_what_is_drawn(spot_project, analyzed):
    """A lower pcutoff shows the unlikely point, bodyparts hides one, trails and skeleton add pixels."""
    options = [{}, {"pcutoff": 0.1}, {"pcutoff": 0.1, "bodyparts": ["beside"]}, {"trailpoints": 3}]
    options += [{"pcutoff": 0.1, "draw_skeleton": True, "dotsize": 2}, {"pcutoff": 0.1, "dotsize": 2}]
    last = []
    for option in options:
        (path,) = create_labeled_video(spot_project, analyzed, overwrite=True, **option).files
        last.append(images(path)[-1].astype(int))
    for one, other in [(0, 1), (1, 2), (0, 3), (4, 5)]:
        assert np.abs(last[one] - last[other]).max() > 40


def test_the_background_may_be_black_or_the_analyzed_window(spot_project, spot_video, edit):
    """Discs keep their places: on black, and in a crop whose video is smaller by as much as was left out."""
    edit(cropping=True, x1=4, x2=64, y1=8, y2=48)
    analyze_videos(spot_project, spot_video)
    wishes = {"alphavalue": 1.0, "colormap": "jet", "overwrite": True}
    plain, black, cut = (
        images(create_labeled_video(spot_project, spot_video, **wishes, **more).files[0])
        for more in ({}, {"keypoints_only": True}, {"displaycropped": True})
    )
    assert [len(shown) for shown in (plain, black, cut)] == [11, 11, 11]
    assert (black[5].shape, cut[5].shape) == ((48, 64, 3), (40, 60, 3))
    assert np.abs(cut[5].astype(int) - plain[5][8:, 4:]).mean() < 4
    disc = np.argwhere(black[5].max(axis=2) > 60)
    np.testing.assert_allclose(disc.mean(axis=0), (17.5, 20.5), atol=1.0)


def test_nothing_is_black_on_black(spot_project, analyzed, edit):
    """Kind: a skeleton in DeepLabCut's black, and the dark end of a colormap, could not be seen without the video."""
    edit(skeleton_color="black", colormap="gray")
    wishes = {"keypoints_only": True, "overwrite": True, "pcutoff": 0.1, "alphavalue": 1.0}
    alone, both, joined = (
        images(create_labeled_video(spot_project, analyzed, **wishes, **more).files[0])[5].astype(int)
        for more in ({"bodyparts": "spot"}, {"dotsize": 2}, {"dotsize": 2, "draw_skeleton": True})
    )
    assert alone.max() > 60
    assert (joined - both).max() > 40


def test_raw_and_filtered_lie_side_by_side(spot_project, analyzed):
    """The left half is drawn from the predictions, the right from the filtered ones."""
    table = analyzed.with_name("spotFake_10.h5")
    predictions = read_predictions(table)
    xy = predictions.xy.copy()
    xy[5, 0] += 25
    write_predictions(table, replace(predictions, xy=xy), origin=read_origin(table))
    filterpredictions(spot_project, analyzed)
    (path,) = create_labeled_video(spot_project, analyzed, side_by_side=True, keypoints_only=True).files
    assert path.name == "spotFake_10_filtered_labeled.mp4"
    shown = images(path)[5].max(axis=2)
    assert shown.shape == (48, 128)
    left, right = (np.argwhere(half > 60).mean(axis=0) for half in (shown[:, :64], shown[:, 64:]))
    np.testing.assert_allclose(left - right, (25, 25), atol=2.5)


def test_undecodable_frames_repeat_the_picture_before(spot_project, analyzed, monkeypatch):
    """The first frames, if lost, are black; later ones repeat; none shifts."""
    decode = VideoReader.encodable

    def damaged(self, numbers):
        for number, picture in decode(self, numbers):
            yield number, None if number in (0, 5) else picture

    with monkeypatch.context() as patch:
        patch.setattr(showing.VideoReader, "encodable", damaged)
        (path,) = create_labeled_video(spot_project, analyzed).files
    shown = [image.astype(int) for image in images(path)]
    assert len(shown) == 11
    assert shown[0].max() < 30
    assert np.abs(shown[5] - shown[4]).max() < 60
    assert np.abs(shown[6] - shown[5]).max() > 100


def test_existing_videos_are_kept_unless_overwritten(spot_project, analyzed):
    """The second call skips; overwrite makes the video again."""
    (path,) = create_labeled_video(spot_project, analyzed).files
    before = path.stat().st_mtime_ns
    assert create_labeled_video(spot_project, analyzed).skipped == (path,)
    assert path.stat().st_mtime_ns == before
    assert create_labeled_video(spot_project, analyzed, overwrite=True).skipped == ()
    assert path.stat().st_mtime_ns > before


@pytest.mark.parametrize(
    "wrong",
    [{"trailpoints": -1}, {"dotsize": 0}, {"alphavalue": 1.5}, {"colormap": "rainbw"}, {"bodyparts": ["nose"]}],
)
def test_wrong_options_write_nothing(spot_project, analyzed, wrong):
    """Each is one sentence, and no video is left half-written."""
    with pytest.raises(ArgumentError):
        create_labeled_video(spot_project, analyzed, **wrong)
    assert not list(analyzed.parent.glob("*_labeled*"))


def test_the_longest_name_goes_through_every_step(spot_project, spot_video):
    """Kind: names as long as a disk allows. Each file that is derived from one fits, and the next step finds it."""
    video = spot_video.rename(spot_video.with_name(f"{'m' * 250}.mp4"))
    analyze_videos(spot_project, video)
    filterpredictions(spot_project, video)
    assert len(plot_trajectories(spot_project, video, filtered=True).files) == 6
    assert create_labeled_video(spot_project, video, filtered=True).files[0].is_file()
    assert analyze_videos(spot_project, video).videos[0].skipped
