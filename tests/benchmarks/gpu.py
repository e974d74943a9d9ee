"""Training steps and analyzed frames per second on a graphics card, in float32 and bfloat16, in under ten minutes.

    python tests/benchmarks/gpu.py [--nets NAMES] [--sizes WIDTHxHEIGHT,...] [--batches N,N] [--seconds S] [--limit S]

Random weights and noise as images, so that no data are needed. A training step is one of 8 crops as `train_network`
takes it, of the side of the image, augmentation and optimizer included. The analysis scales nothing and decodes what
the network says; two batches are in flight, so that copies, computing and fetching overlap. For batches of one image
the 95th percentile of the time from image to pose is given, too. What is not begun within `--limit` seconds is left
out, and named. Runs on a processor as well.
"""

import argparse
import time
from contextlib import closing
from dataclasses import replace

import jax
import numpy as np
from openfield import print_result

from posecut_core.backbones import backbone_of
from posecut_core.dataset.frames import TrainingFrames
from posecut_core.dataset.settings import settings_from
from posecut_core.inference.engine import XlaEngine
from posecut_core.inference.predictor import Predictor
from posecut_core.model.devices import placement
from posecut_core.model.pose_net import NetworkSpec, initial_parameters
from posecut_core.model.snapshots import SnapshotInfo
from posecut_core.model.step import fit, initial_state

BODYPARTS = ("snout", "leftear", "rightear", "tailbase")
WARM_UP = 3  # steps or batches that are not timed


def noise(count: int, width: int, height: int) -> np.ndarray:
    """Draw images."""
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), np.uint8)


def steps_per_second(spec: NetworkSpec, width: int, height: int, seconds: float) -> float:
    """Train on noise for some time."""
    side = height // 16 * 16
    values = {"init_weights": "random", "batch_size": 8, "crop_size": side, "maxiters": 100_000}
    settings = settings_from({**values, "display_iters": 100_000, "precision": spec.precision})
    xy = np.random.default_rng(1).uniform(0, side, (16, len(BODYPARTS), 2)).astype(np.float32)
    sizes = np.tile(np.array([[height, width]], np.int32), (16, 1))
    frames = TrainingFrames(noise(16, width, height), sizes, xy, np.ones(xy.shape[:2], bool))
    where, order = placement(jax.local_devices()[:1], batch_size=8), np.arange(len(BODYPARTS))
    state = initial_state(initial_parameters(0, spec), settings)
    with closing(fit(state, frames, order, spec=spec, settings=settings, where=where)) as steps:
        for _ in range(WARM_UP):
            jax.block_until_ready(next(steps).loss)
        start, count = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            taken, count = next(steps), count + 1
        jax.block_until_ready(taken.loss)
        return count / (time.perf_counter() - start)


def frames_per_second(predictor: Predictor, images: np.ndarray, seconds: float) -> float:
    """Predict the same images again and again, two batches in flight."""
    for _ in range(WARM_UP):
        predictor.predict(images)
    waiting, count = [predictor.start(images)], 0
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        waiting.append(predictor.start(images))
        waiting.pop(0)()
        count += len(images)
    waiting.pop()()
    return (count + len(images)) / (time.perf_counter() - start)


def latency_ms(predictor: Predictor, image: np.ndarray, seconds: float) -> float:
    """Return the 95th percentile of the time from one image to its pose."""
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        predictor.predict(image)
        times.append(time.perf_counter() - start)
    return 1000 * float(np.percentile(times, 95))


def main() -> None:
    """Measure, print one JSON object."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--nets", default="resnet_50,efficientnet_lite0", help="net_types (%(default)s)")
    options.add_argument("--sizes", default="320x240,640x480", help="of images (%(default)s)")
    options.add_argument("--batches", default="1,4,16,64", help="images at once in the analysis (%(default)s)")
    options.add_argument("--seconds", type=float, default=4.0, help="that each figure is measured for (%(default)s)")
    options.add_argument(
        "--limit", type=float, default=540.0, help="seconds after which nothing is begun (%(default)s)"
    )
    arguments = options.parse_args()
    begun, found, left_out = time.perf_counter(), {}, []
    for net in arguments.nets.split(","):
        for size in arguments.sizes.split(","):
            width, height = map(int, size.split("x"))
            for precision in ("float32", "bfloat16"):
                name = f"{net} {size} {precision}"
                spec = replace(NetworkSpec(backbone_of(net), BODYPARTS), precision=precision)
                figures = found.setdefault(name, {})

                def measure(key: str, what, *inputs, figures=figures, name=name) -> None:
                    if time.perf_counter() - begun > arguments.limit:
                        left_out.append(f"{name}: {key}")
                        return
                    figures[key] = round(what(*inputs, arguments.seconds), 2)
                    print(f"{name}: {key} {figures[key]}", flush=True)

                predictor = Predictor(
                    SnapshotInfo(0, "benchmark", spec, 1.0), XlaEngine(spec, initial_parameters(0, spec))
                )
                for batch in map(int, arguments.batches.split(",")):
                    measure(f"analysis_fps_batch_{batch}", frames_per_second, predictor, noise(batch, width, height))
                measure("latency_p95_ms", latency_ms, predictor, noise(1, width, height))
                measure("training_steps_per_s", steps_per_second, spec, width, height)
    device = jax.local_devices()[0]
    print_result({"device": device.device_kind, "figures": found, "left_out": left_out})


if __name__ == "__main__":
    main()
