"""Images of every kind become the pictures that a viewer shows."""

import io
import os
import zlib
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from posecut_core.errors import VideoError
from posecut_core.formats.deeplabcut import images
from posecut_core.formats.deeplabcut import images as image_names
from posecut_core.formats.deeplabcut.images import common_levels, read_picture, read_range, read_size

COLORS = np.random.default_rng(0).integers(0, 256, (6, 9, 3)).astype(np.uint8)
COLORS[0, :2] = [[0], [255]]
GRAY = COLORS[..., 0]
RGB_GRAY = np.repeat(GRAY[..., None], 3, axis=2)


def saved(tmp_path, image, name="a.png", **options):
    path = tmp_path / name
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
    return path


def alpha(image):
    return np.dstack([image, np.zeros_like(GRAY)])


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (COLORS, COLORS),
        (GRAY, RGB_GRAY),
        (alpha(COLORS), COLORS),
        (Image.fromarray(alpha(GRAY), "LA"), RGB_GRAY),
        (Image.fromarray(GRAY > 99), np.repeat((GRAY > 99)[..., None], 3, axis=2) * 255),
        (Image.fromarray(GRAY).convert("P"), RGB_GRAY),
        (Image.fromarray(GRAY).quantize(256), RGB_GRAY),
    ],
    ids=["RGB", "L", "RGBA", "LA", "1", "P", "palette"],
)
@pytest.mark.filterwarnings("ignore:'mode' parameter is deprecated:DeprecationWarning")
def test_images_of_8_bits_are_as_they_are(tmp_path, image, expected):
    """Transparency is ignored, gray becomes three equal channels, palettes are looked up; headers tell the size."""
    path = saved(tmp_path, image)
    assert read_size(path) == (6, 9)
    assert read_range(path) is None
    np.testing.assert_array_equal(read_picture(path), expected)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_a_camera_of_12_bits_is_seen(tmp_path, name):
    """Kind: images of more than 8 bits were stored white or black; the bits that are used become 0 to 255."""
    path = saved(tmp_path, GRAY.astype(np.uint16) * 16, name)
    assert read_range(path) == (float(GRAY.min()) * 16, float(GRAY.max()) * 16)
    assert np.abs(read_picture(path)[..., 1].astype(int) - GRAY).max() <= 1


@pytest.mark.parametrize(("codec", "pixels", "suffix"), [("png", "rgb48be", "png"), ("tiff", "rgb48le", "tif")])
def test_deep_colors_are_not_cut_to_their_upper_bits(tmp_path, codec, pixels, suffix):
    """Of three channels with 12 of 16 bits, Pillow keeps the upper 4 alone."""
    path, deep = tmp_path / f"a.{suffix}", COLORS.astype(np.uint16) * 16
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as container:
        stream = container.add_stream(codec, rate=Fraction(1))
        stream.width, stream.height, stream.pix_fmt = 9, 6, pixels
        for frame in (av.VideoFrame.from_ndarray(deep, format="rgb48le").reformat(format=pixels), None):
            for packet in stream.encode(frame):
                container.mux(packet)
    assert np.abs(read_picture(path).astype(int) - COLORS).max() <= 1


def test_other_depths_are_read(tmp_path):
    """Big-endian 16 bits, 32 bits, fractions, and values that are none."""
    big = Image.frombytes("I;16B", (9, 6), (GRAY.astype(">u2") * 256).tobytes())
    values = np.where(np.equal(GRAY, GRAY.min()), np.nan, GRAY / 255).astype(np.float32)
    for image in (big, Image.fromarray(GRAY.astype(np.int32) * 1000), Image.fromarray(values)):
        found = read_picture(saved(tmp_path, image, "a.tif"))[..., 0].astype(int)
        assert np.abs(found - GRAY)[np.isfinite(values)].max() <= 4


@pytest.mark.parametrize(
    ("ranges", "levels"),
    [
        ([(0, 4080)], (0, 4095)),
        ([(12, 900), (0, 70000)], (0, 70000)),
        ([(40, 255)], (0, 255)),
        ([(0, 1023), (5, 60000)], (0, 65535)),
        ([(29000, 31000)], (29000, 31000)),
        ([(-40, 20.5)], (-40, 20.5)),
        ([(0.2, 0.9)], (0, 1)),
        ([(0, 1)], (0, 1)),
        ([(7, 7)], (0, 255)),
        ([(-3, -3)], (-3, -2)),
    ],
)
def test_levels_are_as_a_viewer_chooses_them(ranges, levels):
    """The bits that are used; thermal cameras, which use a small part of them, are stretched."""
    assert common_levels(ranges) == levels


def test_pixels_lie_as_they_are_stored(tmp_path):
    """Labels are made on stored pixels, so EXIF orientations turn nothing; of several pages the first counts."""
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = saved(tmp_path, np.full((8, 16, 3), 90, np.uint8), "a.jpg", exif=exif)
    assert read_picture(turned).shape == (8, 16, 3) == (*read_size(turned), 3)
    pages = [Image.fromarray(page) for page in (COLORS, COLORS[::-1])]
    stack = saved(tmp_path, pages[0], "a.tif", save_all=True, append_images=pages[1:])
    np.testing.assert_array_equal(read_picture(stack), COLORS)
    moving = saved(tmp_path, pages[0], "a.gif", save_all=True, append_images=pages[1:])
    assert read_picture(moving).shape == (6, 9, 3)


def test_what_lies_inside_counts_not_the_suffix(tmp_path):
    """A .png that is a JPEG is read; so are progressive JPEGs and those for printing."""
    gray = np.full((8, 8, 3), 130, np.uint8)
    for image, options in ((gray, {"progressive": True}), (Image.fromarray(gray).convert("CMYK"), {})):
        path = saved(tmp_path, image, "a.png", format="JPEG", **options)
        assert np.abs(read_picture(path).astype(int) - 130).max() <= 3


def test_an_image_that_cannot_be_read_is_one_sentence(tmp_path, monkeypatch):
    """Empty, cut, no image, no file, a link to nowhere, no permission, or sizes that no memory holds: what and why."""
    whole = io.BytesIO()
    Image.fromarray(COLORS).save(whole, "PNG")
    path = tmp_path / "img1.png"
    for content, words in (
        (b"", "is empty"),
        (whole.getvalue()[:90], "truncated"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a readable image"),
    ):
        path.write_bytes(content)
        with pytest.raises(VideoError, match=words):
            read_picture(path)
    path.write_bytes(whole.getvalue())
    with monkeypatch.context() as patch:
        patch.setattr(images, "_MAX_PIXELS", 50)
        with pytest.raises(VideoError, match="million pixels"):
            read_picture(path)
    with monkeypatch.context() as patch:

        def refused(*arguments, **options):
            raise PermissionError(13, "Permission denied")

        patch.setattr(Image, "open", refused)
        with pytest.raises(VideoError, match="cannot be read"):
            read_size(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(VideoError, match="not a file"):
        read_size(path)
    (tmp_path / "img2.png").symlink_to(tmp_path / "nowhere")
    with pytest.raises(VideoError, match="link to a missing file"):
        read_range(tmp_path / "img2.png")


def test_a_file_that_claims_to_be_huge_is_refused_before_it_is_unpacked(tmp_path):
    """A kilobyte of PNG can stand for gigabytes."""
    header = b"\x00\x00\x00\rIHDR" + (60000).to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00"
    crc = zlib.crc32(header[4:]).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + crc + b"\x00\x00\x00\x00IDAT")
    with pytest.raises(VideoError, match="more than 40 million pixels"):
        read_picture(tmp_path / "a.png")


def test_a_pipe_is_no_image(tmp_path):
    """The kind: what lies in the place of an image; a pipe would be waited for for ever."""
    os.mkfifo(tmp_path / "img1.png")
    with pytest.raises(VideoError, match=r"img1\.png is not a file, expected an image"):
        read_size(tmp_path / "img1.png")


def test_a_loop_of_links_is_no_image(tmp_path):
    """The kind: what lies in the place of an image; a link to itself was a traceback when its folder was listed."""
    (tmp_path / "img1.png").symlink_to("img1.png")
    assert (image_names.image_files(tmp_path), image_names.no_files(tmp_path)) == ((), ("img1.png",))
