"""Image names and frame numbers stand for each other."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecut_core.errors import LabelError
from posecut_core.formats.deeplabcut.images import (
    OWN,
    ImageRecord,
    digits_for,
    digits_of,
    frame_number,
    image_files,
    image_name,
    images_in,
    is_image,
    last_part,
    meant_number,
    no_files,
    numbered,
    numbers_of,
    read_record,
    record_path,
    write_record,
)

WORDS = st.text("abimg01_9 .\u00e4\u4e2d", min_size=1, max_size=9)
NAMES = st.lists(
    st.builds("{}{}".format, WORDS, st.sampled_from([".png", ".JPG", ".tif"])).filter(is_image), max_size=9
)


@given(st.integers(0, 10**9), st.integers(0, 12))
def test_names_and_numbers_round_trip(number, digits):
    """A frame's name gives back its number, however it is padded."""
    assert frame_number(image_name(number, digits=digits)) == number


@pytest.mark.parametrize(
    ("name", "number"),
    [("img0123.png", 123), ("img00123.png", 123), ("0361.PNG", 361), ("img5.jpg", 5), ("img5.TIFF", 5)]
    + [
        (name, None)
        for name in (
            "img5labeled.png",
            "img.png",
            "imgx.png",
            "img5",
            "img5.txt",
            "CollectedData_A.h5",
            "img\u0663.png",
        )
    ]
    + [(name, None) for name in ("._img5.png", ".png", f"img{'5' * 300}.png", "img\udce45.png")],
)
def test_only_numbered_images_have_a_number(name, number):
    """Leading zeros do not count; other files, hidden ones, and names that no table can hold have no number."""
    assert frame_number(name) == number


def test_digits_are_deeplabcuts():
    """Numbers are as wide as the last frame's of the video."""
    assert [digits_for(frames) for frames in (1, 10, 11, 1000, 1001)] == [1, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("names", "otherwise", "digits"),
    [
        (["img009.png", "img120.png"], 4, 3),
        (["img9.png", "img120.png"], 4, 1),
        (["img120.png", "img121.png"], 4, 3),
        (["img0003.png", "img15.png"], 2, 4),
        (["img003.png", "img0004.png", "img0005.png"], 3, 3),
        (["img1234.png"], 3, 3),
        (["frame01.png", "notes.txt"], 4, 4),
    ],
)
def test_new_images_are_padded_as_those_of_the_folder(names, otherwise, digits):
    """DeepLabCut would write the same frame once more under its own name: the padding that is there is followed."""
    assert digits_of(names, otherwise=otherwise) == digits


def test_paths_of_both_kinds_end_in_a_name():
    """Windows' and other slashes separate alike."""
    assert last_part("labeled-data\\m 1\\img1.png") == last_part("labeled-data/m 1/img1.png") == "img1.png"


def test_images_are_ordered_by_number(tmp_path):
    """A folder's images come in the order of frames, not of names; folders and dangling links are none."""
    for name in ("img10.png", "img9.png", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "img3.png").mkdir()
    (tmp_path / "img4.png").symlink_to(tmp_path / "nowhere.png")
    assert list(images_in(tmp_path)) == [9, 10]
    assert image_files(tmp_path) == ("img9.png", "img10.png")
    assert no_files(tmp_path) == ("img3.png", "img4.png")
    assert images_in(tmp_path / "nowhere") == {}


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (["frame001.png", "frame012.png"], [1, 12]),
        (["cam1_000099.png", "cam1_000007.png"], [99, 7]),
        (["cam1_000007.png", "cam1_000100.png"], [OWN, OWN + 1]),
        (["mouse_right.png", "mouse_left.png", "mouse 10.png", "mouse 9.png"], [OWN + 1, OWN, 10, 9]),
        (["right.png", "left.png", "left2x.png", "left10x.png"], [OWN + 3, OWN, OWN + 1, OWN + 2]),
        (["a_1.png", "b_1.png", "b_2.png", "c_3.png"], [OWN, OWN + 1, OWN + 2, 3]),
        (["img7.png", "frame7.png", "frame8.png"], [7, OWN, OWN + 1]),
        (["img13.png", "img013.png", "img13.jpg"], [13, 13, 13]),
        (["left.png", "LEFT.jpg", "M\u00e4use.tif", "Ma\u0308use.png"], [OWN, OWN, OWN + 1, OWN + 1]),
    ],
)
def test_a_name_is_a_frame_only_where_nothing_contradicts(names, numbers):
    """Kind: digits that are no frame of the video (of 100 here), or are claimed twice, were mixed with its frames."""
    assert [numbered(names, {}, frames=100)[name] for name in names] == numbers


@given(NAMES, NAMES, st.integers(1, 40))
def test_no_two_images_share_a_number_by_accident(first, later, frames):
    """Numbers stay when images join, and are shared by names that differ in padding or suffix only."""
    before = numbered(first, {}, frames=frames)
    after = numbered([*first, *later], before, frames=frames)
    assert before.items() <= after.items()

    def same(name):
        stem = name.strip().rpartition(".")[0].strip().casefold()
        return stem if meant_number(name) is None else meant_number(name)

    assert len({(after[name], same(name)) for name in after}) == len({*after.values()})
    stems = {(name.rpartition(".")[0], after[name]) for name in after}
    assert len(stems) == len({stem for stem, _ in stems})


def test_what_is_recorded_stays(tmp_path):
    """Also where images are removed and others join; without a record, names tell."""
    (tmp_path / "b.png").write_bytes(b"")
    assert numbers_of(tmp_path, ["b.png", "img5.png"]) == {"b.png": OWN, "img5.png": 5}
    write_record(tmp_path, ImageRecord({"b.png": OWN + 4, "img5.png": OWN}, (0.0, 4095.0)))
    assert read_record(tmp_path) == ImageRecord({"b.png": OWN + 4, "img5.png": OWN}, (0.0, 4095.0))
    assert numbers_of(tmp_path, ["a.png", "img5.png"]) == {"a.png": OWN + 5, "img5.png": OWN}
    assert list(images_in(tmp_path)) == [OWN + 4]


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"schema": "1"},
        {"numbers": []},
        {"numbers": {"a.png": -1}},
        {"numbers": {"a.png": 1.5}},
        {"numbers": {"../x": 1}},
        {"levels": [1]},
        {"levels": [5.0, 5.0]},
        {"levels": "ab"},
    ],
)
def test_a_damaged_record_is_one_sentence(tmp_path, change):
    """It says what to do; a newer PoseCut's is told apart."""
    content = {"schema": 1, "numbers": {"a.png": OWN}, "levels": None} | change
    record_path(tmp_path).write_text(json.dumps(content))
    with pytest.raises(LabelError, match=r"newer PoseCut" if change == {"schema": 2} else r"images\.json is damaged"):
        read_record(tmp_path)
    record_path(tmp_path).write_bytes(b"\xff{")
    with pytest.raises(LabelError, match=r"images\.json is damaged"):
        read_record(tmp_path)
