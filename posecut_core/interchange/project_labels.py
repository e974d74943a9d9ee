"""A project's labels as one value for files of any format, and such a value as edits of a project's labels."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from msgspec.structs import replace

from posecut_core.errors import LabelError, PosecutError, VideoError
from posecut_core.formats.deeplabcut.frames import (
    image_names,
    image_places,
    video_path,
    window_origin,
)
from posecut_core.formats.deeplabcut.images import numbers_of
from posecut_core.interchange.registry import Key, Labels, VideoLabels
from posecut_core.labels.contents import read_naming
from posecut_core.labels.edits import Edit, MarkAbsent, MarkOccluded, Place, Propose, Together
from posecut_core.labels.session import LabelSession
from posecut_core.labels.state import LabelState, Point, Position
from posecut_core.labels.store import read_state
from posecut_core.labels.table import LabelTable
from posecut_core.progress import Report
from posecut_core.project.config import bones_between
from posecut_core.project.opening import resolve_video
from posecut_core.project.paths import Project
from posecut_core.results import counted
from posecut_core.video.extraction import extract
from posecut_core.video.frame_store import numbers_in

_SAME = 1e-6  # pixels: some programs measure from the corner of a pixel, and adding and taking off half a one rounds


def project_labels(project: Project, videos: tuple[str, ...], *, images: bool) -> Labels:
    """Return all that is known of frames of videos, drafts and hidden bodyparts too.

    Args:
        project: the opened project.
        videos: stems of the videos.
        images: whether frames are to be images, in whose pixels positions then are; else frames of the videos.

    Raises:
        LabelError: labels are damaged.
        VideoError: a frame store is damaged.
    """
    columns = read_naming(project).columns
    found = []
    for video in videos:
        frames: dict[int, dict[str, Point]] = {}
        for number, frame in read_state(project, video).shown():
            points = {columns[part]: point for part, point in frame.points.items() if part in columns}
            frames |= {number: points} if points else {}
        found.append(_as_images(project, video, frames) if images else _as_frames(project, video, frames))
    parts = project.config.bodyparts
    bones = tuple((parts[a], parts[b]) for a, b in bones_between(parts, project.config.skeleton))
    return Labels(parts, tuple(found), bones)


def _as_frames(project: Project, video: str, frames: Mapping[int, Mapping[str, Point]]) -> VideoLabels:
    path = video_path(project, video)
    name = str(path.resolve() if path and path.exists() else path or video)
    return VideoLabels(name, {number: {"": points} for number, points in frames.items()})


def _as_images(project: Project, video: str, frames: Mapping[int, Mapping[str, Point]]) -> VideoLabels:
    numbers = np.array([*frames], dtype=np.int64)
    names = image_names(project, video, numbers.tolist())
    origins, sizes = image_places(project, video, numbers)
    moved: dict[Key, dict[str, dict[str, Point]]] = {}
    known: dict[Key, tuple[int, int]] = {}
    for number, origin, size in zip(numbers.tolist(), origins.tolist(), sizes.tolist(), strict=True):
        left, top = (0.0 if math.isnan(value) else value for value in origin)
        moved[names[number]] = {"": {part: _moved(point, -left, -top) for part, point in frames[number].items()}}
        if not math.isnan(size[0]):
            known[names[number]] = int(size[1]), int(size[0])
    return VideoLabels(video, moved, known)


def _moved(point: Point, x: float, y: float) -> Point:
    return point if point.xy is None or not (x or y) else replace(point, xy=(point.xy[0] + x, point.xy[1] + y))


def table_of_file(project: Project, video: str, found: VideoLabels) -> LabelTable:
    """Return a file's labels of one video as a table; drafts, and images that are no frame of it, are left out.

    Args:
        project: whose frames the file's images are.
        video: stem of the project's video.
        found: labels of one animal.

    Raises:
        LabelError: what is recorded of the project's images is damaged, or the file's are of another size.
    """
    numbered = _numbered(project, video, found)
    frames = _in_full_frame(project, video, numbered, numbered.frames)
    parts = tuple(dict.fromkeys(part for points in frames.values() for part in points))
    numbers = np.array(sorted(frames), dtype=np.int64)
    xy = np.full((len(numbers), len(parts), 2), np.nan)
    for row, number in enumerate(numbers.tolist()):
        for column, part in enumerate(parts):
            point = frames[number].get(part)
            if point is not None and point.is_label and point.xy is not None:
                xy[row, column] = point.xy
    return LabelTable(video, parts, numbers, xy)


@dataclass(frozen=True)
class TakenLabels:
    """What became of a file's labels of one video."""

    video: str
    new: int  # labels that the project did not have
    drafts: int  # predictions that wait for a person
    same: int  # labels that the project had already
    kept: int  # labels that differ, where the project's were kept
    extracted: int  # frames that were extracted for them
    unknown: tuple[str, ...] = ()  # images that are no frame of the video
    foreign: tuple[str, ...] = ()  # bodyparts that the project does not have

    def sentence(self) -> str:
        """Say it in words."""
        new = [counted(self.new, "new label")] * bool(self.new) + [counted(self.drafts, "new suggestion")] * bool(
            self.drafts
        )
        said = new or ["nothing new"]
        said += [f"{self.same} there already"] * bool(self.same)
        said += [f"{self.kept} where the project's label differs and was kept"] * bool(self.kept)
        said += [f"{counted(self.extracted, 'frame')} extracted"] * bool(self.extracted)
        said += [f"left out: {counted(len(self.unknown), 'image')} without a frame in it"] * bool(self.unknown)
        said += [f"left out: bodyparts {', '.join(self.foreign)}, which the project lacks"] * bool(self.foreign)
        return f"{self.video}: {'; '.join(said)}"


def take_labels(
    project: Project, video: str, found: VideoLabels, *, overwrite: bool, model: str, report: Report
) -> TakenLabels:
    """Make labels of a file the project's, in one edit that can be undone; taking them again changes nothing.

    Args:
        project: the project, for writing.
        video: stem of the project's video.
        found: labels of one animal.
        overwrite: whether labels of the file replace such as differ; else the project's stay.
        model: what drafts are said to come from, where they do not say.
        report: told of frames that are extracted.

    Raises:
        BusyError: somebody else edits the labels.
        LabelError: they lie far outside their frames, or the file's images are of another size than the frames.
        VideoError: frames cannot be extracted.
        StorageError: the disk refuses.
    """
    numbered = _numbered(project, video, found)
    frames, unknown = numbered.frames, numbered.unknown
    store = project.frame_store(video)
    missing = sorted(frames.keys() - {*numbers_in(store)})
    if missing:
        done = extract(resolve_video(project, video), store, numbers=missing, report=report)
        lost = {*missing} - {*numbers_in(store)}
        if len(lost) == len(frames):
            raise VideoError(f"None of the frames that the labels of {video} are of could be read; is it this video?")
        frames = {number: points for number, points in frames.items() if number not in lost}
        unknown += tuple(f"frame {number}" for number in sorted(lost))
        missing = list(done.numbers)
    if not frames:
        return TakenLabels(video, 0, 0, 0, 0, 0, unknown)
    frames = _in_full_frame(project, video, numbered, frames)
    known = set(project.config.bodyparts)
    foreign = tuple(dict.fromkeys(part for points in frames.values() for part in points if part not in known))
    counts = dict.fromkeys(("new", "drafts", "same", "kept"), 0)
    with LabelSession.open(project, video) as session:
        session.refuse_outside()
        edits = []
        for number, part, point in _each(frames, known):
            what, edit = _edit(session.state, number, session.identity(part), point, overwrite, model)
            counts[what] += 1
            edits += [edit] if edit else []
        if edits:
            session.apply(Together(tuple(edits)))
            session.save()
    return TakenLabels(video, **counts, extracted=len(missing), unknown=unknown, foreign=foreign)


@dataclass(frozen=True)
class _Numbered:
    """A file's labels of one video by the project's numbers of frames."""

    frames: dict[int, Mapping[str, Point]]
    sizes: dict[int, tuple[int, int]]  # height and width of those images whose size the file tells
    unknown: tuple[str, ...]  # images that are no frame
    are_images: bool  # else positions are in pixels of the full frame already


def _numbered(project: Project, video: str, found: VideoLabels) -> _Numbered:
    """Find the frames that a file's labels of one video are of."""
    names = [key for key in found.frames if isinstance(key, str)]
    try:
        numbers: Mapping[str, int] = numbers_of(project.frame_folder(video), names)
    except PosecutError:
        numbers = {}
    frames: dict[int, Mapping[str, Point]] = {}
    sizes: dict[int, tuple[int, int]] = {}
    for key, animals in found.frames.items():
        number = numbers.get(key) if isinstance(key, str) else key
        if number is not None and animals.get(""):
            frames[number] = animals[""]
            if isinstance(key, str) and all(found.sizes.get(key, (0, 0))):
                sizes[number] = found.sizes[key][::-1]
    unknown = tuple(name for name in names if name not in numbers)
    return _Numbered(frames, sizes, unknown, bool(names))


def _in_full_frame(
    project: Project, video: str, found: _Numbered, frames: Mapping[int, Mapping[str, Point]]
) -> dict[int, Mapping[str, Point]]:
    """Return points in pixels of the full frame: images lie as the stored ones do, or else as their size says.

    Raises:
        LabelError: images of the file are neither of the size of the project's frames nor of the video's crop.
    """
    if not found.are_images:
        return dict(frames)
    numbers = np.array(sorted(frames), dtype=np.int64)
    origins, stored = image_places(project, video, numbers)
    window = cache(partial(window_origin, project, video))  # which reads files, of many images of few sizes
    moved: dict[int, Mapping[str, Point]] = {}
    for number, (x, y), own in zip(numbers.tolist(), origins.tolist(), stored.tolist(), strict=True):
        size = found.sizes.get(number, tuple(own))
        if size != tuple(own):
            origin = window(size)
            if origin is None and not any(map(math.isnan, own)):
                theirs, ours = (f"{width:g} x {height:g}" for height, width in (size, own))
                raise LabelError(
                    f"The file's images of {video} are of {theirs} pixels, the project's frames of {ours}: they were "
                    "cropped or scaled, and their labels would be elsewhere in these. Where they are a crop, write it "
                    f"into config.yaml as the crop of {video} and import them again."
                )
            x, y = origin or (x, y)
        moved[number] = {part: _moved(point, x, y) for part, point in frames[number].items()}
    return moved


def _each(frames: Mapping[int, Mapping[str, Point]], known: set[str]) -> Iterator[tuple[int, str, Point]]:
    for number in sorted(frames):
        yield from ((number, part, point) for part, point in frames[number].items() if part in known)


def _edit(
    state: LabelState, number: int, part: str, point: Point, overwrite: bool, model: str
) -> tuple[str, Edit | None]:
    """Return what becomes of a point, and the edit that does it."""
    known = None if state.frame(number).dropped else state.point(number, part)
    if state.frame(number).dropped:
        return "kept", None
    if not point.is_label:
        if known is not None:
            return "same", None
        assert point.xy is not None
        return "drafts", Propose(number, part, point.xy, point.origin.likelihood or 0.0, point.origin.model or model)
    if known is not None and known.is_label:
        if known.state == point.state and _near(known.xy, point.xy):
            return "same", None
        if not overwrite:
            return "kept", None
    if point.state == "absent":
        return "new", MarkAbsent(number, part)
    if point.state == "occluded" or point.xy is None:
        return "new", MarkOccluded(number, part, point.xy)
    return "new", Place(number, part, point.xy)


def _near(one: Position | None, other: Position | None) -> bool:
    if one is None or other is None:
        return one is other
    return all(abs(a - b) <= _SAME for a, b in zip(one, other, strict=True))
