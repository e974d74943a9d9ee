"""The labels of a project's videos as whole tables, read and written at once; `LabelSession` edits them one by one."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float64

from posecut_core.errors import LabelError
from posecut_core.formats.deeplabcut.frames import never_extracted, without_picture
from posecut_core.labels.bodypart_ids import read_identities
from posecut_core.labels.contents import Contents, read_contents, read_naming
from posecut_core.labels.edits import Accept, Edit, Propose, Together, apply
from posecut_core.labels.exchange import outside_edits, undecided
from posecut_core.labels.replaced_images import disputed_frames
from posecut_core.labels.session import LabelSession
from posecut_core.labels.state import LabelState
from posecut_core.labels.table import LabelTable, edits_to
from posecut_core.labels.validation import check_images
from posecut_core.progress import Notice, Report, silent
from posecut_core.project.given import foreign_bodyparts, forgiving
from posecut_core.project.opening import Config, opened
from posecut_core.project.paths import Project

# --- store ------------------------------------------------------------------------------------------------------------
# The labels of a project's videos as one reads and writes them at once; `LabelSession` edits them one by one.


@forgiving
def read_labels(
    project: Project | Config, video: str, *, pictures: bool = False, report: Report = silent
) -> LabelTable:
    """Read the labels of a video; a video without labels has a table without rows. Drafts are no labels.

    Frames whose pictures are not there are left out and told: nothing can be learned from them.

    Args:
        project: The opened project, or the path of its config.yaml or folder.
        video: Stem of the video's file name.
        pictures: Whether to make sure that the labels lie on the pictures on which they were made; frames whose images
            show another one than what is stored are left out, which opening the project has told.
        report: Told where one of the two files is damaged or disagrees with the one that is read.

    Raises:
        LabelError: the files are damaged, do not fit the project, or were changed by another program and nobody has
            decided about it; or a frame shows another picture.
        ProjectError: there is no project, or its config.yaml is malformed.
        VideoError: the frame store is damaged.
    """
    project = opened(project)
    contents = _decided(project, video, report)
    table = contents.table(video)
    absent = without_picture(project, video, table.numbers.tolist())
    if absent:
        report(Notice.of(never_extracted(project, video, absent)))
        table = table.rows(~np.isin(table.numbers, absent))
    if pictures:
        table = table.rows(~np.isin(table.numbers, disputed_frames(project, video)))
        check_images(project, video, contents.history.state)
    return table


def lost_pictures(project: Project, videos: Iterable[str]) -> LabelError | None:
    """Say of the first video whose labeled frames have no picture how these come back; None where all have one.

    Raises:
        LabelError: as for `read_labels`.
    """
    for video in videos:
        numbers = _decided(project, video).table(video).numbers.tolist()
        absent = without_picture(project, video, numbers)
        if absent:
            return never_extracted(project, video, absent)
    return None


def known_frames(project: Project, video: str) -> set[int]:
    """Return the frames that labels, drafts or rows of DeepLabCut's files know of; their pictures are needed.

    Raises:
        LabelError: as for `read_labels`.
    """
    contents = _decided(project, video)
    return {*contents.table(video).numbers.tolist(), *contents.history.state.frames}


def read_state(project: Project, video: str) -> LabelState:
    """Read all that is known of a video's frames: origins, drafts, hidden and absent bodyparts, dropped frames.

    Raises:
        LabelError: as for `read_labels`.
    """
    return _decided(project, video).history.state


def removed_bodyparts(project: Project, videos: Iterable[str]) -> tuple[str, ...]:
    """List the bodyparts that labels of videos have and config.yaml no longer lists, by their last names.

    Raises:
        LabelError: as for `read_labels`, or the journal of names is damaged.
    """
    known = read_identities(project)
    columns = read_naming(project).columns
    gone = [identity for identity in known.names if identity not in columns]
    states = [read_state(project, video) for video in videos] if gone else []
    points = [frame.points for state in states for frame in state.frames.values()]
    used = {part for each in points for part, point in each.items() if point.is_label}
    return tuple(known.name(identity) for identity in gone if identity in used)


def write_labels(project: Project, table: LabelTable, *, remove_others: bool = False) -> None:
    """Make the labels of a video's frames as `table` has them, in one edit that can be undone.

    A bodypart without a position is absent from the frame where `table.annotated` says that somebody looked for it,
    else unset. Bodyparts that are not in the table, drafts, and frames that are not in it stay as they are.

    Args:
        project: The opened project.
        table: The labels.
        remove_others: Whether to unset the labels of all frames that are not in the table.

    Raises:
        LabelError: a bodypart is not of the project, a frame was never extracted, or somebody else edits the labels;
            nothing is then written.
        StorageError: the disk refuses.
    """
    _check_bodyparts(project, table.video, table.bodyparts)
    with LabelSession.open(project, table.video) as session:
        identities = {name: session.identity(name) for name in table.bodyparts}
        _edit(session, edits_to(session.state, table, identities, remove_others=remove_others))


def write_drafts(
    project: Project,
    table: LabelTable,
    likelihood: Float64[np.ndarray, "F K"],
    *,
    model: str,
    snapshot: int | None = None,
) -> int:
    """Propose what a network predicts, in one edit that can be undone; return how many drafts there are of it.

    Drafts that are as proposed already stay as they are. Bodyparts without a position are left out, and so is all that
    a person has said something of.

    Args:
        project: The opened project.
        table: The predictions.
        likelihood: Of each, frames x bodyparts, 0 to 1.
        model: Scorer of the network.
        snapshot: Its training steps.

    Raises:
        LabelError: as for `write_labels`.
        StorageError: the disk refuses.
    """
    _check_bodyparts(project, table.video, table.bodyparts)
    with LabelSession.open(project, table.video) as session:
        parts = [session.identity(name) for name in table.bodyparts]
        drafts = tuple(
            Propose(int(table.numbers[row]), parts[column], (x, y), float(likelihood[row, column]), model, snapshot)
            for (row, column), (x, y) in _positions(table)
            if _is_free(session.state, int(table.numbers[row]), parts[column])
        )
        _edit(session, tuple(draft for draft in drafts if not _is_proposed(session.state, draft)))
        return len(drafts)


def check_editable(project: Project, video: str) -> None:
    """Refuse labels that cannot be written now, before work of which they are to keep the result.

    Args:
        project: The opened project.
        video: Stem of the video's file name.

    Raises:
        LabelError: somebody else edits the labels, they are damaged, or another program changed them and nobody has
            decided about it.
    """
    with LabelSession.open(project, video) as session:
        session.refuse_outside()


def finish_saving(project: Project, video: str) -> None:
    """Write the CollectedData files of a video whose last edits a killed program did not come to write there.

    Labels that somebody edits at the moment are left to that program.

    Raises:
        LabelError: the journal is damaged.
        StorageError: the disk refuses.
    """
    if project.label_journal(video).exists():
        LabelSession.open(project, video).close()


def accept_drafts(project: Project, video: str, drafts: Iterable[tuple[int, str]]) -> None:
    """Make labels of drafts, in one edit that can be undone.

    Args:
        project: The opened project.
        video: Stem of the video's file name.
        drafts: Frame number and identity of the bodypart of each.

    Raises:
        LabelError: as for `write_labels`.
        StorageError: the disk refuses.
    """
    with LabelSession.open(project, video) as session:
        _edit(session, tuple(Accept(number, part) for number, part in drafts))


def _edit(session: LabelSession, edits: tuple[Edit, ...]) -> None:
    session.refuse_outside()
    if edits:
        session.apply(Together(edits))
        session.save()


def _positions(table: LabelTable) -> list[tuple[tuple[int, int], tuple[float, float]]]:
    placed = np.argwhere(~np.isnan(table.xy[..., 0])).tolist()
    return [((row, column), tuple(table.xy[row, column].tolist())) for row, column in placed]


def _is_free(state: LabelState, number: int, part: str) -> bool:
    point = state.point(number, part)
    return not state.frame(number).dropped and (point is None or not point.is_label)


def _is_proposed(state: LabelState, draft: Propose) -> bool:
    return state.point(draft.frame, draft.bodypart) == apply(state, draft).point(draft.frame, draft.bodypart)


def _decided(project: Project, video: str, report: Report = silent) -> Contents:
    contents = read_contents(project, video, report=report)
    if contents.imported is None:
        state, naming = contents.history.state, contents.naming
        changes = outside_edits(project, video, state, naming, contents.generations)
        if changes:
            raise undecided(project, video, changes)
    return contents


def _check_bodyparts(project: Project, video: str, bodyparts: tuple[str, ...]) -> None:
    remedy = f"add them to `bodyparts` in {project.config_path} or leave them out"
    foreign = foreign_bodyparts(bodyparts, project.config.bodyparts, source=f"The table of {video}", remedy=remedy)
    if foreign:
        raise LabelError(foreign)


# --- drafts -----------------------------------------------------------------------------------------------------------
# Drafts of labels as a table: what networks have proposed and no person has looked at yet.


def read_drafts(project: Project, video: str) -> LabelTable:
    """Read the drafts of a video, in columns of the project's bodyparts; frames without any have no row.

    Raises:
        LabelError: as for `read_labels`.
    """
    state, bodyparts = read_state(project, video), project.config.bodyparts
    names = read_naming(project).columns
    drafts = [(number, part) for number, part in state.unreviewed if part in names]
    numbers = sorted({number for number, _ in drafts})
    xy = np.full((len(numbers), len(bodyparts), 2), np.nan)
    for number, part in drafts:
        point = state.point(number, part)
        assert point is not None
        xy[numbers.index(number), bodyparts.index(names[part])] = point.xy
    return LabelTable(video, bodyparts, np.array(numbers, dtype=np.int64), xy)
