"""Tiny videos whose frames carry their number as twelve black or white blocks: any picture tells which it is."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

FRAMES = 40
_BLOCK = 16


def _numbered_image(number: int) -> np.ndarray:
    image = np.full((3 * _BLOCK, 4 * _BLOCK, 3), 20, dtype=np.uint8)
    for bit in range(12):
        row, column = divmod(bit, 4)
        if number >> bit & 1:
            image[row * _BLOCK : (row + 1) * _BLOCK, column * _BLOCK : (column + 1) * _BLOCK] = 235
    return image


def _number_in(image: np.ndarray | None) -> int | None:
    if image is None:
        return None
    means = image.astype(float).mean(axis=2).reshape(3, _BLOCK, 4, _BLOCK).mean(axis=(1, 3)).ravel()
    return sum(1 << bit for bit in range(12) if means[bit] > 128)


def _encode(
    path: Path,
    codec: str,
    *,
    frames: int = FRAMES,
    options: dict[str, str] | None = None,
    b_frames: int | None = None,
    pix_fmt: str = "yuv420p",
    times: list[int] | None = None,
    unit: int = 1,
    rate: int = 25,
    rotation: int = 0,
    mirrored: str = "",
) -> Path:
    """Encode numbered frames at 25 per second, or at the given times in milliseconds, multiples of the unit."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 4 * _BLOCK, 3 * _BLOCK, pix_fmt, 10
        if b_frames is not None:
            stream.max_b_frames = b_frames
        if times is not None:
            stream.codec_context.time_base = Fraction(unit, 1000)
        if rotation or mirrored:
            stream.set_display_rotation(
                rotation, hflip=mirrored == "left for right", vflip=mirrored == "top for bottom"
            )
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(_numbered_image(number), format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = times[number] // unit, Fraction(unit, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _damage(path: Path, packet: int) -> Path:
    """Overwrite the payload of one packet, counted in the order of the file, and leave its header."""
    content = bytearray(path.read_bytes())
    payload = _packets(path)[packet]
    begin = content.find(payload)
    assert begin > 0
    third = len(payload) // 3
    content[begin + third : begin + len(payload)] = bytes(len(payload) - third)
    path.write_bytes(content)
    return path


def _packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def _remux(source: Path, target: Path, packets: list[bytes], *, keyframes: set[int], places: list[int]) -> Path:
    """Write packets in place of those of a video, of which the codec is taken."""
    with av.open(str(source)) as original, av.open(str(target), "w") as container:
        stream = container.add_stream_from_template(original.streams.video[0])
        for number, (data, place) in enumerate(zip(packets, places, strict=True)):
            packet = av.Packet(data)
            packet.stream, packet.time_base, packet.pts = stream, Fraction(1, 25), place
            packet.dts, packet.is_keyframe = place, number in keyframes
            container.mux(packet)
    return target


@pytest.fixture(scope="session")
def packets_of() -> Callable[[Path], list[bytes]]:
    return _packets


@pytest.fixture(scope="session")
def remux() -> Callable[..., Path]:
    return _remux


@pytest.fixture(scope="session")
def numbered_image() -> Callable[[int], np.ndarray]:
    return _numbered_image


@pytest.fixture(scope="session")
def number_in() -> Callable[[np.ndarray | None], int | None]:
    return _number_in


@pytest.fixture(scope="session")
def encode() -> Callable[..., Path]:
    return _encode


@pytest.fixture(scope="session")
def damage() -> Callable[[Path, int], Path]:
    return _damage


_IRREGULAR = np.cumsum([900, *np.random.default_rng(0).choice([17, 33, 50, 400], FRAMES - 1)]).tolist()
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "b_frames.mp4": ("libx264", {"options": {"bf": "3"}}),
    "pyramid.mov": ("libx264", {"options": {"bf": "5", "b-pyramid": "normal"}}),
    "open_groups.mkv": ("libx264", {"options": {"bf": "3", "x264-params": "open-gop=1:scenecut=0"}}),
    "intra_refresh.mkv": ("libx264", {"options": {"bf": "0", "intra-refresh": "1"}}),
    "irregular.mkv": ("libx264", {"options": {"bf": "2"}, "times": _IRREGULAR}),
    "irregular.mp4": ("libx264", {"options": {"bf": "2"}, "times": _IRREGULAR}),
    "b_frames.avi": ("mpeg4", {"b_frames": 2}),
    "made_up_times.avi": ("libx264", {"options": {"bf": "3"}}),
    "no_times.h264": ("libx264", {"options": {"bf": "3"}}),
    "mjpeg.avi": ("mjpeg", {"pix_fmt": "yuvj420p"}),
    "raw.avi": ("rawvideo", {"pix_fmt": "bgr24"}),
    "old.mpg": ("mpeg2video", {"b_frames": 2}),
    "camera.ts": ("libx264", {"options": {"bf": "3"}}),
    "old.wmv": ("wmv2", {}),
    "hidden.webm": ("libvpx", {"options": {"auto-alt-ref": "1", "lag-in-frames": "16", "b": "200k"}}),
    "gray.mkv": ("ffv1", {"pix_fmt": "gray"}),
    "ten_bits.mp4": ("libx264", {"pix_fmt": "yuv420p10le"}),
    "single.mp4": ("libx264", {"frames": 1}),
}


@pytest.fixture(scope="session", params=CASES, ids=str)
def any_video(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """One video of each kind and its number of frames."""
    codec, settings = CASES[request.param]
    path = tmp_path_factory.mktemp("videos") / request.param
    return _encode(path, codec, **settings), settings.get("frames", FRAMES)


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A usual H.264 video of `FRAMES` frames; not to be changed."""
    return _encode(tmp_path_factory.mktemp("videos") / "usual.mp4", "libx264", options={"bf": "2"})
