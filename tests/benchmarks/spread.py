"""Analyze many short videos in one process and in several, of which one is killed now and then, and compare.

    python tests/benchmarks/spread.py [--videos 1000] [--cluster local:4 | dask:4] [--kill 10] [--restart] [--clients 2]

The videos are links to a few rendered ones of 64 frames each, the network is a thin one with random weights: what is
measured is the work around it. Every so many seconds, and not before all have begun, a worker is killed.
`dask:N` starts a scheduler and N workers of dask on this computer; with `--restart` the scheduler is killed when a
third of the videos are done, and started again. With `--clients 2` another program analyzes the same videos into the
same folder at the same time. Prints JSON: how many tables equal the serial ones byte for byte (with `dask:N`, those of
the videos that they are links to), how many were lost, how many processes were killed, and the seconds that it took;
with `local:N` also the seconds of one process and what a video took more of processors than alone, in milliseconds;
with `dask:N` the most memory of the scheduler, in MB. Ends with 1 where a table is missing or differs.
"""

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import psutil

from posecut_core.backbones.resnet import ResNetSpec
from posecut_core.dataset.settings import TrainingSettings, write_settings
from posecut_core.errors import AnalysisError, BusyError
from posecut_core.model.pose_net import NetworkSpec, initial_parameters
from posecut_core.model.snapshots import SnapshotInfo, save_snapshot
from posecut_core.model.step import initial_state
from posecut_core.progress import Progress
from posecut_core.project.opening import open_project
from posecut_core.video.writer import VideoWriter
from posecut_core.workflow.analyze_videos import analyze_videos
from posecut_core.workflow.create_project import create_new_project

FRAMES, SIDE, DIFFERENT = 64, 64, 8
PARTS = ("white", "black")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=1000)
    parser.add_argument("--cluster", default="local:4")
    parser.add_argument("--kill", type=float, default=10.0, help="seconds between kills; 0 kills none")
    parser.add_argument("--restart", action="store_true", help="restart the scheduler once; with dask:N")
    parser.add_argument("--clients", type=int, default=1, choices=(1, 2))
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the workers are ended
    with tempfile.TemporaryDirectory(prefix="posecut-spread-") as name:
        folder = Path(name)
        kind, _, count = given.cluster.partition(":")
        workers = DaskWorkers(folder, int(count)) if kind == "dask" else Workers(given.cluster, int(count))
        try:
            found = measured(folder, workers, given)
        finally:
            workers.end()
    print(json.dumps(found))
    return 0 if found["equal"] == given.videos and not found["lost"] else 1


def measured(folder: Path, workers: "Workers", given: argparse.Namespace) -> dict[str, object]:
    config = make_project(folder)
    videos = make_videos(folder / "many", given.videos)
    analyze_videos(config, videos[:1], destfolder=folder / "warm", engine="xla")
    start, used = time.perf_counter(), _processor()
    timed = not isinstance(workers, DaskWorkers)  # whose processor's time is not seen from here
    analyzed = videos if timed else videos[:DIFFERENT]  # the others are links to these
    serial = analyze_videos(config, analyzed, destfolder=folder / "serial", engine="xla")
    alone, alone_used = time.perf_counter() - start, _processor() - used
    disturber = Disturber(workers, given.kill, given.videos // 3 if given.restart else 0)
    threading.Thread(target=disturber.run, daemon=True).start()
    spread = folder / "spread"
    options = {"destfolder": spread, "engine": "xla", "cluster": workers.cluster}
    words = [str(config), str(spread), workers.cluster, *map(str, videos)]
    other = subprocess.Popen([sys.executable, "-c", _OTHER, *words]) if given.clients == 2 else None
    start, used = time.perf_counter(), _processor()
    busy = 0
    try:
        analyze_videos(config, videos, report=disturber.hear, **options)
    except AnalysisError as error:  # the other program was at these
        busy = len(error.failed)
        if other is None or not all(isinstance(one, BusyError) for one in error.failed.values()):
            raise
    together, together_used = time.perf_counter() - start, _processor() - used
    disturber.ended.set()
    if other is not None:
        other.wait()
        analyze_videos(config, videos, **options)
    originals = list(zip(analyzed, serial.files, strict=True))
    pairs = []
    for number, video in enumerate(videos):
        original, path = originals[number % len(originals)]
        pairs.append((path, spread / path.name.replace(original.stem, video.stem, 1)))
    equal = sum(other.is_file() and path.read_bytes() == other.read_bytes() for path, other in pairs)
    lost = sum(not other.is_file() for _, other in pairs)
    found: dict[str, object] = {"videos": given.videos, "equal": equal, "lost": lost, "killed": disturber.killed}
    found["spread_s"] = round(together, 1)
    if timed:
        found |= {"serial_s": round(alone, 1)}
        found["overhead_ms"] = round((together_used - alone_used) / given.videos * 1000, 1)
    else:
        found |= {"scheduler_mb": round(disturber.most / 1e6, 1), "restarted": disturber.restarted}
    return found | ({"busy": busy} if given.clients == 2 else {})


_OTHER = """
import sys
from posecut_core.errors import AnalysisError
from posecut_core.workflow.analyze_videos import analyze_videos
if __name__ == "__main__":
    config, folder, cluster, *videos = sys.argv[1:]
    try:
        analyze_videos(config, videos, destfolder=folder, engine="xla", cluster=cluster)
    except AnalysisError:
        pass
"""


def _processor() -> float:
    """Return the seconds of processors that this process and all that it has started have used."""
    used = list(os.times()[:4])
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            used += child.cpu_times()[:4]
    return sum(used)


class Workers:
    """Worker processes of this one."""

    def __init__(self, cluster: str, count: int) -> None:
        self.cluster, self.count = cluster, count

    def processes(self) -> list[psutil.Process]:
        """List those that are at work; on Linux they are children of one that only starts them."""
        children = psutil.Process().children()
        return _spawned(children) + [one for child in _spawned(children, "forkserver") for one in child.children()]

    def end(self) -> None:
        """End them; here they have ended already."""


class DaskWorkers(Workers):
    """A scheduler of dask and workers, in processes of their own."""

    def __init__(self, folder: Path, count: int) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        super().__init__(f"tcp://127.0.0.1:{port}", count)
        self._scheduler = ("scheduler", "--host", "127.0.0.1", "--port", str(port))
        places = ("--nworkers", str(count), "--nthreads", "1", "--local-directory", str(folder))
        self._workers = ("worker", self.cluster, *places)
        self.begin()

    def begin(self) -> None:
        """Start scheduler and workers."""
        self.scheduler = psutil.Process(self._started(*self._scheduler))
        self._worker = psutil.Process(self._started(*self._workers))

    def processes(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):  # while the scheduler is restarted
            return _spawned(self._worker.children(recursive=True))
        return []

    def end(self) -> None:
        for process in (self._worker, self.scheduler):
            for one in (*process.children(recursive=True), process):
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            process.wait()

    def _started(self, kind: str, *words: str) -> int:
        program = (sys.executable, "-m", f"distributed.cli.dask_{kind}", *words, "--no-dashboard")
        return subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid


def _spawned(processes: list[psutil.Process], how: str = "spawn_main") -> list[psutil.Process]:
    found = []
    for one in processes:
        with suppress(psutil.Error):
            found += [one] if how in " ".join(one.cmdline()) else []
    return found


def _has_begun(process: psutil.Process) -> bool:
    """Tell whether a process has loaded what computes."""
    with suppress(OSError):
        return "jaxlib" in Path(f"/proc/{process.pid}/maps").read_text()
    return False


class Disturber:
    """Kills a worker process now and then, and the scheduler once."""

    def __init__(self, workers: Workers, pause: float, restart_at: int) -> None:
        self.workers, self.pause, self.restart_at = workers, pause, restart_at
        self.killed, self.most, self.restarted = 0, 0, False
        self.begun, self.ended = threading.Event(), threading.Event()

    def hear(self, told: object) -> None:
        """Begin with the first report; restart the scheduler when so many videos are done."""
        self.begun.set()
        if isinstance(self.workers, DaskWorkers):
            with suppress(psutil.Error):
                self.most = max(self.most, self.workers.scheduler.memory_info().rss)
            if self.restart_at and isinstance(told, Progress) and told.done >= self.restart_at:
                self.restart_at, self.restarted = 0, True
                self.workers.end()
                self.workers.begin()

    def run(self) -> None:
        self.begun.wait()
        while self.pause and not self.ended.wait(self.pause):
            while sum(map(_has_begun, self.workers.processes())) < self.workers.count and not self.ended.wait(0.1):
                pass  # until the last one is replaced
            with suppress(psutil.Error):
                if served := self.workers.processes():
                    random.choice(served).kill()
                    self.killed += 1


def make_project(folder: Path) -> Path:
    """Make a project with a thin network of random weights."""
    with VideoWriter(folder / "first.mp4", fps=25, width=SIDE, height=SIDE) as writer:
        writer.write(np.zeros((SIDE, SIDE, 3), np.uint8))
    config = create_new_project("Spread", "me", [folder / "first.mp4"], folder, bodyparts=PARTS).config_path
    training = open_project(config).training(1)
    spec = NetworkSpec(ResNetSpec(depth=18, width=0.25), PARTS)
    settings = TrainingSettings(net_type="resnet_18", global_scale=1.0)
    write_settings(training.settings, settings)
    state = initial_state(initial_parameters(0, spec), settings)
    save_snapshot(training.folder, SnapshotInfo(10, str(training.run), spec, 1.0), state)
    return config


def make_videos(folder: Path, count: int) -> list[Path]:
    """Render a few videos, and link to them under many names."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    videos = []
    for number in range(count):
        path = folder / f"video{number:05d}.mp4"
        if number < DIFFERENT:
            with VideoWriter(path, fps=25, width=SIDE, height=SIDE) as writer:
                for _ in range(FRAMES):
                    writer.write(rng.integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8))
        else:
            path.hardlink_to(videos[number % DIFFERENT])
        videos.append(path)
    return videos


if __name__ == "__main__":
    sys.exit(main())
