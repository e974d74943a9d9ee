"""Help while a person labels: a network's proposals for frames without labels, from a child process.

A project that has a trained network gets its proposals. In one that has none yet, a small network trains in the
background on what is labelled so far, and proposes better poses again and again.
"""

from psygnal import Signal

from napari_posecut.jobs.board import JobBoard
from napari_posecut.jobs.jobs import Job
from napari_posecut.labelling.keypoints import Pose, Proposal
from napari_posecut.labelling.labelling import Labelling
from posecut_core.errors import PosecutError
from posecut_core.poses.proposals import Proposals, VideoProposals, read_proposals
from posecut_core.progress import Notice, Progress
from posecut_core.types import FrameRef

SEEN = 0.05  # likelihood below which the network says that the bodypart is not to be seen: nothing is proposed
HELP = ("assist", "propose")  # the verbs of this module
TRAINING = "create_dataset_and_train"  # beside it the assistant would only be in the way


class Assistance:
    """The proposals of one labelling, and the work that makes them."""

    changed = Signal(str)  # a sentence for the person

    def __init__(self, board: JobBoard, labelling: Labelling, *, helps: bool = True) -> None:
        """Show proposals that are there already, and let a network make new ones.

        Args:
            board: the window's jobs, which looks after the same project.
            labelling: what the proposals are for.
            helps: whether a network may predict, or train where the project has none.
        """
        self.helps = helps
        self._board = board
        self._labelling = labelling
        self._seen = 0  # when the file of proposals was written, in nanoseconds
        self._paused = False  # by a training of the person's own
        self._frames = labelling.browser.frames
        self._again = False  # frames came while a network was proposing
        board.progressed.connect(self._note)
        board.ended.connect(self._ended)
        board.started.connect(self._started)
        labelling.frame_changed.connect(self._look_at_frames)
        self.take()
        if helps:
            self._begin_where_needed()

    def let_help(self, on: bool) -> None:
        """Let a network help from now on, or stop the one that does."""
        self.helps = on
        if on:
            self._begin()
        else:
            self._stop()

    def _begin(self) -> None:
        """Let the project's trained network propose; where there is none, a network trains in the background."""
        if not self._board.of(*HELP, TRAINING):
            self._start("propose")

    def _begin_where_needed(self) -> None:
        progress = self._labelling.progress
        if progress.done < progress.frames:
            self._begin()

    def _look_at_frames(self) -> None:
        """Let a network propose for frames that were extracted just now."""
        frames, before = self._labelling.browser.frames, self._frames
        if frames is before:
            return
        if self.helps and set(frames) - set(before):
            self._again = self._board.of("propose") is not None
            self._begin_where_needed()
        self._frames = frames

    def _stop(self) -> None:
        job = self._board.of(*HELP)
        if job is not None:
            job.stop()

    def take(self) -> None:
        """Show what the file of proposals has, if it is new."""
        path = self._labelling.browser.project.proposals
        written = path.stat().st_mtime_ns if path.exists() else 0
        if written == self._seen:
            return
        self._seen = written
        try:
            found = read_proposals(path)
        except PosecutError:
            return  # proposals can be made anew; what is wrong with them is no help to who labels
        self._labelling.proposals.take(poses(found, self._labelling.browser.columns))
        self._labelling.marks_changed.emit()
        self.changed.emit(f"{found.frames} frames have proposals, of step {found.step} of the network.")

    def close(self) -> None:
        """Stop the training in the background; it goes on from there the next time."""
        self._board.progressed.disconnect(self._note)
        self._board.ended.disconnect(self._ended)
        self._board.started.disconnect(self._started)
        self._labelling.frame_changed.disconnect(self._look_at_frames)
        self._stop()

    def _note(self, job: Job, progress: Progress | Notice) -> None:
        if job.request.verb in HELP:
            self.take()
            if job.request.verb == "assist":
                self.changed.emit(_sentence(progress))

    def _started(self, job: Job) -> None:
        if job.request.verb == TRAINING and self._board.of("assist") is not None:
            self._paused = True
            self._stop()

    def _ended(self, job: Job) -> None:
        self.take()
        again = self._again and job.request.verb == "propose"
        self._again = self._again and not again
        if job.request.verb == "propose" and self.helps and (job.state == "failed" or job.result.get("learns")):
            self._start("assist")  # no network has been trained yet, or only the one that goes on learning
        elif job.request.verb in HELP and job.state == "stopped" and self.helps:
            self._begin_where_needed()  # it was stopped before somebody wanted help again
        elif job.request.verb == TRAINING and self.helps:
            self._start("propose" if job.state == "done" or not self._paused else "assist")
            self._paused = False
        elif again and self.helps:
            self._begin_where_needed()
        elif job.request.verb == "assist" and job.state in ("failed", "crashed"):
            self.changed.emit(f"No proposals: {job.message}")

    def _start(self, verb: str) -> None:
        try:
            self._board.start(verb, {})
        except PosecutError as error:
            self.changed.emit(f"No proposals: {error}")


def poses(found: Proposals, columns: dict[str, str]) -> dict[FrameRef, Pose]:
    """Return proposals by frame and identity of the bodypart, without what the network does not see.

    Args:
        found: what a network proposes, by the names of bodyparts.
        columns: identity -> name of the project's bodyparts.
    """
    identities = {name: identity for identity, name in columns.items()}
    parts = [identities.get(name) for name in found.bodyparts]
    return {
        FrameRef(name, number): _pose(found, video, row, parts)
        for name, video in found.videos.items()
        for row, number in enumerate(video.numbers.tolist())
    }


def _pose(found: Proposals, video: VideoProposals, row: int, parts: list[str | None]) -> Pose:
    places = zip(parts, video.xy[row].tolist(), video.likelihood[row].tolist(), strict=True)
    return {
        part: Proposal((x, y), likelihood, found.model, found.step)
        for part, (x, y), likelihood in places
        if part is not None and x == x and likelihood >= SEEN
    }


def _sentence(progress: Progress | Notice) -> str:
    if isinstance(progress, Notice):
        return f"{progress.text}."
    if "loss" not in progress.values:
        return f"{progress.stage}: {progress.done} of {progress.total}." if progress.total else f"{progress.stage}."
    return f"A network trains on your labels: step {progress.done}, loss {progress.values['loss']:.3f}."
