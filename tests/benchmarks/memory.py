"""Peak memory of analyses of videos of several lengths, and of training and analysis with large frames.

    python tests/benchmarks/memory.py [--frames N ...] [--large WIDTHxHEIGHT] [--steps N] [--global-scale SCALE]

Each figure is the peak of a child process. For the lengths, a disc moves through drawn frames of
320x240 pixels and a network of two convolutions looks for it, so that what grows is what streams: the whole frame, and
with a tracking crop. For the large frames (1920x1080) a ResNet-50 from random weights trains for some steps with the
settings that PoseCut chooses, and analyzes 16 frames.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from posecut_core import (
    FrameStore,
    LabelTable,
    VideoWriter,
    analyze_videos,
    create_new_project,
    create_training_dataset,
    open_project,
    train_network,
    write_labels,
)
from posecut_core.backbones import register
from tests.benchmarks.openfield import peak_mib
from tests.toy_backbone import Toy

LABELED = 4


def center(number: int, width: int, height: int) -> np.ndarray:
    """Return where the disc is in a frame."""
    angle = number / 40
    return np.array([width / 2 + width / 3 * np.cos(angle), height / 2 + height / 3 * np.sin(angle)])


def drawn(number: int, width: int, height: int) -> np.ndarray:
    """Draw a bright disc on gray."""
    image = np.full((height, width, 3), 90, np.uint8)
    radius = height // 24
    left, top = (center(number, width, height) - radius).astype(int)
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    image[top : top + 2 * radius + 1, left : left + 2 * radius + 1][x * x + y * y <= radius * radius] = 250
    return image


def made_project(folder: Path, width: int, height: int, frames: int, settings: dict[str, object]) -> tuple[Path, Path]:
    """Make a project with a labeled video; return its config.yaml and the video."""
    video = folder / "disc.mp4"
    with VideoWriter(video, fps=25, width=width, height=height) as writer:
        for number in range(frames):
            writer.write(drawn(number, width, height))
    config = create_new_project("Disc", "me", [video], folder, bodyparts=("disc",)).config_path
    project = open_project(config)
    store = FrameStore.open(project.frame_store("disc"), create=True)
    store.append((number, drawn(number, width, height), (0, 0)) for number in range(LABELED))
    xy = np.array([[center(number, width, height)] for number in range(LABELED)])
    write_labels(config, LabelTable("disc", ("disc",), np.arange(LABELED), xy))
    create_training_dataset(config, settings=settings)
    return config, video


def peak(work: str, *words: str) -> dict[str, float]:
    """Run a part of this program as a process of its own; return what it says."""
    command = [sys.executable, __file__, "--child", work, *words]
    return json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1]
    )


def child(work: str, config: str, words: list[str]) -> None:
    """Train or analyze, and print the peak of this process."""
    start = time.perf_counter()
    if work == "train":
        train_network(config, 1, weights="random")
    else:
        dynamic = (words[1:] == ["dynamic"], 0.01, 10)
        analyze_videos(config, [words[0]], overwrite=True, dynamic=dynamic)
    print(json.dumps({"mib": peak_mib(), "seconds": round(time.perf_counter() - start, 1)}))


def main() -> None:
    """Measure, print one JSON object."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--frames", type=int, nargs="*", default=[2330, 20_000, 100_000])
    options.add_argument("--large", default="1920x1080", help="size of the large frames; none leaves them out")
    options.add_argument("--steps", type=int, default=5, help="training steps with large frames (default: 5)")
    options.add_argument("--global-scale", type=float, help="instead of the one that PoseCut chooses")
    options.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    arguments = options.parse_args()
    register(Toy())
    if arguments.child:
        child(arguments.child[0], arguments.child[1], arguments.child[2:])
        return
    result: dict[str, object] = {}
    for frames in arguments.frames:
        with tempfile.TemporaryDirectory(prefix="posecut-memory-") as folder:
            settings = {"net_type": "toy_1", "global_scale": 1.0, "crop_size": 64, "batch_size": 2, "maxiters": 1}
            config, video = made_project(Path(folder), 320, 240, frames, settings)
            peak("train", str(config))
            result[f"{frames} frames"] = peak("analyze", str(config), str(video))
            result[f"{frames} frames, tracking crop"] = peak("analyze", str(config), str(video), "dynamic")
            print(result, flush=True)
    if arguments.large != "none":
        width, height = map(int, arguments.large.split("x"))
        with tempfile.TemporaryDirectory(prefix="posecut-memory-") as folder:
            settings = {"net_type": "resnet_50", "maxiters": arguments.steps}
            settings |= {"global_scale": arguments.global_scale} if arguments.global_scale else {}
            config, video = made_project(Path(folder), width, height, 16, settings)
            result[f"training with {arguments.large}"] = peak("train", str(config))
            result[f"analysis of {arguments.large}"] = peak("analyze", str(config), str(video))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
