"""What an edit must be before it enters the journal of a video: of known bodyparts, at places that can be meant."""

from collections.abc import Iterator

import numpy as np

from posecut_core.errors import LabelError
from posecut_core.labels.edits import Begin, MarkOccluded, Move, Place, PointEdit, Step, Together
from posecut_core.labels.frame_images import FrameImages
from posecut_core.labels.identities import Naming
from posecut_core.labels.placement import FAR, beyond, far_labels


def refuse_foreign(step: Step, naming: Naming) -> None:
    """Refuse an edit of a bodypart that the project does not have and never had.

    Raises:
        LabelError: it is one.
    """
    unknown = sorted(bodyparts_of(step) - naming.known)
    if unknown:
        raise LabelError(
            f"An edit names the bodypart {unknown[0]!r}, expected the identity of one of "
            f"{', '.join(naming.columns.values())}; give session.identity(NAME)."
        )


def refuse_far(step: Step, video: str, naming: Naming, images: FrameImages) -> None:
    """Refuse positions far outside their frame. Drafts may lie there: a picture can be a crop of what a network saw.

    Raises:
        LabelError: a position lies far outside.
        VideoError: the frame store is damaged.
    """
    edits = [edit for edit in _point_edits(step) if isinstance(edit, Place | Move | MarkOccluded) and edit.xy]
    store = images.store if edits else None
    if store is None:
        return
    numbers = np.array([edit.frame for edit in edits], dtype=np.int64)
    xy = np.array([edit.xy for edit in edits], dtype=np.float64)[:, None]
    rows = np.flatnonzero(beyond(numbers, xy, store, margin=FAR)[:, 0]).tolist()
    names = [f"frame {edits[row].frame} {naming.name(edits[row].bodypart)}" for row in rows]
    if names:
        raise far_labels(video, names)


def bodyparts_of(step: Step) -> frozenset[str]:
    """Return the identities of all bodyparts that an edit names."""
    if isinstance(step, Begin):
        return frozenset(part for frame in step.frames.values() for part in frame.points)
    return frozenset(edit.bodypart for edit in _point_edits(step))


def _point_edits(step: Step) -> Iterator[PointEdit]:
    """Yield the edits of bodyparts in an edit, one by one."""
    if isinstance(step, Together):
        for part in step.edits:
            yield from _point_edits(part)
    elif isinstance(step, PointEdit):
        yield step
