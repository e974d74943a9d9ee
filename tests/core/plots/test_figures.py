"""Figures become PNGs."""

import io
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread

from posecut_core.errors import StorageError
from posecut_core.plots.figures import new_figure, png_bytes, save_png, say, styled
from posecut_core.plots.space import draw_residuals
from tests.rig import three_cameras


def test_a_figure_has_120_pixels_per_inch(tmp_path):
    """Size is inches; another resolution can be asked for; the file holds the same bytes."""
    figure = new_figure("title", size=(3, 2))
    styled(figure.add_subplot()).plot([0, 1], [1, 0])
    assert imread(io.BytesIO(png_bytes(figure))).shape[:2] == (240, 360)
    assert imread(io.BytesIO(png_bytes(figure, dpi=60))).shape[:2] == (120, 180)
    save_png(figure, tmp_path / "new" / "f.png")
    assert imread(tmp_path / "new" / "f.png").shape[:2] == (240, 360)


def test_words_take_the_place_of_a_drawing():
    """A sentence is drawn, and nothing else."""
    figure = new_figure("")
    say(figure, "Nothing to show.")
    assert [text.get_text() for text in figure.axes[0].texts] == ["Nothing to show."]
    assert imread(io.BytesIO(png_bytes(figure))).std() > 0.01


def test_names_are_no_mathematics():
    """Two dollar signs stand for themselves."""
    figure = new_figure("rat$1_$2")
    say(figure, "x$_$")
    assert png_bytes(figure)


def test_a_folder_that_refuses_is_named(tmp_path):
    """A file in place of the folder is one sentence."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="Cannot write"):
        save_png(new_figure(""), tmp_path / "file" / "f.png")


def test_residuals_are_drawn_also_where_a_camera_s_size_is_not_known() -> None:
    """Files of MATLAB do not tell it; the picture is then as large as what was seen."""
    cameras = [replace(camera, size=size) for camera, size in zip(three_cameras(), [(160, 120), (0, 0)], strict=False)]
    pixels = {camera.name: np.array([[20.0, 30.0], [90.0, 70.0]]) for camera in cameras}
    figure = draw_residuals(cameras, pixels, {name: np.full((2, 2), 0.3) for name in pixels})
    assert [axes.get_xlim() for axes in figure.axes] == [(0, 160), (0, 91)]
