"""Labels to and from DeepLabCut's files: positions of the full frame become positions in the stored images."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from posecut_core.errors import LabelError, Remedy
from posecut_core.formats.deeplabcut.frames import frame_words, image_names, image_origins, without_picture
from posecut_core.formats.deeplabcut.images import is_image, numbers_of
from posecut_core.formats.deeplabcut.tables import (
    ROUNDED,
    ImageLabels,
    filled_columns,
    foreign_rows,
    own_rows,
    read_collected_data,
    read_csv,
    write_collected_data,
)
from posecut_core.labels.bodypart_ids import Naming
from posecut_core.labels.edits import Delete, Place, Propose, states_at
from posecut_core.labels.snapshots import LabelSnapshot, snapshot_revisions
from posecut_core.labels.state import LabelState, Position
from posecut_core.labels.table import LabelTable, table_of
from posecut_core.labels.validation import NUMBERS
from posecut_core.progress import Notice, Report, silent
from posecut_core.project.paths import Project
from posecut_core.storage.files import file_sha256
from posecut_core.storage.journal import read_journal
from posecut_core.storage.tables import read_hdf

# --- machine labels ---------------------------------------------------------------------------------------------------
# machinelabels-iter<k>.h5: what DeepLabCut's networks predict for the outliers of a video, and nobody has seen yet.
#
# Positions here are in pixels of the stored images, as in CollectedData.


_NAME = re.compile(r"machinelabels-iter(\d+)\.h5")


@dataclass(frozen=True)
class _MachineLabel:
    """What a network predicts of a bodypart in an image."""

    xy: Position
    likelihood: float  # 0 to 1; 0 where the table has none
    model: str  # scorer of the network


def _machine_files(folder: Path) -> list[Path]:
    """Return the files of a folder, the newest iteration first; the .csv, which tells none, only where it is alone."""
    found = {int(match[1]): path for path in folder.glob("machinelabels*") if (match := _NAME.fullmatch(path.name))}
    text = folder / "machinelabels.csv"
    return [found[iteration] for iteration in sorted(found, reverse=True)] or ([text] if text.is_file() else [])


def _read_machine_labels(
    folder: Path, bodyparts: Sequence[str], *, report: Report = silent
) -> dict[int, dict[str, _MachineLabel]]:
    """Return frame number -> bodypart -> prediction; of a frame in several tables, what the newest iteration says.

    Args:
        folder: The video's folder in labeled-data.
        bodyparts: The project's; others are left out.
        report: Notified of tables that cannot be read, which keeps nothing else from being read.
    """
    found: dict[int, dict[str, _MachineLabel]] = {}
    for path in _machine_files(folder):
        try:
            frame = own_rows(read_hdf(path) if path.suffix == ".h5" else read_csv(path, report=report), path, report)
            frame = frame[[is_image(name) for name in frame.index]]
            numbers = numbers_of(folder, list(frame.index))
        except LabelError as error:
            report(Notice(f"Predictions by DeepLabCut are not read: {Notice.of(error).text}", error.remedies))
            continue
        for row, labels in enumerate(_predictions(frame, bodyparts)):
            number = numbers[frame.index[row]]
            if labels and number not in found:
                found[number] = labels
    return found


def _predictions(frame: pd.DataFrame, bodyparts: Sequence[str]) -> Iterator[dict[str, _MachineLabel]]:
    """Yield what each row predicts; where it has columns of several networks, the first one that says something."""
    values = frame.to_numpy(dtype=np.float64)
    places: dict[tuple[str, str], dict[str, int]] = {}
    for place, column in enumerate(filled_columns([tuple(map(str, column)) for column in frame.columns])):
        places.setdefault((column[0], column[-2]), {})[column[-1]] = place
    for row in values:
        labels: dict[str, _MachineLabel] = {}
        for (model, part), own in places.items():
            if part in bodyparts and part not in labels and {"x", "y"} <= own.keys():
                xy = float(row[own["x"]]), float(row[own["y"]])
                likelihood = row[own["likelihood"]] if "likelihood" in own else 0.0
                if np.isfinite(xy).all():
                    labels[part] = _MachineLabel(xy, float(np.clip(np.nan_to_num(likelihood), 0.0, 1.0)), model)
        yield labels


# --- exchange ---------------------------------------------------------------------------------------------------------
# Labels into DeepLabCut's files and out of them: positions of the full frame become positions in the stored images.


def import_table(project: Project, video: str, *, report: Report = silent) -> LabelTable:
    """Read the labels of a video from its CollectedData files; a video without any has a table without rows.

    `report` is called where the two files differ.

    Raises:
        LabelError: the files are unreadable or do not fit the project.
        VideoError: the frame store is damaged.
    """
    labels = _read_images(project, video, report=report)
    bodyparts = project.config.bodyparts
    if labels is None or not labels.names:
        return LabelTable(video, bodyparts, np.empty(0, np.int64), np.empty((0, len(bodyparts), 2)))
    numbers = np.array(list(labels.names), dtype=np.int64)
    return LabelTable(video, bodyparts, numbers, labels.xy + image_origins(project, video, numbers)[:, None])


def machine_drafts(
    project: Project, video: str, naming: Naming, touched: Collection[int], *, report: Report = silent
) -> tuple[Propose, ...]:
    """Return as drafts what DeepLabCut's networks predict for frames with a picture of which nothing else is known.

    Args:
        project: the project.
        video: stem of the video's file name.
        naming: the project's bodyparts.
        touched: frames of which labels or edits are known; those that CollectedData labels are left out too.
        report: notified of tables that cannot be read.
    """
    folder = project.frame_folder(video)
    if not _machine_files(folder):
        return ()
    found = _read_machine_labels(folder, project.config.bodyparts, report=report)
    new = sorted(found.keys() - {*touched})
    labeled = _labeled_frames(project, video) if new else set()
    absent = without_picture(project, video, new)
    numbers = [number for number in new if number not in labeled and number not in absent]
    origins = image_origins(project, video, np.array(numbers, dtype=np.int64)).tolist()
    return tuple(
        Propose(number, naming.identities[part], (label.xy[0] + x, label.xy[1] + y), label.likelihood, label.model)
        for number, (x, y) in zip(numbers, origins, strict=True)
        for part, label in found[number].items()
    )


def _labeled_frames(project: Project, video: str) -> set[int]:
    try:
        labels = _read_images(project, video)
    except LabelError:
        return set()  # told where labels are read
    return set() if labels is None else {*np.array([*labels.names])[~np.isnan(labels.xy).all(axis=(1, 2))].tolist()}


def export_table(project: Project, table: LabelTable) -> None:
    """Replace the CollectedData files of a video; the table has the project's bodyparts.

    Raises:
        VideoError: the frame store is damaged; nothing is then written.
        StorageError: the disk refuses.
    """
    labels = _as_images(project, table)
    write_collected_data(project.frame_folder(table.video), project.config.scorer, labels)


def _as_images(project: Project, table: LabelTable) -> ImageLabels:
    """Return labels as DeepLabCut's files hold them: per image, in pixels of the stored images.

    Raises:
        VideoError: the frame store is damaged.
    """
    names = image_names(project, table.video, table.numbers.tolist())
    xy = table.xy - image_origins(project, table.video, table.numbers)[:, None]
    return ImageLabels(names, table.bodyparts, xy)


def _read_images(
    project: Project, video: str, *, suffix: Literal[".h5", ".csv"] | None = None, report: Report = silent
) -> ImageLabels | None:
    """Read the labels of a video as DeepLabCut's files hold them; None where there are none.

    `report` is called where the two files differ.

    Raises:
        LabelError: the file is unreadable or does not fit the project.
    """
    folder, scorer = project.frame_folder(video), project.config.scorer
    return read_collected_data(folder, scorer, bodyparts=project.config.bodyparts, suffix=suffix, report=report)


def collected_files(project: Project, video: str) -> dict[str, Path]:
    """Return the CollectedData files of a video that are there, by their names, the .h5 first."""
    paths = (project.collected_data(video, suffix) for suffix in (".h5", ".csv"))
    return {path.name: path for path in paths if path.exists()}


def shared_files(project: Project, video: str) -> tuple[Path, ...]:
    """Return the CollectedData files of a video that hold labels of other videos too; replacing them loses those."""
    return foreign_rows(project.frame_folder(video), project.config.scorer)


def collected_hashes(project: Project, video: str) -> dict[str, str]:
    """Return name -> SHA-256 of the CollectedData files of a video that are there.

    Raises:
        LabelError: a file cannot be read.
    """
    try:
        return {name: file_sha256(path) for name, path in collected_files(project, video).items()}
    except OSError as error:
        raise LabelError(f"Cannot read {error.filename} ({error.strerror}); check its permissions.") from error


# --- external changes -------------------------------------------------------------------------------------------------
# What other programs changed in a video's CollectedData files since PoseCut wrote them, as edits.
#
# The files are recognized by their SHA-256 in the snapshots. One that is not known but says what PoseCut wrote at any
# kept revision (a crash came before the snapshot, or the file was saved again unchanged, or a spreadsheet rounded it)
# holds no change.


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
    found = _read_images(project, video, suffix=suffix)
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
    return _cells(_as_images(project, table_of(state, video, naming.columns)))


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
