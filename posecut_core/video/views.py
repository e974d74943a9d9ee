"""Sessions of views: which videos show the same moments, each from a camera of its own, and whether they fit.

posecut.yaml says it in one of two ways. `views` is a pattern of file names without their suffix, such as
`{session}_{camera}`: day1_left.mp4 is then the view of camera `left` in session `day1`. `sessions` names the videos of
each camera one by one.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from posecut_core.errors import ArgumentError, VideoError
from posecut_core.project.paths import Project
from posecut_core.project.state import ProjectState, check_pattern, read_state, update_state
from posecut_core.results import counted
from posecut_core.storage.values import SettingError
from posecut_core.video.index import index_video


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
