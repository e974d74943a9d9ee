"""What the benchmarks share: where the openfield example lies, a working copy of it, and their last line."""

import argparse
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = "openfield-Pranav-2018-10-30"
VIDEO = "m3v1mp4.mp4"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def parser(description: str) -> argparse.ArgumentParser:
    """Make a parser with the option that every benchmark has."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--data", type=Path, default=SHARED, help=f"folder that holds {PROJECT} (default: %(default)s)")
    return made


def split_of(data: Path) -> dict[str, list[int]]:
    """Read the rows of training and test frames that figures are quoted on."""
    return json.loads((data / "openfield_split.json").read_text())


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
