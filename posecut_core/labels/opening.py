"""What happens when labels are opened for editing: the lock is taken and what a crash left behind is cleared up."""

import contextlib

from posecut_core.errors import StorageError
from posecut_core.labels.contents import Contents
from posecut_core.labels.journal import cut_tail
from posecut_core.labels.kept_copies import keep_copy
from posecut_core.labels.lock import Lock, acquire, note_path
from posecut_core.project.atomic import leftovers
from posecut_core.project.layout import Project


def lock_labels(project: Project, video: str, *, take_over: bool) -> tuple[Lock | None, tuple[str, ...]]:
    """Try to become the writer of a video's labels; return the lock, or None, and what a person should know."""
    what = f"The labels of {video}"
    if not project.frame_folder(video).is_dir():  # a lock would make one
        return None, (
            f"{what} cannot be edited, because {project.frame_folder(video)} does not exist; extract frames.",
        )
    try:
        found = acquire(project.label_lock(video), take_over=take_over)
    except StorageError as error:
        return None, (f"{what} are open for reading only: {error}",)
    if not isinstance(found, Lock):
        reason = f"{what} are open for reading only, because {found or 'another program'} is editing them."
        remedy = f" If that program has ended, delete {note_path(project.label_lock(video))}."
        return None, (reason + remedy if found and found.elsewhere else reason,)
    return found, (
        f"{found.stale} ended without closing the labels of {video}; every edit is kept.",
    ) if found.stale else ()


def tidy(project: Project, video: str, contents: Contents) -> tuple[str, ...]:
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
        f"The journal of {video} ended in {len(tail)} bytes that are no whole edit, as a crash leaves them; they are "
        f"set aside in {kept.name}, and the {contents.journal.revision} edits before them are complete.",
    )
