"""Pictures whose color is kept at full resolution become what an encoder takes."""

import av
import numpy as np
import pytest

from posecut_core.video.planes import can_be_halved, rows_of, with_halved_chroma
from posecut_core.video.writer import ENCODABLE


@pytest.fixture
def picture():
    """Make a picture of smooth colors, whose rows have more bytes than pixels."""
    made = av.VideoFrame(70, 46, "yuv444p")
    y, x = np.mgrid[:46, :70]
    for plane, values in zip(made.planes, (2 * x + y, 3 * y + 40, 255 - 3 * x), strict=True):
        rows_of(plane)[:, :70] = values
    return made


def test_chroma_is_that_of_ffmpeg(picture):
    """Luma stays, each pair of chroma is the mean of four pixels: in smooth colors what FFmpeg makes."""
    found = with_halved_chroma(picture)
    assert found.format.name == "nv12"
    expected = picture.reformat(**ENCODABLE)
    np.testing.assert_array_equal(rows_of(found.planes[0])[:, :70], rows_of(expected.planes[0])[:, :70])
    chroma = (rows_of(of.planes[1])[:, :70].astype(int) for of in (found, expected))
    np.testing.assert_allclose(next(chroma), next(chroma), atol=2)


@pytest.mark.parametrize(("name", "number"), [("colorspace", 1), ("color_range", 2)])
def test_other_colors_are_left_to_ffmpeg(picture, name, number):
    """BT.709 and the full range need a matrix, other formats another way."""
    assert can_be_halved(picture)
    setattr(picture, name, number)
    assert not can_be_halved(picture)
    assert not can_be_halved(picture.reformat(format="yuv420p"))
