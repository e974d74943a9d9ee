"""Projects open where they lie: moved ones, DeepLabCut's, and read-only ones."""

import os
import shutil
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pandas as pd
import pytest

from posecut_core.errors import ProjectError, StorageError, VideoError
from posecut_core.formats.deeplabcut.images import OWN
from posecut_core.labels.images import adopt_project
from posecut_core.labels.store import read_labels, write_labels
from posecut_core.labels.table import LabelTable
from posecut_core.progress import Notice
from posecut_core.project.opening import _strange_folders, frame_folders, open_project, project_videos, resolve_video
from posecut_core.training.dataset import labeled_tables
from posecut_core.types import Crop
from posecut_core.video.frame_store import FrameStore

OPENFIELD = Path(__file__).parents[2].parent / "shared" / "data" / "openfield-Pranav-2018-10-30"
CONFIG = """\
# made by DeepLabCut
Task: reach
scorer: Ann
date: Oct30
multianimalproject:
project_path: WILL BE AUTOMATICALLY UPDATED BY DEMO CODE
video_sets:
  WILL BE AUTOMATICALLY UPDATED BY DEMO CODE:
    crop: 0, 12, 0, 8  # all of it
bodyparts:
- nose
- tail
"""
XY = np.array([[1.5, 2.5, np.nan, np.nan], [3.0, 4.0, 5.0, 6.0]])


@pytest.fixture(params=["table", "fixed", "levels", "csv"])
def root(request, tmp_path):
    """A project as DeepLabCut leaves it: images, a placeholder path, labels of a video that is not there."""
    root = tmp_path / "reach-Ann-2018-10-30"
    folder = root / "labeled-data" / "m1"
    folder.mkdir(parents=True)
    (root / "videos").mkdir()
    (root / "videos" / "m2.mp4").write_bytes(b"")
    (root / "config.yaml").write_text(CONFIG)
    for number in (4, 31):
        iio.imwrite(folder / f"img{number:03d}.png", np.full((8, 12, 3), number, dtype=np.uint8))
    rows = [("labeled-data", "m1", f"img{number:03d}.png") for number in (4, 31)]
    columns = pd.MultiIndex.from_product(
        [["Ann"], ["nose", "tail"], ["x", "y"]], names=["scorer", "bodyparts", "coords"]
    )
    levels = request.param in ("levels", "csv")
    index = pd.MultiIndex.from_tuples(rows) if levels else pd.Index(["\\".join(row) for row in rows])
    frame = pd.DataFrame(XY, index=index, columns=columns)
    frame.to_csv(folder / "CollectedData_Ann.csv")
    if request.param != "csv":
        layout = "table" if request.param == "table" else "fixed"
        frame.to_hdf(folder / "CollectedData_Ann.h5", key="df_with_missing", mode="w", format=layout)
    return root


def content(folder: Path) -> dict[str, bytes]:
    """Read every file of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("moved", [False, True])
def test_opening_writes_nothing(root, tmp_path, moved):
    """Paths are corrected in memory, labels are read, and every byte stays as it was, also after a move."""
    if moved:
        adopt_project(root)
        root = shutil.move(root, tmp_path / "renamed")
    before = content(root)
    project = open_project(root)
    assert project_videos(project) == {"m2": root / "videos" / "m2.mp4"}
    np.testing.assert_array_equal(read_labels(project, "m1").xy, XY.reshape(2, 2, 2))
    assert content(root) == before


def test_a_deeplabcut_project_is_adopted(root):
    """Placeholders become paths, images become stored frames, labels are read, and comments stay."""
    project = adopt_project(root)
    words = "WILL BE AUTOMATICALLY UPDATED BY DEMO CODE"
    assert project.config.video_sets == {str(root / "videos" / "m2.mp4"): Crop(0, 12, 0, 8), words: Crop(0, 12, 0, 8)}
    assert list(project_videos(project)) == ["m2"]
    assert project.config_path.read_text().startswith("# made by DeepLabCut\nTask: reach\n")
    assert FrameStore.open(project.frame_store("m1")).read(31).max() == 31
    labels = read_labels(project, "m1")
    assert labels.numbers.tolist() == [4, 31]
    np.testing.assert_array_equal(labels.xy, XY.reshape(2, 2, 2))


def test_adopting_twice_changes_nothing(root):
    """After the first time no file changes any more, by whichever path the project is named."""
    adopt_project(root / "config.yaml")
    before = content(root)
    adopt_project(str(root))
    assert content(root) == before


def test_a_moved_project_is_adopted(root, tmp_path):
    """After a move the paths are those of the new place, and nothing else has changed."""
    adopt_project(root)
    before = (root / "config.yaml").read_text()
    moved = tmp_path / "elsewhere" / "renamed"
    moved.parent.mkdir()
    shutil.move(root, moved)
    project = adopt_project(moved / "config.yaml")
    assert project_videos(project) == {"m2": moved / "videos" / "m2.mp4"}
    assert project.config_path.read_text() == before.replace(str(root), str(moved))
    assert read_labels(project, "m1").numbers.tolist() == [4, 31]


def test_a_project_that_may_not_be_written_is_only_read(root, monkeypatch):
    """Repairs stay in memory, no file changes, and the labels are read."""
    before = content(root)

    def refuse(*arguments):
        raise StorageError("read-only")

    monkeypatch.setattr("posecut_core.labels.images.edit_config", refuse)
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    project = adopt_project(root)
    assert list(project_videos(project)) == ["m2"]
    np.testing.assert_array_equal(read_labels(project, "m1").xy, XY.reshape(2, 2, 2))
    assert content(root) == before


def test_check_images_and_hidden_folders_hold_no_frames(root):
    """Only folders of extracted frames count."""
    for name in ("m1_labeled", ".cache"):
        (root / "labeled-data" / name).mkdir()
    assert [folder.name for folder in frame_folders(open_project(root))] == ["m1"]


def test_folders_of_frames_come_in_the_order_of_their_names(root):
    """Capitals come first, on Windows too: lists of videos that are sorted by name have the same order."""
    for name in ("a2", "Z1"):
        (root / "labeled-data" / name).mkdir()
    assert [folder.name for folder in frame_folders(open_project(root))] == ["Z1", "a2", "m1"]


@pytest.mark.parametrize("video", ["videos/m1.mp4", "C:\\\\lab\\\\m1.avi", "/elsewhere/m1.mkv"])
def test_only_listed_videos_are_the_projects(root, video):
    """Kind: what lies in labeled-data is the project's only if config.yaml says so, by name, wherever the video is.

    Backup copies, cropped and excluded recordings are named, and none of their pictures is copied; nothing is deleted.
    """
    (root / "config.yaml").write_text(CONFIG.replace("WILL BE AUTOMATICALLY UPDATED BY DEMO CODE:", f'"{video}":'))
    for name in ("m1 - Copy", "m1_cropped", "m0"):
        shutil.copytree(root / "labeled-data" / "m1", root / "labeled-data" / name)
    (root / "labeled-data" / "m1_labeled").mkdir()
    (root / "labeled-data" / "notes").mkdir()
    before = content(root / "labeled-data" / "m0")
    project = adopt_project(root)
    assert [folder.name for folder in frame_folders(project)] == ["m1"]
    assert [folder.name for folder in _strange_folders(project)] == ["m0", "m1 - Copy", "m1_cropped"]
    assert content(root / "labeled-data" / "m0") == before
    (root / "config.yaml").write_text((root / "config.yaml").read_text().replace("bodyparts:", "  m0.mp4:\nbodyparts:"))
    again = open_project(root)
    assert [folder.name for folder in frame_folders(again)] == ["m0", "m1"]
    assert read_labels(again, "m1").numbers.tolist() == [4, 31]


def test_folders_copied_from_a_mac_are_the_same_videos(root):
    """A name with an umlaut has two spellings in bytes; a copy to another system may have the other one."""
    (root / "config.yaml").write_text(
        CONFIG.replace("WILL BE AUTOMATICALLY UPDATED BY DEMO CODE:", "videos/k\u00e4fig.mp4:")
    )
    (root / "labeled-data" / "m1").rename(root / "labeled-data" / "ka\u0308fig")
    project = open_project(root)
    assert [folder.name for folder in frame_folders(project)] == ["ka\u0308fig"]
    assert not _strange_folders(project)


@pytest.mark.parametrize(
    "entries", ["", " {}", "\n  WILL BE AUTOMATICALLY UPDATED BY DEMO CODE:\n    crop: 0, 12, 0, 8"]
)
def test_where_no_video_is_listed_all_folders_count(root, entries):
    """A project that lists nothing, or words for what is in the folder, as DeepLabCut's demo does, keeps its labels."""
    text = CONFIG[: CONFIG.index("video_sets:")] + f"video_sets:{entries}\n" + CONFIG[CONFIG.index("bodyparts:") :]
    (root / "config.yaml").write_text(text)
    for project in (open_project(root), adopt_project(root), open_project(root)):
        assert [folder.name for folder in frame_folders(project)] == ["m1"]
        assert not _strange_folders(project)


def test_videos_are_found_by_path_name_or_stem(root):
    """A video of the project may be named shortly; any other by its path."""
    project = open_project(root)
    expected = root / "videos" / "m2.mp4"
    assert [resolve_video(project, name) for name in ("m2", "m2.mp4", expected)] == [expected] * 3
    with pytest.raises(VideoError, match=r"Found no video or folder m9.*\(m2\)"):
        resolve_video(project, "m9")
    expected.unlink()
    with pytest.raises(VideoError, match="is missing"):
        resolve_video(project, "m2")


@pytest.mark.parametrize("name", ["", "config.yaml", "gone"])
def test_where_no_project_is_a_sentence_says_so(tmp_path, name):
    """Folders without a config.yaml and missing paths are named."""
    with pytest.raises(ProjectError, match=r"Found no file .*create a project first"):
        open_project(tmp_path / name)


@pytest.mark.skipif(not OPENFIELD.is_dir(), reason="the openfield data are not on this machine")
def test_openfield_opens(tmp_path):
    """DeepLabCut's own example project opens in a copy, with all its labels."""
    shutil.copytree(OPENFIELD, tmp_path / "openfield", copy_function=shutil.copyfile)
    (tmp_path / "openfield" / "labeled-data" / "m4s1").chmod(0o755)
    for image in sorted((tmp_path / "openfield" / "labeled-data" / "m4s1").glob("img*.png"))[3:]:
        image.unlink()
    project = adopt_project(tmp_path / "openfield")
    assert list(project_videos(project)) == ["m3v1mp4"]
    assert FrameStore.open(project.frame_store("m4s1")).numbers.tolist() == [0, 1, 2]


def test_a_video_is_no_project(tmp_path):
    """A file that is no config.yaml is not read as one."""
    (tmp_path / "a.mp4").write_bytes(b"\x00\xff")
    with pytest.raises(
        ProjectError,
        match=r"a\.mp4 is not a project, expected a project's folder or its config\.yaml; give the project first",
    ):
        open_project(tmp_path / "a.mp4")
    (tmp_path / "posecut.yaml").write_text("schema: 1\n")
    with pytest.raises(ProjectError, match=r"posecut\.yaml is not a project, expected"):
        open_project(tmp_path / "posecut.yaml")


def test_images_as_people_leave_them_are_used(tmp_path):
    """Kind: one image of an odd name, or one that is gone or broken, kept the whole project from being used."""
    root = tmp_path / "reach-Ann-2018-10-30"
    folder = root / "labeled-data" / "m1"
    folder.mkdir(parents=True)
    (root / "config.yaml").write_text(CONFIG)
    names = ["frame001.png", "Maus links.jpg", "broken.png", "gone.png", "img013.png", "img13.png"]
    for value, name in enumerate(names):
        if name != "gone.png":
            iio.imwrite(folder / name, np.full((8, 12, 3), 20 * value, dtype=np.uint8))
    (folder / "broken.png").write_bytes((folder / "broken.png").read_bytes()[:50])
    head = "scorer,,,Ann,Ann,Ann,Ann\nbodyparts,,,nose,nose,tail,tail\ncoords,,,x,y,x,y\n"
    labels = [f"labeled-data,m1,{name},{value + 1},2,3,{value + 1}\n" for value, name in enumerate(names)]
    table = folder / "CollectedData_Ann.csv"
    table.write_text(head + "".join(labels))
    told = []
    project = adopt_project(root, report=told.append)
    (found,) = labeled_tables(project, report=told.append)
    assert found.numbers.tolist() == [1, 13, OWN + 2, OWN + 3]
    assert found.xy[:, 0, 0].tolist() == [1, 5, 6, 2]
    store = FrameStore.open(project.frame_store("m1"))
    for number, value in zip(found.numbers.tolist(), (0, 80, 100, 20), strict=True):
        assert abs(int(store.read(number)[0, 0, 0]) - value) <= 2
    said = "\n".join(report.text for report in told if isinstance(report, Notice))
    assert "broken.png is not a readable image (it may be truncated)" in said
    assert "put broken.png, gone.png (no frame of the video) back" in said
    assert "frame 13 twice, as img013.png and img13.png, which are labeled differently" in said
    write_labels(project, LabelTable("m1", ("nose",), np.array([1]), np.array([[[9.5, 2.5]]])))
    frame = pd.read_csv(table, header=[0, 1, 2], index_col=[0, 1, 2])
    assert sorted(frame.index.get_level_values(2)) == sorted(names)
    assert frame["Ann", "tail", "y"].sort_values().tolist() == [1, 2, 3, 4, 5, 6]
