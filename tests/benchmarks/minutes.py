"""From labeled frames to a usable network: error on unseen frames after so many minutes, start included.

    python tests/benchmarks/minutes.py [--minutes 1,2,5,10,20] [--train-frames 24] [--splits N] [--weights FILE]
        [--set NAME=VALUE] [--known START,STEP]

DeepLabCut's openfield example, on the rows of openfield_split.json: so many of its training frames train, 20 others
test. Each training is a program of its own that compiles everything anew. Two of a few steps tell how long the start
and a step take, and so how many steps fit, unless `--known` says these seconds, of an earlier run; the time that a
training really took is measured. Settings that are not
given are those that PoseCut chooses, except for the number of steps.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from openfield import parser, print_result, settings_given, splits, working_copy

from posecut_core import create_training_dataset, evaluate_network

_TRIALS = (20, 80)  # steps


def trained(
    config: Path, shuffle: int, split: tuple[list[int], list[int]], weights: str, settings: Mapping[str, object]
) -> float:
    """Train a split as shuffle `shuffle` in a program of its own; return the minutes that it took."""
    train, test = split
    chosen = dict(settings)
    create_training_dataset(config, shuffles=[shuffle], train_indices=[train], test_indices=[test], settings=chosen)
    command = [sys.executable, "-m", "posecut_core", "train-network", str(config), "--shuffle", str(shuffle)]
    with tempfile.TemporaryDirectory(prefix="posecut-compiled-") as compiled:
        start = time.perf_counter()
        environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": compiled}
        subprocess.run([*command, "--weights", weights], check=True, capture_output=True, env=environment)
        return (time.perf_counter() - start) / 60


def _known(text: str) -> tuple[float, float]:
    """Read seconds; return the minutes of a start and of a step."""
    start, step = map(float, text.split(","))
    return start / 60, step / 60


def _told(tried: list[float]) -> tuple[float, float]:
    """Return the minutes of a start and of a step by those of two trainings."""
    step = max((tried[1] - tried[0]) / (_TRIALS[1] - _TRIALS[0]), 1e-4)
    return tried[0] - _TRIALS[0] * step, step


def main() -> None:
    """Train for each number of minutes and each split, print one JSON object."""
    options = parser(__doc__)
    options.add_argument("--minutes", default="1,2,5,10,20", help="(default: %(default)s)")
    options.add_argument("--train-frames", type=int, default=24, help="(default: %(default)s)")
    options.add_argument("--splits", type=int, default=1, help="(default: %(default)s)")
    options.add_argument("--weights", default="imagenet", help="imagenet, random or a .safetensors file")
    options.add_argument(
        "--known", metavar="START,STEP", help="seconds (default: as two trainings of a few steps tell)"
    )
    options.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="another setting, as in YAML")
    arguments = options.parse_args()
    given, found = settings_given(arguments.set), dict[str, list[dict[str, float]]]()
    with working_copy(arguments.data) as config:
        chosen = list(splits(arguments.data, count=arguments.splits, train_frames=arguments.train_frames))
        shuffle, tried = 0, []
        for steps in () if arguments.known else _TRIALS:
            shuffle += 1
            tried.append(trained(config, shuffle, chosen[0], arguments.weights, {**given, "maxiters": steps}))
        begins, per_step = _known(arguments.known) if arguments.known else _told(tried)
        print(f"the start takes {60 * begins:.0f} s, a step {60 * per_step:.2f} s", flush=True)
        for minutes in map(float, arguments.minutes.split(",")):
            for seed, split in enumerate(chosen):
                shuffle += 1
                steps = max(int((minutes - begins) / per_step), 1)
                settings = {"seed": seed, **given, "maxiters": steps}
                taken = trained(config, shuffle, split, arguments.weights, settings)
                errors = evaluate_network(config, [shuffle]).rows[0].errors
                row = {"steps": steps, "minutes": round(taken, 2), "test_px": round(errors.test, 2)}
                found.setdefault(f"{minutes:g}", []).append(row)
                print(minutes, row, flush=True)
    print_result(
        {
            "rows": found,
            "test_px": {
                name: round(float(np.mean([row["test_px"] for row in rows])), 2) for name, rows in found.items()
            },
            "start_s": round(60 * begins, 1),
            "step_s": round(60 * per_step, 3),
            "weights": arguments.weights,
        }
    )


if __name__ == "__main__":
    main()
