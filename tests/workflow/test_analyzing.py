"""analyze_videos."""

import errno
import shutil
from dataclasses import replace

import numpy as np
import pytest

from posecut_core.errors import AnalysisError, ArgumentError, BusyError, PosecutError, StorageError, VideoError
from posecut_core.inference.video import rows_path
from posecut_core.poses.files import read_predictions, write_predictions
from posecut_core.poses.predictions import read_origin
from posecut_core.progress import Notice
from posecut_core.project.opening import open_project
from posecut_core.storage.locks import sole_writer
from posecut_core.video.writer import VideoWriter
from posecut_core.workflow.analyze_videos import analyze_videos
from tests.failing_disk import FailingDisk


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def unseen(spot_video, tmp_path):
    """A folder with copies of the video, outside the project."""
    folder = tmp_path / "unseen"
    folder.mkdir()
    for name in ("a.mp4", "b.mp4"):
        shutil.copy(spot_video, folder / name)
    return folder


def test_videos_are_analyzed_beside_themselves(spot_project, unseen):
    """Each video of a folder gets its .h5, and a .csv if wished, with one row per frame."""
    result = analyze_videos(spot_project, unseen, save_as_csv=True)
    assert names(unseen) == ["a.mp4", "aFake_10.csv", "aFake_10.h5", "b.mp4", "bFake_10.csv", "bFake_10.h5"]
    assert result.scorer == "Fake_10"
    assert [(video.frame_count, video.skipped) for video in result.videos] == [(11, False), (11, False)]
    assert set(result.files) == {unseen / name for name in names(unseen) if "Fake" in name}
    assert len(read_predictions(result.files[0]).xy) == 11


def test_analyzed_videos_are_skipped_unless_overwritten(spot_project, unseen, networks):
    """The second call does no work, but writes a .csv that is now wished; overwrite analyzes again."""
    analyze_videos(spot_project, unseen)
    shapes = networks[-1].shapes
    again = analyze_videos(spot_project, unseen, save_as_csv=True)
    assert [video.skipped for video in again.videos] == [True, True]
    assert networks[-1].shapes == []
    assert "aFake_10.csv" in names(unseen)
    assert not any(video.skipped for video in analyze_videos(spot_project, unseen, overwrite=True).videos)
    assert networks[-1].shapes == shapes


def test_another_file_in_the_place_of_a_project_video_is_told(spot_project, spot_video, unseen):
    """It is analyzed as it is; a video of that name elsewhere is just another one."""
    said = []
    analyze_videos(spot_project, [spot_video, unseen / "a.mp4"], report=said.append)
    assert not any("not the file that was added" in one.text for one in said if isinstance(one, Notice))
    with spot_video.open("ab") as file:
        file.write(b"more")
    analyze_videos(spot_project, spot_video, report=said.append)
    (told,) = [one.text for one in said if isinstance(one, Notice) and "not the file that was added" in one.text]
    assert str(spot_video) in told


def test_rows_of_a_call_that_was_killed_at_its_end_go(spot_project, unseen):
    """Kind: what lies beside a file while it is made, where the call was killed after that file was complete."""
    table = analyze_videos(spot_project, unseen).videos[0].files[0]
    rows_path(table).write_bytes(b"left")
    assert analyze_videos(spot_project, unseen).videos[0].skipped
    assert not rows_path(table).exists()


def test_a_video_that_has_grown_is_analyzed_anew(spot_project, unseen):
    """Its table has one row per frame again, and why is said; where the video has gone bad, its table stays."""
    video, said = unseen / "a.mp4", []
    analyze_videos(spot_project, video)
    with VideoWriter(video, fps=25, width=64, height=48) as writer:
        for _ in range(15):
            writer.write(np.zeros((48, 64, 3), np.uint8))
    (grown,) = analyze_videos(spot_project, video, report=said.append).videos
    assert (grown.skipped, grown.frame_count, len(read_predictions(grown.files[0]).xy)) == (False, 15, 15)
    assert said[0].text == "a.mp4 was analyzed before with 11 frames and has 15 now; it is analyzed again"
    video.write_bytes(b"no video")
    (bad,) = analyze_videos(spot_project, video).videos
    assert (bad.skipped, bad.frame_count) == (True, 15)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("network", "by another network of the same name"),
        ("window", "with the crop x 0 to 64, y 0 to 48 instead of x 4 to 60, y 6 to 40"),
        ("video", "from another video of the same name"),
    ],
)
def test_what_is_not_of_this_analysis_is_made_anew(spot_project, unseen, networks, edit, change, words):
    """Kind: a result counts as done by its name alone, though network, window or recording have changed since."""
    video, said = unseen / "a.mp4", []
    analyze_videos(spot_project, video)
    assert analyze_videos(spot_project, video).videos[0].skipped
    if change == "network":
        open_project(spot_project).training(1).manifest(10).write_text("trained again")
    elif change == "window":
        edit(cropping=True, x1=4, x2=60, y1=6, y2=40)
    else:
        with VideoWriter(video, fps=25, width=64, height=48) as writer:
            for _ in range(11):
                writer.write(np.zeros((48, 64, 3), np.uint8))
    assert not analyze_videos(spot_project, video, report=said.append).videos[0].skipped
    assert said[0].text == f"a.mp4 was analyzed before {words}; it is analyzed again"
    assert analyze_videos(spot_project, video).videos[0].skipped


def test_frames_that_could_not_be_read_are_tried_again(spot_project, unseen, networks):
    """Kind: a gap that an earlier version left counts as done; where any of its frames decodes now, all is anew."""
    video = unseen / "a.mp4"
    table = analyze_videos(spot_project, video).files[0]
    whole = read_predictions(table)
    holes = replace(whole, xy=whole.xy.copy(), likelihood=whole.likelihood.copy())
    holes.xy[4:], holes.likelihood[4:] = np.nan, 0.0
    write_predictions(table, holes)  # as PoseCut 0.1 left it
    assert not analyze_videos(spot_project, video).videos[0].skipped
    np.testing.assert_array_equal(read_predictions(table).xy, whole.xy)
    write_predictions(table, holes, origin=read_origin(table))
    assert analyze_videos(spot_project, video).videos[0].skipped  # this very decoder could not read them


def test_the_csv_is_that_of_the_h5(spot_project, unseen):
    """Kind: of two files of one result only one is renewed; a .csv follows its .h5, wished now, later or before."""
    video, said = unseen / "a.mp4", []
    analyze_videos(spot_project, video, save_as_csv=True)
    open_project(spot_project).training(1).manifest(10).write_text("trained again")
    csv_path = unseen / "aFake_10.csv"
    csv_path.write_text(csv_path.read_text().replace("10.5", "11.5"))
    result = analyze_videos(spot_project, video).videos[0]
    assert result.files == (unseen / "aFake_10.h5", csv_path)
    fresh = csv_path.read_bytes()
    csv_path.write_text("of an older network")
    analyze_videos(spot_project, video, report=said.append)
    assert "aFake_10.csv disagrees with aFake_10.h5" in said[0].text
    assert analyze_videos(spot_project, video, save_as_csv=True).videos[0].skipped
    assert csv_path.read_bytes() == fresh


def test_a_second_analysis_of_a_video_says_who_is_at_it(spot_project, unseen):
    """Kind: two programs write one file at once; the second is one sentence, and nothing of the lock stays."""
    with sole_writer(unseen / "aFake_10.h5", doing="a.mp4 is being analyzed"):
        with pytest.raises(
            StorageError, match=r"a\.mp4 is being analyzed by another window or session of this program.*; wait until"
        ):
            analyze_videos(spot_project, unseen / "a.mp4")
        with pytest.raises(BusyError, match="1 of 2 videos could not be analyzed"):  # waiting is all there is to do
            analyze_videos(spot_project, unseen)
    assert analyze_videos(spot_project, unseen).videos[1].skipped
    assert names(unseen) == ["a.mp4", "aFake_10.h5", "b.mp4", "bFake_10.h5"]


def test_destfolder_takes_all_files(spot_project, unseen, tmp_path):
    """With destfolder nothing is written beside the videos."""
    analyze_videos(spot_project, [unseen / "a.mp4"], destfolder=tmp_path / "out")
    assert names(unseen) == ["a.mp4", "b.mp4"]
    assert names(tmp_path / "out") == ["aFake_10.h5"]


def test_a_bad_video_does_not_stop_the_others(spot_project, unseen):
    """The others are analyzed, then the error names the bad one and what is wrong with it."""
    (unseen / "a1.mp4").write_bytes(b"no video")
    with pytest.raises(AnalysisError, match=r"(?s)1 of 3 videos could not be analyzed.*a1\.mp4") as caught:
        analyze_videos(spot_project, unseen)
    assert {"aFake_10.h5", "bFake_10.h5"} < set(names(unseen))
    assert [video.video.name for video in caught.value.done.videos] == ["a.mp4", "b.mp4"]
    assert not [name for name in names(unseen) if name.startswith((".", "a1F"))]


def test_a_single_bad_video_keeps_its_own_error(spot_project, unseen):
    """One video that cannot be read is a VideoError."""
    (unseen / "a.mp4").write_bytes(b"")
    with pytest.raises(VideoError):
        analyze_videos(spot_project, unseen / "a.mp4")


def test_a_missing_video_does_not_stop_the_others(spot_project, unseen):
    """Kind: one bad item among several. A wrong path is told at the beginning and at the end, and the rest is done."""
    said = []
    with pytest.raises(AnalysisError, match=r"(?s)1 of 2 videos.*c\.mp4"):
        analyze_videos(spot_project, [unseen / "a.mp4", unseen / "c.mp4"], report=said.append)
    assert "c.mp4" in said[0].text
    assert "aFake_10.h5" in names(unseen)


def test_videos_that_would_share_a_file_do_not_stop_the_others(spot_project, unseen, tmp_path):
    """Two videos of one name never overwrite each other's predictions; a third one is analyzed."""
    shutil.copy(unseen / "a.mp4", unseen / "a.mkv")
    with pytest.raises(AnalysisError, match="2 of 3 videos"):
        analyze_videos(spot_project, unseen)
    assert [name for name in names(unseen) if name.endswith(".h5")] == ["bFake_10.h5"]
    with pytest.raises(ArgumentError, match="would all be written to"):
        analyze_videos(spot_project, [unseen / "a.mp4", unseen / "a.mkv"])


def test_a_folder_that_cannot_be_written_suggests_destfolder(spot_project, unseen, tmp_path, monkeypatch):
    """The sentence says why, and what to do about it."""
    with monkeypatch.context() as patch:
        FailingDisk(1, errno.EROFS).install(patch)
        with pytest.raises(StorageError, match="or give another folder for the results"):
            analyze_videos(spot_project, unseen / "a.mp4", destfolder=tmp_path / "results")


def test_the_crop_of_the_config_is_used(spot_project, unseen, networks, edit):
    """cropping: true makes the network see the window only; positions stay those of the full frame."""
    whole = read_predictions(analyze_videos(spot_project, unseen / "a.mp4").files[0])
    edit(cropping=True, x1=4, x2=60, y1=6, y2=40)
    part = read_predictions(analyze_videos(spot_project, unseen / "a.mp4", overwrite=True, batch_size=3).files[0])
    assert set(networks[-1].shapes) == {(3, 34, 56, 3)}
    np.testing.assert_allclose(part.xy, whole.xy, atol=1e-9)


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"shuffle": 7}, {"snapshot": 11}])
def test_wrong_arguments_are_one_sentence(spot_project, unseen, wrong):
    """Nothing is written for a network that is not there."""
    with pytest.raises(PosecutError):
        analyze_videos(spot_project, unseen, **wrong)
    assert names(unseen) == ["a.mp4", "b.mp4"]


def test_a_tracking_crop_is_another_analysis(spot_project, unseen):
    """Predictions of the full frame do not stand in for those of a window, nor the other way round."""
    told = []
    analyze_videos(spot_project, unseen / "a.mp4")
    for dynamic in ("True,0.2,4", (True, 0.2, 4), (True, 0.2, 6), (False, 0.2, 6)):
        told.append([])
        (video,) = analyze_videos(spot_project, unseen / "a.mp4", dynamic=dynamic, report=told[-1].append).videos
        assert (video.tracking is not None) == (len(told) in (1, 3))
    notices = [[each.text for each in one if isinstance(each, Notice)] for one in told]
    assert ["analyzed before without a tracking crop" in str(one) for one in notices] == [True, False, False, False]
    assert ["with another tracking crop" in str(one) for one in notices] == [False, False, True, False]
    assert ["before with a tracking crop" in str(one) for one in notices] == [False, False, False, True]
