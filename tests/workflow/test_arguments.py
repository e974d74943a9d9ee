"""What users' arguments stand for."""

from dataclasses import replace
from pathlib import Path

import pytest

from posecut_core.errors import ArgumentError, ModelError, VideoError
from posecut_core.inference.predictor import chosen_batch_size
from posecut_core.project import paths
from posecut_core.project.config import ProjectConfig
from posecut_core.project.given import chosen_bodyparts
from posecut_core.project.opening import chosen_videos
from posecut_core.project.paths import Project


@pytest.fixture
def project(tmp_path):
    videos = {str(tmp_path / "videos" / "m1.mp4"): None}
    config = ProjectConfig("Task", "me", "Oct30", ("snout", "tail"), video_sets=videos, batch_size=5)
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "m1.mp4").write_bytes(b"")
    return Project(tmp_path, config)


def by_config(project, index):
    return replace(project, config=replace(project.config, snapshotindex=index)).training()


def fill(folder: Path, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"")


def test_a_folder_stands_for_its_videos(project, tmp_path):
    """Videos directly in a folder are taken in order of names; labeled videos and other files are not."""
    folder = tmp_path / "day 1"
    fill(folder, "b.MP4", "a.avi", "aPoseCut_x_labeled.mp4", "notes.txt", "aPoseCut_x.h5")
    fill(folder, "._a.avi", ".aPoseCut_labeled-x.partial.mp4")  # of macOS, and of what was killed
    fill(folder / "deeper", "c.mp4")
    assert [path.name for path in chosen_videos(project, folder).paths] == ["a.avi", "b.MP4"]
    assert [path.name for path in chosen_videos(project, [folder], videotype="mp4").paths] == ["b.MP4"]
    assert [path.name for path in chosen_videos(project, str(folder), videotype=".avi").paths] == ["a.avi"]


def test_files_and_names_are_taken_each_once(project, tmp_path):
    """A video given by path, by its name in the project and by its folder is one video."""
    path = tmp_path / "videos" / "m1.mp4"
    assert chosen_videos(project, ["m1", "m1.mp4", path, path.parent]).paths == (path,)


def test_what_is_not_there_is_an_error(project, tmp_path):
    """Nothing given, an empty folder and a missing file each say what to give."""
    fill(tmp_path / "empty", "notes.txt")
    with pytest.raises(ArgumentError, match="No videos were given"):
        chosen_videos(project, [])
    with pytest.raises(VideoError, match="holds no videos of type avi"):
        chosen_videos(project, tmp_path / "videos", videotype="avi")
    with pytest.raises(VideoError, match="holds no videos "):
        chosen_videos(project, tmp_path / "empty")
    with pytest.raises(VideoError, match="nowhere"):
        chosen_videos(project, "nowhere.mp4")


def test_what_is_no_video_does_not_hide_the_others(project, tmp_path):
    """Kind: one bad item among several. The others are found, and what is wrong is said before the work begins."""
    said = []
    given = chosen_videos(project, ["m1", "nowhere.mp4", tmp_path / "posecut.txt"], report=said.append)
    assert [path.name for path in given.paths] == ["m1.mp4"]
    assert list(given.refused) == ["nowhere.mp4", str(tmp_path / "posecut.txt")]
    assert [notice.text for notice in said] == [str(error) for error in given.refused.values()]


@pytest.mark.parametrize(
    ("snapshots", "index", "steps"),
    [
        (None, -1, (30,)),
        (None, 0, (10,)),
        (None, "all", (10, 20, 30)),
        ("all", -1, (10, 20, 30)),
        ("last", 0, (30,)),
        (20, -1, (20,)),
        ([30, 10], -1, (30, 10)),
    ],
)
def test_snapshots_are_chosen_by_steps_or_by_config(project, monkeypatch, snapshots, index, steps):
    """An argument names training steps; without it snapshotindex of config.yaml counts the snapshots."""
    monkeypatch.setattr(paths, "snapshot_steps", lambda folder: (10, 20, 30))
    assert by_config(project, index).chosen_steps(snapshots) == steps


@pytest.mark.parametrize(
    ("there", "snapshots", "index", "message"),
    [
        ((), None, -1, "create its training dataset and train it first"),
        ((10, 20), 15, -1, "no snapshot 15 in .*; choose among 10, 20"),
        ((10, 20), "best", -1, "no snapshot best"),
        ((10, 20), None, 2, "snapshotindex in config.yaml is 2, but .* holds 2 snapshots"),
    ],
)
def test_a_snapshot_that_is_not_there_is_an_error(project, monkeypatch, there, snapshots, index, message):
    """The message names those that are."""
    monkeypatch.setattr(paths, "snapshot_steps", lambda folder: there)
    with pytest.raises(ModelError, match=message):
        by_config(project, index).chosen_steps(snapshots)


def test_bodyparts_keep_the_networks_order(project):
    """All (DeepLabCut's word for it too), one, or several are chosen; an unknown one is answered with the nearest."""
    known = ("snout", "tail", "paw")
    assert chosen_bodyparts(known, None) == chosen_bodyparts(known, "all") == known
    assert chosen_bodyparts(("snout", "all"), "all") == ("all",)
    assert chosen_bodyparts(known, ["paw", "snout"]) == ("snout", "paw")
    assert chosen_bodyparts(known, "tail") == ("tail",)
    with pytest.raises(ArgumentError, match="no bodypart 'tial', perhaps 'tail'"):
        chosen_bodyparts(known, ["tial"])


def test_a_batch_has_at_least_one_frame(project):
    """The default is config.yaml's; 0 is refused."""
    assert (chosen_batch_size(project, None), chosen_batch_size(project, 2)) == (5, 2)
    with pytest.raises(ArgumentError, match="batch_size is 0"):
        chosen_batch_size(project, 0)
