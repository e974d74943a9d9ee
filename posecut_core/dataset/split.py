"""Which labelled frames train the network and which test it; written down once, with its seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from posecut_core.errors import DatasetError
from posecut_core.project.atomic import write_text
from posecut_core.project.fields import is_file_part
from posecut_core.project.reading import read_text
from posecut_core.project.yaml_text import plain_values

SCHEMA = 1


@dataclass(frozen=True, order=True)
class FrameRef:
    """A frame: the video's stem and the frame's number in that video."""

    video: str
    number: int


@dataclass(frozen=True)
class Split:
    """A shuffle of the labelled frames; everything that training reads about the data."""

    train: tuple[FrameRef, ...]
    test: tuple[FrameRef, ...]
    fraction: float  # share of training frames that was asked for
    seed: int | None  # None where the indices were given by hand
    labels: str  # file of the label revision, beside the split


def split_by_seed(frames: Sequence[FrameRef], *, fraction: float, seed: int, labels: str) -> Split:
    """Shuffle `frames` by `seed`; the first int(n * fraction) train (paper, step F).

    Raises:
        DatasetError: no frame is left for training.
    """
    order = np.random.default_rng(seed).permutation(len(frames))
    count = int(len(frames) * fraction)
    if not count:
        raise DatasetError(
            f"With {len(frames)} labelled frames and TrainingFraction {fraction} no frame is left for training; "
            "label more frames or raise TrainingFraction in config.yaml."
        )
    return split_by_indices(
        frames, train=order[:count].tolist(), test=order[count:].tolist(), fraction=fraction, seed=seed, labels=labels
    )


def split_by_indices(
    frames: Sequence[FrameRef],
    *,
    train: Sequence[int],
    test: Sequence[int],
    fraction: float,
    labels: str,
    seed: int | None = None,
) -> Split:
    """Split `frames` by their positions in the sorted list of labelled frames.

    Raises:
        DatasetError: an index does not exist, repeats, or stands on both sides; or no frame is left for training.
    """
    chosen = [*train, *test]
    outside = sorted({index for index in chosen if not 0 <= index < len(frames)})
    if outside:
        raise DatasetError(
            f"Index {outside[0]} is not among the {len(frames)} labelled frames; "
            f"give indices from 0 to {len(frames) - 1}."
        )
    if len(set(chosen)) != len(chosen):
        raise DatasetError("An index is given twice or stands in both train and test; give each frame one place.")
    if not train:
        raise DatasetError("No index is given for training; give at least one.")
    return Split(
        train=tuple(frames[index] for index in sorted(train)),
        test=tuple(frames[index] for index in sorted(test)),
        fraction=fraction,
        seed=seed,
        labels=labels,
    )


def validation_part(
    frames: Sequence[FrameRef], *, share: float, seed: int
) -> tuple[tuple[FrameRef, ...], tuple[FrameRef, ...]]:
    """Divide training frames into those that train and those that validate, each in the order of `frames`.

    Raises:
        DatasetError: no frame is left for one of them.
    """
    if not share:
        return tuple(frames), ()
    count = round(share * len(frames))
    if not 0 < count < len(frames):
        raise DatasetError(
            f"Setting validation_share is {share:g}, which makes {count} of {len(frames)} training frames validate, "
            "but at least one must validate and one train; change it or label more frames."
        )
    chosen = set(np.random.default_rng(seed).permutation(len(frames))[:count].tolist())
    train = tuple(frame for place, frame in enumerate(frames) if place not in chosen)
    return train, tuple(frame for place, frame in enumerate(frames) if place in chosen)


def write_split(path: Path, split: Split) -> None:
    """Write `split` as YAML; `read_split` is the inverse."""
    document = {
        "schema": SCHEMA,
        "fraction": split.fraction,
        "seed": split.seed,
        "labels": split.labels,
        "train": _by_video(split.train),
        "test": _by_video(split.test),
    }
    write_text(path, yaml.safe_dump(document, sort_keys=False, default_flow_style=None, allow_unicode=True))


def read_split(path: Path) -> Split:
    """Read what `write_split` wrote.

    Raises:
        DatasetError: the file is missing, damaged or of a newer PoseCut.
    """
    try:
        document = plain_values(read_text(path))
    except FileNotFoundError as error:
        raise DatasetError(
            f"There is no training dataset {path}; run posecut create-training-dataset first."
        ) from error
    except (OSError, ValueError) as error:
        raise _damaged(path) from error
    if isinstance(document, dict) and isinstance(document.get("schema"), int) and document["schema"] > SCHEMA:
        raise DatasetError(f"{path} was written by a newer PoseCut (schema {document['schema']}); update PoseCut.")
    try:
        train, test, seed = _from_videos(document["train"]), _from_videos(document["test"]), document["seed"]
        fraction, labels = float(document["fraction"]), str(document["labels"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path) from error
    names = {labels, *(frame.video for frame in (*train, *test))}
    if not train or len({*train, *test}) != len(train) + len(test) or not isinstance(seed, int | None):
        raise _damaged(path)
    if not all(map(is_file_part, names)):
        raise _damaged(path)
    return Split(train, test, fraction, seed, labels)


def _damaged(path: Path) -> DatasetError:
    return DatasetError(
        f"{path} is not a readable training dataset; restore it from a copy, or create another shuffle and train that "
        "(posecut create-training-dataset), and delete this one with its folder in posecut-models."
    )


def _by_video(frames: Sequence[FrameRef]) -> dict[str, list[int]]:
    videos: dict[str, list[int]] = {}
    for frame in frames:
        videos.setdefault(frame.video, []).append(frame.number)
    return videos


def _from_videos(videos: Any) -> tuple[FrameRef, ...]:
    pairs = [(str(video), number) for video, numbers in videos.items() for number in numbers]
    if not all(isinstance(number, int) and number >= 0 for _, number in pairs):
        raise ValueError("a frame number is not a whole number from 0")
    return tuple(FrameRef(video, number) for video, number in pairs)
