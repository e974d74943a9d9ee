"""Error on animals that nobody has labeled, against how many frames are labeled.

    python tests/benchmarks/generalisation.py [--sets flies,openfield,rendered] [--labels 25,all] [--seeds N]
        [--steps N] [--weights FILE] [--set NAME=VALUE] [--peer PYTHON] [--results FILE.jsonl] [--figure FILE.png]

`flies` trains on the flies of one recording and tests on those of others (`../shared/tools/flies_project.py`);
`rendered` trains on two drawn mice and tests on two others in other arenas; `openfield` trains on the rows of
openfield_split.json for seed 0 and on drawn ones for others: its mouse is the same, so it says least. The seed also
chooses which of the training frames are labeled. `--name` calls a recipe: what `--set` makes of the shipped one. Every
training is a line of `--results`; what is there already is not trained again, so a run that ended goes on. Errors are
pixels of the full frames, of points in view; `likeliest_px` is that of each bodypart on its own, where its map is
highest, without regard to how far labels are from each other. With `--peer`, DeepLabCut's ResNet-50 trains instead,
from random weights, on the same rows, at the scale and with the crops that PoseCut chooses or `--set` gives, for as
many frames; it turns them by the 30 degrees that it has as installed unless `--set rotation=` gives others
(`peer_project.py`).
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import matplotlib
import numpy as np
from openfield import all_rows, print_result, row_parser, settings_given, show, splits, working_copy

from posecut_core import create_training_dataset, export_deeplabcut, extract_frames, train_network
from posecut_core.dataset.settings import TrainingSettings, read_settings
from posecut_core.dataset.split import read_split
from posecut_core.demo.sample import VIDEOS, create, film_all
from posecut_core.demo.scene import TO_LABEL, UNSEEN, human_labels, prepare
from posecut_core.evaluation.errors import pixel_errors
from posecut_core.evaluation.measurement import EvaluationJob, Measurement, frame_names, gather_frames, measure
from posecut_core.evaluation.reliability import calibration
from posecut_core.inference.predictor import Predictor
from posecut_core.inference.stored_frames import FramePredictions, LabeledFrames, predict_stored_frames
from posecut_core.labels.store import read_labels
from posecut_core.progress import Notice, silent
from posecut_core.project.opening import open_project
from posecut_core.project.paths import Training
from posecut_core.video.frame_store import FrameStore
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
PEER = "DeepLabCut"
_PEER_ROTATION = 30  # as installed
# Settings that a row tells.
_CHOSEN = ("net_type", "global_scale", "pos_dist_thresh", "crop_size", "rotation", "maxiters")


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


def labeled_frames(training: Training) -> tuple[LabeledFrames, ...]:
    """Gather the frames of a training dataset, with their labels."""
    project, split = training.project, read_split(training.split)
    tables = {video: read_labels(project, video) for video in {frame.video for frame in (*split.train, *split.test)}}
    return gather_frames(project, tables, train=split.train, test=split.test)


def poses_of_posecut(
    training: Training, frames: tuple[LabeledFrames, ...], weights: str
) -> tuple[list[FramePredictions], float]:
    """Train; return predictions of frames, and processor minutes."""
    start = os.times()
    train_network(training.project.config_path, training.shuffle, weights=weights, report=show)
    end = os.times()
    return predicted_by(Predictor.load(training.folder), frames), (
        end.user + end.system - start.user - start.system
    ) / 60


def prepared(
    subject: Subject, shuffle: int, train: list[int], test: list[int], settings: Mapping[str, object]
) -> Training:
    """Make the training dataset of a split, which logs seldom and keeps its last snapshot alone."""
    given = {"display_iters": 100, "save_iters": 10**6, **settings}
    create_training_dataset(
        subject.config, shuffles=[shuffle], train_indices=[train], test_indices=[test], settings=given, report=tell
    )
    return open_project(subject.config).training(shuffle)


def evaluated(
    subject: Subject, shuffle: int, train: list[int], test: list[int], weights: str, settings: Mapping[str, object]
) -> tuple[Measurement, float]:
    """Train on some frames; return the errors of all as an evaluation measures them, and processor minutes."""
    training = prepared(subject, shuffle, train, test, settings)
    _, minutes = poses_of_posecut(training, (), weights)
    job = EvaluationJob(training, training.snapshots[-1], None)
    return measure(job, Predictor.load(training.folder), batch_size=8, report=silent), minutes


def predicted_by(predictor: Predictor, frames: tuple[LabeledFrames, ...]) -> list[FramePredictions]:
    """Predict frames."""
    return [predict_stored_frames(predictor, video, batch_size=8, advance=lambda _: None) for video in frames]


def error_of_likeliest(training: Training, frames: tuple[LabeledFrames, ...]) -> float:
    """Return the error on test frames if each bodypart is where its own map is highest, as PoseCut 0.1.0 had it."""
    predictor = Predictor.load(training.folder)
    found = predicted_by(replace(predictor, info=replace(predictor.info, distances=None)), frames)
    errors = [pixel_errors(one.xy, video.xy)[~video.is_train] for one, video in zip(found, frames, strict=True)]
    return round(float(np.nanmean(np.concatenate(errors))), 3)


def poses_of_peer(
    training: Training, frames: tuple[LabeledFrames, ...], settings: TrainingSettings, python: str
) -> tuple[list[FramePredictions], float]:
    """Train DeepLabCut on a copy of the project, for as many frames; return the same."""
    project = training.project
    export_deeplabcut(project.config_path)
    names = [[f"{video.video}/{name}" for name in frame_names(project, video)] for video in frames]
    every, trains = [*chain(*names)], np.concatenate([video.is_train for video in frames])
    with tempfile.TemporaryDirectory(prefix="posecut-peer-") as folder:
        shutil.copytree(project.root / "labeled-data", Path(folder) / "labeled-data")
        request = {
            "config": shutil.copy(project.config_path, folder),
            "labels": dict(zip(every, np.concatenate([video.xy for video in frames]).tolist(), strict=True)),
            "train": [every[row] for row in np.flatnonzero(trains)],
            "size": FrameStore.open(project.frame_store(frames[0].video)).sizes[0, ::-1].tolist(),
            "scale": settings.global_scale,
            "crop_size": settings.crop_size,
            "rotation": settings.rotation,
            "steps": settings.maxiters,
        }
        program = [python, str(Path(__file__).with_name("peer_project.py"))]
        done = subprocess.run(program, input=json.dumps(request), stdout=subprocess.PIPE, text=True, check=True)
    report = json.loads(done.stdout.splitlines()[-1])
    found = [np.array([report["poses"][name] for name in own]) for own in names]
    return [FramePredictions(poses[..., :2], poses[..., 2]) for poses in found], report["processor_minutes"]


def tell(progress) -> None:
    """Print notices: what was chosen from the data."""
    if isinstance(progress, Notice):
        print(progress.text, flush=True)


def figures(
    frames: tuple[LabeledFrames, ...],
    predicted: list[FramePredictions],
    bodyparts: tuple[str, ...],
    groups: Mapping[str, list[int]],
    *,
    test: list[int],
    within: float,
) -> dict[str, object]:
    """Sum up the errors on test frames, in pixels; `test` are the rows of these among all labeled frames."""
    xy, annotated, is_train = (
        np.concatenate([getattr(video, name) for video in frames]) for name in ("xy", "annotated", "is_train")
    )
    size = float(np.nanmedian(np.hypot(*(np.nanmax(xy, axis=1) - np.nanmin(xy, axis=1)).T)))
    every = pixel_errors(np.concatenate([video.xy for video in predicted]), xy)
    errors, annotated = every[~is_train], annotated[~is_train]
    likelihood = np.concatenate([video.likelihood for video in predicted])[~is_train]
    hidden = np.isnan(xy[~is_train, :, 0]) & annotated
    known = errors[~np.isnan(errors)]
    return {
        "error_px": round(float(known.mean()), 3),
        "train_error_px": round(float(np.nanmean(every[is_train])), 3),
        "percentiles_5_50_95": np.percentile(known, (5, 50, 95)).round(2).tolist(),
        "share_of_animal": round(float(known.mean()) / size, 4),
        "by_bodypart": dict(zip(bodyparts, np.nanmean(errors, axis=0).round(2).tolist(), strict=True)),
        "by_group": {
            name: round(float(np.nanmean(errors[np.searchsorted(sorted(test), rows)])), 2)
            for name, rows in groups.items()
        },
        "calibration_error": round(calibration(errors, likelihood, annotated, within=within).expected_error, 4),
        "hidden_below_half": round(float((likelihood[hidden] < 0.5).mean()), 3) if hidden.any() else None,
    }


def measured(
    subject: Subject,
    row: Mapping[str, object],
    shuffle: int,
    *,
    weights: str,
    peer: str | None,
) -> dict[str, object]:
    """Train on some frames, in the way that `row` asks for; return what comes of it on others."""
    train, test = subject.splits[row["seed"]]
    if row["labels"] != "all":
        train = sorted(np.random.default_rng(row["seed"]).permutation(train)[: int(row["labels"])].tolist())
    training = prepared(subject, shuffle, train, test, {"seed": row["seed"], **row["asked"]})
    frames, chosen = labeled_frames(training), read_settings(training.settings)
    if row["by"] == PEER:
        chosen = replace(chosen, rotation=row["asked"].get("rotation", _PEER_ROTATION))
        predicted, minutes = poses_of_peer(training, frames, chosen, peer)
        likeliest = {}
    else:
        predicted, minutes = poses_of_posecut(training, frames, weights)
        likeliest = {"likeliest_px": error_of_likeliest(training, frames)}
    bodyparts = training.project.config.bodyparts
    return {
        "train_frames": len(train),
        **figures(frames, predicted, bodyparts, subject.groups, test=test, within=chosen.pos_dist_thresh),
        **likeliest,
        "settings": {name: getattr(chosen, name) for name in _CHOSEN},
        "processor_minutes": round(minutes, 2),
    }


def run(arguments, known: list[dict[str, object]]) -> Iterator[dict[str, object]]:
    """Train what is not known yet, and yield a row for each."""
    given, shuffle = settings_given(arguments.set), 0
    if arguments.steps:
        given["maxiters"] = arguments.steps
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    by = PEER if arguments.peer else "PoseCut"
    for name in arguments.sets.split(","):
        wanted = [
            {"set": name, "labels": labels, "seed": seed, "by": by, "recipe": arguments.name, "asked": given}
            for seed in seeds
            for labels in arguments.labels.split(",")
        ]
        wanted = [
            row for row in wanted if not any(all(one.get(key) == value for key, value in row.items()) for one in known)
        ]
        if not wanted:
            continue
        with SETS[name](arguments.data, arguments.first_seed + arguments.seeds) as subject:
            for row in wanted:
                shuffle += 1
                yield {**row, **measured(subject, row, shuffle, weights=arguments.weights, peer=arguments.peer)}


def table(rows: list[dict[str, object]]) -> dict[str, dict[str, float]]:
    """Average over seeds."""
    found: dict[str, list[float]] = {}
    for row in rows:
        found.setdefault(f"{row['set']}, {row['labels']} labels, {row['by']}, {row['recipe']}", []).append(
            row["error_px"]
        )
    return {
        name: {
            "mean_px": round(float(np.mean(errors)), 2),
            "sd_px": round(float(np.std(errors)), 2),
            "seeds": len(errors),
        }
        for name, errors in found.items()
    }


def draw(rows: list[dict[str, object]], path: Path) -> None:
    """Draw the error against how many frames are labeled, a panel for each set; bars are standard deviations."""
    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    sets = [name for name in SETS if any(row["set"] == name for row in rows)]
    makers = sorted({(row["by"], row["recipe"]) for row in rows}, reverse=True)
    figure, axes = plt.subplots(
        1, len(sets), figsize=(4 * len(sets), 3.8), squeeze=False, sharex=True, sharey=True, layout="constrained"
    )
    for axis, name in zip(axes[0], sets, strict=True):
        for color, (by, recipe) in enumerate(makers):
            own = [row for row in rows if (row["set"], row["by"], row["recipe"]) == (name, by, recipe)]
            if not own:
                continue
            counts = sorted({row["train_frames"] for row in own})
            errors = [[row["error_px"] for row in own if row["train_frames"] == count] for count in counts]
            axis.errorbar(
                counts,
                [*map(np.mean, errors)],
                [*map(np.std, errors)],
                color=f"C{color}",
                marker="s" if by == PEER else "o",
                linestyle="--" if by == PEER else "-",
                capsize=3,
                label=f"{by}, {recipe}",
            )
        axis.set(title=name, xlabel="labeled frames", xscale="log", yscale="log", xlim=(8, 200), ylim=(1, 100))
        axis.set_xticks([10, 25, 50, 100, 160], [10, 25, 50, 100, 160])
        axis.set_yticks([1, 2, 5, 10, 20, 50, 100], [1, 2, 5, 10, 20, 50, 100])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0, 0].set_ylabel("error on test frames, pixels")
    figure.legend(*figure_labels(axes[0]), loc="outside lower center", ncols=len(makers), frameon=False)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def figure_labels(axes) -> tuple[list, list[str]]:
    """Collect what the panels show, each recipe once."""
    found = {label: line for axis in axes for line, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    return [*found.values()], [*found]


def main():
    """Train what is missing, print one JSON object."""
    options = row_parser(__doc__)
    options.add_argument("--sets", default=",".join(SETS), help="(default: %(default)s)")
    options.add_argument("--labels", default="25,all", help="how many labeled frames train (default: %(default)s)")
    options.add_argument("--seeds", type=int, default=1, help="(default: %(default)s)")
    options.add_argument("--first-seed", type=int, default=0, help="(default: %(default)s)")
    options.add_argument("--steps", type=int, help="of each training (default: as shipped)")
    options.add_argument("--weights", default="random", help="imagenet, random or a .safetensors file")
    options.add_argument("--peer", help="interpreter with DeepLabCut 3.0.2, which trains instead, from random weights")
    options.add_argument("--name", default="shipped", help="what this recipe is called (default: %(default)s)")
    options.add_argument("--figure", type=Path, help="error against labels, of all results (default: none)")
    arguments = options.parse_args()
    rows = all_rows(arguments.results, lambda known: run(arguments, known))
    if arguments.figure:
        draw(rows, arguments.figure)
    print_result({"table": table(rows)})


if __name__ == "__main__":
    main()
