"""Every result can be written as JSON."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posecut_core.errors import LabelError, Remedy
from posecut_core.results import as_json, explain


@dataclass(frozen=True)
class Result:
    path: Path
    numbers: tuple[int, ...]
    array: np.ndarray
    error: float
    files: dict[str, Path]


def test_a_result_becomes_one_object():
    """Paths are strings, arrays are lists, missing numbers are null."""
    result = Result(Path("a") / "b", (1, 2), np.array([[1.5, np.nan]]), float("inf"), {"log": Path("x.csv")})
    assert json.loads(as_json((result,))) == [
        {
            "path": str(Path("a") / "b"),
            "numbers": [1, 2],
            "array": [[1.5, None]],
            "error": None,
            "files": {"log": "x.csv"},
        }
    ]


def test_a_path_in_any_encoding_is_written():
    """A file name that is not UTF-8 does not break the JSON."""
    assert json.loads(as_json({"path": Path("caf\udce9")})) == {"path": "caf\udce9"}


def test_the_details_of_what_nobody_foresaw_are_kept(tmp_path):
    """The program that ran the step says where."""
    kept = []
    failure = explain(RuntimeError("x"), keep=lambda error: kept.append(error) or f"the details are in {tmp_path}")
    assert (len(kept), f"the details are in {tmp_path}" in failure.error) == (1, True)


def test_what_helps_is_data():
    """A program reads which step to call, and with what."""
    failure = explain(LabelError("Damaged; rebuild it.", Remedy("doctor", config=Path("p"), mend=True)), keep=str)
    found = json.loads(as_json(failure))
    assert (found["error"], found["code"]) == ("Damaged; rebuild it.", "labels")
    assert found["remedies"] == [{"step": "doctor", "arguments": {"config": "p", "mend": True}}]
