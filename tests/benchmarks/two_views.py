"""Legs taken for each other: a drawn animal of 17 bodyparts, seen from the side and from below in one frame.

    python tests/benchmarks/two_views.py [--labels 72] [--seeds N] [--steps N] [--weights FILE]
        [--magnify N] [--set NAME=VALUE]

Its legs look alike. From the side, which is left is told only by the view from below, and there, which is fore or
hind only by the rest of the animal. A frame counts as swapped where a paw is found nearer to another paw of the same
view than to itself, by more than 3 pixels of 128. Frames are drawn with 128x128 pixels and magnified by N, 3 where
nothing is said: then the animal is larger than the usual crop of 224. 72 of them train, 80 others test.
"""

import tempfile
from pathlib import Path

import numpy as np
from generalisation import Subject, evaluated
from openfield import parser, print_result, settings_given
from PIL import Image

from posecut_core import create_new_project, extract_frames
from posecut_core.labels.table import LabelTable
from posecut_core.video.writer import VideoWriter
from posecut_core.workflow.check_labels import write_labels

_SIZE, _TESTED = 128, 80
_PAWS = ("fore_left", "fore_right", "hind_left", "hind_right")
_BODYPARTS = (
    *("snout", "ear", "back", "tailbase", "tailtip", *(f"{paw}_side" for paw in _PAWS)),
    *("snout_below", "chest_below", "tailbase_below", "tailtip_below", *(f"{paw}_below" for paw in _PAWS)),
)
_SIDE, _BELOW = range(5, 9), range(13, 17)


def drawn(rng):
    """Draw one frame; return it with where its bodyparts are."""
    y, x = np.mgrid[:_SIZE, :_SIZE].astype(float)
    blobs = rng.normal(0, 1, (9, 9)).repeat(15, 0).repeat(15, 1)[:_SIZE, :_SIZE]
    image = rng.uniform(0.45, 0.6) + 0.03 * blobs + rng.uniform(-0.1, 0.1) * x / _SIZE
    scale, phase, left, top = rng.uniform(0.9, 1.1), rng.uniform(0, 2 * np.pi), *rng.uniform(-8, 8, 2)
    side, below = np.array([64 + left, 32 + top / 2]), np.array([64 + left, 94 + top / 2])
    coat, tail = rng.uniform(0.1, 0.3), rng.uniform(-6, 6)

    def blob(middle, radii, shade):
        inside = 1 - np.hypot((x - middle[0]) / radii[0], (y - middle[1]) / radii[1])
        cover = np.clip(inside * min(radii) + 0.5, 0, 1)
        image[:] = image * (1 - cover) + shade * cover

    def stick(start, end, shade):
        for share in np.linspace(0, 1, 12):
            blob(start + share * (end - start), (1.6, 1.6), shade)

    steps = [phase, phase + np.pi, phase + np.pi + 0.6, phase + 0.6]
    swing = scale * 9 * np.cos(steps)
    lift = scale * 4 * np.maximum(np.sin(steps), 0)
    hips = scale * np.array([20, 20, -20, -20])
    paws_side = side + np.stack([hips + swing, scale * 17 - lift], axis=1)
    paws_below = below + np.stack([hips + swing, scale * np.array([-10, 10, -10, 10])], axis=1)
    at = {name: scale * np.array(place, float) for name, place in {
        "snout": (40, 2), "ear": (30, -9), "back": (0, -12), "tailbase": (-34, -2), "tailtip": (-52, -8),
        "chest": (16, 0), "behind": (-34, 0), "before": (40, 0), "end": (-52, 0),
    }.items()}  # fmt: skip
    at["tailtip"][1] += tail
    at["end"][1] += tail
    for order in rng.permutation(4):
        stick(side + np.array([hips[order], scale * 6]), paws_side[order], coat + 0.05)
        blob(paws_side[order], (3, 2.2), 0.8)
    stick(side + at["tailbase"], side + at["tailtip"], 0.7)
    blob(side, (scale * 34, scale * 12), coat)
    blob(side + at["snout"] - [8 * scale, 0], (scale * 10, scale * 7), coat)
    blob(side + at["ear"], (scale * 3.5, scale * 3.5), coat + 0.25)
    stick(below + at["behind"], below + at["end"], 0.7)
    blob(below, (scale * 34, scale * 11), coat + 0.1)
    blob(below + at["before"] - [8 * scale, 0], (scale * 10, scale * 6), coat + 0.1)
    for paw in paws_below:
        blob(paw, (3, 2.6), 0.8)
    points = [
        *(side + at[name] for name in ("snout", "ear", "back", "tailbase", "tailtip")), *paws_side,
        *(below + at[name] for name in ("before", "chest", "behind", "end")), *paws_below,
    ]  # fmt: skip
    image += rng.normal(0, 0.02, image.shape)
    return np.repeat(np.round(255 * np.clip(image, 0, 1)).astype(np.uint8)[..., None], 3, axis=2), np.array(points)


def magnified(image, points, by):
    """Enlarge a frame and its points."""
    large = Image.fromarray(image).resize((by * _SIZE, by * _SIZE), Image.Resampling.BICUBIC)
    return np.asarray(large), (points + 0.5) * by - 0.5


def project(folder, labels, magnify):
    """Make a project of drawn frames: the first train, the others test."""
    rng = np.random.default_rng(0)
    frames = [magnified(*drawn(rng), magnify) for _ in range(labels + _TESTED)]
    path = folder / "treadmill.mp4"
    with VideoWriter(path, fps=30.0, width=_SIZE * magnify, height=_SIZE * magnify) as writer:
        for image, _ in frames:
            writer.write(image)
    config = create_new_project("legs", "drawn", [path], folder, bodyparts=_BODYPARTS).config_path
    numbers = np.arange(len(frames))
    extract_frames(config, videos=["treadmill"], frames=numbers.tolist())
    write_labels(config, LabelTable("treadmill", _BODYPARTS, numbers, np.array([points for _, points in frames])))
    return Subject(config, ((numbers[:labels].tolist(), numbers[labels:].tolist()),), {})


def swapped(found, magnify):
    """Return the share of test frames in which a paw is taken for another."""
    truth = np.concatenate([video.xy for video in found.frames])[found.is_test]
    predicted = np.concatenate([one.xy for one in found.predicted])[found.is_test]
    wrong = np.zeros(len(truth), bool)
    for paws in (_SIDE, _BELOW):
        apart = np.linalg.norm(predicted[:, paws][:, :, None] - truth[:, paws][:, None], axis=-1)
        own = np.diagonal(apart, axis1=1, axis2=2)
        wrong |= (own > apart.min(axis=2) + 3 * magnify).any(axis=1)
    return round(float(wrong.mean()), 3)


def main():
    """Train every seed, print one JSON object."""
    options = parser(__doc__)
    options.add_argument("--labels", type=int, default=72, help="(default: %(default)s)")
    options.add_argument("--seeds", type=int, default=1, help="(default: %(default)s)")
    options.add_argument("--steps", type=int, default=600, help="(default: %(default)s)")
    options.add_argument("--weights", default="random", help="imagenet, random or a .safetensors file")
    options.add_argument("--magnify", type=int, default=3, help="(default: %(default)s)")
    options.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="another setting, as in YAML")
    options.add_argument("--net-type", default="resnet_50", help="(default: %(default)s)")
    arguments = options.parse_args()
    given = {"maxiters": arguments.steps, "net_type": arguments.net_type, **settings_given(arguments.set)}
    rows = []
    with tempfile.TemporaryDirectory(prefix="posecut-legs-") as folder:
        subject = project(Path(folder), arguments.labels, arguments.magnify)
        for seed in range(arguments.seeds):
            found, minutes = evaluated(
                subject, seed + 1, *subject.splits[0], arguments.weights, {"seed": seed, **given}
            )
            measures = {"swapped": swapped(found, arguments.magnify), "processor_minutes": round(minutes, 2)}
            for name, which in (("test_px", found.is_test), ("train_px", ~found.is_test)):
                measures[name] = round(float(np.nanmean(found.errors[which])), 3)
            rows.append(measures)
            print(rows[-1], flush=True)
    rates = [row["swapped"] for row in rows]
    print_result({"swapped": round(float(np.mean(rates)), 3), "sd": round(float(np.std(rates)), 3), "rows": rows})


if __name__ == "__main__":
    main()
