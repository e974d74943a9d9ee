"""Predictions are found by their names."""

import os
from pathlib import Path

from posecut_core.poses.files import filtered_path, find_predictions, prediction_path

SCORER = "PoseCut_resnet50_reachingJan31shuffle1_720"


def test_files_of_a_video_are_found(tmp_path: Path) -> None:
    """Predictions of this video by any network are listed, the newest first, and nothing else."""
    video = tmp_path / "m1.mp4"
    names = [f"m1{SCORER}.h5", f"m1{SCORER}_filtered.h5", "m1DLC_resnet50_aJan1shuffle1_9.h5"]
    for age, name in enumerate([*names, f"m10{SCORER}.h5", f"m1{SCORER}.csv", "m1_notes.h5"]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1000 + age, 1000 + age))
    found = find_predictions(video)
    assert [entry.table.name for entry in found] == names[::-1]
    assert [entry.filtered for entry in found] == [False, True, False]
    assert {entry.scorer for entry in found[1:]} == {SCORER}


def test_predictions_of_a_video_with_a_long_name_are_found(tmp_path: Path) -> None:
    """Kind: names as long as a disk allows. Where the video's is cut in that of its predictions, they are its own."""
    videos = [tmp_path / f"{'m' * 250}{letter}.mp4" for letter in "ab"]
    tables = [prediction_path(video, SCORER) for video in videos]
    for table in (*tables, *map(filtered_path, tables)):
        table.touch()
    found = find_predictions(videos[0])
    assert {entry.table for entry in found} == {tables[0], filtered_path(tables[0])}
    assert {entry.scorer for entry in found} == {SCORER}


def test_another_folder_is_looked_in(tmp_path: Path) -> None:
    """Where analyze_videos was given a destfolder, predictions lie there; a missing folder has none."""
    results = tmp_path / "results"
    assert find_predictions(tmp_path / "m1.mp4", results) == ()
    results.mkdir()
    (results / f"m1{SCORER}.h5").touch()
    assert find_predictions(tmp_path / "m1.mp4") == ()
    assert [entry.scorer for entry in find_predictions(tmp_path / "m1.mp4", results)] == [SCORER]


def test_predictions_beside_the_target_of_a_link_are_found(tmp_path: Path) -> None:
    """A video that was analyzed where it lies keeps its predictions when the project gets a link to it."""
    for name in ("elsewhere", "videos"):
        (tmp_path / name).mkdir()
    link, video = (tmp_path / name / "m1.mp4" for name in ("videos", "elsewhere"))
    video.touch()
    link.symlink_to(video)
    table = prediction_path(video, SCORER)
    table.touch()
    assert [(entry.video, entry.table) for entry in find_predictions(link)] == [(link, table)]
    assert find_predictions(link, tmp_path / "videos") == ()
