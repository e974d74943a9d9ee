"""A viewer at which the user works on one project: the opened project, its labeling, its jobs, and how it closes."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Final, Literal, TypeVar
from weakref import WeakKeyDictionary

from napari import Viewer
from napari.qt import QtViewer
from napari.utils.notifications import show_info
from psygnal import Signal
from qtpy.QtCore import QChildEvent, QEvent, QObject, QTimer
from qtpy.QtWidgets import QCheckBox, QDialog, QMessageBox, QWidget

from napari_posecut.jobs.jobs import Job, running_jobs
from napari_posecut.jobs.monitor import (
    JobMonitor,
    SpareTime,
    at_work,
    begin,
    breathe,
    in_background,
    on_window_thread,
    wait_for,
)
from napari_posecut.jobs.verbs import Part, title_of, writes
from napari_posecut.labeling.keypoints import Pose, Proposal
from napari_posecut.labeling.labeling import Labeling
from napari_posecut.layers.canvas import Actions, AutoFit, Canvas, bind, guard_removal, load_letters, preload, unbind
from napari_posecut.layers.video import VideoLayers
from napari_posecut.loading import keep_loaded, loading
from napari_posecut.preferences import preferences, remember_project, remember_when_closing
from napari_posecut.remedies import in_window, worded
from posecut_core.assistant.proposals import Proposals, VideoProposals, read_proposals
from posecut_core.errors import LabelError, PosecutError, ProjectError, Remedy, StorageError
from posecut_core.labels.images import adopt_project
from posecut_core.labels.session import LabelSession
from posecut_core.progress import Notice, Progress
from posecut_core.project.config import ProjectConfig
from posecut_core.project.opening import config_path
from posecut_core.project.paths import Project
from posecut_core.types import FrameRef

# --- assistant --------------------------------------------------------------------------------------------------------
# Help while the user labels: a network's proposals for frames without labels, from a child process.
#
# A project that has a trained network gets its proposals. In one that has none yet, a small network trains in the
# background on what is labeled so far, and proposes better poses again and again.


_SEEN = 0.05  # likelihood below which a bodypart counts as not visible: nothing is proposed
_HELP = ("assist", "propose")  # the verbs of this module
_TRAINING = "create_dataset_and_train"  # beside it the assistant would only be in the way


class Assistant:
    """The proposals of one labeling, and the work that makes them."""

    changed = Signal(str)  # a sentence for the user

    def __init__(self, jobs: JobMonitor, labeling: Labeling, *, enabled: bool = True) -> None:
        """Show proposals that are there already, and let a network make new ones.

        Args:
            jobs: the window's, of the same project.
            labeling: what the proposals are for.
            enabled: whether a network may predict, or train where the project has none.
        """
        self.enabled = enabled
        self._jobs = jobs
        self._labeling = labeling
        self._read_time = 0  # when the file of proposals was written, in nanoseconds
        self._paused = False  # by a training of the user's own
        self._frames = labeling.index.frames
        self._propose_again = False  # frames came while a network was proposing
        jobs.progressed.connect(self._on_job_progressed)
        jobs.ended.connect(self._on_job_ended)
        jobs.started.connect(self._on_job_started)
        labeling.frame_changed.connect(self._on_frame_changed)
        self.reload()
        if enabled:
            self._start_if_needed()

    def set_enabled(self, on: bool) -> None:
        """Let a network help from now on, or stop the one that does."""
        self.enabled = on
        if on:
            self._start()
        else:
            self._stop()

    def _start(self) -> None:
        """Let the project's trained network propose; where there is none, a network trains in the background."""
        if not self._jobs.find(*_HELP, _TRAINING):
            self._start_job("propose")

    def _start_if_needed(self) -> None:
        progress = self._labeling.progress
        if progress.done < progress.frames:
            self._start()

    def _on_frame_changed(self) -> None:
        """Let a network propose for frames that were extracted just now."""
        frames, before = self._labeling.index.frames, self._frames
        if frames is before:
            return
        if self.enabled and set(frames) - set(before):
            self._propose_again = self._jobs.find("propose") is not None
            self._start_if_needed()
        self._frames = frames

    def _stop(self) -> None:
        job = self._jobs.find(*_HELP)
        if job is not None:
            job.stop()

    def reload(self) -> None:
        """Show what the file of proposals has, if it is new."""
        path = self._labeling.index.project.proposals
        written = path.stat().st_mtime_ns if path.exists() else 0
        if written == self._read_time:
            return
        self._read_time = written
        try:
            found = read_proposals(path)
        except PosecutError:
            return  # proposals can be made anew; what is wrong with them is no help to who labels
        self._labeling.proposals.set_network(_poses(found, self._labeling.index.columns))
        self._labeling.keypoints_changed.emit()
        self.changed.emit(f"{found.frames} frames have suggestions, from step {found.step} of the network.")

    def close(self) -> None:
        """Stop the training in the background; it goes on from there the next time."""
        self._jobs.progressed.disconnect(self._on_job_progressed)
        self._jobs.ended.disconnect(self._on_job_ended)
        self._jobs.started.disconnect(self._on_job_started)
        self._labeling.frame_changed.disconnect(self._on_frame_changed)
        self._stop()

    def _on_job_progressed(self, job: Job, progress: Progress | Notice) -> None:
        if job.request.verb in _HELP:
            self.reload()
            if job.request.verb == "assist" or isinstance(progress, Notice):
                self.changed.emit(_progress_text(progress))

    def _on_job_started(self, job: Job) -> None:
        if job.request.verb == _TRAINING and self._jobs.find("assist") is not None:
            self._paused = True
            self._stop()

    def _on_job_ended(self, job: Job) -> None:
        self.reload()
        again = self._propose_again and job.request.verb == "propose"
        self._propose_again = self._propose_again and not again
        if job.request.verb == "propose" and self.enabled and (job.state == "failed" or job.result.get("learns")):
            self._start_job("assist")  # no network has been trained yet, or only the one that goes on learning
        elif job.request.verb in _HELP and job.state == "stopped" and self.enabled:
            self._start_if_needed()  # it was stopped before someone wanted help again
        elif job.request.verb == _TRAINING and self.enabled:
            self._start_job("propose" if job.state == "done" or not self._paused else "assist")
            self._paused = False
        elif again and self.enabled:
            self._start_if_needed()
        elif job.request.verb == "assist" and job.state in ("failed", "crashed"):
            self.changed.emit(f"No suggestions: {job.message}")

    def _start_job(self, verb: str) -> None:
        try:
            self._jobs.start(verb, {})
        except PosecutError as error:
            self.changed.emit(f"No suggestions: {in_window(error)}")


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


def _progress_text(progress: Progress | Notice) -> str:
    if isinstance(progress, Notice):
        return in_window(progress)
    if "loss" not in progress.values:
        stage = f"{progress.stage[:1].upper()}{progress.stage[1:]}"
        return f"{stage}: {progress.done} of {progress.total}." if progress.total else f"{stage}."
    return f"Training on your labels: step {progress.done}, loss {progress.values['loss']:.3f}."


# --- closing ----------------------------------------------------------------------------------------------------------
# What happens when the window closes: labels are closed, and the user says what becomes of work that runs.


_OURS = ("posecut", "posecut_video")  # in the metadata of the layers that PoseCut adds, which are kept elsewhere
_OF_NAPARI = "ConfirmCloseDialog"  # napari's own question, which has no public name
_Answer = Literal["go on", "stop", "stay"]
_Ask = Callable[[Sequence[Job], QWidget], _Answer]


class _Closing(QObject):
    """Watches the window of a session, and goes with it."""

    def __init__(self, window: QWidget, session: "Session") -> None:
        super().__init__(window)
        self._session = session
        self._agreed = False
        self._answered = False  # the question of PoseCut, for the closing that comes next
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 (Qt's name)
        """Look at what happens to the window; True keeps an event from it."""
        if not isinstance(watched, QWidget) or event is None:
            return False
        if event.type() == QEvent.Type.Close:
            answered, self._answered = self._answered, False
            asks = not answered and self._asks(watched)
            self._agreed = answered or self._may_close(watched)
            if asks and self._agreed and event.spontaneous():  # napari would ask once more
                self._answered = True
                QTimer.singleShot(0, watched.close)
            if not self._agreed or self._answered:
                event.ignore()
                return True
        if isinstance(event, QChildEvent) and event.type() == QEvent.Type.ChildPolished:
            dialog = event.child()
            needless = self._asks(watched) or self._all_kept  # PoseCut asks next, or there is nothing to lose
            if needless and isinstance(dialog, QDialog) and type(dialog).__name__ == _OF_NAPARI:
                QTimer.singleShot(0, dialog.accept)
        # A window is hidden once nothing else has refused to close it; one that nobody saw is not hidden either.
        hidden = event.type() == QEvent.Type.Hide or (event.type() == QEvent.Type.Close and not watched.isVisible())
        if hidden and self._agreed and not event.spontaneous():
            watched.removeEventFilter(self)
            self._session.on_window_closed()
        return False

    @property
    def _jobs(self) -> list[Job]:
        """Return what runs, but for help, which ends with the labeling."""
        return [job for job in self._session.jobs.running if job.request.verb not in _HELP]

    @property
    def _all_kept(self) -> bool:
        """Tell whether closing loses nothing: a project is open, and every layer is of it."""
        layers = self._session.viewer.layers
        return self._session.project is not None and all(any(key in one.metadata for key in _OURS) for one in layers)

    def _asks(self, window: QWidget) -> bool:
        """Tell whether PoseCut asks what becomes of work that runs.

        Nobody is asked of a window that nobody sees, or that a script closes: its layers and picture are gone by then.
        """
        if not self._jobs or preferences().when_closing != "ask" or not window.isVisible():
            return False
        picture = window.findChild(QtViewer)
        return picture is not None and not picture.isHidden()

    def _may_close(self, window: QWidget) -> bool:
        chosen = preferences().when_closing
        answer: _Answer = "go on" if chosen == "ask" else chosen
        if self._asks(window):
            answer = self._session.ask_about_jobs(self._jobs, window)
        if answer == "stop":
            for job in self._jobs:
                self._session.attempt(job.stop)
        return answer != "stay"


def _watch_window(session: "Session") -> None:
    """Watch the window of a session, if anything is docked in it, for only that leads to the window; once is enough."""
    docked = next(iter(session.viewer.window.dock_widgets.values()), None)
    widget = getattr(docked, "native", docked)
    while isinstance(widget, QWidget) and widget.parentWidget() is not None:
        widget = widget.parentWidget()
    if isinstance(widget, QWidget) and widget.findChild(_Closing) is None:
        _Closing(widget, session)


def _ask_user(jobs: Sequence[Job], window: QWidget) -> _Answer:
    """Ask in a dialog whether work goes on without the window."""
    box = QMessageBox(window)
    box.setWindowTitle("PoseCut")
    box.setText(f"Still running: {', '.join(title_of(job.request.verb) for job in jobs)}.")
    box.setInformativeText(
        "It can continue in the background; this window finds it again when you reopen the project. If you pause it, "
        "it continues from there the next time you start it."
    )
    on = box.addButton("Continue in the background", QMessageBox.ButtonRole.AcceptRole)
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


# --- session ----------------------------------------------------------------------------------------------------------
# A viewer at which the user works on one project: the opened project, its labeling, and the work that runs for it.
#
#     session = session_of(viewer)
#     session.open("reaching-ada-2026-01-31")
#
# Every dock asks for the session of its viewer, listens to its signals, and calls it; docks do not know each other.


Value = TypeVar("Value")
MessageKind = Literal["note", "refused", "done", "warning", "failed"]
_FOUND = 600  # milliseconds after which the brightness that the user was looking for has been found
_TAKEN_BACK = "Your last edits were taken back; make them again once the disk can be written to."
_SHOWN: Final[frozenset[Part]] = frozenset(
    {"cameras", "config", "frames", "labels"}
)  # parts of a project that a session has read


def kind_of_end(job: Job) -> MessageKind:
    """Return the kind of message that tells how a job ended; only one that did all that was asked is "done"."""
    if job.state == "done":
        return "warning" if job.is_warning else "done"
    return "failed" if job.state in ("failed", "crashed") else "note"


class Session:
    """What the docks of one viewer share."""

    project_changed = Signal()  # another project, or the same with other videos, frames, bodyparts
    labels_changed = Signal()  # another frame is shown to label, or something in it is different now
    picture_changed = Signal()  # a video is shown now, or labels are
    labels_wanted = Signal()  # they are about to be shown: what is shown in their place goes
    front_changed = Signal()  # another tab of a dock is in front
    help_requested = Signal(bool)  # the keys; False where they are wanted no more
    frame_requested = Signal()
    note_requested = Signal()
    notified = Signal(str, tuple, str)  # a sentence, remedies, MessageKind; napari shows it where nobody listens
    remedy_requested = Signal(Remedy)  # the user wants to go where something helps
    video_requested = Signal(str)  # path of an analyzed video that someone wants to look at

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.project: Project | None = None
        self.labeling: Labeling | None = None
        self._canvas: Canvas | None = None  # of the open project
        self.video_layers: VideoLayers | None = None  # of the open project
        self.actions: Actions | None = None
        self.assistant: Assistant | None = None
        self.jobs = JobMonitor()
        self.spare = SpareTime()
        self._window_closed = False
        self._brightness_timer = QTimer()
        self._brightness_timer.setSingleShot(True)
        self._brightness_timer.setInterval(_FOUND)
        self._brightness_timer.timeout.connect(self._keep_brightness)
        self.view = AutoFit(viewer)
        guard_removal(viewer)
        self.places_labels: Callable[[], bool] = lambda: True  # whether the docks in front are those to label in
        self.ask_about_jobs: _Ask = _ask_user  # that run while the window closes
        begin(preload)  # while nobody waits for it: the first project comes later
        self.spare.spend(load_letters(viewer))

    @loading()
    def open(self, config: str | os.PathLike[str], *, take_over: bool = False) -> None:
        """Open a project, by its folder or config.yaml, and show its first frame that needs the user.

        Raises:
            ProjectError: there is no project, or its config.yaml is malformed.
            VideoError: a frame store is damaged.
            LabelError: labels are damaged or do not fit the project.
        """
        advance = preferences().advance
        self._release_if_open(config_path(config))
        try:
            labeling = in_background(lambda: _open_labeling(config, advance=advance, take_over=take_over))
        except PosecutError:
            self.attempt(self._resume_labels)
            raise
        if self._window_closed:
            labeling.close()
            return
        keep_loaded()
        self.close()
        labeling.run = in_background
        labeling.settle = self._settle_soon
        project = labeling.index.project
        self.project, self.labeling = project, labeling
        self._canvas = canvas = Canvas(self.viewer, labeling, self)
        for _ in canvas.prepare():
            breathe()  # napari takes a moment for each piece
            if self.labeling is not labeling:
                return  # the window was closed meanwhile
        self.video_layers = VideoLayers(self.viewer, self.notify)
        self.show_labels()
        self.spare.spend(chain(self.video_layers.prepare(), canvas.prepare_rest()))
        for signal in (labeling.frame_changed, labeling.keypoints_changed):
            signal.connect(self._on_labels_changed)
        labeling.brightness_changed.connect(self._on_brightness_changed)
        self.jobs.started.connect(self._on_job_started)
        self.jobs.ended.connect(self._on_job_ended)
        self.jobs.watch(project.config_path)
        self.assistant = Assistant(self.jobs, labeling, enabled=preferences().helps)
        _watch_window(self)
        remember_project(project.root)
        self.project_changed.emit()
        for notice in labeling.notices:
            self.notify(notice)

    def start(self, verb: str, arguments: Mapping[str, object]) -> Job:
        """Start work for the project; the labels are let go of before, if it writes them.

        Raises:
            ProjectError: no project is open.
            PosecutError: other work is in its way.
            StorageError: the project cannot be written to.
        """
        self.require_project()
        if "labels" in writes(verb):
            self._release_labels()
        try:
            return self.jobs.start(verb, arguments)
        except PosecutError:
            self.attempt(self._resume_labels)
            raise

    def require_project(self) -> Project:
        """Return the open project.

        Raises:
            ProjectError: none is open.
        """
        if self.project is None:
            raise ProjectError("No project is open; open or create one (1 Project).")
        return self.project

    @property
    def look(self) -> ProjectConfig:
        """Return config.yaml with the colors of the bodyparts, as they were when the project was read last.

        Raises:
            ProjectError: no project is open.
        """
        self.require_project()
        assert self.labeling is not None, "a project that is open has its labeling"
        return self.labeling.index.look

    @property
    def canvas(self) -> Canvas | None:
        """Return the labeling's layers and what the mouse does in them; None while something else is shown."""
        return self._canvas if self._canvas is not None and self._canvas.shown else None

    def show_labels(self) -> None:
        """Show the labeling's layers, which other views may have taken the place of."""
        if self.labeling is not None and self.canvas is None:
            self.labels_wanted.emit()
        if self.labeling is not None and self.canvas is None and self._canvas is not None:  # nobody who went did it
            self._canvas.show()
            self.actions = Actions(self.labeling, self._canvas, self)
            self.actions.help_requested.connect(self._request_help)
            self.actions.frame_requested.connect(self._request_frame)
            self.actions.note_requested.connect(self._request_note)
            bind(self.actions)

    def hide_labels(self) -> None:
        """Hide the labeling's layers, to show something else."""
        if self.canvas is not None and self.actions is not None:
            unbind(self.actions)
            self.canvas.hide()
            self.actions = None

    def refresh(self) -> None:
        """Read the project again, after its videos, frames, bodyparts, labels or cameras were changed.

        Raises:
            ProjectError, VideoError, LabelError: as for `open`.
        """
        labeling, earlier = self.labeling, self.project
        if earlier is None or labeling is None:
            return
        project = in_background(lambda: adopt_project(earlier.config_path))
        found = in_background(lambda: labeling.index.read(project))
        if labeling is not self.labeling:
            return  # the window was closed meanwhile
        self.project = project
        labeling.update(found)
        if self._canvas is not None:
            self._canvas.dress()
        self._resume_labels()
        self.project_changed.emit()

    @contextmanager
    def labels_released(self) -> Iterator[None]:
        """Let go of the labels for as long as a block edits them by other means, then read the project again.

        Raises:
            StorageError: the disk refuses to write the labels' files.
            ProjectError, VideoError, LabelError: as for `open`.
        """
        if self.labeling is not None:
            self.labeling.pause()
        try:
            yield
        finally:
            self.refresh()

    def show_frame(self, video: str, number: int) -> None:
        """Show an extracted frame to label.

        Raises:
            LabelError: it was never extracted.
        """
        if self.labeling is None:
            raise LabelError("No project is open; open or create one (1 Project).")
        self.labeling.go_to(FrameRef(video, number))
        self.show_labels()

    def attempt(self, action: Callable[[], Value]) -> Value | None:
        """Run what PoseCut may refuse; tell the user why, where it does, and return None."""
        try:
            return action()
        except PosecutError as error:
            self.notify(str(error), error.remedies, kind="refused")
            return None

    def notify(self, sentence: str, remedies: Sequence[Remedy] = (), *, kind: MessageKind = "note") -> None:
        """Tell the user something: what is done, or what was refused and why."""
        if len(self.notified):
            self.notified.emit(sentence, tuple(remedies), kind)
        else:
            show_info(worded(sentence, remedies))

    def close(self) -> None:
        """Close the project: its labels' files are written, and others may edit. Work that runs goes on."""
        self.spare.drop()
        self.hide_labels()
        if self._brightness_timer.isActive() and self.labeling is not None:
            self._brightness_timer.stop()
            self.attempt(self.labeling.index.save_brightness)
        if self.assistant is not None:
            self.attempt(self.assistant.close)
        labeling, self.labeling, self.project, self.assistant = self.labeling, None, None, None
        self.labels_wanted.emit()  # a video that is shown goes
        for layers in (self._canvas, self.video_layers):
            if layers is not None:
                layers.close()
        self._canvas = self.video_layers = None
        self.jobs.unwatch()
        if labeling is not None:
            self.jobs.started.disconnect(self._on_job_started)
            self.jobs.ended.disconnect(self._on_job_ended)
            self.attempt(labeling.close)

    # psygnal calls an `emit` that is connected as a slot once, to learn what it takes; methods it only looks at.

    def _on_labels_changed(self) -> None:
        self.spare.wait()
        self.labels_changed.emit()

    def _request_help(self, wanted: bool) -> None:
        self.help_requested.emit(wanted)

    def _request_frame(self) -> None:
        self.frame_requested.emit()

    def _request_note(self) -> None:
        self.note_requested.emit()

    def _settle_soon(self, labels: LabelSession) -> None:
        """Draw an edit while a thread makes it durable."""
        labels.settle_soon(on_window_thread(lambda: self._settle(labels)))

    def _settle(self, labels: LabelSession) -> None:
        """Take back and tell what the disk has refused."""
        if at_work():
            QTimer.singleShot(_FOUND, lambda: self._settle(labels))
            return
        try:
            labels.settle()
        except StorageError as error:
            self.notify(f"{error} {_TAKEN_BACK}", error.remedies, kind="refused")
            if self.labeling is not None:
                self.labeling.keypoints_changed.emit()

    def _keep_brightness(self) -> None:
        """Write down how pictures are shown, once the user has found it."""
        labeling = self.labeling
        if at_work():
            self._brightness_timer.start()
        elif labeling is not None:
            self.attempt(lambda: in_background(labeling.index.save_brightness))

    def _on_brightness_changed(self) -> None:
        self._brightness_timer.start()

    def _on_job_started(self, job: Job) -> None:
        """Let go of labels also where work that writes them was found running."""
        if "labels" in writes(job.request.verb):
            self._release_labels()

    def _on_job_ended(self, job: Job) -> None:
        """Read again what work may have changed, however it ended."""
        if not writes(job.request.verb).isdisjoint(_SHOWN):
            self.attempt(self.refresh)
            self.attempt(self._resume_labels)  # also where there is something that cannot be read

    def _release_if_open(self, config: Path) -> None:
        """Let go of the labels of the project that is to be opened again, or they would be in its own way."""
        if self.project is not None and self.project.config_path == config:
            self._release_labels()

    def _release_labels(self) -> None:
        if self.labeling is not None:
            self.attempt(self.labeling.pause)

    def _resume_labels(self) -> None:
        if self.labeling is not None and not self.jobs.is_writing("labels"):
            self.labeling.resume()

    def on_window_closed(self) -> None:
        """Close the project, because the window closes."""
        self._window_closed = True
        if self.labeling is not None:
            self.labeling.run = wait_for
        self.close()
        self.jobs.close()
        _SESSIONS.pop(self.viewer, None)


def _open_labeling(config: str | os.PathLike[str], *, advance: bool, take_over: bool) -> Labeling:
    """Read a project; a thread does it."""
    project = adopt_project(config)
    paused = any("labels" in writes(job.request.verb) for job in running_jobs(project.config_path))
    return Labeling(project, advance=advance, take_over=take_over, paused=paused)


_SESSIONS: WeakKeyDictionary[Viewer, Session] = WeakKeyDictionary()


def session_of(viewer: Viewer) -> Session:
    """Return the session of a viewer; there is one, and it is made when it is first asked for."""
    if viewer not in _SESSIONS:
        _SESSIONS[viewer] = Session(viewer)
    return _SESSIONS[viewer]
