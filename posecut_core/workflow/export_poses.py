"""Predictions of videos as files of other programs (`export_poses`)."""

import os
from dataclasses import dataclass
from pathlib import Path

from posecut_core.errors import AnalysisError, treat_all
from posecut_core.interchange.registry import Format, VideoPoses, chosen_format
from posecut_core.model.snapshots import chosen_network
from posecut_core.poses.files import existing_predictions
from posecut_core.progress import Report, silent
from posecut_core.project.config import bones_between
from posecut_core.project.given import Videos, forgiving
from posecut_core.project.opening import chosen_videos, open_project
from posecut_core.results import Summary, counted
from posecut_core.types import PoseFormat
from posecut_core.video.index import index_video


@dataclass(frozen=True)
class ExportedPoses:
    """The files that `export_poses` wrote."""

    format: str
    files: tuple[Path, ...]
    lost: str  # what the format has no word for

    def summary(self) -> Summary:
        """Say where the files are, and what they lack."""
        lines = [str(path) for path in self.files]
        lines += [f"Lost in this format: {self.lost}"] if self.lost else []
        return Summary(f"Poses of {counted(len(self.files), 'video')} written.", tuple(lines))


@forgiving
def export_poses(
    config: str | os.PathLike[str],
    videos: Videos,
    shuffle: int = 1,
    trainingsetindex: int = 0,
    *,
    format: PoseFormat = "nwb",
    filtered: bool = False,
    snapshot: int | str | None = None,
    ensemble: bool = False,
    destfolder: str | os.PathLike[str] | None = None,
    report: Report = silent,
) -> ExportedPoses:
    """Write the predictions of analyzed videos as files that another program reads, beside those that are there.

    Args:
        config: path of config.yaml.
        videos: video files, names of project videos, or folders with videos.
        shuffle: which shuffle's network.
        trainingsetindex: which of config.yaml's training fractions, counted from 0.
        format: of the files, by the program that reads them.
        filtered: write the filtered predictions.
        snapshot: number of training steps of the snapshot, or "last"; by default snapshotindex in config.yaml decides.
        ensemble: take the predictions of all networks of the shuffle together.
        destfolder: folder of the predictions; by default beside each video.
        report: told of what predictions do not say of themselves.

    Raises:
        ArgumentError: the format needs a package that is not installed.
        AnalysisError: a video has not been analyzed by this network; the others are done.
        StorageError: the disk refuses.
    """
    chosen = chosen_format(format, "poses", "w")
    chosen.function("write_poses")
    project = open_project(config)
    network = chosen_network(project.training(shuffle, trainingsetindex), snapshot, ensemble=ensemble)
    given = chosen_videos(project, videos, report=report)

    def write(video: Path) -> Path:
        found = existing_predictions(project, video, network, destfolder, filtered=filtered, report=report)
        index = index_video(video)
        size = (index.width, index.height)
        parts = found.predictions.bodyparts
        bones = tuple((parts[a], parts[b]) for a, b in bones_between(parts, project.config.skeleton))
        poses = VideoPoses(str(video), {"": found.predictions}, float(index.fps), size, bones)
        return _written(chosen, found.path, poses)

    return treat_all(
        given.paths,
        write,
        lambda done: ExportedPoses(chosen.name, tuple(done), chosen.lacks),
        what="videos have no poses to write",
        kind=AnalysisError,
        failed=given.refused,
    )


def _written(chosen: Format, predictions: Path, poses: VideoPoses) -> Path:
    path = predictions.with_name(f"{predictions.stem}{chosen.suffixes[0]}")
    chosen.function("write_poses")(path, poses)
    return path
