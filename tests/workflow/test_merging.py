"""What other programs changed is shown, and taken over or discarded when one says so."""

import shutil

import numpy as np
import pytest

from posecut_core.cli.task import command_of
from posecut_core.errors import ArgumentError, LabelError
from posecut_core.labels.store import read_labels
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project
from posecut_core.storage.tables import read_hdf, write_hdf
from posecut_core.video.frame_store import FrameStore
from posecut_core.workflow.merge_labels import merge_labels


@pytest.fixture
def changed(spot_project):
    """The project after another program moved a label by one pixel."""
    path = open_project(spot_project).collected_data("spot")
    frame = read_hdf(path)
    frame.iloc[0, 0] += 1.0
    write_hdf(path, frame)
    return spot_project


def position(config):
    return read_labels(open_project(config), "spot").xy[0, 0].tolist()


def test_nothing_is_found_where_nothing_changed(spot_project):
    """The result is empty, whatever was asked for."""
    assert merge_labels(spot_project, take=True).videos == ()


def test_changes_are_shown_and_stay(changed):
    """Looking changes nothing."""
    for _ in range(2):
        (video,) = merge_labels(changed).videos
        assert (video.video, video.changes) == ("spot", ("frame 0: spot placed at (14.5, 16.5)",))


def test_changes_are_taken_over(changed):
    """Afterwards labels are read again, with the change."""
    assert merge_labels(changed, take=True).decision == "taken over"
    assert position(changed) == [14.5, 16.5]
    assert merge_labels(changed).videos == ()


def test_changes_are_discarded_and_kept_aside(changed):
    """The file is as PoseCut has it; a copy of the other is left."""
    (video,) = merge_labels(changed, discard=True).videos
    assert position(changed) == [13.5, 16.5]
    assert read_hdf(video.copies[0]).iloc[0, 0] == 14.5
    assert read_hdf(open_project(changed).collected_data("spot")).iloc[0, 0] == 13.5


def test_every_copy_is_kept(changed):
    """Discarding again at the same revision replaces no copy."""
    (first,) = merge_labels(changed, discard=True).videos
    path = open_project(changed).collected_data("spot")
    frame = read_hdf(path)
    frame.iloc[0, 0] = 1.0
    write_hdf(path, frame)
    (second,) = merge_labels(changed, discard=True).videos
    assert [read_hdf(video.copies[0]).iloc[0, 0] for video in (first, second)] == [14.5, 1.0]


def test_a_damaged_file_is_written_again(spot_project):
    """The journal has all labels."""
    project = open_project(spot_project)
    project.collected_data("spot").write_bytes(b"garbage")
    with pytest.raises(LabelError, match="let PoseCut write it again") as raised:
        merge_labels(spot_project, take=True)
    (remedy,) = raised.value.remedies
    assert command_of(remedy).endswith("--discard")
    assert "--take" not in command_of(remedy)
    (video,) = merge_labels(spot_project, discard=True).videos
    assert "not a readable HDF5 table" in video.obstacle
    assert position(spot_project) == [13.5, 16.5]


def test_what_must_fail_is_told_before_it_is_tried(changed):
    """A frame that shows another picture than was labeled, and a changed one that is gone."""
    project = open_project(changed)
    assert merge_labels(changed).videos[0].obstacle == ""
    shutil.rmtree(project.frame_store("spot"))
    store = FrameStore.open(project.frame_store("spot"), create=True)
    store.append([(number, np.zeros((48, 64, 3), np.uint8), (0, 0)) for number in (3, 5, 9)])
    assert "Frame 0 of spot is labeled but was never extracted" in merge_labels(changed).videos[0].obstacle
    store.append([(0, np.zeros((48, 64, 3), np.uint8), (0, 0))])
    (video,) = merge_labels(changed).videos
    assert "Frame 0 of spot" in video.obstacle
    assert "is not the image that" in video.obstacle
    with pytest.raises(LabelError, match="is not the image that"):
        merge_labels(changed, take=True)
    assert merge_labels(changed).videos == (video,)


def test_one_decision_at_a_time(changed):
    """Both cannot be meant."""
    with pytest.raises(ArgumentError, match="choose one"):
        merge_labels(changed, take=True, discard=True)


def test_a_damaged_folder_hides_no_other(changed):
    """Kind: the first of several that fails; changes of the others are found and taken over all the same."""
    project = open_project(changed)
    folder = project.labeled_data / "a"
    shutil.copytree(project.frame_folder("spot"), folder)
    edit_config(project.config_path, {"video_sets": {f"{project.videos}/{name}.mp4": None for name in ("a", "spot")}})
    (folder / "labels.jsonl").write_bytes(b"noise\n")
    with pytest.raises(LabelError, match="1 of 2 videos have labels that cannot be read or written") as told:
        merge_labels(changed, take=True)
    assert [video.video for video in told.value.done.videos] == ["spot"]
    assert position(changed) == [14.5, 16.5]
