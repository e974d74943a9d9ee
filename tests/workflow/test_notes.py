"""What stops nothing is told all the same, by every step that it concerns."""

import re
import shutil
from functools import partial

import imageio.v3 as iio
import numpy as np
import pytest

from posecut_core.errors import DatasetError
from posecut_core.formats.deeplabcut.images import OWN
from posecut_core.health.doctor import doctor
from posecut_core.labels.notices import labels_outside
from posecut_core.labels.store import read_labels, write_labels
from posecut_core.labels.table import LabelTable
from posecut_core.progress import Notice, silent
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project
from posecut_core.training.run import prepare_run
from posecut_core.workflow.analyze_videos import analyze_videos
from posecut_core.workflow.check_labels import check_labels
from posecut_core.workflow.create_training_dataset import create_training_dataset
from posecut_core.workflow.edit_bodyparts import edit_bodyparts
from posecut_core.workflow.evaluate_network import evaluate_network
from posecut_core.workflow.plot_trajectories import create_labeled_video, plot_trajectories

_STEPS = {"maxiters": 3, "crop_size": 64}  # what is chosen would be told


@pytest.fixture
def told():
    """Headings that were reported; as a function, it takes a report."""

    class Told(list):
        def __call__(self, progress):
            if isinstance(progress, Notice):
                self.append(progress.text)

    return Told()


def test_every_step_with_a_network_tells_bodyparts_that_were_renamed(spot_project, told):
    """Analysis, figures, labeled videos and evaluation say the same of a network with an old name."""
    edit_bodyparts(spot_project, rename={"beside": "other"})
    analyze_videos(spot_project, ["spot"], report=told)
    plot_trajectories(spot_project, ["spot"], report=told)
    create_labeled_video(spot_project, ["spot"], report=told)
    evaluate_network(spot_project, report=told)
    assert len(told) == 4
    assert len(set(told)) == 1
    assert told[0].startswith("The network Fake_10 has 'beside' for 'other': its results keep the old name")
    assert told[0].endswith("rename it back")


def test_a_bodypart_that_no_name_leads_to_is_told(spot_project, edit, told):
    """It may have been replaced; a damaged journal of names stops no analysis."""
    project = open_project(spot_project)
    edit(bodyparts=["spot"], skeleton=[])
    analyze_videos(spot_project, ["spot"], report=told)
    edit(bodyparts=["spot", "other"])
    project.bodypart_journal.write_bytes(b"damaged\n")
    analyze_videos(spot_project, ["spot"], report=told)
    assert [text.startswith("The network Fake_10 has 'beside', expected only bodyparts of") for text in told] == [
        True
    ] * 2


def test_training_tells_bodyparts_that_were_renamed(trainable, told):
    """A training dataset from before is trained on, and its old names are told."""
    trainable.write_text(trainable.read_text().replace("- black", "- gray"))
    prepare_run(open_project(trainable).training(1, 0), {}, report=told)
    assert any(text.startswith("The training dataset") and "has 'black'" in text for text in told)


def test_a_skeleton_of_unknown_bodyparts_is_told(spot_project, edit, told):
    """Pictures say which names of the skeleton are no bodyparts; a project that draws no skeleton is not bothered."""
    edit(skeleton=[["spot", "besides"], ["spot", "beside"]])
    analyze_videos(spot_project, ["spot"])
    create_labeled_video(spot_project, ["spot"], report=told)
    assert told == []
    check_labels(spot_project, report=told)
    create_labeled_video(spot_project, ["spot"], draw_skeleton=True, overwrite=True, report=told)
    assert len(told) == 2
    assert told[0] == told[1]
    assert "names 'besides', expected bodyparts (spot, beside)" in told[0]


def test_labels_outside_their_frame_are_told(spot_project, told):
    """Creating a training dataset names them by video, frame and bodypart."""
    project = open_project(spot_project)
    table = read_labels(project, "spot")
    xy = table.xy.copy()
    xy[1, 0] = (66.0, 5.0)
    write_labels(project, LabelTable("spot", table.bodyparts, table.numbers, xy))
    create_training_dataset(spot_project, settings=_STEPS, report=told)
    assert told == ["spot: labels outside their frame: frame 3 spot; correct or remove them"]


def test_not_visible_of_other_programs_is_told_as_that(spot_project):
    """Kind: (0, 0) means "not visible" elsewhere; before images were read, doctor did not see it at all."""
    project = open_project(spot_project)
    folder = project.root / "labeled-data" / "other"
    folder.mkdir()
    for name, value in (("mouse left.png", 9), ("mouse right.png", 8)):
        iio.imwrite(folder / name, np.full((48, 64, 3), value, np.uint8))
    xy = np.array([[[0.0, 0], [1, 1]], [[70, 5], [70, 5]]])
    table = LabelTable("other", ("spot", "beside"), np.array([OWN, OWN + 1]), xy)
    assert labels_outside(project, table).text == (
        "other: labels outside their frame: image mouse right.png spot, image mouse right.png beside; correct or "
        "remove them; labels at (0, 0), which other programs write for 'not visible', are left out of training: "
        "image mouse left.png spot"
    )


def test_folders_that_may_be_swapped_are_told_before_they_train(spot_project, told):
    """Kind: only doctor knew it. A training dataset of them would train on labels of other pictures."""
    project = open_project(spot_project)
    shutil.copytree(project.frame_folder("spot"), project.frame_folder("other"))
    edit_config(spot_project, {"video_sets": {**dict.fromkeys(project.config.video_sets), "videos/other.avi": None}})
    create_training_dataset(spot_project, report=told)
    assert any("the two folders may have been swapped" in text for text in told)


def test_tables_of_other_scorers_are_told(spot_project, told):
    """Kind: what lies in a project's folder and is not used is named, once for all."""
    folder = open_project(spot_project).frame_folder("spot")
    for name in ("CollectedData_bob.csv", "CollectedData_bob.h5", "CollectedData_me - Copy.csv"):
        (folder / name).write_text("anything")
    create_training_dataset(spot_project, report=told)
    (found,) = [text for text in told if "bob" in text]
    assert "holds spot/CollectedData_bob.csv, spot/CollectedData_bob.h5, spot/CollectedData_me - Copy.csv" in found
    assert "expected tables of scorer 'me'" in found


def test_labels_of_a_bodypart_that_was_removed_by_hand_are_told(spot_project, edit, told):
    """Once per step, with the way back; it is no damage, and listing the bodypart again brings its labels back."""
    before = read_labels(open_project(spot_project), "spot").xy
    edit(bodyparts=["spot"], skeleton=[])
    (found,) = (finding for finding in doctor(spot_project).findings if "'beside'" in finding.problem)
    assert found.harmless
    check_labels(spot_project, report=told)
    create_training_dataset(spot_project, settings=_STEPS, report=told)
    assert len(told) == 2
    assert len(set(told)) == 1
    assert re.match(r"Labels of 'beside' are kept but not used.*config\.yaml no longer lists it; add it", told[0])
    edit(bodyparts=["beside", "spot"])
    assert (read_labels(open_project(spot_project), "spot").xy[:, ::-1] == before)[0].all()
    check_labels(spot_project, report=told)
    assert len(told) == 2


def test_folders_of_no_listed_video_are_told_and_never_used(trainable, told):
    """Kind: a stranger is named by what would have used it, and neither a new nor an old dataset trains on it."""
    copy = trainable.parent / "labeled-data" / "dots - Copy"
    shutil.copytree(copy.with_name("dots"), copy)
    edit_config(trainable, {"video_sets": {"videos/dots.mp4": {}, "videos/dots - Copy.mp4": {}}})
    (both,) = create_training_dataset(trainable).shuffles
    edit_config(trainable, {"video_sets": {"videos/dots.mp4": {}}})
    for step in (partial(create_training_dataset, settings=_STEPS), check_labels):
        step(trainable, report=told)
        assert "'dots - Copy'" in told[0]
        assert "belongs to no video" in told.pop(0)
    (found,) = (finding for finding in doctor(trainable).findings if "belongs to no video" in finding.problem)
    assert found.harmless
    with pytest.raises(DatasetError, match="holds frames of 'dots - Copy'"):
        prepare_run(open_project(trainable).training(both.shuffle, 0), {}, report=silent)
    assert (copy / "labels.jsonl").exists()
