"""Seconds of a training step of ResNet-50 and of a light network, 8 crops of 224x224, input pipeline included.

    python tests/benchmarks/training_speed.py [--nets NAMES] [--steps N] [--peer PYTHON] [--set NAME=VALUE]

The openfield example at 320x240, float32. As in a training with ImageNet weights, the networks begin with a file that
has the names and shapes of such weights (its values are drawn, which takes as long), so that norms are frozen; `--set
init_weights=random` draws a network with GroupNorm. The figure of a network is the median over steps, without the
compiling first one and with everything that stands between two steps. `roofline_s` is what its convolutions would
take at the speed of a plain matrix product, measured beside it. `--peer` also trains DeepLabCut 3.0.2's ResNet-50 in
turn, for one epoch and for three, through the interpreter of an environment that has it: the difference is two epochs
of 12 steps without the start; `ratio` is its seconds per step divided by ours.
"""

import dataclasses
import functools
import operator
import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np
from openfield import parser, peer_training, print_result, settings_given, split_of, working_copy
from safetensors.numpy import save_file

from posecut_core import create_training_dataset, train_network
from posecut_core.backbones import backbone_of
from posecut_core.backbones.kernels import plain_forms
from posecut_core.model.pose_net import NetworkSpec, parameter_shapes, scoremaps
from posecut_core.progress import Progress

STEPS_PER_EPOCH = 12


def products_per_second():
    """Measure floating-point operations per second of a matrix product."""
    one, product, times = jnp.ones((2048, 2048)), jax.jit(jnp.matmul), []
    for _ in range(6):
        start = time.perf_counter()
        product(one, one).block_until_ready()
        times.append(time.perf_counter() - start)
    return 2 * 2048**3 / min(times)


def step_operations(net_type):
    """Count the floating-point operations of a step: those of the forward pass, three times."""
    spec = NetworkSpec(backbone_of(net_type), ("snout", "leftear", "rightear", "tailbase"))
    images = jax.ShapeDtypeStruct((8, 224, 224, 3), jnp.float32)
    with plain_forms():
        forward = jax.jit(lambda parameters, images: scoremaps(spec, parameters, images))
        return 3 * forward.lower(parameter_shapes(spec), images).cost_analysis()["flops"]


def write_weights(path, net_type):
    """Write weights of a network with batch norms, under the names that ImageNet's have."""
    backbone = dataclasses.replace(backbone_of(net_type), norm="frozen_batch")
    shapes = parameter_shapes(NetworkSpec(backbone, ("snout",)))["backbone"]
    random, tensors = np.random.default_rng(0), {}
    for name, place in backbone.tensor_names(shapes).items():
        found = functools.reduce(operator.getitem, place, shapes)
        if place[-1] == "kernel":
            height, width, inputs, outputs = found.shape
            deviation = (height * width * inputs) ** -0.5
            tensors[f"{name}.weight"] = random.normal(0, deviation, (outputs, inputs, height, width)).astype(np.float32)
            continue
        for part, value in (("weight", 0.5), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
            tensors[f"{name}.{part}"] = np.full(found["scale"].shape, value, np.float32)
    save_file(tensors, path)


def step_seconds(config, shuffle, split, steps, chosen):
    """Train a shuffle of its own, return the seconds of each step after the first two."""
    settings = {"global_scale": 0.5, "maxiters": steps, "display_iters": 1, "seed": 1}
    settings |= chosen
    create_training_dataset(
        config, shuffles=[shuffle], train_indices=[split["train"]], test_indices=[split["test"]], settings=settings
    )
    times = []

    def note(progress):
        if (
            isinstance(progress, Progress) and progress.stage == "training"
        ):  # the frames are read before, and told of too
            times.append(time.perf_counter())

    train_network(config, shuffle, report=note)
    return np.diff(times)[2:].tolist()


def peer_step_seconds(python, data, split):
    """Ask DeepLabCut for its seconds per step, without its start and its saving."""
    reports = {epochs: peer_training(python, data, split["train"], split["test"], epochs=epochs) for epochs in (1, 3)}
    seconds = {epochs: epochs * report["s_per_epoch"] for epochs, report in reports.items()}
    return (seconds[3] - seconds[1]) / (2 * STEPS_PER_EPOCH)


def main():
    """Time both, print one JSON object."""
    options = parser(__doc__)
    options.add_argument("--nets", default="resnet_50,efficientnet_lite0", help="net_types (default: %(default)s)")
    options.add_argument("--steps", type=int, default=24)
    options.add_argument("--peer", help="interpreter of an environment with DeepLabCut 3.0.2")
    options.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="another setting, as in YAML")
    arguments = options.parse_args()
    chosen = settings_given(arguments.set)
    split, nets = split_of(arguments.data), arguments.nets.split(",")
    times, shuffle = {net: [] for net in nets}, 0
    with working_copy(arguments.data) as config:
        weights = {net: config.parent / f"{net}.safetensors" for net in nets}
        for net, path in weights.items():
            write_weights(path, net)
        for part in range(2):  # before the peer and after it, in case the machine changes
            for net in nets:
                shuffle += 1
                settings = {"net_type": net, "init_weights": str(weights[net]), "crop_size": 224, **chosen}
                times[net] += step_seconds(config, shuffle, split, arguments.steps, settings)
            if arguments.peer and part == 0:
                peer = peer_step_seconds(arguments.peer, arguments.data, split)
    rate, result = products_per_second(), {}
    for net in nets:
        ours = statistics.median(times[net])
        result[net] = {
            "step_s": round(ours, 3),
            "fastest_s": round(min(times[net]), 3),
            "slowest_s": round(max(times[net]), 3),
            "roofline_s": round(step_operations(net) / rate, 3),
        }
        if arguments.peer:
            result[net]["ratio"] = round(peer / ours, 2)
    if arguments.peer:
        result["peer_step_s"] = round(peer, 3)
    print_result({**result, "product_gflops": round(rate / 1e9)})


if __name__ == "__main__":
    main()
