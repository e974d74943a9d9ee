"""Predictions of a video or of labeled frames, and what they came from: network, video and window."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import msgspec
import numpy as np
from jaxtyping import Float64

from posecut_core import __version__
from posecut_core.errors import AnalysisError, Remedy
from posecut_core.storage.files import fingerprint, open_file, parse_json

# --- predictions ------------------------------------------------------------------------------------------------------
# Predictions of one video or of labeled frames: positions and likelihoods.


@dataclass(frozen=True)
class Predictions:
    """Where the network sees each bodypart, frame by frame.

    xy is in pixels of the full frame; a frame that could not be decoded has NaN everywhere and likelihood 0.
    """

    scorer: str  # name of the network, as in file names
    bodyparts: tuple[str, ...]
    xy: Float64[np.ndarray, "T K 2"]
    likelihood: Float64[np.ndarray, "T K"]
    spread: Float64[np.ndarray, "T K"] | None = None  # pixels by which several networks differ; None of one network


def of_bodyparts(predictions: Predictions, bodyparts: Sequence[str]) -> Predictions:
    """Keep only some bodyparts of predictions, in the order given."""
    columns = [predictions.bodyparts.index(part) for part in bodyparts]
    return replace(
        predictions,
        bodyparts=tuple(bodyparts),
        xy=predictions.xy[:, columns],
        likelihood=predictions.likelihood[:, columns],
        spread=None if predictions.spread is None else predictions.spread[:, columns],
    )


# --- origins ----------------------------------------------------------------------------------------------------------
# What derived files came from: the network, video and window of predictions, and the predictions of what they became.
#
# The .h5 of predictions says so in an attribute that pandas and DeepLabCut pass over, a labeled video and a figure in
# their comments. A .csv says nothing: it belongs to the .h5 beside it. Files of other programs, and of PoseCut 0.1, say
# nothing either.


ATTRIBUTE = "posecut_origin"  # of the root of an .h5
_SCHEMA = 1


@dataclass(frozen=True)
class AnalysisOrigin:
    """What predictions of a video belong to."""

    scorer: str  # name of the network
    network: str  # what tells its weights from others of that name: a hash of the snapshot
    bodyparts: tuple[str, ...]
    video: str  # fingerprint of the file
    frame_count: int
    window: tuple[int, int, int, int]  # x1, x2, y1, y2 of the analyzed part of the frame
    decoder: str  # what read the frames: another may read some that this one could not
    dynamic: tuple[float, float] | None = None  # threshold and margin of a tracking crop
    engine: str = "xla"  # what computed the score maps, and in which precision; 0.1 had only this one
    networks: int = 1  # more than one: an ensemble


@dataclass(frozen=True)
class Origin:
    """What a derived file was made from."""

    analysis: AnalysisOrigin | None  # of the predictions; None where they do not say
    predictions: str = ""  # hash of the predictions that this was made from; none for predictions themselves
    settings: Mapping[str, Any] = field(default_factory=dict)  # of the step that made it

    @property
    def filter(self) -> str:
        """The filter that made it, with its settings; empty where none did, or where it does not say."""
        settings = [f"{name} {value}" for name, value in self.settings.items() if name != "filtertype"]
        return f"{self.settings['filtertype']} ({', '.join(settings)})" if "filtertype" in self.settings else ""

    @property
    def text(self) -> str:
        """The origin as one line of ASCII; `origin_from` is the inverse."""
        return json.dumps({"schema": _SCHEMA, **asdict(self)}, sort_keys=True)


def origin_from(text: str | bytes) -> Origin | None:
    """Read the text of an origin; None where it is something else."""
    try:
        values = parse_json(text)
        return msgspec.convert(values, Origin) if values.pop("schema") == _SCHEMA else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def read_origin(path: Path) -> Origin | None:
    """Read what an .h5 was made from; None where it does not say, or cannot be read."""
    try:
        open_file(path).close()  # HDF5 would wait for a pipe
        with h5py.File(path, "r") as file:
            text = file.attrs.get(ATTRIBUTE)
    except (OSError, ValueError, TypeError, RuntimeError, KeyError):
        return None
    return origin_from(text) if isinstance(text, str | bytes) else None


def decoder() -> str:
    """Name what decodes videos here."""
    return f"PoseCut {__version__}, PyAV {version('av')}"


def file_fingerprint(path: Path) -> str:
    """Tell one large file from another by its size, its beginning and its end."""
    size, sha256 = fingerprint(path)
    return f"{size}-{sha256[:32]}"


def predictions_hash(predictions: Predictions) -> str:
    """Tell predictions from others by their bodyparts and every number; the scorer is only a name."""
    digest = hashlib.sha256(json.dumps(predictions.bodyparts).encode())
    for values in (predictions.xy, predictions.likelihood, predictions.spread):
        if values is not None:
            digest.update(np.ascontiguousarray(values, dtype="<f8").data)
    return digest.hexdigest()[:32]


def differences(found: AnalysisOrigin, wanted: AnalysisOrigin) -> tuple[str, ...]:
    """Say in words how what predictions belong to differs from what is wanted; nothing where it does not."""
    tracked = (
        f"with{'' if found.dynamic else 'out'} {'another' if found.dynamic and wanted.dynamic else 'a'} tracking crop"
    )
    told = {
        "by another network of the same name": found.network != wanted.network,
        "for other bodyparts": found.bodyparts != wanted.bodyparts,
        "from another video of the same name": found.video != wanted.video,
        f"with the crop {in_words(found.window)} instead of {in_words(wanted.window)}": found.window != wanted.window,
        tracked: found.dynamic != wanted.dynamic,
    }
    return tuple(words for words, differs in told.items() if differs)


def check_source(path: Path, found: AnalysisOrigin, video: Path, network: str | None) -> None:
    """Check that predictions came from a video and from a network; None is any.

    Raises:
        AnalysisError: they came from others of the same names.
        OSError: the video cannot be read.
    """
    wrong = "another network of the same name" if network not in (None, found.network) else ""
    if not wrong and found.video != file_fingerprint(video):
        wrong = "another video of the same name"
    if wrong:
        raise AnalysisError(
            f"The predictions of {video.name} in {path} came from {wrong}; analyze the video again.",
            Remedy("analyze_videos", videos=[video]),
        )


def check_length(predictions: Predictions, video: Path, frames: int) -> None:
    """Check that predictions have a row for each frame of their video.

    Raises:
        AnalysisError: they have more or fewer.
    """
    rows = len(predictions.xy)
    if rows != frames:
        raise AnalysisError(
            f"The predictions of {video.name} by {predictions.scorer} have {rows} rows, but the video has {frames} "
            "frames; analyze it again.",
            Remedy("analyze_videos", videos=[video], overwrite=True),
        )


def in_words(window: tuple[int, int, int, int]) -> str:
    """Write a window for a person to read."""
    x1, x2, y1, y2 = window
    return f"x {x1} to {x2}, y {y1} to {y2}"


@dataclass(frozen=True)
class Network:
    """A trained network, told from others of its name."""

    scorer: str
    sha256: str  # of the snapshot's manifest, which holds the hashes of its weights
    dlc_scorer: str  # by which DeepLabCut would look for its results
