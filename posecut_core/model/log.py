"""log.csv of a training run: one row per report, going on where a resumed run goes on."""

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path

from posecut_core.errors import ModelError
from posecut_core.storage import disk
from posecut_core.storage.files import read_text, storage_error, write_text

_COLUMNS = ("step", "loss", "learning_rate", "steps_per_second", "skipped", "validation_error")  # the last in pixels


@dataclass(frozen=True)
class Metrics:
    """What is only reported; loss and speed are means since the last report."""

    step: int  # steps finished
    loss: float  # NaN where all steps were skipped
    learning_rate: float
    steps_per_second: float
    skipped: tuple[int, ...] = ()  # steps whose loss or gradients were not finite, numbered as `step`
    validation_error: float = math.nan  # pixels, of now; NaN where there are no validation frames


def start_log(path: Path, *, step: int) -> None:
    """Begin the log, or keep the rows up to `step` of an interrupted run."""
    rows = [row for row in read_log(path) if row.step <= step]
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([_COLUMNS, *map(_cells, rows)])
    write_text(path, stream.getvalue())


def append_log(path: Path, metrics: Metrics) -> None:
    """Add one row.

    Raises:
        StorageError: the disk refused.
    """
    try:
        disk.refuse_link(path)
        with path.open("a", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerow(_cells(metrics))
    except OSError as error:
        raise storage_error(path, error) from error


def read_log(path: Path) -> tuple[Metrics, ...]:
    """Read the rows; a row that was cut short is left out, a missing file has none.

    Raises:
        ModelError: it is not a table.
    """
    try:
        rows = list(csv.reader(io.StringIO(read_text(path, errors="replace"))))[1:]
    except FileNotFoundError:
        return ()
    except (OSError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ModelError(f"{path} is not a training log ({reason}); delete it, and a new one is started.") from error
    return tuple(metrics for row in rows if (metrics := _metrics(row)) is not None)


def _cells(metrics: Metrics) -> tuple[int | str, ...]:
    numbers = (metrics.loss, metrics.learning_rate, metrics.steps_per_second)
    error = "" if math.isnan(metrics.validation_error) else repr(metrics.validation_error)
    return (metrics.step, *map(repr, numbers), " ".join(map(str, metrics.skipped)), error)


def _metrics(row: list[str]) -> Metrics | None:
    try:
        step, loss, rate, speed, skipped, error = row
        numbers = (float(loss), float(rate), float(speed))
        return Metrics(int(step), *numbers, tuple(map(int, skipped.split())), float(error) if error else math.nan)
    except ValueError:
        return None
