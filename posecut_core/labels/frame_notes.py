"""Notes on frames: a journal of their own beside that of the labels, so that neither can harm the other.

    {"revision":1,"edit":{"frame":12,"note":"the paw is behind the wheel"},"crc":"3f0a91c2"}

The last line of a frame counts; an empty note takes it away. Lines that are damaged are passed over.
"""

from pathlib import Path

from posecut_core.errors import LabelError
from posecut_core.project.paths import Project
from posecut_core.storage.journal import JournalWriter, read_journal
from posecut_core.storage.locks import hold

_LONGEST = 2_000  # characters


def read_notes(path: Path) -> dict[int, str]:
    """Return frame number -> note, from the journal of a video.

    Raises:
        LabelError: the file cannot be read.
    """
    notes: dict[int, str] = {}
    for _, edit in read_journal(path).records:
        frame, note = edit.get("frame"), edit.get("note")
        if isinstance(frame, int) and isinstance(note, str):
            notes[frame] = note
    return {frame: note for frame, note in notes.items() if note}


def write_note(project: Project, video: str, frame: int, note: str) -> None:
    """Write a note on a frame; it is durable when this returns. An empty one takes the note away.

    Args:
        project: the opened project.
        video: stem of the video's file name.
        frame: number of the frame.
        note: one or several lines.

    Raises:
        LabelError: the note is too long, or the journal cannot be read.
        StorageError: the disk refuses, or another program keeps the notes locked.
    """
    if len(note) > _LONGEST:
        raise LabelError(
            f"A note on frame {frame} of {video} has {len(note)} characters, expected {_LONGEST} at most; shorten it."
        )
    path = project.frame_notes(video)
    with hold(project.notes_lock(video)):
        text = read_journal(path)
        if read_notes(path).get(frame, "") != note:
            writer = JournalWriter(path, text)
            try:
                writer.append({"frame": frame, "note": note})
            finally:
                writer.close()
