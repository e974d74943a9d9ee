"""What other programs changed in a video's CollectedData files since PoseCut wrote them, as edits.

The files are recognised by their SHA-256 in the snapshots. One that is not known but says what PoseCut wrote at any
kept revision (a crash came before the snapshot, or the file was saved again unchanged, or a spreadsheet rounded it)
holds no change.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from posecut_core.errors import LabelError, Remedy
from posecut_core.formats.deeplabcut.frames import frame_words, image_origins
from posecut_core.formats.deeplabcut.tables import ROUNDED, ImageLabels
from posecut_core.labels.bodypart_ids import Naming
from posecut_core.labels.contents import states_at
from posecut_core.labels.edits import Delete, Place
from posecut_core.labels.exchange import as_images, collected_hashes, read_images
from posecut_core.labels.snapshots import LabelSnapshot, snapshot_revisions
from posecut_core.labels.state import LabelState, Position
from posecut_core.labels.table import table_of
from posecut_core.labels.validation import NUMBERS
from posecut_core.project.paths import Project
from posecut_core.storage.journal import read_journal

OutsideEdit = Place | Delete
_Suffix = Literal[".h5", ".csv"]
_Cells = Mapping[tuple[int, str], Position]  # frame, name of the bodypart -> position in the stored image


def outside_edits(
    project: Project, video: str, state: LabelState, naming: Naming, generations: Sequence[LabelSnapshot]
) -> tuple[OutsideEdit, ...]:
    """Return the edits that lead from what PoseCut wrote to what the CollectedData files say now.

    Args:
        project: the project.
        video: stem of the video's file name.
        state: the labels by the journal.
        naming: the project's bodyparts.
        generations: the video's sound snapshots, the newest first.

    Raises:
        LabelError: a changed file is unreadable or does not fit the project, or both were changed differently.
    """
    suffixes = changed_suffixes(project, video, generations)
    if not suffixes:
        return ()
    ours = _written(project, video, state, naming)
    written = [_written(project, video, generation.state, naming) for generation in generations]
    known = (ours, *written)
    read = {suffix: _read(project, video, suffix) for suffix in suffixes}
    others = {suffix: cells for suffix, cells in read.items() if all(_differing(cells, one) for one in known)}
    if not others:
        return ()
    _refuse_two(project, video, others)
    theirs = next(iter(others.values()))
    base = _found_there(project, video, generations, naming, theirs) or ours
    changed = _differing(theirs, base) & _differing(theirs, ours)
    return tuple(_edit(project, video, key, theirs.get(key), naming) for key in sorted(changed))


def _found_there(
    project: Project, video: str, generations: Sequence[LabelSnapshot], naming: Naming, theirs: _Cells
) -> _Cells | None:
    """Return the labels that another program found in the files, which may be older than the newest snapshot.

    The newest sound snapshot knows their revision. Snapshots that are damaged may have known a newer one: of theirs,
    the one whose labels are most like those in the files is taken. None where the journal goes back to none of them.
    """
    newest, exported = (generations[0].revision, generations[0].exported) if generations else (0, 0)
    damaged = [revision for revision in snapshot_revisions(project.frame_folder(video)) if revision > newest]
    states = states_at(read_journal(project.label_journal(video)), {exported, *damaged})
    states.update((known.revision, known.state) for known in generations if known.revision == exported)
    found = [_written(project, video, states[revision], naming) for revision in sorted(states, reverse=True)]
    return min(found, key=lambda cells: len(_differing(cells, theirs)), default=None)


def changed_suffixes(project: Project, video: str, generations: Sequence[LabelSnapshot]) -> tuple[_Suffix, ...]:
    """List which CollectedData files are not as PoseCut wrote them, the .h5 first."""
    known = {item for generation in generations for item in generation.files.items()}
    changed = [item[0] for item in collected_hashes(project, video).items() if item not in known]
    return tuple(".h5" if name.endswith(".h5") else ".csv" for name in changed)


def describe(edit: OutsideEdit, columns: Mapping[str, str], words: Mapping[int, str] = NUMBERS) -> str:
    """Say what another program did, in a few words; `words` are what frames are called that are no numbers."""
    frame, name = words.get(edit.frame, f"frame {edit.frame}"), columns.get(edit.bodypart, edit.bodypart)
    if isinstance(edit, Delete):
        return f"{frame}: {name} deleted"
    return f"{frame}: {name} placed at ({edit.xy[0]:.1f}, {edit.xy[1]:.1f})"


def undecided(project: Project, video: str, edits: Sequence[OutsideEdit]) -> LabelError:
    """Say that nobody has decided about what another program changed."""
    return LabelError(
        f"Another program changed labels of {video} in its CollectedData files ({len(edits)} of them), expected them "
        "as PoseCut wrote them; review the changes, then accept or discard them.",
        Remedy("merge_labels", config=project.root),
        Remedy("merge_labels", config=project.root, take=True),
        Remedy("merge_labels", config=project.root, discard=True),
    )


def _read(project: Project, video: str, suffix: _Suffix) -> _Cells:
    found = read_images(project, video, suffix=suffix)
    return {} if found is None else _cells(found)


def _refuse_two(project: Project, video: str, others: Mapping[_Suffix, _Cells]) -> None:
    """Refuse two changed files that differ: taking one over would lose what the other says.

    Raises:
        LabelError: they do.
    """
    if len(others) < 2:
        return
    one, other = others.values()
    differing = sorted(_differing(one, other))
    if differing:
        number, name = differing[0]
        raise LabelError(
            f"{project.collected_data(video)} and {project.collected_data(video, '.csv').name} next to it were both "
            f"changed by other programs and differ in {len(differing)} labels (the first: "
            f"{frame_words(project, video, [number])[number]}: {name}), expected only one of them to have changed; "
            "move the wrong one elsewhere."
        )


def _differing(one: _Cells, other: _Cells) -> set[tuple[int, str]]:
    """Return the cells in which two files differ by more than rounding."""
    return {cell for cell in one.keys() | other.keys() if not _same(one.get(cell), other.get(cell))}


def _same(one: Position | None, other: Position | None) -> bool:
    if one is None or other is None:
        return one is other
    return all(abs(a - b) <= ROUNDED for a, b in zip(one, other, strict=True))


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
