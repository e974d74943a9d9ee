"""Figures become PNGs."""

import io

import pytest
from matplotlib.image import imread

from posecut_core.errors import StorageError
from posecut_core.plots.figures import new_figure, png_bytes, save_png, say, styled


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
