"""Frames per second of analyzing a video, decoding and writing included, beside DeepLabCut and the physical limits.

    python tests/benchmarks/speed.py [--frames N] [--light-frames N] [--repeats N] [--peer PYTHON] [--keep FOLDER]
        [--steps N] [--light-steps N] [--crop N] [--weights FILE] [--light NET_TYPE] [--light-weights FILE]
        [--memory 2330,20000] [--ways full_frame,xla,int8,light,tracking_crop]

The first frames of the openfield video at 320x240 (global_scale 0.5), more of them for the light network, so that
both take some time. A ResNet-50 and a light network are trained for `--steps` and `--light-steps` steps, from
`--weights` and `--light-weights` (safetensors; random where none are given): an engine is used only where it was
measured on a network that is confident. With `--keep` they stay there, and are used again.

Ways of analyzing, and DeepLabCut's analyze_videos through the interpreter `--peer`, take turns; figures are medians.
`*_fps` are frames/s, `*_ratio` theirs to DeepLabCut's, `*_end_to_end` to the engine alone on images that are ready.
Without a way of the ResNet-50 among `--ways`, none is trained. `--memory` analyzes that many frames with the light
network in a process of its own, and gives its largest size in MiB.
"""

import json
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from statistics import median

import numpy as np
from openfield import PROJECT, VIDEO, parser, print_result, split_of, working_copy

from posecut_core import (
    VideoReader,
    VideoWriter,
    analyze_videos,
    create_training_dataset,
    open_project,
    read_predictions,
    train_network,
)
from posecut_core.errors import ModelError
from posecut_core.evaluation.measurement import EvaluationJob, measure
from posecut_core.inference import openvino
from posecut_core.inference.deviation import read_deviations
from posecut_core.inference.predictor import Predictor, chosen_engine
from posecut_core.progress import Notice, silent

RESNET, LIGHT = 1, 2  # shuffles
Videos = dict[int, tuple[Path, int]]  # shuffle -> video and its frames
WAYS = {
    "full_frame": {"shuffle": RESNET, "engine": "auto"},
    "xla": {"shuffle": RESNET, "engine": "xla"},
    "int8": {"shuffle": RESNET, "engine": "openvino-int8"},
    "light": {"shuffle": LIGHT, "engine": "auto"},
    "tracking_crop": {"shuffle": LIGHT, "engine": "auto", "dynamic": (True, 0.5, 10)},
}
BATCHES = (1, 4, 16, 64)


def first_frames(source: Path, target: Path, count: int) -> None:
    """Write the first `count` frames of a video as a video of their own, from the start again where it ends."""
    with VideoReader(source) as reader:
        index = reader.index
        with VideoWriter(target, fps=index.fps, width=index.width, height=index.height) as writer:
            while count > 0:
                for _, frame in reader.frames(range(min(count, index.frame_count))):
                    writer.write(frame)
                count -= index.frame_count


def show(note: object) -> None:
    """Print what the core tells, but no progress."""
    if isinstance(note, Notice):
        print(note.text, flush=True)


def trained(
    config: Path, shuffle: int, net_type: str, weights: Path | None, steps: int, split: dict, **more: int
) -> None:
    """Train a network, unless it is there."""
    if open_project(config).training(shuffle).snapshots:
        return
    settings = {"net_type": net_type, "global_scale": 0.5, "maxiters": steps, **more}
    settings |= {"init_weights": str(weights.absolute()) if weights else "random"}
    rows = {"train_indices": [split["train"]], "test_indices": [split["test"]]}
    create_training_dataset(config, shuffles=[shuffle], settings=settings, **rows)
    train_network(config, shuffle)


def fps(config: Path, videos: Videos, *, shuffle: int, **how: object) -> float:
    """Time one analysis, files written."""
    video, frames = videos[shuffle]
    start = time.perf_counter()
    analyze_videos(config, [video], shuffle, overwrite=True, **{"batch_size": 8, **how})
    return frames / (time.perf_counter() - start)


def peer_fps(python: str, data: Path, frames: int) -> float:
    """Ask DeepLabCut for its frames per second on the same video."""
    script = data.parent / "tools" / "peer_deeplabcut.py"
    command = [python, str(script), "analyze", "--frames", str(frames)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(json.loads(output.strip().splitlines()[-1])["frames_per_s"])


def with_engine(config: Path, shuffle: int, engine: str) -> Predictor:
    """Load a network with an engine that was measured before."""
    training = open_project(config).training(shuffle)
    return chosen_engine(Predictor.load(training.folder), training, engine, report=show)


def engine_fps(predictor: Predictor, images: np.ndarray, seconds: float = 5.0) -> float:
    """Time the engine alone, two batches at once."""
    ready = np.asarray(predictor.scaled(images))
    waiting = [predictor.engine.start(ready) for _ in range(2)]
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        waiting.pop(0)()
        waiting.append(predictor.engine.start(ready))
        count += len(images)
    for result in waiting:
        result()
    return count / (time.perf_counter() - start)


def decoding_fps(video: Path, frames: int) -> float:
    """Time the decoding alone."""
    with VideoReader(video) as reader:
        start = time.perf_counter()
        for _ in reader.frames(range(frames)):
            pass
        return frames / (time.perf_counter() - start)


def gigaflops() -> dict[str, float]:
    """Measure products of matrices: numpy's in float32, and OpenVINO's 1x1 convolutions in each precision."""
    import nncf
    import openvino as runtime
    from openvino import opset8

    side, channels, rounds = 64, 1024, 8
    x = opset8.parameter([1, channels, side, side], np.float32)
    y = x
    for seed in range(4):
        kernel = np.random.default_rng(seed).normal(0, 0.03, (channels, channels, 1, 1)).astype(np.float32)
        y = opset8.relu(opset8.convolution(y, opset8.constant(kernel), [1, 1], [0, 0], [0, 0], [1, 1]))
    model = runtime.Model([y], [x])
    image = np.random.default_rng(0).normal(size=(1, channels, side, side)).astype(np.float32)
    small = nncf.quantize(model, nncf.Dataset([image] * 4), subset_size=4)
    found = {}
    for name, chosen, hint in (("float32", model, "f32"), ("bfloat16", model, "bf16"), ("int8", small, "bf16")):
        compiled = runtime.Core().compile_model(chosen, "CPU", {"INFERENCE_PRECISION_HINT": hint})
        compiled(image)
        start = time.perf_counter()
        for _ in range(rounds):
            compiled(image)
        found[name] = round(rounds * 4 * 2 * channels**2 * side**2 / (time.perf_counter() - start) / 1e9)
    matrix = np.ones((2048, 2048), np.float32)
    start = time.perf_counter()
    for _ in range(rounds):
        matrix @ matrix
    return {**found, "numpy_float32": round(rounds * 2 * 2048**3 / (time.perf_counter() - start) / 1e9)}


def test_error(config: Path, shuffle: int, engine: str) -> float:
    """Measure the test error with an engine, in pixels."""
    training = open_project(config).training(shuffle)
    job = EvaluationJob(training, training.snapshots[-1], None)
    measured = measure(job, with_engine(config, shuffle, engine), batch_size=8, report=silent)
    return measured.overall(open_project(config).config.pcutoff).test


def difference(full: Path, other: Path, pcutoff: float) -> float:
    """Return the median distance of two analyses where both are confident."""
    one, two = read_predictions(full), read_predictions(other)
    sure = (one.likelihood >= pcutoff) & (two.likelihood >= pcutoff)
    return float(np.median(np.linalg.norm(one.xy - two.xy, axis=-1)[sure]))


def peak_of(config: Path, video: Path) -> int:
    """Analyze a video in a process of its own, and return the most memory that it had, in MiB."""
    code = (
        "import sys; from openfield import peak_mib; from posecut_core import analyze_videos; "
        f"analyze_videos(sys.argv[1], [sys.argv[2]], {LIGHT}, overwrite=True, batch_size=8); print(peak_mib())"
    )
    command, here = [sys.executable, "-c", code, str(config.resolve()), str(video.resolve())], Path(__file__).parent
    done = subprocess.run(command, check=True, capture_output=True, cwd=here)
    return int(done.stdout.split()[-1])


def rounded(values: dict[str, float]) -> dict[str, float]:
    """Write figures as they are read."""
    return {name: round(value, 3 if value < 10 else 1) for name, value in values.items()}


def refusals(config: Path, videos: Videos, ways: dict[str, dict]) -> dict[str, str]:
    """Analyze in each way, which compiles, measures the engine and quantizes; return why ways are refused."""
    found = {}
    for name, way in ways.items():
        try:
            fps(config, videos, **way)
        except ModelError as error:
            found[name] = str(error)
    return found


def timed(config: Path, videos: Videos, ways: dict[str, dict], arguments: object) -> dict[str, object]:
    """Let the ways of analyzing take turns, and return medians, all figures and ratios."""
    seen: dict[str, list[float]] = {}
    for _ in range(arguments.repeats):
        for name, way in ways.items():
            seen.setdefault(f"{name}_fps", []).append(fps(config, videos, **way))
            print(f"{name}: {seen[f'{name}_fps'][-1]:.2f} frames/s", flush=True)
        if arguments.peer:
            found = peer_fps(arguments.peer, arguments.data, arguments.peer_frames)
            seen.setdefault("peer_fps", []).append(found)
    medians = {name: median(values) for name, values in seen.items()}
    result: dict[str, object] = {**rounded(medians), "all": {name: np.round(v, 2).tolist() for name, v in seen.items()}}
    if arguments.peer:
        result |= rounded({f"{name}_ratio": medians[f"{name}_fps"] / medians["peer_fps"] for name in ways})
    return result


def limits(config: Path, videos: Videos, ways: dict[str, dict], medians: dict[str, float]) -> dict[str, object]:
    """Compare with the engines alone, with decoding alone, and between batch sizes."""
    with VideoReader(videos[LIGHT][0]) as reader:
        images = np.stack([frame for _, frame in reader.frames(range(8))])
    result: dict[str, object] = {"decoding_fps": round(decoding_fps(*videos[LIGHT])), "gigaflops": gigaflops()}
    for name in {"full_frame", "int8", "light"} & ways.keys():
        alone = engine_fps(with_engine(config, WAYS[name]["shuffle"], WAYS[name]["engine"]), images)
        result |= rounded({f"{name}_engine_fps": alone, f"{name}_end_to_end": medians[f"{name}_fps"] / alone})
    for name in {"full_frame", "light"} & ways.keys():
        batches = {str(size): fps(config, videos, **WAYS[name], batch_size=size) for size in BATCHES}
        result[f"{name}_fps_by_batch"] = rounded(batches)
    return result


def accuracy(config: Path, video: Path, ways: dict[str, dict]) -> dict[str, object]:
    """Measure what the faster ways cost."""
    project = open_project(config)
    result: dict[str, object] = {
        f"{name}_test_error": round(test_error(config, RESNET, engine), 3)
        for name, engine in (("xla", "xla"), ("full_frame", "auto"), ("int8", "openvino-int8"))
        if name in ways
    } | {"light_test_error": round(test_error(config, LIGHT, "auto"), 3)}
    for name, shuffle in (("full_frame", RESNET), ("light", LIGHT)):
        if name not in ways:
            continue
        training = project.training(shuffle)
        known = read_deviations(training.snapshot(training.snapshots[-1]), runtime=openvino.runtime())
        result[f"{name}_deviations"] = {engine: asdict(each) for engine, each in known.items()}
    files = []
    for way in ("light", "tracking_crop"):
        folder = video.parent / way
        files.append(analyze_videos(config, [video], destfolder=folder, overwrite=True, **WAYS[way]).files[0])
    result["tracking_crop_difference"] = round(difference(*files, project.config.pcutoff), 4)
    return result


def main():
    """Train, time, compare; print one JSON object."""
    options = parser(__doc__)
    options.add_argument("--frames", type=int, default=500)
    options.add_argument("--light-frames", type=int, default=2330)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--peer", help="interpreter of an environment with DeepLabCut 3.0.2")
    options.add_argument("--peer-frames", type=int, default=200)
    options.add_argument("--keep", type=Path, help="folder in which the networks stay")
    options.add_argument("--steps", type=int, default=400, help="of training the ResNet-50")
    options.add_argument("--light-steps", type=int, default=800, help="of training the light network")
    options.add_argument("--crop", type=int, default=224, help="side of the crops that train the ResNet-50")
    options.add_argument("--weights", type=Path, help="of a ResNet-50")
    options.add_argument("--light", default="efficientnet_lite0", metavar="NET_TYPE")
    options.add_argument("--light-weights", type=Path)
    options.add_argument("--ways", default=",".join(WAYS), metavar="WAY,WAY", help="of analyzing (default: all)")
    options.add_argument("--memory", default="", metavar="FRAMES,FRAMES", help="analyze so many frames")
    arguments = options.parse_args()
    if arguments.keep and (arguments.keep / PROJECT).is_dir():
        print_result(figures(arguments.keep / PROJECT / "config.yaml", arguments))
        return
    with working_copy(arguments.data, keep=arguments.keep) as config:
        print_result(figures(config, arguments))


def figures(config: Path, arguments: object) -> dict[str, object]:
    """Return all figures of a project."""
    source, split = arguments.data / PROJECT / "videos" / VIDEO, split_of(arguments.data)
    wished = {name: WAYS[name] for name in arguments.ways.split(",")}
    if any(way["shuffle"] == RESNET for way in wished.values()):
        trained(config, RESNET, "resnet_50", arguments.weights, arguments.steps, split, crop_size=arguments.crop)
    trained(config, LIGHT, arguments.light, arguments.light_weights, arguments.light_steps, split)
    videos: Videos = {}
    for shuffle, count in ((RESNET, arguments.frames), (LIGHT, arguments.light_frames)):
        videos[shuffle] = (config.parent / f"first_{count}_frames.mp4", count)
        first_frames(source, *videos[shuffle])
    refused = refusals(config, videos, wished)
    ways = {name: way for name, way in wished.items() if name not in refused}
    result = {"frames": arguments.frames, "light_frames": arguments.light_frames, "refused": refused}
    result |= timed(config, videos, ways, arguments)
    result |= limits(config, videos, ways, result) | accuracy(config, videos[LIGHT][0], ways)
    for count in map(int, filter(None, arguments.memory.split(","))):
        longer = config.parent / f"{count}_frames.mp4"
        first_frames(source, longer, count)
        result[f"peak_mib_{count}"] = peak_of(config, longer)
        longer.unlink()
    return result


if __name__ == "__main__":
    main()
