"""What several networks are worth together: errors and likelihoods of each and of all, and what they tell about videos.

    python tests/benchmarks/ensembles.py [--sets openfield,flies,drawn] [--networks N] [--splits N] [--steps N]
        [--weights FILE] [--set NAME=VALUE] [--results FILE.jsonl]

`openfield` trains the splits of openfield_split.json and drawn ones, and measures the test frames: the single networks,
three ways of fusing them, one network whose weights are the mean of theirs, and calibration. `flies` does so with flies
of one recording, and tests those of others (`generalisation.py`). `drawn` trains on two drawn mice and analyzes a video
of a third, whose truth is known in each frame: the same, and what is left after the Kalman smoother, of one network, of
all, and of all with their spread as noise. `rank_correlation` is Spearman's, of spread and error, which says whether
the networks differ where they err. A training is not repeated that is a line of `--results`. `--speed` measures instead
what a step takes of so many networks by `jax.vmap`, beside as many steps one after the other.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from generalisation import SETS as STORED
from generalisation import Subject
from openfield import keep_row, kept_rows, print_result, row_parser, settings_given, show
from scipy.stats import spearmanr

from posecut_core import analyze_videos, create_training_dataset, extract_frames, train_network
from posecut_core.backbones import backbone_of
from posecut_core.dataset.frames import TrainingFrames, batch_of_step
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.demo.sample import VIDEOS, create, film_all, frames_of, label
from posecut_core.demo.scene import TO_LABEL, UNSEEN, errors_in_view, prepare
from posecut_core.evaluation.errors import pixel_errors
from posecut_core.evaluation.measurement import EvaluationJob, measure
from posecut_core.evaluation.reliability import calibration
from posecut_core.inference.ensemble import fused
from posecut_core.inference.predictor import Predictor, of_scaled, scale_of
from posecut_core.inference.video import analyze_video
from posecut_core.model.pose_net import NetworkSpec, initial_parameters
from posecut_core.model.step import initial_state, step, step_config, step_values
from posecut_core.poses.files import read_predictions
from posecut_core.poses.filters import kalman_filtered
from posecut_core.poses.predictions import Predictions
from posecut_core.progress import silent
from posecut_core.project.opening import open_project
from posecut_core.project.paths import Training

_WITHIN = 17.0  # pixels, as pos_dist_thresh has it
_DRAWN = {"rotation": 180.0, "pos_dist_thresh": 8.0, "mirror": True}  # as the demonstration trains, but for the network


def ways(xy, likelihood, *, within):
    """Return what networks [N, F, K] come to: by the mean of their positions, by medians, and as they are fused."""
    weighted = (xy * likelihood[..., None]).sum(axis=0) / likelihood.sum(axis=0)[..., None]
    together = fused(xy, likelihood, within=within)
    return {"mean": weighted, "median": np.median(xy, axis=0), "fused": together.xy}, together


def summed_up(xy, likelihood, truth, judged, *, within):
    """Compare each network, and all together, with the truth [F, K, 2], which is NaN where there is none."""
    single = [pixel_errors(one, truth) for one in xy]
    positions, together = ways(xy, likelihood, within=within)
    errors = {name: pixel_errors(one, truth) for name, one in positions.items()}
    known = ~np.isnan(errors["fused"])
    calibrations = [
        calibration(one, sure, judged, within=within).expected_error
        for one, sure in zip(single, likelihood, strict=True)
    ]
    return {
        "single_px": [round(float(np.nanmean(one)), 3) for one in single],
        **{f"{name}_px": round(float(np.nanmean(one)), 3) for name, one in errors.items()},
        "single_calibration": [round(one, 4) for one in calibrations],
        "fused_calibration": round(
            calibration(errors["fused"], together.likelihood, judged, within=within).expected_error, 4
        ),
        "rank_correlation": round(float(spearmanr(together.spread[known], errors["fused"][known])[0]), 3),
        "rank_correlation_of_likelihood": round(
            float(-spearmanr(together.likelihood[known], errors["fused"][known])[0]), 3
        ),
    }


def trained(config, shuffle, train, test, arguments, settings) -> tuple[Training, float]:
    """Train so many networks of a split; return where they lie, and processor minutes."""
    chosen = {"display_iters": 50, "save_iters": 10**6, **settings, **settings_given(arguments.set)}
    create_training_dataset(config, shuffles=[shuffle], train_indices=[train], test_indices=[test], settings=chosen)
    start = time.process_time()
    train_network(
        config, shuffle, maxiters=arguments.steps, weights=arguments.weights, seeds=arguments.networks, report=show
    )
    return open_project(config).training(shuffle), (time.process_time() - start) / 60


def averaged(networks: list[Predictor]) -> Predictor:
    """Make one network whose weights are the mean of those of several (Wortsman et al. 2022)."""
    weights = [network.engine.parameters for network in networks]
    mean = jax.tree.map(lambda *leaves: jnp.mean(jnp.stack(leaves), axis=0), *weights)
    return replace(networks[0], engine=replace(networks[0].engine, parameters=mean))


def tested(subject: Subject, name: str, arguments, known) -> Iterator[dict[str, object]]:
    """Train the splits that are not known, and measure their test frames."""
    for place, (train, test) in enumerate(subject.splits):
        if any(row["split"] == place for row in known):
            continue
        training, minutes = trained(subject.config, place + 1, train, test, arguments, {})
        last = training.snapshots[-1]
        networks = [Predictor.load(one.folder) for one in training.ensemble(last)]
        of_first = partial(measure, EvaluationJob(training, last, None), batch_size=8, report=silent)
        found = [of_first(network) for network in networks]
        labels = np.concatenate([video.xy for video in found[0].frames])[found[0].is_test]
        judged = found[0].annotated[found[0].is_test]
        xy, likelihood = (
            np.stack([np.concatenate([getattr(part, what) for part in one.predicted])[one.is_test] for one in found])
            for what in ("xy", "likelihood")
        )
        figures = summed_up(xy, likelihood, labels, judged, within=_WITHIN)
        mean = of_first(averaged(networks))
        figures["averaged_weights_px"] = round(float(np.nanmean(mean.errors[mean.is_test])), 3)
        yield {"set": name, "split": place, **figures, "processor_minutes": round(minutes, 2)}


def openfield(arguments, known) -> Iterator[dict[str, object]]:
    """Train on the mouse of the example."""
    with STORED["openfield"](arguments.data, arguments.splits) as subject:
        yield from tested(subject, "openfield", arguments, known)


def flies(arguments, known) -> Iterator[dict[str, object]]:
    """Train on flies of one recording, which are split in one way."""
    with STORED["flies"](arguments.data, 1) as subject:
        yield from tested(subject, "flies", arguments, known)


@contextmanager
def drawn_project() -> Iterator[tuple[Path, Path]]:
    """Draw mice, label two of them; yield config.yaml and the video of the third."""
    with tempfile.TemporaryDirectory(prefix="posecut-drawn-") as folder:
        videos = film_all((*TO_LABEL, UNSEEN), Path(folder) / VIDEOS, silent)
        config = create(Path(folder), videos[:-1], silent)
        label(config, TO_LABEL, frames_of(extract_frames(config, number_of_frames=25)))
        yield config, videos[-1]


def of_network(network, video) -> Predictions:
    """Let one network of several analyze a video."""
    with tempfile.TemporaryDirectory() as folder:
        scaled = of_scaled(network)
        analyze_video(scaled, video, Path(folder) / "alone.h5", batch_size=4, scale=scale_of(network))
        return read_predictions(Path(folder) / "alone.h5")


def drawn(arguments, known) -> Iterator[dict[str, object]]:
    """Train on drawn mice, and analyze a whole video of another."""
    if known:
        return
    with drawn_project() as (config, video):
        training, minutes = trained(config, 1, list(range(45)), list(range(45, 50)), arguments, _DRAWN)
        last, truth = training.snapshots[-1], prepare(UNSEEN).truth
        (table,) = analyze_videos(config, [video], ensemble=True, engine="xla").files
        together = read_predictions(table)
        alone = [of_network(Predictor.load(one.folder), video) for one in training.ensemble(last)]
        xy, likelihood = (np.stack([getattr(one, name) for one in alone]) for name in ("xy", "likelihood"))
        points = np.where(truth.hidden[..., None], np.nan, truth.xy)
        figures = summed_up(xy, likelihood, points, np.ones(truth.hidden.shape, bool), within=_DRAWN["pos_dist_thresh"])

        def smoothed(predictions) -> float:
            filtered = kalman_filtered(predictions, pcutoff=0.0, max_gap=1000)
            return float(np.nanmean(errors_in_view(filtered.xy, truth)))

        figures["kalman_single_px"] = [round(smoothed(one), 3) for one in alone]
        figures["kalman_fused_px"] = round(smoothed(replace(together, spread=None)), 3)
        figures["kalman_spread_px"] = round(smoothed(together), 3)
        yield {"set": "drawn", **figures, "processor_minutes": round(minutes, 2)}


SETS = {"openfield": openfield, "flies": flies, "drawn": drawn}


def speed(arguments) -> dict[str, object]:
    """Time a step of several networks by `vmap`, and one after the other."""
    given = settings_given(arguments.set)
    settings = TrainingSettings(**{"net_type": "resnet_18", "init_weights": "random", "crop_size": 112, **given})
    spec = NetworkSpec(replace(backbone_of(settings.net_type), width=settings.width), ("a", "b", "c", "d"))
    rng, side = np.random.default_rng(0), settings.crop_size + 32
    images = rng.integers(0, 256, (16, side, side, 3), dtype=np.uint8)
    xy = rng.uniform(8, side - 8, (16, 4, 2)).astype(np.float32)
    frames = TrainingFrames(images, np.full((16, 2), side, np.int32), xy, np.ones((16, 4), bool))
    batch, order = batch_of_step(frames, batch_size=settings.batch_size, seed=0, step=0), np.arange(4, dtype=np.int32)
    config, values = step_config(spec, settings), step_values(settings)
    states = [initial_state(initial_parameters(seed, spec), settings) for seed in range(arguments.networks)]
    together = jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)

    def one(state):
        return step(state, batch, order, values, config=config)

    alone, every = jax.jit(one), jax.jit(jax.vmap(one))
    times = {"one_after_the_other_s": [], "vmap_s": []}
    for _ in range(arguments.steps):
        start = time.perf_counter()
        for state in states:
            jax.block_until_ready(alone(state))
        middle = time.perf_counter()
        jax.block_until_ready(every(together))
        times["one_after_the_other_s"].append(middle - start)
        times["vmap_s"].append(time.perf_counter() - middle)
    return {name: round(statistics.median(found[1:]), 3) for name, found in times.items()}


def main():
    """Train what is missing, print one JSON object."""
    options = row_parser(__doc__)
    options.add_argument("--sets", default=",".join(SETS), help="(default: %(default)s)")
    options.add_argument("--networks", type=int, default=3, help="of each split (default: %(default)s)")
    options.add_argument("--splits", type=int, default=3, help="of openfield (default: %(default)s)")
    options.add_argument("--steps", type=int, default=200, help="of each training (default: %(default)s)")
    options.add_argument("--weights", default="random", help="imagenet, random or a .safetensors file")
    options.add_argument("--speed", action="store_true", help="measure a step by vmap instead")
    arguments = options.parse_args()
    if arguments.speed:
        print_result(speed(arguments))
        return
    path = arguments.results
    rows = kept_rows(path)
    for name in arguments.sets.split(","):
        for row in SETS[name](arguments, [row for row in rows if row["set"] == name]):
            print(json.dumps(row), flush=True)
            rows.append(row)
            keep_row(path, row)
    print_result({"rows": rows})


if __name__ == "__main__":
    main()
