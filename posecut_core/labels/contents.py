"""The labels of a video as they lie on disk, read without changing anything: journal, snapshots, DeepLabCut's files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from posecut_core.errors import LabelError, Remedy
from posecut_core.formats.deeplabcut.tables import collected_bodyparts
from posecut_core.labels.bodypart_ids import Identities, Naming, match_names, read_identities, record_names
from posecut_core.labels.edits import (
    Begin,
    History,
    JournalEntry,
    Propose,
    Together,
    apply,
    follow,
    frames_of,
    replay,
    valid_entries,
)
from posecut_core.labels.exchange import collected_hashes, import_table, machine_drafts
from posecut_core.labels.snapshots import LabelSnapshot, sound_snapshots
from posecut_core.labels.state import LabelState
from posecut_core.labels.table import LabelTable, frames_of_table, table_of
from posecut_core.labels.validation import bodyparts_of
from posecut_core.progress import Report, silent
from posecut_core.project.config import folders_of_frames, video_stem
from posecut_core.project.given import legible, name_key
from posecut_core.project.paths import Project
from posecut_core.storage.journal import JournalText, read_journal
from posecut_core.storage.locks import hold


@dataclass(frozen=True)
class Contents:
    """What is known of a video's labels."""

    naming: Naming
    history: History
    journal: JournalText
    generations: tuple[LabelSnapshot, ...]  # sound ones, the newest first
    imported: LabelTable | None  # where there is no journal yet: what DeepLabCut's files say
    files: Mapping[str, str]  # with it, their names and SHA-256 before they were read
    drafts: tuple[Propose, ...] = ()  # of DeepLabCut's networks: in the history, and not in the journal yet

    def table(self, video: str) -> LabelTable:
        """Return what may be trained on; without a journal, exactly what DeepLabCut's files say."""
        return self.imported or table_of(self.history.state, video, self.naming.columns)


@dataclass(frozen=True)
class Followed:
    """What a journal says, as far as it can be followed."""

    problem: str  # what it lacks, as the end of a sentence; "" where it is complete
    entries: Mapping[int, JournalEntry] = field(default_factory=dict)  # by revision
    history: History = field(default_factory=History)


def read_contents(project: Project, video: str, *, report: Report = silent) -> Contents:
    """Read the labels of a video; `report` is called where DeepLabCut's two files differ and have to be imported.

    Raises:
        LabelError: a file is damaged or does not fit the project.
    """
    # What is written last is read first: somebody may edit meanwhile, and nothing may speak of what was not read yet.
    generations = sound_snapshots(project.frame_folder(video))
    text = read_journal(project.label_journal(video))
    known = read_identities(project)
    try:
        followed = follow_journal(text, generations)
    except LabelError as error:
        raise LabelError(f"{project.label_journal(video)}: {error}", *error.remedies) from error
    if followed.problem:
        raise LabelError(
            f"{project.label_journal(video)} {followed.problem}, expected a complete journal; rebuild it from the "
            "last snapshot.",
            Remedy("doctor", config=project.root, mend=True),
        )
    refuse_unnamed(project, video, known, followed.entries.values())
    naming = _naming(project, known)
    if text.records:
        touched = {number for entry in followed.entries.values() for number in frames_of(entry)}
        drafts = machine_drafts(project, video, naming, touched, report=report)
        history = followed.history.after(Together(drafts)) if drafts else followed.history
        return Contents(naming, history, text, generations, None, {}, drafts)
    files = collected_hashes(project, video)
    table = import_table(project, video, report=report)
    frames = frames_of_table(table, naming.identities)
    labeled = [number for number, frame in frames.items() if frame.points]
    drafts = machine_drafts(project, video, naming, labeled, report=report)
    history = replay([Begin(apply(LabelState(frames), Together(drafts)).frames)])
    return Contents(naming, history, text, generations, table, files)


def read_naming(project: Project) -> Naming:
    """Find the identity of each of config.yaml's bodyparts.

    Raises:
        LabelError: the journal of names is damaged, or bodyparts came while others went that labels or tables have.
    """
    return _naming(project, read_identities(project))


def record_new(project: Project) -> None:
    """Give those of config.yaml's bodyparts an identity that have none yet.

    Raises:
        LabelError: as for `read_naming`, or a table of any video calls bodyparts otherwise; nothing is then written.
        StorageError: the disk refuses, or another program keeps the names locked.
    """
    with hold(project.bodypart_lock):
        refuse_new_names(project)
        record_names(project, read_naming(project).new)


def refuse_new_names(project: Project) -> None:
    """Refuse names of config.yaml that are not in the journal of names, where tables of labels have others for them.

    Once they are in the journal, they are bodyparts of their own, and giving the old names back would be another
    change.

    Raises:
        LabelError: it is so, or as for `read_naming`.
    """
    new, listed = {edit.name for edit in read_naming(project).new}, project.config.bodyparts
    if not new:
        return
    videos = {name_key(video_stem(video)) for video in project.config.video_sets}
    for folder in folders_of_frames(project.labeled_data):
        if name_key(folder.name) not in videos or project.label_journal(folder.name).exists():
            continue
        try:
            names = collected_bodyparts(folder, project.config.scorer)
        except LabelError:
            continue  # told where its labels are read
        foreign = [name for name in names if name not in listed]
        lacking = [name for name in listed if name in new and name not in names]
        if foreign and lacking:
            raise LabelError(
                f"config.yaml lists {', '.join(map(legible, lacking))} where the table of labels of {folder.name} has "
                f"{', '.join(map(legible, foreign))}, expected the same bodyparts; if they were renamed, rename them "
                "in PoseCut too; if they are different bodyparts, list both in `bodyparts`.",
                Remedy("edit_bodyparts", config=project.root, rename=dict(zip(foreign, lacking, strict=False))),
            )


def _naming(project: Project, known: Identities) -> Naming:
    names = project.config.bodyparts
    try:
        return match_names(known, names, root=project.root)
    except LabelError:
        return match_names(known, names, used=used_identities(project, known), root=project.root)


def used_identities(project: Project, known: Identities) -> frozenset[str]:
    """Return the identities that labels, drafts or tables refer to; all of them where that cannot be read."""
    used: set[str] = set()
    for folder in folders_of_frames(project.labeled_data):
        text = read_journal(project.label_journal(folder.name))
        try:
            entries = valid_entries(text)
            tables = () if text.records else collected_bodyparts(folder, project.config.scorer)
        except LabelError:
            return frozenset(known.names)
        if text.damaged or text.tail or len(entries) < len(text.records):
            return frozenset(known.names)
        states = [generation.state for generation in sound_snapshots(folder)]
        used.update(part for state in states for frame in state.frames.values() for part in frame.points)
        used.update(part for entry in entries.values() for part in bodyparts_of(entry))
        used.update(identity for name in tables if (identity := known.identity(name)) is not None)
    return frozenset(used)


def refuse_unnamed(project: Project, video: str, known: Identities, entries: Iterable[JournalEntry]) -> None:
    """Refuse labels of bodyparts that the journal of names does not know: their columns could only be guessed.

    Raises:
        LabelError: there are some.
    """
    unnamed = sorted({part for entry in entries for part in bodyparts_of(entry)} - known.names.keys())
    if unnamed:
        path = project.bodypart_journal
        found = "lacks" if path.exists() else "is missing, but is needed to name"
        raise LabelError(
            f"{path} {found} bodyparts that labels of {video} have ({', '.join(map(repr, unnamed))}), expected a line "
            "for each; restore it from a copy, or rebuild it from the snapshots.",
            Remedy("doctor", config=project.root, mend=True),
        )


def follow_journal(text: JournalText, generations: tuple[LabelSnapshot, ...]) -> Followed:
    """Go through a journal, and say what it lacks.

    A torn tail is no lack: nobody was told that it had been written.

    Args:
        text: the journal.
        generations: the sound snapshots, the newest first.

    Raises:
        LabelError: a newer PoseCut wrote one of its edits.
    """
    if text.damaged:
        return Followed(f"is damaged in line {text.damaged[0]}")
    entries = valid_entries(text)
    unreadable = next((revision for revision, _ in text.records if revision not in entries), 0)
    if unreadable:
        return Followed(f"entry {unreadable} is not a valid edit", entries)
    newest = generations[0].revision if generations else 0
    if text.revision < newest:
        return Followed(f"ends at revision {text.revision}, but a snapshot was made of revision {newest}", entries)
    if text.records and not isinstance(entries[text.records[0][0]], Begin):
        return Followed("lacks its first lines", entries)
    history, count = follow(entries.values())
    unfit = [revision for revision, _ in text.records][count:]
    problem = f"entry {unfit[0]} contradicts earlier entries" if unfit else ""
    return Followed(problem, entries, history)
