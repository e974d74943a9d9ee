"""Go through a whole session in a real window, with the mouse and the keyboard, and take a picture of every stage.

    xvfb-run -a -s "-screen 0 1280x900x24" python tests/benchmarks/window_session.py [--screenshots DIR] [--steps 60]

Two videos are drawn, whose truth is known. Then a project is created, frames are extracted and labeled, a network is
trained and evaluated, videos are analyzed, frames in which it errs are extracted and corrected, labels are merged, and
the next network is trained; children do the long work as always. With `--project`, a copy of a project of DeepLabCut
is opened instead: its labels are looked at, frames are added, a network is trained for some steps and evaluated, and
labels are merged. The last line is one JSON object: `seconds` of each
stage, in their order; `stall_ms`, the longest time between two beats of a timer of 20 ms in the window's thread, in all
and while jobs ran; `busy_ms`, the longest that this thread itself worked between two beats, which other programs on the
machine do not lengthen, and in which stage; `holds`, how often in each stage it worked for more than 50 ms; and the
number of `exceptions` in Qt's loop. `--where` also writes what the thread did in the longest of these, as far as a
second thread saw it, which looked every 5 ms.
"""

import argparse
import os
import shutil
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ["NAPARI_CONFIG"] = ""  # napari's settings stay out of it

from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QGuiApplication
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QFileDialog, QLineEdit, QWidget

from napari_posecut.labeling.keypoints import Keypoint
from napari_posecut.session import session_of
from napari_posecut.widgets.flow import FlowBar
from napari_posecut.window import add_flow_bar, open_window
from posecut_core.demo.mouse import BODYPARTS, SKELETON
from posecut_core.demo.scene import TO_LABEL, Scene, film, prepare
from tests.benchmarks.openfield import print_result
from tests.plugin.hand import Hand, choose, click_row, press, write

EXTRACTED, LEFT_OPEN = 6, 2  # frames of each video, and of all of them for the network to propose
OUTLIERS = 2  # frames of each video that are corrected
OFF = 3.0  # pixels beyond which a person corrects a proposal
BEAT = 20  # milliseconds
HOLD = 50  # milliseconds of work at a time that nobody notices
LISTED = 30  # holds that `--where` explains
PATIENCE = 300  # seconds for one job


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where the project goes (default: a folder that is deleted)")
    parser.add_argument(
        "--project", type=Path, help="of DeepLabCut, a copy of which is opened (default: a new project)"
    )
    parser.add_argument("--screenshots", type=Path, help="where the pictures go (default: none are taken)")
    parser.add_argument("--theme", choices=("dark", "light"), default="dark", help="napari's (default: %(default)s)")
    parser.add_argument("--fill", action="store_true", help="let the window take the whole screen")
    parser.add_argument("--steps", type=int, default=60, help="of the first training (default: %(default)s)")
    parser.add_argument("--frames", type=int, default=40, help="of each video (default: %(default)s)")
    parser.add_argument("--last", help="stage to end with (default: the second training)")
    parser.add_argument("--where", action="store_true", help="say what the longest holds are made of")
    arguments = parser.parse_args()
    raised: list[str] = []
    with tempfile.TemporaryDirectory(prefix="posecut-session-") as scratch:
        folder, scenes = arguments.folder or Path(scratch), [replace(one, frames=arguments.frames) for one in TO_LABEL]
        if arguments.project is None:
            session = Session(folder, arguments.screenshots, scenes)
        else:
            session = SessionWithDeepLabCut(folder, arguments.screenshots, arguments.project)
        looking = Looking(session.beats) if arguments.where else None
        session.viewer.theme = arguments.theme
        if arguments.fill:
            screen = QGuiApplication.primaryScreen().size()
            session.viewer.window.resize(screen.width(), screen.height())
        sys.excepthook = lambda *error: raised.append("".join(traceback.format_exception(*error)))
        try:
            session.run(arguments.steps, arguments.last)
        finally:
            print(*raised, sep="\n", file=sys.stderr)
            sys.excepthook = sys.__excepthook__
            session.close()
            if looking is not None:
                print(looking.report(), file=sys.stderr)
    print_result({"seconds": session.seconds, **session.beats.figures(), "exceptions": len(raised)})
    return 1 if raised else 0


class Heartbeat:
    """A timer in the window's thread: what delays it, delays everything that a person does."""

    def __init__(self, now: Callable[[], tuple[str, bool]]) -> None:
        """Begin to beat.

        Args:
            now: tells the stage, and whether jobs run.
        """
        self._now = now
        self._last: tuple[float, float] | None = None
        self.count = 0  # beats so far
        self.most: dict[str, float] = {}  # stage -> the longest work at a time, in milliseconds
        self.holds: list[tuple[float, str, int]] = []  # milliseconds, stage, and number of the beat that ended it
        self._stall = {"all": (0.0, ""), "jobs": (0.0, "")}
        self._busy = {"all": (0.0, ""), "jobs": (0.0, "")}
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._timer.start(BEAT)

    def skip(self) -> None:
        """Do not count the time since the last beat."""
        self._last = None

    def figures(self) -> dict[str, object]:
        """Return the longest gaps in milliseconds, each with its stage."""
        spoken = {"all": "", "jobs": "_with_jobs"}
        found = {"stall_ms": self._stall, "busy_ms": self._busy}
        longest = {f"{name}{spoken[when]}": longest[when] for name, longest in found.items() for when in spoken}
        return {**longest, "holds": Counter(stage for _, stage, _ in self.holds)}

    def _beat(self) -> None:
        now = time.perf_counter(), time.thread_time()
        if self._last is not None:
            stage, jobs = self._now()
            stall, busy = (round(1000 * (end - start), 1) for start, end in zip(self._last, now, strict=True))
            for longest, value in ((self._stall, stall), (self._busy, busy)):
                for when in ("all", "jobs") if jobs else ("all",):
                    longest[when] = max(longest[when], (value, stage))
            self.most[stage] = max(self.most.get(stage, 0.0), busy)
            if busy > HOLD:
                self.holds.append((busy, stage, self.count))
        self._last = now
        self.count += 1


class Looking:
    """A thread that looks at what the window's thread does between two beats."""

    def __init__(self, beats: Heartbeat) -> None:
        self._beats = beats
        self._seen: dict[int, Counter[str]] = {}  # by beat: what was done, and how often it was seen
        self._window = threading.get_ident()
        threading.Thread(target=self._look, daemon=True).start()

    def report(self) -> str:
        """Say of the longest holds what they are made of, as far as it was seen."""
        lines = []
        for busy, stage, beat in sorted(self._beats.holds, reverse=True)[:LISTED]:
            seen = self._seen.get(beat, Counter())
            lines += [
                f"{busy:6.0f} ms in {stage}",
                *(f"    {count:3d} x {what}" for what, count in seen.most_common(6)),
            ]
        return "\n".join(lines)

    def _look(self) -> None:
        while True:
            time.sleep(0.005)
            frame = sys._current_frames().get(self._window)
            if frame is not None:
                seen = self._seen.setdefault(self._beats.count, Counter())
                seen[_place(frame)] += 1


def _place(frame: FrameType | None) -> str:
    """Say where a stack is: the functions of the plugin from the outermost on, and the innermost of napari's."""
    ours: list[str] = []
    others: list[str] = []
    while frame is not None:
        path, name = Path(frame.f_code.co_filename), frame.f_code.co_name
        if "napari_posecut" in path.parts:
            ours.append(f"{path.stem}.{name}:{frame.f_lineno}")
        elif "napari" in path.parts and not ours:
            others.append(f"{path.stem}.{name}")
        frame = frame.f_back
    return " > ".join([*reversed(ours[:5]), *reversed(others[-2:] if others else [])]) or "Qt"


class Session:
    """A person at a window."""

    def __init__(self, folder: Path, pictures: Path | None, scenes: Sequence[Scene]) -> None:
        self.folder, self.pictures = folder, pictures
        self.seconds: dict[str, float] = {}
        self.said: list[str] = []  # by the window, to the person
        self.stage = "draw"
        self.videos = [film(scene, folder / "videos") for scene in scenes]
        self.truth = {scene.name: prepare(scene).truth for scene in scenes}
        notification_manager.notification_ready.connect(lambda notified: self.said.append(notified.message))
        self.viewer = open_window()
        self.viewer.window.activate()
        QTest.qWait(500)
        self.session = session_of(self.viewer)
        self.session.notified.connect(self.said.append)
        self.bar: FlowBar = add_flow_bar(self.viewer)
        self.hand = Hand(self.viewer)
        self.beats = Heartbeat(lambda: (self.stage, bool(self.session.jobs.running)))
        self._taken = 0

    def stages(self, steps: int) -> dict[str, Callable[[], None]]:
        """Return all stages in their order."""
        return {
            "create": self.create,
            "extract": self.extract,
            "label": self.label,
            "train": lambda: self.train(steps),
            "evaluate": self.evaluate,
            "propose": self.accept_proposals,
            "analyze": self.analyze,
            "results": self.look_at_results,
            "outliers": self.extract_outliers,
            "refine": self.refine,
            "merge": self.merge,
            "train_again": lambda: self.train_again(max(steps // 2, 10)),
        }

    def run(self, steps: int, last: str | None) -> None:
        """Go through all stages, to a last one if it is named."""
        for stage, go in self.stages(steps).items():
            self.stage, start = stage, time.perf_counter()
            try:
                go()
            except BaseException:
                self.take_picture(f"failed in {self.stage}")
                print(f"{self.stage} failed; the window said: {self.said[-3:]}", file=sys.stderr)
                raise
            self.seconds[self.stage] = round(time.perf_counter() - start, 1)
            print(self.stage, self.seconds[self.stage], file=sys.stderr, flush=True)
            if self.stage == last:
                return

    def close(self) -> None:
        """Close the window; nothing runs on."""
        if self.session.assistant is not None:
            self.session.assistant.set_enabled(False)  # or it begins again
        for job in self.session.jobs.running:
            job.stop()
        self.wait(lambda: not self.session.jobs.running, "the end of all work")
        self.viewer.close()

    def create(self) -> None:
        """Fill in the form for a new project, join its bodyparts to a skeleton."""
        self.take_picture("start")
        dock = self.open("1 Project")
        press(dock.start.import_button)
        self.take_picture("import")
        self.show_tab(dock.tabs, "Start")
        press(dock.start.new_button)
        form = dock.new
        write(form.task, "openarena")
        write(form.experimenter, "ada")
        write(form.bodyparts, ", ".join(BODYPARTS))
        write(form.folder, str(self.folder))
        for video in self.videos:
            self.answer_dialog(form.add_button, video)
        QTest.qWait(500)  # for the looks of the videos
        self.take_picture("new project")
        press(form.create_button)
        self.wait(lambda: self.session.project is not None, "the new project")
        self.open("1 Project")
        self.take_picture("project")
        self.show_tab(dock.tabs, "Bodyparts")
        for one, other in SKELETON:
            choose(dock.skeleton.one, one)
            choose(dock.skeleton.other, other)
            press(dock.skeleton.join_button)
        assert len(self.session.project.config.skeleton) == len(SKELETON), self.said
        self.take_picture("bodyparts")
        self.show_tab(dock.tabs, "Videos")
        self.take_picture("videos")
        for tab in ("Checks", "Files"):
            self.show_tab(dock.tabs, tab)
            self.take_picture(tab.lower())

    def extract(self) -> None:
        """Let frames be chosen, and take one by hand."""
        dock = self.open("2 Frames")
        write(dock.count, str(EXTRACTED - 1))
        self.take_picture("frames")
        self.do(lambda: press(dock.extract_button), "extract_frames")
        press(dock.picker.look_button)
        self.wait(lambda: dock.picker.view.layer is not None, "the video")
        for _ in range(5):
            self.viewer.dims.set_current_step(0, self.viewer.dims.current_step[0] + 1)
            QApplication.processEvents()
        press(dock.picker.take_button)
        self.take_picture("frames by hand")
        press(dock.picker.back_button)
        assert len(self.session.labeling.index.frames) == 2 * (EXTRACTED - 1) + 1, self.said

    def label(self) -> None:
        """Label all frames but some."""
        dock = self.open("3 Label")
        frames = self.session.labeling.index.frames
        for place in range(len(frames) - LEFT_OPEN):
            if place == 2:
                self.annotate(stop_after=3)
                self.take_picture("label")
            self.annotate()
        press(dock.keys_button)
        self.take_picture("keys")
        press(dock.keys_button)
        self.hand.key(Qt.Key.Key_M)
        QTest.keyClicks(dock.note, "the tail is behind the plank")
        QTest.keyClick(dock.note, Qt.Key.Key_Return)
        parts = (self.bar.show_filmstrip(), self.bar.show_history())
        QTest.qWait(1000)  # for the small pictures
        self.take_picture("filmstrip and edits")
        for part in parts:
            self.viewer.window.remove_dock_widget(part)
        self.open("1 Project")
        self.show_tab(self.dock("1 Project").tabs, "Frames")
        self.take_picture("project with labels")

    def train(self, steps: int) -> None:
        """Fill in the form of settings, and train."""
        dock = self.open("4 Train")
        fields = dock.form.fields
        self.take_picture("train")
        choose(fields["net_type"].native, "resnet_18")
        choose(fields["init_weights"].native, "random weights")
        write(fields["maxiters"].native, str(steps))
        write(fields["batch_size"].native, "4")
        write(fields["global_scale"].native, "0.5")
        QTest.keyClick(dock.form.more.native, Qt.Key.Key_Space)
        write(fields["display_iters"].native, str(max(1, steps // 12)))
        write(fields["validation_share"].native, "0.2")
        self.take_picture("train settings")
        QTest.keyClick(dock.form.more.native, Qt.Key.Key_Space)
        self.do(
            lambda: press(dock.start_button), "create_dataset_and_train", halfway=lambda: len(dock.curve.series) > 0
        )
        self.take_picture("trained")

    def evaluate(self) -> None:
        """Evaluate, and look at the worst frame."""
        dock = self.open("5 Evaluate")
        self.take_picture("evaluate before")
        self.do(lambda: press(dock.start_button), "evaluate")
        click_row(dock.frames, 0)
        self.take_picture("evaluate")

    def accept_proposals(self) -> None:
        """Label what was left open, from the network's proposals."""
        self.open("3 Label")
        self.wait(lambda: self.session.jobs.find("propose") is None, "proposals")
        self.hand.key(Qt.Key.Key_D, Qt.KeyboardModifier.ShiftModifier)
        self.take_picture("proposals")
        for _ in range(LEFT_OPEN):
            self.annotate()
        assert self.session.labeling.progress.open == 0, self.session.labeling.progress

    def analyze(self) -> None:
        """Analyze both videos."""
        dock = self.open("6 Analyze")
        self.do(lambda: press(dock.start_button), "analyze_queue", halfway=lambda: True)
        self.take_picture("analyzed")

    def look_at_results(self) -> None:
        """Show a video with what was found in it, and a score map."""
        click_row(self.dock("6 Analyze").videos, 0, twice=True)
        dock = self.dock("9 Results")
        self.wait(lambda: dock.timeline is not None, "the video and its curves")
        QTest.qWait(300)
        place = dock.timeline.rect().center()
        QTest.mouseClick(dock.timeline.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
        QTest.qWait(300)
        press(dock.player.on_button)
        self.take_picture("results")
        press(dock.products.add_button)
        self.take_picture("frame added")
        self.do(lambda: press(dock.maps.button), "scoremap")
        self.take_picture("score map")
        press(dock.show_button)

    def extract_outliers(self) -> None:
        """Look for jumps, look at them, and extract some frames."""
        dock = self.open("7 Outliers")
        self.take_picture("outliers before")
        self.do(lambda: press(dock.compare_button), "compare_outliers")
        self.take_picture("methods compared")
        write(dock.form.fields["epsilon"].native, "2")
        write(dock.form.number.native, str(OUTLIERS))
        self.do(lambda: press(dock.find_button), "find_outliers")
        press(dock.after)
        self.wait(lambda: dock.playback.video is not None, "the suspect")
        self.take_picture("outliers")
        self.do(lambda: press(dock.extract_button), "extract_outliers")
        self.take_picture("outliers extracted")

    def refine(self) -> None:
        """Correct the drafts."""
        dock = self.open("8 Refine")
        press(dock.next_button)
        self.take_picture("refine")
        while self.session.labeling.progress.open:
            self.annotate()
        self.take_picture("refined")

    def merge(self) -> None:
        """Begin the next iteration."""
        self.do(lambda: press(self.dock("8 Refine").merge_button), "merge_datasets")
        self.take_picture("merged")

    def train_again(self, steps: int) -> None:
        """Train on from the network before."""
        dock = self.open("4 Train")
        choose(dock.form.fields["init_weights"].native, "previous network")
        for name, value in {"maxiters": str(steps), "batch_size": "4", "global_scale": "0.5"}.items():
            write(dock.form.fields[name].native, value)
        self.do(lambda: press(dock.start_button), "create_dataset_and_train")
        self.take_picture("trained again")

    def annotate(self, *, stop_after: int = 0) -> None:
        """Drag what is proposed wrongly, click on what is not proposed, and accept the rest of the shown frame."""
        labeling = self.session.labeling
        frame = labeling.frame
        for count, place in enumerate(range(len(BODYPARTS)), start=1):
            keypoint = labeling.keypoints_of(frame)[place]
            if labeling.frame == frame and keypoint.is_open:
                self.decide(keypoint, place, self.truth[frame.video], frame.number)
            if count == stop_after:
                return
        if labeling.frame == frame:
            self.hand.key(Qt.Key.Key_Return)  # accepts what is proposed; after drags only, it goes on
        assert labeling.status(frame) == "done", (frame, labeling.keypoints_of(frame), self.said)

    def decide(self, keypoint: Keypoint, place: int, truth, number: int) -> None:
        """Label one bodypart as it should be; leave a good proposal as it is."""
        x, y = truth.xy[number, place].tolist()
        hidden = bool(truth.hidden[number, place])
        if keypoint.xy is not None and not hidden:
            if max(abs(keypoint.xy[0] - x), abs(keypoint.xy[1] - y)) > OFF:
                self.hand.drag(keypoint.xy, (x, y))
            return
        current = self.session.labeling.current
        if current is None or current.bodypart != keypoint.bodypart:
            click_row(self.dock("3 Label").bodyparts, place)
        self.hand.key(Qt.Key.Key_O) if hidden else self.hand.click((x, y))

    def open(self, title: str) -> QWidget:
        """Click on a button of the row on top, and return the dock that it brings up."""
        press(self.bar.buttons[title])
        QTest.qWait(50)
        return self.dock(title)

    def dock(self, title: str) -> QWidget:
        """Return a dock that is there."""
        return self.viewer.window.dock_widgets[f"{title} (PoseCut)"]

    def show_tab(self, tabs: QWidget, title: str) -> None:
        """Click on a tab."""
        place = next(place for place in range(tabs.count()) if tabs.tabText(place) == title)
        bar = tabs.tabBar()
        QTest.mouseClick(bar, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, bar.tabRect(place).center())
        QApplication.processEvents()
        assert tabs.currentIndex() == place

    def answer_dialog(self, button: QWidget, file: Path) -> None:
        """Click on a button that asks for a file, and type its name."""

        def answer() -> None:
            dialog = QApplication.activeModalWidget()
            if isinstance(dialog, QFileDialog) and dialog.isVisible():
                line = dialog.findChild(QLineEdit, "fileNameEdit")
                line.clear()
                QTest.keyClicks(line, f'"{file}"')  # in quotes, or Qt completes it to something else
                QTest.keyClick(line, Qt.Key.Key_Return)

        again = QTimer()  # it may come up late, or still be reading its folder
        again.timeout.connect(answer)
        again.start(700)
        press(button)
        again.stop()
        self.beats.skip()  # Qt's own dialog

    def do(self, start: Callable[[], None], verb: str, *, halfway: Callable[[], bool] | None = None) -> None:
        """Start a job and wait until it has ended well; take a picture on the way."""
        ended: list = []
        listen = lambda job: ended.append(job) if job.request.verb == verb else None  # noqa: E731
        self.session.jobs.ended.connect(listen)
        start()
        assert ended or self.session.jobs.find(verb) is not None, f"{verb} has not begun: {self.said[-3:]}"
        if halfway is not None:
            self.wait(lambda: bool(ended) or halfway(), verb)
            self.take_picture(f"{verb} running")
        self.wait(lambda: bool(ended), verb)
        self.session.jobs.ended.disconnect(listen)
        assert ended[0].state == "done", f"{verb}: {ended[0].state}: {ended[0].message} {ended[0].details}"
        QTest.qWait(300)

    def wait(self, until: Callable[[], bool], what: str) -> None:
        """Let the window live until something has happened."""
        end = time.monotonic() + PATIENCE
        while not until():
            QTest.qWait(10)
            if time.monotonic() > end:
                raise TimeoutError(f"{what} did not come in {PATIENCE} s; the window said {self.said[-3:]}")

    def take_picture(self, name: str) -> None:
        """Save a picture of the whole window, numbered."""
        if self.pictures is None:
            return
        QTest.qWait(150)
        self._taken += 1
        self.pictures.mkdir(parents=True, exist_ok=True)
        path = self.pictures / f"{self._taken:02d}-{name.replace(' ', '-')}.png"
        self.viewer.screenshot(str(path), canvas_only=False)
        self.beats.skip()


class SessionWithDeepLabCut(Session):
    """The same in a copy of a project of DeepLabCut, which has labels already."""

    def __init__(self, folder: Path, pictures: Path | None, project: Path) -> None:
        self.copy = Path(shutil.copytree(project, folder / project.name))
        super().__init__(folder, pictures, ())

    def stages(self, steps: int) -> dict[str, Callable[[], None]]:
        """Return all stages in their order."""
        return {
            "open": self.open_project,
            "look": self.look_at_labels,
            "extract": self.add_frames,
            "train": lambda: self.train(steps),
            "evaluate": self.evaluate,
            "merge": self.merge_all,
            "train_again": lambda: self.train_again(max(steps // 2, 10)),
        }

    def open_project(self) -> None:
        """Type the project's folder."""
        dock = self.open("1 Project")
        write(dock.path, str(self.copy))
        QTest.keyClick(dock.path, Qt.Key.Key_Return)
        self.wait(lambda: self.session.project is not None, "the project")
        QTest.qWait(1000)
        self.take_picture("opened")
        for tab in ("Videos", "Bodyparts"):
            self.show_tab(dock.tabs, tab)
            self.take_picture(tab.lower())
        self.show_tab(dock.tabs, "Checks")
        self.do(lambda: press(dock.checks.doctor.start_button), "doctor")
        self.take_picture("project checked")
        self.do(lambda: press(dock.checks.labels.start_button), "check_labels")
        self.take_picture("labels checked")

    def look_at_labels(self) -> None:
        """Go through some frames, with the names of bodyparts and the filmstrip."""
        self.open("3 Label")
        self.hand.key(Qt.Key.Key_D)
        self.hand.key(Qt.Key.Key_N)
        self.take_picture("labels of DeepLabCut")
        strip = self.bar.show_filmstrip()
        QTest.qWait(2000)  # for the small pictures
        self.take_picture("filmstrip")
        self.viewer.window.remove_dock_widget(strip)

    def add_frames(self) -> None:
        """Extract frames of the video that has none, and leave them without labels."""
        dock = self.open("2 Frames")
        write(dock.count, "2")
        self.take_picture("frames")
        self.do(lambda: press(dock.extract_button), "extract_frames")
        self.take_picture("frames added")

    def merge_all(self) -> None:
        """Label one of the added frames, and begin the next iteration: without it, none would begin."""
        self.open("3 Label")
        self.hand.key(Qt.Key.Key_D, Qt.KeyboardModifier.ShiftModifier)
        for place in range(len(self.session.labeling.keypoints)):
            self.hand.click((200.0 + 40 * place, 200.0))
        self.open("8 Refine")
        self.take_picture("refine")
        self.merge()


if __name__ == "__main__":
    sys.exit(main())
