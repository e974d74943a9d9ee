"""What derived files came from."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from posecut_core.poses.files import csv_agrees, read_predictions, write_predictions
from posecut_core.poses.predictions import (
    AnalysisOrigin,
    Origin,
    Predictions,
    differences,
    origin_from,
    predictions_hash,
    read_origin,
)

ANALYSIS = AnalysisOrigin("Net", "0a", ("nose", "tail é"), "12-ff", 3, (0, 64, 0, 48), "PyAV 17")
ORIGIN = Origin(ANALYSIS, "0b", {"windowlength": 5})


@pytest.fixture
def predictions():
    xy = np.random.default_rng(0).normal(size=(3, 2, 2))
    xy[1, 1] = np.nan
    return Predictions("Net", ANALYSIS.bodyparts, xy, np.array([[0.5, 1.0]] * 3))


@pytest.mark.parametrize("origin", [ORIGIN, Origin(ANALYSIS), Origin(None, "0b")])
def test_an_origin_is_read_as_it_was_written(origin):
    """It is one line of ASCII, which any container keeps."""
    assert origin_from(origin.text) == origin
    assert origin.text.isascii()
    assert "\n" not in origin.text


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"schema": 2}', '{"schema": 1, "analysis": {"x": 1}}', b"\xff"])
def test_any_other_text_is_no_origin(text):
    """Nothing that a file says can stop a reader: it is of unknown origin then."""
    assert origin_from(text) is None


def test_an_h5_says_what_it_came_from_and_pandas_reads_it_as_before(tmp_path, predictions):
    """The origin is an attribute beside the table; a .csv of the same predictions is what pandas writes."""
    h5_path, csv_path = write_predictions(tmp_path / "a.h5", predictions, csv=True, origin=ORIGIN)
    assert read_origin(h5_path) == ORIGIN
    frame = pd.read_hdf(h5_path)
    assert frame.columns.names == ["scorer", "bodyparts", "coords"]
    assert csv_path.read_bytes() == frame.to_csv().encode()
    np.testing.assert_array_equal(read_predictions(h5_path).xy, predictions.xy)
    assert read_origin(csv_path) is None
    assert read_origin(tmp_path / "missing.h5") is None


def test_a_csv_that_is_there_is_never_left_of_other_predictions(tmp_path, predictions):
    """Kind: of files written together one is renewed and the other stays; here a .csv that nobody asked for again."""
    path, other = tmp_path / "a.h5", replace(predictions, xy=predictions.xy + 1)
    write_predictions(path, predictions, csv=True)
    assert csv_agrees(tmp_path / "a.csv", predictions)
    assert not csv_agrees(tmp_path / "a.csv", other)
    assert write_predictions(path, other) == (path, tmp_path / "a.csv")
    assert csv_agrees(tmp_path / "a.csv", other)


def test_a_hash_tells_every_number(predictions):
    """The name of the network is none of them: a copy under another name is of the same predictions."""
    xy = predictions.xy.copy()
    xy[1, 0, 1] += 1e-9
    others = [replace(predictions, xy=xy), replace(predictions, bodyparts=("nose", "tail"))]
    assert predictions_hash(replace(predictions, scorer="Other")) == predictions_hash(predictions)
    assert predictions_hash(predictions) not in [predictions_hash(other) for other in others]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"network": "0c"}, "by another network of the same name"),
        ({"bodyparts": ("nose",)}, "for other bodyparts"),
        ({"video": "13-ff"}, "from another video of the same name"),
        ({"window": (0, 64, 8, 48)}, "with the crop x 0 to 64, y 0 to 48 instead of x 0 to 64, y 8 to 48"),
    ],
)
def test_differences_are_named(change, words):
    """What differs is said in words; the program that decoded is no difference by itself."""
    assert differences(ANALYSIS, replace(ANALYSIS, **change)) == (words,)
    assert differences(ANALYSIS, replace(ANALYSIS, decoder="newer")) == ()
