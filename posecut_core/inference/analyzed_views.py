"""What networks saw in the views of sessions, of which points in space are made."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from posecut_core.cameras.camera import Camera
from posecut_core.cameras.views import ViewSession, calibrated_cameras, told_sessions
from posecut_core.errors import AnalysisError, ArgumentError, PosecutError
from posecut_core.model.snapshots import chosen_network
from posecut_core.poses.files import FoundTable, existing_predictions
from posecut_core.poses.predictions import Network, check_length, predictions_hash
from posecut_core.progress import Report
from posecut_core.project.given import Videos, named_few
from posecut_core.project.opening import chosen_videos, open_project
from posecut_core.project.paths import Project
from posecut_core.video.index import index_video

_OF_VIEW = re.compile(r"(\d+)(?:@(\d+))?")  # the shuffle of a view's own network, and the steps of its snapshot


@dataclass(frozen=True)
class AnalyzedViews:
    """Views of a session with their predictions, in the order of their cameras."""

    session: ViewSession
    cameras: tuple[Camera, ...]
    tables: tuple[FoundTable, ...]  # of each camera

    @property
    def scorer(self) -> str:
        """Return the network of the first view, after which the points are called."""
        return self.tables[0].predictions.scorer

    @property
    def bodyparts(self) -> tuple[str, ...]:
        """Return the bodyparts of every view."""
        return self.tables[0].predictions.bodyparts

    @property
    def count(self) -> int:
        """Return how many frames all views have."""
        return min(len(table.predictions.xy) for table in self.tables)

    def rows(self, rows: slice) -> tuple[Float64[np.ndarray, "T K C 2"], Float64[np.ndarray, "T K C"]]:
        """Return positions in pixels and likelihoods in some of the frames that all views have."""
        xy = np.stack([table.predictions.xy[: self.count][rows] for table in self.tables], axis=2)
        return xy, np.stack([table.predictions.likelihood[: self.count][rows] for table in self.tables], axis=2)

    def hashes(self) -> dict[str, str]:
        """Tell the predictions of each camera from others."""
        pairs = zip(self.cameras, self.tables, strict=True)
        return {camera.name: predictions_hash(table.predictions) for camera, table in pairs}


def analyzed_views(
    project: Project,
    session: ViewSession,
    cameras: Iterable[Camera],
    networks: Mapping[str, Network],
    destfolder: str | os.PathLike[str] | None,
    *,
    filtered: bool,
    shortest: bool,
    report: Report,
) -> AnalyzedViews:
    """Read the predictions of the views of a session.

    Args:
        project: the opened project.
        session: whose videos have been analyzed.
        cameras: calibrated together; those without a video in the session are left out.
        networks: camera -> that which has analyzed its videos.
        destfolder: of the predictions; None means beside the videos.
        filtered: whether to read what filterpredictions wrote.
        shortest: whether views may differ in length.
        report: told of predictions that do not say what they came from.

    Raises:
        AnalysisError: the session has a video of one camera only, one has not been analyzed, views differ in length or
            their networks in bodyparts.
    """
    seeing = tuple(camera for camera in cameras if camera.name in session.views)
    if len(seeing) < 2:
        raise AnalysisError(
            f"Session {session.name} has a video of {len(seeing)} camera only, expected two or more; give the others."
        )
    tables = []
    for camera in seeing:
        video = session.views[camera.name]
        network = networks[camera.name]
        tables.append(existing_predictions(project, video, network, destfolder, filtered=filtered, report=report))
        check_length(tables[-1].predictions, video, index_video(video).frame_count)
    if not shortest and (told := session.differing()):
        raise AnalysisError(
            f"The views do not fit together because {told}; give videos that begin and end together, or use the frames "
            "that all of them have, if they begin together."
        )
    views = AnalyzedViews(session, seeing, tuple(tables))
    for camera, table in zip(seeing, tables, strict=True):
        if table.predictions.bodyparts != views.bodyparts:
            raise AnalysisError(
                f"The network of {camera.name} has the bodyparts {named_few(table.predictions.bodyparts)}, that of "
                f"{seeing[0].name} {named_few(views.bodyparts)}; give networks of the same bodyparts in the same order."
            )
    return views


def networks_of_views(
    project: Project,
    cameras: Iterable[str],
    shuffle: int,
    trainingsetindex: int,
    snapshot: int | str | None,
    own: Mapping[str, object] | None = None,
    *,
    ensemble: bool = False,
) -> dict[str, Network]:
    """Say which network has seen what each camera saw.

    Args:
        project: the opened project.
        cameras: their names.
        shuffle: of the network of all cameras that have none of their own.
        trainingsetindex: of all networks.
        snapshot: of all networks that do not name theirs.
        own: camera -> the shuffle of its own network, or shuffle@steps for one snapshot of it, such as 2@5000.
        ensemble: whether all networks of a shuffle are meant together.

    Raises:
        ArgumentError: there is no such camera, or a network is not named so.
        ModelError: there is no such snapshot or ensemble, or it is damaged.
    """
    names = list(cameras)
    wanted: dict[str, tuple[int, int | str | None]] = dict.fromkeys(names, (shuffle, snapshot))
    for name, network in (own or {}).items():
        named = _OF_VIEW.fullmatch(str(network).strip())
        if name not in names or named is None:
            raise ArgumentError(
                f"The network of {name} is {network}, expected the number of a shuffle, such as 2, or of a shuffle and "
                f"the steps of its snapshot, such as 2@5000, for any of {named_few(names)}."
            )
        wanted[name] = int(named[1]), int(named[2]) if named[2] else snapshot
    trained = {
        (number, steps): chosen_network(project.training(number, trainingsetindex), steps, ensemble=ensemble)
        for number, steps in {*wanted.values()}
    }
    return {name: trained[network] for name, network in wanted.items()}


@dataclass(frozen=True)
class GivenViews:
    """The sessions of the videos that were given, and which networks have seen them."""

    project: Project
    cameras: tuple[Camera, ...]
    networks: Mapping[str, Network]  # of each camera
    sessions: tuple[ViewSession, ...]
    refused: Mapping[str, PosecutError]  # as it was given -> why it is no video


def given_views(
    config: str | os.PathLike[str],
    videos: Videos,
    shuffle: int,
    trainingsetindex: int,
    *,
    networks: Mapping[str, str] | None,
    snapshot: int | str | None,
    ensemble: bool,
    views: str | None,
    videotype: str | Sequence[str],
    report: Report,
) -> GivenViews:
    """Tell which sessions videos of calibrated cameras are of, and which networks have seen them.

    Args:
        config: path of config.yaml.
        videos: files, names of project videos, or folders.
        shuffle: of the network of all cameras that have none of their own.
        trainingsetindex: of all networks.
        networks: of cameras that have their own, as for `networks_of_views`.
        snapshot: of all networks that do not name theirs.
        ensemble: whether all networks of a shuffle are meant together.
        views: pattern of the videos' names, which posecut.yaml keeps; None means the one that it has.
        videotype: suffixes of the videos to take from folders.
        report: told of what is left out, and of cameras that lack a video.

    Raises:
        ArgumentError: nothing is given, the pattern lacks {camera}, or the network of a camera is not named rightly.
        VideoError: none of it is a video, or two are the same view of one session.
        CameraError: the cameras of the project are not calibrated, or their file is damaged.
        ModelError: there is no such snapshot or ensemble, or it is damaged.
        AnalysisError: no video is a view of a calibrated camera.
        StorageError: the disk refuses to keep the pattern.
    """
    project = open_project(config)
    given = chosen_videos(project, videos, videotype=videotype, report=report)
    cameras = calibrated_cameras(project)
    names = [camera.name for camera in cameras]
    of_views = networks_of_views(project, names, shuffle, trainingsetindex, snapshot, networks, ensemble=ensemble)
    sessions = told_sessions(project, given.paths, cameras, views, report)
    return GivenViews(project, cameras, of_views, sessions, given.refused)
