"""Names and numbers as people give them."""

import inspect
from collections.abc import Sequence

import numpy as np
import pytest

import posecut_core
from posecut_core.errors import ArgumentError, ModelError, Remedy
from posecut_core.project.given import NETWORK_STEPS, _whole_numbers, forgiving, given_names


@forgiving
def step(
    config: str,
    shuffle: int = 1,
    *,
    frames: Sequence[int] | None = None,
    snapshot: int | str | None = None,
    snapshots: int | str | Sequence[int] | None = None,
    bodyparts: Sequence[str] = (),
    pcutoff: int | float | None = None,
    overwrite: bool = False,
) -> dict:
    """Return what arrived."""
    return dict(locals())


@pytest.mark.parametrize(
    ("name", "given", "arrives"),
    [
        ("shuffle", "2", 2),
        ("shuffle", np.int64(2), 2),
        ("shuffle", 2.0, 2),
        ("frames", 5, (5,)),
        ("frames", "100-102, 517", (100, 101, 102, 517)),
        ("frames", np.array([3, 1]), (3, 1)),
        ("frames", range(2), (0, 1)),
        ("frames", (n for n in ["1", 2]), (1, 2)),
        ("frames", [np.uint8(7), "8-9"], (7, 8, 9)),
        ("snapshot", "last", "last"),
        ("snapshot", "200", 200),
        ("snapshots", "all", "all"),
        ("snapshots", "100,200", (100, 200)),
        ("snapshots", np.array([1]), (1,)),
        ("bodyparts", "snout", ("snout",)),
        ("bodyparts", 'snout, "nose, tip",tail', ("snout", "nose, tip", "tail")),
        ("bodyparts", np.array(["a", "b"]), ("a", "b")),
        ("bodyparts", "['left ear', \"nose, tip\", tail]", ("left ear", "nose, tip", "tail")),
        ("bodyparts", "[snout,tail]", ("snout", "tail")),
        ("bodyparts", '"left ear"', ("left ear",)),
        ("bodyparts", ["left ear"], ("left ear",)),
        ("bodyparts", "snout; tail", ("snout", "tail")),
        ("bodyparts", "[a],[b]", ("[a]", "[b]")),
        ("bodyparts", "a;b,c", ("a;b", "c")),
        ("frames", "[3, 5-6]", (3, 5, 6)),
        ("frames", "3;5", (3, 5)),
        ("snapshots", "snapshot-20", "snapshot-20"),
        ("bodyparts", (word for word in "ab"), ("a", "b")),
        ("bodyparts", '"snout tail"', ("snout tail",)),
        ("bodyparts", "'\"snout tail\"'", ("snout tail",)),
        ("bodyparts", "'snout tail'", ("snout tail",)),
        ("pcutoff", "0.6", 0.6),
        ("pcutoff", np.float32(0.5), 0.5),
        ("pcutoff", None, None),
        ("overwrite", "False", False),
        ("overwrite", np.True_, True),
    ],
)
def test_each_form_arrives_as_the_step_expects_it(name, given, arrives):
    """Kind: one argument in many forms. One for a list, texts for numbers, ranges, arrays and generators are meant."""
    found = step("p", **{name: given})[name]
    assert (found, type(found)) == (arrives, type(arrives))


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("shuffle", "one", "shuffle is 'one', expected a whole number"),
        (
            "bodyparts",
            "snout tail",
            "'snout tail', which has a space, expected .* as in snout,tail; .* type '\"snout tail\"'",
        ),
        ("shuffle", 1.5, "shuffle is 1.5, expected a whole number"),
        ("shuffle", float("nan"), "expected a whole number"),
        ("shuffle", True, "shuffle is True, expected a whole number"),
        ("shuffle", None, "shuffle is None, expected a whole number"),
        ("frames", "5,x", "'x' is not a whole number"),
        ("frames", "9-5", "in descending order"),
        ("frames", "-3", "'-3' is negative; expected numbers from 0"),
        ("frames", "0-99999999999", "expected at most 10000000 numbers"),
        ("frames", "9" * 30, "is too large"),
        ("frames", [0.5], "expected a whole number"),
        ("bodyparts", [5], "bodyparts contains 5, expected names"),
        ("bodyparts", 5, "bodyparts contains 5, expected names"),
        ("pcutoff", float("nan"), "pcutoff is nan, expected a number"),
        ("pcutoff", "high", "pcutoff is 'high', expected a number\\."),
        ("pcutoff", "0,6", "expected a number; use a decimal point, as in 0\\.6\\."),
        ("overwrite", "maybe", "overwrite is 'maybe', expected True or False"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(name, given, words):
    """NaN, halves, words and gigantic ranges are no surprise inside a step."""
    with pytest.raises(ArgumentError, match=words):
        step("p", **{name: given})


def test_known_names_need_no_quotes():
    """A name that has a comma is found as it is, also among others."""
    known = ("snout", "nose, tip", "tail")
    assert given_names("nose, tip", what="bodyparts", known=known) == ("nose, tip",)
    assert given_names("snout,nose, tip, tail", what="bodyparts", known=known) == ("snout", "nose, tip", "tail")


def test_numbers_in_texts_may_be_mixed_with_ranges():
    """Both ends of a range belong to it."""
    assert _whole_numbers("5,10-12", what="frame") == (5, 10, 11, 12)


def test_a_missing_argument_is_pythons_to_tell():
    """The signature is that of the function inside."""
    with pytest.raises(TypeError, match="config"):
        step()


@forgiving
def refused(config: str, shuffle: int | Sequence[int] = 1, trainingsetindex: int = 0) -> None:
    """Fail as a step does whose network is not there."""
    steps = ("train_network", "create_training_dataset", "doctor")
    raise ModelError("There is no network.", *map(Remedy, steps))


@pytest.mark.parametrize(
    ("given", "train", "create"),
    [
        ({}, {}, {}),
        ({"shuffle": 2}, {"shuffle": 2}, {"shuffles": [2]}),
        ({"shuffle": [3], "trainingsetindex": 1}, {"shuffle": 3, "trainingsetindex": 1},
         {"shuffles": [3], "trainingsetindex": 1}),
        ({"shuffle": [1, 2]}, {}, {}),
    ],
)  # fmt: skip
def test_what_helps_is_about_the_network_that_was_meant(given, train, create):
    """Kind: advice that trains or analyzes the first shuffle, though another one was given."""
    with pytest.raises(ModelError) as raised:
        refused("p", **given)
    assert raised.value.remedies == (
        Remedy("train_network", **train).of_project("p"),
        Remedy("create_training_dataset", **create).of_project("p"),
        Remedy("doctor", config="p"),
    )


def test_all_steps_of_a_network_are_known():
    """They are those that take a shuffle and a training fraction."""
    public = {name: getattr(posecut_core, name) for name in posecut_core.__all__}
    taking = {name for name, step in public.items() if inspect.isfunction(step) and _takes_a_network(step)}
    assert taking == NETWORK_STEPS


def _takes_a_network(step):
    return {"shuffle", "trainingsetindex"} <= inspect.signature(step).parameters.keys()
