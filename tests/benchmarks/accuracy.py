"""Test error on DeepLabCut's openfield example, on the rows of openfield_split.json.

    python tests/benchmarks/accuracy.py [--weights imagenet|random|FILE] [--train-frames N] [--splits N] [--steps N]

Trains a ResNet-50 at half the frames' size (320x240), batch 8, and evaluates on whole 640x480 frames. The first
split is the one of openfield_split.json, the others are drawn with as many frames by seed. By default it sees as many
frames as DeepLabCut in 60 epochs of 96 frames: 720 steps of 8.
"""

import time
from pathlib import Path

import numpy as np
from openfield import parser, print_result, split_of, working_copy

from posecut_core import create_training_dataset, evaluate_network, train_network
from posecut_core.analysis.spread import spread
from posecut_core.progress import Progress


def splits(data, *, count, train_frames):
    """Yield (train, test) rows: the given split first, then drawn ones of the same sizes."""
    given = split_of(data)
    rows = sorted(given["train"] + given["test"])
    for seed in range(count):
        order = np.random.default_rng(seed).permutation(rows).tolist()
        train = given["train"] if seed == 0 else order[: len(given["train"])]
        test = given["test"] if seed == 0 else order[len(given["train"]) :]
        chosen = np.random.default_rng(seed).permutation(train)[:train_frames].tolist() if train_frames else train
        yield sorted(chosen), sorted(test)


def show(progress: Progress) -> None:
    """Print a line per report of the training."""
    if progress.stage == "training":
        loss, left = progress.values["loss"], progress.values["seconds_left"]
        print(f"step {progress.done}/{progress.total}  loss {loss:.4f}  {left / 60:.1f} min left", flush=True)


def run(config, number, train, test, arguments):
    """Train and evaluate one split; return test error, train error, minutes, error per bodypart."""
    settings = {"net_type": arguments.net_type, "global_scale": 0.5, "batch_size": 8, "maxiters": arguments.steps}
    settings |= {"seed": number, "display_iters": 30, "save_iters": max(1, arguments.steps // 3)}
    create_training_dataset(config, shuffles=[number], train_indices=[train], test_indices=[test], settings=settings)
    start = time.perf_counter()
    train_network(config, number, weights=arguments.weights, report=show)
    minutes = (time.perf_counter() - start) / 60
    row = evaluate_network(config, [number]).rows[0]
    parts = {part: round(error.test, 2) for part, error in zip(row.bodyparts, row.bodypart_errors, strict=True)}
    print(f"split {number}: test {row.errors.test:.2f} px, train {row.errors.train:.2f} px, {minutes:.1f} min, {parts}")
    return row.errors.test, row.errors.train, minutes


def frames_ratio(arguments):
    """Count test frames per training frame."""
    given = split_of(arguments.data)
    return len(given["test"]) / (arguments.train_frames or len(given["train"]))


def main():
    """Train and evaluate each split, print one JSON object."""
    options = parser(__doc__)
    options.add_argument("--weights", default="random", help="imagenet, random (default) or a .safetensors file")
    options.add_argument("--train-frames", type=int, help="use only so many of the training frames")
    options.add_argument("--splits", type=int, default=1, help="how many splits (default: 1)")
    options.add_argument("--steps", type=int, default=720, help="training steps of 8 frames (default: 720)")
    options.add_argument("--net-type", default="resnet_50")
    options.add_argument("--keep", type=Path, help="an empty folder for the project with its networks (default: none)")
    arguments = options.parse_args()
    with working_copy(arguments.data, keep=arguments.keep) as config:
        chosen = splits(arguments.data, count=arguments.splits, train_frames=arguments.train_frames)
        results = np.array([run(config, n, *split, arguments) for n, split in enumerate(chosen, start=1)])
    test, train, minutes = results.mean(axis=0).round(3).tolist()
    over = spread(results[:, 0].tolist(), test_ratio=frames_ratio(arguments))
    print_result(
        {
            "test_error_px": test,
            "test_error_sd_px": round(over.sd, 3) if over.count > 1 else None,
            "test_error_interval_px": [round(over.low, 3), round(over.high, 3)] if over.count > 1 else None,
            "train_error_px": train,
            "frames_seen": arguments.steps * 8,
            "minutes": minutes,
            "splits": arguments.splits,
            "weights": arguments.weights,
        }
    )


if __name__ == "__main__":
    main()
