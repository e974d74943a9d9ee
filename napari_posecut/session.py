"""A viewer at which a person works on one project: the opened project, its labelling, its jobs, and how it closes."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, TypeVar
from weakref import WeakKeyDictionary

from napari import Viewer
from napari.utils.notifications import show_info
from psygnal import Signal
from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QCheckBox, QMessageBox, QWidget

from napari_posecut.jobs.board import JobBoard, in_background
from napari_posecut.jobs.jobs import Job, running
from napari_posecut.jobs.verbs import Part, writes
from napari_posecut.labelling.keypoints import Pose, Proposal
from napari_posecut.labelling.labelling import Labelling
from napari_posecut.layers.canvas import Actions, Canvas, WholeView, bind, prepare, unbind
from napari_posecut.preferences import preferences, remember_when_closing
from napari_posecut.remedies import in_window, worded
from posecut_core.assistant.proposals import Proposals, VideoProposals, read_proposals
from posecut_core.errors import LabelError, PosecutError, ProjectError
from posecut_core.labels.images import adopt_project
from posecut_core.progress import Notice, Progress
from posecut_core.project.opening import config_path
from posecut_core.project.paths import Project
from posecut_core.types import FrameRef

# --- assistance -------------------------------------------------------------------------------------------------------
# Help while a person labels: a network's proposals for frames without labels, from a child process.
#
# A project that has a trained network gets its proposals. In one that has none yet, a small network trains in the
# background on what is labelled so far, and proposes better poses again and again.


_SEEN = 0.05  # likelihood below which a bodypart counts as not visible: nothing is proposed
_HELP = ("assist", "propose")  # the verbs of this module
_TRAINING = "create_dataset_and_train"  # beside it the assistant would only be in the way


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
        if not self._board.of(*_HELP, _TRAINING):
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
        job = self._board.of(*_HELP)
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
        self._labelling.proposals.take(_poses(found, self._labelling.browser.columns))
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
        if job.request.verb in _HELP:
            self.take()
            if job.request.verb == "assist":
                self.changed.emit(_sentence(progress))

    def _started(self, job: Job) -> None:
        if job.request.verb == _TRAINING and self._board.of("assist") is not None:
            self._paused = True
            self._stop()

    def _ended(self, job: Job) -> None:
        self.take()
        again = self._again and job.request.verb == "propose"
        self._again = self._again and not again
        if job.request.verb == "propose" and self.helps and (job.state == "failed" or job.result.get("learns")):
            self._start("assist")  # no network has been trained yet, or only the one that goes on learning
        elif job.request.verb in _HELP and job.state == "stopped" and self.helps:
            self._begin_where_needed()  # it was stopped before somebody wanted help again
        elif job.request.verb == _TRAINING and self.helps:
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
            self.changed.emit(f"No proposals: {in_window(error)}")


def _poses(found: Proposals, columns: dict[str, str]) -> dict[FrameRef, Pose]:
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
        if part is not None and x == x and likelihood >= _SEEN
    }


def _sentence(progress: Progress | Notice) -> str:
    if isinstance(progress, Notice):
        return worded(f"{progress.text}.", progress.remedies)
    if "loss" not in progress.values:
        return f"{progress.stage}: {progress.done} of {progress.total}." if progress.total else f"{progress.stage}."
    return f"A network trains on your labels: step {progress.done}, loss {progress.values['loss']:.3f}."


# --- closing ----------------------------------------------------------------------------------------------------------
# What happens when the window closes: labels are closed, and a person says what becomes of work that runs.


_Answer = Literal["go on", "stop", "stay"]
_Ask = Callable[[Sequence[Job], QWidget], _Answer]


class _Closing(QObject):
    """Watches the window of a desk, and goes with it."""

    def __init__(self, window: QWidget, desk: "Desk") -> None:
        super().__init__(window)
        self._desk = desk
        self._agreed = False
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 (Qt's name)
        """Look at what happens to the window; True keeps an event from it."""
        if not isinstance(watched, QWidget) or event is None:
            return False
        if event.type() == QEvent.Type.Close:
            self._agreed = self._may_close(watched)
            if not self._agreed:
                event.ignore()
                return True
        # A window is hidden once nothing else has refused to close it; one that nobody saw is not hidden either.
        hidden = event.type() == QEvent.Type.Hide or (event.type() == QEvent.Type.Close and not watched.isVisible())
        if hidden and self._agreed and not event.spontaneous():
            watched.removeEventFilter(self)
            self._desk.leave()
        return False

    def _may_close(self, window: QWidget) -> bool:
        jobs = [job for job in self._desk.board.jobs if job.request.verb not in _HELP]  # help ends with the labelling
        chosen = preferences().when_closing
        if not jobs:
            return True
        answer: _Answer = "go on" if chosen == "ask" else chosen
        if chosen == "ask" and window.isVisible():  # of a window that nobody sees, nobody is asked
            answer = self._desk.ask_about_jobs(jobs, window)
        if answer == "stop":
            for job in jobs:
                self._desk.attempt(job.stop)
        return answer != "stay"


def _watch(desk: "Desk") -> None:
    """Watch the window of a desk, if anything is docked in it, for only that leads to the window; once is enough."""
    docked = next(iter(desk.viewer.window.dock_widgets.values()), None)
    widget = getattr(docked, "native", docked)
    while isinstance(widget, QWidget) and widget.parentWidget() is not None:
        widget = widget.parentWidget()
    if isinstance(widget, QWidget) and widget.findChild(_Closing) is None:
        _Closing(widget, desk)


def _ask_person(jobs: Sequence[Job], window: QWidget) -> _Answer:
    """Ask in a dialog whether work goes on without the window."""
    box = QMessageBox(window)
    box.setWindowTitle("PoseCut")
    box.setText(f"Still running: {_named(jobs)}.")
    box.setInformativeText(
        "It can go on in the background, and this window finds it again when it opens the project. Or it stops now, "
        "and goes on from there when you start it again."
    )
    on = box.addButton("Go on in the background", QMessageBox.ButtonRole.AcceptRole)
    stop = box.addButton("Pause", QMessageBox.ButtonRole.DestructiveRole)
    box.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(on)
    again = QCheckBox("Don't ask again")
    box.setCheckBox(again)
    box.exec()
    answer: _Answer = "go on" if box.clickedButton() is on else "stop" if box.clickedButton() is stop else "stay"
    if again.isChecked() and answer != "stay":
        remember_when_closing(answer)
    return answer


def _named(jobs: Sequence[Job]) -> str:
    """Write what runs, for a person to read."""
    return ", ".join(job.request.verb.replace("_", " ") for job in jobs)


# --- desk -------------------------------------------------------------------------------------------------------------
# A viewer at which a person works on one project: the opened project, its labelling, and the work that runs for it.
#
#     desk = desk_of(viewer)
#     desk.open("reaching-ada-2026-01-31")
#
# Every dock asks for the desk of its viewer, listens to its signals, and calls it; docks do not know each other.


Value = TypeVar("Value")
_SHOWN: Final[frozenset[Part]] = frozenset({"config", "frames", "labels"})  # parts of a project that a desk has read


class Desk:
    """What the docks of one viewer share."""

    project_changed = Signal()  # another project, or the same with other videos, frames, bodyparts
    labels_changed = Signal()  # another frame is shown to label, or something in it is different now
    help_asked = Signal()
    frame_asked = Signal()
    told = Signal(str)  # a sentence for the person; napari's own notice shows it where nobody listens
    video_wanted = Signal(str)  # path of an analysed video that somebody wants to look at

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.project: Project | None = None
        self.labelling: Labelling | None = None
        self.canvas: Canvas | None = None
        self.actions: Actions | None = None
        self.assistance: Assistance | None = None
        self.board = JobBoard()
        self._left = False
        self.view = WholeView(viewer)
        self.ask_about_jobs: _Ask = _ask_person  # that run while the window closes

    def open(self, config: str | os.PathLike[str], *, take_over: bool = False) -> None:
        """Open a project, by its folder or config.yaml, and show its first frame that needs a person.

        Raises:
            ProjectError: there is no project, or its config.yaml is malformed.
            VideoError: a frame store is damaged.
            LabelError: labels are damaged or do not fit the project.
        """
        advance = preferences().advance
        self._let_go_if_open(config_path(config))
        try:
            labelling = in_background(lambda: _opened(config, advance=advance, take_over=take_over))
        except PosecutError:
            self.attempt(self._take_up_labels)
            raise
        if self._left:
            labelling.close()
            return
        self.close()
        labelling.aside = in_background
        project = labelling.browser.project
        self.project, self.labelling = project, labelling
        self.show_labels()
        for signal in (labelling.frame_changed, labelling.marks_changed):
            signal.connect(self.labels_changed.emit)
        self.board.started.connect(self._begun)
        self.board.ended.connect(self._ended)
        self.board.look_after(project.config_path)
        self.assistance = Assistance(self.board, labelling, helps=preferences().helps)
        _watch(self)
        self.project_changed.emit()
        for notice in labelling.notices:
            self.tell(notice)

    def start(self, verb: str, arguments: Mapping[str, object]) -> Job:
        """Start work for the project; the labels are let go of before, if it writes them.

        Raises:
            ProjectError: no project is open.
            PosecutError: other work is in its way.
            StorageError: the project cannot be written to.
        """
        self.require_project()
        if "labels" in writes(verb):
            self._let_go_of_labels()
        try:
            return self.board.start(verb, arguments)
        except PosecutError:
            self.attempt(self._take_up_labels)
            raise

    def require_project(self) -> Project:
        """Return the open project.

        Raises:
            ProjectError: none is open.
        """
        if self.project is None:
            raise ProjectError("No project is open; open or create one in the dock 1 Project.")
        return self.project

    def show_labels(self) -> None:
        """Show the labelling's layers, which other views may have taken the place of."""
        if self.labelling is not None and self.canvas is None:
            self.canvas = Canvas(self.viewer, self.labelling, self.attempt, self.tell)
            self.actions = Actions(self.labelling, self.canvas, self.attempt, self.tell)
            self.actions.help_asked.connect(self.help_asked.emit)
            self.actions.frame_asked.connect(self.frame_asked.emit)
            bind(self.actions)

    def hide_labels(self) -> None:
        """Take the labelling's layers away, to show something else."""
        if self.canvas is not None and self.actions is not None:
            unbind(self.actions)
            self.canvas.close()
            self.canvas = self.actions = None

    def refresh(self) -> None:
        """Read the project again, after work or another program changed its videos, frames, bodyparts or labels.

        Raises:
            ProjectError, VideoError, LabelError: as for `open`.
        """
        labelling, earlier = self.labelling, self.project
        if earlier is None or labelling is None:
            return
        project = in_background(lambda: adopt_project(earlier.config_path))
        found = in_background(lambda: labelling.browser.look(project))
        if labelling is not self.labelling:
            return  # the window was closed meanwhile
        before, after, shown = earlier.config, project.config, self.canvas is not None
        if (before.bodyparts, before.skeleton) != (after.bodyparts, after.skeleton):
            self.hide_labels()  # its layers are made for the bodyparts of before
        self.project = project
        labelling.take(found)
        self._take_up_labels()
        if shown:
            self.show_labels()
        self.project_changed.emit()

    def show_frame(self, video: str, number: int) -> None:
        """Show an extracted frame to label.

        Raises:
            LabelError: it was never extracted.
        """
        if self.labelling is None:
            raise LabelError("No project is open; open one first.")
        self.show_labels()
        self.labelling.go_to(FrameRef(video, number))

    def attempt(self, action: Callable[[], Value]) -> Value | None:
        """Run what PoseCut may refuse; tell the person why, where it does, and return None."""
        try:
            return action()
        except PosecutError as error:
            self.tell(in_window(error))
            return None

    def tell(self, sentence: str) -> None:
        """Tell the person something: what is done, or what was refused and why."""
        if len(self.told):
            self.told.emit(sentence)
        else:
            show_info(sentence)

    def close(self) -> None:
        """Close the project: its labels' files are written, and others may edit. Work that runs goes on."""
        self.hide_labels()
        if self.assistance is not None:
            self.attempt(self.assistance.close)
        labelling, self.labelling, self.project, self.assistance = self.labelling, None, None, None
        self.board.let_go()
        if labelling is not None:
            self.board.started.disconnect(self._begun)
            self.board.ended.disconnect(self._ended)
            self.attempt(labelling.close)

    def _begun(self, job: Job) -> None:
        """Let go of labels also where work that writes them was found running."""
        if "labels" in writes(job.request.verb):
            self._let_go_of_labels()

    def _ended(self, job: Job) -> None:
        """Read again what work may have changed, however it ended."""
        if not writes(job.request.verb).isdisjoint(_SHOWN):
            self.attempt(self.refresh)
            self.attempt(self._take_up_labels)  # also where there is something that cannot be read

    def _let_go_if_open(self, config: Path) -> None:
        """Let go of the labels of the project that is to be opened again, or they would be in its own way."""
        if self.project is not None and self.project.config_path == config:
            self._let_go_of_labels()

    def _let_go_of_labels(self) -> None:
        if self.labelling is not None:
            self.attempt(self.labelling.pause)

    def _take_up_labels(self) -> None:
        if self.labelling is not None and not self.board.writing("labels"):
            self.labelling.resume()

    def leave(self) -> None:
        """Close the project, because the window closes."""
        self._left = True
        self.close()
        _DESKS.pop(self.viewer, None)


def _opened(config: str | os.PathLike[str], *, advance: bool, take_over: bool) -> Labelling:
    """Read a project; a thread does it."""
    prepare()
    project = adopt_project(config)
    paused = any("labels" in writes(job.request.verb) for job in running(project.config_path))
    return Labelling(project, advance=advance, take_over=take_over, paused=paused)


_DESKS: WeakKeyDictionary[Viewer, Desk] = WeakKeyDictionary()


def desk_of(viewer: Viewer) -> Desk:
    """Return the desk of a viewer; there is one, and it is made when it is first asked for."""
    if viewer not in _DESKS:
        _DESKS[viewer] = Desk(viewer)
    return _DESKS[viewer]
