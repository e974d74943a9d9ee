"""Labels and predictions to other programs' files and back."""

import shutil
from typing import get_args

import numpy as np
import pytest

from posecut_core.cli.task import command_of
from posecut_core.errors import ArgumentError, LabelError, ProjectError, StorageError, VideoError
from posecut_core.interchange import sleap_analysis
from posecut_core.interchange.project_labels import TakenLabels
from posecut_core.interchange.registry import FORMATS, VideoPoses
from posecut_core.labels.edits import Delete, MarkAbsent, MarkOccluded, Place, Propose, Together
from posecut_core.labels.session import LabelSession
from posecut_core.labels.store import read_state
from posecut_core.poses.files import prediction_path, read_predictions, write_predictions
from posecut_core.poses.predictions import Origin, Predictions, read_origin
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project
from posecut_core.types import ReadLabelFormat, ReadPoseFormat, WrittenLabelFormat, WrittenPoseFormat
from posecut_core.video.frame_store import FrameStore
from posecut_core.workflow.export_labels import export_labels
from posecut_core.workflow.export_poses import export_poses
from posecut_core.workflow.import_labels import import_labels
from posecut_core.workflow.import_poses import import_poses
from posecut_core.workflow.import_project import import_project


def _points(config):
    """Frame -> bodypart -> state, rounded position and whether a machine said so, of all that is known."""
    project = open_project(config)
    state = read_state(project, "spot")
    with LabelSession.open(project, "spot", read_only=True) as session:
        return {
            number: {
                session.columns[part]: (
                    point.state,
                    point.xy and tuple(round(value, 6) for value in point.xy),
                    point.origin.kind,
                )
                for part, point in sorted(frame.points.items())
            }
            for number, frame in state.shown()
            if frame.points
        }


@pytest.fixture
def full_project(spot_project):
    """The project with every state that a bodypart can be in; frame 5 is a crop."""
    with LabelSession.open(open_project(spot_project), "spot") as session:
        spot, beside = session.identity("spot"), session.identity("beside")
        edits = (
            Place(0, spot, (12.25, 16.5)),
            MarkOccluded(3, beside, (20.5, 18.25)),
            MarkOccluded(5, beside),
            MarkAbsent(9, beside),
        )
        session.apply(Together(edits))
        session.save()
    return spot_project


def _copy(config, folder):
    """A copy of the project without labels."""
    root = folder / config.parent.name
    shutil.copytree(config.parent, root, symlinks=True)
    for path in (root / "labeled-data/spot").iterdir():
        if path.name != "frames.zarr" and path.suffix != ".png":
            path.unlink() if path.is_file() else shutil.rmtree(path)
    return root / "config.yaml"


def test_the_formats_that_can_be_named_are_those_of_the_registry():
    """The shell and the window offer what there is."""
    assert set(get_args(ReadLabelFormat)) == {name for name, one in FORMATS.items() if "r" in one.labels}
    assert set(get_args(WrittenLabelFormat)) == {name for name, one in FORMATS.items() if "w" in one.labels}
    assert set(get_args(ReadPoseFormat)) == {name for name, one in FORMATS.items() if "r" in one.poses}
    assert set(get_args(WrittenPoseFormat)) == {name for name, one in FORMATS.items() if "w" in one.poses}


@pytest.mark.parametrize("format", ["cvat", "coco", "lightning-pose", "sleap"])
def test_labels_go_out_and_come_back_once(full_project, tmp_path, format):
    """Another project has the labels afterwards; a second import changes nothing, and one edit undoes the first."""
    exported = export_labels(full_project, format=format)
    there = _points(full_project)
    other = _copy(full_project, tmp_path / "other")
    done = import_labels(other, exported.file)
    found = _points(other)
    if format == "cvat":
        assert exported.lost == ("The skeleton.",)
        assert found == there
    placed = {(number, part) for number, parts in there.items() for part, one in parts.items() if one[0] == "placed"}
    for number, part in placed:
        assert found[number][part] == there[number][part]
    assert found[3]["beside"] == there[3]["beside"]
    again = import_labels(other, exported.file)
    assert (again.videos[0].new, again.videos[0].kept, again.videos[0].same) == (0, 0, done.videos[0].new)
    assert "nothing new" in again.summary().text


def test_what_became_of_labels_is_said_in_words():
    """One is one, and what there is none of is not mentioned."""
    assert TakenLabels("spot", 1, 0, 0, 0, 0).sentence() == "spot: 1 new label"
    assert TakenLabels("spot", 0, 0, 9, 0, 0).sentence() == "spot: nothing new; 9 there already"
    told = TakenLabels("spot", 2, 1, 0, 1, 1, unknown=("a.png",)).sentence()
    assert told == (
        "spot: 2 new labels; 1 new suggestion; 1 where the project's label differs and was kept; 1 frame extracted; "
        "left out: 1 image without a frame in it"
    )


@pytest.mark.parametrize("format", ["coco", "sleap"])
def test_bones_of_bodyparts_that_are_no_more_are_left_out(full_project, format):
    """config.yaml may still have the skeleton that it was made with, as elsewhere."""
    edit_config(full_project, {"skeleton": [["spot", "beside"], ["spot", "bodypart1"]]})
    exported = export_labels(full_project, format=format)
    assert FORMATS[format].function("read_labels")(exported.file).skeleton == (("spot", "beside"),)


def test_a_file_that_cannot_be_written_is_said(full_project, tmp_path):
    """The folder of the destination is a file: one sentence."""
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="Cannot write"):
        export_labels(full_project, format="coco", destination=tmp_path / "file" / "labels.json")


def test_drafts_stay_drafts_in_sleap(spot_project, tmp_path):
    """What a machine said is a prediction there, and a draft again here."""
    with LabelSession.open(open_project(spot_project), "spot") as session:
        session.apply(Delete(9, session.identity("beside")))
        session.apply(Propose(9, session.identity("beside"), (3.0, 4.0), 0.5, "net"))
    other = _copy(spot_project, tmp_path / "other")
    done = import_labels(other, export_labels(spot_project, format="sleap").file)
    assert done.videos[0].drafts == 1
    assert _points(other)[9]["beside"] == ("proposed", (3.0, 4.0), "machine")


@pytest.mark.parametrize(("format", "frames"), [("coco", 3), ("cvat", 3), ("lightning-pose", 3), ("sleap", 4)])
def test_frames_of_suggestions_alone_are_no_labeled_frames(spot_project, tmp_path, format, frames):
    """Kind: they went out as frames that show no animal, for other programs to train on."""
    with LabelSession.open(open_project(spot_project), "spot") as session:
        spot, beside = session.identity("spot"), session.identity("beside")
        session.apply(Together((Delete(9, spot), Delete(9, beside), Propose(9, spot, (3.0, 4.0), 0.5, "net"))))
    done = export_labels(spot_project, format=format)
    assert done.frames == 3
    other = _copy(spot_project, tmp_path / "other")
    import_labels(other, done.file)
    assert len(_points(other)) == frames
    if format != "sleap":
        assert "1 suggestion: left out" in done.lost


def test_labels_of_a_person_are_kept_unless_told_otherwise(full_project, tmp_path):
    """An import does not undo a correction that was made since."""
    exported = export_labels(full_project, format="cvat")
    other = _copy(full_project, tmp_path / "other")
    import_labels(other, exported.file)
    with LabelSession.open(open_project(other), "spot") as session:
        session.apply(Place(0, session.identity("spot"), (20.0, 20.0)))
    kept = import_labels(other, exported.file)
    assert kept.videos[0].kept == 1
    assert _points(other)[0]["spot"][1] == (20.0, 20.0)
    import_labels(other, exported.file, overwrite=True)
    assert _points(other) == _points(full_project)


def test_frames_that_are_missing_are_extracted(full_project, tmp_path):
    """The labels bring the frames that they are of with them."""
    exported = export_labels(full_project, format="sleap")
    other = _copy(full_project, tmp_path / "other")
    shutil.rmtree(other.parent / "labeled-data/spot/frames.zarr")
    done = import_labels(other, exported.file)
    assert done.videos[0].extracted == 4
    assert _points(other).keys() == _points(full_project).keys()


@pytest.mark.parametrize("format", ["coco", "cvat", "lightning-pose"])
def test_labels_of_cropped_images_move_to_whole_frames_or_nowhere(full_project, tmp_path, format):
    """Kind: labels of a crop were taken for such of the whole frame, and lay beside the animal."""
    there, exported = _points(full_project), export_labels(full_project, format=format)
    crop = open_project(full_project)
    left, top, right, bottom = _window(crop, 5)
    other = _copy(full_project, tmp_path / "other")
    shutil.rmtree(other.parent / "labeled-data/spot/frames.zarr")
    for image in (other.parent / "labeled-data/spot").glob("*.png"):
        image.unlink()
    with pytest.raises(LabelError, match=f"of {right - left} x {bottom - top} pixels"):
        import_labels(other, exported.file)
    assert _points(other) == {}
    edit_config(
        other, {"video_sets": {next(iter(crop.config.video_sets)): {"crop": f"{left}, {right}, {top}, {bottom}"}}}
    )
    import_labels(other, exported.file)
    assert _points(other)[5]["spot"] == there[5]["spot"]


def _window(project, number):
    """Left, top, right and bottom of the stored picture of a frame."""
    store = FrameStore.open(project.frame_store("spot"))
    place = store.numbers.tolist().index(number)
    (left, top), (height, width) = store.origins[place].tolist(), store.sizes[place].tolist()
    return left, top, left + width, top + height


def test_labels_of_no_video_of_the_project_are_refused(full_project, tmp_path):
    """The sentence names both, and a video can be named instead."""
    exported = export_labels(full_project, format="sleap")
    text = exported.file.with_name("other.json")
    content = export_labels(full_project, format="coco").file.read_text()
    text.write_text(content.replace("labeled-data/spot/", "labeled-data/elsewhere/"))
    with pytest.raises(LabelError, match="elsewhere"):
        import_labels(full_project, text)
    done = import_labels(full_project, text, video="spot")
    assert done.videos[0].new == 0


def test_poses_go_out_and_come_back(spot_project, spot_video, tmp_path, monkeypatch):
    """Each format gives the same numbers again, in the tables that an analysis writes."""
    monkeypatch.setattr("posecut_core.workflow.export_poses.chosen_network", lambda *given, **more: _network())
    xy = np.random.default_rng(0).uniform(0, 40, (11, 2, 2)).astype(np.float32).astype(np.float64)
    xy[4, 1] = np.nan
    predictions = Predictions("Fake_10", ("spot", "beside"), xy, np.full((11, 2), 0.5))
    write_predictions(prediction_path(spot_video, "Fake_10"), predictions, origin=Origin(None, "abc"))
    for format in get_args(WrittenPoseFormat):
        (path,) = export_poses(spot_project, [spot_video], format=format).files
        done = import_poses(spot_project, path, spot_video, destfolder=tmp_path / format)
        found = read_predictions(done.files[0])
        np.testing.assert_array_equal(found.xy, xy)
        assert found.scorer.startswith("DLC_")
        assert import_poses(spot_project, path, spot_video, destfolder=tmp_path / format).files == done.files
    assert read_origin(prediction_path(spot_video, "Fake_10")) == Origin(None, "abc")


def test_the_name_that_a_file_gives_its_network_leads_nowhere_else(spot_project, spot_video, tmp_path):
    """A scorer with slashes does not choose the folder."""
    seen = Predictions("DLC_/../../elsewhere", ("spot",), np.ones((11, 1, 2)), np.ones((11, 1)))
    sleap_analysis.write_poses(tmp_path / "poses.analysis.h5", VideoPoses("", {"": seen}))
    done = import_poses(spot_project, tmp_path / "poses.analysis.h5", spot_video, destfolder=tmp_path / "results")
    assert [path.parent for path in done.files] == [tmp_path / "results"]


def _network():
    from posecut_core.poses.predictions import Network

    return Network("Fake_10", "aa", "DLC_Fake_10")


def test_one_of_several_animals_must_be_named(full_project, tmp_path):
    """A project follows one animal; those of the file are said."""
    path = tmp_path / "two.json"
    one = '{"image_id": 1, "category_id": 1, "keypoints": [1, 2, 2]}'
    path.write_text(
        '{"images": [{"id": 1, "file_name": "spot/img0000.png"}], "categories": [{"id": 1, "keypoints": ["beside"]}],'
        f' "annotations": [{one}, {one}]}}'
    )
    with pytest.raises(ArgumentError, match="animals 0, 1"):
        import_labels(full_project, path)
    assert import_labels(full_project, path, animal="1", overwrite=True).videos[0].new == 1


def test_nothing_is_made_where_an_animal_must_be_named(spot_video, tmp_path):
    """The project would be there without labels, and without a word on why."""
    source = tmp_path / "theirs"
    source.mkdir()
    shutil.copy(spot_video, source / "spot.mp4")
    header = ["scorer,me,me,me,me", "individuals,a,a,b,b", "bodyparts,nose,nose,nose,nose", "coords,x,y,x,y"]
    (source / "CollectedData.csv").write_text("\n".join([*header, "labeled-data/spot/img0000.png,1,2,3,4", ""]))
    with pytest.raises(ArgumentError, match="animals a, b") as refused:
        import_project(source, "ada", tmp_path / "ours")
    assert refused.value.remedies[0].step == "import_project"
    assert refused.value.remedies[0].arguments["animal"] == "a"
    assert not (tmp_path / "ours").exists()
    done = import_project(source, "ada", tmp_path / "ours", animal="b")
    assert _points(done.config_path)[0]["nose"][1] == (3.0, 4.0)


def test_a_package_of_sleap_holds_the_images(full_project, spot_video, tmp_path):
    """sleap-io finds labels and pictures in it without the video; where that is missing, nothing is written."""
    import sleap_io

    exported = export_labels(full_project, format="sleap-package")
    assert exported.file.name.endswith(".pkg.slp")
    labels = sleap_io.load_slp(str(exported.file))
    assert [int(frame.frame_idx) for frame in labels] == [0, 3, 5, 9]
    assert labels[0].image.shape[:2] == (48, 64)
    assert FORMATS["sleap"].function("read_labels")(exported.file).videos[0].frames.keys() == {0, 3, 5, 9}
    exported.file.unlink()
    spot_video.unlink()
    with pytest.raises(VideoError, match="is not there"):
        export_labels(full_project, format="sleap-package")
    assert not exported.file.exists()


@pytest.mark.parametrize("format", ["sleap", "lightning-pose"])
def test_a_project_of_another_program_moves_in_once(full_project, spot_video, tmp_path, format):
    """Videos, bodyparts and labels come along; what does not is said; a second time, nothing is doubled."""
    source = tmp_path / "theirs"
    (source / "videos").mkdir(parents=True)
    shutil.copy(spot_video, source / "videos")
    name = "spots.slp" if format == "sleap" else "CollectedData.csv"
    export_labels(full_project, format=format, destination=source / name)
    given = source / name if format == "sleap" else source
    done = import_project(given, "ada", tmp_path / "ours")
    assert done.created
    assert _points(done.config_path)[3]["spot"] == _points(full_project)[3]["spot"]
    assert any("networks" in one for one in done.left)
    before = (done.config_path.parent / "labeled-data/spot/labels.jsonl").read_bytes()
    again = import_project(given, "ada", tmp_path / "ours")
    assert (again.created, again.config_path) == (False, done.config_path)
    assert (done.config_path.parent / "labeled-data/spot/labels.jsonl").read_bytes() == before


def test_a_project_of_several_animals_is_made_of_one(tmp_path):
    """Before anything is made the animals are named, and what helps is the same import of one of them."""
    one = '{"image_id": 1, "category_id": 1, "keypoints": [1, 2, 2]}'
    source = tmp_path / "two.json"
    source.write_text(
        '{"images": [{"id": 1, "file_name": "spot/img0000.png"}], "categories": [{"id": 1, "keypoints": ["beside"]}],'
        f' "annotations": [{one}, {one}]}}'
    )
    with pytest.raises(ArgumentError, match="animals 0, 1") as raised:
        import_project(source, "ada", tmp_path / "ours")
    (remedy,) = raised.value.remedies
    assert (remedy.step, remedy.arguments["animal"], remedy.arguments["source"]) == ("import_project", "0", str(source))
    assert "config" not in remedy.arguments
    assert command_of(remedy) == f"posecut import-project {source} --experimenter ada --working-directory " + (
        f"{tmp_path / 'ours'} --animal 0"
    )
    assert not (tmp_path / "ours").exists()


def test_a_project_of_deeplabcut_is_one_as_it_lies(full_project):
    """Its labels are counted, and what stays behind is named."""
    (full_project.parent / "dlc-models-pytorch").mkdir()
    done = import_project(full_project.parent)
    assert done.came[0].startswith("1 video, ")
    assert "spot: 4 labeled frames" in done.came
    assert [one[:20] for one in done.left] == ["its networks, which ", "its splits into trai"]


def test_what_is_no_project_is_refused(tmp_path):
    """The sentence says what would be one."""
    with pytest.raises(ProjectError, match="Lightning Pose"):
        import_project(tmp_path)
