"""A session of labelling one video: every edit is durable when `apply` returns, and undoing knows no end.

    with LabelSession.open(project, "session1") as session:
        session.apply(Place(40, session.identity("snout"), (81.5, 40.0)))
        session.apply(Undo())

Closing writes the CollectedData files and a snapshot; without closing nothing is lost, for the journal has every edit.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from posecut_core.errors import LabelError
from posecut_core.labels.admission import refuse_far, refuse_foreign
from posecut_core.labels.contents import Contents, read_contents
from posecut_core.labels.edits import Begin, Identify, Step, Together
from posecut_core.labels.encoding import encode
from posecut_core.labels.exchange import collected_hashes
from posecut_core.labels.frame_images import FrameImages, needed_frames
from posecut_core.labels.history import History
from posecut_core.labels.identities import match_names, read_identities, record_new
from posecut_core.labels.journal import JournalWriter
from posecut_core.labels.lock import Lock
from posecut_core.labels.opening import lock_labels, tidy
from posecut_core.labels.plain_edits import plain_step
from posecut_core.labels.replaced_images import review_images, take_images
from posecut_core.labels.saved_files import Outside, SavedFiles
from posecut_core.labels.state import LabelState
from posecut_core.labels.stored_images import number_images
from posecut_core.project.bodyparts import shown
from posecut_core.project.layout import Project


class LabelSession(AbstractContextManager["LabelSession"]):
    """Labels of one video, open for editing or, where that cannot be, for reading. Open it with `LabelSession.open`."""

    def __init__(
        self, project: Project, video: str, contents: Contents, lock: Lock | None, notices: tuple[str, ...]
    ) -> None:
        self.project = project
        self.video = video
        self.notices = notices  # what a person should know about how it was opened
        self._lock = lock
        self._naming = contents.naming
        self._history = contents.history
        self._read_from = contents.files
        self._drafts = contents.drafts
        self._writer = JournalWriter(project.label_journal(video), contents.journal)
        self._images = FrameImages(project, video)
        self._files = SavedFiles(project, video, contents.generations)
        self._outside = self._find_outside()

    @classmethod
    def open(cls, project: Project, video: str, *, read_only: bool = False, take_over: bool = False) -> "LabelSession":
        """Open the labels of a video.

        Args:
            project: the opened project.
            video: stem of the video's file name.
            read_only: whether to leave editing to others.
            take_over: whether to edit although another computer says that it does; only if it is known not to.

        Raises:
            LabelError: the journal is damaged (`posecut doctor` mends it) or does not fit the project.
        """
        lock, notices = (None, ()) if read_only else lock_labels(project, video, take_over=take_over)
        try:
            if lock is not None and not project.label_journal(video).exists():
                notices += number_images(project, video)  # the journal will know frames by their numbers alone
            contents = read_contents(project, video)
            if lock is not None:
                notices += tidy(project, video, contents)
            return cls(project, video, contents, lock, notices)
        except BaseException:
            if lock is not None:
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
        """Return the number of the last durable edit."""
        return self._writer.revision

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

    def identity(self, name: str) -> str:
        """Return the identity of a bodypart by its name.

        Raises:
            LabelError: the project has no such bodypart.
        """
        found = self._naming.identities.get(name)
        if found is None:
            known = ", ".join(map(shown, self.columns.values()))
            raise LabelError(
                f"The project has no bodypart {name!r}, expected one of {known}; correct the name, or add it to "
                "`bodyparts` in config.yaml."
            )
        return found

    def apply(self, step: Step) -> int:
        """Make an edit, undo or redo, and return its revision; it is durable by then. An error changes nothing.

        Raises:
            LabelError: the edit cannot be made, names no bodypart of the project, or lies far outside its frame, which
                was never extracted or shows another picture than was labelled, or the session is for reading, or
                DeepLabCut's files, where it begins, were changed and can no longer be read.
            StorageError: the disk refuses; the same edit may be tried again.
        """
        step = plain_step(step)
        self._look_again()
        images = self.check(step)
        self.begin()
        if images:
            self._append(Identify(images))
        self._append(step)
        self._files.follow(self.state, self._naming, self.revision)
        return self.revision

    def check(self, step: Step) -> dict[int, str]:
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
            LabelError: the session is for reading, or the files were changed and can no longer be read.
            StorageError: the disk refuses.
        """
        self.require_writable()
        self._look_again()
        if self._naming.new:
            record_new(self.project)
            self._naming = replace(self._naming, new=())
        if self.revision == 0:
            self._append(Begin(self.state.frames))
            self._files.begin(self.state, self._naming, self.revision, self._read_from)
        if self._drafts:
            self._writer.append(encode(Together(self._drafts)))
            self._drafts = ()

    def rename_columns(self, bodyparts: tuple[str, ...]) -> None:
        """Write the CollectedData files under new names of bodyparts, which the journal of names has already.

        Raises:
            LabelError: the session is for reading, or the names are not in the journal.
            StorageError: the disk refuses.
        """
        self.require_writable()
        self.project = Project(self.project.root, replace(self.project.config, bodyparts=bodyparts))
        self._naming = match_names(read_identities(self.project), bodyparts, root=self.project.root)
        self._files = SavedFiles(self.project, self.video, self._files.generations)
        self._write()

    def save(self) -> None:
        """Write the CollectedData files and a snapshot.

        Raises:
            LabelError: other programs changed the files and nobody has decided about it, or the session is for reading.
            StorageError: the disk refuses; what was there stays, and every edit is in the journal.
        """
        self.refuse_outside()
        if self.revision:
            self._write()

    def refuse_outside(self) -> None:
        """Refuse to go on where other programs changed the CollectedData files and nobody has decided about it.

        Raises:
            LabelError: it is so, or the session is for reading.
        """
        self.require_writable()
        self._outside = self._find_outside()
        self._files.refuse(self._outside)

    def merge_outside(self) -> None:
        """Take over what other programs changed, as one edit that can be undone, and save.

        Of the frames that they labelled, images that were replaced are taken over too.

        Raises:
            LabelError: the session is for reading, or a changed file cannot be read.
            StorageError: the disk refuses.
        """
        self._files.refuse(Outside(problem=self._outside.problem))
        if self._outside.edits:
            self._take_images()
            self.apply(Together(self._outside.edits))
        self._outside = Outside()
        self._write()

    def _take_images(self) -> None:
        """Take over replaced images of the frames that another program labelled, which has shown these."""
        labelled = {edit.frame for edit in self._outside.edits}
        images = [image for image in review_images(self.project, self.video).disputed if image.number in labelled]
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
        self._write()
        return copies

    def close(self) -> None:
        """Save what was edited, and let others write. Changes of other programs that nobody decided about stay.

        Raises:
            StorageError: the disk refuses; every edit is in the journal all the same.
        """
        try:
            if self.writable and self._files.exported < self.revision and not self._find_outside():
                self._write()
        finally:
            self._writer.close()
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def require_writable(self) -> None:
        """Refuse a session that is for reading.

        Raises:
            LabelError: it is; why is said.
        """
        if self._lock is None:
            if not self.notices:
                raise LabelError(f"The labels of {self.video} were opened for reading; open them for editing.")
            raise LabelError(f"{' '.join(self.notices)} Once that is over, open them again to change them.")

    def _look_again(self) -> None:
        """Read DeepLabCut's files again if they were changed since, while they are all there is."""
        if self.writable and self.revision == 0 and collected_hashes(self.project, self.video) != self._read_from:
            contents = read_contents(self.project, self.video)
            self._naming, self._history, self._read_from = contents.naming, contents.history, contents.files

    def _append(self, step: Step) -> None:
        after = self._history.after(step)
        self._writer.append(encode(step))
        self._history = after

    def _write(self) -> None:
        self.require_writable()
        self._files.write(self.state, self._naming, self.revision)

    def _find_outside(self) -> Outside:
        if self.revision == 0:
            return Outside()  # the files are all there is
        return self._files.outside(self.state, self._naming)
