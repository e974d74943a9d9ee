"""Curves of a training."""

import math
from itertools import pairwise

import numpy as np
import pytest
from qtpy.QtGui import QColor

from napari_posecut.widgets.parts.curves import CurveView, Series, _brightness, seen_on

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
    """The first curve is drawn in the upper half, the second one in the lower half, in colors of their own."""
    view.show_series(LOSS, ERROR)
    seen = pixels(view)
    upper, lower = np.array([0x4F, 0xA3, 0xE0]), np.array([0xE8, 0xA3, 0x3D])
    blue, orange = ((seen == color).all(axis=2).nonzero()[0] for color in (upper, lower))
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


@pytest.mark.parametrize("reach", [0.3, 1.5, 6.0, 30.0])
def test_numbers_beside_a_loss_leave_each_other_room(view, reach):
    """Within one power of ten, and over many of them."""
    view.show_series(Series("loss", STEPS, tuple(10 ** (-reach * step / 1000) for step in STEPS), log=True))
    axis = view.getItem(1, 0).getAxis("left")
    (_, ticks), *others = axis.tickValues(-reach, 0.0, 120.0)
    assert others == []
    assert len(ticks) > 1
    assert all(120 * (after - before) / reach >= 18 for before, after in pairwise(ticks))


def test_steps_are_whole_numbers(view):
    """Beside the only step of a training that has just begun, fractions of one were written."""
    view.show_series(Series("error (px)", (10.0,), (5.0,)))
    assert view.getItem(1, 0).getAxis("bottom").tickStrings([9.6, 10.0, 1200.0], 1.0, 0.4) == ["", "10", "1,200"]


@pytest.mark.parametrize("ground", ["#262930", "#efebe9"])
def test_each_color_is_seen_on_each_theme(ground):
    """A pale curve gets darker on what is bright, a dark one brighter on what is dark; others stay."""
    brightness = {
        name: _brightness(seen_on(QColor(ground), QColor(name))) for name in ("#d4dd80", "#0000ff", "#808080")
    }
    assert all(abs(value - _brightness(QColor(ground))) >= 75 for value in brightness.values())
    assert seen_on(QColor(ground), QColor("#808080")) == QColor("#808080")
