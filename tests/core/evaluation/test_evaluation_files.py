"""Tables of evaluation results."""

import csv

import numpy as np
import pandas as pd
import pytest

from posecut_core.errors import BusyError
from posecut_core.evaluation import tables
from posecut_core.evaluation.errors import MeanErrors
from posecut_core.evaluation.reliability import Calibration, ReliabilityBin
from posecut_core.evaluation.tables import (
    FrameError,
    PastEvaluation,
    _read_bodypart_errors,
    _read_frame_errors,
    errors_by_step,
    frame_predictions,
    put_row,
    read_results,
    result_row,
    write_bodypart_errors,
    write_frame_errors,
    write_frame_predictions,
    write_reliability,
)
from posecut_core.formats.deeplabcut.frames import image_names
from posecut_core.project.config import ProjectConfig
from posecut_core.project.paths import EvaluationFiles, Project
from posecut_core.storage.tables import read_hdf
from posecut_core.types import FrameRef

ERRORS = MeanErrors(1.5, 2.25, 1.25, float("nan"), train_pairs=10, test_pairs=2)
BINS = (ReliabilityBin(0.0, 0.5, 0, np.nan, np.nan), ReliabilityBin(0.5, 1.0, 4, 0.875, 0.75))
CALIBRATION = Calibration(17.0, 4, 3, 0.125, float("nan"), BINS)


def row(step=100, pcutoff=0.6, bodyparts=None, errors=ERRORS, shuffle=1):
    return result_row(errors, CALIBRATION, step=step, percent=95, shuffle=shuffle, pcutoff=pcutoff, bodyparts=bodyparts)


def read(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_row_has_deeplabcuts_columns_and_an_empty_cell_for_nan(tmp_path):
    """The table has the columns that scripts written for DeepLabCut look for."""
    put_row(tmp_path / "r.csv", row())
    (found,) = read(tmp_path / "r.csv")
    assert found == {
        "Training iterations:": "100",
        "%Training dataset": "95",
        "Shuffle number": "1",
        " Train error(px)": "1.5000",
        " Test error(px)": "2.2500",
        "p-cutoff used": "0.6",
        "Train error with p-cutoff": "1.2500",
        "Test error with p-cutoff": "",
        "Bodyparts": "all",
        "Expected calibration error": "0.1250",
        "Suggested p-cutoff": "",
        "Network": "",
        "Validation error(px)": "",
        "Networks": "",
    }
    ours = ["Expected calibration error", "Suggested p-cutoff", "Network", "Validation error(px)", "Networks"]
    assert list(found)[-5:] == ours


def test_evaluating_again_replaces_the_row_and_anything_else_adds_one(tmp_path):
    """A row is replaced by its successor; another snapshot, pcutoff or choice of bodyparts has its own."""
    path = tmp_path / "sub" / "r.csv"
    for new in (
        row(),
        row(step=200),
        row(pcutoff=0.1),
        row(bodyparts=("snout",)),
        row(errors=MeanErrors(9.0, 9.0, 9.0, 9.0, 1, 1)),
    ):
        put_row(path, new)
    assert [(r["Training iterations:"], r["p-cutoff used"], r["Bodyparts"]) for r in read(path)] == [
        ("200", "0.6", "all"), ("100", "0.1", "all"), ("100", "0.6", "snout"), ("100", "0.6", "all"),
    ]  # fmt: skip
    assert read(path)[-1][" Train error(px)"] == "9.0000"


def test_errors_of_bodyparts_are_a_row_each(tmp_path):
    """The table names each bodypart with its errors and the number of labels behind them."""
    write_bodypart_errors(tmp_path / "k.csv", ("snout", "tail, base"), (ERRORS, ERRORS))
    found = read(tmp_path / "k.csv")
    assert [r["bodypart"] for r in found] == ["snout", "tail, base"]
    assert (found[0][" Test error(px)"], found[0]["Train labels"], found[0]["Test labels"]) == ("2.2500", "10", "2")


def test_errors_over_steps_are_those_of_like_rows(tmp_path):
    """Only snapshots of the same shuffle, pcutoff and bodyparts are read, in the order of their steps."""
    path = tmp_path / "r.csv"
    nothing = MeanErrors(1.0, float("nan"), 1.0, float("nan"), 1, 0)
    for new in (row(step=200), row(errors=nothing), row(shuffle=2), row(pcutoff=0.1), row(bodyparts=("snout",))):
        put_row(path, new)
    first, second = errors_by_step(path, row(step=7))
    assert (first.step, first.train, second.step, second.test) == (100, 1.0, 200, 2.25)
    assert np.isnan(first.test)
    assert errors_by_step(tmp_path / "none.csv", row()) == ()


def test_errors_of_replaced_snapshots_are_no_part_of_a_curve(tmp_path):
    """Kind: results of an older network stand beside those of the present one; rows that do not say are believed."""
    path = tmp_path / "r.csv"
    for step, network in ((100, "old"), (200, "new"), (300, ""), (400, "gone")):
        put_row(path, {**row(step=step), "Network": network})
    present = {100: "new", 200: "new", 300: "new"}
    assert [entry.step for entry in errors_by_step(path, row(), networks=present)] == [200, 300, 400]


def test_a_table_that_a_spreadsheet_saved_keeps_its_rows(tmp_path):
    """With a mark before the header they are read; with semicolons they are kept in a copy, and a new table begins."""
    path, reports = tmp_path / "r.csv", []
    put_row(path, row())
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    put_row(path, row(step=200), report=reports.append)
    assert [entry.step for entry in errors_by_step(path, row())] == [100, 200]
    assert not reports
    path.write_text(path.read_text().replace(",", ";"))
    old = path.read_bytes()
    put_row(path, row(step=300), report=reports.append)
    assert [entry.step for entry in read_results(path)] == [300]
    assert (tmp_path / "r-other-format.csv").read_bytes() == old
    assert len(reports) == 1


def test_rows_without_a_step_stop_no_evaluation(tmp_path):
    """Errors over steps leave out what cannot be read as a result."""
    put_row(tmp_path / "r.csv", {**row(), "Training iterations:": ""})
    put_row(tmp_path / "r.csv", row(step=200))
    assert [entry.step for entry in errors_by_step(tmp_path / "r.csv", row())] == [200]


def test_ranges_of_likelihood_are_a_row_each(tmp_path):
    """An empty range has no mean likelihood and no share."""
    write_reliability(tmp_path / "c.csv", CALIBRATION)
    assert [list(line.values()) for line in read(tmp_path / "c.csv")] == [
        ["0", "0.5", "0", "", ""],
        ["0.5", "1", "4", "0.8750", "0.7500"],
    ]


def test_predictions_of_labeled_frames_come_back(tmp_path):
    """The .h5 has the row names of labels and x, y, likelihood of each bodypart."""
    rows = [("labeled-data", "m1", "img003.png"), ("labeled-data", "m2", "img01.png")]
    xy, likelihood = np.arange(4.0).reshape(2, 1, 2), np.array([[0.5], [1.0]])
    write_frame_predictions(tmp_path / "p.h5", rows, xy, likelihood, scorer="PoseCut_x", bodyparts=("snout",))
    for frame in (read_hdf(tmp_path / "p.h5"), pd.read_hdf(tmp_path / "p.h5")):
        assert frame.index.tolist() == rows
        assert frame.columns.tolist() == [("PoseCut_x", "snout", c) for c in ("x", "y", "likelihood")]
        np.testing.assert_array_equal(frame.to_numpy(), [[0, 1, 0.5], [2, 3, 1.0]])


def test_results_come_back(tmp_path):
    """Rows are read as they were written, the newest last; what another program left there is left out."""
    path = tmp_path / "r.csv"
    put_row(path, row(step=200))
    put_row(path, row(step=100, bodyparts=("snout", "tail")))
    with path.open("a") as stream:
        stream.write("no,number\n")
    older, newest = read_results(path)
    assert (older.step, older.bodyparts, newest.step, newest.bodyparts) == (200, "all", 100, "snout tail")
    assert (newest.percent, newest.shuffle, newest.pcutoff) == (95, 1, 0.6)
    assert (newest.train, newest.test, newest.train_pcutoff, newest.calibration_error) == (1.5, 2.25, 1.25, 0.125)
    assert np.isnan([newest.test_pcutoff, newest.suggested_pcutoff]).all()
    assert read_results(tmp_path / "none.csv") == ()


def test_errors_of_bodyparts_come_back(tmp_path):
    """Means and numbers of labels are read as they were written."""
    write_bodypart_errors(tmp_path / "b.csv", ("snout",), (ERRORS,))
    assert repr(_read_bodypart_errors(tmp_path / "b.csv")) == repr({"snout": ERRORS})


def test_errors_of_frames_come_back_with_the_worst_first(tmp_path):
    """Each frame is named by video and number, and says on which side of the split it is."""
    good, bad = FrameError("m, 1", 7, True, 0.5), FrameError("m2", 30, False, 12.25)
    write_frame_errors(tmp_path / "f.csv", [good, bad])
    assert _read_frame_errors(tmp_path / "f.csv") == (bad, good)


def test_rows_are_added_by_one_program_at_a_time(tmp_path, monkeypatch):
    """Kind: a file that is read, changed and written, by two at once: the row of the first was lost."""
    path, read = tmp_path / "r.csv", tables.own_rows
    monkeypatch.setattr(tables, "PATIENCE", 0)

    def meanwhile(*arguments, **options):
        with pytest.raises(BusyError, match=r"r\.csv is being written by another window or session of this program"):
            put_row(path, row(step=2))
        return read(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(tables, "own_rows", meanwhile)
        put_row(path, row(step=1))
    put_row(path, row(step=2))
    assert [result.step for result in read_results(path)] == [1, 2]
    assert [other.name for other in tmp_path.iterdir()] == ["r.csv"]


def test_predictions_of_labeled_frames_come_back_by_frame(tmp_path):
    """Frame numbers are found by the names of images; what has no position is left out."""
    project = Project(tmp_path, ProjectConfig("reach", "Ann", "Oct30", ("snout", "tail")))
    project.frame_folder("m1").mkdir(parents=True)
    files, frames = EvaluationFiles(tmp_path, "net"), (FrameError("m1", 30, False, 9.0), FrameError("m1", 7, True, 1.0))
    xy = np.array([[[1, 2], [3, 4]], [[5, 6], [np.nan, np.nan]]], dtype=np.float64)
    names = image_names(project, "m1", [7, 30])
    rows = [("labeled-data", "m1", names[number]) for number in (7, 30)]
    write_frame_predictions(
        files.predictions, rows, xy, np.ones((2, 2)), scorer="net", bodyparts=("snout", "tail"), network=""
    )
    put_row(files.results, row())
    (result,) = read_results(files.results)
    found = PastEvaluation("net", result, {}, frames, files.report)
    assert frame_predictions(project, found) == {
        FrameRef("m1", 7): {"snout": (1.0, 2.0), "tail": (3.0, 4.0)},
        FrameRef("m1", 30): {"snout": (5.0, 6.0)},
    }
