"""How far the poses of an engine are from XLA's, measured on frames of the project and kept with the network.

    <model folder>/snapshot-000720/engines.json    hash of the network, and a `Deviation` for each engine

Other numbers than XLA's are no error as long as they are small, which depends on the network: so each is measured.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from posecut_core.dataset.split import read_split
from posecut_core.errors import PosecutError, StorageError
from posecut_core.inference.stored_frames import Poses, Predicts, padded, stored_frames
from posecut_core.project.paths import ENGINES, MANIFEST, Training
from posecut_core.storage.files import file_sha256, read_json, write_text
from posecut_core.types import FrameRef
from posecut_core.video.frame_store import FrameStore

MEASURED = 32  # frames at most
_BATCH = 4
_LEAST = 10  # confident points, or there is nothing to judge by
_SCHEMA = 1


@dataclass(frozen=True)
class Deviation:
    """Differences of an engine from XLA: of positions in pixels of the scaled images, and of likelihoods.

    In pixels of the video they are larger by 1 / global_scale, as are the errors of the network.
    """

    runtime: str  # what was measured, with its version
    frames: int
    pcutoff: float  # likelihood from which a point is confident
    points: int  # confident ones, which are those compared
    position_median: float
    position_p99: float  # 99th percentile
    likelihood_median: float
    likelihood_p99: float

    @property
    def sentence(self) -> str:
        """Say how large it is."""
        return (
            f"positions differ from XLA's by {self.position_median:.2g} px in the median and {self.position_p99:.2g} "
            f"px at the 99th percentile, at the network's scale ({self.points} confident points of {self.frames} "
            "frames)"
        )

    @property
    def doubt(self) -> str:
        """Say why it says nothing about the engine, if it does not."""
        if self.points >= _LEAST:
            return ""
        return f"the network is confident of only {self.points} points in {self.frames} frames, too few to judge by"

    def answers(self, pcutoff: float) -> bool:
        """Tell whether measuring again, with this pcutoff and the same frames, would find nothing else."""
        return not self.doubt or (self.frames > 0 and self.pcutoff == pcutoff)

    def excess(self, limits: tuple[float, float]) -> str:
        """Say what speaks against the engine, given the largest median and 99th percentile; nothing if nothing does."""
        if self.position_median <= limits[0] and self.position_p99 <= limits[1]:
            return ""
        return f"its {self.sentence}, at most {limits[0]:g} and {limits[1]:g} px are allowed"


def compare(reference: Callable[[], Poses], found: Poses, *, scale: float, pcutoff: float, runtime: str) -> Deviation:
    """Compare the poses that an engine found with those of XLA, where the latter is confident.

    Where the engine is confident of too few points, XLA is not asked: it may take long to compile.

    Args:
        reference: returns the poses by XLA.
        found: the poses by the engine.
        scale: global_scale of the network, by which positions are multiplied.
        pcutoff: likelihood from which a point is confident.
        runtime: what computed, with its version.
    """
    if (points := int((found[1] >= pcutoff).sum())) < _LEAST:
        return Deviation(runtime, len(found[1]), pcutoff, points, 0.0, 0.0, 0.0, 0.0)
    xy, likelihood = reference()
    confident = likelihood >= pcutoff
    distance = scale * np.linalg.norm(found[0] - xy, axis=-1)[confident]
    change = np.abs(found[1] - likelihood)[confident]
    figures = [float(np.percentile(values, share)) if len(values) else 0.0 for values in (distance, change)
               for share in (50, 99)]  # fmt: skip
    return Deviation(runtime, len(found[1]), pcutoff, int(confident.sum()), *figures)


def poses_of(network: Predicts, images: Sequence[UInt8[np.ndarray, "H W C"]]) -> Poses:
    """Predict images of one size."""
    if not images:
        return np.empty((0, 0, 2)), np.empty((0, 0))
    found = [
        network.predict(padded(np.stack(images[start : start + _BATCH]), _BATCH))
        for start in range(0, len(images), _BATCH)
    ]
    xy, likelihood = (np.concatenate(parts)[: len(images)] for parts in zip(*found, strict=True))
    return xy, likelihood


# --- frames -----------------------------------------------------------------------------------------------------------
# Frames of a training dataset, those that test first; of one size, for which a network is compiled.


def sample_images(training: Training, count: int, *, context: int) -> list[UInt8[np.ndarray, "H W C"]]:
    """Read at most `count` frames, spread over all of the training dataset that have the most frequent size.

    They are as a network of this context sees them.

    None is read where the dataset or the images are gone.
    """
    with suppress(PosecutError):
        split = read_split(training.split)
        sizes: dict[tuple[int, int], list[tuple[FrameStore, int]]] = {}
        for video in dict.fromkeys(frame.video for frame in (*split.test, *split.train)):
            for store, number, size in _stored(training, video, (*split.test, *split.train)):
                sizes.setdefault(size, []).append((store, number))
        if sizes:
            frames = max(sizes.values(), key=len)
            places = np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int)
            chosen = [frames[place] for place in places]
            return [store.read_with_neighbors(number, context=context) for store, number in chosen]
    return []


def _stored(
    training: Training, video: str, frames: Sequence[FrameRef]
) -> Iterator[tuple[FrameStore, int, tuple[int, int]]]:
    store = FrameStore.open(training.project.frame_store(video))
    numbers = np.intersect1d(store.numbers, [frame.number for frame in frames if frame.video == video])
    for number, (height, width) in zip(
        numbers.tolist(), stored_frames(video, store, numbers).sizes.tolist(), strict=True
    ):
        yield store, number, (height, width)


# --- file -------------------------------------------------------------------------------------------------------------
# What was measured of a network. The file is of use to nobody once its network has changed: then it counts as missing.


def read_deviations(snapshot: Path, *, runtime: str) -> dict[str, Deviation]:
    """Return what was measured with this version of the engines, by their names."""
    try:
        values = read_json(snapshot / ENGINES)
        if values["schema"] != _SCHEMA or values["network"] != file_sha256(snapshot / MANIFEST):
            return {}
        found = {str(name): Deviation(**entry) for name, entry in values["deviations"].items()}
        return {name: entry for name, entry in found.items() if entry.runtime == runtime and _is_sound(entry)}
    except (OSError, LookupError, TypeError, ValueError, AttributeError):
        return {}


def _is_sound(entry: Deviation) -> bool:
    figures = (entry.pcutoff, entry.position_median, entry.position_p99, entry.likelihood_median, entry.likelihood_p99)
    return all(type(count) is int for count in (entry.frames, entry.points)) and all(
        isinstance(figure, float) for figure in figures
    )


def write_deviations(snapshot: Path, deviations: Mapping[str, Deviation]) -> None:
    """Keep what was measured; in a folder that cannot be written it is measured anew the next time."""
    entries = {name: asdict(entry) for name, entry in deviations.items()}
    content = {"schema": _SCHEMA, "network": file_sha256(snapshot / MANIFEST), "deviations": entries}
    with suppress(StorageError):
        write_text(snapshot / ENGINES, json.dumps(content, indent=1))
