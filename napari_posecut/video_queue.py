"""A queue of videos, analysed one after the other in one child process; each says for itself how it went.

Reports carry `video`, the place in the queue that they are about; the last of each carries `finished` or `failed` too.
"""

import dataclasses
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import posecut_core
from posecut_core.errors import AnalysisError, ArgumentError, StorageError, VideoError
from posecut_core.progress import Progress, Report

_OF_ONE_VIDEO = (AnalysisError, StorageError, VideoError)  # any other failure is the same for all of them


@dataclass(frozen=True)
class QueuedVideo:
    """How one video went."""

    video: str
    files: tuple[Path, ...]
    failure: str  # why it is not done; else nothing


@dataclass(frozen=True)
class AnalysedQueue:
    """The videos in their order."""

    videos: tuple[QueuedVideo, ...]


def analyze_queue(config: Path, arguments: Mapping[str, Any], report: Report) -> AnalysedQueue:
    """Analyse videos, and filter the trajectories and draw videos with them if wished; failures stop no other video.

    Args:
        config: path of config.yaml.
        arguments: `videos`, as paths; `shuffle`, `save_as_csv` and `destfolder` as `analyze_videos` takes them; whether
            to `filter` and to `draw`.
        report: told of everything.

    Raises:
        ArgumentError: two videos would be written to the same file.
        PosecutError: as `analyze_videos` raises it where no video can be analysed.
    """
    videos, folder = tuple(arguments["videos"]), arguments.get("destfolder")
    _check_distinct(videos, folder)
    return AnalysedQueue(tuple(_one(config, place, arguments, report) for place in range(len(videos))))


def _one(config: Path, place: int, arguments: Mapping[str, Any], report: Report) -> QueuedVideo:
    video = arguments["videos"][place]

    def about(progress: Progress) -> None:
        report(dataclasses.replace(progress, values={**progress.values, "video": place}))

    try:
        files = _done(config, video, arguments, about)
    except _OF_ONE_VIDEO as error:
        about(Progress(str(error), 1, 1, {"failed": 1}))
        return QueuedVideo(video, (), str(error))
    about(Progress(f"{Path(video).name} is done", 1, 1, {"finished": 1}))
    return QueuedVideo(video, files, "")


def _done(config: Path, video: str, arguments: Mapping[str, Any], report: Report) -> tuple[Path, ...]:
    where = {name: arguments[name] for name in ("shuffle", "destfolder") if arguments.get(name) is not None}
    csv = bool(arguments.get("save_as_csv"))
    files = posecut_core.analyze_videos(config, [video], save_as_csv=csv, **where, report=report).files
    if arguments.get("filter"):
        filtered = posecut_core.filterpredictions(config, [video], save_as_csv=csv, **where, report=report)
        files = (*files, *filtered.files)
    if arguments.get("draw"):
        smooth = bool(arguments.get("filter"))
        files = (
            *files,
            *posecut_core.create_labeled_video(
                config, [video], draw_skeleton=True, filtered=smooth, overwrite=True, **where, report=report
            ).files,
        )
    return files


def _check_distinct(videos: tuple[str, ...], folder: str | None) -> None:
    """Refuse videos whose results would have one name: the second would be taken for analysed."""
    targets = Counter((folder or os.path.dirname(video), Path(video).stem) for video in videos)
    for (where, stem), count in targets.items():
        if count > 1:
            raise ArgumentError(
                f"{count} videos are called {stem}, and their results in {where} would have one name; analyse them "
                "one at a time, with a folder of results each."
            )
