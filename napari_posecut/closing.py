"""What happens when the window closes: labels are closed, and a person says what becomes of work that runs."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QCheckBox, QMessageBox, QWidget

from napari_posecut.assistance import HELP
from napari_posecut.jobs import Job
from napari_posecut.preferences import preferences, remember_when_closing

if TYPE_CHECKING:
    from napari_posecut.desk import Desk

Answer = Literal["go on", "stop", "stay"]
Ask = Callable[[Sequence[Job], QWidget], Answer]


class Closing(QObject):
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
        jobs = [job for job in self._desk.board.jobs if job.request.verb not in HELP]  # help ends with the labelling
        chosen = preferences().when_closing
        if not jobs:
            return True
        answer: Answer = "go on" if chosen == "ask" else chosen
        if chosen == "ask" and window.isVisible():  # of a window that nobody sees, nobody is asked
            answer = self._desk.ask_about_jobs(jobs, window)
        if answer == "stop":
            for job in jobs:
                self._desk.attempt(job.stop)
        return answer != "stay"


def watch(desk: "Desk") -> None:
    """Watch the window of a desk, if anything is docked in it, for only that leads to the window; once is enough."""
    docked = next(iter(desk.viewer.window.dock_widgets.values()), None)
    widget = getattr(docked, "native", docked)
    while isinstance(widget, QWidget) and widget.parentWidget() is not None:
        widget = widget.parentWidget()
    if isinstance(widget, QWidget) and widget.findChild(Closing) is None:
        Closing(widget, desk)


def ask_person(jobs: Sequence[Job], window: QWidget) -> Answer:
    """Ask in a dialog whether work goes on without the window."""
    box = QMessageBox(window)
    box.setWindowTitle("PoseCut")
    box.setText(f"Still running: {named(jobs)}.")
    box.setInformativeText(
        "It can go on in the background, and this window finds it again when it opens the project. Or it stops now, "
        "and goes on from there when you start it again."
    )
    on = box.addButton("Go on in the background", QMessageBox.ButtonRole.AcceptRole)
    stop = box.addButton("Stop, to go on later", QMessageBox.ButtonRole.DestructiveRole)
    box.addButton("Keep the window", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(on)
    again = QCheckBox("do so from now on, without asking")
    box.setCheckBox(again)
    box.exec()
    answer: Answer = "go on" if box.clickedButton() is on else "stop" if box.clickedButton() is stop else "stay"
    if again.isChecked() and answer != "stay":
        remember_when_closing(answer)
    return answer


def named(jobs: Sequence[Job]) -> str:
    """Write what runs, for a person to read."""
    return ", ".join(job.request.verb.replace("_", " ") for job in jobs)
