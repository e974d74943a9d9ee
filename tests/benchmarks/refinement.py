"""What the second round of `posecut demo --refine` is worth: outliers against as many frames at random.

    python tests/benchmarks/refinement.py [--seeds N] [--steps N] [--outlieralgorithm NAME] [--weights previous|random]
        [--ways outliers,random,mixed] [--set NAME=VALUE] [--results FILE.jsonl]

Every seed moves all mice otherwise and trains otherwise. Its first round is played once; the second one several times
from there: with frames of a further video that look wrong, with as many of that video at random, and with half of
each, as `extract_outlier_frames` takes them by itself. Labels, settings and steps of all are the same, and so is the
unseen video on which the errors are measured. `gain` is the share of the random frames' error that the outliers save,
of the means over the seeds, and `gain_mixed` that of the mixture. `dark` counts the chosen frames in which the lamp
is down, as it is for an eighth of the unseen video. A seed that is a line of `--results` is not played again.
"""

import argparse
import json
import shutil
import tempfile
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
from openfield import keep_row, kept_rows, print_result, settings_given

from posecut_core import add_new_videos, extract_frames
from posecut_core.demo.run import Cast, Rounds, _choose_outliers, _first_round, _second_round
from posecut_core.demo.scene import FURTHER, TO_LABEL, UNSEEN_AT_DUSK
from posecut_core.progress import Notice, Progress
from posecut_core.refinement.candidates import CHOSEN_BY_HAND, Criteria
from posecut_core.types import OutlierAlgorithm

USUAL = Rounds()
_ERRORS = {"outliers": "error_refined_px", "random": "error_random_px", "mixed": "error_mixed_px"}


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
        settings={"seed": seed, **settings_given(arguments.set)},
    )


def choose_at_random(seed):
    """Return what extracts frames of a video at random, whatever the network says of them."""

    def choose(config, video, rounds, report):
        add_new_videos(config, [video])
        extract_frames(
            config, algo="uniform", videos=[video.stem], number_of_frames=rounds.frames_to_correct, seed=seed
        )

    return choose


def choose_alone(config, video, rounds, report):
    """Extract outliers without other frames."""
    _choose_outliers(config, video, replace(rounds, random_share=0.0), report)


def in_the_dark(scene, numbers):
    """Count the frames in which the lamp of a scene is down."""
    places = np.array(numbers) / scene.frames
    return int(sum(((places >= first) & (places < last)).sum() for first, last in scene.dusk))


def play(folder, arguments, seed):
    """Play one seed's rounds in `folder`; return its errors."""
    rounds, start = rounds_of(arguments, seed), time.process_time()
    every = {"outliers": choose_alone, "random": choose_at_random(seed), "mixed": _choose_outliers}
    ways = {name: every[name] for name in arguments.ways.split(",")}
    _first_round(folder / "first", rounds, report=show)
    ends = {}
    for name, choose in ways.items():
        shutil.copytree(folder / "first", folder / name, symlinks=True)
        first = _first_round(folder / name, rounds)  # finds what was done
        ends[name] = _second_round(first, rounds, choose=choose, report=show)
    if len({end.before for end in ends.values()}) > 1 or len({len(end.corrected) for end in ends.values()}) > 1:
        raise SystemExit(f"Seed {seed}: the ways began differently, or with unlike numbers of frames.")
    found = {
        "seed": seed,
        "error_before_px": round(next(iter(ends.values())).before.unseen_error, 3),
        **{_ERRORS[name]: round(end.after.unseen_error, 3) for name, end in ends.items()},
        "dark": {name: in_the_dark(rounds.further, end.corrected) for name, end in ends.items()},
        "processor_minutes": round((time.process_time() - start) / 60, 1),
    }
    print(json.dumps(found), *(f"{name}: {end.corrected}" for name, end in ends.items()), sep="\n", flush=True)
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
    heuristics = [
        name for name in get_args(OutlierAlgorithm) if name not in (*CHOSEN_BY_HAND, "disagreement", "spread")
    ]
    options.add_argument("--outlieralgorithm", choices=heuristics, default=USUAL.criteria.outlieralgorithm)
    options.add_argument("--epsilon", type=float, default=USUAL.criteria.epsilon, help="pixels (default: %(default)s)")
    options.add_argument("--p-bound", type=float, default=USUAL.criteria.p_bound, help="(default: %(default)s)")
    options.add_argument("--weights", choices=("previous", "random"), default=USUAL.weights, help="of the second round")
    options.add_argument("--ways", default=",".join(_ERRORS), help="of choosing frames (default: %(default)s)")
    options.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="another setting, as in YAML")
    options.add_argument("--results", type=Path, help="a file of lines that grows (default: none)")
    options.add_argument("--share", type=float, default=1.0, help="of each video's frames, for a quick trial")
    options.add_argument("--keep", type=Path, help="a new folder for all projects (default: none)")
    arguments = options.parse_args()
    path = arguments.results
    seeds = kept_rows(path)
    with nullcontext(arguments.keep) if arguments.keep else tempfile.TemporaryDirectory() as kept:
        for seed in range(arguments.seeds):
            if any(found["seed"] == seed for found in seeds):
                continue
            seeds.append(play(Path(kept) / f"seed-{seed}", arguments, seed))
            keep_row(path, seeds[-1])
    errors = ("error_before_px", *(_ERRORS[name] for name in arguments.ways.split(",")))
    means = {name: round(float(np.mean([found[name] for found in seeds])), 3) for name in errors}
    gains = {
        name: round(1 - means[error] / means["error_random_px"], 3)
        for name, error in (("gain", "error_refined_px"), ("gain_mixed", "error_mixed_px"))
        if error in means and "error_random_px" in means
    }
    asked = {name: value for name, value in vars(arguments).items() if name not in ("keep", "seeds", "results")}
    print_result({**means, **gains, "per_seed": seeds, **asked})


if __name__ == "__main__":
    main()
