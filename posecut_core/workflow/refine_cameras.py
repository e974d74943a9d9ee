"""Improve a project's calibrated cameras by what they saw of the animal, without a board (`refine_cameras`)."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

from posecut_core.cameras.calibration import refine_cameras as refined
from posecut_core.cameras.camera import Camera
from posecut_core.cameras.triangulation import triangulate
from posecut_core.cameras.views import replace_cameras
from posecut_core.errors import AnalysisError, ArgumentError, Remedy, raise_together, treat_each
from posecut_core.inference.analyzed_views import AnalyzedViews, analyzed_views, given_views
from posecut_core.plots.figures import save_png
from posecut_core.plots.space import draw_residuals
from posecut_core.progress import Notice, Report, silent
from posecut_core.project.given import Videos, forgiving
from posecut_core.results import Summary

_MOMENTS = 2000  # frames that are looked at, evenly among all; more change little


@dataclass(frozen=True)
class RefinedCameras:
    """The cameras that a project has now, and how well they agree with what they saw of the animal."""

    config_path: Path
    path: Path  # cameras.yaml
    cameras: tuple[Camera, ...]
    improved: bool  # False where the cameras stayed as they were
    before: Mapping[str, float]  # camera -> median reprojection error in pixels
    after: Mapping[str, float]
    moved: Mapping[str, float]  # camera -> how far, in the unit of the calibration
    turned: Mapping[str, float]  # camera -> by how many degrees
    picture: Path | None = None  # of the residuals

    def summary(self) -> Summary:
        """Say how much better the cameras agree, and how far each has moved."""
        if not self.improved:
            told = ", ".join(f"{camera} {error:.2f}" for camera, error in self.before.items())
            text = "The cameras stay as they are: they agree no better after a refinement."
            return Summary(text, (f"Median reprojection error in pixels: {told}",))
        lines = [
            f"{camera}: {self.before[camera]:.2f} to {error:.2f} pixels of median reprojection error; moved by "
            f"{self.moved[camera]:.3g}, turned by {self.turned[camera]:.2g} degrees"
            for camera, error in self.after.items()
            if camera in self.before
        ]
        lines += [f"Residuals: {self.picture}"] if self.picture else []
        return Summary(f"Refined cameras in {self.path}.", tuple(lines), (Remedy("triangulate"),))


@forgiving
def refine_cameras(
    config: str | os.PathLike[str],
    videos: Videos,
    shuffle: int = 1,
    trainingsetindex: int = 0,
    *,
    networks: Mapping[str, str] | None = None,
    filtered: bool = False,
    ensemble: bool = False,
    pcutoff: int | float = 0.9,
    max_error: int | float = 20,
    shortest: bool = False,
    views: str | None = None,
    snapshot: int | str | None = None,
    destfolder: str | os.PathLike[str] | None = None,
    videotype: str | Sequence[str] = "",
    report: Report = silent,
) -> RefinedCameras:
    """Improve calibrated cameras by confident predictions of the animal, where one was pushed and there is no board.

    Lenses keep their distortion, and all cameras stay near where they were: predictions say how views disagree, but
    neither how large nor where the whole is. The cameras of the project are replaced if they then agree better.

    Args:
        config: path of config.yaml.
        videos: analyzed videos of all cameras: files, names of project videos, or folders.
        shuffle: which shuffle: which split of the labeled frames, and its network.
        trainingsetindex: which of config.yaml's training fractions, counted from 0.
        networks: where views have a network each, the shuffle of that of each camera, such as left:2,right:3, or one
            snapshot of it, such as left:2@5000.
        filtered: use what filterpredictions wrote.
        ensemble: take the predictions of all networks of the shuffle together.
        pcutoff: likelihood below which a view does not count.
        max_error: pixels by which a view may disagree with the others before it is taken for wrong.
        shortest: where views differ in length, use the frames that all have; by default such sessions are refused.
        views: pattern of the names of videos of several cameras, such as {session}_{camera}; posecut.yaml keeps it. By
            default that of posecut.yaml, or this one.
        snapshot: number of training steps of the snapshot, or "last"; by default snapshotindex in config.yaml decides.
        destfolder: folder of the predictions; by default beside each video.
        videotype: take only videos of this suffix from folders, such as mp4; by default all.
        report: told of what is left out, and that cameras are replaced.

    Raises:
        ArgumentError: a number is not possible, or a camera that has a network is unknown.
        CameraError: the cameras of the project are not calibrated, or too few points are seen by two of them.
        AnalysisError: no video is a view of a calibrated camera, or of each session a view has not been analyzed by its
            network, or views differ in length; sessions that can be used suffice.
        StorageError: the project cannot be written.
    """
    if max_error <= 0:
        raise ArgumentError(f"max_error is {max_error}, expected more than 0.")
    given = given_views(
        config, videos, shuffle, trainingsetindex,
        networks=networks, snapshot=snapshot, ensemble=ensemble, views=views, videotype=videotype, report=report,
    )  # fmt: skip
    project, cameras, names = given.project, given.cameras, [camera.name for camera in given.cameras]
    analyzed, failed = treat_each(
        given.sessions,
        lambda session: analyzed_views(
            project, session, cameras, given.networks, destfolder, filtered=filtered, shortest=shortest, report=report
        ),
        name=lambda session: session.name,
    )
    unusable = {**given.refused, **failed}
    if not analyzed:
        raise_together(unusable, of=len(unusable), what="sessions could not be used", kind=AnalysisError, done=None)
    for error in unusable.values():
        report(Notice.of(error))
    xy, likelihood = _seen(names, analyzed)
    done = refined(cameras, xy, likelihood, pcutoff=pcutoff, max_error=max_error)
    before, after = (
        _errors(several, xy, likelihood, pcutoff=pcutoff, max_error=max_error) for several in (cameras, done.cameras)
    )
    improved = bool(np.nanmedian(list(after.values())) < np.nanmedian(list(before.values())))
    if improved:
        replace_cameras(project, done.cameras, report)
        save_png(draw_residuals(done.cameras, done.pixels, done.residuals), project.calibration_picture)
    pairs = list(zip(cameras, done.cameras, strict=True))
    return RefinedCameras(
        project.config_path,
        project.cameras,
        done.cameras if improved else cameras,
        improved,
        before,
        after,
        {old.name: float(np.linalg.norm(new.center - old.center)) for old, new in pairs},
        {old.name: _degrees(old, new) for old, new in pairs},
        project.calibration_picture if improved else None,
    )


def _seen(
    names: Sequence[str], analyzed: Sequence[AnalyzedViews]
) -> tuple[Float64[np.ndarray, "N C 2"], Float64[np.ndarray, "N C"]]:
    """Return what cameras saw in frames of all sessions, evenly chosen; NaN where a session lacks a camera."""
    step = max(sum(views.count for views in analyzed) // _MOMENTS, 1)
    positions, likelihoods = [], []
    for views in analyzed:
        xy, likelihood = views.rows(slice(None, None, step))
        places = [names.index(camera.name) for camera in views.cameras]
        positions.append(np.full((*xy.shape[:2], len(names), 2), np.nan))
        likelihoods.append(np.zeros((*xy.shape[:2], len(names))))
        positions[-1][:, :, places], likelihoods[-1][:, :, places] = xy, likelihood
    count = len(names)
    every = np.concatenate([part.reshape(-1, count, 2) for part in positions])
    return every, np.concatenate([part.reshape(-1, count) for part in likelihoods])


def _errors(
    cameras: Sequence[Camera],
    xy: Float64[np.ndarray, "N C 2"],
    likelihood: Float64[np.ndarray, "N C"],
    *,
    pcutoff: float,
    max_error: float,
) -> dict[str, float]:
    """Return the median reprojection error of each camera that sees points together with others."""
    error = triangulate(cameras, xy, likelihood, pcutoff=pcutoff, max_error=max_error).error
    known = {camera.name: of_camera[np.isfinite(of_camera)] for camera, of_camera in zip(cameras, error.T, strict=True)}
    return {camera: float(np.median(of_camera)) for camera, of_camera in known.items() if len(of_camera)}


def _degrees(one: Camera, other: Camera) -> float:
    return float(np.degrees(Rotation.from_matrix(other.rotation @ one.rotation.T).magnitude()))
