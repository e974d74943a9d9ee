"""evaluate_network."""

import csv

import imageio.v3 as iio
import numpy as np
import pytest

from posecut_core.dataset.settings import TrainingSettings, write_settings
from posecut_core.errors import ArgumentError, DatasetError, ModelError, StorageError
from posecut_core.labels.store import read_labels, write_labels
from posecut_core.labels.table import LabelTable
from posecut_core.project.opening import open_project
from posecut_core.storage.tables import read_hdf
from posecut_core.workflow import evaluate_network as evaluating
from posecut_core.workflow.edit_bodyparts import edit_bodyparts
from posecut_core.workflow.evaluate_network import evaluate_network


def read(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_errors_are_those_of_the_labels(spot_project):
    """Known offsets of the labels come out as mean errors, per bodypart, with and without pcutoff."""
    (row,) = evaluate_network(spot_project).rows
    assert (row.train_frames, row.test_frames) == (3, 1)
    assert row.errors.train == pytest.approx((5 + 1 + 2 + 5) / 4)
    assert row.errors.test == pytest.approx(10)
    assert row.errors.train_pcutoff == pytest.approx((5 + 1 + 2) / 3)
    assert (row.errors.train_pairs, row.errors.test_pairs) == (4, 1)
    spot, beside = row.bodypart_errors
    assert (spot.train, beside.train) == (pytest.approx(8 / 3), pytest.approx(5))
    assert np.isnan([beside.test, beside.train_pcutoff]).all()
    assert (row.scorer, row.training_iterations, row.train_percent) == ("Fake_10", 10, 95)


def test_files_say_the_same(spot_project):
    """Both csv tables hold the row, one csv the bodyparts, and the .h5 predictions under the labels' row names."""
    result = evaluate_network(spot_project)
    (row,) = result.rows
    folder = open_project(spot_project).training(1).evaluation("").folder
    assert row.results_csv == folder / "Fake_10-results.csv"
    assert result.combined_csv == folder.parent / "CombinedEvaluation-results.csv"
    assert read(row.results_csv) == read(result.combined_csv)
    assert read(row.results_csv)[0][" Test error(px)"] == "10.0000"
    assert [line["bodypart"] for line in read(row.bodyparts_csv)] == ["spot", "beside"]
    assert row.bodyparts_csv == folder / "Fake_10-keypoint-results.csv"
    labels = read_hdf(open_project(spot_project).collected_data("spot"))
    assert read_hdf(row.predictions).index.tolist() == labels.index.tolist()
    assert row.report == folder / "report.html"
    assert row.calibration_png == folder / "Fake_10-calibration.png"
    assert iio.imread(row.calibration_png).std() > 10
    assert set(result.files) == {result.combined_csv, *folder.iterdir()}


def test_likelihoods_are_judged_on_test_frames(spot_project):
    """The test frame's spot is 10 px off: right within the default 17 px; the other part is absent, so wrong."""
    (row,) = evaluate_network(spot_project).rows
    assert (row.calibration.points, row.calibration.points_right) == (2, 1)
    assert row.calibration.expected_error == pytest.approx(0.2)
    assert row.calibration.suggested_pcutoff == pytest.approx(0.6)


def test_the_last_snapshot_is_taken_whatever_its_error(spot_project):
    """No error chooses a snapshot: without a word about it the last is evaluated."""
    (row,) = evaluate_network(spot_project, 2).rows
    assert row.training_iterations == 20


def test_evaluating_again_replaces_rows(spot_project):
    """The combined table has one row per snapshot however often it is evaluated."""
    for _ in range(2):
        result = evaluate_network(spot_project, [1, 2], snapshots="all")
    assert [(row.shuffle, row.training_iterations) for row in result.rows] == [(1, 10), (2, 10), (2, 20)]
    assert [line["Training iterations:"] for line in read(result.combined_csv)] == ["10", "10", "20"]
    assert result.scorer == "Fake_20"


def test_pictures_are_drawn_of_every_labeled_frame(spot_project):
    """plotting writes a picture per frame, named by its part of the split, its video and its image."""
    (row,) = evaluate_network(spot_project, plotting=True).rows
    assert {path.parent.name for path in row.images} == {"LabeledImages_Fake_10"}
    kinds = [(path.name.split("-")[0], int(path.stem.split("img")[1])) for path in row.images]
    assert kinds == [("Training", 0), ("Training", 3), ("Training", 5), ("Test", 9)]
    assert all(path.is_file() and path.name.split("-")[1] == "spot" for path in row.images)


def test_frames_of_different_sizes_are_predicted_in_batches_of_one(spot_project, networks):
    """Batches are padded to batch_size, by config.yaml or by argument, and never mix sizes."""
    evaluate_network(spot_project)
    assert sorted(set(networks[-1].shapes)) == [(2, 44, 58, 3), (2, 48, 64, 3)]
    reports = []
    evaluate_network(spot_project, batch_size=3, report=reports.append)
    assert sorted(set(networks[-1].shapes)) == [(3, 44, 58, 3), (3, 48, 64, 3)]
    assert (reports[-1].done, reports[-1].total) == (4, 4)


def test_a_choice_of_bodyparts_has_a_row_of_its_own(spot_project):
    """Only the bodyparts named are measured; an unknown one is refused before any work."""
    evaluate_network(spot_project)
    result = evaluate_network(spot_project, bodyparts=["beside"])
    assert result.rows[0].errors.train == pytest.approx(5)
    assert result.rows[0].bodyparts == ("beside",)
    assert [line["Bodyparts"] for line in read(result.combined_csv)] == ["all", "beside"]
    with pytest.raises(ArgumentError, match="'besides'"):
        evaluate_network(spot_project, bodyparts=["besides"])


def test_frames_that_lost_their_labels_are_left_out(spot_project):
    """Removing a frame's labels after training leaves the others to measure; removing all is an error."""
    project = open_project(spot_project)
    table = read_labels(project, "spot")
    keep = slice(1, None)
    write_labels(project, LabelTable("spot", table.bodyparts, table.numbers[keep], table.xy[keep]), remove_others=True)
    (row,) = evaluate_network(spot_project).rows
    assert (row.train_frames, row.errors.train) == (2, pytest.approx(1.5))
    write_labels(project, LabelTable("spot", table.bodyparts, table.numbers[:0], table.xy[:0]), remove_others=True)
    with pytest.raises(DatasetError, match="None of the 4 frames"):
        evaluate_network(spot_project)


@pytest.mark.parametrize(("shuffle", "error"), [((), ArgumentError), (3, ModelError), ((1, 3), ModelError)])
def test_a_missing_network_is_found_before_any_work(spot_project, shuffle, error):
    """One wrong shuffle among several stops the call before it writes."""
    with pytest.raises(error):
        evaluate_network(spot_project, shuffle)
    assert not open_project(spot_project).evaluation_results.exists()


def test_bodyparts_that_the_error_leaves_out_are_known(spot_project):
    """They are those that were not asked for, or that only the project or only the network knows."""
    row = evaluate_network(spot_project, bodyparts=["spot"]).rows[0]
    assert (row.bodyparts, row.left_out) == (("spot",), ("beside",))
    edit_bodyparts(spot_project, rename={"spot": "dot"})
    row = evaluate_network(spot_project).rows[0]
    assert (row.bodyparts, row.left_out) == (("beside",), ("dot", "spot"))
    edit_bodyparts(spot_project, rename={"dot": "spot"})
    assert evaluate_network(spot_project).rows[0].left_out == ()


def test_frames_that_validated_are_neither_training_nor_test_frames(spot_project):
    """Kind: a figure is of other frames than its name says; here of training frames that no step was taken on."""
    path = open_project(spot_project).training(1).settings
    write_settings(path, TrainingSettings(validation_share=0.34))
    (row,) = evaluate_network(spot_project).rows
    assert (row.train_frames, row.validation_frames, row.test_frames) == (2, 1, 1)


def test_a_folder_that_cannot_be_written_is_found_before_any_work(spot_project, monkeypatch):
    """Nobody waits for an evaluation that cannot be kept."""
    folder = open_project(spot_project).evaluation_results
    folder.parent.mkdir(exist_ok=True)
    folder.write_bytes(b"in the way")
    monkeypatch.setattr(evaluating, "measure", None)
    with pytest.raises(StorageError, match="iteration-0"):
        evaluate_network(spot_project)
