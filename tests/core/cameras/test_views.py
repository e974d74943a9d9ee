"""Videos of several cameras are told by their names, or as posecut.yaml lists them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecut_core.cameras.views import view_of, view_sessions
from posecut_core.errors import ProjectError, VideoError
from posecut_core.project.state import ProjectState, read_state

NAMES = st.text("abcXYZ019", min_size=1, max_size=6)


@given(NAMES, NAMES, st.sampled_from(["{session}_{camera}", "{camera}-of.{session}", "rec {session} ({camera})"]))
def test_a_name_gives_back_its_session_and_camera(session, camera, pattern):
    """What a pattern makes, it reads."""
    assert view_of(pattern.format(session=session, camera=camera), pattern) == (session, camera)


def test_cameras_that_are_known_tell_names_apart():
    """A camera's name may hold the sign between the parts; a camera that is not known is none."""
    assert view_of("day_1_cam_2", "{session}_{camera}") == ("day_1_cam", "2")
    assert view_of("day_1_cam_2", "{session}_{camera}", ["cam_2", "cam_1"]) == ("day_1", "cam_2")
    assert view_of("day_1_cam_3", "{session}_{camera}", ["cam_2", "cam_1"]) is None
    assert view_of("day1-left", "day1-{camera}") == ("day1", "left")


def test_videos_are_grouped_and_the_rest_is_left_out():
    """Sessions come in the order of their videos, cameras in that of their names; missing ones are named."""
    videos = [Path(f"/v/{name}.mp4") for name in ("b_2", "a_1", "b_1", "notes", "c-left")]
    state = ProjectState(views="{session}_{camera}", sessions={"c": {"left": "c-left.mp4", "right": "c-right.mp4"}})
    sessions = view_sessions(videos, state)
    assert [(one.name, [*one.views]) for one in sessions] == [("b", ["1", "2"]), ("a", ["1"]), ("c", ["left"])]
    assert sessions[1].lacking(["1", "2"]) == "session a has no video of 2"
    assert sessions[0].lacking(["1", "2"]) == ""
    assert view_sessions(videos, ProjectState()) == ()


def test_one_view_twice_is_refused():
    """Two files of one name are two videos of a moment by one camera."""
    with pytest.raises(VideoError, match="both the view of camera 1 in session a"):
        view_sessions([Path("/v/a_1.mp4"), Path("/w/a_1.mp4")], ProjectState(views="{session}_{camera}"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("views: day1", "views is 'day1', expected a pattern"),
        ("views: '{camera}{camera}'", "expected a pattern of file names such as {session}_{camera}"),
        ("views: '{session}_{camera}}'", "expected a pattern"),
        ("views: 3", "views is 3"),
        ("sessions: {a: left}", "sessions has 'left' for a, expected the name of each camera's video"),
        ("sessions: [a]", "sessions is \\['a'\\], expected"),
    ],
)
def test_what_is_no_pattern_is_refused(tmp_path, text, told):
    """posecut.yaml is refused with its line."""
    path = tmp_path / "posecut.yaml"
    path.write_text(f"schema: 1\n{text}\n")
    with pytest.raises(ProjectError, match=told):
        read_state(path)
