"""Labels in other views say where a bodypart is in this one."""

from pathlib import Path

import numpy as np
import pytest

from posecut_core.cameras.camera import project
from posecut_core.cameras.views import OtherViews, ViewSession
from tests.rig import three_cameras

CAMERAS = {camera.name: camera for camera in three_cameras()}
SESSION = ViewSession("day1", {name: Path(f"/v/day1_{name}.mp4") for name in CAMERAS})
VIEWS = OtherViews(CAMERAS, {f"day1_{name}": (name, SESSION) for name in CAMERAS})
POINT = np.array([10.0, -20.0, 15.0])
SEEN = {f"day1_{name}": tuple(project(camera, POINT).tolist()) for name, camera in CAMERAS.items()}


def test_two_labels_give_the_third():
    """A bodypart that two views have is proposed in the third where it is; one label alone says nothing."""
    labels = {stem: {"snout": SEEN[stem]} for stem in ("day1_left", "day1_right")}
    labels["day1_left"]["tail"] = (30.0, 40.0)
    found = VIEWS.proposed("day1_middle", labels)
    assert list(found) == ["snout"]
    assert found["snout"] == pytest.approx(SEEN["day1_middle"], abs=1e-3)
    assert VIEWS.proposed("day1_middle", {"day1_left": labels["day1_left"]}) == {}
    assert VIEWS.proposed("elsewhere", labels) == {}


def test_labels_of_different_things_propose_nothing():
    """Where two views contradict each other by far there is no such point."""
    labels = {"day1_left": {"snout": SEEN["day1_left"]}, "day1_right": {"snout": (5.0, 110.0)}}
    assert VIEWS.proposed("day1_middle", labels) == {}


def test_a_label_in_one_view_is_a_line_in_the_others():
    """The bodypart lies on the line, which stays within the frame."""
    (line,) = VIEWS.lines("day1_middle", {"day1_left": SEEN["day1_left"], "day1_middle": SEEN["day1_middle"]})
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    assert np.linalg.norm(line - SEEN["day1_middle"], axis=1).min() <= steps.max()
    assert ((line >= 0) & (line <= np.array(CAMERAS["middle"].size) - 1)).all()
    assert VIEWS.lines("elsewhere", {"day1_left": SEEN["day1_left"]}) == []
