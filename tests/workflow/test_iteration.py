"""The next iteration begins only with labels that a person has seen, or as it was said."""

import numpy as np
import pytest

from posecut_core.errors import ArgumentError, LabelError
from posecut_core.labels.session import LabelSession
from posecut_core.labels.store import accept_drafts, read_labels, read_state, write_drafts
from posecut_core.labels.table import LabelTable
from posecut_core.project.opening import open_project
from posecut_core.video.frame_store import FrameStore
from posecut_core.workflow.check_labels import write_labels
from posecut_core.workflow.create_training_dataset import create_training_dataset
from posecut_core.workflow.merge_datasets import merge_datasets


@pytest.fixture
def drafted(spot_project):
    """A project with labels, and with drafts of both bodyparts in frame 1."""
    project = open_project(spot_project)
    FrameStore.open(project.frame_store("spot")).append([(1, np.zeros((48, 64, 3), np.uint8), (0, 0))])
    write_drafts(project, labels([1], 30.0), np.full((1, 2), 0.5), model="net")
    return spot_project


def labels(numbers, x):
    return LabelTable("spot", ("spot", "beside"), np.array(numbers), np.full((len(numbers), 2, 2), x))


def iteration(config):
    return open_project(config).config.iteration


def test_unreviewed_drafts_are_listed_and_nothing_happens(drafted):
    """Without a policy the iteration stays and the frames are named."""
    with pytest.raises(LabelError, match=r"2 suggestions are unreviewed \(spot frame 1\)"):
        merge_datasets(drafted)
    assert iteration(drafted) == 0


def test_drafts_are_accepted_if_it_is_said(drafted):
    """They become labels where they lie, and the next iteration begins."""
    done = merge_datasets(drafted, unreviewed="accept")
    assert (done.iteration, done.accepted, done.left) == (1, 2, 0)
    table = read_labels(open_project(drafted), "spot")
    np.testing.assert_array_equal(table.xy[table.numbers == 1], 30.0)
    assert done.labelled_frames == len(table.numbers)


def test_drafts_are_left_if_it_is_said(drafted):
    """They stay drafts, which no training sees."""
    done = merge_datasets(drafted, unreviewed="leave")
    assert (done.iteration, done.accepted, done.left) == (1, 0, 2)
    assert len(read_state(open_project(drafted), "spot").unreviewed) == 2


def test_corrected_drafts_are_labels(drafted):
    """Whoever labels the frame has reviewed its drafts."""
    write_labels(drafted, labels([1], 31.0))
    assert merge_datasets(drafted).iteration == iteration(drafted) == 1


def test_an_unknown_policy_is_refused(drafted):
    """The known ones are named."""
    with pytest.raises(ArgumentError, match="refuse, accept, leave"):
        merge_datasets(drafted, unreviewed="maybe")


def test_an_iteration_without_a_training_dataset_is_not_left(spot_project):
    """A second call, as after a kill at the end of the first, counts no further before there is a training dataset."""
    assert not merge_datasets(spot_project).begun_before
    again = merge_datasets(spot_project)
    assert (again.iteration, again.begun_before, iteration(spot_project)) == (1, True, 1)


def test_the_first_iteration_is_not_left_without_a_training_dataset(spot_project):
    """What comes next is named."""
    for path in open_project(spot_project).training_datasets.glob("*.yaml"):
        path.unlink()
    with pytest.raises(LabelError, match=r"Iteration 0 has no training dataset yet") as raised:
        merge_datasets(spot_project)
    assert [remedy.step for remedy in raised.value.remedies] == ["create_training_dataset"]


def test_labels_that_a_killed_call_accepted_are_saved(drafted, monkeypatch):
    """Kind: a call that was killed between an edit, which is durable at once, and the files for DeepLabCut."""
    project = open_project(drafted)
    with monkeypatch.context() as patch:
        patch.setattr(LabelSession, "_write_files", lambda session: None)
        accept_drafts(project, "spot", read_state(project, "spot").unreviewed)
    assert "30.0" not in project.collected_data("spot", ".csv").read_text()
    merge_datasets(drafted, unreviewed="accept")
    assert "30.0" in project.collected_data("spot", ".csv").read_text()


def test_an_iteration_of_the_same_labels_is_refused(drafted):
    """Nothing was labeled since its training dataset; a label that is moved is enough, and so are accepted drafts."""
    create_training_dataset(drafted)
    with pytest.raises(LabelError, match=r"No label has changed since .* iteration 0") as raised:
        merge_datasets(drafted, unreviewed="leave")
    assert [remedy.step for remedy in raised.value.remedies] == ["label_frames"]  # the suggestions are there already
    assert iteration(drafted) == 0
    write_labels(drafted, labels([3], 20.0))
    assert merge_datasets(drafted, unreviewed="leave").iteration == 1
    create_training_dataset(drafted)
    assert merge_datasets(drafted, unreviewed="accept").iteration == 2
    create_training_dataset(drafted)
    with pytest.raises(LabelError, match=r"No label has changed since .* iteration 2") as raised:
        merge_datasets(drafted)
    assert "extract_outlier_frames" in [remedy.step for remedy in raised.value.remedies]


def test_a_dataset_of_deeplabcut_counts(spot_project):
    """An iteration that DeepLabCut has trained in may be left."""
    merge_datasets(spot_project)
    (open_project(spot_project).training_datasets / "UnaugmentedDataSet_SpotJan1").mkdir(parents=True)
    assert merge_datasets(spot_project).iteration == 2
