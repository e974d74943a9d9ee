"""A split is drawn once, written down, and read back as it was."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posecut_core.dataset.split import read_split, split_by_indices, split_by_seed, validation_part, write_split
from posecut_core.errors import DatasetError, Remedy
from posecut_core.types import FrameRef

FRAMES = tuple(FrameRef(video, number) for video in ("a", "b") for number in range(0, 50, 5))
_LETTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"], exclude_characters="/\\")
VIDEOS = st.text(_LETTERS, min_size=1, max_size=30).filter(lambda name: name not in (".", ".."))


def draw(frames=FRAMES, *, fraction=0.8, seed=1):
    return split_by_seed(frames, fraction=fraction, seed=seed, labels="labels.csv")


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 60), fraction=st.floats(0.01, 1), seed=st.integers(0, 2**60))
def test_every_frame_has_one_side(count, fraction, seed):
    """int(n * fraction) frames train, the others test, in the order of the frames."""
    frames = [FrameRef("a", number) for number in range(count)]
    if int(count * fraction) < 2:
        with pytest.raises(DatasetError, match="would train, at least 2 are needed"):
            draw(frames, fraction=fraction, seed=seed)
        return
    split = draw(frames, fraction=fraction, seed=seed)
    assert len(split.train) == int(count * fraction)
    assert sorted(split.train + split.test) == frames
    assert (list(split.train), list(split.test)) == (sorted(split.train), sorted(split.test))


def test_the_seed_decides_the_split():
    """The same seed draws the same frames, another seed others."""
    assert draw(seed=1) == draw(seed=1)
    assert draw(seed=1).train != draw(seed=2).train


def test_given_indices_are_taken():
    """Indices count the sorted labeled frames; not all frames need a side, and there is no seed."""
    split = split_by_indices(FRAMES, train=[11, 0], test=[3], fraction=0.95, labels="labels.csv")
    assert (split.train, split.test, split.seed) == ((FRAMES[0], FRAMES[11]), (FRAMES[3],), None)


@pytest.mark.parametrize(
    ("train", "test", "words"),
    [
        ([0, 20], [], "Index 20 is not among the 20 labeled frames; give indices from 0 to 19"),
        ([0], [-1], "Index -1"),
        ([0, 0], [], "is repeated"),
        ([0, 1], [1], "both train and test"),
        ([2], [1], "1 training indices were given; give at least 2"),
    ],
)
def test_impossible_indices_are_refused(train, test, words):
    """Indices out of range, repeated, on both sides or none at all are one sentence."""
    with pytest.raises(DatasetError, match=words):
        split_by_indices(FRAMES, train=train, test=test, fraction=0.95, labels="")


@settings(max_examples=30, deadline=None)
@given(
    frames=st.dictionaries(VIDEOS, st.sets(st.integers(0, 2**40), min_size=3, max_size=5), min_size=1, max_size=4),
    fraction=st.floats(1e-6, 1),
    seed=st.none() | st.integers(0, 2**60),
)
def test_reading_undoes_writing(tmp_path_factory, frames, fraction, seed):
    """Any video name, number, fraction and seed comes back as it was."""
    refs = [FrameRef(video, number) for video, numbers in frames.items() for number in sorted(numbers)]
    train = range(0, len(refs), 2)
    test = range(1, len(refs), 2)
    split = split_by_indices(refs, train=train, test=test, fraction=fraction, labels="labels-1.csv", seed=seed)
    path = tmp_path_factory.getbasetemp() / "split.yaml"
    write_split(path, split)
    assert read_split(path) == split


def test_a_missing_split_says_what_to_run(tmp_path):
    """Without a file the user hears which step makes it."""
    with pytest.raises(DatasetError, match=r"There is no training dataset .*; create it first") as raised:
        read_split(tmp_path / "split.yaml")
    assert raised.value.remedies == (Remedy("create_training_dataset"),)


def test_a_split_of_a_newer_posecut_is_refused(tmp_path):
    """A higher schema is not guessed at."""
    path = tmp_path / "split.yaml"
    write_split(path, draw())
    path.write_text(path.read_text().replace("schema: 1", "schema: 2"))
    with pytest.raises(DatasetError, match=r"newer PoseCut \(schema 2\); update PoseCut"):
        read_split(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("fraction: 0.8", "fraction: much"),
        ("fraction: 0.8", "fraction: 2020-13-45"),
        ("seed: 1", "seed: one"),
        ("seed: 1", ""),
        ("train:", "train: {}\nrest:"),
        ("train:", "train: [1, 2]\nrest:"),
        ("train:", "train: {a: '12'}\nrest:"),
        ("train:", "train: {a: [1.5]}\nrest:"),
        ("train:", "train: {a: [-1]}\nrest:"),
        ("train:", "train: {a: [0, 5, 10, 15, 20, 25, 30, 35, 40, 45]}\nrest:"),  # frames that test as well
        ("schema: 1", "schema: ["),
    ],
)
def test_a_damaged_split_is_one_sentence(tmp_path, old, new):
    """Whatever is wrong with the file, the user hears what to run."""
    path = tmp_path / "split.yaml"
    write_split(path, draw())
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(
        DatasetError, match="is not a readable training dataset; restore it from a copy, or create another shuffle"
    ):
        read_split(path)


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=60))
def test_noise_is_no_split(tmp_path_factory, content):
    """Any bytes are refused in one sentence."""
    path = tmp_path_factory.getbasetemp() / "noise.yaml"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match="restore it from a copy, or create another shuffle"):
        read_split(path)


def test_a_share_of_the_training_frames_validates():
    """The seed decides which; the others train, and no frame does both; a share of 0 leaves all to training."""
    train, held_out = validation_part(FRAMES, share=0.25, seed=3)
    assert len(held_out) == 5
    assert sorted((*train, *held_out)) == sorted(FRAMES)
    assert validation_part(FRAMES, share=0.25, seed=3) == (train, held_out)
    assert validation_part(FRAMES, share=0.25, seed=4)[1] != held_out
    assert validation_part(FRAMES, share=0.0, seed=3) == (FRAMES, ())


@pytest.mark.parametrize(("count", "share"), [(1, 0.5), (3, 0.1), (2, 0.9)])
def test_validation_leaves_a_frame_on_either_side(count, share):
    """Too few frames for the share are refused with the setting's name."""
    with pytest.raises(DatasetError, match=rf"validation_share is {share}, which makes \d of {count} training frames"):
        validation_part(FRAMES[:count], share=share, seed=0)


@pytest.mark.parametrize(("key", "value"), [("labels", "../../x.csv"), ("train", {"../x": [1]}), ("test", {"..": [1]})])
def test_a_split_names_nothing_elsewhere(tmp_path, key, value):
    """The kind: names in a file that become names of files; a figure of a frame would be written there."""
    document = {"schema": 1, "fraction": 0.5, "seed": 0, "labels": "labels.csv", "train": {"a": [0]}, "test": {}}
    (tmp_path / "split.yaml").write_text(json.dumps({**document, key: value}))
    with pytest.raises(DatasetError, match="not a readable training dataset"):
        read_split(tmp_path / "split.yaml")
