"""What a trained network came from: seeds, settings, labels and the versions of the libraries."""

import dataclasses
import json
import platform
from importlib.metadata import version

from posecut_core import __version__
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.dataset.split import Split
from posecut_core.plots.page import Section, Table

LIBRARIES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "scipy", "zarr", "matplotlib")


def provenance(split: Split, settings: TrainingSettings) -> tuple[Section, ...]:
    """Describe a training for a page: what it can be repeated with."""
    return (
        Section("Seeds and data", (_data(split, settings),)),
        Section("Settings of the training", (_settings(settings),)),
        Section("Versions", (_versions(),)),
    )


def _data(split: Split, settings: TrainingSettings) -> Table:
    seed = "none, the frames were given" if split.seed is None else str(split.seed)
    rows = (("seed of the split", seed), ("seed of the training", str(settings.seed)), ("labels", split.labels))
    return Table(("what", "value"), rows)


def _settings(settings: TrainingSettings) -> Table:
    rows = tuple(
        (entry.name, json.dumps(getattr(settings, entry.name), ensure_ascii=False), entry.metadata["meaning"])
        for entry in dataclasses.fields(settings)
    )
    return Table(("setting", "value", "meaning"), rows)


def _versions() -> Table:
    found = (("posecut", __version__), ("Python", platform.python_version()))
    return Table(("when evaluated", "version"), (*found, *((name, version(name)) for name in LIBRARIES)))
