"""Live use: poses of a camera while it records (`live`), and how fast single frames are (`benchmark`)."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from posecut_core.errors import ArgumentError, PosecutError, VideoError
from posecut_core.inference.live import Latency, LiveSource, PosePage, PoseServer, PoseStream, is_camera, json_line
from posecut_core.inference.predictor import Predictor, chosen_engine
from posecut_core.inference.stored_frames import Predicts
from posecut_core.inference.tracking_crop import Dynamic, TrackingReport, given_tracking
from posecut_core.progress import Notice, Progress, Report, silent
from posecut_core.project.given import forgiving
from posecut_core.project.opening import open_project, project_videos, resolve_video
from posecut_core.project.paths import Training
from posecut_core.project.state import read_state
from posecut_core.results import Summary, counted
from posecut_core.types import Crop, EngineName
from posecut_core.video.reader import VideoReader

_WARM = 10  # frames that are not timed
_REPORTED = 0.5  # seconds between two reports


@dataclass(frozen=True)
class Benchmark:
    """How long a network takes for single frames, decoding not included."""

    scorer: str
    engine: str  # what computed, and in which precision
    video: Path
    frame_count: int  # that were timed
    width: int
    height: int
    latency: Latency
    tracking: TrackingReport | None = None  # what the tracking crop did; None without one

    def summary(self) -> Summary:
        """Say how long a frame took."""
        frames = f"{counted(self.frame_count, 'frame')} of {self.width}x{self.height} pixels, one at a time"
        return Summary(f"{self.scorer} on {self.engine}: {frames}: {self.latency.sentence()}.", _tracked(self.tracking))


@forgiving
def benchmark(
    config: str | os.PathLike[str],
    *,
    video: str | os.PathLike[str] | None = None,
    shuffle: int = 1,
    trainingsetindex: int = 0,
    snapshot: int | str | None = None,
    engine: EngineName | None = None,
    dynamic: Dynamic = (False, 0.5, 10),
    number_of_frames: int = 300,
    report: Report = silent,
) -> Benchmark:
    """Measure how long the network takes for one frame at a time, as it is used live.

    Decoding is not included, nor are the first frames, during which programs are compiled.

    Args:
        config: path of config.yaml.
        video: file, or name of a project video, whose frames are used; by default the first video of the project.
        shuffle: which shuffle's network.
        trainingsetindex: which of config.yaml's training fractions, counted from 0.
        snapshot: number of training steps of the snapshot, or "last"; by default snapshotindex in config.yaml decides.
        engine: what computes the poses, as in `analyze_videos`; by default engine in posecut.yaml decides.
        dynamic: state, detection threshold and margin of a tracking crop, such as True,0.5,10.
        number_of_frames: how many frames are timed, or fewer if the video has no more.
        report: called after each frame.

    Raises:
        VideoError: there is no such video, or it cannot be read.
        ModelError: there is no such snapshot, or the engine is not installed or deviates too much for this network.
    """
    project = open_project(config)
    named = next(iter(project_videos(project)), None) if video is None else video
    if named is None:
        raise VideoError(f"{project.config_path} names no video to take frames from; give one.")
    path = resolve_video(project, named)
    given_tracking(dynamic)  # refused now rather than after the network has been loaded
    with VideoReader(path) as reader:
        predictor = _predictor(project.training(shuffle, trainingsetindex), snapshot, engine, report)
        window = project.config.crop or Crop.of_frame(reader.index.width, reader.index.height)
        height, width = window.y2 - window.y1, window.x2 - window.x1
        stream = PoseStream(predictor, size=(height, width), dynamic=dynamic)
        wanted = min(number_of_frames + _WARM, reader.index.frame_count)
        seconds = []
        for number, image in reader.frames(range(wanted)):
            if image is None:
                continue
            begin = time.perf_counter()
            stream(image[window.y1 : window.y2, window.x1 : window.x2])
            seconds.append(time.perf_counter() - begin)
            report(Progress(f"timing {path.name}", number + 1, wanted))
    timed = seconds[_WARM:] or seconds
    if not timed:
        raise VideoError(f"None of the first {wanted} frames of {path.name} can be read; give another video.")
    latency = Latency.of(timed)
    return Benchmark(predictor.scorer, predictor.engine_name, path, len(timed), width, height, latency, stream.tracking)


@dataclass(frozen=True)
class LiveRun:
    """What became of the frames of a source."""

    scorer: str
    engine: str  # what computed, and in which precision
    source: str
    frame_count: int  # whose poses were predicted
    dropped: int  # frames that came while the network was busy
    latency: Latency | None  # from when a frame was taken to its pose; None where there was none
    tracking: TrackingReport | None = None  # what the tracking crop did; None without one

    def summary(self) -> Summary:
        """Say how many frames had poses, and how fast."""
        speed = f"; {self.latency.sentence()}" if self.latency else ""
        count = counted(self.frame_count, "pose")
        told = f"{count} of {self.source}, {counted(self.dropped, 'frame')} dropped{speed}."
        return Summary(told, _tracked(self.tracking))


@forgiving
def live(
    config: str | os.PathLike[str],
    *,
    source: str | int = "0",
    shuffle: int = 1,
    trainingsetindex: int = 0,
    snapshot: int | str | None = None,
    engine: EngineName | None = None,
    dynamic: Dynamic = (False, 0.5, 10),
    port: int | None = None,
    show: bool = False,
    number_of_frames: int | None = None,
    report: Report = silent,
) -> LiveRun:
    """Predict poses of a camera, or of a video in real time, until it ends or Ctrl-C is pressed.

    The newest frame is always the next; frames that come while the network is busy are dropped and counted. Positions
    are pixels of the source's frames.

    Args:
        config: path of config.yaml.
        source: number of a camera (read by the program ffmpeg), the address of a stream, a video file, or the name of a
            project video.
        shuffle: which shuffle's network.
        trainingsetindex: which of config.yaml's training fractions, counted from 0.
        snapshot: number of training steps of the snapshot, or "last"; by default snapshotindex in config.yaml decides.
        engine: what computes the poses, as in `analyze_videos`; by default engine in posecut.yaml decides.
        dynamic: state, detection threshold and margin of a tracking crop, such as True,0.5,10.
        port: send each pose as a line of JSON to programs that connect to this port of this computer; 0 is any free
            one. A program that reads too slowly misses lines.
        show: serve a page for a browser on this computer that shows the frames with their poses.
        number_of_frames: stop after so many poses.
        report: told where the page and the port are, and about twice a second how many frames there were.

    Raises:
        ArgumentError: the port is taken.
        VideoError: the source cannot be opened, a camera stopped, or a frame has another size than those before it:
            `done` of the error is the result until then.
        ModelError: there is no such snapshot, or the engine is not installed or deviates too much for this network.
    """
    project, name = open_project(config), str(source)
    failure: PosecutError | None = None
    with ExitStack() as open_things:
        given_tracking(dynamic)  # what cannot work is refused before the network is loaded, which takes long
        opened = name if is_camera(name) else str(resolve_video(project, name))
        frames = open_things.enter_context(closing(LiveSource(opened)))
        server = None if port is None else open_things.enter_context(closing(PoseServer(port)))
        predictor = _predictor(project.training(shuffle, trainingsetindex), snapshot, engine, report)
        stream = PoseStream(predictor, size=frames.size, dynamic=dynamic)
        page = open_things.enter_context(closing(PosePage(project.config.pcutoff))) if show else None
        if server is not None:
            report(Notice(f"Poses are sent to programs that connect to port {server.port}"))
        if page is not None:
            report(Notice(f"Open {page.address} in a browser to see the frames"))
        seconds: list[float] = []
        try:
            for latency in _poses(frames, stream, server, page, name, report):
                seconds.append(latency)
                if len(seconds) == number_of_frames:
                    break
        except KeyboardInterrupt:  # the way to end it
            pass
        except ArgumentError as error:  # a frame of another size, which is the source's and no argument here
            failure = VideoError(str(error))
        except PosecutError as error:  # a camera that stopped
            failure = error
        dropped = frames.dropped
    speed = Latency.of(seconds) if seconds else None
    run = LiveRun(predictor.scorer, predictor.engine_name, name, len(seconds), dropped, speed, stream.tracking)
    if failure is not None:
        failure.done = run if seconds else None
        raise failure
    return run


def _tracked(tracking: TrackingReport | None) -> tuple[str, ...]:
    """Say what a tracking crop did, if there was one."""
    return () if tracking is None else (f"{tracking.sentence().capitalize()}.",)


def _poses(
    frames: LiveSource, stream: PoseStream, server: PoseServer | None, page: PosePage | None, name: str, report: Report
) -> Iterator[float]:
    """Predict, send and show each frame; yield the seconds that its pose took."""
    reported = 0.0
    for count, frame in enumerate(frames, start=1):
        begin = time.perf_counter()
        pose = stream(frame.image)
        latency = time.perf_counter() - begin
        if server is not None:
            server.send(json_line(frame, pose, stream.bodyparts, latency=latency))
        if page is not None:
            page.show(frame, pose)
        if time.perf_counter() - reported > _REPORTED:
            reported = time.perf_counter()
            report(Progress(f"poses of {name}", count, None, {"ms": 1000 * latency, "dropped": frames.dropped}))
        yield latency


def _predictor(training: Training, snapshot: int | str | None, engine: EngineName | None, report: Report) -> Predicts:
    predictor = Predictor.load(training.folder, snapshot=training.chosen_steps(snapshot)[-1])
    wanted = engine or read_state(training.project.settings_path).engine
    return chosen_engine(predictor, training, wanted, latency=True, report=report)
