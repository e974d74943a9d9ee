"""A labeling session of one video: every edit is durable when `apply` returns, and undo has no limit."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from threading import Thread
from types import TracebackType

from posecut_core.errors import BusyError, LabelError, PosecutError, Remedy, StorageError
from posecut_core.formats.deeplabcut.frames import number_images
from posecut_core.labels.bodypart_ids import Naming
from posecut_core.labels.contents import Contents, read_contents, read_naming, record_new
from posecut_core.labels.edits import Begin, History, Identify, JournalEntry, Together, encode, plain_entry
from posecut_core.labels.exchange import (
    OutsideEdit,
    changed_suffixes,
    collected_files,
    collected_hashes,
    export_table,
    outside_edits,
    shared_files,
    undecided,
)
from posecut_core.labels.replaced_images import review_images, take_images
from posecut_core.labels.snapshots import LabelSnapshot, kept_revisions, sound_snapshots, write_snapshot
from posecut_core.labels.state import LabelState
from posecut_core.labels.table import table_of
from posecut_core.labels.validation import FrameImages, needed_frames, refuse_far, refuse_foreign
from posecut_core.project.given import legible
from posecut_core.project.opening import Config, opened
from posecut_core.project.paths import Project
from posecut_core.storage.files import keep_copy, leftovers, storage_error
from posecut_core.storage.journal import JournalWriter, cut_tail
from posecut_core.storage.locks import Lock, acquire, note_path

# --- opening ----------------------------------------------------------------------------------------------------------
# What happens when labels are opened for editing: the lock is taken and what a crash left behind is cleared up.


def _lock_labels(project: Project, video: str, *, take_over: bool) -> Lock | PosecutError:
    """Try to become the writer of a video's labels; return the lock, or why they can only be read."""
    what = f"The labels of {video}"
    if not project.frame_folder(video).is_dir():  # a lock would make one
        return LabelError(
            f"{what} cannot be edited, because {project.frame_folder(video)} does not exist; extract frames."
        )
    try:
        found = acquire(project.label_lock(video), take_over=take_over)
    except StorageError as error:
        return StorageError(f"{what} are open for reading only. {error}")
    if isinstance(found, Lock):
        return found
    reason = f"{what} are open for reading only, because {found or 'another program'} is editing them."
    remedy = f" If that program has ended, delete {note_path(project.label_lock(video))}."
    return BusyError(reason + remedy if found and found.elsewhere else reason)


def _tidy(project: Project, video: str, contents: Contents) -> tuple[str, ...]:
    """Sweep temporary files and set a torn tail of the journal aside; return what a person should know.

    Raises:
        StorageError: the disk refuses.
    """
    folder = project.frame_folder(video)
    for prefix in ("labels", "CollectedData"):
        for path in leftovers(folder, prefix=prefix):
            with contextlib.suppress(OSError):  # it goes next time
                path.unlink(missing_ok=True)
    tail = contents.journal.tail
    if not tail:
        return ()
    kept = keep_copy(folder / f"labels-torn-{contents.journal.revision}.txt", tail)
    cut_tail(project.label_journal(video), contents.journal)
    return (
        f"The journal of {video} ended in {len(tail)} bytes that are not a complete edit, as after a crash; they were "
        f"moved to {kept.name}, and the {contents.journal.revision} edits before them are intact.",
    )


# --- saved files ------------------------------------------------------------------------------------------------------
# The files that a session writes beside the journal: snapshots, and CollectedData files for DeepLabCut.


_SNAPSHOT_EVERY = 200  # edits: what a damaged line of the journal could cost is in a snapshot soon


@dataclass(frozen=True)
class Outside:
    """What other programs left in the CollectedData files."""

    edits: tuple[OutsideEdit, ...] = ()
    problem: str = ""  # why a file cannot be read

    def __bool__(self) -> bool:
        return bool(self.edits or self.problem)


def outside_of(project: Project, video: str) -> Outside:
    """Find what other programs changed in the labels of a video that is not open; its journal is read only if need be.

    Labels that are damaged have none: that is told where they are opened.
    """
    generations = sound_snapshots(project.frame_folder(video))
    with contextlib.suppress(LabelError):
        if generations and changed_suffixes(project, video, generations):
            with LabelSession.open(project, video, read_only=True) as session:
                return session.outside
    return Outside()


class _SavedFiles:
    """The snapshots and CollectedData files of one video."""

    def __init__(self, project: Project, video: str, generations: Sequence[LabelSnapshot]) -> None:
        self._project = project
        self._video = video
        self.generations = tuple(generations)
        self._writing: Thread | None = None

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
                f"{outside.problem} Or let PoseCut write it again, with the labels that it has.",
                Remedy("merge_labels", config=self._project.root, take=False, discard=True),
            )
        if outside.edits:
            raise undecided(self._project, self._video, outside.edits)

    def begin(self, state: LabelState, naming: Naming, revision: int, files: Mapping[str, str]) -> None:
        """Remember the files from which the labels were read, by their SHA-256, before anything was edited.

        Of files that also hold labels of other videos, copies are kept.

        Raises:
            StorageError: the disk refuses.
        """
        self.finish()
        for path in shared_files(self._project, self._video):
            keep_copy(path.with_name(f"outside-{revision}-{path.name}"), _content(path))
        self._keep(LabelSnapshot(revision, state, naming.columns, files, exported=revision))

    def follow(self, state: LabelState, naming: Naming, revision: int) -> None:
        """Let a thread write a snapshot now and then while somebody edits, all of whose edits are durable.

        Where the disk refuses, the journal is enough. One snapshot at a time: `finish` waits for it.
        """
        if not self._is_writing and revision - self.revision >= _SNAPSHOT_EVERY:
            snapshot = self._next(state, naming, revision)
            self._writing = Thread(target=self._keep_if_possible, args=(snapshot,), name="posecut-snapshot")
            self._writing.start()

    def finish(self) -> None:
        """Wait for the snapshot that a thread writes, if one does."""
        if self._writing is not None:
            self._writing.join()
            self._writing = None

    @property
    def _is_writing(self) -> bool:
        return self._writing is not None and self._writing.is_alive()

    def snapshot(self, state: LabelState, naming: Naming, revision: int) -> None:
        """Write a snapshot only; the CollectedData files stay behind.

        Raises:
            StorageError: the disk refuses.
        """
        self.finish()
        self._keep(self._next(state, naming, revision))

    def _next(self, state: LabelState, naming: Naming, revision: int) -> LabelSnapshot:
        """Return a snapshot of labels that the CollectedData files do not have yet."""
        files = self.generations[0].files if self.generations else {}
        return LabelSnapshot(revision, state, naming.columns, files, self.exported)

    def write(self, state: LabelState, naming: Naming, revision: int) -> None:
        """Replace the CollectedData files, and write a snapshot that knows them.

        Raises:
            VideoError: the frame store is damaged; nothing is then written.
            StorageError: the disk refuses; each file is as it was or as it should be.
        """
        self.finish()
        if self.revision < revision:  # so that after a crash the new files are known as ours
            self.snapshot(state, naming, revision)
        export_table(self._project, table_of(state, self._video, naming.columns))
        files = collected_hashes(self._project, self._video)
        self._keep(LabelSnapshot(revision, state, naming.columns, files, exported=revision))

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

    def _keep_if_possible(self, generation: LabelSnapshot) -> None:
        with contextlib.suppress(StorageError):
            self._keep(generation)

    def _keep(self, generation: LabelSnapshot) -> None:
        write_snapshot(self._project.frame_folder(self._video), generation)
        found = (generation, *(known for known in self.generations if known.revision != generation.revision))
        kept = kept_revisions((known.revision for known in found), exported=generation.exported)
        self.generations = tuple(known for known in found if known.revision in kept)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise storage_error(path, error) from error


# --- session ----------------------------------------------------------------------------------------------------------
# A session of labeling one video: every edit is durable when `apply` returns; unlimited undo.
#
#     with LabelSession.open(project, "session1") as session:
#         session.apply(Place(40, session.identity("snout"), (81.5, 40.0)))
#         session.apply(Undo())
#
# Closing writes the CollectedData files and a snapshot; without closing nothing is lost, for the journal has every
# edit. A window, which draws an edit while a disk still flushes it, calls `write` and `settle_soon` instead.


class LabelSession(AbstractContextManager["LabelSession"]):
    """Labels of one video, open for editing or, where that cannot be, for reading. Open it with `LabelSession.open`."""

    def __init__(
        self, project: Project, video: str, contents: Contents, lock: Lock | PosecutError, notices: tuple[str, ...]
    ) -> None:
        self.project = project
        self.video = video
        self.notices = notices  # what a person should know about how it was opened
        self._lock = lock if isinstance(lock, Lock) else None
        self._only_read = None if isinstance(lock, Lock) else lock  # why
        self._naming = contents.naming
        self._history = contents.history
        self._read_from = contents.files
        self._drafts = contents.drafts
        self._journal = JournalWriter(project.label_journal(video), contents.journal)
        self._unsettled: list[tuple[int, History]] = []  # revision of each write, and the labels before it
        self._images = FrameImages(project, video)
        self._files = _SavedFiles(project, video, contents.generations)
        self._outside = self._find_outside()

    @classmethod
    def open(
        cls, project: Project | Config, video: str, *, read_only: bool = False, take_over: bool = False
    ) -> "LabelSession":
        """Open the labels of a video.

        Args:
            project: the opened project, or the path of its config.yaml or folder.
            video: stem of the video's file name.
            read_only: whether to leave editing to others.
            take_over: whether to edit although another computer says that it does; only if it is known not to.

        Raises:
            LabelError: the journal is damaged (`doctor` repairs it) or does not fit the project.
            ProjectError: there is no project, or its config.yaml is malformed.
        """
        project = opened(project)
        if read_only:
            asked = LabelError(f"The labels of {video} were opened for reading; open them for editing.")
            return cls(project, video, read_contents(project, video), asked, ())
        lock = _lock_labels(project, video, take_over=take_over)
        if not isinstance(lock, Lock):
            return cls(project, video, read_contents(project, video), lock, (str(lock),))
        try:
            notices: tuple[str, ...] = ()
            if lock.stale:
                notices += (f"{lock.stale} did not close the labels of {video} cleanly; no edits were lost.",)
            if not project.label_journal(video).exists():
                notices += number_images(project, video)  # the journal will know frames by their numbers alone
            contents = read_contents(project, video)
            return cls(project, video, contents, lock, notices + _tidy(project, video, contents))
        except BaseException:
            lock.release()
            raise

    @property
    def state(self) -> LabelState:
        """Return the labels as they are now."""
        return self._history.state

    @property
    def history(self) -> History:
        """Return the labels with what can be undone and redone."""
        return self._history

    @property
    def revision(self) -> int:
        """Return the number of the last edit."""
        return self._journal.revision

    @property
    def durable(self) -> int:
        """Return the number of the last edit that is durable; it is the last one, but after `write`."""
        return self._journal.durable

    @property
    def writable(self) -> bool:
        """Tell whether edits can be made; `notices` says why not."""
        return self._lock is not None

    @property
    def columns(self) -> Mapping[str, str]:
        """Return identity -> name of the bodyparts, in config.yaml's order."""
        return self._naming.columns

    @property
    def outside(self) -> Outside:
        """Return what other programs changed in the CollectedData files, and nobody has decided about yet."""
        return self._outside

    def review_outside(self) -> Outside:
        """Look again for what other programs changed in the CollectedData files, and return it."""
        self._outside = self._find_outside()
        return self._outside

    def identity(self, name: str) -> str:
        """Return the identity of a bodypart by its name.

        Raises:
            LabelError: the project has no such bodypart.
        """
        found = self._naming.identities.get(name)
        if found is None:
            known = ", ".join(map(legible, self.columns.values()))
            raise LabelError(
                f"The project has no bodypart {name!r}, expected one of {known}; correct the name, or add it to "
                "`bodyparts` in config.yaml."
            )
        return found

    def apply(self, step: JournalEntry) -> int:
        """Make an edit, undo or redo, and return its revision; it is durable by then. An error changes nothing.

        Raises:
            LabelError: the edit cannot be made, names no bodypart of the project, or lies far outside its frame, which
                was never extracted or shows another picture than was labeled, or the session is for reading, or
                DeepLabCut's files, where it begins, were changed and can no longer be read.
            StorageError: the disk refuses; the same edit may be tried again.
        """
        self.write(step)
        self.settle()
        self._files.follow(self.state, self._naming, self.revision)
        self._files.finish()
        return self.revision

    def write(self, step: JournalEntry) -> int:
        """Make an edit, undo or redo, and return its revision; until `settle` returns, a loss of power may undo it.

        Nothing else does: it is there however this program ends.

        Raises:
            LabelError, StorageError: as for `apply`.
        """
        step = plain_entry(step)
        if self.durable == self.revision:
            self._files.follow(self.state, self._naming, self.revision)
        self._look_again()
        images = self.check(step)
        self.begin()
        self._write(*([Identify(images)] if images else []), step)
        return self.revision

    def settle(self) -> None:
        """Wait until all edits are durable; those that the disk refuses are taken back.

        Raises:
            StorageError: it refuses; the same edits may be tried again.
        """
        try:
            self._journal.settle()
        finally:
            self._follow_journal()

    def settle_soon(self, refused: Callable[[], object]) -> None:
        """Let a thread make all edits durable.

        Args:
            refused: called by that thread where the disk refuses; the labels' own thread is to call `settle` then.
        """
        self._journal.settle_soon(refused)

    def show(self, frame: int, image: str) -> None:
        """Say which picture a person is shown for a frame, so that their first edit need not read and hash it again.

        Args:
            frame: its number.
            image: the picture's `picture_hash`; labels of the frame are made on that picture then.
        """
        self._images.show(frame, image)

    def check(self, step: JournalEntry) -> dict[int, str]:
        """Refuse what `apply` would refuse, and return the hashes of its frames' pictures that are not noted yet.

        Raises:
            LabelError: the edit cannot be made.
        """
        refuse_foreign(step, self._naming)
        self._history.after(step)
        refuse_far(step, self.video, self._naming, self._images)
        frames = {number: self.state.frame(number) for number in needed_frames(step)}
        images = {number: self._images.check(number, frame.shown) for number, frame in frames.items()}
        return {number: image for number, image in images.items() if image and image != frames[number].image}

    def begin(self) -> None:
        """Begin the journal, where there is none, with the labels of DeepLabCut's files, and note its new predictions.

        Raises:
            BusyError, StorageError: somebody else edits these labels, or the disk refuses.
            LabelError: the session is for reading, or the files were changed and can no longer be read.
        """
        self.require_writable()
        self._look_again()
        if self._naming.new:
            record_new(self.project)
            self._naming = replace(self._naming, new=())
        if self.revision == 0:
            self._append(Begin(self.state.frames))
            self._files.begin(self.state, self._naming, self.revision, self._read_from)
        elif self.revision == 1 and not self._files.generations and not self._outside:  # killed between the two
            self._files.begin(self.state, self._naming, 1, collected_hashes(self.project, self.video))
        if self._drafts:
            self._journal.append(encode(Together(self._drafts)))
            self._drafts = ()

    def rename_columns(self, bodyparts: tuple[str, ...]) -> None:
        """Write the CollectedData files under new names of bodyparts, which the journal of names has already.

        Raises:
            LabelError: the session is for reading, or the names are not in the journal.
            StorageError: the disk refuses.
        """
        self.require_writable()
        self.project = Project(self.project.root, replace(self.project.config, bodyparts=bodyparts))
        self._naming = read_naming(self.project)
        self._files.finish()
        self._files = _SavedFiles(self.project, self.video, self._files.generations)
        self._write_files()

    def save(self) -> None:
        """Write the CollectedData files and a snapshot.

        Raises:
            LabelError: other programs changed the files and nobody has decided about it, or the session is for reading.
            StorageError: the disk refuses; what was there stays, and every edit is in the journal.
        """
        self.refuse_outside()
        if self.revision:
            self._write_files()

    def refuse_outside(self) -> None:
        """Refuse to go on where other programs changed the CollectedData files and nobody has decided about it.

        Raises:
            LabelError: it is so, or the session is for reading.
        """
        self.require_writable()
        self._files.refuse(self.review_outside())

    def merge_outside(self) -> None:
        """Take over what other programs changed, as one edit that can be undone, and save.

        Of the frames that they labeled, images that were replaced are taken over too.

        Raises:
            LabelError: the session is for reading, or a changed file cannot be read.
            StorageError: the disk refuses.
        """
        self._files.refuse(Outside(problem=self._outside.problem))
        if self._outside.edits:
            self._take_images()
            self.apply(Together(self._outside.edits))
        self._outside = Outside()
        self._write_files()

    def _take_images(self) -> None:
        """Take over replaced images of the frames that another program labeled, which has shown these."""
        labeled = {edit.frame for edit in self._outside.edits}
        images = [image for image in review_images(self.project, self.video).disputed if image.number in labeled]
        if images:
            self._append(Identify({image.number: image.picture for image in images}))
            take_images(self.project, self.video, images)
            self._images = FrameImages(self.project, self.video)
            self._outside = self._find_outside()

    def discard_outside(self) -> tuple[Path, ...]:
        """Decide against what other programs changed, and save; copies of their files are kept, and returned.

        Raises:
            LabelError: the session is for reading.
            StorageError: the disk refuses.
        """
        self.begin()
        copies = self._files.copy(self.revision)
        self._outside = Outside()
        self._write_files()
        return copies

    def close(self) -> None:
        """Save what was edited, and let others write. Changes of other programs that nobody decided about stay.

        Raises:
            StorageError: the disk refuses; every edit that is durable is in the journal all the same.
        """
        try:
            self.settle()
            if self.writable and self._files.exported < self.revision and not self._find_outside():
                self._write_files()
        finally:
            self._files.finish()
            self._journal.close()
            if self._lock is not None:
                self._lock.release()
                self._lock = None
                self._only_read = LabelError(f"The labels of {self.video} were closed; open them again to edit them.")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def require_writable(self) -> None:
        """Refuse a session that is for reading.

        Raises:
            BusyError: somebody else edits these labels.
            LabelError: it was opened for reading, or there are no frames to label.
            StorageError: the folder cannot be written to.
        """
        if self._only_read is not None:
            why = str(self._only_read)
            again = " Open them again to edit them, once that is no longer so." if why in self.notices else ""
            raise type(self._only_read)(f"{why}{again}")

    def _look_again(self) -> None:
        """Read DeepLabCut's files again if they were changed since, while they are all there is."""
        if self.writable and self.revision == 0 and collected_hashes(self.project, self.video) != self._read_from:
            contents = read_contents(self.project, self.video)
            self._naming, self._history, self._read_from = contents.naming, contents.history, contents.files

    def _append(self, *steps: JournalEntry) -> None:
        self._write(*steps)
        self.settle()

    def _write(self, *steps: JournalEntry) -> None:
        after = reduce(History.after, steps, self._history)
        try:
            self._journal.write(*map(encode, steps))
        finally:
            self._follow_journal()
        self._unsettled.append((self.revision, self._history))
        self._history = after

    def _follow_journal(self) -> None:
        """Take back the edits that the journal has taken back."""
        self._history = next((before for to, before in self._unsettled if to > self.revision), self._history)
        self._unsettled = [(to, before) for to, before in self._unsettled if self.durable < to <= self.revision]

    def _write_files(self) -> None:
        self.require_writable()
        self.settle()
        self._files.write(self.state, self._naming, self.revision)

    def _find_outside(self) -> Outside:
        if self.revision == 0:
            return Outside()  # the files are all there is
        return self._files.outside(self.state, self._naming)
