"""Labels are written by programs and checked by people."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from posecut_core.errors import ArgumentError, LabelError, Remedy, VideoError
from posecut_core.labels.store import read_labels, read_state, write_drafts
from posecut_core.labels.table import LabelTable
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project
from posecut_core.workflow.check_labels import check_labels, write_labels
from posecut_core.workflow.evaluate_network import evaluate_network


def table(numbers, xy, bodyparts=("spot", "beside")):
    return LabelTable("spot", bodyparts, np.array(numbers, dtype=np.int64), np.array(xy, dtype=float))


def test_labels_come_back(spot_project):
    """What was written is read, missing points included."""
    given = table([3, 5], [[[10.25, 20.5], [np.nan, np.nan]], [[30.0, 40.0], [31.0, 41.0]]])
    written = write_labels(spot_project, given, remove_others=True)
    found = read_labels(open_project(spot_project), "spot")
    np.testing.assert_array_equal(found.numbers, given.numbers)
    np.testing.assert_array_equal(found.xy, given.xy)
    assert (written.frames, written.points) == (2, 3)
    assert all(path.is_file() for path in written.files)


def test_an_unknown_bodypart_changes_nothing(spot_project):
    """A table of other bodyparts is refused, and the old labels stay."""
    before = read_labels(open_project(spot_project), "spot")
    with pytest.raises(LabelError, match="'nose'"):
        write_labels(spot_project, table([3], [[[1, 2]]], bodyparts=("nose",)))
    np.testing.assert_array_equal(read_labels(open_project(spot_project), "spot").xy, before.xy)


def test_a_video_is_named_as_elsewhere(spot_project):
    """By its stem or its file; one that is not there is refused, with those that are."""
    given = table([3], [[[7.0, 8.0]]], bodyparts=("spot",))
    assert write_labels(spot_project, replace(given, video="spot.mp4")).video == "spot"
    with pytest.raises(VideoError, match="spot"):
        write_labels(spot_project, replace(given, video="spit"))


def test_every_labeled_frame_is_drawn(spot_project):
    """There is a picture per labeled frame, and missing labels are counted."""
    seen = []
    checked = check_labels(spot_project, report=lambda progress: seen.append(progress.done)).videos[0]
    assert len(list(checked.folder.glob("*.png"))) == checked.images == 4
    assert (checked.unlabelled, checked.missing, checked.outside) == (0, {"beside": 3}, ())
    assert seen == [1, 2, 3, 4]


def test_drafts_are_drawn_and_counted(spot_project):
    """A frame with drafts has a picture, whether it has labels or none, also before anything is labeled."""
    project, drafts = open_project(spot_project), table([3, 5], np.full((2, 2, 2), 10.0))
    write_labels(spot_project, table([3], [[[10.25, 20.5], [np.nan, np.nan]]]), remove_others=True)
    write_drafts(project, drafts, np.full((2, 2), 0.5), model="net")
    checked = check_labels(spot_project).videos[0]
    assert (checked.images, checked.unlabelled) == (2, 3)
    assert checked.drafts == len(read_state(project, "spot").unreviewed) > 0
    write_labels(spot_project, table([], np.empty((0, 2, 2))), remove_others=True)
    assert check_labels(spot_project).videos[0].drafts == checked.drafts


def test_labels_outside_their_frame_are_named(spot_project):
    """A label beyond the edge of the stored image is pointed out, also in a crop; one just within is not."""
    edge, beyond = [63.9, 47.9], [64.0, 10.0]
    write_labels(spot_project, table([3, 5], [[edge, beyond], [[5.0, 10.0], [np.nan, np.nan]]]), remove_others=True)
    checked = check_labels(spot_project, videos=["spot"]).videos[0]
    assert (checked.outside, checked.invisible) == (("frame 3 beside", "frame 5 spot"), ())
    write_labels(spot_project, table([3], [[[0.0, 0.0], beyond]]))
    checked = check_labels(spot_project, videos=["spot"]).videos[0]
    assert (checked.outside, checked.invisible) == (("frame 3 beside", "frame 5 spot"), ("frame 3 spot",))
    assert checked.unlabelled == 2


@pytest.mark.parametrize("what", ["folder", "config", "file"])
def test_labels_of_another_person_are_compared(spot_project, tmp_path, what):
    """From a project or a file: the distances are told, kept, and named by the next evaluation beside the errors."""
    copy = shutil.copytree(spot_project.parent, tmp_path / "other", symlinks=True)
    theirs = open_project(copy)
    labels = read_labels(theirs, "spot")
    write_labels(theirs, replace(labels, xy=labels.xy + np.array([3.0, 4.0])))
    other = {"folder": copy, "config": copy / "config.yaml", "file": theirs.collected_data("spot")}[what]
    checked = check_labels(spot_project, other=other)
    assert checked.compared.overall.mean == pytest.approx(5.0)
    assert (checked.compared.frames, checked.compared.bodyparts["spot"].pairs) == (4, 4)
    assert "Two people's labels of 4 frames are 5.00" in "\n".join(map(str, checked.summary().lines))
    assert checked.agreement == open_project(spot_project).label_agreement
    row = evaluate_network(spot_project).rows[0]
    assert row.people.mean == pytest.approx(5.0)
    assert "two people" in row.report.read_text(encoding="utf-8")


def test_labels_of_nobody_else_are_refused(spot_project, tmp_path):
    """The project itself, and labels of other frames or bodyparts; nothing is kept then."""
    with pytest.raises(ArgumentError, match="is this project itself"):
        check_labels(spot_project, other=spot_project)
    copy = shutil.copytree(spot_project.parent, tmp_path / "other", symlinks=True)
    write_labels(copy, table([], np.empty((0, 2, 2))), remove_others=True)
    with pytest.raises(LabelError, match="labeled in the same frame"):
        check_labels(spot_project, other=copy)
    assert not open_project(spot_project).label_agreement.exists()
    assert evaluate_network(spot_project).rows[0].people is None


@pytest.mark.parametrize("position", [[80.0, 10.0], [5.0, -10.0], [1e6, 1e6]])
def test_labels_far_outside_are_refused(spot_project, position):
    """Positions that no frame has, such as those of another video, are named, and the old labels stay."""
    before = read_labels(open_project(spot_project), "spot")
    with pytest.raises(LabelError, match=r"far outside their frame \(frame 3 beside, 1 in all\)"):
        write_labels(spot_project, table([3], [[[10.0, 10.0], position]]))
    np.testing.assert_array_equal(read_labels(open_project(spot_project), "spot").xy, before.xy)


def test_labeled_frames_that_are_gone_are_named(spot_project):
    """With the step that extracts them."""
    shutil.rmtree(open_project(spot_project).frame_store("spot"))
    with pytest.raises(LabelError, match=r"Frames 0,3,5,9 of spot are labeled .* extract what is missing") as raised:
        check_labels(spot_project)
    extract = Remedy("extract_frames", config=spot_project.parent, frames=[0, 3, 5, 9], videos=["spot"])
    assert raised.value.remedies == (extract,)


def test_a_project_without_labels_hears_so(spot_project):
    """The message says how to label."""
    write_labels(spot_project, table([], np.empty((0, 2, 2))), remove_others=True)
    with pytest.raises(LabelError, match="label the extracted frames first"):
        check_labels(spot_project)


DAMAGED = {
    "labels": "labels.jsonl",
    "frame": "frames.zarr/frames/c/1/0/0/0",
    "store": "frames.zarr/zarr.json",
    "images": "images.json",
}


@pytest.mark.parametrize("damaged", DAMAGED)
def test_what_is_damaged_stops_no_other(spot_project, damaged):
    """Kind: the first of several things that fails hides the others: all are drawn that can be, and all named.

    Opening the project comes upon the frame stores and the images first.
    """
    project = open_project(spot_project)
    broken = [shutil.copytree(project.frame_folder("spot"), project.labeled_data / name) for name in ("a", "b")]
    videos = {str(project.videos / f"{name}.mp4"): None for name in ("a", "b", "spot")}
    edit_config(project.config_path, {"video_sets": videos})
    for folder in broken:
        (folder / "img0000.png").write_bytes(b"an image, which is looked at when the project is opened")
        (folder / DAMAGED[damaged]).write_bytes(b"noise\n")
    with pytest.raises(
        LabelError, match="2 of 3 videos have labels or frames that cannot be drawn; the others"
    ) as told:
        check_labels(spot_project)
    assert set(told.value.failed) == {"a", "b"}
    assert [video.video for video in told.value.done.videos] == ["spot"]
    drawn = {folder.name: len(list(folder.glob("*.png"))) for folder in project.labeled_data.glob("*_labeled")}
    assert drawn == ({"spot_labeled": 4} | ({"a_labeled": 3, "b_labeled": 3} if damaged == "frame" else {}))
