"""Seconds of a ResNet-50 training step, 8 crops of 224x224 in float32, input pipeline included.

    python tests/benchmarks/training_speed.py [--steps N] [--peer PYTHON] [--set NAME=VALUE]

The openfield example at 320x240, random weights. The figure is the median over steps, without the compiling first one
and with everything that stands between two steps. `--peer` also trains DeepLabCut 3.0.2 in turn, for one epoch and for
three, through the interpreter of an environment that has it: the difference is two epochs of 12 steps without the
start; `ratio` is its seconds per step divided by ours.
"""

import statistics
import time

import numpy as np
from openfield import parser, peer_training, print_result, settings_given, split_of, working_copy

from posecut_core import create_training_dataset, train_network
from posecut_core.progress import Progress

STEPS_PER_EPOCH = 12


def step_seconds(config, shuffle, split, steps, chosen):
    """Train a shuffle of its own, return the seconds of each step after the first two."""
    settings = {"global_scale": 0.5, "maxiters": steps, "display_iters": 1, "init_weights": "random", "seed": 1}
    settings |= chosen
    create_training_dataset(
        config, shuffles=[shuffle], train_indices=[split["train"]], test_indices=[split["test"]], settings=settings
    )
    times = []

    def note(progress):
        if (
            isinstance(progress, Progress) and progress.stage == "training"
        ):  # the frames are read before, and told of too
            times.append(time.perf_counter())

    train_network(config, shuffle, report=note)
    return np.diff(times)[2:].tolist()


def peer_step_seconds(python, data, split):
    """Ask DeepLabCut for its seconds per step, without its start and its saving."""
    reports = {epochs: peer_training(python, data, split["train"], split["test"], epochs=epochs) for epochs in (1, 3)}
    seconds = {epochs: epochs * report["s_per_epoch"] for epochs, report in reports.items()}
    return (seconds[3] - seconds[1]) / (2 * STEPS_PER_EPOCH)


def main():
    """Time both, print one JSON object."""
    options = parser(__doc__)
    options.add_argument("--steps", type=int, default=24)
    options.add_argument("--peer", help="interpreter of an environment with DeepLabCut 3.0.2")
    options.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="another setting, as in YAML")
    arguments = options.parse_args()
    chosen = settings_given(arguments.set)
    split = split_of(arguments.data)
    with working_copy(arguments.data) as config:
        times = step_seconds(config, 1, split, arguments.steps, chosen)
        peer = peer_step_seconds(arguments.peer, arguments.data, split) if arguments.peer else None
        if peer:
            times += step_seconds(
                config, 2, split, arguments.steps, chosen
            )  # around the peer's, in case the machine changed
    ours = statistics.median(times)
    result = {"step_s": round(ours, 3), "fastest_s": round(min(times), 3), "slowest_s": round(max(times), 3)}
    if peer:
        result |= {"peer_step_s": round(peer, 3), "ratio": round(peer / ours, 2)}
    print_result(result)


if __name__ == "__main__":
    main()
