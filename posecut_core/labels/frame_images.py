"""Whether labels still lie on the pictures on which they were made: frames are recognised by a hash of their pixels."""

from posecut_core.errors import LabelError
from posecut_core.labels.edits import Accept, MarkAbsent, MarkOccluded, Move, Place, Propose, Step, Together
from posecut_core.labels.state import LabelState
from posecut_core.labels.stored_images import frame_words, image_paths, never_extracted, without_picture
from posecut_core.project.layout import Project
from posecut_core.video.store import FrameStore

_Drawn = Place | Move | Propose | Accept | MarkOccluded | MarkAbsent  # what one does looking at a picture


class FrameImages:
    """The stored pictures of one video; each is looked at once."""

    def __init__(self, project: Project, video: str) -> None:
        self._project = project
        self._video = video
        self._store: FrameStore | None = None
        self._seen: set[int] = set()

    def check(self, number: int, known: str) -> str:
        """Make sure that a frame was extracted and shows what was labelled; return its hash where none is `known` yet.

        Raises:
            LabelError: the frame was never extracted, or shows another picture.
            VideoError: the frame store is damaged.
        """
        if number in self._seen and known:
            return ""
        found = self.fingerprint(number)
        if known and found and found != known:
            raise other_picture(self._project, self._video, number)
        self._seen.add(number)
        return found if not known else ""

    def fingerprint(self, number: int) -> str:
        """Return the hash of a frame's pixels; "" where only an image file has them.

        Raises:
            LabelError: the frame was never extracted.
            VideoError: the frame store is damaged.
        """
        if not self._stored(number):
            if number in image_paths(self._project, self._video):
                return ""
            raise never_extracted(self._project, self._video, [number])
        assert self.store is not None
        return self.store.fingerprint(number)

    @property
    def store(self) -> FrameStore | None:
        """Return the frame store; None where only image files are there.

        Raises:
            VideoError: the frame store is damaged.
        """
        path = self._project.frame_store(self._video)
        if self._store is None and path.exists():
            self._store = FrameStore.open(path)
        return self._store

    def _stored(self, number: int) -> bool:
        if self._store is not None and number not in self._store.numbers:
            self._store = None  # it may have been extracted since
        return self.store is not None and number in self.store.numbers


def check_images(project: Project, video: str, state: LabelState) -> None:
    """Make sure that all frames of a video show what was labelled; those whose pictures are gone show nothing.

    Raises:
        LabelError: a frame shows another picture.
        VideoError: the frame store is damaged.
    """
    images = FrameImages(project, video)
    looks = {number: frame.shown for number, frame in state.shown() if frame.shown}
    for number in sorted(looks.keys() - without_picture(project, video, looks)):
        images.check(number, looks[number])


def needed_frames(step: Step) -> tuple[int, ...]:
    """List the frames whose pictures an edit is about, each once, in order."""
    if isinstance(step, Together):
        return tuple(sorted({number for part in step.edits for number in needed_frames(part)}))
    return (step.frame,) if isinstance(step, _Drawn) else ()


def other_picture(project: Project, video: str, number: int) -> LabelError:
    """Say that a frame is not the one that was labelled."""
    word = frame_words(project, video, [number])[number]
    return LabelError(
        f"{word[0].upper()}{word[1:]} of {video} in {project.frame_store(video)} shows another picture than the "
        "one that was labelled; restore the video and the frame store from a copy, or drop the frame's labels."
    )
