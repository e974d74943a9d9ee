"""Predictions of videos as files of other programs (`export_poses`)."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from posecut_core.cameras.camera import Camera
from posecut_core.cameras.views import ViewSession, calibrated_cameras, calibrated_sessions
from posecut_core.errors import AnalysisError, CameraError, Remedy, VideoError, treat_all
from posecut_core.inference.analyzed_views import AnalyzedViews, analyzed_views, networks_of_views
from posecut_core.interchange.registry import Format, SessionPoses, VideoPoses, chosen_format, losses_of_poses
from posecut_core.model.snapshots import chosen_network
from posecut_core.poses.files import existing_predictions, prediction_path
from posecut_core.poses.points import points_path, read_points
from posecut_core.poses.predictions import Predictions, read_origin
from posecut_core.progress import Notice, Report, silent
from posecut_core.project.config import bones_between
from posecut_core.project.given import Videos, forgiving
from posecut_core.project.opening import chosen_videos, open_project
from posecut_core.project.paths import Project
from posecut_core.results import Summary, counted
from posecut_core.storage.files import file_sha256
from posecut_core.types import WrittenPoseFormat
from posecut_core.video.index import index_video


@dataclass(frozen=True)
class ExportedPoses:
    """The files that `export_poses` wrote."""

    format: str
    files: tuple[Path, ...]
    lost: tuple[str, ...]  # what the format has no word for

    def summary(self) -> Summary:
        """Say where the files are, and what they lack."""
        lines = [str(path) for path in self.files]
        lines += [f"Lost in this format: {one}" for one in self.lost]
        return Summary(f"Poses written in {counted(len(self.files), 'file')}.", tuple(lines))


@forgiving
def export_poses(
    config: str | os.PathLike[str],
    videos: Videos,
    shuffle: int = 1,
    trainingsetindex: int = 0,
    *,
    format: WrittenPoseFormat = "nwb",
    networks: Mapping[str, str] | None = None,
    filtered: bool = False,
    snapshot: int | str | None = None,
    ensemble: bool = False,
    destfolder: str | os.PathLike[str] | None = None,
    report: Report = silent,
) -> ExportedPoses:
    """Write the predictions of analyzed videos as files that another program reads, beside those that are there.

    Where the format has them ("nwb"), points in space follow: a file for each session of views that was triangulated,
    with its points, its calibrated cameras, and what they saw.

    Args:
        config: path of config.yaml.
        videos: video files, names of project videos, or folders with videos.
        shuffle: which shuffle's network.
        trainingsetindex: which of config.yaml's training fractions, counted from 0.
        format: of the files, by the program that reads them.
        networks: where views have a network each, the shuffle of that of each camera, such as left:2,right:3, or one
            snapshot of it, such as left:2@5000; points are called after the network of the first.
        filtered: write the filtered predictions.
        snapshot: number of training steps of the snapshot, or "last"; by default snapshotindex in config.yaml decides.
        ensemble: take the predictions of all networks of the shuffle together.
        destfolder: folder of the predictions; by default beside each video.
        report: told of what predictions do not say of themselves.

    Raises:
        ArgumentError: the format needs a package that is not installed, or a camera that has a network is unknown.
        CameraError: cameras have networks, and the project has no calibrated cameras.
        AnalysisError: a video has not been analyzed by this network, or points are out of date; the others are done.
        StorageError: the disk refuses.
    """
    chosen = chosen_format(format, "poses", "w")
    chosen.function("write_poses")
    project = open_project(config)
    given = chosen_videos(project, videos, report=report)
    cameras, sessions = _sessions(project, given.paths, networks, report) if chosen.points or networks else ((), ())
    names = [camera.name for camera in cameras]
    of_cameras = networks_of_views(project, names, shuffle, trainingsetindex, snapshot, networks, ensemble=ensemble)
    of_videos = {video: of_cameras[name] for session in sessions for name, video in session.views.items()}
    if others := [video for video in given.paths if video not in of_videos]:
        network = chosen_network(project.training(shuffle, trainingsetindex), snapshot, ensemble=ensemble)
        of_videos |= dict.fromkeys(others, network)

    def write(item: Path | ViewSession) -> Path:
        if isinstance(item, ViewSession):
            views = of_session(item)
            return _write(chosen, "write_points", points_of(item), _session_poses(project, views, points_of(item)))
        found = existing_predictions(project, item, of_videos[item], destfolder, filtered=filtered, report=report)
        return _write(chosen, "write_poses", found.path, _video_poses(project, item, found.predictions))

    def points_of(session: ViewSession) -> Path:
        first = next(session.views[name] for name in names if name in session.views)
        scorer = of_videos[first].scorer
        return points_path(session.name, scorer, prediction_path(first, scorer, destfolder).parent)

    def of_session(session: ViewSession) -> AnalyzedViews:
        origin = read_origin(points_of(session))
        made_of_filtered = bool(origin and origin.settings.get("filtered"))
        return analyzed_views(
            project, session, cameras, of_cameras, destfolder, filtered=made_of_filtered, shortest=True, report=report
        )

    bones = bones_between(project.config.bodyparts, project.config.skeleton)
    lost = losses_of_poses(chosen, has_skeleton=bool(bones))
    items: list[Path | ViewSession] = [*given.paths]
    items += [session for session in sessions if chosen.points and points_of(session).is_file()]
    return treat_all(
        items,
        write,
        lambda done: ExportedPoses(chosen.name, tuple(done), lost),
        what="videos have no poses to write",
        kind=AnalysisError,
        name=lambda item: item.name if isinstance(item, ViewSession) else str(item),
        failed=given.refused,
    )


def _sessions(
    project: Project, videos: Sequence[Path], networks: Mapping[str, str] | None, report: Report
) -> tuple[tuple[Camera, ...], tuple[ViewSession, ...]]:
    """Return the calibrated cameras and their sessions; none where there are none, or they cannot be told.

    Raises:
        CameraError: cameras have networks, and are not calibrated or their file is damaged.
        VideoError: cameras have networks, and two videos are the same view of one session.
    """
    if networks:
        cameras = calibrated_cameras(project)
        return cameras, calibrated_sessions(project, videos, cameras)
    if not project.cameras.is_file():
        return (), ()
    try:
        cameras = calibrated_cameras(project)
        return cameras, calibrated_sessions(project, videos, cameras)
    except (CameraError, VideoError) as error:
        report(Notice(f"No points in space are written: {str(error).removesuffix('.')}", error.remedies))
        return (), ()


def _video_poses(project: Project, video: Path, predictions: Predictions) -> VideoPoses:
    index, parts = index_video(video), predictions.bodyparts
    bones = tuple((parts[a], parts[b]) for a, b in bones_between(parts, project.config.skeleton))
    return VideoPoses(str(video), {"": predictions}, float(index.fps), (index.width, index.height), bones)


def _session_poses(project: Project, analyzed: AnalyzedViews, path: Path) -> SessionPoses:
    """Read the points of a session.

    Raises:
        AnalysisError: they were made of other predictions, or by other cameras.
    """
    origin = read_origin(path)
    made = origin.settings if origin else {}
    if made.get("calibration") != file_sha256(project.cameras) or made.get("views") != analyzed.hashes():
        raise AnalysisError(
            f"The points in {path} are out of date: the cameras or the predictions have changed since; triangulate the "
            "session again.",
            Remedy("triangulate", config=project.root, videos=[*analyzed.session.views.values()]),
        )
    pairs = zip(analyzed.cameras, analyzed.tables, strict=True)
    views = [_video_poses(project, analyzed.session.views[camera.name], table.predictions) for camera, table in pairs]
    return SessionPoses(analyzed.cameras, tuple(views), read_points(path))


def _write(chosen: Format, function: str, table: Path, poses: VideoPoses | SessionPoses) -> Path:
    path = table.with_name(f"{table.stem}{chosen.suffixes[0]}")
    chosen.function(function)(path, poses)
    return path
