"""Every format: what is written is read again, and what is lost is told."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from posecut_core.errors import ArgumentError, LabelError
from posecut_core.interchange.registry import (
    FORMATS,
    Labels,
    SessionPoses,
    VideoLabels,
    VideoPoses,
    chosen_format,
    format_of,
    kind_of,
    losses,
    losses_of_poses,
)
from posecut_core.labels.state import LabelOrigin, Point
from posecut_core.poses.points import Points3D
from posecut_core.poses.predictions import Predictions
from tests.rig import three_cameras

PARTS = ("nose", "left ear", "täil")
BONES = (("nose", "left ear"), ("left ear", "täil"))
LABELED = [name for name, one in FORMATS.items() if one.labels == "rw"]
_SCOPED = [HealthCheck.function_scoped_fixture]
_FEW = settings(max_examples=5, deadline=None, suppress_health_check=_SCOPED, phases=[Phase.explicit, Phase.generate])
POSED = [name for name, one in FORMATS.items() if one.poses == "rw"]

_STATES = ("unset", "absent", "hidden", "occluded", "placed", "proposed")
_cell = st.tuples(st.sampled_from(_STATES), *[st.floats(0, 4000, width=32)] * 2, st.floats(0, 1, width=32))
_rows = st.dictionaries(st.integers(0, 5000), st.tuples(*[_cell] * len(PARTS)), min_size=1, max_size=3)


def _point(state, x, y, likelihood):
    match state:
        case "unset":
            return None
        case "absent":
            return Point("absent")
        case "hidden":
            return Point("occluded")
        case "proposed":
            return Point("proposed", (x, y), LabelOrigin("machine", likelihood))
    return Point(state, (x, y))


def _labels(*rows):
    """Labels of two videos, in every state that a bodypart can be in."""
    videos = []
    for name, cells in zip(("one.mp4", "two.avi"), rows, strict=True):
        frames = {}
        for number in sorted(cells):
            points = {part: _point(*cell) for part, cell in zip(PARTS, cells[number], strict=True)}
            points = {part: point for part, point in points.items() if point}
            frames |= {number: {"": points}} if points else {}
        videos.append(VideoLabels(name, frames))
    return Labels(PARTS, tuple(videos), BONES)


def _as_images(labels):
    """The same labels as those of images, which have names and sizes."""
    videos = [
        VideoLabels(
            video.video.rpartition(".")[0],
            {f"img{number:04d}.png": animals for number, animals in video.frames.items()},
            {f"img{number:04d}.png": (640, 480) for number in video.frames},
        )
        for video in labels.videos
    ]
    return replace(labels, videos=tuple(videos))


def _expected(name, labels):
    """What a format must give back of labels: each point as it says that it becomes."""
    one = FORMATS[name]
    words = {"absent": Point("absent"), "missing": None, "not labeled": None, "left out": None}
    words |= {"hidden without a place": Point("occluded")}
    found = {}
    for video in labels.videos:
        for key, animals in video.frames.items():
            points = {}
            labeled = any(point.is_label for point in animals[""].values())
            for part in PARTS:
                point = animals[""].get(part)
                kind = kind_of(point)
                becomes = one.becomes.get(kind)
                if kind == "unset" and name == "sleap":
                    point = Point("absent") if labeled else None
                elif becomes is not None:
                    point = words[becomes]
                if point is not None:
                    points[part] = point
            if points:
                found[video.video, key] = points
    return found


def _found(labels):
    return {
        (video.video, key): animals[""]
        for video in labels.videos
        for key, animals in video.frames.items()
        if animals.get("")
    }


def _close(one, other):
    assert one.keys() == other.keys()
    for key in one:
        assert one[key].keys() == other[key].keys(), key
        for part, point in one[key].items():
            same = other[key][part]
            assert (point.state, point.origin.kind) == (same.state, same.origin.kind), (key, part)
            assert (point.xy is None) == (same.xy is None)
            if point.xy is not None:
                np.testing.assert_allclose(point.xy, same.xy, rtol=0, atol=1e-9)
            if point.origin.likelihood is not None:
                assert abs(point.origin.likelihood - same.origin.likelihood) < 1e-6


@pytest.mark.parametrize("name", LABELED)
@_FEW
@given(first=_rows, second=_rows)
def test_labels_are_read_as_they_were_written(name, first, second, tmp_path):
    """Whatever a format has a word for comes back; what it has none for becomes what it says."""
    one = chosen_format(name, "labels", "w")
    labels = _as_images(_labels(first, second)) if one.images else _labels(first, second)
    path = tmp_path / f"labels{one.suffixes[0]}"
    one.function("write_labels")(path, labels, scorer="me", name=name)
    assert format_of(path, "labels").name == name
    read = one.function("read_labels")(path)
    _close(_found(read), _expected(name, labels))


@pytest.mark.parametrize("name", POSED)
@_FEW
@given(seed=st.integers(0, 2**32 - 1), length=st.integers(1, 6))
def test_poses_are_read_as_they_were_written(name, seed, length, tmp_path):
    """Positions and likelihoods come back to the bit, NaN for NaN; of a missing position, no likelihood is asked."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 500, (length, 3, 2)).astype(np.float32).astype(np.float64)
    likelihood = rng.uniform(0, 1, (length, 3)).astype(np.float32).astype(np.float64)
    xy[rng.random((length, 3)) < 0.3] = np.nan
    xy[-1] = 1.0  # the last frame of a file without the video is its last one with a position
    poses = VideoPoses("one.mp4", {"": Predictions("Net", PARTS, xy, likelihood)}, fps=25.0, skeleton=BONES)
    one = chosen_format(name, "poses", "w")
    path = tmp_path / f"poses{one.suffixes[0]}"
    one.function("write_poses")(path, poses)
    assert format_of(path, "poses").name == name
    read = one.function("read_poses")(path)
    found = read.animals[""]
    assert found.bodyparts == PARTS
    np.testing.assert_array_equal(found.xy, xy)
    there = np.isfinite(xy[..., 0])
    np.testing.assert_array_equal(found.likelihood[there], likelihood[there])
    assert read.fps in (None, 25.0)
    assert read.skeleton in ((), BONES)


def test_names_may_hold_what_nwb_refuses_in_names(tmp_path):
    """A colon or a slash, as in times of day, does not keep poses from being written, and bodyparts keep theirs."""
    write = chosen_format("nwb", "poses", "w").function("write_poses")
    seen = Predictions("Net", ("left:ear", "paw/claw"), np.ones((2, 2, 2)), np.ones((2, 2)))
    write(tmp_path / "poses.nwb", VideoPoses("10:30.mp4", {"": seen}))
    read = FORMATS["nwb"].function("read_poses")(tmp_path / "poses.nwb")
    assert read.animals[""].bodyparts == seen.bodyparts


def test_points_of_several_cameras_are_valid_nwb(tmp_path):
    """Points, views and calibrated cameras are where ndx-pose has them, and pynwb and nwbinspector find no fault."""
    from pynwb import NWBHDF5IO, validate

    rng = np.random.default_rng(0)
    cameras = three_cameras()[:2]
    (tmp_path / "videos").mkdir()
    views = []
    for camera in cameras:
        video = tmp_path / "videos" / f"day1_{camera.name}.mp4"
        video.touch()
        seen = Predictions("Net", PARTS, rng.uniform(0, 99, (5, 3, 2)), rng.uniform(0, 1, (5, 3)))
        views.append(VideoPoses(str(video), {"": seen}, 25.0, camera.size, BONES))
    xyz = rng.normal(size=(5, 3, 3))
    xyz[2, 1] = np.nan
    points = Points3D("Net", PARTS, xyz, rng.uniform(0, 1, (5, 3)), np.ones((5, 3)), np.ones((5, 3)))
    path = tmp_path / "day1Net_3d.nwb"
    chosen_format("nwb", "poses", "w").function("write_points")(path, SessionPoses(cameras, tuple(views), points))
    assert validate(path=str(path)) == []
    with NWBHDF5IO(path, "r") as file:
        nwb = file.read()
        found = nwb.processing["behavior"]["MultiCameraPoseEstimation"]
        np.testing.assert_allclose(found.pose_estimation_series["täil"].data[:], xyz[:, 2], rtol=1e-6)
        view = found.pose_estimations[f"PoseEstimation_{cameras[1].name}"]
        assert view.device is nwb.devices[cameras[1].name]
        np.testing.assert_allclose(view.device.rotation_matrix[:], cameras[1].rotation)
        np.testing.assert_allclose(view.device.distortion_coefficients[:], cameras[1].distortion)
        assert view.source_video is nwb.acquisition[f"day1_{cameras[1].name}"]
        assert [*found.skeleton.nodes[:]] == list(PARTS)
    with pytest.raises(LabelError, match="views of several cameras"):
        FORMATS["nwb"].function("read_poses")(path)
    inspector = pytest.importorskip("nwbinspector")
    grave = ("CRITICAL", "PYNWB_VALIDATION", "ERROR")
    told = [one for one in inspector.inspect_nwbfile(nwbfile_path=path) if one.importance.name in grave]
    assert [one.message for one in told if "subject" not in one.message.lower()] == []


def test_what_is_lost_is_counted():
    """A person reads how many points of which kind a format has no word for, and what they become."""
    points = {"nose": Point("absent"), "left ear": Point("occluded", (3.0, 4.0))}
    labels = Labels(PARTS, (VideoLabels("one", {"img1.png": {"": points}}),), BONES)
    assert losses(FORMATS["coco"], labels) == ("1 absent bodypart: not labeled",)
    assert losses(FORMATS["cvat"], labels) == ("The skeleton.",)
    assert losses(FORMATS["cvat"], replace(labels, skeleton=())) == ()
    both = {part: Point("occluded") for part in PARTS[:2]}
    hidden = Labels(PARTS, (VideoLabels("one", {"img1.png": {"": both}}),))
    assert losses(FORMATS["nwb"], hidden)[0] == "2 hidden bodyparts without a place: missing"
    told = losses(FORMATS["lightning-pose"], labels)
    assert told == ("1 absent bodypart: hidden without a place", "The skeleton.")


def test_what_is_not_there_is_not_lost():
    """Only labels with drafts lose which network these are of, and poses without bones lose none."""
    point = Point("placed", (3.0, 4.0))
    frames = {7: {"": dict.fromkeys(PARTS, point)}}
    labels = Labels(PARTS, (VideoLabels("one.mp4", frames),), BONES)
    assert losses(FORMATS["sleap"], labels) == ()
    frames[8] = {"": dict.fromkeys(PARTS, Point("proposed", (3.0, 4.0), LabelOrigin("machine", 0.5)))}
    assert losses(FORMATS["sleap"], labels) == ("Which network a suggestion is of.",)
    assert losses_of_poses(FORMATS["sleap"], has_skeleton=True) == ("The frame rate.",)
    assert losses_of_poses(FORMATS["movement"], has_skeleton=True) == ("The skeleton.",)
    assert losses_of_poses(FORMATS["movement"], has_skeleton=False) == ()


def test_unknown_formats_are_refused_with_those_that_there_are(tmp_path):
    """A misspelled name, and a file that nobody can read, are answered with what is possible."""
    with pytest.raises(ArgumentError, match="coco"):
        chosen_format("cocoo", "labels", "w")
    with pytest.raises(ArgumentError, match="expected one of sleap"):
        chosen_format("coco", "poses", "r")
    path = tmp_path / "labels.txt"
    path.write_text("nothing")
    with pytest.raises(LabelError, match="known format"):
        format_of(path, "labels")
    path.with_suffix(".slp").touch()
    with pytest.raises(LabelError, match="is empty"):
        format_of(path.with_suffix(".slp"), "labels")


def test_a_format_of_a_missing_package_says_how_to_install_it():
    """The name of the extra is in the sentence."""
    lacking = replace(FORMATS["sleap"], packages=("no_such_package",))
    with pytest.raises(ArgumentError, match=r"posecut\[sleap\]"):
        lacking.function("read_labels")


@pytest.mark.parametrize("text", ["{}", '{"images": [], "annotations": [], "categories": [{"id": 1}]}', "{", "[1]"])
def test_a_file_that_is_no_coco_is_refused_in_a_sentence(text, tmp_path):
    """Nothing but a LabelError that names the file comes out."""
    path = tmp_path / "labels.json"
    path.write_text(text)
    with pytest.raises(LabelError, match=r"labels\.json"):
        FORMATS["coco"].function("read_labels")(path)


def test_an_xml_with_entities_is_refused(tmp_path):
    """Entities could stand for gigabytes, or for another file."""
    path = tmp_path / "labels.xml"
    path.write_text('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><annotations>&b;</annotations>')
    with pytest.raises(LabelError, match="document type"):
        FORMATS["cvat"].function("read_labels")(path)


def test_two_animals_of_a_coco_file_stay_apart(tmp_path):
    """Annotations of one image are animals, by their tracks or their places."""
    images = [{"id": 1, "file_name": "a/img3.png", "width": 9, "height": 9}]
    one = {"image_id": 1, "category_id": 1, "keypoints": [1, 2, 2]}
    path = tmp_path / "two.json"
    category = {"id": 1, "name": "m", "keypoints": ["nose"]}
    content = {"images": images, "annotations": [one, one | {"keypoints": [5, 6, 1]}], "categories": [category]}
    path.write_text(json.dumps(content))
    labels = FORMATS["coco"].function("read_labels")(path)
    assert labels.animals == ("0", "1")
    assert _found(labels.of_animal("1")) == {("a", "img3.png"): {"nose": Point("occluded", (5.0, 6.0))}}


def test_tables_of_deeplabcut_are_read(tmp_path):
    """Labels of one animal, by the images that they are of; a project writes such tables itself."""
    path = tmp_path / "CollectedData_me.csv"
    rows = ["scorer,,,me,me,me,me", "bodyparts,,,nose,nose,tail,tail", "coords,,,x,y,x,y"]
    path.write_text("\n".join([*rows, "labeled-data,one,img3.png,1.5,2.5,,", ""]))
    labels = FORMATS["deeplabcut"].function("read_labels")(path)
    assert _found(labels) == {("one", "img3.png"): {"nose": Point("placed", (1.5, 2.5))}}
    assert labels.bodyparts == ("nose", "tail")
    for what in ("labels", "poses"):
        with pytest.raises(ArgumentError, match="to write"):
            chosen_format("deeplabcut", what, "w")


@pytest.mark.parametrize("name", [name for name in POSED if name != "deeplabcut"])
def test_two_animals_keep_their_names_and_their_poses(name, tmp_path):
    """Projects follow one animal, but files of others have several."""
    animals = {
        animal: Predictions("Net", PARTS, np.full((3, 3, 2), place + 1.0), np.full((3, 3), 0.5))
        for place, animal in enumerate(("female", "male"))
    }
    one = chosen_format(name, "poses", "w")
    path = tmp_path / f"poses{one.suffixes[0]}"
    one.function("write_poses")(path, VideoPoses("one.mp4", animals))
    read = one.function("read_poses")(path)
    assert {animal: found.xy.tolist() for animal, found in read.animals.items()} == {
        animal: found.xy.tolist() for animal, found in animals.items()
    }


_TRACKS = """<annotations><version>1.1</version><meta><task><source>day1\\one.mp4</source><labels>
<label><name>animal</name><type>skeleton</type></label><label><name>nose</name><type>points</type></label>
<label><name>tail</name><type>points</type></label></labels></task></meta>
<track id="0" label="animal" source="manual">
<skeleton frame="0" keyframe="1"><points label="nose" keyframe="1" outside="0" occluded="0" points="10.5,20.5"/>
<points label="tail" keyframe="1" outside="1" occluded="0" points="0,0"/></skeleton>
<skeleton frame="1" keyframe="0"><points label="nose" keyframe="0" outside="0" occluded="0" points="11,21"/></skeleton>
<skeleton frame="5" keyframe="1"><points label="nose" keyframe="1" outside="0" occluded="1" points="15.5,25.5"/>
<points label="tail" keyframe="0" outside="0" occluded="0" points="9,9"/></skeleton>
</track>{more}</annotations>"""


def test_a_video_of_cvat_has_the_frames_that_somebody_drew(tmp_path):
    """What CVAT filled in between is left out, and counted; boxes are, too."""
    path = tmp_path / "tracks.xml"
    box = '<track id="1" label="cage"><box frame="0" keyframe="1" xtl="0" ytl="0" xbr="1" ybr="1"/></track>'
    path.write_text(_TRACKS.format(more=box))
    labels = FORMATS["cvat"].function("read_labels")(path)
    assert labels.bodyparts == ("nose", "tail")
    assert _found(labels) == {
        ("one.mp4", 0): {"nose": Point("placed", (10.0, 20.0)), "tail": Point("absent")},
        ("one.mp4", 5): {"nose": Point("occluded", (15.0, 25.0))},
    }
    assert [one.split()[0] for one in labels.left_out] == ["1", "1"]


def test_skeletons_of_cvat_are_animals_and_loose_points_are_one(tmp_path):
    """Tracks of points have their bodyparts as labels."""
    path = tmp_path / "tracks.xml"
    other = '<track id="7" label="animal"><skeleton frame="0" keyframe="1"><points label="nose" keyframe="1" '
    path.write_text(_TRACKS.format(more=f'{other}points="1.5,1.5"/></skeleton></track>'))
    assert FORMATS["cvat"].function("read_labels")(path).animals == ("0", "7")
    loose = [
        f'<track id="{place}" label="{part}"><points frame="4" keyframe="1" points="{place}.5,1.5"/></track>'
        for place, part in enumerate(("nose", "tail"))
    ]
    path.write_text(f"<annotations><meta><source>one.mp4</source></meta>{''.join(loose)}</annotations>")
    labels = FORMATS["cvat"].function("read_labels")(path)
    expected = {"nose": Point("placed", (0.0, 1.0)), "tail": Point("placed", (1.0, 1.0))}
    assert _found(labels) == {("one.mp4", 4): expected}
