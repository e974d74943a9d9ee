"""Poses while they happen: frame by frame, from a camera or a video in real time, and on to other programs."""

import errno
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
from jaxtyping import Float64, UInt8
from PIL import Image, ImageDraw

from posecut_core.errors import ArgumentError, ModelError, VideoError
from posecut_core.inference.predictor import scale_of
from posecut_core.inference.stored_frames import Predicts, check_images
from posecut_core.inference.tracking_crop import Dynamic, Tracker, TrackingReport, Windows, given_tracking
from posecut_core.results import counted

# --- stream -----------------------------------------------------------------------------------------------------------
# One frame in, one pose out.


@dataclass(frozen=True)
class Pose:
    """Where the bodyparts are in one frame, in pixels of it."""

    xy: Float64[np.ndarray, "K 2"]
    likelihood: Float64[np.ndarray, " K"]


class PoseStream:
    """Predict the poses of frames that come one by one, all of one size.

        stream = PoseStream(Predictor.load(folder), size=(480, 640))
        pose = stream(frame)

    Args:
        network: the network.
        size: height and width of the frames, for which everything is compiled at once; by default those of the first
            frame, which takes longer then.
        dynamic: state, detection threshold and margin of a tracking crop, as `analyze_videos` takes them.

    Raises:
        ArgumentError: `size` or `dynamic` is something else.
        ModelError: the network sees frames that come later (`context`).
    """

    def __init__(
        self, network: Predicts, *, size: Sequence[object] | None = None, dynamic: Dynamic = (False, 0.5, 10)
    ) -> None:
        if network.context:
            raise ModelError(
                f"{network.scorer} sees {counted(network.context, 'frame')} after each, which a stream does not have "
                "yet; train a network with context 0 for it."
            )
        self.bodyparts = network.bodyparts
        self._network = network
        self._tracking = given_tracking(dynamic)
        self._size = None if size is None else _given_size(size)
        self._tracker: Tracker | None = None
        self._count = 0
        if self._size is not None:
            self._warm_up(self._size)

    def __call__(self, frame: Any) -> Pose:
        """Return the pose in the next frame: uint8 [H, W, 3] in RGB, or [H, W] or [H, W, 1] in gray.

        Raises:
            ArgumentError: the frame is no image of 8 bits, or has another size than those before.
        """
        image = self._checked(frame)
        if self._size is None:
            self._size = (image.shape[0], image.shape[1])
            self._warm_up(self._size)
        self._count += 1
        if self._tracker is not None:
            row = self._tracker(image)
            return Pose(row[:, :2], row[:, 2])
        xy, likelihood = self._network.predict(image[None])
        return Pose(xy[0], likelihood[0])

    @property
    def tracking(self) -> TrackingReport | None:
        """What the tracking crop did so far; None without one."""
        return self._tracker.report if self._tracker else None

    def _checked(self, frame: Any) -> UInt8[np.ndarray, "H W 3"]:
        check_images(frame, what=f"Frame {self._count} of the stream is", batch=False)
        shape: tuple[int, ...] = frame.shape
        if self._size is not None and shape[:2] != self._size:
            height, width = self._size
            raise ArgumentError(
                f"Frame {self._count} of the stream has {shape[1]}x{shape[0]} pixels, expected {width}x{height} as "
                "before; begin another stream for frames of another size."
            )
        image = np.broadcast_to(frame.reshape(*shape[:2], -1), (*shape[:2], 3))
        return np.ascontiguousarray(image)

    def _warm_up(self, size: tuple[int, int]) -> None:
        """Compile what frames of this size need."""
        sizes: Sequence[tuple[int, int]] = [size]
        if self._tracking is not None:
            windows = Windows(self._tracking, *size, scale_of(self._network))
            self._tracker = Tracker(self._network, windows)
            sizes = [size, *windows.sizes]
        for height, width in sizes:
            self._network.predict(np.zeros((1, height, width, 3), np.uint8))


def _given_size(given: object) -> tuple[int, int]:
    match given:
        case (int() | np.integer() as height, int() | np.integer() as width) if min(height, width) > 0:
            return int(height), int(width)
    raise ArgumentError(f"size is {given!r}, expected height and width in pixels, such as (480, 640).")


@dataclass(frozen=True)
class Latency:
    """How long single frames took, in milliseconds, and how many there could be in a second."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    frames_per_second: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Latency":
        """Sum up the times of frames, of which there is at least one."""
        p50, p95, p99 = (1000 * np.percentile(seconds, (50, 95, 99))).tolist()
        return cls(p50, p95, p99, len(seconds) / max(sum(seconds), 1e-9))

    def sentence(self) -> str:
        """Say it in a sentence."""
        return (
            f"{self.p50_ms:.1f} ms (median), {self.p95_ms:.1f} ms (95th percentile), {self.p99_ms:.1f} ms (99th "
            f"percentile), enough for {self.frames_per_second:.1f} frames/s"
        )


# --- sources ----------------------------------------------------------------------------------------------------------
# The newest frame of a camera, or of a video in real time; frames that nobody took in time are dropped and counted.


_PATIENCE = 10.0  # seconds without a frame after which a source has stopped
_REASONS = {  # words of FFmpeg and of the system, and what they mean
    "no such": "there is none",
    "busy": "another program uses it",
    "denied": "it must not be read",
    "not permitted": "it must not be read",
    "refused": "nothing answers there",
    "timed out": "nothing answers there",
}
_DEVICES = {"linux": ("v4l2", "/dev/video{}"), "darwin": ("avfoundation", "{}"), "win32": ("dshow", "video={}")}


@dataclass(frozen=True)
class LiveFrame:
    """A frame as it came."""

    number: int  # among those that the source has sent
    seconds: float  # since the first
    image: UInt8[np.ndarray, "H W 3"]


def is_camera(source: str) -> bool:
    """Tell a camera, or the address of a stream, from a video file or the name of one."""
    return _is_device(source) or "://" in source


def _is_device(source: str) -> bool:
    return source.isdigit() or (source.startswith("/dev/") and not Path(source).is_file())  # as /dev/shm/mouse.mp4 is


class LiveSource:
    """Yield the newest frame whenever one is asked for, until the source ends.

    A camera is read from now on; what has a length begins when the first frame is asked for.

    Raises:
        VideoError: the source cannot be opened; while frames are taken: a camera stopped.
    """

    def __init__(self, source: str) -> None:
        self._name = source
        self.is_camera = is_camera(source)
        self.dropped = 0
        self._ready = threading.Condition()
        self._newest: LiveFrame | None = None
        self._ended = self._stopped = False
        self._error: Exception | None = None
        self._program: subprocess.Popen[bytes] | None = None
        self._container = self._opened()
        self._thread = threading.Thread(target=self._read, name="live source", daemon=True)
        if self.is_camera and self._container.duration is None:
            self._thread.start()

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frames."""
        stream = self._container.streams.video[0]
        return stream.height, stream.width

    def __iter__(self) -> Iterator[LiveFrame]:
        if self._thread.ident is None:
            self._thread.start()
        with self._ready:
            self.dropped = 0  # nobody has waited until now
        while True:
            with self._ready:
                if not self._ready.wait_for(lambda: self._newest is not None or self._ended, timeout=_PATIENCE):
                    raise self._silence(f"has sent no frame for {_PATIENCE:.0f} seconds")
                frame, self._newest = self._newest, None
            if frame is None:
                if self._error is not None or self.is_camera:
                    raise self._silence("stopped") from self._error
                return
            yield frame

    def close(self) -> None:
        """Let go of the source."""
        self._stopped = True
        if self._program is not None:
            self._program.kill()
            self._program.wait()
        if self._thread.ident is not None:
            self._thread.join(timeout=1)  # one that hangs in a driver ends with the process
        else:
            self._container.close()
        for pipe in () if self._program is None else (self._program.stdout, self._program.stderr):
            if pipe is not None:
                pipe.close()

    def _silence(self, what: str) -> VideoError:
        kind = "camera" if self.is_camera else "video"
        return VideoError(f"The {kind} {self._name} {what}; check that it is connected and not used elsewhere.")

    def _opened(self) -> Any:
        try:
            if _is_device(self._name):
                pipe = subprocess.PIPE
                self._program = subprocess.Popen(_camera_command(self._name), stdout=pipe, stderr=pipe)
                container = av.open(self._program.stdout, format="nut")
            else:
                container = av.open(self._name)
            if not container.streams.video:
                raise ValueError("it has no pictures")
            return container
        except VideoError:
            raise
        except (OSError, ValueError, av.error.FFmpegError) as error:
            reason = _reason(_last_line(self._program) or getattr(error, "strerror", None) or str(error))
            raise VideoError(f"Cannot open {self._name}: {reason}; give the number of a camera, or a video.") from error

    def _read(self) -> None:
        try:
            begin = None
            for number, picture in enumerate(self._container.decode(video=0)):
                now = time.perf_counter()
                begin = now if begin is None else begin
                due = float(number / self._rate) if not self.is_camera else now - begin
                while not self._stopped and (wait := begin + due - time.perf_counter()) > 0:
                    time.sleep(min(wait, 0.1))
                if self._stopped:
                    break
                frame = LiveFrame(number, due, picture.to_ndarray(format="rgb24"))
                with self._ready:
                    self.dropped += self._newest is not None
                    self._newest = frame
                    self._ready.notify()
        except Exception as error:  # told where frames are taken
            self._error = error
        with self._ready:
            self._ended = True
            self._ready.notify()
        with suppress(Exception):
            self._container.close()

    @property
    def _rate(self) -> Fraction:
        return self._container.streams.video[0].average_rate or Fraction(25)


def _camera_command(camera: str) -> list[str]:
    """Return the command by which the program ffmpeg reads a camera, which PyAV's wheels cannot.

    Raises:
        VideoError: ffmpeg is not installed.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        raise VideoError(f"The program ffmpeg, which reads camera {camera}, was not found; install ffmpeg.")
    kind, name = _DEVICES.get(sys.platform, _DEVICES["linux"])
    device = name.format(camera) if camera.isdigit() else camera
    raw = ["-pix_fmt", "rgb24", "-c:v", "rawvideo", "-f", "nut", "-"]
    return [program, "-loglevel", "error", "-f", kind, "-i", device, *raw]


def _reason(said: str) -> str:
    """Return in plain words what FFmpeg or the system said."""
    return next((plain for words, plain in _REASONS.items() if words in said.lower()), "it cannot be read as a video")


def _last_line(program: "subprocess.Popen[bytes] | None") -> str:
    if program is None:
        return ""
    program.kill()
    lines = program.communicate()[1].decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


# --- sending ----------------------------------------------------------------------------------------------------------
# Poses as JSON lines over a socket, and a page that shows them; both listen on this computer only.


_HOST = "127.0.0.1"
_LAST_PORT = 65535


def json_line(frame: LiveFrame, pose: Pose, bodyparts: Sequence[str], *, latency: float) -> bytes:
    """Write a pose as a line of JSON: number and time of the frame, x, y and likelihood of each bodypart."""
    parts = {
        part: [round(x, 3), round(y, 3), round(likelihood, 4)]
        for part, (x, y), likelihood in zip(bodyparts, pose.xy.tolist(), pose.likelihood.tolist(), strict=True)
    }
    values = {"frame": frame.number, "seconds": round(frame.seconds, 4), "latency_ms": round(1000 * latency, 2)}
    return json.dumps({**values, "bodyparts": parts}).encode() + b"\n"


class PoseServer:
    """Send lines to every program that has connected; one that reads too slowly misses lines, and delays nobody.

    Args:
        port: where to listen; 0 is any that is free.

    Raises:
        ArgumentError: the port is taken, or there is none of this number.
    """

    def __init__(self, port: int) -> None:
        if not 0 <= port <= _LAST_PORT:
            raise ArgumentError(f"port is {port}, expected 0 (any that is free) to {_LAST_PORT}.")
        try:
            self._socket = socket.create_server((_HOST, port))
        except OSError as error:
            wrong = "is used by another program" if error.errno == errno.EADDRINUSE else "may not be used here"
            raise ArgumentError(f"Port {port} {wrong}; choose another one, or 0 for any that is free.") from error
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self._unsent: dict[socket.socket, bytes] = {}  # what is left of the last line of each

    def send(self, line: bytes) -> None:
        """Send a line to those that have read the lines before."""
        with suppress(BlockingIOError):
            while True:
                client = self._socket.accept()[0]
                client.setblocking(False)
                self._unsent[client] = b""
        for client, rest in list(self._unsent.items()):
            try:
                data = rest or line
                self._unsent[client] = data[client.send(data) :]
                if rest and not self._unsent[client]:
                    self._unsent[client] = line[client.send(line) :]
            except BlockingIOError:
                continue
            except OSError:
                del self._unsent[client]
                client.close()

    def close(self) -> None:
        """Stop listening."""
        for each in (self._socket, *self._unsent):
            each.close()


class PosePage:
    """A page for a browser with the newest frame and its pose; pictures are drawn only while somebody looks.

    Args:
        pcutoff: bodyparts of at least this likelihood are shown.
    """

    def __init__(self, pcutoff: float) -> None:
        self._pcutoff = pcutoff
        self._fresh = threading.Condition()
        self._newest: tuple[LiveFrame, Pose] | None = None
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page._answer(self)

            def log_message(self, format: str, *args: object) -> None:
                """Be silent."""

        self._server = ThreadingHTTPServer((_HOST, 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://{_HOST}:{self._server.server_address[1]}/"
        self._thread = threading.Thread(target=self._server.serve_forever, name="live page", daemon=True)
        self._thread.start()

    def show(self, frame: LiveFrame, pose: Pose) -> None:
        """Let the page show a frame."""
        with self._fresh:
            self._newest = frame, pose
            self._fresh.notify_all()

    def close(self) -> None:
        """Serve the page no longer."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        """Send the page, or as its picture one JPEG after the other."""
        request.send_response(200)
        if request.path != "/frames":
            request.send_header("Content-Type", "text/html; charset=utf-8")
            request.end_headers()
            request.wfile.write(b"<!doctype html><title>PoseCut live</title><img src=frames style=max-width:100%>")
            return
        request.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        request.end_headers()
        with suppress(OSError):  # whoever looked has left
            while True:
                with self._fresh:
                    if not self._fresh.wait(timeout=_PATIENCE) or self._newest is None:
                        return
                    frame, pose = self._newest
                picture = _jpeg(frame.image, pose, self._pcutoff)
                request.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + picture + b"\r\n")


def _jpeg(image: UInt8[np.ndarray, "H W 3"], pose: Pose, pcutoff: float) -> bytes:
    """Draw a disc on each bodypart, each in a color of its own."""
    picture = Image.fromarray(image)
    draw, radius = ImageDraw.Draw(picture), max(2, round(max(image.shape) / 160))
    for part, ((x, y), likelihood) in enumerate(zip(pose.xy.tolist(), pose.likelihood.tolist(), strict=True)):
        if likelihood >= pcutoff:
            color = f"hsv({360 * part // len(pose.xy)},100%,100%)"
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color, outline="black")
    written = BytesIO()
    picture.save(written, "JPEG", quality=80)
    return written.getvalue()
