"""Paths and videos as people give them."""

import os
from pathlib import Path

import pytest

from posecut_core.errors import ArgumentError, VideoError
from posecut_core.project.given import (
    VIDEO_SUFFIXES,
    given_folder,
    given_path,
    given_videos,
    listed,
    natural_key,
    refuse_other_kind,
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A home and working folder with two recordings and what lies beside them after an analysis."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "day 1").mkdir()
    for name in (
        "m1.mp4",
        "m2.AVI",
        "m1PoseCut_resnet50_x_labeled.mp4",
        "m1PoseCut_resnet50_x.h5",
        "._m1.mp4",
        "pi.h264",
    ):
        (tmp_path / "day 1" / name).write_bytes(b"")
    return tmp_path / "day 1"


@pytest.mark.parametrize(
    "given",
    [
        "day 1/m1.mp4",
        "  day 1/m1.mp4 ",
        '"day 1/m1.mp4"',
        "'day 1/m1.mp4'",
        "day 1\\m1.mp4",
        "./day 1//m1.mp4",
        "~/day 1/m1.mp4",
        "file:{folder}/m1.mp4",
        "file://{folder}/m1.mp4",
        "{folder}/m1.mp4",
        Path("day 1") / "m1.mp4",
        ["day 1/m1.mp4", "day 1/m1.mp4"],
        ("day 1/m1.mp4",),
        {"day 1/m1.mp4"},
        "day 1/m1.*4",
        ["day 1\\m*.mp4"],
    ],
)
def test_a_video_is_found_however_it_is_written(folder, given):
    """Kind: one argument in many forms. Each of these means the same recording, and nothing else."""
    address = str(folder).replace(" ", "%20")
    if isinstance(given, str):
        given = given.replace("{folder}", address if given.startswith("file") else str(folder))
    assert given_videos(given).paths == (folder / "m1.mp4",)


@pytest.mark.parametrize("given", ["day 1", "day 1/", "day 1/*", "day 1/m1.mp4, day 1/m2.AVI, day 1/pi.h264"])
def test_several_videos_are_found_by_one_text(folder, given):
    """A folder, a pattern that no shell has expanded, and paths with commas between them."""
    assert [path.name for path in given_videos(given).paths] == ["m1.mp4", "m2.AVI", "pi.h264"]


def test_generators_are_lists_and_other_things_are_not(folder):
    """What is neither a text nor a path is refused in a sentence."""
    assert len(given_videos(path for path in folder.glob("m*.mp4") if "_" not in path.name).paths) == 1
    for wrong in (5, [5], None, [None]):
        with pytest.raises(ArgumentError, match="expected names or paths"):
            listed(wrong)
    for empty in ([], ""):
        with pytest.raises(ArgumentError, match=r"No videos were given|empty path"):
            given_videos(empty)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("m1PoseCut_resnet50_x_labeled.mp4", r"is a labeled video.*give the recording, .*m1\.mp4"),
        (
            "m3DLC_resnet50_x_filtered_labeled.mp4",
            "is a labeled video.*give the recording m3 with its own file extension",
        ),
        ("m1PoseCut_resnet50_x.h5", r"is a file of results; give the recording, .*m1\.mp4"),
        ("m1DLC_resnet50_x_meta.pickle", r"is a file of results; give the recording, .*m1\.mp4"),
        ("CollectedData_ada.csv", "is a table of labels"),
        ("img0001.png", "is an image, not a video"),
        ("config.yaml", "is a project's config.yaml; name the project first"),
        ("notes.txt", "is a text, not a video"),
    ],
)
def test_what_is_no_recording_is_called_by_its_name(folder, name, words):
    """Kind: another file than the recording. The sentence says what it is and what to give, never to rename it."""
    (folder / name).write_bytes(b"")
    with pytest.raises(VideoError, match=words) as caught:
        refuse_other_kind(folder / name)
    assert "rename" not in str(caught.value)


def test_what_macos_keeps_beside_a_video_is_told(folder):
    """A recording whose name only looks like that is a recording."""
    refuse_other_kind(folder / "._m1.mp4")
    (folder / "._m1.mp4").write_bytes(b"\x00\x05\x16\x07")
    with pytest.raises(VideoError, match=r"give m1\.mp4 instead"):
        refuse_other_kind(folder / "._m1.mp4")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ((), "holds no videos"),
        (("img1.png",), "holds images, but no videos"),
        (("aDLC_x_labeled.mp4",), "holds labeled videos, but no recordings"),
        (("deeper/a.mp4",), "its subfolders do; give these: deeper"),
        (("config.yaml",), "is a project"),
    ],
)
def test_a_folder_without_videos_says_what_it_holds(tmp_path, names, words):
    """Kind: another thing than a folder of recordings."""
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (error,) = given_videos(tmp_path).refused.values()
    assert words in str(error)


def test_one_list_of_suffixes_says_what_is_left_out(folder):
    """Raw streams of cameras are videos in folders too; what is not known as one is named."""
    assert {".h264", ".mjpeg", ".mp4", ".mts", ".wmv"} < VIDEO_SUFFIXES
    (folder / "cam.seq").write_bytes(b"")
    given = given_videos(folder)
    assert [path.name for path in given.paths] == ["m1.mp4", "m2.AVI", "pi.h264"]
    assert "cam.seq (unknown file extension" in given.notes[0]
    assert "m1PoseCut_resnet50_x_labeled.mp4 (a labeled video)" in given.notes[0]
    assert [path.name for path in given_videos(folder, videotype=["*.mp4", "avi"]).paths] == ["m1.mp4", "m2.AVI"]


def test_a_missing_video_has_a_nearest_name(folder):
    """A slip of the finger is answered with what is there."""
    (error,) = given_videos([folder / "m11.mp4", folder]).refused.values()
    assert "perhaps m1.mp4 is meant" in str(error)


def test_a_common_file_extension_makes_no_names_alike(tmp_path):
    """Of short names it is more than half; a name that differs only in it is alike."""
    (tmp_path / "text.mp4").write_bytes(b"")
    for given, told in (("nope.mp4", False), ("text.avi", True), ("text", True), ("tex.mp4", True)):
        (error,) = given_videos([tmp_path / given]).refused.values()
        assert ("perhaps text.mp4 is meant" in str(error)) == told, given


def test_an_address_of_the_network_is_called_one(folder):
    """Kind: no file at all. It was told as a missing file in the current folder."""
    (error,) = given_videos(["https://example.org/m1.mp4"]).refused.values()
    assert "https://example.org/m1.mp4 is a URL" in str(error)


def test_a_file_is_no_folder_to_write_into(folder):
    """Kind: a file where a folder is meant. It was told as a disk that fails; what is not there yet may be made."""
    assert given_folder(f"{folder}/new/deeper") == folder / "new" / "deeper"
    for given in (folder / "m1.mp4", folder / "m1.mp4" / "results"):
        with pytest.raises(ArgumentError, match=r"m1\.mp4 is a file, expected a folder"):
            given_folder(given)


def test_a_file_that_is_called_exactly_so_comes_first(folder):
    """Quotes, blanks, brackets and commas may be part of a name."""
    for name in ("'m'.mp4", "m[1].mp4", "a, b.mp4", "m .mp4 "):
        (folder / name).write_bytes(b"")
        assert given_path(f"{folder}{os.sep}{name}").name == name
        assert given_videos(f"{folder}{os.sep}{name}").paths[0].name == name


def test_names_are_in_the_order_in_which_people_look_for_them(folder):
    """Numbers in names are counted, whatever the case; so are the videos of a folder."""
    assert sorted(("m10", "M2", "m1b", "1", "m"), key=natural_key) == ["1", "m", "m1b", "M2", "m10"]
    for name in ("m1.mp4", "m2.AVI"):
        (folder / name).unlink()
    for number in (10, 2, 1):
        (folder / f"session{number}.mp4").write_bytes(b"")
    names = [path.name for path in given_videos(folder).paths if path.name.startswith("session")]
    assert names == ["session1.mp4", "session2.mp4", "session10.mp4"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there, and names are always Unicode")
def test_links_to_nowhere_and_names_that_no_file_can_hold_stop_no_folder(folder):
    """Such a video is named beside the others that are found, and is refused with its reason where it is given."""
    (folder / "away.mp4").symlink_to("/disk/away.mp4")
    odd = folder / os.fsdecode(b"b\xff.mp4")
    odd.write_bytes(b"")
    found = given_videos(folder)
    assert [path.name for path in found.paths] == ["m1.mp4", "m2.AVI", "pi.h264"]
    assert "away.mp4 (a link to /disk/away.mp4, which is not there)" in found.notes[0]
    assert "(letters that are not UTF-8; rename it)" in found.notes[0]
    away, unwritable = given_videos([folder / "away.mp4", odd]).refused.values()
    assert "is a link to /disk/away.mp4, which is not there; connect the disk" in str(away)
    assert "letters that are not UTF-8" in str(unwritable)
    with pytest.raises(ArgumentError, match=r"not UTF-8.*rename it"):
        given_folder(odd.with_suffix(""))
