"""Checks of labels and edits: known bodyparts, positions inside the picture, the picture they were made on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Float64, Int64, Shaped

from posecut_core.errors import LabelError
from posecut_core.formats.deeplabcut.frames import frame_words, image_paths, never_extracted, without_picture
from posecut_core.labels.bodypart_ids import Naming
from posecut_core.labels.edits import (
    Accept,
    Begin,
    JournalEntry,
    MarkAbsent,
    MarkOccluded,
    Move,
    Place,
    PointEdit,
    Propose,
    Together,
)
from posecut_core.labels.state import LabelState
from posecut_core.labels.table import LabelTable
from posecut_core.project.paths import Project
from posecut_core.video.frame_store import FrameStore

# --- placement --------------------------------------------------------------------------------------------------------
# Bounds checks for label positions: inside the frame, just outside, or far outside.
#
# A label counts where 0 < x < width and 0 < y < height in its picture, as in DeepLabCut. Outside it nothing is to be
# seen, and (0, 0) is what other programs write for "not visible".


NUMBERS: Mapping[int, str] = MappingProxyType({})  # frames are called by their numbers
_FAR = 0.1  # of the longer side of the picture; a label just outside it may be meant


def without_outside(table: LabelTable, store: FrameStore) -> LabelTable:
    """Return the table without the labels that lie outside their picture, as if nobody had looked for them."""
    found = _not_inside(table, store)
    if not found.any():
        return table
    return replace(table, xy=np.where(found[..., None], np.nan, table.xy), recorded=table.annotated & ~found)


def inside(xy: Float64[np.ndarray, "*batch 2"], size: Shaped[np.ndarray, "*batch 2"]) -> Bool[np.ndarray, "*batch"]:
    """Tell which positions in pixels of a picture count as within it.

    Args:
        xy: the positions; NaN is not within.
        size: height and width of the picture of each.
    """
    x, y = np.moveaxis(xy, -1, 0)
    return (x > 0) & (x < size[..., 1]) & (y > 0) & (y < size[..., 0])


def _beyond(
    numbers: Int64[np.ndarray, " F"], xy: Float64[np.ndarray, "F K 2"], store: FrameStore, *, margin: float
) -> Bool[np.ndarray, "F K"]:
    """Tell which positions lie further outside the stored picture of their frame than a margin.

    Args:
        numbers: frame numbers, in any order; frames that the store lacks are not judged.
        xy: positions in pixels of the full frame.
        store: the frames of the video.
        margin: share of the picture's longer side by which a position may lie outside.
    """
    found = np.zeros(xy.shape[:2], dtype=bool)
    known = np.isin(numbers, store.numbers)
    places = np.searchsorted(store.numbers, numbers[known])
    local = xy[known] - store.origins[places][:, None]
    sizes = store.sizes[places]
    slack = 0.5 + margin * sizes.max(axis=1, initial=0)[:, None, None]
    limits = sizes[:, None, ::-1] - 1.0 + slack  # x is limited by the width
    found[known] = ((local < -slack) | (local > limits)).any(axis=-1)
    return found


def uncounted(
    table: LabelTable, origins: Float64[np.ndarray, "F 2"], sizes: Float64[np.ndarray, "F 2"]
) -> tuple[Bool[np.ndarray, "F K"], Bool[np.ndarray, "F K"]]:
    """Tell which labels lie at (0, 0) of their picture, as for "not visible", and which others are not within it.

    Args:
        table: labels of one video.
        origins: x, y of each picture's top-left pixel in the full frame.
        sizes: height and width of each picture; frames of which they are NaN are not judged.
    """
    local = table.xy - origins[:, None]
    judged = ~np.isnan(local).any(axis=-1) & ~np.isnan(sizes).any(axis=-1)[:, None]
    out = judged & ~inside(local, np.broadcast_to(sizes[:, None], local.shape))
    corner = judged & (local == 0).all(axis=-1)
    return corner, out & ~corner


def labels_named(table: LabelTable, which: Bool[np.ndarray, "F K"], words: Mapping[int, str]) -> tuple[str, ...]:
    """Name labels of a table, as "frame 12 snout".

    Args:
        table: labels of one video.
        which: those to name.
        words: frame number -> what it is called where that is not "frame" and the number.
    """
    rows = ((int(table.numbers[row]), table.bodyparts[part]) for row, part in np.argwhere(which))
    return tuple(f"{words.get(number, f'frame {number}')} {part}" for number, part in rows)


def _not_inside(table: LabelTable, store: FrameStore) -> Bool[np.ndarray, "F K"]:
    known = np.isin(table.numbers, store.numbers)
    places = np.searchsorted(store.numbers, table.numbers[known])
    origins, sizes = np.full((2, len(known), 2), np.nan)
    origins[known], sizes[known] = store.origins[places], store.sizes[places]
    corner, out = uncounted(table, origins, sizes)
    return corner | out


def _far_labels(video: str, places: Sequence[str]) -> LabelError:
    """Say that labels lie where only a mistake puts them, such as those of another video or scale."""
    return LabelError(
        f"Labels of {video} lie far outside their frame ({places[0]}, {len(places)} in all), expected full-frame "
        "pixel coordinates; correct them, and leave invisible bodyparts empty; nothing was written."
    )


# --- frame images -----------------------------------------------------------------------------------------------------
# Whether labels still lie on the pictures on which they were made: frames are recognized by a hash of their pixels.


_Drawn = Place | Move | Propose | Accept | MarkOccluded | MarkAbsent  # what one does looking at a picture


class FrameImages:
    """The stored pictures of one video; each is looked at once."""

    def __init__(self, project: Project, video: str) -> None:
        self._project = project
        self._video = video
        self._store: FrameStore | None = None
        self._seen: set[int] = set()
        self._shown: dict[int, str] = {}  # hashes of pictures that a person looks at

    def show(self, number: int, image: str) -> None:
        """Take the hash of the picture that a person is shown for a frame, which is then not read once more."""
        self._shown[number] = image

    def check(self, number: int, known: str) -> str:
        """Make sure that a frame was extracted and shows what was labeled; return its hash where none is `known` yet.

        Raises:
            LabelError: the frame was never extracted, or shows another picture.
            VideoError: the frame store is damaged.
        """
        if number in self._seen and known:
            return ""
        found = self.fingerprint(number)
        if known and found and found != known:
            raise _other_picture(self._project, self._video, number)
        self._seen.add(number)
        return found if not known else ""

    def fingerprint(self, number: int) -> str:
        """Return the hash of a frame's pixels; "" where only an image file has them.

        Raises:
            LabelError: the frame was never extracted.
            VideoError: the frame store is damaged.
        """
        if not self._stored(number):
            if number in image_paths(self._project, self._video):
                return ""
            raise never_extracted(self._project, self._video, [number])
        assert self.store is not None
        return self._shown.get(number) or self.store.fingerprint(number)

    @property
    def store(self) -> FrameStore | None:
        """Return the frame store; None where only image files are there.

        Raises:
            VideoError: the frame store is damaged.
        """
        path = self._project.frame_store(self._video)
        if self._store is None and path.exists():
            self._store = FrameStore.open(path)
        return self._store

    def _stored(self, number: int) -> bool:
        if self._store is not None and number not in self._store:
            self._store = None  # it may have been extracted since
        return self.store is not None and number in self.store


def check_images(project: Project, video: str, state: LabelState) -> None:
    """Make sure that all frames of a video show what was labeled; those whose pictures are gone show nothing.

    Raises:
        LabelError: a frame shows another picture.
        VideoError: the frame store is damaged.
    """
    images = FrameImages(project, video)
    looks = {number: frame.shown for number, frame in state.shown() if frame.shown}
    for number in sorted(looks.keys() - without_picture(project, video, looks)):
        images.check(number, looks[number])


def needed_frames(entry: JournalEntry) -> tuple[int, ...]:
    """List the frames whose pictures an edit is about, each once, in order."""
    if isinstance(entry, Together):
        return tuple(sorted({number for part in entry.edits for number in needed_frames(part)}))
    return (entry.frame,) if isinstance(entry, _Drawn) else ()


def _other_picture(project: Project, video: str, number: int) -> LabelError:
    """Say that a frame is not the one that was labeled."""
    word = frame_words(project, video, [number])[number]
    return LabelError(
        f"{word[0].upper()}{word[1:]} of {video} in {project.frame_store(video)} is not the image that was labeled; "
        "restore the video and the frame store from a copy, or drop the frame's labels."
    )


# --- admission --------------------------------------------------------------------------------------------------------
# Validation of edits before they are journaled: known bodyparts, positions near the frame.


def refuse_foreign(entry: JournalEntry, naming: Naming) -> None:
    """Refuse an edit of a bodypart that the project does not have and never had.

    Raises:
        LabelError: it is one.
    """
    unknown = sorted(bodyparts_of(entry) - naming.known)
    if unknown:
        raise LabelError(
            f"An edit names the bodypart {unknown[0]!r}, expected the identity of one of "
            f"{', '.join(naming.columns.values())}; give session.identity(NAME)."
        )


def refuse_far(entry: JournalEntry, video: str, naming: Naming, images: FrameImages) -> None:
    """Refuse positions far outside their frame. Drafts may lie there: a picture can be a crop of what a network saw.

    Raises:
        LabelError: a position lies far outside.
        VideoError: the frame store is damaged.
    """
    edits = [edit for edit in _point_edits(entry) if isinstance(edit, Place | Move | MarkOccluded) and edit.xy]
    store = images.store if edits else None
    if store is None:
        return
    numbers = np.array([edit.frame for edit in edits], dtype=np.int64)
    xy = np.array([edit.xy for edit in edits], dtype=np.float64)[:, None]
    rows = np.flatnonzero(_beyond(numbers, xy, store, margin=_FAR)[:, 0]).tolist()
    names = [f"frame {edits[row].frame} {naming.name(edits[row].bodypart)}" for row in rows]
    if names:
        raise _far_labels(video, names)


def bodyparts_of(entry: JournalEntry) -> frozenset[str]:
    """Return the identities of all bodyparts that an edit names."""
    if isinstance(entry, Begin):
        return frozenset(part for frame in entry.frames.values() for part in frame.points)
    return frozenset(edit.bodypart for edit in _point_edits(entry))


def _point_edits(entry: JournalEntry) -> Iterator[PointEdit]:
    """Yield the edits of bodyparts in an edit, one by one."""
    if isinstance(entry, Together):
        for part in entry.edits:
            yield from _point_edits(part)
    elif isinstance(entry, PointEdit):
        yield entry
