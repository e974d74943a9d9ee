"""Frames one by one: streams of poses, sources in real time, and how poses are sent on."""

import json
import os
import shutil
import socket
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import closing

import numpy as np
import pytest

from posecut_core.errors import ArgumentError, VideoError
from posecut_core.inference import live
from posecut_core.inference.live import (
    Latency,
    LiveFrame,
    LiveSource,
    Pose,
    PosePage,
    PoseServer,
    PoseStream,
    is_camera,
    json_line,
)

SIZE = (48, 64)
POSE = Pose(np.array([[10.25, 20.0], [3.0, 4.0]]), np.array([0.9, 0.1]))
# Stands in for ffmpeg: three frames of a camera, and the end.
FFMPEG = f"""#!{sys.executable}
import av, numpy, sys
with av.open(sys.stdout.buffer, "w", format="nut") as camera:
    stream = camera.add_stream("rawvideo", rate=25)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb24"
    for number in range(3):
        camera.mux(stream.encode(av.VideoFrame.from_ndarray(numpy.zeros((48, 64, 3), numpy.uint8))))
"""


def spot(x=20, y=30, size=SIZE):
    image = np.zeros((*size, 3), np.uint8)
    image[y - 1 : y + 2, x - 1 : x + 2] = 255
    return image


def test_a_frame_gives_the_pose_of_the_network(network):
    """Programs are compiled when the stream begins; frames in gray are taken as well."""
    stream = PoseStream(network, size=SIZE)
    assert network.shapes == [(1, 48, 64, 3)]
    pose = stream(spot())
    np.testing.assert_allclose(pose.xy, [[20, 30], [23, 30]])
    np.testing.assert_array_equal(pose.likelihood, 0.9)
    np.testing.assert_array_equal(stream(spot()[..., 0]).xy, pose.xy)
    np.testing.assert_array_equal(stream(spot()[..., :1]).xy, pose.xy)
    assert stream.bodyparts == network.bodyparts


def test_a_tracking_crop_looks_at_windows(network):
    """All sizes of windows are compiled when the size of the frames is known."""
    stream = PoseStream(network, dynamic=(True, 0.5, 4))
    for x in range(30, 40):
        np.testing.assert_allclose(stream(spot(x, 50, (240, 320))).xy[0], [x, 50])
    sizes = [shape[1:3] for shape in network.shapes]
    assert sizes[0] == (240, 320)
    assert (len(set(sizes)), sizes.count((240, 320))) == (4, 2)


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        (np.zeros((48, 65, 3), np.uint8), "65x48 pixels, expected 64x48"),
        (np.zeros((48, 64, 3), np.float32), "48x64x3 of float32"),
        (np.zeros((48, 64, 4), np.uint8), "48x64x4 of uint8"),
        (np.zeros((0, 64, 3), np.uint8), "0x64x3 of uint8"),
        (None, "NoneType"),
    ],
)
def test_another_frame_is_one_sentence(network, frame, found):
    """It says what came, as which frame, and what was expected; the stream goes on with the next."""
    stream = PoseStream(network)
    stream(spot())
    with pytest.raises(ArgumentError, match=f"Frame 1 of the stream .*{found}"):
        stream(frame)
    assert stream(spot()).likelihood[0] == 0.9


@pytest.mark.parametrize("size", [(0, 5), "big", (48,), (48.0, 64.0), (48, 64, 3)])
def test_what_is_no_size_is_one_sentence(network, size):
    """It says what was expected."""
    with pytest.raises(ArgumentError, match=r"size is .*, expected height and width in pixels"):
        PoseStream(network, size=size)


def test_latency_is_summed_up():
    """Percentiles in milliseconds, and frames in the time that they took together."""
    found = Latency.of([0.01] * 99 + [0.11])
    assert (found.p50_ms, found.p95_ms) == (10.0, 10.0)
    assert found.frames_per_second == pytest.approx(100 / 1.1)
    assert found.sentence().endswith("enough for 90.9 frames/s")


def test_a_video_comes_in_real_time(spot_video):
    """Ten frames after the first need 0.4 s at 25 frames/s; a slow reader gets the newest, and the rest is counted."""
    with closing(LiveSource(str(spot_video))) as source:
        assert source.size == SIZE
        begin, taken = time.perf_counter(), []
        for frame in source:
            taken.append(frame.number)
            time.sleep(0.1)
    assert time.perf_counter() - begin >= 0.4
    assert taken == sorted(set(taken))
    assert len(taken) + source.dropped == 11


@pytest.fixture
def ffmpeg(tmp_path, monkeypatch):
    """A function that puts a program in ffmpeg's place."""

    def install(text):
        (tmp_path / "ffmpeg").write_text(text)
        (tmp_path / "ffmpeg").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    return install


@pytest.mark.skipif(os.name == "nt", reason="programs are scripts here")
@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="this system has no folder in memory there")
def test_a_video_among_devices_is_a_video(spot_video):
    """Kind: a name taken for a place: Linux keeps a folder for files in memory where cameras are."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        video = shutil.copy(spot_video, folder)
        assert not is_camera(video)
        with closing(LiveSource(video)) as source:
            assert source.size == SIZE
    assert is_camera("/dev/video7")


def test_a_camera_that_stops_is_one_sentence(ffmpeg):
    """Frames come until then."""
    ffmpeg(FFMPEG)
    with closing(LiveSource("0")) as source:
        frames = iter(source)
        assert next(frames).image.shape == (48, 64, 3)
        with pytest.raises(VideoError, match="camera 0 stopped"):
            list(frames)


def test_a_camera_that_is_silent_is_one_sentence(spot_video, monkeypatch):
    """It is waited for, but not for ever."""
    monkeypatch.setattr(live, "_PATIENCE", 0.05)
    monkeypatch.setattr(LiveSource, "_read", lambda self: None)
    with closing(LiveSource(str(spot_video))) as source, pytest.raises(VideoError, match="has sent no frame for"):
        next(iter(source))


def test_what_a_camera_sends_before_a_frame_is_asked_for_is_not_dropped(ffmpeg):
    """It is opened before the network is loaded, which takes long; the newest frame is the first one taken."""
    ffmpeg(FFMPEG)
    with closing(LiveSource("0")) as source:
        source._thread.join()
        assert next(iter(source)).number == 2
        assert source.dropped == 0


@pytest.mark.skipif(os.name == "nt", reason="programs are scripts here")
def test_what_cannot_be_opened_is_one_sentence(ffmpeg, tmp_path, monkeypatch):
    """A camera that is not there, in plain words; no ffmpeg; a file that is no video."""
    ffmpeg("#!/bin/sh\necho /dev/video7: No such device >&2\n")
    with pytest.raises(VideoError, match=r"Cannot open 7: there is none"):
        LiveSource("7")
    (tmp_path / "no.mp4").write_text("no video")
    with pytest.raises(VideoError, match=r"Cannot open .*no\.mp4: it cannot be read as a video"):
        LiveSource(str(tmp_path / "no.mp4"))
    monkeypatch.setattr(live.shutil, "which", lambda name: None)
    with pytest.raises(VideoError, match="install ffmpeg"):
        LiveSource("0")


def test_poses_are_lines_of_json():
    """Number and time of the frame, and x, y and likelihood of each bodypart."""
    line = json_line(LiveFrame(7, 0.28, spot()), POSE, ("nose", "tail"), latency=0.0123)
    assert json.loads(line) == {
        "frame": 7,
        "seconds": 0.28,
        "latency_ms": 12.3,
        "bodyparts": {"nose": [10.25, 20.0, 0.9], "tail": [3.0, 4.0, 0.1]},
    }


def test_programs_that_connect_get_every_line():
    """One that leaves is forgotten, one that does not read delays nobody and gets whole lines only."""
    with closing(PoseServer(0)) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            server.send(b"one\n")
            server.send(b"two\n")
            assert client.makefile().readline() == "one\n"
        idle = socket.create_connection(("127.0.0.1", server.port))
        with closing(idle):
            for number in range(200):
                server.send(b"%06d" % number + b"x" * 50_000 + b"\n")
            idle.settimeout(0.2)
            lines = idle.makefile("rb")
            first = [lines.readline() for _ in range(2)]
        assert [line[:6] for line in first] == [b"000000", b"000001"]
        with pytest.raises(ArgumentError, match=f"Port {server.port} is used by another program"):
            PoseServer(server.port)
    with pytest.raises(ArgumentError, match=r"port is 70000, expected 0 .* to 65535"):
        PoseServer(70_000)


def test_a_page_shows_the_newest_frame():
    """The page has a picture, which is one JPEG after the other."""
    with closing(PosePage(0.5)) as page:
        with urllib.request.urlopen(page.address) as answer:
            assert b"<img src=frames" in answer.read()
        ended = threading.Event()

        def show():
            while not ended.wait(0.02):
                page.show(LiveFrame(0, 0.0, spot()), POSE)

        shown = threading.Thread(target=show)
        shown.start()
        with urllib.request.urlopen(f"{page.address}frames", timeout=5) as answer:
            assert answer.readline() == b"--frame\r\n"
            assert answer.readline() == b"Content-Type: image/jpeg\r\n"
            assert answer.read(5)[2:] == b"\xff\xd8\xff"
        ended.set()
        shown.join()
