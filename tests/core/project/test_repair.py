"""Paths of a moved project are found again."""

import pytest

from posecut_core.project.config import entry_of, repairs, video_stem
from posecut_core.project.given import videos_in

PLACEHOLDER = "WILL BE AUTOMATICALLY UPDATED BY DEMO CODE"
CROP = {"crop": "0, 640, 0, 480"}


@pytest.fixture
def root(tmp_path):
    """A project folder with two videos."""
    (tmp_path / "videos").mkdir()
    for name in ("b.avi", "a.mp4", ".hidden.mp4", "notes.txt"):
        (tmp_path / "videos" / name).write_bytes(b"")
    return tmp_path


def inside(root, name):
    return str(root / "videos" / name)


@pytest.mark.parametrize(
    "recorded", ["/gone/videos/a.mp4", "C:\\Users\\Ann\\videos\\a.mp4", "videos/a.mp4", "/old place/videos/a.mp4"]
)
def test_a_video_is_found_by_its_name(root, recorded):
    """Whatever the recorded path, the file in videos/ of that name is meant, and its entry is kept."""
    changes = repairs({"project_path": "/old place", "video_sets": {recorded: CROP}}, root)
    assert changes == {"project_path": str(root), "video_sets": {inside(root, "a.mp4"): CROP}}


def test_a_placeholder_stands_for_the_videos_that_are_there(root):
    """A placeholder becomes the videos that no other entry means, each with the placeholder's crop."""
    sets = {PLACEHOLDER: CROP, inside(root, "a.mp4"): {"crop": "1, 2, 3, 4"}}
    changes = repairs({"project_path": str(root), "video_sets": sets}, root)
    assert changes == {"video_sets": {inside(root, "b.avi"): CROP, inside(root, "a.mp4"): {"crop": "1, 2, 3, 4"}}}


@pytest.mark.parametrize("missing", ["/gone/s2.m2ts", "s2.dav", "C:\\gone\\s2", "/gone/s2"])
def test_a_missing_video_is_no_placeholder(root, missing):
    """An entry of any kind of file, or with a folder, keeps its place until the video is there again."""
    assert repairs({"project_path": str(root), "video_sets": {missing: CROP}}, root) == {}


def test_a_placeholder_does_not_stand_for_labeled_videos(root):
    """What DeepLabCut drew labels on is no video to label."""
    (root / "videos" / "aDLC_resnet50_labeled.mp4").write_bytes(b"")
    changes = repairs({"project_path": str(root), "video_sets": {PLACEHOLDER: CROP}}, root)
    assert list(changes["video_sets"]) == [inside(root, "a.mp4"), inside(root, "b.avi")]


def test_all_is_well_after_a_repair(root):
    """Repairing what was repaired changes nothing."""
    values = {"project_path": "/old", "video_sets": {PLACEHOLDER: CROP, "/gone/c.mov": None}}
    repaired = {**values, **repairs(values, root)}
    assert repairs(repaired, root) == {}
    assert "/gone/c.mov" in repaired["video_sets"]


def test_a_copy_of_a_project_uses_its_own_videos(root, tmp_path_factory):
    """A copied project no longer points into the project that it was copied from."""
    old = tmp_path_factory.mktemp("old")
    (old / "videos").mkdir()
    (old / "videos" / "a.mp4").write_bytes(b"")
    changes = repairs({"project_path": str(old), "video_sets": {inside(old, "a.mp4"): CROP}}, root)
    assert list(changes["video_sets"]) == [inside(root, "a.mp4")]


def test_a_copy_without_the_video_does_not_use_the_originals(root, tmp_path_factory):
    """The video of the project copied from is not the copy's: there it is missing, and stays so once adopted."""
    old = tmp_path_factory.mktemp("old")
    (old / "videos").mkdir()
    (old / "config.yaml").touch()
    (old / "videos" / "c.mp4").touch()
    values = {"project_path": str(old), "video_sets": {inside(old, "c.mp4"): CROP}}
    changes = repairs(values, root)
    assert changes == {"project_path": str(root), "video_sets": {inside(root, "c.mp4"): CROP}}
    assert repairs({**values, **changes}, root) == {}
    assert entry_of(inside(root, "c.mp4"), values, root) == inside(old, "c.mp4")


def test_a_video_left_where_the_project_was_is_used(root, tmp_path_factory):
    """Where only the project's folder went elsewhere, its video is still the one at the old place."""
    old = tmp_path_factory.mktemp("old")
    (old / "c.mp4").touch()
    changes = repairs({"project_path": str(old), "video_sets": {str(old / "c.mp4"): CROP}}, root)
    assert changes == {"project_path": str(root)}


def test_a_video_elsewhere_stays_there(root, tmp_path_factory):
    """A video outside the project that exists is left alone."""
    outside = tmp_path_factory.mktemp("disk") / "a.mp4"
    outside.write_bytes(b"")
    assert repairs({"project_path": str(root), "video_sets": {str(outside): CROP}}, root) == {}


def test_videos_are_told_by_their_endings(root):
    """Hidden files and other kinds are no videos; the order is that of the names."""
    assert [path.name for path in videos_in(root / "videos")] == ["a.mp4", "b.avi"]
    assert videos_in(root / "nowhere") == []
    assert video_stem("C:\\x\\mouse.1.avi") == "mouse.1"
