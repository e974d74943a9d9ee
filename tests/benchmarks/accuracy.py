"""Test error on DeepLabCut's openfield example, on the rows of openfield_split.json.

    python tests/benchmarks/accuracy.py [--weights imagenet|random|FILE] [--train-frames N] [--splits N] [--steps N]

Trains a ResNet-50 at half the frames' size (320x240), batch 8, and evaluates on whole 640x480 frames. The first
split is the one of openfield_split.json, the others are drawn with as many frames by seed. By default it sees as many
frames as DeepLabCut in 60 epochs of 96 frames: 720 steps of 8. `--set NAME=VALUE` changes any setting of the training.
`--peer PYTHON` trains DeepLabCut 3.0.2 on the same splits for as many frames, through the interpreter of an environment
that has it.
"""

import csv
import io
from pathlib import Path

import numpy as np
from openfield import parser, peer_training, print_result, settings_given, split_of, splits, trained_error, working_copy

from posecut_core.evaluation.errors import spread


def frames_ratio(arguments):
    """Count test frames per training frame."""
    given = split_of(arguments.data)
    return len(given["test"]) / (arguments.train_frames or len(given["train"]))


def peer_error(arguments, train, test):
    """Return DeepLabCut's test error on a split, after as many frames as we see."""
    epochs = round(arguments.steps * 8 / len(train))
    report = peer_training(arguments.peer, arguments.data, train, test, epochs=epochs)
    print(f"DeepLabCut: {report}", flush=True)
    row = next(csv.DictReader(io.StringIO(report["evaluation_csv"])))
    return float(row["test rmse"])  # the mean distance, in spite of its name


def main():
    """Train and evaluate each split, print one JSON object."""
    options = parser(__doc__)
    options.add_argument("--weights", default="random", help="imagenet, random (default) or a .safetensors file")
    options.add_argument("--train-frames", type=int, help="use only so many of the training frames")
    options.add_argument("--splits", type=int, default=1, help="how many splits (default: 1)")
    options.add_argument("--steps", type=int, default=720, help="training steps of 8 frames (default: 720)")
    options.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="another setting, as in YAML")
    options.add_argument("--keep", type=Path, help="an empty folder for the project with its networks (default: none)")
    options.add_argument("--peer", help="interpreter of an environment with DeepLabCut 3.0.2")
    arguments = options.parse_args()
    settings = {"global_scale": 0.5, "maxiters": arguments.steps, "display_iters": 30}
    settings |= settings_given(arguments.set)
    with working_copy(arguments.data, keep=arguments.keep) as config:
        chosen = list(splits(arguments.data, count=arguments.splits, train_frames=arguments.train_frames))
        results = np.array(
            [
                trained_error(config, number, *split, arguments.weights, {"seed": number, **settings})
                for number, split in enumerate(chosen, start=1)
            ]
        )
    peers = [peer_error(arguments, *split) for split in chosen] if arguments.peer else None
    test, train, minutes = results.mean(axis=0).round(3).tolist()
    over = spread(results[:, 0].tolist(), test_ratio=frames_ratio(arguments))
    print_result(
        {
            "test_error_px": test,
            "test_error_sd_px": round(over.sd, 3) if over.count > 1 else None,
            "test_error_interval_px": [round(over.low, 3), round(over.high, 3)] if over.count > 1 else None,
            "test_errors_px": results[:, 0].round(3).tolist(),
            "peer_test_errors_px": peers,
            "train_error_px": train,
            "frames_seen": arguments.steps * 8,
            "minutes": minutes,
            "splits": arguments.splits,
            "weights": arguments.weights,
        }
    )


if __name__ == "__main__":
    main()
