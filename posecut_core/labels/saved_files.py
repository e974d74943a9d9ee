"""The files that a session writes beside the journal: snapshots, and CollectedData files for DeepLabCut."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from posecut_core.errors import LabelError, StorageError
from posecut_core.labels.exchange import collected_files, collected_hashes, export_table, shared_files
from posecut_core.labels.generations import Generation, kept_revisions, write_generation
from posecut_core.labels.identities import Naming
from posecut_core.labels.kept_copies import keep_copy
from posecut_core.labels.outside import OutsideEdit, changed_suffixes, outside_edits, undecided
from posecut_core.labels.state import LabelState
from posecut_core.labels.tabulation import table_of
from posecut_core.project.atomic import storage_error
from posecut_core.project.command_lines import command_line
from posecut_core.project.layout import Project

SNAPSHOT_EVERY = 200  # edits: what a damaged line of the journal could cost is in a snapshot soon


@dataclass(frozen=True)
class Outside:
    """What other programs left in the CollectedData files."""

    edits: tuple[OutsideEdit, ...] = ()
    problem: str = ""  # why a file cannot be read

    def __bool__(self) -> bool:
        return bool(self.edits or self.problem)


class SavedFiles:
    """The snapshots and CollectedData files of one video."""

    def __init__(self, project: Project, video: str, generations: Sequence[Generation]) -> None:
        self._project = project
        self._video = video
        self.generations = tuple(generations)

    @property
    def revision(self) -> int:
        """Return the revision of the newest snapshot; 0 without any."""
        return self.generations[0].revision if self.generations else 0

    @property
    def exported(self) -> int:
        """Return the revision that the CollectedData files have; 0 where they were never written."""
        return self.generations[0].exported if self.generations else 0

    def outside(self, state: LabelState, naming: Naming) -> Outside:
        """Find what other programs changed since the files were written."""
        try:
            return Outside(outside_edits(self._project, self._video, state, naming, self.generations))
        except LabelError as error:
            return Outside(problem=str(error))

    def refuse(self, outside: Outside) -> None:
        """Refuse to write over what other programs changed.

        Raises:
            LabelError: there is something that nobody has decided about.
        """
        if outside.problem:
            raise LabelError(
                f"{outside.problem} Or write it again: {command_line('merge-labels', '--discard', self._project.root)}."
            )
        if outside.edits:
            raise undecided(self._project, self._video, outside.edits)

    def begin(self, state: LabelState, naming: Naming, revision: int, files: Mapping[str, str]) -> None:
        """Remember the files from which the labels were read, by their SHA-256, before anything was edited.

        Of files that also hold labels of other videos, copies are kept.

        Raises:
            StorageError: the disk refuses.
        """
        for path in shared_files(self._project, self._video):
            keep_copy(path.with_name(f"outside-{revision}-{path.name}"), _content(path))
        self._keep(Generation(revision, state, naming.columns, files, exported=revision))

    def follow(self, state: LabelState, naming: Naming, revision: int) -> None:
        """Write a snapshot now and then while somebody edits; where the disk refuses, the journal is enough."""
        if revision - self.revision >= SNAPSHOT_EVERY:
            with contextlib.suppress(StorageError):
                self.snapshot(state, naming, revision)

    def snapshot(self, state: LabelState, naming: Naming, revision: int) -> None:
        """Write a snapshot only; the CollectedData files stay behind.

        Raises:
            StorageError: the disk refuses.
        """
        files = self.generations[0].files if self.generations else {}
        self._keep(Generation(revision, state, naming.columns, files, self.exported))

    def write(self, state: LabelState, naming: Naming, revision: int) -> None:
        """Replace the CollectedData files, and write a snapshot that knows them.

        Raises:
            VideoError: the frame store is damaged; nothing is then written.
            StorageError: the disk refuses; each file is as it was or as it should be.
        """
        if self.revision < revision:  # so that after a crash the new files are known as ours
            self.snapshot(state, naming, revision)
        export_table(self._project, table_of(state, self._video, naming.columns))
        files = collected_hashes(self._project, self._video)
        self._keep(Generation(revision, state, naming.columns, files, exported=revision))

    def copy(self, revision: int) -> tuple[Path, ...]:
        """Keep copies of the CollectedData files that are not as they were written, and return where.

        Raises:
            StorageError: the disk refuses.
        """
        copies, changed = [], changed_suffixes(self._project, self._video, self.generations)
        for name, path in collected_files(self._project, self._video).items():
            if path.suffix in changed:
                copies.append(keep_copy(path.with_name(f"outside-{revision}-{name}"), _content(path)))
        return tuple(copies)

    def _keep(self, generation: Generation) -> None:
        write_generation(self._project.frame_folder(self._video), generation)
        found = (generation, *(known for known in self.generations if known.revision != generation.revision))
        kept = kept_revisions((known.revision for known in found), exported=generation.exported)
        self.generations = tuple(known for known in found if known.revision in kept)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise storage_error(path, error) from error
