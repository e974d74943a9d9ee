"""Words become values, or a sentence about what was expected."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecut_core.cli.options import integers, listed, pairs, project_and_videos, project_path, snapshot, snapshots
from posecut_core.errors import ArgumentError


def test_words_are_split_at_commas():
    """Spaces around words and empty words are dropped."""
    assert listed("snout, left ear,,tail ") == ["snout", "left ear", "tail"]
    assert listed(None) is None


@given(st.lists(st.integers(0, 10**6), min_size=1))
def test_numbers_come_back(numbers):
    """What is written with commas is read again."""
    assert integers(",".join(map(str, numbers)), what="frame number") == numbers


def test_ranges_include_both_ends():
    """10-12 is 10, 11 and 12."""
    assert integers("5,10-12", what="frame number") == [5, 10, 11, 12]


@given(st.text())
def test_any_text_is_numbers_or_an_error(text):
    """Nothing else than a list of numbers or an ArgumentError comes out."""
    try:
        numbers = integers(text, what="frame number")
    except ArgumentError:
        return
    assert all(isinstance(number, int) for number in numbers)


def test_ranges_do_not_run_backwards():
    """A range with its ends exchanged says how to write it."""
    with pytest.raises(ArgumentError, match="'5-3' run backwards; expected the smaller one first, as in 3-5"):
        integers("5-3", what="frame number")


def test_pairs_are_joined_by_colons():
    """A skeleton is a list of pairs."""
    assert pairs("snout:neck, neck:tail base") == [("snout", "neck"), ("neck", "tail base")]
    with pytest.raises(ArgumentError, match="'snout-neck'"):
        pairs("snout-neck")


def test_snapshots_are_numbers_or_words():
    """One snapshot is a number or 'last'; several may be 'all'."""
    assert (snapshot(None), snapshot("last"), snapshot("200")) == (None, "last", 200)
    assert (snapshots(None), snapshots("all"), snapshots("100,200")) == (None, "all", [100, 200])
    with pytest.raises(ArgumentError, match="'1,2'"):
        snapshot("1,2")


def test_the_current_folder_is_the_default(project, monkeypatch, tmp_path):
    """Inside a project it need not be named; elsewhere the message says how to name it."""
    monkeypatch.chdir(project)
    assert project_path(None) == project
    assert project_and_videos(["new.mp4"]) == (project, ["new.mp4"])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArgumentError, match=r"no config\.yaml"):
        project_path(None)


def test_a_project_before_videos_is_recognised(project, monkeypatch, tmp_path):
    """Its folder and its config.yaml do."""
    monkeypatch.chdir(tmp_path)
    assert project_and_videos([str(project), "a.mp4"]) == (project, ["a.mp4"])
    assert project_and_videos([str(project / "config.yaml"), "a.mp4"])[1] == ["a.mp4"]
    with pytest.raises(ArgumentError, match="no videos"):
        project_and_videos([str(project)])
