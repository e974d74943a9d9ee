"""Points in space from the analyzed videos of several calibrated cameras (`triangulate`)."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from posecut_core.cameras.camera import Camera
from posecut_core.cameras.triangulation import Triangulation
from posecut_core.cameras.triangulation import triangulate as solved
from posecut_core.cameras.views import USUAL_VIEWS, ViewSession, calibrated_cameras, calibrated_sessions
from posecut_core.errors import AnalysisError, ArgumentError, Remedy, treat_all
from posecut_core.model.snapshots import chosen_network
from posecut_core.plots.figures import save_png
from posecut_core.plots.space import draw_view_errors, film_points
from posecut_core.poses.files import FoundTable, existing_predictions
from posecut_core.poses.points import Points3D, points_path, smoothed, with_constant_bones, write_points
from posecut_core.poses.predictions import Network, Origin, check_length, predictions_hash
from posecut_core.progress import Notice, Progress, Report, silent
from posecut_core.project.config import bones_between
from posecut_core.project.given import Videos, forgiving, given_folder, named_few
from posecut_core.project.opening import chosen_videos, open_project
from posecut_core.project.paths import Project
from posecut_core.project.state import read_state
from posecut_core.results import Summary, counted
from posecut_core.storage.files import file_sha256
from posecut_core.storage.locks import sole_writer
from posecut_core.video.index import index_video

_WORTH_SAYING = 0.01  # share of what a camera saw that the others contradict
_ROWS = 5000  # frames that are solved at once, so that the memory does not grow with a video


@dataclass(frozen=True)
class TriangulatedSession:
    """The points of one session, and how well its views agree."""

    session: str
    files: tuple[Path, ...]  # .h5 and .csv
    frames: int
    found: float  # share of the bodyparts in all frames that have a point
    errors: Mapping[str, float]  # camera -> median pixels between what it saw and the image of the point
    rejected: Mapping[str, float]  # camera -> share of what it saw that disagreed with the other views
    uncertainty: float  # median standard deviation of a point, in the unit of the calibration
    noise: float  # pixels by which views scatter
    findings: tuple[str, ...] = ()  # what is worth knowing
    pictures: tuple[Path, ...] = ()  # a figure of the errors, and a video around the points

    def _lines(self) -> list[str]:
        seen = ", ".join(f"{camera} {error:.1f}" for camera, error in self.errors.items() if np.isfinite(error))
        told = f"{self.session}: {self.found:.0%} of the bodyparts in {counted(self.frames, 'frame')} have a point"
        if seen:
            told += f"; median reprojection error in pixels: {seen}; a point is known to {self.uncertainty:.2g}"
        wrong = [f"{camera} {share:.0%}" for camera, share in self.rejected.items() if share >= _WORTH_SAYING]
        lines = [f"{told}: {', '.join(map(str, self.files))}", *(f"  {sentence}" for sentence in self.findings)]
        lines += [f"  drawn: {', '.join(map(str, self.pictures))}"] if self.pictures else []
        return lines + ([f"  left out because other views contradict it: {', '.join(wrong)}"] if wrong else [])


@dataclass(frozen=True)
class TriangulatedSessions:
    """All sessions of one call."""

    config_path: Path
    scorer: str  # the network that saw the bodyparts
    cameras: tuple[str, ...]
    sessions: tuple[TriangulatedSession, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file with points."""
        return tuple(path for session in self.sessions for path in session.files)

    def summary(self) -> Summary:
        """Say where the points are, and how well the views agree."""
        text = f"{counted(len(self.sessions), 'session')} triangulated from {counted(len(self.cameras), 'camera')}."
        wrong = any(share >= _WORTH_SAYING for session in self.sessions for share in session.rejected.values())
        following = (Remedy("extract_outlier_frames", outlieralgorithm="reprojection"),) if wrong else ()
        return Summary(text, tuple(line for session in self.sessions for line in session._lines()), following)


@dataclass(frozen=True)
class _Wish:
    """What is the same for all sessions of a call."""

    project: Project
    cameras: tuple[Camera, ...]
    network: Network
    destfolder: str | os.PathLike[str] | None
    filtered: bool
    pcutoff: float
    max_error: float
    smoothing: float
    constant_bones: bool
    shortest: bool
    csv: bool
    plotting: bool
    report: Report


@forgiving
def triangulate(
    config: str | os.PathLike[str],
    videos: Videos,
    shuffle: int = 1,
    trainingsetindex: int = 0,
    *,
    filtered: bool = False,
    pcutoff: int | float | None = None,
    max_error: int | float = 10,
    smoothing: int | float = 0,
    constant_bones: bool = False,
    shortest: bool = False,
    save_as_csv: bool = True,
    plotting: bool = False,
    views: str | None = None,
    snapshot: int | str | None = None,
    ensemble: bool = False,
    destfolder: str | os.PathLike[str] | None = None,
    videotype: str | Sequence[str] = "",
    report: Report = silent,
) -> TriangulatedSessions:
    """Find where the bodyparts are in space, from analyzed videos of several calibrated cameras.

    Videos that belong together are told by their names. `<session><scorer>_3d.h5` beside the first of them, or in the
    folder of results, has x, y and z of each bodypart in the unit of the calibration, its likelihood, the reprojection
    error in pixels and the standard deviation of the point. Where fewer than two views are confident, or no two agree,
    there is no point.

    Args:
        config: path of config.yaml.
        videos: analyzed videos of all cameras: files, names of project videos, or folders.
        shuffle: which shuffle: which split of the labeled frames, and its network.
        trainingsetindex: which of config.yaml's training fractions, counted from 0.
        filtered: triangulate what filterpredictions wrote.
        pcutoff: likelihood below which a view does not count; by default pcutoff in config.yaml.
        max_error: pixels by which a view may disagree with the others; farther ones are left out where two others
            agree.
        smoothing: smooth movements over time: those to and fro within so many frames are halved; 0 for none.
        constant_bones: give each bone of config.yaml's skeleton its median length in every frame.
        shortest: where views differ in length, use the frames that all have; by default such sessions are refused.
        save_as_csv: write a .csv beside the .h5.
        plotting: draw the reprojection errors (`_3d_errors.png`), and a video around the points (`_3d.mp4`).
        views: pattern of the names of videos of several cameras, such as {session}_{camera}; posecut.yaml keeps it. By
            default that of posecut.yaml, or this one.
        snapshot: number of training steps of the snapshot, or "last"; by default snapshotindex in config.yaml decides.
        ensemble: take the predictions of all networks of the shuffle together.
        destfolder: folder of the predictions and the points; by default beside each video.
        videotype: take only videos of this suffix from folders, such as mp4; by default all.
        report: called as frames are done.

    Raises:
        ArgumentError: a number is not possible, or config.yaml has no skeleton and bones are to be constant.
        CameraError: the cameras of the project are not calibrated, or their file is damaged.
        AnalysisError: no video is a view of a calibrated camera, a view has not been analyzed by this network, or
            views differ in length; of several sessions, the others are done.
        StorageError: the folder cannot be written.
    """
    if max_error <= 0 or smoothing < 0:
        raise ArgumentError(f"max_error is {max_error} and smoothing {smoothing}, expected more than 0, and 0 or more.")
    project = open_project(config)
    cameras = calibrated_cameras(project)
    network = chosen_network(project.training(shuffle, trainingsetindex), snapshot, ensemble=ensemble)
    given = chosen_videos(project, videos, videotype=videotype, report=report)
    sessions = calibrated_sessions(project, given.paths, cameras, views)
    _note_left_out(given.paths, sessions, read_state(project.settings_path).views or USUAL_VIEWS, cameras, report)
    cutoff = float(project.config.pcutoff if pcutoff is None else pcutoff)
    wish = _Wish(
        project, cameras, network, destfolder, filtered, cutoff, max_error, smoothing, constant_bones, shortest,
        save_as_csv, plotting, report,
    )  # fmt: skip
    return treat_all(
        sessions,
        lambda session: _triangulate(session, wish),
        lambda done: TriangulatedSessions(
            project.config_path, network.scorer, tuple(camera.name for camera in cameras), tuple(done)
        ),
        what="sessions could not be triangulated",
        kind=AnalysisError,
        name=lambda session: session.name,
        failed=given.refused,
    )


def _note_left_out(
    videos: Sequence[Path], sessions: Sequence[ViewSession], pattern: str, cameras: Sequence[Camera], report: Report
) -> None:
    """Tell of videos that belong to no session, and of sessions that lack a camera.

    Raises:
        AnalysisError: none belongs to any.
    """
    names = [camera.name for camera in cameras]
    used = {video for session in sessions for video in session.views.values()}
    others = [video.name for video in videos if video not in used]
    expected = f"names such as {pattern.format(session='NAME', camera=names[0])}, of the cameras {named_few(names)}"
    if not sessions:
        raise AnalysisError(
            f"Found no view among {named_few(others)}, expected {expected}; rename the videos, or give another pattern "
            "of their names."
        )
    if others:
        report(Notice(f"{named_few(others)} left out: no view of a calibrated camera, expected {expected}"))
    for session in sessions:
        if told := session.lacking(names):
            report(Notice(told))


def _triangulate(session: ViewSession, wish: _Wish) -> TriangulatedSession:
    cameras = [camera for camera in wish.cameras if camera.name in session.views]
    if len(cameras) < 2:
        raise AnalysisError(
            f"Session {session.name} has a video of {len(cameras)} camera only, expected two or more; give the others."
        )
    tables = {camera.name: _predictions(session.views[camera.name], wish) for camera in cameras}
    if not wish.shortest and (told := session.differing()):
        raise AnalysisError(
            f"Cannot triangulate because {told}; give videos that begin and end together, or use the frames that all "
            "of them have, if they begin together."
        )
    points, views = _solved(session, cameras, list(tables.values()), wish)
    if wish.smoothing:
        points = smoothed(points, period=wish.smoothing)
    if wish.constant_bones:
        bones = bones_between(points.bodyparts, wish.project.config.skeleton)
        if not bones:
            raise ArgumentError(
                f"skeleton in {wish.project.config_path} has no bones between bodyparts of the network; add pairs of "
                "bodyparts, such as `- [snout, tailbase]`."
            )
        points = with_constant_bones(points, bones)
    folder = next(iter(tables.values())).path.parent if wish.destfolder is None else given_folder(wish.destfolder)
    target = points_path(session.name, wish.network.scorer, folder)
    with sole_writer(target, doing=f"Session {session.name} is being triangulated"):
        files = write_points(target, points, csv=wish.csv, origin=_origin(tables, wish))
        pictures = _drawn(target, session, cameras, points, views, wish) if wish.plotting else ()
    return replace(views.judged(session.name, files, points), pictures=pictures)


def _drawn(
    target: Path, session: ViewSession, cameras: Sequence[Camera], points: Points3D, views: "_Views", wish: _Wish
) -> tuple[Path, ...]:
    config = wish.project.config
    errors, video = (target.with_name(f"{target.stem}{ending}") for ending in ("_errors.png", ".mp4"))
    by_camera = {name: views.error[..., at] for at, name in enumerate(views.cameras)}
    save_png(draw_view_errors(by_camera, title=f"Reprojection errors of {session.name}"), errors)
    film_points(
        video,
        points,
        cameras,
        fps=index_video(next(iter(session.views.values()))).fps,
        bones=bones_between(points.bodyparts, config.skeleton),
        colormap=config.colormap,
        report=wish.report,
    )
    return errors, video


def _predictions(video: Path, wish: _Wish) -> FoundTable:
    found = existing_predictions(
        wish.project, video, wish.network, wish.destfolder, filtered=wish.filtered, report=wish.report
    )
    check_length(found.predictions, video, index_video(video).frame_count)
    return found


def _origin(tables: Mapping[str, FoundTable], wish: _Wish) -> Origin:
    """Say what points came from: the network, the calibration, and the predictions of each view."""
    hashes = {camera: predictions_hash(table.predictions) for camera, table in tables.items()}
    settings: dict[str, object] = {
        "calibration": file_sha256(wish.project.cameras),
        "views": hashes,
        "filtered": wish.filtered,
        "pcutoff": wish.pcutoff,
        "max_error": wish.max_error,
        "smoothing": wish.smoothing,
        "constant_bones": wish.constant_bones,
    }
    first = next(iter(tables.values())).origin
    return Origin(first.analysis if first else None, next(iter(hashes.values())), settings)


@dataclass(frozen=True)
class _Views:
    """What the views of a session said of its points."""

    cameras: tuple[str, ...]
    error: Float64[np.ndarray, "T K C"]
    used: np.ndarray
    noise: float
    findings: tuple[str, ...]

    def judged(self, session: str, files: tuple[Path, ...], points: Points3D) -> TriangulatedSession:
        """Say how well the views agree."""
        there = np.isfinite(self.error)
        errors = {
            camera: float(np.median(self.error[..., at][there[..., at]])) if there[..., at].any() else np.nan
            for at, camera in enumerate(self.cameras)
        }
        rejected = {
            camera: float((there[..., at] & ~self.used[..., at]).sum() / max(there[..., at].sum(), 1))
            for at, camera in enumerate(self.cameras)
        }
        found = np.isfinite(points.xyz).all(axis=-1)
        uncertainty = float(np.median(points.uncertainty[found])) if found.any() else np.nan
        share = float(found.mean()) if found.size else 0.0
        return TriangulatedSession(
            session, files, len(points.xyz), share, errors, rejected, uncertainty, self.noise, self.findings
        )


def _solved(
    session: ViewSession, cameras: Sequence[Camera], tables: Sequence[FoundTable], wish: _Wish
) -> tuple[Points3D, _Views]:
    """Triangulate the frames that all views have, some thousand at once."""
    first = tables[0].predictions
    count = min(len(table.predictions.xy) for table in tables)
    done: list[Triangulation] = []
    for start in range(0, max(count, 1), _ROWS):
        rows = slice(start, min(start + _ROWS, count))
        xy = np.stack([table.predictions.xy[rows] for table in tables], axis=2)
        likelihood = np.stack([table.predictions.likelihood[rows] for table in tables], axis=2)
        noise = done[0].noise if done else None
        done.append(solved(cameras, xy, likelihood, pcutoff=wish.pcutoff, max_error=wish.max_error, noise=noise))
        wish.report(Progress(f"triangulating {session.name}", rows.stop, count))
    spread = np.concatenate([np.sqrt(np.trace(part.covariance, axis1=-2, axis2=-1)) for part in done])
    points = Points3D(
        first.scorer,
        first.bodyparts,
        np.concatenate([part.points for part in done]),
        np.concatenate([np.nan_to_num(part.likelihood) for part in done]),
        np.concatenate([part.mean_error for part in done]),
        spread,
    )
    findings = tuple(dict.fromkeys(sentence for part in done for sentence in part.findings))
    names = tuple(camera.name for camera in cameras)
    error, used = (np.concatenate([getattr(part, name) for part in done]) for name in ("error", "used"))
    return points, _Views(names, error, used, done[0].noise, findings)
