"""Tables of candidates are read as they were written."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecut_core.errors import AnalysisError
from posecut_core.refinement.candidates import (
    Candidate,
    _read_candidates,
    _write_candidates,
    candidates_path,
    put_candidates,
)

NAMES = st.text(st.characters(codec="utf-8", exclude_characters=";", exclude_categories=("C",)), min_size=1)
ROWS = st.tuples(st.integers(0, 2**40), st.sampled_from(["jump", "pca"]), st.floats(0, 1e6), st.tuples(NAMES, NAMES))


@given(st.lists(ROWS, max_size=3))
def test_a_table_makes_a_round_trip(tmp_path_factory, rows):
    """Scores keep every bit; bodyparts keep their order, whatever letters they are written in."""
    candidates = tuple(Candidate(*row) for row in rows)
    path = tmp_path_factory.getbasetemp() / "round.csv"
    _write_candidates(path, candidates, predictions="hash")
    assert _read_candidates(path) == candidates


def test_frames_chosen_by_hand_have_no_score(tmp_path):
    """Their cells are empty and read as NaN and no bodyparts."""
    _write_candidates(tmp_path / "c.csv", (Candidate(9, "list", float("nan"), ()),), predictions="hash")
    (found,) = _read_candidates(tmp_path / "c.csv")
    assert (found.number, found.reason, found.bodyparts) == (9, "list", ())
    assert np.isnan(found.score)


def test_each_reason_has_its_own_candidates(tmp_path):
    """Those of the same reason are replaced, others stay, and frames are in order."""
    path, pca = tmp_path / "c.csv", Candidate(4, "pca", 30.0, ("nose",))
    jumps = (Candidate(3, "jump", 21.5, ()), Candidate(9, "jump", 22.5, ()))
    put_candidates(path, jumps, reason="jump", predictions="hash")
    put_candidates(path, (pca,), reason="pca", predictions="hash")
    put_candidates(path, (Candidate(4, "jump", 23.5, ()),), reason="jump", predictions="hash")
    assert _read_candidates(path) == (Candidate(4, "jump", 23.5, ()), pca)
    put_candidates(path, (), reason="jump", predictions="hash")
    assert _read_candidates(path) == (pca,)


def test_candidates_in_other_predictions_do_not_stay(tmp_path):
    """Kind: what was derived of older results stands beside new ones as if it were of them; here, suspects of both."""
    path, new = tmp_path / "c.csv", Candidate(4, "jump", 23.5, ())
    path.write_text("frame,reason,score,bodyparts\n3,pca,21.5,\n")  # as PoseCut 0.1 wrote it
    assert [one.number for one in _read_candidates(path)] == [3]
    put_candidates(path, (Candidate(9, "pca", 30.0, ()),), reason="pca", predictions="old")
    put_candidates(path, (new,), reason="jump", predictions="new")
    assert _read_candidates(path) == (new,)


def test_a_table_is_plain_text(tmp_path):
    """Any spreadsheet opens it."""
    _write_candidates(tmp_path / "c.csv", (Candidate(3, "jump", 21.5, ("ear", "nose")),), predictions="0a")
    expected = "frame,reason,score,bodyparts,predictions\n3,jump,21.5,ear;nose,0a\n"
    assert (tmp_path / "c.csv").read_text() == expected


def test_a_table_lies_beside_the_predictions():
    """Its name begins as theirs."""
    assert candidates_path(Path("/v/aNet.h5")) == Path("/v/aNet_outliers.csv")


@pytest.mark.parametrize("text", ["", "a,b\n", "frame,reason,score,bodyparts\nx,jump,1,\n", None])
def test_another_file_is_no_table(tmp_path, text):
    """The message names the step that writes it."""
    if text is not None:
        (tmp_path / "c.csv").write_text(text)
    with pytest.raises(AnalysisError, match="extract outlier frames"):
        _read_candidates(tmp_path / "c.csv")
