"""What the benchmarks share: where the openfield example lies, working copies and splits of it, and their last line."""

import argparse
import json
import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import yaml

from posecut_core import create_training_dataset, evaluate_network, train_network
from posecut_core.progress import Progress

PROJECT = "openfield-Pranav-2018-10-30"
VIDEO = "m3v1mp4.mp4"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def parser(description: str) -> argparse.ArgumentParser:
    """Make a parser with the option that every benchmark has."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--data", type=Path, default=SHARED, help=f"folder that holds {PROJECT} (default: %(default)s)")
    return made


def row_parser(description: str) -> argparse.ArgumentParser:
    """Make a parser with the options of every benchmark that keeps its trainings as rows."""
    made = parser(description)
    made.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="another setting, as in YAML")
    made.add_argument("--results", type=Path, help="a file of lines that grows (default: none)")
    return made


def peak_mib() -> int:
    """Return the most memory that this process has had, in MiB; of Linux, as `ru_maxrss` counts its parent's too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


def kept_rows(path: Path | None) -> list[dict[str, object]]:
    """Read the results that earlier runs have left, a line each, so that a run goes on."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path and path.exists() else []


def keep_row(path: Path | None, row: dict[str, object]) -> None:
    """Add a result to those, where they are kept."""
    if path:
        with path.open("a") as file:
            file.write(json.dumps(row) + "\n")


def all_rows(
    path: Path | None, run: Callable[[list[dict[str, object]]], Iterable[dict[str, object]]]
) -> list[dict[str, object]]:
    """Return the results that are kept and those that `run`, which is given them, adds; each is printed and kept."""
    rows = kept_rows(path)
    for row in run(rows):
        print(json.dumps(row), flush=True)
        rows.append(row)
        keep_row(path, row)
    return rows


def settings_given(options: list[str]) -> dict[str, object]:
    """Read options of the form NAME=VALUE, as YAML has values."""
    return {name: yaml.safe_load(value) for name, _, value in (option.partition("=") for option in options)}


def split_of(data: Path) -> dict[str, list[int]]:
    """Read the rows of training and test frames that figures are quoted on."""
    return json.loads((data / "openfield_split.json").read_text())


def splits(data: Path, *, count: int, train_frames: int | None = None) -> Iterator[tuple[list[int], list[int]]]:
    """Yield (train, test) rows: the given split first, then drawn ones of the same sizes."""
    given = split_of(data)
    rows = sorted(given["train"] + given["test"])
    for seed in range(count):
        order = np.random.default_rng(seed).permutation(rows).tolist()
        train = given["train"] if seed == 0 else order[: len(given["train"])]
        test = given["test"] if seed == 0 else order[len(given["train"]) :]
        chosen = np.random.default_rng(seed).permutation(train)[:train_frames].tolist() if train_frames else train
        yield sorted(chosen), sorted(test)


def trained_error(
    config: Path, shuffle: int, train: list[int], test: list[int], weights: str, settings: Mapping[str, object]
) -> tuple[float, float, float]:
    """Train a split as shuffle `shuffle`, say how it went; return test error, train error and minutes."""
    chosen = dict(settings)
    create_training_dataset(config, shuffles=[shuffle], train_indices=[train], test_indices=[test], settings=chosen)
    start = time.perf_counter()
    train_network(config, shuffle, weights=weights, report=show)
    minutes = (time.perf_counter() - start) / 60
    row = evaluate_network(config, [shuffle]).rows[0]
    parts = {part: round(error.test, 2) for part, error in zip(row.bodyparts, row.bodypart_errors, strict=True)}
    print(
        f"split {shuffle}: test {row.errors.test:.2f} px, train {row.errors.train:.2f} px, {minutes:.1f} min, {parts}",
        flush=True,
    )
    return row.errors.test, row.errors.train, minutes


def peer_training(python: str, data: Path, train: list[int], test: list[int], *, epochs: int) -> dict[str, float]:
    """Train DeepLabCut 3.0.2 on a split, through the interpreter of an environment that has it; return its report."""
    with tempfile.TemporaryDirectory(prefix="posecut-peer-") as folder:
        tools, copied = Path(folder) / "tools", Path(folder) / "data"
        tools.mkdir()
        copied.mkdir()
        (copied / PROJECT).symlink_to((data / PROJECT).resolve())
        (copied / "openfield_split.json").write_text(json.dumps({"train": train, "test": test}))
        script = Path(shutil.copy(data.parent / "tools" / "peer_deeplabcut.py", tools))
        command = [python, str(script), "train", "--epochs", str(epochs)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return json.loads(output.strip().splitlines()[-1])


def show(progress: Progress) -> None:
    """Print how a training gets on."""
    if isinstance(progress, Progress) and progress.stage == "training":
        loss, left = progress.values["loss"], progress.values["seconds_left"]
        print(f"step {progress.done}/{progress.total}  loss {loss:.4f}  {left / 60:.1f} min left", flush=True)


@contextmanager
def working_copy(data: Path, *, keep: Path | None = None) -> Iterator[Path]:
    """Yield config.yaml of a copy of the example project; it vanishes afterwards unless it lies in `keep`."""
    with tempfile.TemporaryDirectory(prefix="posecut-benchmark-") as folder:
        root = (keep or Path(folder)) / PROJECT
        shutil.copytree(data / PROJECT, root)
        for path in [root, *root.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        yield root / "config.yaml"


def print_result(values: dict[str, object]) -> None:
    """Print the figures, with the machine, as one JSON object on the last line."""
    machine = {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
    print(json.dumps({**values, **machine}))
