"""Proposals of a network for frames that nobody has labeled yet: `posecut-jobs/proposals.json`, one file per project.

    {"schema": 1, "model": "PoseCut_resnet18_...", "step": 600, "bodyparts": ["snout"],
     "videos": {"session1": {"numbers": [40], "xy": [[[81.5, 40.0]]], "likelihood": [[0.98]]}}}

They are only shown: the label store knows nothing of them before a person accepts one. A position that is missing is
twice null.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from posecut_core.errors import AnalysisError, ModelError, Remedy, refuse_newer
from posecut_core.inference.stored_frames import Predicts, StoredFrames, predict_stored_frames, stored_frames
from posecut_core.labels.contents import Contents
from posecut_core.progress import Progress, Report
from posecut_core.project.opening import frame_folders
from posecut_core.project.paths import Project
from posecut_core.storage.files import read_json, write_text
from posecut_core.video.frame_store import FrameStore

_SCHEMA = 1
_DECIMALS = 2  # of a pixel: more says nothing
_JUDGED = 32  # labeled frames, about, by which networks are compared


@dataclass(frozen=True)
class VideoProposals:
    """Where a network sees the K bodyparts in F frames of one video."""

    numbers: Int64[np.ndarray, " F"]  # frame numbers, strictly increasing
    xy: Float64[np.ndarray, "F K 2"]  # pixels of the full frame; NaN in both where there is none
    likelihood: Float64[np.ndarray, "F K"]

    def __post_init__(self) -> None:
        """Refuse what no network proposes.

        Raises:
            AnalysisError: frames repeat or are unordered, an x lacks its y, a position is infinite, or a likelihood is
                not between 0 and 1.
        """
        if np.any(self.numbers < 0) or np.any(np.diff(self.numbers) <= 0):
            raise AnalysisError("Frame numbers of suggestions must increase from 0 without repeats; sort them.")
        missing = np.isnan(self.xy)
        if np.isinf(self.xy).any() or np.any(missing[..., 0] != missing[..., 1]):
            raise AnalysisError(
                "A suggestion has an x without y, y without x, or an infinite value; give two numbers or two NaN."
            )
        if not np.all((self.likelihood >= 0) & (self.likelihood <= 1)):
            raise AnalysisError("A suggestion's likelihood is not between 0 and 1; give a probability.")


@dataclass(frozen=True)
class Proposals:
    """What one snapshot of a network proposes for a project."""

    model: str  # scorer of the network
    step: int  # training steps of its snapshot
    bodyparts: tuple[str, ...]
    videos: Mapping[str, VideoProposals]  # stem of the video's file name -> its frames

    @property
    def frames(self) -> int:
        """Count the frames of all videos."""
        return sum(len(video.numbers) for video in self.videos.values())


def write_proposals(path: Path, proposals: Proposals) -> None:
    """Replace the proposals of a project, whole or not at all; `read_proposals` is the inverse.

    Raises:
        StorageError: the folder cannot be written.
    """
    videos = {
        name: {
            "numbers": video.numbers.tolist(),
            "xy": [[_pair(x, y) for x, y in frame] for frame in video.xy.tolist()],
            "likelihood": video.likelihood.tolist(),
        }
        for name, video in proposals.videos.items()
    }
    head = {"schema": _SCHEMA, "model": proposals.model, "step": proposals.step, "bodyparts": proposals.bodyparts}
    write_text(path, json.dumps({**head, "videos": videos}, ensure_ascii=False, allow_nan=False))


def read_proposals(path: Path) -> Proposals:
    """Read what `write_proposals` wrote.

    Raises:
        AnalysisError: the file is missing, holds something else, or a newer PoseCut wrote it.
    """
    try:
        document = read_json(path)
    except FileNotFoundError as error:
        raise AnalysisError(
            f"Found no suggestions at {path}; let a network make some.", Remedy("propose_labels")
        ) from error
    except (OSError, ValueError) as error:
        raise _foreign(path) from error
    schema = document.get("schema") if isinstance(document, dict) else None
    if isinstance(schema, int):
        refuse_newer(path, schema, known=_SCHEMA, kind=AnalysisError)
    try:
        return _proposals(document)
    except (AnalysisError, KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise _foreign(path) from error


def _pair(x: float, y: float) -> tuple[float | None, float | None]:
    return (None, None) if math.isnan(x) else (x, y)


def _foreign(path: Path) -> AnalysisError:
    return AnalysisError(f"{path} is not a valid table of suggestions; delete it and let a network make new ones.")


def _proposals(document: Any) -> Proposals:
    model, step, bodyparts = document["model"], document["step"], tuple(document["bodyparts"])
    names = [model, *bodyparts, *document["videos"]]
    if not all(isinstance(name, str) for name in names) or not isinstance(step, int) or isinstance(step, bool):
        raise ValueError
    return Proposals(
        model, step, bodyparts, {name: _video(video, len(bodyparts)) for name, video in document["videos"].items()}
    )


def _video(values: Any, bodyparts: int) -> VideoProposals:
    if not all(isinstance(number, int) for number in values["numbers"]):
        raise ValueError
    numbers = np.array(values["numbers"], dtype=np.int64)
    shape = (len(numbers), bodyparts)
    xy = np.array(values["xy"], dtype=np.float64)  # None becomes NaN
    likelihood = np.array(values["likelihood"], dtype=np.float64)
    if not numbers.size:
        xy, likelihood = xy.reshape(*shape, 2), likelihood.reshape(shape)
    if (xy.shape, likelihood.shape) != ((*shape, 2), shape):
        raise ValueError
    return VideoProposals(numbers, xy, likelihood)


# --- proposing --------------------------------------------------------------------------------------------------------


def proposals_for(
    project: Project,
    contents: Mapping[str, Contents],
    predictor: Predicts,
    *,
    step: int,
    batch_size: int,
    report: Report,
) -> Proposals:
    """Predict the extracted frames in which a bodypart is unset.

    Args:
        project: the project.
        contents: what is known of the labels of each video.
        predictor: the network.
        step: training steps of its snapshot.
        batch_size: frames that it sees at once.
        report: called after each batch.

    Raises:
        ModelError: the network knows no bodypart of the project.
        VideoError: extracted frames are damaged.
    """
    bodyparts = tuple(part for part in project.config.bodyparts if part in predictor.bodyparts)
    if not bodyparts:
        raise ModelError(
            f"{predictor.scorer} knows {', '.join(predictor.bodyparts)}, expected at least one of the project's "
            f"bodyparts ({', '.join(project.config.bodyparts)}); train a network on them first."
        )
    chosen = {video: _unset_frames(project, video, known, bodyparts) for video, known in contents.items()}
    total, done = sum(len(frames.numbers) for frames in chosen.values()), 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        report(Progress("suggesting labels", done, total))

    columns = [predictor.bodyparts.index(part) for part in bodyparts]
    found = {
        video: _predicted(predictor, frames, columns, batch_size=batch_size, advance=advance)
        for video, frames in chosen.items()
        if len(frames.numbers)
    }
    return Proposals(predictor.scorer, step, bodyparts, found)


def _unset_frames(project: Project, video: str, contents: Contents, bodyparts: tuple[str, ...]) -> StoredFrames:
    """Choose the extracted frames, but for dropped ones, in which nothing is known of some of the bodyparts."""
    store, state = FrameStore.open(project.frame_store(video)), contents.history.state
    parts = [contents.naming.identities[name] for name in bodyparts]
    unset = [
        number
        for number in store.numbers.tolist()
        if not state.frame(number).dropped and any(state.point(number, part) is None for part in parts)
    ]
    return stored_frames(video, store, np.array(unset, dtype=np.int64))


def _predicted(
    predictor: Predicts, frames: StoredFrames, columns: list[int], *, batch_size: int, advance: Callable[[int], None]
) -> VideoProposals:
    found = predict_stored_frames(predictor, frames, batch_size=batch_size, advance=advance)
    xy = np.round(found.xy[:, columns], _DECIMALS)
    return VideoProposals(frames.numbers, xy, np.clip(found.likelihood[:, columns], 0.0, 1.0))


def label_error(project: Project, contents: Mapping[str, Contents], predictor: Predicts, *, batch_size: int) -> float:
    """Return how far a network is from the labels of some frames: the median in pixels; NaN where none can be compared.

    Args:
        project: the project.
        contents: what is known of the labels of each video.
        predictor: the network, which may have learned from these labels.
        batch_size: frames that it sees at once.

    Raises:
        VideoError: extracted frames are damaged.
    """
    tables = {video: known.table(video) for video, known in contents.items()}
    every = max(1, sum(len(table.numbers) for table in tables.values()) // _JUDGED)
    distances = [np.empty(0)]
    for video, table in tables.items():
        store = FrameStore.open(project.frame_store(video))
        some = table.rows(np.isin(table.numbers, store.numbers[np.isin(store.numbers, table.numbers)][::every]))
        parts = [part for part in some.bodyparts if part in predictor.bodyparts]
        frames = stored_frames(video, store, some.numbers)
        found = predict_stored_frames(predictor, frames, batch_size=batch_size, advance=lambda _: None)
        seen = found.xy[:, [predictor.bodyparts.index(part) for part in parts]]
        distances.append(
            np.linalg.norm(seen - some.xy[:, [some.bodyparts.index(part) for part in parts]], axis=2).ravel()
        )
    known = np.concatenate(distances)
    known = known[~np.isnan(known)]
    return float(np.median(known)) if len(known) else math.nan


def stored_videos(project: Project) -> tuple[str, ...]:
    """List the videos that have extracted frames, by stem."""
    return tuple(folder.name for folder in frame_folders(project) if project.frame_store(folder.name).exists())
