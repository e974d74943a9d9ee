"""Error on animals that nobody has labeled, against how many frames are labeled.

    python tests/benchmarks/generalisation.py [--sets flies,openfield,rendered] [--labels 25,all] [--seeds N]
        [--steps N] [--weights FILE] [--set NAME=VALUE] [--results FILE.jsonl] [--figure FILE.png]

`flies` trains on the flies of one recording and tests on those of others (`../shared/tools/flies_project.py`);
`rendered` trains on two drawn mice and tests on two others in other arenas; `openfield` trains on the rows of
openfield_split.json for seed 0 and on drawn ones for others: its mouse is the same, so it says least. The seed also
chooses which of the training frames are labeled. `--name` calls a recipe: what `--set` makes of the shipped one. Every
training is a line of `--results`; what is there already is not trained again, so a run that ended goes on. Errors are
pixels of the full frames, of points in view.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import matplotlib
import numpy as np
from openfield import all_rows, parser, print_result, settings_given, show, splits, working_copy

from posecut_core import create_training_dataset, extract_frames, train_network
from posecut_core.demo.sample import VIDEOS, create, film_all
from posecut_core.demo.scene import TO_LABEL, UNSEEN, human_labels, prepare
from posecut_core.evaluation.measurement import EvaluationJob, Measurement, measure
from posecut_core.inference.predictor import Predictor
from posecut_core.progress import Notice, silent
from posecut_core.project.opening import open_project
from posecut_core.workflow.check_labels import write_labels

_STRANGERS = (
    UNSEEN,
    replace(
        TO_LABEL[1],
        name="pale-mouse",
        seed=31,
        individual=replace(UNSEEN.individual, size=1.1, coat=(0.42, 0.38, 0.34), belly=(0.55, 0.50, 0.45)),
        floor=(0.42, 0.44, 0.42),
    ),
)
_LABELED, _TESTED = 50, 60  # frames of each drawn video


@dataclass(frozen=True)
class Subject:
    """A project on disk, and which of its labeled frames train and test, by seed."""

    config: Path
    splits: tuple[tuple[list[int], list[int]], ...]
    groups: Mapping[str, list[int]]  # of test rows


@contextmanager
def openfield(data: Path, seeds: int) -> Iterator[Subject]:
    """Make a copy of the example project."""
    with working_copy(data) as config:
        yield Subject(config, tuple(splits(data, count=seeds)), {})


@contextmanager
def flies(data: Path, seeds: int) -> Iterator[Subject]:
    """Cut flies out of their recordings."""
    with tempfile.TemporaryDirectory(prefix="posecut-flies-") as folder:
        tool = data.parent / "tools" / "flies_project.py"
        subprocess.run([sys.executable, str(tool), folder], check=True, stdout=subprocess.DEVNULL)
        split = json.loads((Path(folder) / "split.json").read_text())
        groups = {name: rows for name, rows in split.items() if name not in ("a", "train", "test")}
        yield Subject(Path(folder) / "config.yaml", ((split["train"], split["test"]),) * seeds, groups)


@contextmanager
def rendered(_: Path, seeds: int) -> Iterator[Subject]:
    """Draw mice and label them: two for training, two others to test on."""
    with tempfile.TemporaryDirectory(prefix="posecut-drawn-") as folder:
        scenes = (*TO_LABEL, *_STRANGERS)
        config = create(Path(folder), film_all(scenes, Path(folder) / VIDEOS, silent), silent)
        rows: dict[str, int] = {}
        for scene in scenes:
            count = _LABELED if scene in TO_LABEL else _TESTED
            numbers = extract_frames(config, videos=[scene.name], number_of_frames=count).videos[0].frames
            rng, jitter = np.random.default_rng([scene.seed, 3]), 0.7 if scene in TO_LABEL else 0.0
            write_labels(config, human_labels(rng, prepare(scene).truth, scene.name, numbers, jitter=jitter))
            rows[scene.name] = len(numbers)
        places, first = {}, 0
        for name in sorted(rows):  # as the labeled frames are sorted
            places[name], first = list(range(first, first + rows[name])), first + rows[name]
        train, test = ([row for scene in side for row in places[scene.name]] for side in (TO_LABEL, _STRANGERS))
        yield Subject(config, ((train, test),) * seeds, {scene.name: places[scene.name] for scene in _STRANGERS})


SETS = {"openfield": openfield, "flies": flies, "rendered": rendered}


def measured(
    subject: Subject, shuffle: int, train: list[int], test: list[int], weights: str, settings: Mapping[str, object]
) -> tuple[Measurement, float]:
    """Train on some frames; return what comes of it on others, and processor minutes."""
    chosen = {"display_iters": 100, "save_iters": 10**6, **settings}
    create_training_dataset(
        subject.config, shuffles=[shuffle], train_indices=[train], test_indices=[test], settings=chosen, report=tell
    )
    start = os.times()
    train_network(subject.config, shuffle, weights=weights, report=show)
    end = os.times()
    training = open_project(subject.config).training(shuffle)
    job = EvaluationJob(training, training.snapshots[-1], None)
    found = measure(job, Predictor.load(training.folder), batch_size=8, report=silent)
    return found, (end.user + end.system - start.user - start.system) / 60


def tell(progress) -> None:
    """Print notices: what was chosen from the data."""
    if isinstance(progress, Notice):
        print(progress.text, flush=True)


def figures(found: Measurement, groups: Mapping[str, list[int]]) -> dict[str, object]:
    """Sum up the errors on test frames, in pixels."""
    xy = np.concatenate([video.xy for video in found.frames])
    size = float(np.nanmedian(np.hypot(*(np.nanmax(xy, axis=1) - np.nanmin(xy, axis=1)).T)))
    errors, hidden = found.errors[found.is_test], (np.isnan(xy[..., 0]) & found.annotated)[found.is_test]
    places = np.flatnonzero(found.is_test)
    known = errors[~np.isnan(errors)]
    return {
        "error_px": round(float(known.mean()), 3),
        "train_error_px": round(float(np.nanmean(found.errors[found.is_train])), 3),
        "percentiles_5_50_95": np.percentile(known, (5, 50, 95)).round(2).tolist(),
        "share_of_animal": round(float(known.mean()) / size, 4),
        "by_bodypart": dict(zip(found.bodyparts, np.nanmean(errors, axis=0).round(2).tolist(), strict=True)),
        "by_group": {
            name: round(float(np.nanmean(errors[np.searchsorted(places, rows)])), 2) for name, rows in groups.items()
        },
        "calibration_error": round(found.calibration.expected_error, 4),
        "hidden_below_half": round(float((found.likelihood[found.is_test][hidden] < 0.5).mean()), 3)
        if hidden.any()
        else None,
        "settings": {
            name: getattr(found.settings, name)
            for name in ("net_type", "global_scale", "crop_size", "rotation", "maxiters")
        },
    }


def run(arguments, known: list[dict[str, object]]) -> Iterator[dict[str, object]]:
    """Train what is not known yet, and yield a row for each."""
    given, shuffle = settings_given(arguments.set), 0
    if arguments.steps:
        given["maxiters"] = arguments.steps
    for name in arguments.sets.split(","):
        wanted = [
            {"set": name, "labels": labels, "seed": seed, "recipe": arguments.name, "asked": given}
            for labels in arguments.labels.split(",")
            for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds)
        ]
        wanted = [
            row for row in wanted if not any(all(one.get(key) == value for key, value in row.items()) for one in known)
        ]
        if not wanted:
            continue
        with SETS[name](arguments.data, arguments.first_seed + arguments.seeds) as subject:
            for row in wanted:
                shuffle += 1
                train, test = subject.splits[row["seed"]]
                if row["labels"] != "all":
                    train = np.random.default_rng(row["seed"]).permutation(train)[: int(row["labels"])].tolist()
                settings = {"seed": row["seed"], **given}
                found, minutes = measured(subject, shuffle, sorted(train), test, arguments.weights, settings)
                yield {**row, **figures(found, subject.groups), "processor_minutes": round(minutes, 2)}


def table(rows: list[dict[str, object]]) -> dict[str, dict[str, float]]:
    """Average over seeds."""
    found: dict[str, list[float]] = {}
    for row in rows:
        found.setdefault(f"{row['set']}, {row['labels']} labels, {row['recipe']}", []).append(row["error_px"])
    return {
        name: {
            "mean_px": round(float(np.mean(errors)), 2),
            "sd_px": round(float(np.std(errors)), 2),
            "seeds": len(errors),
        }
        for name, errors in found.items()
    }


def draw(rows: list[dict[str, object]], path: Path) -> None:
    """Draw the error against how many frames are labeled, a panel for each set."""
    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    sets = sorted({row["set"] for row in rows})
    figure, axes = plt.subplots(1, len(sets), figsize=(4 * len(sets), 3.4), squeeze=False, layout="constrained")
    every = {"openfield": 96, "flies": 160, "rendered": 2 * _LABELED}
    for axis, name in zip(axes[0], sets, strict=True):
        for recipe in sorted({row["recipe"] for row in rows if row["set"] == name}):
            own = [row for row in rows if row["set"] == name and row["recipe"] == recipe]
            counts = sorted({every[name] if row["labels"] == "all" else int(row["labels"]) for row in own})
            errors = [
                [
                    row["error_px"]
                    for row in own
                    if (every[name] if row["labels"] == "all" else int(row["labels"])) == count
                ]
                for count in counts
            ]
            axis.errorbar(counts, [*map(np.mean, errors)], [*map(np.std, errors)], marker="o", capsize=3, label=recipe)
        axis.set(title=name, xlabel="labeled frames", ylabel="error, pixels", xscale="log", yscale="log")
        axis.legend(frameon=False)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main():
    """Train what is missing, print one JSON object."""
    options = parser(__doc__)
    options.add_argument("--sets", default=",".join(SETS), help="(default: %(default)s)")
    options.add_argument("--labels", default="25,all", help="how many labeled frames train (default: %(default)s)")
    options.add_argument("--seeds", type=int, default=1, help="(default: %(default)s)")
    options.add_argument("--first-seed", type=int, default=0, help="(default: %(default)s)")
    options.add_argument("--steps", type=int, help="of each training (default: as shipped)")
    options.add_argument("--weights", default="random", help="imagenet, random or a .safetensors file")
    options.add_argument("--name", default="shipped", help="what this recipe is called (default: %(default)s)")
    options.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="another setting, as in YAML")
    options.add_argument("--results", type=Path, help="a file of lines that grows (default: none)")
    options.add_argument("--figure", type=Path, help="error against labels, of all results (default: none)")
    arguments = options.parse_args()
    rows = all_rows(arguments.results, lambda known: run(arguments, known))
    if arguments.figure:
        draw(rows, arguments.figure)
    print_result({"table": table(rows)})


if __name__ == "__main__":
    main()
