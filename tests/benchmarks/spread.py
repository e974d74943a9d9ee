"""Analyze many short videos in one process and in several, of which one is killed now and then, and compare.

    python tests/benchmarks/spread.py [--videos 1000] [--cluster local:4] [--kill 10]

The videos are links to a few rendered ones of 64 frames each, the network is a thin one with random weights: what is
measured is the work around it. From the first video that is done, one of this computer's worker processes is killed
every so many seconds. Prints JSON: how many tables equal the serial ones byte for byte, how many were lost, how many
processes were killed, the seconds of both, and the seconds of processors that a video took more than alone, in
milliseconds. Ends with 1 where a table is missing or differs.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import psutil

from posecut_core.backbones.resnet import ResNetSpec
from posecut_core.dataset.settings import TrainingSettings, write_settings
from posecut_core.model.pose_net import NetworkSpec, initial_parameters
from posecut_core.model.snapshots import SnapshotInfo, save_snapshot
from posecut_core.model.step import initial_state
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
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="posecut-spread-") as folder:
        found = measured(Path(folder), arguments.videos, arguments.cluster, arguments.kill)
    print(json.dumps(found))
    return 0 if found["equal"] == arguments.videos and not found["lost"] else 1


def measured(folder: Path, count: int, cluster: str, pause: float) -> dict[str, object]:
    config = make_project(folder)
    videos = make_videos(folder / "many", count)
    analyze_videos(config, videos[:1], destfolder=folder / "warm", engine="xla")
    start, used = time.perf_counter(), _processor()
    serial = analyze_videos(config, videos, destfolder=folder / "serial", engine="xla")
    alone, alone_used = time.perf_counter() - start, _processor() - used
    killer = Killer(pause)
    threading.Thread(target=killer.run, daemon=True).start()
    start, used = time.perf_counter(), _processor()
    spread = folder / "spread"
    analyze_videos(config, videos, destfolder=spread, engine="xla", cluster=cluster, report=killer.hear)
    together, together_used = time.perf_counter() - start, _processor() - used
    killer.ended.set()
    pairs = [(path, spread / path.name) for path in serial.files]
    equal = sum(other.is_file() and path.read_bytes() == other.read_bytes() for path, other in pairs)
    lost = sum(not other.is_file() for _, other in pairs)
    overhead = (together_used - alone_used) / count * 1000
    seconds = {"serial_s": round(alone, 1), "spread_s": round(together, 1), "overhead_ms": round(overhead, 1)}
    return {"videos": count, "equal": equal, "lost": lost, "killed": killer.killed, **seconds}


def _processor() -> float:
    """Return the seconds of processors that this process and those that it has ended have used."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


class Killer:
    """Kills a worker process of this one now and then, once a video is done."""

    def __init__(self, pause: float) -> None:
        self.pause, self.killed = pause, 0
        self.begun, self.ended = threading.Event(), threading.Event()

    def hear(self, told: object) -> None:
        """Begin with the first video that is done."""
        self.begun.set()

    def run(self) -> None:
        self.begun.wait()
        while self.pause and not self.ended.wait(self.pause):
            served = [one for one in psutil.Process().children() if "spawn_main" in " ".join(one.cmdline())]
            if served:
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
