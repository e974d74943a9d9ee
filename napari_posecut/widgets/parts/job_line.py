"""One line for work that runs: progress, time left, a way to stop it, why it failed, and a way to try again."""

import html
import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QGuiApplication, QResizeEvent
from qtpy.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_posecut.jobs.jobs import Job
from napari_posecut.remedies import in_window, without_buttons, worded
from napari_posecut.session import Session, kind_of_end
from napari_posecut.widgets.parts import RemedyButtons
from posecut_core.progress import Notice, Progress, rough_clock, rough_time

# --- words ------------------------------------------------------------------------------------------------------------
# A label of some sentences that is always as high as they are, however narrow its dock is.


class WrappedLabel(QLabel):
    """Rich text that is broken into lines and never cut off; layouts alone give wrapped labels too little room."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setText(text)

    def setText(self, text: str | None) -> None:  # noqa: N802 - Qt's name
        """Show a text, and take the room that it needs."""
        if text != self.text():  # or the whole dock would be laid out again
            super().setText(text)
            self._fit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Take the room that the text needs at another width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.setMinimumHeight(0)  # or the room of the text before would count, too
        self.setMinimumHeight(max(0, self.heightForWidth(self.width())))


def wrappable(text: str) -> str:
    """Make rich text of a sentence, whose long paths and names may be broken at their marks, but numbers may not."""
    return re.sub(r"(?<=[/\\_-])(?=\S)|(?<=\.)(?=[^\s\d])", "\u200b", html.escape(text, quote=False))


# --- job line ---------------------------------------------------------------------------------------------------------
# One line for work that runs: how far it is, how long it will take, a way to stop it, why it failed, and a way to try
# again.


_LONG = 600  # seconds of work, of which people want to know when to come back
_ONE_MOMENT = 0.1  # seconds; reports that were waiting come together, and tell no speed


class JobLine(QWidget):
    """The running job of some verbs; hidden while there is none, and none has failed or was stopped.

    Args:
        session: whose jobs are followed.
        verbs: names of `verbs.VERBS`.
        told: those whose good end is a message of the window, too; a failure is one where nobody sees this line.
        pauses: whether its dock has a button by which work that was stopped goes on.
        start: starts work again that has failed or was stopped; by default for the open project.
        clock: seconds.
    """

    ended = Signal(object)  # Job; its state says how

    def __init__(
        self,
        session: Session,
        verbs: tuple[str, ...],
        *,
        told: tuple[str, ...] = (),
        pauses: bool = False,
        start: Callable[[str, Mapping[str, object]], Job] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.job: Job | None = None  # the one that is shown
        self._shown_of: Path | None = None  # config.yaml of its project
        self._session, self._verbs, self._told, self._clock = session, verbs, told, clock
        self._pauses, self._start = pauses, start or session.start
        self.now: Callable[[], datetime] = datetime.now
        self._anchor: tuple[str, int, float] = ("", 0, 0.0)  # stage, units done and time, from which speed is counted
        self.bar = QProgressBar()
        self.sentence = WrappedLabel()
        self.remedies = RemedyButtons(QBoxLayout.Direction.TopToBottom)
        self.remedies.chosen.connect(lambda remedy: session.remedy_requested.emit(remedy))
        self.stop = QPushButton("Pause" if pauses else "Stop")
        self.stop.clicked.connect(self.request_stop)
        self.again = QPushButton("Try again")
        self.again.setToolTip("start the same work once more, with the same choices")
        self.again.clicked.connect(self._start_again)
        self.copy = QPushButton("Copy details")
        self.copy.setToolTip("copy the message and the program's output, to send to someone who can help")
        self.copy.clicked.connect(self._copy_details)
        self.dismiss = QPushButton("Close")
        self.dismiss.clicked.connect(self._clear)
        self._create_layout()
        session.jobs.started.connect(self._on_job_started)
        session.jobs.progressed.connect(self._on_job_progressed)
        session.jobs.ended.connect(self._on_job_ended)
        session.project_changed.connect(self._on_project_changed)
        self._on_project_changed()

    def request_stop(self) -> None:
        """Ask the shown work to stop; it takes a moment to reach a state from which it goes on."""
        job = self.job
        if job is not None and job.state == "running":
            self._session.attempt(job.stop)
            self.stop.setEnabled(False)
            self.sentence.setText("Stopping; this can take a moment.")

    def _create_layout(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.sentence)
        layout.addWidget(self.remedies)
        row = QHBoxLayout()
        row.addWidget(self.bar, stretch=1)
        for button in (self.stop, self.again, self.copy, self.dismiss):
            row.addWidget(button)
        layout.addLayout(row)

    def _on_project_changed(self) -> None:
        """Show what runs already, with what it has reported before; forget what belonged to another project."""
        job, config = self._session.jobs.find(*self._verbs), self._config()
        stale = config != self._shown_of or self.job is None or self.job.state == "running"
        if job is None and stale:
            self._clear()
        elif job is not None and job is not self.job:
            self._on_job_started(job)
        self._shown_of = config

    def _config(self) -> Path | None:
        project = self._session.project
        return None if project is None else project.config_path

    def _on_job_started(self, job: Job) -> None:
        if job.request.verb not in self._verbs:
            return
        self.job, self._anchor = job, ("", 0, 0.0)
        self._set_running(True)
        self.sentence.setText("Starting; this can take a few seconds.")
        self.bar.setRange(0, 0)
        if job.reports:
            self._on_job_progressed(job, job.reports[-1])

    def _on_job_progressed(self, job: Job, progress: Progress | Notice) -> None:
        if job is not self.job or not self.stop.isEnabled():
            return
        if isinstance(progress, Notice):
            self.bar.setRange(0, 0)
            self.sentence.setText(wrappable(in_window(progress)))
            return
        total = progress.total or 0
        self.bar.setRange(0, total)
        self.bar.setValue(progress.done)
        count = f": {progress.done} of {total}" if total else ""
        left = self._seconds_left(progress)
        tail = "" if left is None else f", {rough_time(left)} left"
        if left is not None and left >= _LONG:
            now = self.now()
            tail += f", until about {rough_clock(now + timedelta(seconds=left), now=now)}"
        self.sentence.setText(wrappable(f"{progress.stage[:1].upper()}{progress.stage[1:]}{count}{tail}"))

    def _seconds_left(self, progress: Progress) -> float | None:
        """Take what the core says; else count from the first report of the stage that was seen as it came."""
        if "seconds_left" in progress.values:
            return progress.values["seconds_left"]
        now, (stage, done, since) = self._clock(), self._anchor
        if stage != progress.stage or now - since < _ONE_MOMENT:
            self._anchor = (progress.stage, progress.done, now)
            return None
        if not progress.total or progress.done <= done:
            return None
        return (progress.total - progress.done) * (now - since) / (progress.done - done)

    def _on_job_ended(self, job: Job) -> None:
        if job is not self.job:
            return
        if job.state in ("failed", "crashed"):
            self._set_running(False)
            ways = job.remedies if len(self._session.remedy_requested) else ()  # nobody would follow the buttons
            words = without_buttons(job.remedies) if ways else job.remedies
            self.sentence.setText(f"<b>{wrappable(worded(job.message, words))}</b>")
            self.remedies.show_remedies(ways)
            tells = self.visibleRegion().isEmpty()  # another dock is in front, or the line is scrolled away
        elif job.state == "stopped" and not self._pauses:
            self._set_running(False)
            self.copy.setVisible(False)
            self.sentence.setText("Stopped.")
            tells = False
        else:
            self._clear()
            tells = job.state == "done" and job.request.verb in self._told
        if tells:
            self._session.notify(job.message, job.remedies, kind=kind_of_end(job))
        self.ended.emit(job)

    def _set_running(self, running: bool) -> None:
        if self.parentWidget() is not None:  # or it would open as a window of its own
            self.setVisible(True)
        self.stop.setEnabled(running)
        for widget in (self.bar, self.stop):
            widget.setVisible(running)
        for widget in (self.again, self.copy, self.dismiss):
            widget.setVisible(not running)
        self.remedies.show_remedies(())

    def _clear(self) -> None:
        self.job = None
        self.setVisible(False)

    def _start_again(self) -> None:
        request = self.job.request if self.job is not None else None
        if request is not None:
            self._session.attempt(lambda: self._start(request.verb, request.arguments))

    def _copy_details(self) -> None:
        clipboard = QGuiApplication.clipboard()
        if self.job is not None and clipboard is not None:
            clipboard.setText(
                f"{self.job.request.verb}\n{worded(self.job.message, self.job.remedies)}\n\n{self.job.details}"
            )
