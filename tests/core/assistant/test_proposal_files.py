"""Proposals are read as they were written, and nothing else is taken for them."""

import contextlib
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecut_core.assistant.proposals import Proposals, VideoProposals, read_proposals, write_proposals
from posecut_core.errors import AnalysisError

BODYPARTS = ("snout", "tail")
PLAIN_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)


def video(numbers, *, x=5.0, likelihood=0.5):
    count = len(numbers)
    xy = np.full((count, 2, 2), 7.0)
    xy[..., 0] = x
    return VideoProposals(np.array(numbers, dtype=np.int64), xy, np.full((count, 2), likelihood))


@st.composite
def videos(draw):
    numbers = sorted(draw(st.sets(st.integers(0, 10**6), max_size=3)))
    count = len(numbers) * 2
    places = [draw(st.none() | st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))) for _ in range(count)]
    xy = np.array([place or (np.nan, np.nan) for place in places], dtype=np.float64).reshape(len(numbers), 2, 2)
    likelihood = np.array([draw(st.floats(0, 1)) for _ in range(count)], dtype=np.float64).reshape(len(numbers), 2)
    return VideoProposals(np.array(numbers, dtype=np.int64), xy, likelihood)


@given(found=st.dictionaries(st.text(max_size=5), videos(), max_size=2), step=st.integers(0, 10**9))
def test_what_is_written_is_read(tmp_path_factory, found, step):
    """Numbers, positions, missing ones and likelihoods come back to the last bit."""
    path = tmp_path_factory.mktemp("jobs") / "new" / "proposals.json"
    write_proposals(path, Proposals("PoseCut_x", step, BODYPARTS, found))
    read = read_proposals(path)
    assert (read.model, read.step, read.bodyparts) == ("PoseCut_x", step, BODYPARTS)
    assert list(read.videos) == list(found)
    for name, proposed in found.items():
        np.testing.assert_array_equal(read.videos[name].numbers, proposed.numbers)
        np.testing.assert_array_equal(read.videos[name].xy, proposed.xy)
        np.testing.assert_array_equal(read.videos[name].likelihood, proposed.likelihood)


def test_frames_are_counted():
    """The frames of all videos count."""
    assert Proposals("x", 1, BODYPARTS, {"a": video([1, 2]), "b": video([1])}).frames == 3


def test_a_missing_file_is_told(tmp_path):
    """With the step that makes suggestions."""
    with pytest.raises(AnalysisError, match=r"Found no suggestions at .*proposals\.json") as refused:
        read_proposals(tmp_path / "proposals.json")
    assert [remedy.step for remedy in refused.value.remedies] == ["propose_labels"]


@pytest.mark.parametrize("change", [{"numbers": [2, 1]}, {"numbers": [1.5, 2]}, {"xy": [[[1, None]] * 2] * 2}])
@pytest.mark.parametrize("also", [{}, {"likelihood": [[0.5, 2.0]] * 2}, {"likelihood": [[0.5]] * 2}])
def test_a_file_that_contradicts_itself_is_refused(tmp_path, change, also):
    """Unordered frames, half positions, strange likelihoods and other shapes are no proposals."""
    path = tmp_path / "proposals.json"
    write_proposals(path, Proposals("x", 1, BODYPARTS, {"a": video([1, 2])}))
    document = json.loads(path.read_text())
    document["videos"]["a"] |= {**change, **also}
    path.write_text(json.dumps(document))
    with pytest.raises(AnalysisError, match="is not a valid table of suggestions; delete it"):
        read_proposals(path)


@given(
    document=st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("schema", "model", "step", "bodyparts", "videos"), PLAIN_VALUES)
    )
    | PLAIN_VALUES
)
def test_any_other_json_is_refused(tmp_path_factory, document):
    """Whatever else a file holds is one sentence, unless it happens to be proposals."""
    path = tmp_path_factory.mktemp("jobs") / "proposals.json"
    path.write_text(json.dumps(document))
    with contextlib.suppress(AnalysisError):
        assert not read_proposals(path).frames


def test_a_newer_file_asks_for_a_newer_posecut(tmp_path):
    """A schema of the future is told as such."""
    path = tmp_path / "proposals.json"
    path.write_text('{"schema": 2}')
    with pytest.raises(AnalysisError, match="newer PoseCut"):
        read_proposals(path)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    """A damaged file is one sentence."""
    path = tmp_path / "proposals.json"
    path.write_bytes(b"\xff{")
    with pytest.raises(AnalysisError, match="delete it"):
        read_proposals(path)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"x": np.inf}, "infinite"),
        ({"x": np.nan}, "x without y"),
        ({"likelihood": 1.5}, "between 0 and 1"),
        ({"likelihood": np.nan}, "between 0 and 1"),
    ],
)
def test_values_that_cannot_be_are_refused(values, words):
    """A sentence says what is wrong with them."""
    with pytest.raises(AnalysisError, match=words):
        video([1, 2], **values)


@pytest.mark.parametrize("numbers", [[1, 1], [-1, 1], [2, 1]])
def test_frames_that_cannot_be_are_refused(numbers):
    """Repeated, negative and unordered frame numbers are told."""
    with pytest.raises(AnalysisError, match="must increase from 0 without repeats"):
        video(numbers)


def test_a_window_reads_them_without_jax():
    """The process of the window does not load what only networks need."""
    code = "import posecut_core.assistant.proposals, sys; print('jax' in sys.modules, 'flax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
