"""What other programs changed in a video's CollectedData files since PoseCut wrote them, as edits.

The files are recognised by their SHA-256 in the snapshots. One that is not known but says what PoseCut wrote at any
kept revision (a crash came before the snapshot, or the file was saved again unchanged) holds no change.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from posecut_core.errors import LabelError
from posecut_core.labels.collected_data import ImageLabels
from posecut_core.labels.edits import Delete, Place
from posecut_core.labels.exchange import as_images, collected_hashes, read_images
from posecut_core.labels.generations import Generation
from posecut_core.labels.identities import Naming
from posecut_core.labels.point import Position
from posecut_core.labels.state import LabelState
from posecut_core.labels.stored_images import image_origins
from posecut_core.labels.tabulation import table_of
from posecut_core.project.layout import Project

OutsideEdit = Place | Delete
_Cells = Mapping[tuple[int, str], Position]  # frame, name of the bodypart -> position in the stored image


def outside_edits(
    project: Project, video: str, state: LabelState, naming: Naming, generations: Sequence[Generation]
) -> tuple[OutsideEdit, ...]:
    """Return the edits that lead from what PoseCut wrote to what the CollectedData files say now.

    Args:
        project: the project.
        video: stem of the video's file name.
        state: the labels by the journal.
        naming: the project's bodyparts.
        generations: the video's sound snapshots, the newest first.

    Raises:
        LabelError: a changed file is unreadable or does not fit the project.
    """
    suffix = changed_suffix(project, video, generations)
    if suffix is None:
        return ()
    found = read_images(project, video, suffix=suffix)
    theirs = {} if found is None else _cells(found)
    ours = _written(project, video, state, naming)
    written = [_written(project, video, generation.state, naming) for generation in generations]
    if theirs in (ours, *written):
        return ()
    base = written[0] if written else ours
    changed = sorted(
        key for key in base.keys() | theirs.keys() if theirs.get(key) not in (base.get(key), ours.get(key))
    )
    return tuple(_edit(project, video, key, theirs.get(key), naming) for key in changed)


def changed_suffix(project: Project, video: str, generations: Sequence[Generation]) -> Literal[".h5", ".csv"] | None:
    """Return which CollectedData file is not as PoseCut wrote it, the .h5 if both are; None where neither is."""
    known = {item for generation in generations for item in generation.files.items()}
    changed = [name for name in collected_hashes(project, video).items() if name not in known]
    if not changed:
        return None
    return ".h5" if changed[0][0].endswith(".h5") else ".csv"


def describe(edit: OutsideEdit, columns: Mapping[str, str]) -> str:
    """Say what another program did, in a few words."""
    name = columns.get(edit.bodypart, edit.bodypart)
    if isinstance(edit, Delete):
        return f"frame {edit.frame}: {name} deleted"
    return f"frame {edit.frame}: {name} placed at ({edit.xy[0]:.1f}, {edit.xy[1]:.1f})"


def undecided(project: Project, video: str, edits: Sequence[OutsideEdit]) -> LabelError:
    """Say that nobody has decided about what another program changed."""
    return LabelError(
        f"Another program changed labels of {video} in its CollectedData files ({len(edits)} of them), expected them "
        "as PoseCut wrote them; see the changes, then take them over or discard them: posecut merge-labels "
        f"{project.root}."
    )


def _written(project: Project, video: str, state: LabelState, naming: Naming) -> _Cells:
    return _cells(as_images(project, table_of(state, video, naming.columns)))


def _cells(labels: ImageLabels) -> _Cells:
    rows = zip(labels.names, labels.xy.tolist(), strict=True)
    return {
        (number, part): (x, y)
        for number, row in rows
        for part, (x, y) in zip(labels.bodyparts, row, strict=True)
        if not np.isnan(x)
    }


def _edit(project: Project, video: str, key: tuple[int, str], position: Position | None, naming: Naming) -> OutsideEdit:
    number, name = key
    if position is None:
        return Delete(number, naming.identities[name])
    x, y = image_origins(project, video, np.array([number], dtype=np.int64))[0].tolist()
    return Place(number, naming.identities[name], (position[0] + x, position[1] + y))
