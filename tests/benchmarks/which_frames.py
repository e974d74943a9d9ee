"""Which frames to label, first or next: unlike each other in pixels or in features, or at random.

    python tests/benchmarks/which_frames.py --weights FILE [--sets drawn,openfield] [--ways random,pixels,features]
        [--labeled N] [--frames N] [--seeds N] [--steps N] [--set NAME=VALUE] [--results FILE.jsonl]

`random` and `pixels` are what `extract_frames` does (`uniform`, and k-means of gray thumbnails 30 pixels wide);
`features` is k-means of what the pretrained backbone of `--weights` says of each frame, averaged over its last stage;
`unlike` is k-means of thumbnails in as many more clusters as frames are labeled already, of which those without a
labeled frame are taken. With `--labeled N` so many frames, chosen as `pixels` does, are labeled before; `none` then
adds no frame to them. `drawn` chooses among all frames of two drawn videos and tests on two other mice; `openfield`
among the 96 labeled frames that train, since its video has no labels, and tests on the other 20. Each way chooses as
many frames with as many seeds; settings and steps of all trainings are the same. What is a line of `--results` is not
trained again.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from generalisation import _STRANGERS
from openfield import all_rows, print_result, row_parser, settings_given, show, splits, working_copy

from posecut_core import create_training_dataset, extract_frames, train_network
from posecut_core.backbones.layers import undrawn
from posecut_core.dataset.frames import resize
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.demo.sample import VIDEOS, create, film_all
from posecut_core.demo.scene import TO_LABEL, human_labels, prepare
from posecut_core.evaluation.measurement import EvaluationJob, measure
from posecut_core.inference.predictor import Predictor
from posecut_core.labels.images import adopt_project
from posecut_core.labels.store import read_labels
from posecut_core.model.initialization import begin
from posecut_core.model.pose_net import PoseNet
from posecut_core.progress import silent
from posecut_core.project.opening import frame_folders, open_project
from posecut_core.project.paths import Project
from posecut_core.video.extraction import _clusters, _kmeans_ranking, _uniform_ranking
from posecut_core.video.frame_store import FrameStore
from posecut_core.video.reader import VideoReader
from posecut_core.workflow.check_labels import write_labels

_SIDE = 192  # pixels, the longer side of a frame as the backbone sees it
_TESTED = 60  # frames of each drawn stranger


@dataclass(frozen=True)
class Pool:
    """Frames of one video among which some are chosen."""

    video: str
    numbers: np.ndarray
    images: list[np.ndarray]

    def thumbnails(self) -> np.ndarray:
        """Return gray thumbnails, as extraction compares them."""
        small = [np.asarray(resize(image[None], height=_height(image, 30), width=30))[0] for image in self.images]
        return np.stack([image.mean(axis=-1).ravel() for image in small]).astype(np.float32)

    def features(self, network) -> np.ndarray:
        """Return what the backbone says of each frame."""
        return np.concatenate([np.asarray(network(image)) for image in self.images])


def _height(image, width) -> int:
    return max(1, round(image.shape[0] * width / image.shape[1]))


def backbone(weights: str, settings: dict[str, object]):
    """Return a function from an image to the means of the last stage of a pretrained backbone."""
    chosen = TrainingSettings(init_weights=weights, net_type=settings.get("net_type", "resnet_50"))
    begun = begin(chosen, ("a",), report=silent)
    network = nnx.eval_shape(lambda: PoseNet(undrawn, begun.spec))
    graph, state = nnx.split(network)
    nnx.replace_by_pure_dict(state, begun.parameters)

    @jax.jit
    def of(images):
        net = nnx.merge(graph, state)
        mean, stdev = (jnp.asarray(value)[None, None, None] for value in net.pretraining[:2])
        return net.backbone((images / 255 - mean) / stdev)[-1].mean(axis=(1, 2))

    def see(image):
        scale = _SIDE / max(image.shape[:2])
        height, width = (-(-round(side * scale) // 16) * 16 for side in image.shape[:2])
        return of(jnp.asarray(resize(image[None], height=height, width=width), jnp.float32))

    return see


def chosen(way: str, pool: Pool, count: int, seed: int, network, labeled: list[int]) -> list[int]:
    """Choose frames of a pool beside those that are labeled, by their numbers."""
    if way == "none":
        return []
    if way == "random":
        ranking = _uniform_ranking(pool.numbers, seed=seed)
    elif way == "unlike":
        ranking = _unlike(pool, count + len(labeled), seed, labeled)
    else:
        rows = pool.thumbnails() if way == "pixels" else pool.features(network)
        ranking = _kmeans_ranking(rows, pool.numbers, number_of_frames=count, seed=seed)
    return [number for number in ranking.tolist() if number not in labeled][:count]


def _unlike(pool: Pool, count: int, seed: int, labeled: list[int]) -> np.ndarray:
    """Put frames into the order in which they are to be taken: those of clusters without a labeled frame first."""
    clusters = _clusters(pool.thumbnails(), count=count, seed=seed)
    known = np.isin(clusters, clusters[np.isin(pool.numbers, labeled)])
    ranking = _kmeans_ranking(pool.thumbnails(), pool.numbers, number_of_frames=count, seed=seed)
    return ranking[np.argsort(known[np.searchsorted(pool.numbers, ranking)], kind="stable")]


@contextmanager
def drawn(arguments) -> Iterator[tuple[Path, list[Pool], dict[str, tuple[int, ...]], object]]:
    """Draw mice; two are to be labeled, two others test."""
    with tempfile.TemporaryDirectory(prefix="posecut-drawn-") as folder:
        scenes = (*TO_LABEL, *_STRANGERS)
        videos = film_all(scenes, Path(folder) / VIDEOS, silent)
        config = create(Path(folder), videos, silent)
        pools = []
        for scene, video in zip(TO_LABEL, videos, strict=False):
            with VideoReader(video) as reader:
                images = [image for _, image in reader.frames(range(scene.frames))]
            pools.append(Pool(scene.name, np.arange(scene.frames), images))
        tested = {}
        for scene in _STRANGERS:
            tested[scene.name] = extract_frames(config, videos=[scene.name], number_of_frames=_TESTED).videos[0].frames
            write_labels(
                config,
                human_labels(
                    np.random.default_rng(3), prepare(scene).truth, scene.name, tested[scene.name], jitter=0.0
                ),
            )

        def label(numbers: dict[str, list[int]]) -> None:
            for scene in TO_LABEL:
                frames = tuple(sorted(numbers[scene.name]))
                extract_frames(config, "manual", videos=[scene.name], frames=frames)
                rng = np.random.default_rng([scene.seed, 3])
                every = human_labels(rng, prepare(scene).truth, scene.name, tuple(range(scene.frames)), jitter=0.7)
                write_labels(config, every.rows(np.isin(every.numbers, frames)))

        yield config, pools, tested, label


@contextmanager
def openfield(arguments) -> Iterator[tuple[Path, list[Pool], dict[str, tuple[int, ...]], object]]:
    """Copy the example project, whose labeled frames are the pool."""
    with working_copy(arguments.data) as config:
        project = adopt_project(config)
        (video,) = [name for name in _labeled(project) if len(read_labels(project, name).numbers)]
        numbers, (train, test) = read_labels(project, video).numbers, next(iter(splits(arguments.data, count=1)))
        store = FrameStore.open(project.frame_store(video))
        pool = Pool(video, numbers[train], [store.read(int(number)) for number in numbers[train]])
        yield config, [pool], {video: tuple(numbers[test].tolist())}, lambda numbers: None


def _labeled(project: Project) -> list[str]:
    """Return the videos with frames, in the order of the labeled ones; the project may not know where they are."""
    return sorted(folder.name for folder in frame_folders(project))


SETS = {"drawn": drawn, "openfield": openfield}


def rows_of(config: Path, numbers: dict[str, list[int]]) -> list[int]:
    """Return the places of frames among all labeled ones, video by video."""
    project, first, found = open_project(config), 0, []
    for video in _labeled(project):
        labeled = read_labels(project, video).numbers
        wanted = np.array(sorted(numbers.get(video, ())), dtype=np.int64)
        found += (first + np.searchsorted(labeled, wanted)).tolist()
        first += len(labeled)
    return found


def run(arguments, known) -> Iterator[dict[str, object]]:
    """Train what is not known yet."""
    given = {"display_iters": 100, "save_iters": 10**6, **settings_given(arguments.set)}
    network = backbone(arguments.weights, given)
    for name in arguments.sets.split(","):
        with SETS[name](arguments) as (config, pools, tested, label):
            for place, (seed, way) in enumerate(
                (s, w) for s in range(arguments.seeds) for w in arguments.ways.split(",")
            ):
                counts = {"labeled": arguments.labeled, "frames": arguments.frames, "steps": arguments.steps}
                row = {"set": name, "way": way, "seed": seed, **counts}
                if any(all(one.get(key) == value for key, value in row.items()) for one in known):
                    continue
                each, before = arguments.frames // len(pools), arguments.labeled // len(pools)
                numbers = {}
                for pool in pools:
                    labeled = chosen("pixels", pool, before, seed, network, []) if before else []
                    # another seed: the same one would choose the same frames again
                    added = chosen(way, pool, each, seed + 100 * bool(before), network, labeled)
                    numbers[pool.video] = [*labeled, *added]
                label(numbers)
                train, test = rows_of(config, numbers), rows_of(config, tested)
                create_training_dataset(
                    config,
                    shuffles=[place + 1],
                    train_indices=[train],
                    test_indices=[test],
                    settings={**given, "seed": seed},
                )
                start = time.process_time()
                train_network(config, place + 1, maxiters=arguments.steps, weights=arguments.weights, report=show)
                minutes = (time.process_time() - start) / 60
                training = open_project(config).training(place + 1)
                job = EvaluationJob(training, training.snapshots[-1], None)
                found = measure(job, Predictor.load(training.folder), batch_size=4, report=silent)
                errors = found.errors[found.is_test]
                yield {
                    **row,
                    "error_px": round(float(np.nanmean(errors)), 3),
                    "median_px": round(float(np.nanmedian(errors)), 3),
                    "processor_minutes": round(minutes, 2),
                }


def table(rows: list[dict[str, object]]) -> dict[str, dict[str, float]]:
    """Average over seeds."""
    found: dict[str, list[dict[str, object]]] = {}
    for row in rows:
        beside = f" beside {row['labeled']}" if row["labeled"] else ""
        found.setdefault(f"{row['set']}, {row['frames']} frames{beside}, {row['way']}", []).append(row)
    return {
        name: {
            "mean_px": round(float(np.mean([row["error_px"] for row in several])), 2),
            "sd_px": round(float(np.std([row["error_px"] for row in several], ddof=min(1, len(several) - 1))), 2),
            "median_px": round(float(np.mean([row["median_px"] for row in several])), 2),
            "seeds": len(several),
        }
        for name, several in found.items()
    }


def main():
    """Train what is missing, print one JSON object."""
    options = row_parser(__doc__)
    options.add_argument("--sets", default=",".join(SETS), help="(default: %(default)s)")
    options.add_argument("--ways", default="random,pixels,features", help="(default: %(default)s)")
    options.add_argument("--labeled", type=int, default=0, help="how many are labeled before (default: none)")
    options.add_argument("--frames", type=int, default=20, help="how many are labeled (default: %(default)s)")
    options.add_argument("--seeds", type=int, default=3, help="(default: %(default)s)")
    options.add_argument("--steps", type=int, default=200, help="of each training (default: %(default)s)")
    options.add_argument("--weights", required=True, help="imagenet or a .safetensors file")
    arguments = options.parse_args()
    rows = all_rows(arguments.results, lambda known: run(arguments, known))
    print_result({"table": table(rows)})


if __name__ == "__main__":
    main()
