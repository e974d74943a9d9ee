"""Curves drawn with Qt."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_posecut.widgets.parts.curve import Axis, CurveView, Series, number_text, round_values

STEPS = tuple(float(step) for step in range(0, 1000, 10))
LOSS = Series("loss", STEPS, tuple(0.1 * math.exp(-step / 200) for step in STEPS), log=True)
ERROR = Series("error (px)", STEPS, tuple(20 / (1 + step / 100) for step in STEPS))


def pixels(view):
    """What the widget looks like, [H, W, 3]."""
    image = view.grab().toImage().convertToFormat(view.grab().toImage().Format.Format_RGB888)
    line = np.frombuffer(image.constBits().asstring(image.sizeInBytes()), np.uint8)
    return line.reshape(image.height(), image.bytesPerLine())[:, : 3 * image.width()].reshape(image.height(), -1, 3)


@pytest.fixture
def view(qtbot):
    """An empty view as wide as a dock."""
    made = CurveView()
    qtbot.addWidget(made)
    made.resize(280, 320)
    return made


def test_two_curves_have_a_panel_each(view):
    """The first curve is drawn in the upper half, the second one in the lower half, in colours of their own."""
    view.show_series(LOSS, ERROR)
    seen = pixels(view)
    upper, lower = np.array([0x4F, 0xA3, 0xE0]), np.array([0xE8, 0xA3, 0x3D])
    blue, orange = ((seen == colour).all(axis=2).nonzero()[0] for colour in (upper, lower))
    assert len(blue) > 50
    assert len(orange) > 50
    assert blue.max() < orange.min()


def test_curves_without_points_are_left_out(view):
    """A validation error that was never measured takes no room, and no points at all hide the view."""
    view.show_series(LOSS, Series("error (px)", STEPS, (math.nan,) * len(STEPS)))
    assert view.series == (LOSS,)
    view.show_series()
    assert view.isHidden()


@pytest.mark.parametrize("y", [(5.0,), (5.0, 5.0), (0.0, 0.0)])
def test_a_flat_curve_is_drawn(view, y):
    """One point, or equal ones, are no trouble."""
    view.show_series(Series("error", tuple(map(float, range(len(y)))), y))
    assert pixels(view).std() > 0


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 6))
def test_round_values_lie_between_and_are_few(low, width, about):
    """Ticks lie inside, in order, and there are about as many as asked for."""
    ticks = round_values(low, low + width, about)
    slack = 1e-6 * (abs(low) + width)
    assert all(low - slack <= tick <= low + width + slack for tick in ticks)
    assert list(ticks) == sorted(ticks)
    assert len(ticks) <= about + 1


@given(st.floats(1e-6, 1e3), st.floats(1.01, 1e6))
def test_a_logarithmic_axis_has_ticks_inside(low, factor):
    """Wherever the axis lies, its numbers are on it."""
    axis = Axis(low, low * factor, 100, 0, log=True)
    assert all(-1e-3 <= axis.place(tick) <= 100.001 for tick in axis.ticks(3))


def test_numbers_take_little_room():
    """Trailing zeros are left out, and thousands are shortened."""
    assert [number_text(value) for value in (0.001, 2.5, 400, 12_000)] == ["0.001", "2.5", "400", "12k"]
