"""What the second round of `posecut demo --refine` is worth: outliers against as many frames at random.

    python tests/benchmarks/refinement.py [--seeds N] [--steps N] [--outlieralgorithm NAME] [--weights previous|random]

Every seed moves all mice otherwise and trains otherwise. Its first round is played once; the second one twice from
there: with frames that `extract_outlier_frames` chooses in a further video, and with as many of that video at random.
Labels, settings and steps of both are the same, and so is the unseen video on which the errors are measured. `gain` is
the share of the random frames' error that the outliers save, of the means over the seeds.
"""

import argparse
import shutil
import tempfile
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
from openfield import print_result

from posecut_core import add_new_videos, extract_frames
from posecut_core.demo.run import Cast, Rounds, _choose_outliers, _first_round, _second_round
from posecut_core.demo.scene import FURTHER, TO_LABEL, UNSEEN_AT_DUSK
from posecut_core.progress import Notice, Progress
from posecut_core.refinement.candidates import CHOSEN_BY_HAND, Criteria
from posecut_core.types import OutlierAlgorithm

USUAL = Rounds()


def rounds_of(arguments, seed):
    """Say what the seed's rounds are; seed 0 is the demonstration itself."""

    def moved(scene):
        frames = max(8, round(scene.frames * arguments.share))
        return replace(scene, seed=scene.seed + 100 * seed, frames=frames)

    return Rounds(
        cast=Cast(tuple(map(moved, TO_LABEL)), moved(UNSEEN_AT_DUSK)),
        further=moved(FURTHER),
        steps=arguments.steps,
        frames_to_label=arguments.frames_to_label,
        frames_to_correct=arguments.frames_to_correct,
        criteria=Criteria(arguments.outlieralgorithm, epsilon=arguments.epsilon, p_bound=arguments.p_bound),
        weights=arguments.weights,
        settings={"seed": seed},
    )


def choose_at_random(seed):
    """Return what extracts frames of a video at random, whatever the network says of them."""

    def choose(config, video, rounds, report):
        add_new_videos(config, [video])
        extract_frames(
            config, algo="uniform", videos=[video.stem], number_of_frames=rounds.frames_to_correct, seed=seed
        )

    return choose


def play(folder, arguments, seed):
    """Play one seed's rounds in `folder`; return its errors."""
    rounds, start = rounds_of(arguments, seed), time.perf_counter()
    _first_round(folder / "outliers", rounds, report=show)
    shutil.copytree(folder / "outliers", folder / "random", symlinks=True)
    ways = {"outliers": _choose_outliers, "random": choose_at_random(seed)}
    ends = {}
    for name, choose in ways.items():
        first = _first_round(folder / name, rounds)  # finds what was done
        ends[name] = _second_round(first, rounds, choose=choose, report=show)
    if ends["outliers"].before != ends["random"].before or len(ends["outliers"].corrected) != len(
        ends["random"].corrected
    ):
        raise SystemExit(f"Seed {seed}: the two ways began differently, or with unlike numbers of frames.")
    found = {
        "seed": seed,
        "error_before_px": round(ends["outliers"].before.unseen_error, 3),
        "error_refined_px": round(ends["outliers"].after.unseen_error, 3),
        "error_random_px": round(ends["random"].after.unseen_error, 3),
        "minutes": round((time.perf_counter() - start) / 60, 1),
    }
    print(found, *(f"{name}: {end.corrected}" for name, end in ends.items()), sep="\n", flush=True)
    return found


def show(progress):
    """Print headings, and how a training gets on."""
    if isinstance(progress, Progress) and progress.stage == "training":
        print(f"step {progress.done}/{progress.total}  loss {progress.values['loss']:.4f}", flush=True)
    elif isinstance(progress, Notice):
        print(progress.text, flush=True)


def main():
    """Play every seed, print one JSON object."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seeds", type=int, default=3, help="how many seeds (default: %(default)s)")
    options.add_argument("--steps", type=int, default=USUAL.steps, help="of each training (default: %(default)s)")
    options.add_argument("--frames-to-label", type=int, default=USUAL.frames_to_label, help="(default: %(default)s)")
    options.add_argument(
        "--frames-to-correct", type=int, default=USUAL.frames_to_correct, help="(default: %(default)s)"
    )
    heuristics = [name for name in get_args(OutlierAlgorithm) if name not in (*CHOSEN_BY_HAND, "disagreement")]
    options.add_argument("--outlieralgorithm", choices=heuristics, default=USUAL.criteria.outlieralgorithm)
    options.add_argument("--epsilon", type=float, default=USUAL.criteria.epsilon, help="pixels (default: %(default)s)")
    options.add_argument("--p-bound", type=float, default=USUAL.criteria.p_bound, help="(default: %(default)s)")
    options.add_argument("--weights", choices=("previous", "random"), default=USUAL.weights, help="of the second round")
    options.add_argument("--share", type=float, default=1.0, help="of each video's frames, for a quick trial")
    options.add_argument("--keep", type=Path, help="a new folder for all projects (default: none)")
    arguments = options.parse_args()
    with nullcontext(arguments.keep) if arguments.keep else tempfile.TemporaryDirectory() as kept:
        seeds = [play(Path(kept) / f"seed-{seed}", arguments, seed) for seed in range(arguments.seeds)]
    errors = ("error_before_px", "error_refined_px", "error_random_px")
    means = {name: round(float(np.mean([found[name] for found in seeds])), 3) for name in errors}
    gain = round(1 - means["error_refined_px"] / means["error_random_px"], 3)
    asked = {name: value for name, value in vars(arguments).items() if name not in ("keep", "seeds")}
    print_result({**means, "gain": gain, "per_seed": seeds, **asked})


if __name__ == "__main__":
    main()
