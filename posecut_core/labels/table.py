"""The label table: which frames of one video are labeled and where each bodypart lies; from a state, and as edits."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from posecut_core.errors import LabelError
from posecut_core.labels.edits import Delete, Edit, MarkAbsent, Place, RestoreFrame
from posecut_core.labels.state import Frame, LabelState, Point

# --- table ------------------------------------------------------------------------------------------------------------
# The label table: which frames of one video are labeled, and where each bodypart lies.


@dataclass(frozen=True)
class LabelTable:
    """Labels of one video; missing is NaN in both x and y.

    xy is in pixels of the full frame, x right, y down, (0, 0) the center of the top-left pixel. A missing bodypart is
    absent from a frame in which somebody has looked for it, and says nothing about a frame in which nobody has.
    """

    video: str  # stem of the video file
    bodyparts: tuple[str, ...]
    numbers: Int64[np.ndarray, " F"]  # frame numbers, strictly increasing
    xy: Float64[np.ndarray, "F K 2"]
    recorded: Bool[np.ndarray, "F K"] | None = None  # what was annotated; None: see `annotated`

    def __post_init__(self) -> None:
        """Refuse a table that contradicts itself.

        Raises:
            LabelError: bodyparts are one text, the others are no arrays, shapes differ, frames repeat or are unordered,
                bodyparts repeat, or x lacks its y.
        """
        if isinstance(self.bodyparts, str):
            raise LabelError(
                f"bodyparts of {self.video} is the text {self.bodyparts!r}, expected several names; write "
                f"({self.bodyparts!r},)."
            )
        for name, value in (("numbers", self.numbers), ("xy", self.xy)):
            if not isinstance(value, np.ndarray):
                raise LabelError(
                    f"{name} of {self.video} is a {type(value).__name__}, expected a numpy array; use numpy.array(...)."
                )
        if self.xy.shape != (len(self.numbers), len(self.bodyparts), 2):
            raise LabelError(
                f"Labels of {self.video} have shape {self.xy.shape}, but {len(self.numbers)} frames and "
                f"{len(self.bodyparts)} bodyparts need ({len(self.numbers)}, {len(self.bodyparts)}, 2)."
            )
        if self.recorded is not None and self.recorded.shape != self.xy.shape[:2]:
            raise LabelError(
                f"recorded of {self.video} has shape {self.recorded.shape}, expected {self.xy.shape[:2]}, frames x "
                "bodyparts; give one boolean each."
            )
        if np.any(np.diff(self.numbers) <= 0):
            raise LabelError(
                f"Frame numbers of {self.video} must increase without repeats; sort them and drop repeats."
            )
        if len(set(self.bodyparts)) != len(self.bodyparts):
            raise LabelError(f"Bodyparts of {self.video} repeat: {', '.join(self.bodyparts)}; name each one once.")
        if np.any(np.isnan(self.xy[..., 0]) != np.isnan(self.xy[..., 1])):
            raise LabelError(f"Labels of {self.video} have an x without its y or the reverse; give both or neither.")

    @property
    def annotated(self) -> Bool[np.ndarray, "F K"]:
        """Tell which bodyparts somebody has looked for in each frame.

        Where nothing else is recorded, as in DeepLabCut's files: those that are labeled anywhere in the video, in all
        frames that have a label.
        """
        labeled = ~np.isnan(self.xy[..., 0])
        if self.recorded is not None:
            return self.recorded | labeled
        return labeled.any(axis=0) & labeled.any(axis=1)[:, None]

    def rows(self, keep: Bool[np.ndarray, " F"]) -> "LabelTable":
        """Return the table of the frames at which `keep` is true."""
        return LabelTable(self.video, self.bodyparts, self.numbers[keep], self.xy[keep], self.annotated[keep])


# --- tabulation -------------------------------------------------------------------------------------------------------
# Labels as a table of numbers, and a table of numbers as edits.


def table_of(state: LabelState, video: str, columns: Mapping[str, str]) -> LabelTable:
    """Return what may be trained on: all that persons have said; drafts and dropped frames are left out.

    A frame that DeepLabCut's file listed without any label has a row, in which nobody has looked for anything.

    Args:
        state: the labels.
        video: stem of the video's file name.
        columns: identity -> name of the bodyparts, in the table's order.
    """
    shown = state.shown()
    rows = [item for item in shown if item[1].listed or any(_is_label(item[1], part) for part in columns)]
    numbers = np.array([number for number, _ in rows], dtype=np.int64)
    recorded = np.array([[_is_label(frame, part) for part in columns] for _, frame in rows], dtype=bool)
    xy = np.array([[_position(frame, part) for part in columns] for _, frame in rows], dtype=np.float64)
    shape = (len(rows), len(columns))
    return LabelTable(video, tuple(columns.values()), numbers, xy.reshape(*shape, 2), recorded.reshape(shape))


def frames_of_table(table: LabelTable, identities: Mapping[str, str]) -> dict[int, Frame]:
    """Return the frames of a table, its points placed by a person; what was looked for and not found is absent.

    Rows that say nothing stay listed.

    Args:
        table: the labels.
        identities: name -> identity of the bodyparts.
    """
    state = LabelState()
    for number, part, point in _points(table, identities):
        state = state.with_point(number, part, point)
    return {number: state.frames.get(number, Frame(listed=True)) for number in table.numbers.tolist()}


def edits_to(
    state: LabelState, table: LabelTable, identities: Mapping[str, str], *, remove_others: bool
) -> tuple[Edit, ...]:
    """Return the edits after which frames and bodyparts of `table` are as it says.

    Bodyparts that the table has no column for stay as they are, and so do other frames unless `remove_others`.

    Args:
        state: the labels as they are.
        table: the labels as they should be.
        identities: name -> identity of the bodyparts.
        remove_others: whether to unset the labels of all other frames; those that were dropped have none that count.
    """
    back = [RestoreFrame(number) for number in table.numbers.tolist() if state.frame(number).dropped]
    edits = [*back, *(_edit(state, number, part, point) for number, part, point in _points(table, identities))]
    others = [frame for frame in state.shown() if frame[0] not in table.numbers] if remove_others else []
    for number, frame in others:
        edits += [Delete(number, part) for part, point in frame.points.items() if point.is_label]
    return tuple(edit for edit in edits if edit is not None)


def _points(table: LabelTable, identities: Mapping[str, str]) -> Iterator[tuple[int, str, Point | None]]:
    """Yield frame, identity and point of each cell of a table; None where nobody has looked."""
    parts = [identities[name] for name in table.bodyparts]
    for number, row, known in zip(table.numbers.tolist(), table.xy.tolist(), table.annotated.tolist(), strict=True):
        for part, (x, y), seen in zip(parts, row, known, strict=True):
            yield number, part, (Point("placed", (x, y)) if x == x else Point("absent") if seen else None)


def _edit(state: LabelState, number: int, part: str, point: Point | None) -> Edit | None:
    """Return the edit after which a bodypart is as a table says; None where it is so already."""
    known = state.point(number, part)
    if known is not None and not known.is_label:
        known = None
    if point is None:
        return Delete(number, part) if known else None
    if known is not None and known.xy == point.xy:
        return None
    return MarkAbsent(number, part) if point.xy is None else Place(number, part, point.xy)


def _is_label(frame: Frame, part: str) -> bool:
    return part in frame.points and frame.points[part].is_label


def _position(frame: Frame, part: str) -> tuple[float, float]:
    xy = frame.points[part].xy if _is_label(frame, part) else None
    return xy or (np.nan, np.nan)
