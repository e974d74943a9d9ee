"""Annotations are checked while tests run."""

from dataclasses import dataclass

import numpy as np
import pytest
from jaxtyping import Float64

from posecut_core.poses.predictions import Predictions
from posecut_core.types import Crop
from tests.type_checks import checked


@checked
def scaled(xy: Float64[np.ndarray, "F 2"], by: Float64[np.ndarray, " F"]) -> Float64[np.ndarray, "F 2"]:
    return np.ones((len(xy) + (by[0] < 0), 2))


@checked
@dataclass
class Sized:
    width: float
    other: "Sized | None" = None


def test_axes_of_one_name_have_one_length():
    """Those of arguments and of the result, in each call anew."""
    for count in (3, 4):
        scaled(np.ones((count, 2)), np.ones(count))
    with pytest.raises(TypeError, match="by"):
        scaled(np.ones((3, 2)), np.ones(4))
    with pytest.raises(TypeError, match="return"):
        scaled(np.ones((3, 2)), -np.ones(3))


def test_an_int_serves_as_a_float_and_a_text_does_not():
    """A class that is not known yet says nothing."""
    assert Sized(3, Sized(2.5)).width == 3
    with pytest.raises(TypeError, match="width"):
        Sized("3")


def test_the_package_is_checked():
    """Its functions, and what its dataclasses are made of."""
    with pytest.raises(TypeError, match="width"):
        Crop.of_frame("3", 4)
    with pytest.raises(TypeError, match="likelihood"):
        Predictions("net", ("nose",), np.zeros((3, 1, 2)), np.zeros((4, 1)))
