"""The labels of a video as they lie on disk, read without changing anything: journal, snapshots, DeepLabCut's files."""

from collections.abc import Iterable
from dataclasses import dataclass

from posecut_core.errors import LabelError
from posecut_core.labels.admission import bodyparts_of
from posecut_core.labels.edits import Begin, Step
from posecut_core.labels.encoding import decode, is_known
from posecut_core.labels.exchange import import_table
from posecut_core.labels.generations import Generation, sound_generations
from posecut_core.labels.history import History, replay
from posecut_core.labels.identities import Identities, Naming, match_names, read_identities
from posecut_core.labels.journal import JournalText, Record, read_journal
from posecut_core.labels.table import LabelTable
from posecut_core.labels.tabulation import frames_of_table, table_of
from posecut_core.progress import Report, silent
from posecut_core.project.layout import Project


@dataclass(frozen=True)
class Contents:
    """What is known of a video's labels."""

    naming: Naming
    history: History
    journal: JournalText
    generations: tuple[Generation, ...]  # sound ones, the newest first
    imported: LabelTable | None  # where there is no journal yet: what DeepLabCut's files say

    def table(self, video: str) -> LabelTable:
        """Return what may be trained on; without a journal, exactly what DeepLabCut's files say."""
        return self.imported or table_of(self.history.state, video, self.naming.columns)


def read_contents(project: Project, video: str, *, report: Report = silent) -> Contents:
    """Read the labels of a video; `report` is told where DeepLabCut's two files differ and have to be imported.

    Raises:
        LabelError: a file is damaged or does not fit the project.
    """
    known = read_identities(project)
    text = read_journal(project.label_journal(video))
    generations = sound_generations(project.frame_folder(video))
    check_journal(project, video, text, generations)
    steps = steps_of(text)
    refuse_unnamed(project, video, known, steps)
    naming = match_names(known, project.config.bodyparts)
    if text.records:
        return Contents(naming, replay(steps), text, generations, None)
    table = import_table(project, video, report=report)
    history = replay([Begin(frames_of_table(table, naming.identities))])
    return Contents(naming, history, text, generations, table)


def check_journal(project: Project, video: str, text: JournalText, generations: tuple[Generation, ...]) -> None:
    """Refuse a journal that lacks what it once had.

    Raises:
        LabelError: a line is damaged, or lines that a snapshot knows of are gone.
    """
    problem = journal_problem(text, generations)
    if problem:
        raise LabelError(
            f"{project.label_journal(video)} {problem}, expected every edit as it was written; rebuild it from the "
            f"last snapshot: posecut doctor --mend {project.root}."
        )


def refuse_unnamed(project: Project, video: str, known: Identities, steps: Iterable[Step]) -> None:
    """Refuse labels of bodyparts that the journal of names does not know: their columns could only be guessed.

    Raises:
        LabelError: there are some.
    """
    unnamed = sorted({part for step in steps for part in bodyparts_of(step)} - known.names.keys())
    if unnamed:
        path = project.bodypart_journal
        found = "lacks" if path.exists() else "is missing, and with it the names of"
        raise LabelError(
            f"{path} {found} bodyparts that labels of {video} have ({', '.join(map(repr, unnamed))}), expected a line "
            f"for each; restore it from a copy, or rebuild it from the snapshots: posecut doctor --mend {project.root}."
        )


def journal_problem(text: JournalText, generations: tuple[Generation, ...]) -> str:
    """Say what a journal lacks; "" where it is complete.

    A torn tail is no lack: nobody was told that it had been written.
    """
    if text.damaged:
        return f"is damaged in line {text.damaged[0]}"
    unreadable = next((revision for revision, record in text.records if is_known(record) and not _decodes(record)), 0)
    if unreadable:
        return f"holds in revision {unreadable} what is no edit"
    newest = generations[0].revision if generations else 0
    if text.revision < newest:
        return f"ends at revision {text.revision}, but a snapshot was made of revision {newest}"
    if text.records and text.records[0][1].get("op") != "begin":
        return "lacks its first lines"
    return ""


def _decodes(record: Record) -> bool:
    try:
        decode(record)
    except LabelError:
        return False
    return True


def steps_of(text: JournalText) -> list[Step]:
    """Return the edits of a journal.

    Raises:
        LabelError: a newer PoseCut wrote one of them.
    """
    return [decode(record) for _, record in text.records]
