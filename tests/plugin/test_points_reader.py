"""Files of other programs are shown as points, in pixels of the frame; what is none of them is left to others."""

import numpy as np
import pytest

from napari_posecut import contributions
from napari_posecut.contributions import _NO_LAYERS, points_reader
from posecut_core.interchange.registry import FORMATS, Labels, VideoLabels, VideoPoses
from posecut_core.labels.state import Point
from posecut_core.poses.predictions import Predictions

PARTS = ("nose", "tail")


def _written(folder, name, what):
    one = FORMATS[name]
    path = folder / f"file{one.suffixes[0]}"
    if what == "poses":
        xy = np.array([[[1.0, 2.0], [np.nan, np.nan]], [[3.0, 4.0], [5.0, 6.0]]])
        poses = VideoPoses("one.mp4", {"": Predictions("Net", PARTS, xy, np.full((2, 2), 0.5))})
        one.function("write_poses")(path, poses)
        return path
    names = {0: "img0.png", 1: "img1.png"} if one.images else {0: 0, 1: 1}
    frames = {
        names[0]: {"": {"nose": Point("placed", (1.0, 2.0))}},
        names[1]: {"": {"nose": Point("placed", (3.0, 4.0)), "tail": Point("occluded", (5.0, 6.0))}},
    }
    labels = Labels(PARTS, (VideoLabels("one" if one.images else "one.mp4", frames),))
    one.function("write_labels")(path, labels, scorer="me", name=name)
    return path


@pytest.mark.parametrize(
    ("name", "what"),
    [
        *((name, "labels") for name in ("sleap", "coco", "lightning-pose", "nwb")),
        *((name, "poses") for name in ("sleap", "sleap-analysis", "nwb", "movement")),
    ],
)
def test_points_are_where_they_are_in_the_file(tmp_path, name, what):
    """A point is (frame, y, x), has its bodypart as a feature, and one color for each of these."""
    path = str(_written(tmp_path, name, what))
    ((data, attributes, kind),) = points_reader(path)(path)
    order = np.lexsort(data.T[::-1])
    np.testing.assert_array_equal(data[order], [[0, 2, 1], [1, 4, 3], [1, 6, 5]])
    assert attributes["features"]["bodypart"].to_numpy()[order].tolist() == ["nose", "nose", "tail"]
    colors = attributes["face_color"][order]
    assert (colors[0] == colors[1]).all()
    assert (colors[0] != colors[2]).any()
    assert kind == "points"


def test_points_are_shown(viewer, tmp_path):
    """Through napari's own way of opening files."""
    (layer,) = viewer.open(str(_written(tmp_path, "coco", "labels")), plugin="posecut")
    assert layer.data.shape == (3, 3)
    assert layer.features["state"].tolist() == ["placed", "placed", "occluded"]
    assert layer.features["image"].tolist() == ["img0.png", "img1.png", "img1.png"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", "{}"),
        ("a.json", '{"images": 3'),
        ("a.csv", "x,y\n1,2\n"),
        ("a.nwb", "no"),
        ("a.h5", "no"),
        ("b.txt", ""),
    ],
)
def test_other_files_are_left_alone(tmp_path, name, content):
    """The content decides; a file that only claims to be one of these is told about when it is opened."""
    path = tmp_path / name
    path.write_text(content)
    found = points_reader(str(path))
    assert found is None or "images" in content
    assert points_reader([str(path)]) is None
    assert points_reader(str(tmp_path / "missing.slp")) is None


def test_a_damaged_file_is_told(tmp_path, monkeypatch):
    """As a sentence, and no layer comes of it."""
    told = []
    monkeypatch.setattr(contributions, "show_error", told.append)
    path = tmp_path / "a.json"
    path.write_text('{"images": 3')
    assert points_reader(str(path))(str(path)) == _NO_LAYERS
    assert "a.json" in told[0]
