"""Names of projects and the placing of videos."""

import datetime
from functools import partial

import pytest

from posecut_core.errors import ArgumentError, VideoError
from posecut_core.project.config import ProjectConfig
from posecut_core.project.creation import (
    PLACEHOLDERS,
    check_bodyparts,
    check_name,
    check_places,
    check_skeleton,
    check_stems,
    collect_videos,
    contradictions,
    date_label,
    folder_name,
    place_video,
)


def test_names_have_deeplabcuts_form():
    """The folder has the ISO date, the config the short English one without zero or year."""
    assert folder_name("reach", "Ann", datetime.date(2018, 10, 30)) == "reach-Ann-2018-10-30"
    assert date_label(datetime.date(2018, 10, 30)) == "Oct30"
    assert date_label(datetime.date(2024, 5, 3)) == "May3"


@pytest.mark.parametrize("name", ["", "two words", "a/b", "a\\b", ".hidden", "a:b", "tab\t"])
def test_names_that_file_systems_refuse_are_refused(name):
    """Spaces, slashes and the like are named in one sentence."""
    with pytest.raises(ArgumentError, match=r"project name .* choose another\.$"):
        check_name(name, what="project name")


def test_folders_stand_for_their_videos(tmp_path):
    """A folder gives all its videos, a file itself, and neither is taken twice."""
    for name in ("b.avi", "a.mp4", "c.txt"):
        (tmp_path / name).write_bytes(b"x")
    assert collect_videos([tmp_path / "b.avi", tmp_path]) == [tmp_path / "b.avi", tmp_path / "a.mp4"]


@pytest.mark.parametrize(
    ("given", "words"), [(["gone.mp4"], "Found no video"), ([""], "holds no videos"), ([], "No videos")]
)
def test_nothing_to_add_is_an_error(tmp_path, given, words):
    """Missing files, folders without videos and empty lists give one sentence."""
    with pytest.raises(VideoError, match=words):
        collect_videos([tmp_path / name for name in given])


@pytest.mark.parametrize(("names", "taken"), [(["d/a.mp4", "a.avi"], []), (["a.mp4"], ["A"]), (["a_labeled.mp4"], [])])
def test_names_that_would_share_a_folder_are_refused(tmp_path, names, taken):
    """Two videos that differ only in folder, ending or case cannot both be labelled."""
    with pytest.raises(VideoError, match="rename"):
        check_stems([tmp_path / name for name in names], taken=taken)


@pytest.mark.parametrize("copy", [False, True])
def test_videos_are_linked_or_copied(tmp_path, copy):
    """By default a link is made, on request a copy; doing it again changes nothing."""
    source = tmp_path / "a.mp4"
    source.write_bytes(b"video")
    target = place_video(source, tmp_path / "videos", copy=copy)
    assert target.read_bytes() == b"video"
    assert target.is_symlink() is not copy
    assert place_video(target, tmp_path / "videos", copy=copy) == target
    assert target.read_bytes() == b"video"


@pytest.mark.parametrize("copy", [False, True])
@pytest.mark.parametrize("linked", [False, True])
def test_a_file_in_the_place_of_a_video_stays(tmp_path, copy, linked):
    """Another file or link of its name is refused and left as it is: it may be the only copy."""
    (tmp_path / "videos").mkdir()
    (tmp_path / "a.mp4").write_bytes(b"video")
    other = tmp_path / ("other.mp4" if linked else "videos/a.mp4")
    other.write_bytes(b"the only copy")
    if linked:
        (tmp_path / "videos" / "a.mp4").symlink_to(other)
    with pytest.raises(VideoError, match=r"holds another a\.mp4 than .*; rename one of the two"):
        place_video(tmp_path / "a.mp4", tmp_path / "videos", copy=copy)
    assert (tmp_path / "videos" / "a.mp4").read_bytes() == other.read_bytes() == b"the only copy"


def test_a_link_to_nothing_and_a_copy_give_way(tmp_path):
    """What a moved video and a program that was killed while copying leave behind stops nobody."""
    (tmp_path / "videos").mkdir()
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(b"video")
    (tmp_path / "videos" / "a.mp4").symlink_to(tmp_path / "gone.mp4")
    (tmp_path / "videos" / "b.mp4").write_bytes(b"video")
    check_places([tmp_path / "a.mp4", tmp_path / "b.mp4"], tmp_path / "videos")
    assert place_video(tmp_path / "a.mp4", tmp_path / "videos", copy=False).resolve() == tmp_path / "a.mp4"
    assert not place_video(tmp_path / "b.mp4", tmp_path / "videos", copy=False).is_symlink()


def test_a_copy_is_made_where_links_are_impossible(tmp_path, monkeypatch):
    """A disk without links gets a copy."""
    (tmp_path / "a.mp4").write_bytes(b"video")

    def refuse(self, target, **options):
        raise OSError("no links here")

    monkeypatch.setattr("pathlib.Path.symlink_to", refuse)
    target = place_video(tmp_path / "a.mp4", tmp_path / "videos", copy=False)
    assert target.read_bytes() == b"video"
    assert not target.is_symlink()


@pytest.mark.parametrize("bodyparts", [[], ["hand", "hand"], ["hand", ""]])
def test_bodyparts_are_different_names(bodyparts):
    """None, a repeat and an empty name are refused."""
    with pytest.raises(ArgumentError, match="at least one name and each only once"):
        check_bodyparts(bodyparts)


@pytest.mark.parametrize("bone", [("hand",), ("hand", "hand"), ("hand", "foot"), "ab"])
def test_bones_join_two_bodyparts(bone):
    """Anything else than a pair of different bodyparts is refused."""
    check_skeleton([("hand", "tip")], ["hand", "tip"])
    with pytest.raises(ArgumentError, match="expected pairs of different bodyparts"):
        check_skeleton([bone], ["hand", "tip"])


def test_what_a_project_does_not_have_is_named(tmp_path):
    """The same again and the defaults agree with any project; other videos, bodyparts and bones do not."""
    config = ProjectConfig("reach", "Ann", "Oct30", ("hand", "tip"), skeleton=(("hand", "tip"),))
    asked = partial(contradictions, config, [tmp_path / "videos" / "a.mp4"], copy=False)
    same = {"sources": [tmp_path / "a.mp4"], "bodyparts": ["hand", "tip"], "skeleton": [["hand", "tip"]]}
    assert asked(**same) == asked(**(same | {"bodyparts": PLACEHOLDERS, "skeleton": []})) == ()
    other = {"sources": [tmp_path / "b.mp4"], "bodyparts": ["hand"], "skeleton": [["tip", "hand"]]}
    assert asked(**other) == ("videos", "bodyparts", "skeleton")
