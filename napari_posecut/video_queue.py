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
from posecut_core.errors import AnalysisError, StorageError, VideoError
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
        PosecutError: as `analyze_videos` raises it where no video can be analysed.
    """
    clashing = _clashing(tuple(arguments["videos"]), arguments.get("destfolder"))
    places = range(len(arguments["videos"]))
    return AnalysedQueue(tuple(_one(config, place, arguments, clashing, report) for place in places))


def _one(
    config: Path, place: int, arguments: Mapping[str, Any], clashing: Mapping[str, str], report: Report
) -> QueuedVideo:
    video = arguments["videos"][place]

    def about(progress: Progress) -> None:
        report(dataclasses.replace(progress, values={**progress.values, "video": place}))

    try:
        if video in clashing:
            raise AnalysisError(clashing[video])
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


def _clashing(videos: tuple[str, ...], folder: str | None) -> dict[str, str]:
    """Say of which videos the results would have one name: the second would be taken for analysed."""
    places = {video: (folder or os.path.dirname(video), Path(video).stem) for video in videos}
    counts = Counter(places.values())
    return {
        video: f"{counts[place]} videos are called {place[1]}, and their results in {place[0]} would have one name; "
        "analyse them one at a time, with a folder of results each."
        for video, place in places.items()
        if counts[place] > 1
    }
