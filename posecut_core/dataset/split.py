"""Which labeled frames train a network and which test it, with the labels as they were when it was decided."""

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from posecut_core.errors import DatasetError, LabelError, Remedy, refuse_newer
from posecut_core.labels.table import LabelTable
from posecut_core.results import counted
from posecut_core.storage.files import read_text, write_text
from posecut_core.storage.values import is_file_part
from posecut_core.storage.yaml_files import plain_values
from posecut_core.types import FrameRef

# --- split ------------------------------------------------------------------------------------------------------------
# Which labeled frames train the network and which test it; written down once, with its seed.


_SCHEMA = 1
LEAST_FRAMES = 2  # that training needs


@dataclass(frozen=True)
class Split:
    """A shuffle of the labeled frames; everything that training reads about the data."""

    train: tuple[FrameRef, ...]
    test: tuple[FrameRef, ...]
    fraction: float  # share of training frames that was asked for
    seed: int | None  # None where the indices were given by hand
    labels: str  # file of the label revision, beside the split


def split_by_seed(frames: Sequence[FrameRef], *, fraction: float, seed: int, labels: str) -> Split:
    """Shuffle `frames` by `seed`; the first int(n * fraction) train (paper, step F).

    Raises:
        DatasetError: fewer than `LEAST_FRAMES` are left for training.
    """
    order = np.random.default_rng(seed).permutation(len(frames))
    count = int(len(frames) * fraction)
    if count < LEAST_FRAMES:
        raise DatasetError(
            f"Of {counted(len(frames), 'labeled frame')} and with TrainingFraction {fraction:g} only {count} would "
            f"train, at least {LEAST_FRAMES} are needed; label more frames"
            f"{', or raise TrainingFraction in config.yaml' if len(frames) >= LEAST_FRAMES else ''}."
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
    """Split `frames` by their positions in the sorted list of labeled frames.

    Raises:
        DatasetError: an index does not exist, repeats, or stands on both sides; or too few are for training.
    """
    chosen = [*train, *test]
    outside = sorted({index for index in chosen if not 0 <= index < len(frames)})
    if outside:
        raise DatasetError(
            f"Index {outside[0]} is not among the {len(frames)} labeled frames; "
            f"give indices from 0 to {len(frames) - 1}."
        )
    if len(set(chosen)) != len(chosen):
        raise DatasetError("An index is repeated, or is in both train and test; give each index once.")
    if len(train) < LEAST_FRAMES:
        raise DatasetError(f"{len(train)} training indices were given; give at least {LEAST_FRAMES}.")
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
            f"Setting validation_share is {share:g}, which makes {count} of {len(frames)} training frames validation "
            "frames, but at least one must be left for validation and one for training; change it or label more "
            "frames."
        )
    chosen = set(np.random.default_rng(seed).permutation(len(frames))[:count].tolist())
    train = tuple(frame for place, frame in enumerate(frames) if place not in chosen)
    return train, tuple(frame for place, frame in enumerate(frames) if place in chosen)


def write_split(path: Path, split: Split) -> None:
    """Write `split` as YAML; `read_split` is the inverse."""
    document = {
        "schema": _SCHEMA,
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
            f"There is no training dataset {path}; create it first.", Remedy("create_training_dataset")
        ) from error
    except (OSError, ValueError) as error:
        raise _damaged(path) from error
    if isinstance(document, dict) and isinstance(schema := document.get("schema"), int):
        refuse_newer(path, schema, known=_SCHEMA, kind=DatasetError)
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
        f"{path} is not a readable training dataset; restore it from a copy, or create another shuffle and train that, "
        "and delete this one with its folder in posecut-models.",
        Remedy("create_training_dataset"),
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


# --- revision ---------------------------------------------------------------------------------------------------------
# The label revision of a training dataset: all labels as they were when it was created, named by their hash.


_HASH_LENGTH = 12
_ABSENT = "absent"


def write_revision(folder: Path, tables: Sequence[LabelTable]) -> str:
    """Write the labels of all videos into `folder`; return the file's name, `labels-<hash>.csv`.

    Columns are video, frame, and x and y of each bodypart in pixels of the full frame, or twice `absent`, or nothing
    where nobody has looked for it; `read_revision` is the inverse.
    """
    text = _text(tables)
    write_text(folder / _name(text), text)  # also where it exists: it may be damaged
    return _name(text)


def revision_name(tables: Sequence[LabelTable]) -> str:
    """Return the name of the file that `write_revision` would write."""
    return _name(_text(tables))


def has_revision(folder: Path, tables: Sequence[LabelTable]) -> bool:
    """Tell whether the labels of all videos are those of a training dataset in `folder`."""
    return (folder / _name(_text(tables))).exists()


def read_revision(path: Path) -> dict[str, LabelTable]:
    """Read what `write_revision` wrote, as video -> table.

    Raises:
        DatasetError: the file is missing or not as it was written.
    """
    try:
        text = read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise _lost(path, "is missing or unreadable") from error
    if path.name != _name(text):
        raise _lost(path, "has changed since it was written")
    try:
        header, *rows = csv.reader(io.StringIO(text))
        bodyparts = tuple(name.removesuffix(" x") for name in header[2::2])
        return {video: _table(video, bodyparts, rows) for video in dict.fromkeys(row[0] for row in rows)}
    except (ValueError, IndexError, OverflowError, csv.Error, LabelError) as error:
        raise _lost(path, "holds something other than labels") from error


def _lost(path: Path, found: str) -> DatasetError:
    return DatasetError(
        f"{path} {found}; restore it from a copy, or create another shuffle and train that, and delete "
        "the training datasets that name it, with their folders in posecut-models.",
        Remedy("create_training_dataset"),
    )


def _table(video: str, bodyparts: tuple[str, ...], rows: list[list[str]]) -> LabelTable:
    own = [row for row in rows if row[0] == video]
    numbers = np.array([int(row[1]) for row in own], dtype=np.int64)
    values = [[np.nan if cell in ("", _ABSENT) else float(cell) for cell in row[2:]] for row in own]
    annotated = np.array([[cell != "" for cell in row[2::2]] for row in own])
    return LabelTable(video, bodyparts, numbers, np.array(values).reshape(len(own), len(bodyparts), 2), annotated)


def _cell(value: float, annotated: bool) -> str:
    if np.isnan(value):
        return _ABSENT if annotated else ""
    return repr(value)


def _text(tables: Sequence[LabelTable]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    bodyparts = tables[0].bodyparts
    writer.writerow(["video", "frame", *(f"{part} {axis}" for part in bodyparts for axis in "xy")])
    for table in tables:
        annotated = np.repeat(table.annotated, 2, axis=1).tolist()
        for number, xy, seen in zip(
            table.numbers.tolist(), table.xy.reshape(len(annotated), -1).tolist(), annotated, strict=True
        ):
            writer.writerow([table.video, number, *map(_cell, xy, seen)])
    return stream.getvalue()


def _name(text: str) -> str:
    return f"labels-{hashlib.sha256(text.encode('utf-8')).hexdigest()[:_HASH_LENGTH]}.csv"
