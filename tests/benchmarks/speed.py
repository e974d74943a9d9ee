"""Frames per second of analysing a video with a ResNet-50, decoding and writing included.

    python tests/benchmarks/speed.py [--frames N] [--repeats N] [--peer PYTHON]

The first 500 frames of the openfield video at 320x240 (global_scale 0.5), random weights, the best of three after one
run that compiles. `--peer` also runs DeepLabCut's analyze_videos on as many frames, through the interpreter of an
environment that has it, and prints the ratio.
"""

import json
import subprocess
import time
from pathlib import Path

from openfield import PROJECT, SHARED, VIDEO, parser, print_result, split_of, working_copy

from posecut_core import analyze_videos, create_training_dataset, train_network
from posecut_core.video.reader import VideoReader
from posecut_core.video.writer import VideoWriter


def first_frames(source: Path, target: Path, count: int) -> None:
    """Write the first `count` frames of a video as a video of their own."""
    with VideoReader(source) as reader:
        index = reader.index
        with VideoWriter(target, fps=index.fps, width=index.width, height=index.height) as writer:
            for _, frame in reader.frames(range(count)):
                writer.write(frame)


def random_network(config: Path, split: dict[str, list[int]]) -> None:
    """Leave a ResNet-50 of one training step behind."""
    settings = {"net_type": "resnet_50", "global_scale": 0.5, "batch_size": 2, "maxiters": 1, "init_weights": "random"}
    create_training_dataset(
        config, shuffles=[1], train_indices=[split["train"]], test_indices=[split["test"]], settings=settings
    )
    train_network(config, 1)


def seconds(config: Path, video: Path) -> float:
    """Time one analysis, files written."""
    start = time.perf_counter()
    analyze_videos(config, [video], save_as_csv=True, overwrite=True, batch_size=8)
    return time.perf_counter() - start


def peer_fps(python: str, frames: int) -> float:
    """Ask DeepLabCut for its frames per second on the same video."""
    script = SHARED.parent / "tools" / "peer_deeplabcut.py"
    command = [python, str(script), "analyze", "--frames", str(frames)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(json.loads(output.strip().splitlines()[-1])["frames_per_s"])


def main():
    """Time the analysis, print one JSON object."""
    options = parser(__doc__)
    options.add_argument("--frames", type=int, default=500)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--peer", help="interpreter of an environment with DeepLabCut 3.0.2")
    arguments = options.parse_args()
    with working_copy(arguments.data) as config:
        video = config.parent / "first_frames.mp4"
        first_frames(arguments.data / PROJECT / "videos" / VIDEO, video, arguments.frames)
        random_network(config, split_of(arguments.data))
        seconds(config, video)
        times = [seconds(config, video) for _ in range(arguments.repeats)]
    result = {
        "full_frame_fps": round(arguments.frames / min(times), 2),
        "all_fps": [round(arguments.frames / each, 2) for each in times],
        "frames": arguments.frames,
    }
    if arguments.peer:
        peer = peer_fps(arguments.peer, arguments.frames)
        result |= {"peer_fps": peer, "ratio": round(result["full_frame_fps"] / peer, 2)}
    print_result(result)


if __name__ == "__main__":
    main()
