"""Prediction files in DeepLabCut's layout."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from posecut_core.errors import AnalysisError, StorageError
from posecut_core.poses import files as prediction_files
from posecut_core.poses.files import count_rows, prediction_path, read_predictions, write_predictions
from posecut_core.poses.predictions import Predictions, of_bodyparts, predictions_hash
from posecut_core.storage import tables


def predictions(frames=7):
    generator = np.random.default_rng(0)
    xy, likelihood = generator.normal(size=(frames, 2, 2)), generator.random((frames, 2))
    xy[1:2], likelihood[1:2] = np.nan, 0
    return Predictions("PoseCut_net_TaskOct30shuffle1_10", ("tail base", "snout"), xy, likelihood)


def spread_out(frames=7):
    spread = np.random.default_rng(1).random((frames, 2))
    return replace(predictions(frames), spread=np.where(np.isnan(predictions(frames).xy[..., 0]), np.nan, spread))


def assert_equal(one, other):
    assert (one.scorer, one.bodyparts) == (other.scorer, other.bodyparts)
    np.testing.assert_array_equal(one.xy, other.xy)
    np.testing.assert_array_equal(one.likelihood, other.likelihood)


@pytest.mark.parametrize("chunk", [3, 7, 20_000])
def test_predictions_come_back_from_both_files(tmp_path, monkeypatch, chunk):
    """Writing and reading are inverse for .h5 and .csv, in as many chunks as it takes."""
    monkeypatch.setattr(prediction_files, "TABLE_ROWS", chunk)
    files = write_predictions(tmp_path / "video.h5", predictions(), csv=True)
    assert files == (tmp_path / "video.h5", tmp_path / "video.csv")
    for path in files:
        assert_equal(read_predictions(path), predictions())
    assert count_rows(files[0]) == 7


def test_the_spread_of_an_ensemble_lies_beside_the_table(tmp_path, monkeypatch):
    """It comes back from the .h5, whose table pandas finds without a key, as before; a .csv has no column for it."""
    monkeypatch.setattr(tables, "_ROWS_AT_ONCE", 3)
    h5, csv = write_predictions(tmp_path / "video.h5", spread_out(), csv=True)
    np.testing.assert_array_equal(read_predictions(h5).spread, spread_out().spread)
    assert read_predictions(csv).spread is None
    (plain,) = write_predictions(tmp_path / "plain.h5", predictions())
    assert read_predictions(plain).spread is None
    pd.testing.assert_frame_equal(pd.read_hdf(h5), pd.read_hdf(plain))
    with h5py.File(plain) as file:
        assert set(file) == {"df_with_missing"}


def test_predictions_differ_by_their_spread_too():
    """What is made of predictions names them by a hash of all that they hold."""
    assert predictions_hash(spread_out()) != predictions_hash(predictions())
    kept = of_bodyparts(spread_out(), ("snout",))
    np.testing.assert_array_equal(kept.spread, spread_out().spread[:, 1:])


def test_a_spread_of_another_table_is_refused(tmp_path):
    """Kind: rows that do not belong together."""
    (path,) = write_predictions(tmp_path / "video.h5", predictions())
    with h5py.File(path, "r+") as file:
        file["posecut_spread"] = np.zeros((3, 2))
    with pytest.raises(AnalysisError, match="not a readable"):
        read_predictions(path)


def test_a_path_may_be_text(tmp_path):
    """A notebook names files by text, as for every other public step."""
    assert write_predictions(str(tmp_path / "m1.h5"), predictions(3)) == (tmp_path / "m1.h5",)
    assert_equal(read_predictions(str(tmp_path / "m1.h5")), predictions(3))


def test_the_h5_is_the_table_that_deeplabcut_reads(tmp_path):
    """The .h5 has DeepLabCut's key, format, pandas_version, columns, and frame numbers from 0."""
    (path,) = write_predictions(tmp_path / "video.h5", predictions())
    with h5py.File(path) as file:
        assert file["df_with_missing"].attrs["pandas_version"] in ("0.15.2", b"0.15.2")
        assert file["df_with_missing"].attrs["pandas_type"] == b"frame_table"
    frame = pd.read_hdf(path, "df_with_missing")
    assert frame.columns.names == ["scorer", "bodyparts", "coords"]
    assert [column[1:] for column in frame.columns[:4]] == [
        ("tail base", "x"), ("tail base", "y"), ("tail base", "likelihood"), ("snout", "x"),
    ]  # fmt: skip
    assert frame.index.tolist() == list(range(7))


def test_the_csv_has_three_header_lines_and_one_per_frame(tmp_path):
    """The .csv looks as DeepLabCut's does: three header lines, the frame number first, empty cells for NaN."""
    _, path = write_predictions(tmp_path / "video.h5", predictions(), csv=True)
    lines = path.read_text().splitlines()
    assert [line.split(",")[0] for line in lines[:4]] == ["scorer", "bodyparts", "coords", "0"]
    assert lines[4] == "1,,,0.0,,,0.0"
    assert len(lines) == 3 + 7


def test_mapped_rows_can_be_written(tmp_path):
    """Predictions whose arrays lie in a file, as a finished analysis has them, are written alike."""
    rows = np.memmap(tmp_path / "rows", dtype="<f8", mode="w+", shape=(7, 2, 3))
    rows[..., :2], rows[..., 2] = predictions().xy, predictions().likelihood
    mapped = Predictions(predictions().scorer, predictions().bodyparts, rows[..., :2], rows[..., 2])
    write_predictions(tmp_path / "video.h5", mapped)
    assert_equal(read_predictions(tmp_path / "video.h5"), predictions())


def test_the_name_is_the_videos_stem_and_the_scorer():
    """Only the last suffix of the video goes; destfolder replaces the folder."""
    assert prediction_path("/data/rat.day1.mp4", "PoseCut_x_200") == Path("/data/rat.day1PoseCut_x_200.h5")
    assert prediction_path("/data/rat.mp4", "PoseCut_x_20", "/out") == Path("/out/ratPoseCut_x_20.h5")


@pytest.mark.parametrize("suffix", [".h5", ".csv"])
def test_a_file_of_something_else_is_one_sentence(tmp_path, suffix):
    """A damaged file and a missing one are AnalysisErrors that say what to run."""
    path = tmp_path / f"video{suffix}"
    with pytest.raises(AnalysisError, match="analyze the video first"):
        read_predictions(path)
    path.write_bytes(b"\x00\x01 nonsense")
    with pytest.raises(AnalysisError, match="analyze the video again"):
        read_predictions(path)


def test_labels_are_not_predictions(tmp_path):
    """A table with x and y only is refused."""
    columns = pd.MultiIndex.from_product([["me"], ["snout"], ["x", "y"]], names=["scorer", "bodyparts", "coords"])
    pd.DataFrame(np.zeros((2, 2)), columns=columns).to_hdf(tmp_path / "l.h5", key="df_with_missing", format="table")
    with pytest.raises(AnalysisError, match="not a table of predictions"):
        read_predictions(tmp_path / "l.h5")


@pytest.mark.parametrize("chunk", [3, 20_000])
def test_an_h5_with_holes_is_not_taken_for_written(tmp_path, monkeypatch, chunk):
    """Where a full disk left holes in the .h5, the disk is to blame and no file appears."""
    monkeypatch.setattr(prediction_files, "TABLE_ROWS", chunk)
    read_back = tables._read_back

    def after_a_hole(path, written):
        with h5py.File(path, "r+") as file:
            records = file["df_with_missing"]["table"]
            row = records[5]
            row["values_block_0"][2] = 0
            records[5] = row
        read_back(path, written)

    monkeypatch.setattr(tables, "_read_back", after_a_hole)
    with pytest.raises(StorageError, match="differs from what was written"):
        write_predictions(tmp_path / "video.h5", predictions())
    assert list(tmp_path.iterdir()) == []
