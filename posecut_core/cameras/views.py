"""Sessions of views: which videos show the same moments, each from a camera of its own, and whether they fit.

posecut.yaml says it in one of two ways. `views` is a pattern of file names without their suffix, such as
`{session}_{camera}`: day1_left.mp4 is then the view of camera `left` in session `day1`. `sessions` names the videos of
each camera one by one.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from posecut_core.cameras.camera import Camera, checked_cameras, epipolar_line
from posecut_core.cameras.camera import project as image_of
from posecut_core.cameras.files import read_cameras, yaml_of
from posecut_core.cameras.triangulation import triangulate
from posecut_core.errors import AnalysisError, ArgumentError, CameraError, Remedy, VideoError
from posecut_core.progress import Notice, Report
from posecut_core.project.given import name_key, named_few
from posecut_core.project.opening import project_videos
from posecut_core.project.paths import Project
from posecut_core.project.state import ProjectState, check_pattern, read_state, update_state
from posecut_core.results import counted
from posecut_core.storage.files import keep_copy, read_bytes, write_text
from posecut_core.storage.values import SettingError
from posecut_core.video.index import index_video

Position = tuple[float, float]  # x, y in pixels of the full frame
_DISAGREE = 20.0  # pixels between labels of several views and their point, above which they are of different things
USUAL_VIEWS = "{session}_{camera}"  # of calibrated cameras, whose names are known


@dataclass(frozen=True)
class ViewSession:
    """Videos of the same moments: frame n of one was taken when frame n of the others was."""

    name: str
    views: Mapping[str, Path]  # camera -> its video

    def lacking(self, cameras: Iterable[str]) -> str:
        """Say which cameras have no video; "" where each has one."""
        missing = [camera for camera in cameras if camera not in self.views]
        return f"session {self.name} has no video of {', '.join(missing)}" if missing else ""

    def frame_counts(self) -> dict[str, int]:
        """Count the frames of each camera's video.

        Raises:
            VideoError: a video cannot be read.
        """
        return {camera: index_video(video).frame_count for camera, video in self.views.items()}

    def differing(self) -> str:
        """Say that the views have different numbers of frames; "" where they have not.

        Raises:
            VideoError: a video cannot be read.
        """
        counts = self.frame_counts()
        if len(set(counts.values())) < 2:
            return ""
        told = ", ".join(f"{camera} {count}" for camera, count in counts.items())
        apart = counted(max(counts.values()) - min(counts.values()), "frame")
        return f"the views of session {self.name} differ by {apart} in length ({told})"


def view_sessions(
    videos: Iterable[Path], state: ProjectState, *, cameras: Collection[str] = ()
) -> tuple[ViewSession, ...]:
    """Group videos by session, in the order in which the sessions come; what is no view of any is left out.

    Args:
        videos: the files.
        state: says how sessions are told.
        cameras: their names, where they are known: then names with the signs between them are told apart as well.

    Raises:
        VideoError: two videos are the same view of one session.
    """
    placed = {stem: (session, camera) for session, of in state.sessions.items() for camera, stem in of.items()}
    found: dict[str, dict[str, Path]] = {}
    for video in videos:
        place = placed.get(video.stem) or (view_of(video.stem, state.views, cameras) if state.views else None)
        if place is None:
            continue
        session, camera = place
        other = found.setdefault(session, {}).setdefault(camera, video)
        if other != video:
            raise VideoError(
                f"{other} and {video} are both the view of camera {camera} in session {session}; give one of them, or "
                "correct `views` in posecut.yaml."
            )
    return tuple(ViewSession(name, dict(sorted(views.items()))) for name, views in found.items())


def view_of(stem: str, pattern: str, cameras: Collection[str] = ()) -> tuple[str, str] | None:
    """Read session and camera from a file's name; None where the pattern does not fit, or the camera is unknown.

    Args:
        stem: the name without its suffix.
        pattern: with {camera} once and {session} at most once. Without {session}, it is the rest of the name.
        cameras: their names; empty means any.
    """
    known = "|".join(re.escape(camera) for camera in sorted(cameras, key=len, reverse=True))
    parts = {"{camera}": f"(?P<camera>{known or '.+?'})", "{session}": "(?P<session>.+)"}
    pieces = re.split(r"(\{camera\}|\{session\})", pattern)
    match = re.fullmatch("".join(parts.get(piece) or re.escape(piece) for piece in pieces), stem)
    if match is None:
        return None
    rest = stem[: match.start("camera")] + stem[match.end("camera") :]
    return match.groupdict().get("session") or rest.strip(" _-.") or "session", match["camera"]


def chosen_views(project: Project, pattern: str | None) -> ProjectState:
    """Return what posecut.yaml says of sessions, after it was told of a new pattern.

    Args:
        project: the opened project.
        pattern: None keeps what is there.

    Raises:
        ArgumentError: the pattern lacks {camera}.
        StorageError: the disk refuses.
    """
    if pattern is not None:
        try:
            views = check_pattern(pattern)
        except SettingError as error:
            raise ArgumentError(f"{error.words}; correct it.") from error
        update_state(project, lambda state: replace(state, views=views))
    return read_state(project.settings_path)


def calibrated_cameras(project: Project) -> tuple[Camera, ...]:
    """Read the project's cameras.

    Raises:
        CameraError: they have not been calibrated, or their file is damaged.
    """
    if not project.cameras.is_file():
        raise CameraError(
            f"Found no calibrated cameras at {project.cameras}; calibrate them first.",
            Remedy("calibrate_cameras", config=project.root),
        )
    return checked_cameras(read_cameras(project.cameras), at_least=2)


def replace_cameras(project: Project, cameras: Sequence[Camera], report: Report) -> None:
    """Give a project its cameras; those that it had are kept beside them.

    Args:
        project: the opened project.
        cameras: calibrated together.
        report: told where others were replaced.

    Raises:
        StorageError: the disk refuses; the project then has the cameras that it had.
    """
    text = yaml_of(cameras)
    kept = None
    if project.cameras.is_file():
        before = read_bytes(project.cameras)
        if before == text.encode():
            return
        kept = keep_copy(project.replaced_cameras, before)
    write_text(project.cameras, text)
    if kept is not None:
        report(
            Notice(
                f"{project.cameras} is replaced, and the cameras that it held are kept as {kept.name}; points in space "
                "that were made with them are out of date"
            )
        )


def calibrated_sessions(
    project: Project, videos: Iterable[Path], cameras: Iterable[Camera], pattern: str | None = None
) -> tuple[ViewSession, ...]:
    """Group videos of calibrated cameras by session; where posecut.yaml has no pattern, it is the usual one.

    Raises:
        ArgumentError: the pattern lacks {camera}.
        VideoError: two videos are the same view of one session.
        StorageError: the disk refuses to keep the pattern.
    """
    state = chosen_views(project, pattern)
    state = state if state.views else replace(state, views=USUAL_VIEWS)
    return view_sessions(videos, state, cameras=[camera.name for camera in cameras])


def told_sessions(
    project: Project, videos: Sequence[Path], cameras: Sequence[Camera], pattern: str | None, report: Report
) -> tuple[ViewSession, ...]:
    """Group videos as `calibrated_sessions`, and tell of those that belong to no session, and of cameras that lack one.

    Raises:
        AnalysisError: no video belongs to any session.
        ArgumentError: the pattern lacks {camera}.
        VideoError: two videos are the same view of one session.
        StorageError: the disk refuses to keep the pattern.
    """
    sessions = calibrated_sessions(project, videos, cameras, pattern)
    names = [camera.name for camera in cameras]
    others = _strangers(videos, sessions)
    if not sessions:
        told, remedies = _naming(project, others, names)
        raise AnalysisError(f"Found no view of a calibrated camera, {told}.", *remedies)
    if others:
        expected = f"names such as {_named_so(project, names[0])}, of the cameras {named_few(names)}"
        left_out = named_few([video.name for video in others])
        report(Notice(f"{left_out} left out: no view of a calibrated camera, expected {expected}"))
    for told in _incomplete(sessions, names):
        report(Notice(told))
    return sessions


def missing_views(
    project: Project, videos: Sequence[Path], cameras: Sequence[Camera], sessions: Sequence[ViewSession]
) -> tuple[Notice, ...]:
    """Say which cameras have no video at all, and which sessions have none of a camera that others have.

    Args:
        project: the opened project.
        videos: its videos.
        cameras: calibrated together.
        sessions: of these cameras, from `calibrated_sessions`.
    """
    names, seen = [camera.name for camera in cameras], {name for session in sessions for name in session.views}
    without = [name for name in names if name not in seen]
    told = [Notice(text) for text in _incomplete(sessions, [name for name in names if name in seen])]
    for name in read_state(project.settings_path).sessions.keys() - {session.name for session in sessions}:
        told.append(Notice(f"session {name}, which posecut.yaml lists, has no video in the project"))
    if without:
        naming, remedies = _naming(project, _strangers(videos, sessions), without)
        many = "cameras" if len(without) > 1 else "camera"
        told.insert(0, Notice(f"No video of the project is a view of {many} {named_few(without)}, {naming}", remedies))
    return tuple(told)


def _incomplete(sessions: Iterable[ViewSession], cameras: Sequence[str]) -> Iterator[str]:
    """Say which sessions lack a camera, or have one that is not known."""
    for session in sessions:
        if told := session.lacking(cameras):
            yield told
        if strange := [camera for camera in session.views if camera not in cameras]:
            unknown = f"session {session.name} has a video of {named_few(strange)}"
            yield f"{unknown}, which is no calibrated camera; correct the name in posecut.yaml, or calibrate it"


def _strangers(videos: Iterable[Path], sessions: Iterable[ViewSession]) -> list[Path]:
    """Return the videos that are no view of any session."""
    used = {video for session in sessions for video in session.views.values()}
    return [video for video in videos if video not in used]


def _named_so(project: Project, camera: str) -> str:
    """Return what a video of a camera may be called."""
    pattern = read_state(project.settings_path).views or USUAL_VIEWS
    return f"{pattern.format(session='NAME', camera=camera)}.mp4"


def _naming(project: Project, videos: Sequence[Path], cameras: Sequence[str]) -> tuple[str, tuple[Remedy, ...]]:
    """Say what videos of some cameras would be called, what those are called that there are, and what helps.

    Where their names say cameras, these can be given to the calibrated ones: to those that sound alike, as cam_0 and 0.
    """
    expected = f"expected names such as {_named_so(project, cameras[0])}"
    pattern = read_state(project.settings_path).views or USUAL_VIEWS
    places = (view_of(video.stem, pattern) for video in videos)
    found = [*dict.fromkeys(place[1] for place in places if place is not None)]
    if not videos:
        return f"{expected}; add such videos", ()
    if not found:
        there = named_few([video.name for video in videos])
        return f"{expected}, found {there}; rename the videos, or give another pattern of their names", ()
    alike = {camera: name for camera in cameras if (name := _alike(camera, found))}
    renamed = alike or dict.fromkeys(cameras, "NAME")
    return (
        f"{expected}, found videos of {named_few(found)}; rename the videos, or the cameras",
        (Remedy("calibrate_cameras", config=project.root, source=project.cameras, rename=renamed),),
    )


def _alike(camera: str, names: Sequence[str]) -> str:
    """Return the one name that ends as a camera's does, or the reverse; "" where none does, or several."""
    one = name_key(camera)
    alike = [name for name in names if one.endswith(name_key(name)) or name_key(name).endswith(one)]
    return alike[0] if len(alike) == 1 else ""


# --- while labeling ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OtherViews:
    """What labels in some views of a moment say of where a bodypart is in another one."""

    cameras: Mapping[str, Camera] = field(default_factory=dict)
    places: Mapping[str, tuple[str, ViewSession]] = field(default_factory=dict)  # stem -> its camera, its session

    @classmethod
    def of(cls, project: Project) -> "OtherViews":
        """Return the views of a project's calibrated cameras; none where they are not calibrated.

        Raises:
            CameraError: the file of the cameras is damaged.
            VideoError: two videos are the same view of one session.
        """
        if not project.cameras.is_file():
            return cls()
        cameras = calibrated_cameras(project)
        sessions = calibrated_sessions(project, project_videos(project).values(), cameras)
        places = {video.stem: (camera, session) for session in sessions for camera, video in session.views.items()}
        return cls({camera.name: camera for camera in cameras}, places)

    def around(self, video: str) -> tuple[str, ...]:
        """List the other views of a video's session, by stem."""
        if video not in self.places:
            return ()
        return tuple(view.stem for view in self.places[video][1].views.values() if view.stem != video)

    def proposed(self, video: str, labels: Mapping[str, Mapping[str, Position]]) -> dict[str, Position]:
        """Return where bodyparts are in a view that two or more other views have labels of.

        Args:
            video: the view, by stem.
            labels: of the same frame in other views: stem -> bodypart -> x, y in pixels.

        Returns:
            Of each bodypart on which the others agree, x, y within the frame.
        """
        seen = [stem for stem in self.around(video) if labels.get(stem)]
        parts = list(dict.fromkeys(part for stem in seen for part in labels[stem]))
        if len(seen) < 2 or not parts:
            return {}
        nowhere = (np.nan, np.nan)
        xy = np.array([[labels[stem].get(part, nowhere) for stem in seen] for part in parts])
        found = triangulate([self._camera(stem) for stem in seen], xy, max_error=_DISAGREE)
        points = np.where((found.mean_error <= _DISAGREE)[:, None], found.points, np.nan)
        images = image_of(self._camera(video), points)
        width, height = self._camera(video).size
        inside = ((images >= 0) & (images <= np.array([width, height]) - 1)).all(axis=-1)
        return {part: (float(x), float(y)) for part, (x, y), good in zip(parts, images, inside, strict=True) if good}

    def lines(self, video: str, labels: Mapping[str, Position]) -> list[Float64[np.ndarray, "L 2"]]:
        """Return on which line of a view a bodypart must lie, for each other view that has a label of it.

        Args:
            video: the view, by stem.
            labels: of one bodypart in the same frame: stem -> x, y in pixels.
        """
        here = self._camera(video) if video in self.places else None
        found = [
            epipolar_line(self._camera(stem), np.array(labels[stem]), here)
            for stem in self.around(video)
            if here is not None and stem in labels
        ]
        return [line for line in found if len(line) > 1]

    def _camera(self, stem: str) -> Camera:
        return self.cameras[self.places[stem][0]]
