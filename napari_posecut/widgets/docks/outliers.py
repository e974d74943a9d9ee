"""Dock 7: find frames in which a network errs, look at them, and extract some to be corrected."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from magicgui.widgets import ComboBox, Container, FloatSpinBox, LineEdit, Select, SpinBox
from napari import Viewer
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QListWidgetItem,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_posecut.jobs.jobs import Job
from napari_posecut.jobs.monitor import breathe, in_background
from napari_posecut.layers.overlay import (
    OwnNetwork,
    in_words,
    own_network,
    own_predictions,
    read_trajectories,
    style_of,
)
from napari_posecut.session import Session, session_of
from napari_posecut.widgets.parts import LowList, Postponed, name_controls, scroll_content, show_choices
from napari_posecut.widgets.parts.curves import Timeline
from napari_posecut.widgets.parts.job_line import JobLine, WrappedLabel
from napari_posecut.widgets.parts.playback import playback_of
from posecut_core.errors import ArgumentError, Remedy
from posecut_core.poses.files import FoundPredictions
from posecut_core.project.opening import project_videos
from posecut_core.project.paths import Project
from posecut_core.refinement.candidates import CHOSEN_BY_HAND, Criteria, is_mostly_wrong

# --- outlier form -----------------------------------------------------------------------------------------------------
# The form in which the user says what makes a frame look wrong.


_METHODS = (  # what is said, the algorithm, the fields that it has
    ("a bodypart jumps", "jump", ("epsilon", "bodyparts")),
    ("a likelihood is low", "uncertain", ("p_bound", "bodyparts")),
    (
        "off the expected path",
        "fitting",
        ("epsilon", "p_bound", "ARdegree", "MAdegree", "alpha", "bodyparts"),
    ),
    ("unlike any labeled pose", "pca", ("epsilon", "bodyparts")),
    ("two networks disagree", "disagreement", ("epsilon", "other", "bodyparts")),
    ("networks of an ensemble spread", "spread", ("epsilon", "bodyparts")),
    ("other cameras see it elsewhere", "reprojection", ("epsilon", "bodyparts")),
    ("some of the frames I name", "list", ("frames",)),
    ("all of the frames I name", "manual", ("frames",)),
)
_USUAL: Mapping[str, Any] = {field.name: field.default for field in dataclasses.fields(Criteria)}
_LONGEST = 10_000_000  # frames; more in one range is a slip of the keyboard


class _OutlierForm(QWidget):
    """Method, its numbers, and how many frames are wanted."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.method = ComboBox(label="wrong if", choices=[(text, name) for text, name, _ in _METHODS])
        self.fields = _fields()
        self.number = SpinBox(label="frames per video", min=1, max=1000, value=20)
        self.choice = ComboBox(
            label="of these, choose", choices=[("some that look different", "kmeans"), ("any", "uniform")]
        )
        self.share = SpinBox(
            label="other frames (%)",
            min=0,
            max=90,
            step=10,
            value=50,
            tooltip="so many of a hundred are taken at random from all frames: a network also errs where nothing looks "
            "wrong",
        )
        self.container = Container(widgets=[self.method, *self.fields.values(), self.number, self.choice, self.share])
        self.container.margins = (0, 0, 0, 0)
        for field in self.container:
            field.native.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        parts = self.fields["bodyparts"].native  # which would claim the space of hundreds of names
        parts.setMinimumWidth(100)
        parts.setMaximumHeight(76)
        parts.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.container.native)
        self.method.changed.connect(self._show_fields)
        self.container.changed.connect(lambda: self.changed.emit())
        self._show_fields()

    @property
    def algorithm(self) -> str:
        """Return the chosen method, as the core calls it."""
        return str(self.method.value)

    @property
    def by_hand(self) -> bool:
        """Tell whether the user names the frames."""
        return self.algorithm in CHOSEN_BY_HAND

    def offer(self, *, bodyparts: Sequence[str], others: Sequence[tuple[str, str]], number: int | None) -> None:
        """Offer bodyparts, networks to compare with (what is said, scorer), and a number of frames, if it is given."""
        self.fields["bodyparts"].choices = list(bodyparts)
        self.fields["other"].choices = list(others)
        self.number.value = self.number.value if number is None else number

    def arguments(self) -> dict[str, object]:
        """Return the arguments of extract_outlier_frames that the form stands for; the network compared is left out.

        Raises:
            ArgumentError: the frames that the user names are no numbers.
        """
        given: dict[str, object] = {
            "outlieralgorithm": self.algorithm,
            "extractionalgorithm": self.choice.value,
            "number_of_frames": self.number.value,
            "random_share": self.share.value / 100,
        }
        for name in _names_of(self.algorithm):
            value = self.fields[name].value
            if name == "bodyparts" and value:
                given["comparisonbodyparts"] = list(value)
            elif name == "frames":
                given["frames"] = list(_frames_in(value))
            elif name not in ("bodyparts", "other"):
                given[name] = value
        return given

    def _show_fields(self) -> None:
        wanted = _names_of(self.algorithm)
        for name, field in self.fields.items():
            field.visible = name in wanted
        self.choice.visible = self.number.visible = self.algorithm != "manual"


def _frames_in(text: str) -> tuple[int, ...]:
    """Read frame numbers such as "12, 40-44".

    Raises:
        ArgumentError: they are no frame numbers.
    """
    numbers: set[int] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, _, last = part.partition("-")
        if not (first.strip().isdecimal() and (not last or last.strip().isdecimal())):
            raise ArgumentError(f"{part!r} is not a frame number; write numbers such as 12, 40-44.")
        begin, end = int(first), int(last or first)
        if not 0 <= end - begin < _LONGEST:
            raise ArgumentError(f"{part!r} is not a range of frames; write the smaller number first.")
        numbers.update(range(begin, end + 1))
    if not numbers:
        raise ArgumentError("No frames are given; write numbers such as 12, 40-44.")
    return tuple(sorted(numbers))


def _names_of(algorithm: str) -> tuple[str, ...]:
    return next(names for _, name, names in _METHODS if name == algorithm)


def _fields() -> Mapping[str, Any]:
    return {
        "epsilon": FloatSpinBox(label="pixels above", value=_USUAL["epsilon"], min=0, max=10_000, step=1),
        "p_bound": FloatSpinBox(label="likelihood below", value=_USUAL["p_bound"], min=0, max=1, step=0.01),
        "ARdegree": SpinBox(label="AR degree", value=_USUAL["ARdegree"], min=1, max=20),
        "MAdegree": SpinBox(label="MA degree", value=_USUAL["MAdegree"], min=0, max=20),
        "alpha": FloatSpinBox(label="alpha", value=_USUAL["alpha"], min=0.001, max=1, step=0.01),
        "other": ComboBox(label="compared with", choices=[]),
        "frames": LineEdit(label="frames", tooltip="such as 12, 40-44"),
        "bodyparts": Select(label="bodyparts", choices=[], tooltip="none selected: all bodyparts"),
    }


# --- outliers ---------------------------------------------------------------------------------------------------------
# Dock 7: find frames in which a network errs, look at them, and extract some to be corrected.


_COMPARED = {  # methods that need nothing to be typed -> what is written beside their lane
    "jump": "jump",
    "uncertain": "unlikely",
    "fitting": "path",
    "pca": "pose",
    "disagreement": "networks",
    "spread": "ensemble",
    "reprojection": "cameras",
}
_WAYS = {name: text for text, name, _ in _METHODS}
_VERBS = ("find_outliers", "extract_outliers", "compare_outliers")
_LANE, _ONE_LANE, _NUMBERS = 24, 58, 36  # pixels of a lane, of the only one, and for frame numbers
_WRONG = "Most of {} looks wrong: correcting single frames will not mend that; label more frames, then train again."
_TRAIL = 5  # frames: enough to see a jump


class OutliersDock(QWidget):
    """Frames that look wrong."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.session: Session = session_of(napari_viewer)
        self.playback = playback_of(self.session)
        self._tables: dict[str, list[FoundPredictions]] = {}  # of each network of this iteration
        self._asked: dict[str, object] | None = None  # arguments with which the suspects were found
        self._suspects: dict[str, Mapping[str, Any]] = {}  # path of a video -> what was found in it
        self._compared: Mapping[str, Any] = {}  # what all methods found, as the child has said it
        self._found_text = ""  # what was found in all of them
        self._offered: Path | None = None  # config.yaml of the project whose usual number of frames was offered
        self.heading = WrappedLabel()
        self.networks = QComboBox()
        self.networks.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.networks.setMinimumContentsLength(12)
        self.networks.currentIndexChanged.connect(self._list_videos)
        self.videos = LowList()
        self.videos.setMaximumHeight(90)
        self.videos.itemChanged.connect(self._clear_found)
        self.videos.currentItemChanged.connect(self._show_found)
        self.form = _OutlierForm()
        self.form.changed.connect(self._clear_found)
        self.find_button = QPushButton("Find frames that look wrong")
        self.find_button.clicked.connect(self.find_frames)
        self.compare_button, self.take_button = (
            QPushButton("Compare all methods"),
            QPushButton("Take the recommended method"),
        )
        self.compare_button.setToolTip("what each method finds, below each other, and which one fits these videos")
        self.compare_button.clicked.connect(self.compare)
        self.take_button.clicked.connect(self.take_suggestion)
        self.label_button = QPushButton("Label more frames instead")
        self.label_button.setToolTip("choose more frames of these videos in 2 Frames")
        self.label_button.clicked.connect(self.label_more)
        self._wrong: list[FoundPredictions] = []  # videos of which most looks wrong
        self.job_line = JobLine(self.session, _VERBS, told=("extract_outliers",))
        self.job_line.ended.connect(self._on_own_job_ended)
        self.sentence = QLabel()
        breathe()  # curves take a moment
        self.timeline = Timeline()
        self.timeline.setFixedHeight(_ONE_LANE)
        self.timeline.frame_chosen.connect(self._show_frame)
        self.before, self.after = QPushButton("◀ previous"), QPushButton("next ▶")
        self.before.clicked.connect(lambda: self._step(-1))
        self.after.clicked.connect(lambda: self._step(1))
        self.extract_button = QPushButton("Extract them for correction")
        self.extract_button.clicked.connect(self.extract)
        for label in (self.heading, self.sentence):
            label.setWordWrap(True)
        self._create_layout()
        self._listing = Postponed(self, self.list_networks)
        self.session.project_changed.connect(self._listing.request)
        self.session.jobs.started.connect(self._update_enabled)
        self.session.jobs.ended.connect(self._on_job_ended)
        self.playback.frame_changed.connect(self._on_frame)
        name_controls(self, "outliers")
        self.list_networks()

    def apply_remedy(self, remedy: Remedy) -> None:
        """Leave everything to the user: which frames look wrong is theirs to say."""

    def list_networks(self) -> None:
        """List the analyzed videos of the project, network by network."""
        project = self.session.project
        self._tables = {} if project is None else own_predictions(project)
        show_choices(self.networks, {scorer: in_words(tables[0]) for scorer, tables in self._tables.items()})
        self._list_videos()

    def find_frames(self) -> None:
        """Let a child judge the checked videos."""
        arguments = self.session.attempt(self._arguments)
        if arguments is None:
            return
        job = self.session.attempt(lambda: self.session.start("find_outliers", arguments))
        if job is not None:
            self._clear_found()
            self._asked = arguments

    def compare(self) -> None:
        """Let a child judge the checked videos by all methods."""
        arguments = self.session.attempt(self._arguments_of_all)
        if arguments is None:
            return
        job = self.session.attempt(lambda: self.session.start("compare_outliers", arguments))
        if job is not None:
            self._clear_found()

    def take_suggestion(self) -> None:
        """Choose the method that fits best, and find frames by it."""
        suggested = self._compared.get("suggested")
        if suggested is not None:
            self.form.method.value = suggested
            self.find_frames()

    def label_more(self) -> None:
        """Go to where more frames are chosen to label, with the videos checked that a network cannot be trusted in."""
        names = (
            None if self.session.project is None else {v: k for k, v in project_videos(self.session.project).items()}
        )
        videos = [names[found.video] for found in self._wrong if names and found.video in names]
        self.session.remedy_requested.emit(Remedy("extract_frames", **({"videos": videos} if videos else {})))

    def extract(self) -> None:
        """Let a child extract some of the frames found, or those that were named."""
        arguments = self.session.attempt(self._arguments) if self.form.algorithm == "manual" else self._asked
        if arguments is not None:
            self.session.attempt(lambda: self.session.start("extract_outliers", arguments))

    def _create_layout(self) -> None:
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.heading)
        form = QFormLayout()
        form.addRow(QLabel("network"))
        form.addRow(self.networks)  # in full width, or its name is cut off
        layout.addLayout(form)
        for widget in (self.videos, self.compare_button, self.form, self.find_button, self.job_line):
            layout.addWidget(widget)
        for below in (self.sentence, self.take_button, self.label_button, self.timeline):
            layout.addWidget(below)
        row = QHBoxLayout()
        row.addWidget(self.before)
        row.addWidget(self.after)
        layout.addLayout(row)
        layout.addWidget(self.extract_button)
        layout.addStretch(1)
        scroll_content(self, content)

    def _list_videos(self) -> None:
        project, scorer = self.session.project, self.networks.currentData()
        self.videos.blockSignals(True)
        self.videos.clear()
        for found in self._tables.get(scorer, []):
            item = QListWidgetItem(found.video.name)
            item.setData(Qt.ItemDataRole.UserRole, found)
            item.setCheckState(Qt.CheckState.Checked)
            self.videos.addItem(item)
        self.videos.setCurrentRow(0)
        self.videos.blockSignals(False)
        if project is not None:
            self.form.offer(
                bodyparts=project.config.bodyparts,
                others=self._others(project, str(scorer)),
                number=None if project.config_path == self._offered else project.config.numframes2pick,
            )
            self._offered = project.config_path
        self._clear_found()

    def _others(self, project: Project, scorer: str) -> list[tuple[str, str]]:
        """List the networks that one can be compared with: those of the same training fraction."""
        network = own_network(project, scorer)
        fractions = {name: own_network(project, name) for name in self._tables if name != scorer}
        return [
            (in_words(self._tables[name][0]), name)
            for name, other in fractions.items()
            if network is not None and other is not None and other.trainingsetindex == network.trainingsetindex
        ]

    def _networks(self, project: Project) -> list[OwnNetwork]:
        """Return the networks that have analyzed videos of the project."""
        return [network for scorer in self._tables if (network := own_network(project, scorer)) is not None]

    def _arguments(self) -> dict[str, object]:
        """Return what the controls say, as arguments of extract_outlier_frames."""
        project, scorer = self.session.require_project(), str(self.networks.currentData())
        network, checked = own_network(project, scorer), self._checked()
        assert network is not None, "only networks of this iteration are listed"
        given = {"videos": [str(found.video) for found in checked], **self.form.arguments()}
        given |= network.arguments
        if self.form.algorithm == "disagreement":
            given |= self._other(project, network, str(self.form.fields["other"].value))
        return given

    def _arguments_of_all(self) -> dict[str, object]:
        """Return what the controls say, as arguments of a comparison of all methods that these videos allow."""
        project, scorer = self.session.require_project(), str(self.networks.currentData())
        network, others = own_network(project, scorer), self._others(project, scorer)
        assert network is not None, "only networks of this iteration are listed"
        methods = ["jump", "uncertain", "pca", "fitting"]
        given: dict[str, object] = {"videos": [str(found.video) for found in self._checked()], **network.arguments}
        given |= {name: self.form.fields[name].value for name in _names_of("fitting") if name != "bodyparts"}
        if self.form.fields["bodyparts"].value:
            given["comparisonbodyparts"] = list(self.form.fields["bodyparts"].value)
        if others:
            given |= self._other(project, network, others[0][1])
            methods.append("disagreement")
        if any(one.ensemble and one.shuffle == network.shuffle for one in self._networks(project)):
            methods.append("spread")
        if project.cameras.is_file():
            methods.append("reprojection")
        return {**given, "methods": methods}

    def _other(self, project: Project, network: OwnNetwork, scorer: str) -> dict[str, object]:
        """Return the arguments that name a network to compare with."""
        other = own_network(project, scorer)
        if other is None:
            return {}
        same = other.shuffle == network.shuffle
        return {"other_snapshots": [other.step]} if same else {"other_shuffles": [other.shuffle]}

    def _checked(self) -> list[FoundPredictions]:
        items = (self.videos.item(row) for row in range(self.videos.count()))
        checked = (item for item in items if item is not None and item.checkState() == Qt.CheckState.Checked)
        return [item.data(Qt.ItemDataRole.UserRole) for item in checked]

    def _chosen(self) -> FoundPredictions | None:
        item = self.videos.currentItem()
        return None if item is None else item.data(Qt.ItemDataRole.UserRole)

    def _clear_found(self) -> None:
        """Forget what was found: something else is asked for now."""
        self._asked, self._suspects, self._compared = None, {}, {}
        self._show_found()

    def _on_own_job_ended(self, job: Job) -> None:
        if job.request.verb == "extract_outliers":
            self._clear_found()
        elif job.request.verb == "compare_outliers":
            self._compared = job.result if job.state == "done" else {}
        elif job.state == "done":
            self._asked = dict(job.request.arguments)
            self._suspects = {str(video["video"]): video for video in job.result["videos"]}
            self._found_text = job.message
        else:
            self._asked = None
        self._show_found()

    def _on_job_ended(self, job: Job) -> None:
        if job.request.verb == "analyze_queue" and job.state == "done":
            self._listing.request()
        self._update_enabled()

    def _show_found(self) -> None:
        """Show what was found in the chosen video, and say it of all."""
        if self._compared:
            self._show_compared()
            return
        found = self._chosen()
        suspects = self._suspects.get(str(found.video)) if found is not None else None
        numbers = sorted({int(candidate["number"]) for candidate in suspects["candidates"]}) if suspects else []
        self.timeline.setFixedHeight(_ONE_LANE)
        if numbers:  # else it is not seen, and drawing it takes a while
            self.timeline.show_video(self._length(suspects, numbers))
        self.timeline.show_marks(np.array(numbers, dtype=np.int64))
        lines = [f"<b>{self._found_text}</b>"] if self._suspects else []
        wrong = found is not None and suspects and is_mostly_wrong({"": numbers}, int(suspects["looked_at"]))
        self._wrong = [found] if found is not None and wrong else []
        lines += [_WRONG.format(one.video.name) for one in self._wrong]
        self.label_button.setVisible(bool(self._wrong))
        self.sentence.setText("<br>".join(lines))
        self.take_button.setVisible(False)
        for widget in (self.timeline, self.before, self.after):
            widget.setVisible(bool(numbers))
        self._update_enabled()

    def _show_compared(self) -> None:
        """Show what each method finds in the chosen video, below each other, and which fits the videos best."""
        chosen, suggested = self._chosen(), self._compared["suggested"]
        of_all = {video["video"]: video for video in self._compared["videos"]}
        video = of_all.get(str(chosen.video)) if chosen is not None else None
        rows = {_COMPARED[name]: numbers for name, numbers in video["found"].items()} if video else {}
        self.timeline.setFixedHeight(_LANE * max(len(rows), 1) + _NUMBERS)
        numbers = sorted({number for several in rows.values() for number in several})
        self.timeline.show_rows(self._length(video, numbers), rows)
        total = sum(len(one["found"].get(suggested, ())) for one in of_all.values())
        lines = ["No method finds a frame that looks wrong."]
        if suggested is not None:
            frames = f"{total:,} of {sum(one['looked_at'] for one in of_all.values()):,} frames"
            lines = [f"<b>Recommended: {_WAYS[suggested]}</b> ({frames})."]
        wrong = {name for name, one in of_all.items() if one["mostly_wrong"]}
        self._wrong = [
            found for found in self._tables.get(self.networks.currentData(), []) if str(found.video) in wrong
        ]
        lines += [_WRONG.format(one.video.name) for one in self._wrong]
        self.label_button.setVisible(bool(self._wrong))
        lines += [f"Not tried: {_WAYS[name]}; {why}" for name, why in self._compared["refused"].items()]
        self.sentence.setText("<br>".join(lines))
        self.take_button.setVisible(suggested is not None)
        self.timeline.setVisible(bool(rows))
        for button in (self.before, self.after):
            button.setVisible(bool(numbers))
        self._update_enabled()

    def _length(self, suspects: Mapping[str, Any] | None, numbers: list[int]) -> int:
        """Count the frames that the timeline has to hold."""
        playing, found = self.playback.predictions, self._chosen()
        if playing is not None and found is not None and self.playback.video == found.video:
            return len(playing.xy)
        return max([int(suspects["looked_at"]) if suspects else 1, *(number + 1 for number in numbers)])

    def _update_enabled(self) -> None:
        """Say what there is, and offer what can be done now."""
        project, checked, manual = self.session.project, self._checked(), self.form.algorithm == "manual"
        if project is None:
            self.heading.setText("Open or create a project first (1 Project).")
        elif not self._tables:
            self.heading.setText("No video has been analyzed in this iteration yet: analyze some (6 Analyze).")
        else:
            self.heading.setText("Choose the videos, and what makes a frame look wrong.")
        idle = all(self.session.jobs.can_start(verb) for verb in _VERBS)
        ready = bool(checked) and idle and (len(checked) == 1 or not self.form.by_hand)
        self.form.setVisible(bool(self._tables))
        self.compare_button.setVisible(bool(self._tables))
        self.compare_button.setEnabled(bool(checked) and idle)
        self.find_button.setVisible(not manual)
        self.find_button.setEnabled(ready)
        wanted = sum(map(_wanted, self._suspects.values()))
        self.extract_button.setEnabled(ready if manual else wanted > 0 and idle)
        self.find_button.setToolTip("" if ready or not checked else "frame numbers belong to one video: check only one")

    def _show_frame(self, frame: int) -> None:
        """Show a frame of the chosen video."""
        found, project = self._chosen(), self.session.project
        if found is None or project is None:
            return
        if self.playback.video != found.video:
            read = self.session.attempt(lambda: in_background(lambda: read_trajectories(project, found)))
            if read is None:
                return
            style = replace(style_of(self.session.look, read.predictions.bodyparts), trail=_TRAIL)
            self.session.attempt(lambda: self.playback.show(found.video, read.predictions, style))
        self.playback.go_to(frame)

    def _step(self, by: int) -> None:
        """Show the suspect after (before with -1) the one that is shown."""
        marks, here = self.timeline.marks, self.timeline.frame
        others = marks[marks > here] if by > 0 else marks[marks < here][::-1]
        if len(others):
            self.timeline.set_frame(int(others[0]))
            self._show_frame(int(others[0]))

    def _on_frame(self, frame: int) -> None:
        found = self._chosen()
        if found is not None and self.playback.video == found.video:
            self.timeline.set_frame(frame)


def _wanted(video: Mapping[str, Any]) -> int:
    """Count the frames of a video that would be extracted."""
    return min(int(video["number_of_frames"]), len(video["fresh"]))
