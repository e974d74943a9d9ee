"""What frames without labels are worth on animals that nobody has labeled.

    python tests/benchmarks/unlabeled.py --weights FILE [--sets flies,rendered,openfield] [--ways WAYS] [--seeds N]
        [--steps N] [--more N] [--set NAME=VALUE] [--results FILE.jsonl]

Each set (of `generalisation.py`, all labels) trains one network for each seed, as shipped. Its error on the test frames
is measured, and with what these frames tell without their labels:

- `colors`: each recording is given the mean and standard deviation of the training frames' colors
- `norms`: the inputs of all norms are given, recording by recording, the statistics that they have in the training
  frames (AdaBN, Li et al. 2018); only frozen BatchNorm has something to match
- `norms_if_surer`: so where that raises the mean likelihood of a recording
- `longer`: the network trains on with its labels, for twice `--more` steps at a third of the rate: what the others are
  to be held against, which take `--more` steps of twice the work or more
- `self_labels`: half of the batch are test frames with those of the network's predictions as labels that are surer
  than 0.8, as they are when training goes on
- `teacher`: so with the predictions of a running mean of the parameters, at each step (Tarvainen & Valpola 2017)
- `pca`: poses in test frames are drawn to the subspace that holds 99 % of the variance of labeled poses (Biderman et
  al. 2024); `pca_lightly` with a fifth of the weight
- `smooth`: bodyparts that move by more than a tenth of the animal from frame to frame are drawn back (the same); only
  of drawn mice, whose videos are at hand

What is a line of `--results` is not measured again.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import jax
import jax.numpy as jnp
import numpy as np
import optax
from generalisation import SETS, Subject, tell
from openfield import all_rows, print_result, row_parser, settings_given, show

from posecut_core import create_training_dataset, train_network
from posecut_core.backbones.layers import FrozenBatchNorm
from posecut_core.dataset.augmentation import augment
from posecut_core.dataset.frames import Batch, TrainingFrames, batch_of_step, load_frames, mirror_order, resize
from posecut_core.dataset.scoremaps import (
    LOCREF_STDEV,
    STRIDE,
    Distances,
    Scoremaps,
    decode,
    encode,
)
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.dataset.split import read_revision, read_split
from posecut_core.evaluation.errors import pixel_errors
from posecut_core.model.pose_net import NetworkSpec, scoremaps
from posecut_core.model.step import (
    StepConfig,
    StepValues,
    TrainState,
    initial_state,
    jitted_step,
    optimizer,
    pose_loss,
    step_config,
    step_values,
)
from posecut_core.progress import silent
from posecut_core.project.opening import open_project
from posecut_core.training.run import TrainingRun, prepare_run
from posecut_core.video.frame_store import FrameStore
from posecut_core.video.reader import VideoReader

_TOGETHER = 16  # frames that the network sees at once
_WATCHED = 48  # frames of a recording whose statistics count
_SURE = 0.8  # likelihood from which a prediction is a label
_SLOWER = 0.3  # share of the learning rate with which training goes on
_MEMORY = 0.95  # of the teacher, from step to step
_OTHERS = 4  # whole frames of each step whose poses or movement are judged
_RUN, _RUNS = 4, 40  # frames after each other, and how many such runs
_WEIGHT, _LIGHT = 0.01, 0.002  # of a pixel, beside the losses of labels
_VARIANCE = 0.99  # of labeled poses, in their subspace
_TURNS = 8  # of each labeled pose


@dataclass(frozen=True)
class Case:
    """A trained network, and frames of animals that it does not know; positions are pixels of scaled frames."""

    run: TrainingRun
    test: TrainingFrames
    recordings: Mapping[str, np.ndarray]  # rows of `test`
    moving: np.ndarray  # uint8 [N, _RUN, H, W, 3]: frames after each other

    @property
    def parameters(self) -> Any:
        """Return those of the trained network."""
        return self.run.state.parameters

    @property
    def spec(self) -> NetworkSpec:
        """Return what the network is."""
        return self.run.spec

    @property
    def distances(self) -> Distances:
        """Return how far the bodyparts of the labels that train are from each other."""
        return self.run.distances


class Poses(NamedTuple):
    """What is predicted of frames, in pixels of scaled frames."""

    xy: np.ndarray  # [F, K, 2]
    likelihood: np.ndarray  # [F, K]


def trained(subject: Subject, seed: int, weights: str, settings: Mapping[str, object]) -> Case:
    """Train as shipped, and read the frames that test."""
    train, test = subject.splits[seed]
    create_training_dataset(
        subject.config, shuffles=[seed + 1], train_indices=[train], test_indices=[test], settings=settings, report=tell
    )
    train_network(subject.config, seed + 1, weights=weights, report=show)
    project = open_project(subject.config)
    training = project.training(seed + 1)
    run, split = prepare_run(training, {}, report=silent), read_split(training.split)
    frames = load_frames(
        split.test,
        read_revision(project.training_datasets / split.labels),
        lambda video: FrameStore.open(project.frame_store(video)),
        scale=run.settings.global_scale,
        report=silent,
    )
    places = {name: np.searchsorted(sorted(test), rows) for name, rows in subject.groups.items()}
    videos = [path for path in project.config.video_sets if Path(path).stem in subject.groups and Path(path).exists()]
    moving = [run for path in videos for run in _runs(Path(path), _RUNS // len(videos), frames.images.shape[1:3])]
    return Case(run, frames, places or {"all": np.arange(len(test))}, np.array(moving))


def _runs(video: Path, count: int, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """Read frames that follow each other, from places all over a video."""
    with VideoReader(video) as reader:
        firsts = np.linspace(0, reader.index.frame_count - _RUN, count).astype(int)
        for first in firsts.tolist():
            images = np.stack([image for _, image in reader.frames(range(first, first + _RUN))])
            yield np.asarray(resize(images, height=size[0], width=size[1]))


def seen(images: np.ndarray) -> jax.Array:
    """Bring images to what a network is given."""
    height, width = images.shape[1:3]
    padding = ((0, 0), (0, -height % 16), (0, -width % 16), (0, 0))
    return jnp.pad(jnp.asarray(images, jnp.float32) / 255, padding, mode="edge")


def predicted(images: np.ndarray, look: Callable[[jax.Array], Any]) -> Poses:
    """Predict by `look`, a batch after the other."""
    parts = []
    for first in range(0, len(images), _TOGETHER):
        some = images[first : first + _TOGETHER]
        filled = np.concatenate([some, np.repeat(some[-1:], _TOGETHER - len(some), axis=0)])
        parts.append([np.asarray(one)[: len(some)] for one in look(seen(filled))])
    return Poses(*(np.concatenate(one) for one in zip(*parts, strict=True)))


@partial(jax.jit, static_argnames="spec")
def _look(
    parameters: Any, images: jax.Array, *, spec: NetworkSpec, distances: Distances
) -> tuple[jax.Array, jax.Array]:
    return decode(scoremaps(spec, parameters, images), distances)


def as_trained(case: Case, images: np.ndarray, parameters: Any = None) -> Poses:
    """Predict by a network as it is."""
    return predicted(images, partial(_look, parameters or case.parameters, spec=case.spec, distances=case.distances))


# --- statistics -------------------------------------------------------------------------------------------------------


def with_colors(case: Case, images: np.ndarray) -> Poses:
    """Predict images that are given the mean and standard deviation of the training frames."""
    own, other = images.astype(np.float32), case.run.frames.images.astype(np.float32)
    moved = (own - own.mean(axis=(0, 1, 2))) / own.std(axis=(0, 1, 2)) * other.std(axis=(0, 1, 2))
    return as_trained(case, np.clip(moved + other.mean(axis=(0, 1, 2)), 0, 255))


Statistics = list[tuple[jax.Array, jax.Array]]  # mean and variance of each channel, norm by norm
_affine = FrozenBatchNorm.__call__


@contextmanager
def _norms(treat: Callable[[int, jax.Array], jax.Array]) -> Iterator[None]:
    """Let `treat` change the input of each norm, told by how many were called before it."""
    called = 0

    def call(norm: FrozenBatchNorm, x: jax.Array) -> jax.Array:
        nonlocal called
        x, called = treat(called, x), called + 1
        return _affine(norm, x)

    with patch.object(FrozenBatchNorm, "__call__", call):
        yield


def _moved(x: jax.Array, own: tuple[jax.Array, jax.Array], wanted: tuple[jax.Array, jax.Array]) -> jax.Array:
    return (x - own[0]) * jnp.sqrt((wanted[1] + 1e-6) / (own[1] + 1e-6)) + wanted[0]


@partial(jax.jit, static_argnames="spec")
def _statistics(parameters: Any, images: jax.Array, wanted: Statistics, *, spec: NetworkSpec) -> Statistics:
    """Return what the norms are given, each after those before it were moved to what is `wanted`, if anything is."""
    found: Statistics = []

    def watch(place: int, x: jax.Array) -> jax.Array:
        found.append((x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))))
        return _moved(x, found[-1], wanted[place]) if wanted else x

    with _norms(watch):
        scoremaps(spec, parameters, images)
    return found


@partial(jax.jit, static_argnames="spec")
def _look_moved(
    parameters: Any,
    own: Statistics,
    wanted: Statistics,
    images: jax.Array,
    *,
    spec: NetworkSpec,
    distances: Distances,
) -> tuple[jax.Array, jax.Array]:
    with _norms(lambda place, x: _moved(x, own[place], wanted[place])):
        return decode(scoremaps(spec, parameters, images), distances)


def some_of(images: np.ndarray) -> np.ndarray:
    """Choose frames whose statistics count, evenly."""
    return images[np.linspace(0, len(images) - 1, min(_WATCHED, len(images))).astype(int)]


def with_norms(case: Case, images: np.ndarray) -> Poses:
    """Predict, with what the norms are given moved to the statistics of the training frames."""
    watch = partial(_statistics, case.parameters, spec=case.spec)
    wanted = watch(seen(some_of(case.run.frames.images)), [])
    own = watch(seen(some_of(images)), wanted)
    look = partial(_look_moved, case.parameters, own, wanted, spec=case.spec, distances=case.distances)
    return predicted(images, look)


def with_norms_if_surer(case: Case, images: np.ndarray) -> Poses:
    """Predict so where it raises the mean likelihood."""
    return max(as_trained(case, images), with_norms(case, images), key=lambda poses: poses.likelihood.mean())


# --- training on ------------------------------------------------------------------------------------------------------

Step = Callable[[TrainState, int], TrainState]


@dataclass(frozen=True)
class Course:
    """How training goes on: at all angles from the start, at a lower rate."""

    case: Case
    settings: TrainingSettings

    @classmethod
    def of(cls, case: Case, steps: int, **changes: object) -> "Course":
        """Make a course of so many steps."""
        before = case.run.settings
        rate = _SLOWER * before.learning_rate
        new = {"maxiters": steps, "learning_rate": rate, "warmup_steps": 5, "seed": before.seed + 1, **changes}
        return cls(case, dataclasses.replace(before, **new))

    @property
    def values(self) -> StepValues:
        """Return what a step computes with."""
        values = step_values(self.settings)
        turn = values.augmentation.turn._replace(widens_from=np.float32(-1e6))
        return values._replace(augmentation=values.augmentation._replace(turn=turn))

    @property
    def config(self) -> StepConfig:
        """Return what the program of a step is made for."""
        return step_config(self.case.spec, self.settings)

    @property
    def order(self) -> np.ndarray:
        """Return which bodypart takes each one's place in a mirrored image."""
        return mirror_order(self.case.spec.bodyparts, self.settings.mirror_pairs)

    def labeled(self, step: int) -> Batch:
        """Return the labeled frames of a step."""
        settings = self.settings
        return batch_of_step(self.case.run.frames, batch_size=settings.batch_size, seed=settings.seed, step=step)

    def others(self, count: int, step: int, *, among: int) -> np.ndarray:
        """Choose rows of frames without labels."""
        return np.random.default_rng((self.settings.seed, step)).integers(0, among, count)

    def run(self, step: Step) -> Any:
        """Take all steps; return the parameters that predict."""
        state = initial_state(jax.tree.map(jnp.copy, self.case.parameters), self.settings)
        for number in range(self.settings.maxiters):
            state = jax.block_until_ready(step(state, number))
        return state.predicting


def longer(case: Case, more: int) -> Any:
    """Train on with the labels alone."""
    course = Course.of(case, 2 * more)
    values, config, order, take = course.values, course.config, course.order, jitted_step()
    return course.run(lambda state, number: take(state, course.labeled(number), order, values, config=config)[0])


def taught(case: Case, more: int, *, by_mean: bool) -> Any:
    """Train on with predictions of test frames as labels: of the network as it was, or of a mean of its parameters."""
    course = Course.of(case, more, ema_decay=_MEMORY if by_mean else 0.0)
    values, config, order, take = course.values, course.config, course.order, jitted_step()
    before, distances = as_trained(case, case.test.images), case.distances

    def step(state: TrainState, number: int) -> TrainState:
        labeled = course.labeled(number)
        rows = course.others(len(labeled.images), number, among=len(case.test))
        images = case.test.images[rows]
        xy, likelihood = (
            _look(state.averaged, seen(images), spec=case.spec, distances=distances)
            if by_mean
            else (field[rows] for field in before)
        )
        sure = np.asarray(likelihood) > _SURE
        own = Batch(images, case.test.sizes[rows], np.where(sure[..., None], xy, np.nan).astype(np.float32), sure)
        both = Batch(*(np.concatenate(pair) for pair in zip(labeled, own, strict=True)))
        return take(state, both, order, values, config=config)[0]

    return course.run(step)


Judge = Callable[[jax.Array, jax.Array], jax.Array]  # of [B, K, 2] positions, and how much each point counts


def positions(maps: Scoremaps) -> tuple[jax.Array, jax.Array]:
    """Return the mean position of each bodypart over all cells, which has a gradient, and the likelihood, without."""
    _, height, width, _ = maps.scores.shape
    y, x = (STRIDE * jnp.arange(count, dtype=jnp.float32) + (STRIDE - 1) / 2 for count in (height, width))
    cells = jnp.stack(jnp.broadcast_arrays(x[None], y[:, None]), axis=-1)[None, :, :, None]
    weights = jax.nn.softmax(maps.scores, axis=(1, 2))
    xy = (weights[..., None] * (cells + maps.locref * LOCREF_STDEV)).sum(axis=(1, 2))
    return xy, jax.lax.stop_gradient(jax.nn.sigmoid(maps.scores.max(axis=(1, 2))))


def judged(case: Case, more: int, judge: Judge, others: np.ndarray, *, weight: float = _WEIGHT) -> Any:
    """Train on, with `judge` as a loss of what is predicted of `others`: whole frames, or runs of them."""
    course = Course.of(case, more)
    values, config, order = course.values, course.config, course.order
    tool = optimizer(values.rate, weight_decay=values.weight_decay, clip_norm=values.clip_norm)

    @partial(jax.jit, donate_argnums=0)
    def take(state: TrainState, batch: Batch, images: jax.Array) -> TrainState:
        key = jax.random.fold_in(jax.random.key(values.seed), state.step)
        size, on_animal = config.crop_size, config.crop_on_animal
        crops = augment(
            key, batch, state.step, mirror_order=order, size=size, on_animal=on_animal, how=values.augmentation
        )
        targets = encode(crops.xy, height=size // STRIDE, width=size // STRIDE, radius=values.radius)

        def loss(parameters: Any) -> jax.Array:
            maps = scoremaps(case.spec, parameters, crops.images)
            known = pose_loss(maps, targets, crops.annotated, locref_weight=values.locref_weight)
            return known + weight * judge(*positions(scoremaps(case.spec, parameters, images)))

        updates, moments = tool.update(jax.grad(loss)(state.parameters), state.optimizer, state.parameters)
        return TrainState(state.step + 1, optax.apply_updates(state.parameters, updates), moments)

    def step(state: TrainState, number: int) -> TrainState:
        count = _OTHERS if others.ndim == 4 else _OTHERS // _RUN
        images = others[course.others(count, number, among=len(others))].reshape(-1, *others.shape[-3:])
        return take(state, course.labeled(number), seen(images))

    return course.run(step)


def within_poses(case: Case) -> Judge:
    """Judge how far poses are from the subspace of labeled ones, turned as crops are, beyond what labels are."""
    labels, random = case.run.frames.xy, np.random.default_rng(0)
    whole = np.repeat(labels[~np.isnan(labels).any(axis=(1, 2))], _TURNS, axis=0)
    angles = np.radians(random.uniform(-1, 1, len(whole)) * case.run.settings.rotation)
    turns = np.stack([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]]).transpose(2, 0, 1)
    poses = np.einsum("nij,nkj->nki", turns, whole - whole.mean(axis=1, keepdims=True)).reshape(len(whole), -1)
    mean = poses.mean(axis=0)
    _, spread, axes = np.linalg.svd(poses - mean, full_matrices=False)
    count = int(np.searchsorted(np.cumsum(spread**2) / np.sum(spread**2), _VARIANCE)) + 1
    axes, mean = jnp.asarray(axes[:count], jnp.float32), jnp.asarray(mean, jnp.float32)

    def distances(flat: jax.Array) -> jax.Array:
        rest = flat - mean
        rest -= (rest @ axes.T) @ axes
        return jnp.sqrt((rest.reshape(*flat.shape[:-1], -1, 2) ** 2).sum(axis=-1) + 1e-6)

    usual = float(np.percentile(distances(jnp.asarray(poses, jnp.float32)), 95))

    def judge(xy: jax.Array, sure: jax.Array) -> jax.Array:
        flat = (xy - xy.mean(axis=1, keepdims=True)).reshape(len(xy), -1)
        return jnp.mean(sure * jnp.maximum(distances(flat) - usual, 0))

    return judge


def smooth(case: Case) -> Judge:
    """Judge how far bodyparts move from frame to frame, beyond a tenth of the animal."""
    labels = case.run.frames.xy
    usual = 0.1 * float(np.nanmedian(np.hypot(*(np.nanmax(labels, axis=1) - np.nanmin(labels, axis=1)).T)))

    def judge(xy: jax.Array, sure: jax.Array) -> jax.Array:
        steps = jnp.diff(xy.reshape(-1, _RUN, *xy.shape[1:]), axis=1)
        moved = jnp.sqrt((steps**2).sum(axis=-1) + 1e-6)
        both = jnp.minimum(
            *(sure.reshape(-1, _RUN, sure.shape[1])[:, places] for places in (slice(1, None), slice(-1)))
        )
        return jnp.mean(both * jnp.maximum(moved - usual, 0))

    return judge


# --- figures ----------------------------------------------------------------------------------------------------------

PLAIN = {
    "shipped": as_trained,
    "colors": with_colors,
    "norms": with_norms,
    "norms_if_surer": with_norms_if_surer,
}
TRAINED: dict[str, Callable[[Case, int], Any]] = {
    "longer": longer,
    "self_labels": partial(taught, by_mean=False),
    "teacher": partial(taught, by_mean=True),
    "pca": lambda case, more: judged(case, more, within_poses(case), case.test.images),
    "pca_lightly": lambda case, more: judged(case, more, within_poses(case), case.test.images, weight=_LIGHT),
    "smooth": lambda case, more: judged(case, more, smooth(case), case.moving),
}


def found_by(case: Case, way: str, more: int) -> Poses:
    """Predict the test frames in one of the ways, recording by recording."""
    images = case.test.images
    if way in TRAINED:
        return as_trained(case, images, TRAINED[way](case, more))
    poses = Poses(np.full(case.test.xy.shape, np.nan), np.zeros(case.test.xy.shape[:2]))
    for rows in case.recordings.values():
        poses.xy[rows], poses.likelihood[rows] = PLAIN[way](case, images[rows])
    return poses


def figures(case: Case, poses: Poses) -> dict[str, object]:
    """Sum up errors in pixels of the full frames."""
    errors = pixel_errors(poses.xy, case.test.xy) / case.run.settings.global_scale
    return {
        "error_px": round(float(np.nanmean(errors)), 2),
        "median_px": round(float(np.nanmedian(errors)), 2),
        "likelihood": round(float(poses.likelihood.mean()), 3),
        "by_recording": {name: round(float(np.nanmean(errors[rows])), 2) for name, rows in case.recordings.items()},
    }


def run(arguments, known: Sequence[Mapping[str, object]]) -> Iterator[dict[str, object]]:
    """Measure what is not known yet, and yield a row for each."""
    settings = {"display_iters": 100, "save_iters": 10**6, "maxiters": arguments.steps, **settings_given(arguments.set)}
    done = [(row["set"], row["seed"], row["way"]) for row in known]
    for name in arguments.sets.split(","):
        ways = [way for way in arguments.ways.split(",") if way != "smooth" or name == "rendered"]
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
            wanted = [way for way in ways if (name, seed, way) not in done]
            if not wanted:
                continue
            with SETS[name](arguments.data, seed + 1) as subject:
                case = trained(subject, seed, arguments.weights, {**settings, "seed": seed})
                for way in wanted:
                    poses = found_by(case, way, arguments.more)
                    yield {"set": name, "seed": seed, "way": way, **figures(case, poses)}


def main():
    """Measure, print one JSON object."""
    options = row_parser(__doc__)
    options.add_argument("--sets", default=",".join(SETS), help="(default: %(default)s)")
    options.add_argument("--ways", default=",".join([*PLAIN, *TRAINED]), help="(default: %(default)s)")
    options.add_argument("--seeds", type=int, default=1, help="(default: %(default)s)")
    options.add_argument("--first-seed", type=int, default=0, help="(default: %(default)s)")
    options.add_argument("--steps", type=int, default=200, help="of each training (default: %(default)s)")
    options.add_argument("--more", type=int, default=60, help="steps that go on from there (default: %(default)s)")
    options.add_argument("--weights", required=True, help="imagenet or a .safetensors file")
    arguments = options.parse_args()
    rows = all_rows(arguments.results, lambda known: run(arguments, known))
    print_result({"rows": len(rows)})


if __name__ == "__main__":
    main()
