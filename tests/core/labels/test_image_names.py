"""Image names and frame numbers stand for each other."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecut_core.errors import LabelError
from posecut_core.labels.image_names import by_number, digits_for, frame_number, image_name, images_in, last_part


@given(st.integers(0, 10**9), st.integers(0, 12))
def test_names_and_numbers_round_trip(number, digits):
    """A frame's name gives back its number, however it is padded."""
    assert frame_number(image_name(number, digits=digits)) == number


@pytest.mark.parametrize(
    ("name", "number"),
    [("img0123.png", 123), ("img00123.png", 123), ("0361.PNG", 361), ("img5.jpg", 5)]
    + [
        (name, None)
        for name in ("img5labeled.png", "img.png", "imgx.png", "img5", "img5.txt", "CollectedData_A.h5", "img٣.png")
    ],
)
def test_only_numbered_images_have_a_number(name, number):
    """Leading zeros do not count, and other files have no number."""
    assert frame_number(name) == number


def test_digits_are_deeplabcuts():
    """Numbers are as wide as the last frame's of the video."""
    assert [digits_for(frames) for frames in (1, 10, 11, 1000, 1001)] == [1, 1, 2, 3, 4]


def test_paths_of_both_kinds_end_in_a_name():
    """Windows' and other slashes separate alike."""
    assert last_part("labeled-data\\m 1\\img1.png") == last_part("labeled-data/m 1/img1.png") == "img1.png"


def test_images_are_ordered_by_number(tmp_path):
    """A folder's images come in the order of frames, not of names."""
    for name in ("img10.png", "img9.png", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    assert list(images_in(tmp_path)) == [9, 10]
    assert images_in(tmp_path / "nowhere") == {}


@pytest.mark.parametrize("names", [["img1.png", "img01.png"], ["img1.png", "mouse.png"]])
def test_doubtful_names_are_refused(names):
    """Two images of one frame, or an image of none, give one sentence."""
    with pytest.raises(LabelError, match=r"labels\.csv names"):
        by_number(names, Path("labels.csv"))
