"""Tables of candidates are read as they were written."""

from pathlib import Path

import numpy as np
import pytest

from posecut_core.errors import AnalysisError
from posecut_core.refinement.candidate_files import candidates_path, read_candidates, write_candidates
from posecut_core.refinement.candidates import Candidate


def test_a_table_makes_a_round_trip(tmp_path):
    """Scores keep every bit; bodyparts keep their order and their spaces."""
    candidates = (Candidate(3, "jump", 0.1 + 0.2, ("left ear", "nose")), Candidate(9, "list", float("nan"), ()))
    write_candidates(tmp_path / "c.csv", candidates)
    found = read_candidates(tmp_path / "c.csv")
    assert found[0] == candidates[0]
    assert (found[1].number, found[1].reason, found[1].bodyparts) == (9, "list", ())
    assert np.isnan(found[1].score)


def test_a_table_is_plain_text(tmp_path):
    """Any spreadsheet opens it."""
    write_candidates(tmp_path / "c.csv", (Candidate(3, "jump", 21.5, ("ear", "nose")),))
    assert (tmp_path / "c.csv").read_text() == "frame,reason,score,bodyparts\n3,jump,21.5,ear;nose\n"


def test_a_table_lies_beside_the_predictions():
    """Its name begins as theirs."""
    assert candidates_path(Path("/v/aNet.h5")) == Path("/v/aNet_outliers.csv")


@pytest.mark.parametrize("text", ["", "a,b\n", "frame,reason,score,bodyparts\nx,jump,1,\n", None])
def test_another_file_is_no_table(tmp_path, text):
    """The message names the step that writes it."""
    if text is not None:
        (tmp_path / "c.csv").write_text(text)
    with pytest.raises(AnalysisError, match="extract_outlier_frames"):
        read_candidates(tmp_path / "c.csv")
