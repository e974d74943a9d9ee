"""Videos elsewhere are analyzed, filtered and drawn into a folder here."""

import pytest

from posecut_core.errors import ArgumentError, VideoError
from posecut_core.workflow.analyze_videos import analyze_videos
from posecut_core.workflow.extract_outlier_frames import extract_outlier_frames
from posecut_core.workflow.filterpredictions import filterpredictions
from posecut_core.workflow.plot_trajectories import create_labeled_video
from tests.web_server import serving_files

pytest.importorskip("aiohttp")


def test_results_are_those_of_the_file_here(spot_project, spot_video, tmp_path):
    """Byte for byte; called again, the analysis is there already."""
    with serving_files(spot_video.parent) as files:
        address = f"{files.address}/spot.mp4"
        for step in (analyze_videos, filterpredictions, create_labeled_video):
            here = step(spot_project, spot_video, destfolder=tmp_path / "here").files
            there = step(spot_project, address, destfolder=tmp_path / "there").files
            assert [(path.name, path.read_bytes()) for path in here] == [
                (path.name, path.read_bytes()) for path in there
            ]
        (again,) = analyze_videos(spot_project, [address], destfolder=tmp_path / "there").videos
    assert again.skipped


def test_results_need_a_folder_here(spot_project):
    """Nothing is written elsewhere."""
    with pytest.raises(ArgumentError, match="a folder on this computer"):
        analyze_videos(spot_project, "https://example.org/spot.mp4")


def test_one_that_cannot_be_read_does_not_stop_the_others(spot_project, spot_video, tmp_path):
    """It is named at the end."""
    with serving_files(spot_video.parent) as files, pytest.raises(Exception, match="1 of 2 videos") as refused:
        analyze_videos(spot_project, [f"{files.address}/none.mp4", spot_video], destfolder=tmp_path / "results")
    assert f"There is no video at {files.address}/none.mp4" in str(refused.value)
    assert [*refused.value.failed] == [f"{files.address}/none.mp4"]


def test_frames_are_extracted_from_files_only(spot_project):
    """A project has its videos, or links to them."""
    with pytest.raises(VideoError, match="is a URL, expected a file"):
        extract_outlier_frames(spot_project, "https://example.org/spot.mp4")
