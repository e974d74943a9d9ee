"""Points in space from the analyzed videos of several calibrated cameras (`triangulate`)."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from posecut_core.cameras.camera import Camera
from posecut_core.cameras.triangulation import Triangulation
from posecut_core.cameras.triangulation import triangulate as solved
from posecut_core.cameras.views import ViewSession
from posecut_core.errors import AnalysisError, ArgumentError, Remedy, treat_all
from posecut_core.inference.analyzed_views import AnalyzedViews, analyzed_views, given_views
from posecut_core.plots.figures import save_png
from posecut_core.plots.space import draw_view_errors, film_points
from posecut_core.poses.points import Points3D, points_path, smoothed, with_constant_bones, write_points
from posecut_core.poses.predictions import Network, Origin
from posecut_core.progress import Progress, Report, silent
from posecut_core.project.config import bones_between
from posecut_core.project.given import Videos, forgiving, given_folder
from posecut_core.project.paths import Project
from posecut_core.project.state import look_of
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
        cameras = {camera for session in self.sessions for camera in session.errors}
        text = f"{counted(len(self.sessions), 'session')} triangulated from {counted(len(cameras), 'camera')}."
        wrong = any(share >= _WORTH_SAYING for session in self.sessions for share in session.rejected.values())
        following = (Remedy("extract_outlier_frames", outlieralgorithm="reprojection"),) if wrong else ()
        return Summary(text, tuple(line for session in self.sessions for line in session._lines()), following)


@dataclass(frozen=True)
class _Wish:
    """What is the same for all sessions of a call."""

    project: Project
    cameras: tuple[Camera, ...]
    networks: Mapping[str, Network]  # of each camera
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

    @property
    def scorer(self) -> str:
        """Return the network after which the points are called."""
        return next(iter(self.networks.values())).scorer


@forgiving
def triangulate(
    config: str | os.PathLike[str],
    videos: Videos,
    shuffle: int = 1,
    trainingsetindex: int = 0,
    *,
    networks: Mapping[str, str] | None = None,
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
        networks: where views have a network each, the shuffle of that of each camera, such as left:2,right:3, or one
            snapshot of it, such as left:2@5000; points are called after the network of the first.
        filtered: triangulate what filterpredictions wrote.
        pcutoff: likelihood below which a view does not count; by default pcutoff in config.yaml.
        max_error: pixels by which a view may disagree with the others; farther ones are left out. Where there are
            only two, both are.
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
        ArgumentError: a number is not possible, a camera that has a network is unknown, or config.yaml has no skeleton
            and bones are to be constant.
        CameraError: the cameras of the project are not calibrated, or their file is damaged.
        AnalysisError: no video is a view of a calibrated camera, a view has not been analyzed by its network, or views
            differ in length; of several sessions, the others are done.
        StorageError: the folder cannot be written.
    """
    if max_error <= 0 or smoothing < 0:
        raise ArgumentError(f"max_error is {max_error} and smoothing {smoothing}, expected more than 0, and 0 or more.")
    given = given_views(
        config, videos, shuffle, trainingsetindex,
        networks=networks, snapshot=snapshot, ensemble=ensemble, views=views, videotype=videotype, report=report,
    )  # fmt: skip
    project, names = given.project, tuple(camera.name for camera in given.cameras)
    cutoff = float(project.config.pcutoff if pcutoff is None else pcutoff)
    wish = _Wish(
        project, given.cameras, given.networks, destfolder, filtered, cutoff, max_error, smoothing, constant_bones,
        shortest, save_as_csv, plotting, report,
    )  # fmt: skip
    return treat_all(
        given.sessions,
        lambda session: _triangulate(session, wish),
        lambda done: TriangulatedSessions(project.config_path, wish.scorer, names, tuple(done)),
        what="sessions could not be triangulated",
        kind=AnalysisError,
        name=lambda session: session.name,
        failed=given.refused,
    )


def _triangulate(session: ViewSession, wish: _Wish) -> TriangulatedSession:
    analyzed = analyzed_views(
        wish.project, session, wish.cameras, wish.networks, wish.destfolder,
        filtered=wish.filtered, shortest=wish.shortest, report=wish.report,
    )  # fmt: skip
    points, views = _solved(analyzed, wish)
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
    folder = analyzed.tables[0].path.parent if wish.destfolder is None else given_folder(wish.destfolder)
    target = points_path(session.name, wish.networks[analyzed.cameras[0].name].scorer, folder)
    with sole_writer(target, doing=f"Session {session.name} is being triangulated"):
        files = write_points(target, points, csv=wish.csv, origin=_origin(analyzed, wish))
        pictures = _drawn(target, analyzed, points, views, wish) if wish.plotting else ()
    return replace(views.judged(session.name, files, points), pictures=pictures)


def _drawn(target: Path, analyzed: AnalyzedViews, points: Points3D, views: "_Views", wish: _Wish) -> tuple[Path, ...]:
    config, session = wish.project.config, analyzed.session
    errors, video = (target.with_name(f"{target.stem}{ending}") for ending in ("_errors.png", ".mp4"))
    by_camera = {name: views.error[..., at] for at, name in enumerate(views.cameras)}
    save_png(draw_view_errors(by_camera, title=f"Reprojection errors of {session.name}"), errors)
    film_points(
        video,
        points,
        analyzed.cameras,
        fps=index_video(next(iter(session.views.values()))).fps,
        bones=bones_between(points.bodyparts, config.skeleton),
        colormap=look_of(wish.project).colormap,
        report=wish.report,
    )
    return errors, video


def _origin(analyzed: AnalyzedViews, wish: _Wish) -> Origin:
    """Say what points came from: the network, the calibration, and the predictions of each view."""
    hashes = analyzed.hashes()
    settings: dict[str, object] = {
        "calibration": file_sha256(wish.project.cameras),
        "views": hashes,
        "filtered": wish.filtered,
        "pcutoff": wish.pcutoff,
        "max_error": wish.max_error,
        "smoothing": wish.smoothing,
        "constant_bones": wish.constant_bones,
    }
    first = analyzed.tables[0].origin
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


def _solved(analyzed: AnalyzedViews, wish: _Wish) -> tuple[Points3D, _Views]:
    """Triangulate the frames that all views have, some thousand at once."""
    done: list[Triangulation] = []
    for start in range(0, max(analyzed.count, 1), _ROWS):
        rows = slice(start, min(start + _ROWS, analyzed.count))
        xy, likelihood = analyzed.rows(rows)
        done.append(solved(analyzed.cameras, xy, likelihood, pcutoff=wish.pcutoff, max_error=wish.max_error))
        wish.report(Progress(f"triangulating {analyzed.session.name}", rows.stop, analyzed.count))
    evidence = reduce(add, (part.evidence for part in done))
    spread = np.concatenate(  # as if all were triangulated together
        [evidence.noise / part.noise * np.sqrt(np.trace(part.covariance, axis1=-2, axis2=-1)) for part in done]
    )
    points = Points3D(
        analyzed.scorer,
        analyzed.bodyparts,
        np.concatenate([part.points for part in done]),
        np.concatenate([np.nan_to_num(part.likelihood) for part in done]),
        np.concatenate([part.mean_error for part in done]),
        spread,
    )
    names = tuple(camera.name for camera in analyzed.cameras)
    error, used = (np.concatenate([getattr(part, name) for part in done]) for name in ("error", "used"))
    return points, _Views(names, error, used, evidence.noise, evidence.findings)
