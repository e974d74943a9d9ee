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
    check_skeleton,
    clashing_names,
    contradictions,
    date_label,
    folder_name,
    place_video,
)
from posecut_core.project.state import ProjectState


def test_names_have_deeplabcuts_form():
    """The folder has the ISO date, the config the short English one without zero or year."""
    assert folder_name("reach", "Ann", datetime.date(2018, 10, 30)) == "reach-Ann-2018-10-30"
    assert date_label(datetime.date(2018, 10, 30)) == "Oct30"
    assert date_label(datetime.date(2024, 5, 3)) == "May3"


@pytest.mark.parametrize("name", ["", "two words", "a/b", "a\\b", ".hidden", "a:b", "tab\t", "n" * 81])
def test_names_that_file_systems_refuse_are_refused(name):
    """Spaces, slashes and the like are named in one sentence."""
    with pytest.raises(ArgumentError, match=r"project name .* choose (another|a shorter one)\.$"):
        check_name(name, what="project name")


@pytest.mark.parametrize(
    ("names", "taken", "words"),
    [
        (["d/a.mp4", "a.avi"], [], "same name"),
        (["x.mp4", "a.mp4"], ["A"], "same name"),
        (["Caf\u00e9.mp4", "Cafe\u0301.mp4"], [], "same name"),
        (["x.mp4", "a_labeled.mp4"], [], "give the original recording"),
        (["x.mp4", "._a.mp4"], [], "under another name"),
        (["x.mp4", ".a.mp4"], [], "under another name"),
        (["x.mp4", "a\nb.mp4"], [], "a line end or another control character"),
    ],
)
def test_names_that_would_share_or_hide_a_folder_are_named(tmp_path, names, taken, words):
    """Kind: names that other systems or later steps take for another's or for none. The last of each list is one."""
    ((video, error),) = clashing_names([tmp_path / name for name in names], tmp_path / "videos", taken=taken).items()
    assert (video.name, isinstance(error, VideoError)) == (names[-1].split("/")[-1], True)
    assert words in str(error)


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
    with pytest.raises(VideoError, match=r"already holds a different a\.mp4; rename"):
        place_video(tmp_path / "a.mp4", tmp_path / "videos", copy=copy)
    assert (tmp_path / "videos" / "a.mp4").read_bytes() == other.read_bytes() == b"the only copy"


def test_a_link_to_nothing_and_a_copy_give_way(tmp_path):
    """What a moved video and a program that was killed while copying leave behind stops nobody."""
    (tmp_path / "videos").mkdir()
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(b"video")
    (tmp_path / "videos" / "a.mp4").symlink_to(tmp_path / "gone.mp4")
    (tmp_path / "videos" / "b.mp4").write_bytes(b"video")
    assert clashing_names([tmp_path / "a.mp4", tmp_path / "b.mp4"], tmp_path / "videos") == {}
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


@pytest.mark.parametrize(
    ("bodyparts", "words"),
    [
        ([], "is empty, expected at least one name"),
        (["hand", "tip", "hand"], "'hand' twice, in places 1 and 3"),
        (["Ohr \u00e4", "Ohr a\u0308"], "twice, in places 1 and 2"),
        (["hand", " "], "an empty name in place 2"),
        (["hand", "a\nb"], "an invisible character"),
    ],
)
def test_bodyparts_are_different_names(bodyparts, words):
    """None, a repeat, an empty name and one with a line break are refused, and the wrong one is named."""
    check_bodyparts(["tail/base", "nose, tip", "Ohr links \u00e4", "#3", "1", "x", "y: z", "null", "likelihood"])
    with pytest.raises(ArgumentError, match=words):
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
    there = [tmp_path / "videos" / "a.mp4"]
    asked = partial(contradictions, config, ProjectState(view="side"), there, copy=False)
    same = {
        "sources": [tmp_path / "a.mp4"],
        "bodyparts": ["hand", "tip"],
        "skeleton": [["hand", "tip"]],
        "view": "side",
    }
    assert asked(**same) == asked(**(same | {"bodyparts": PLACEHOLDERS, "skeleton": [], "view": "auto"})) == ()
    other = {"sources": [tmp_path / "b.mp4"], "bodyparts": ["hand"], "skeleton": [["tip", "hand"]], "view": "above"}
    assert asked(**other) == ("videos", "bodyparts", "skeleton", "view")
