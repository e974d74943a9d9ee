"""Every result can be written as JSON."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posecut_core.cli.screen import as_json


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
