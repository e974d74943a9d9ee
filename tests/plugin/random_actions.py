"""Whatever a person may do at the labeling, in any order, at a real window, beside a plain model of it."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import napari
import numpy as np
from hypothesis import stateful, strategies
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QPushButton

from napari_posecut.labeling.keypoints import Proposal
from napari_posecut.labeling.keys import KEYS
from napari_posecut.layers.canvas import _REACH
from napari_posecut.session import session_of
from napari_posecut.widgets.flow import FlowBar
from posecut_core.labels.state import Position
from posecut_core.labels.store import read_labels
from tests.plugin.hand import CONTROL, NONE, RIGHT, SHIFT, Hand
from tests.plugin.label_model import LabelModel
from tests.plugin.wandering import Wanderer, is_tidy, nobody_answers
from tests.plugin.widgets.fake_jobs import FakeJobs

EDGE = 12.0  # pixels of the picture in which nobody clicks
_RADIUS = 5.0  # screen pixels of a marker
SIZE = 256.0  # of the pictures of the sample
places = strategies.tuples(*[strategies.floats(EDGE, SIZE - EDGE)] * 2)
parts = strategies.integers(0, 6)
ways = strategies.sampled_from(
    ("stage", "tab", "button", "box", "number", "slider", "row", "view", "menu", "layer", "float", "close", "theme")
)
steps = strategies.tuples(ways, strategies.integers(0, 9_999))
_EDITS = ("accept", "absent", "occluded", "unset", "copy_pose", "reject", "undo", "redo", "drop")
actions = strategies.sampled_from([key.action for key in KEYS if key.action != "ask_frame"])


class Actions(stateful.RuleBasedStateMachine):
    """The machine; `window` and `stock` are set before it runs."""

    window: tuple[napari.Viewer, FlowBar]
    stock: Path  # folder of the project that each run copies
    count = 0  # actions of all runs

    def __init__(self) -> None:
        super().__init__()
        self.viewer, self.bar = self.window
        self.folder = tempfile.TemporaryDirectory(prefix="posecut-actions-")
        shutil.copytree(self.stock, Path(self.folder.name) / "project", symlinks=True)
        self.config = next(Path(self.folder.name).glob("project/*/config.yaml"))
        self.session = session_of(self.viewer)
        self.session.jobs = FakeJobs()
        self.session.open(self.config)
        self.dock = self.bar.open("3 Label")
        self.wanderer = Wanderer(self.bar, self.viewer)
        QApplication.processEvents()
        self.model = LabelModel(self.session.labeling)
        self.hand = Hand(self.viewer)

    # With the mouse

    @stateful.rule(xy=places, shift=strategies.booleans())
    def click(self, xy: Position, shift: bool) -> None:
        place = self._reach(xy)
        if self._is_unclear(place):
            return
        held, current, may_edit = self._held(place), self.model.current, self._may_edit()
        self.hand.click(place, modifier=SHIFT if shift else NONE)
        if not self._visible:
            return
        is_other = held is not None and current is not None and held != current
        if is_other and self._is_open(current) and not self._hits(held, place):
            held = None
        if held is not None and self.model.known(self.model.key, held)[0] == "proposed" and not shift:
            if may_edit:
                self.model.move(held, self.model.known(self.model.key, held)[1])
        elif held is not None and (current is None or not self._is_open(current)):
            self.model.chosen = held
        elif may_edit:
            self.model.decide("occluded" if shift else "placed", place)

    @stateful.rule(part=parts, xy=places)
    def drag_marker(self, part: int, xy: Position) -> None:
        start = self.model.keypoints(self.model.key)[part][1]
        if start is None or not self._visible:
            return
        start, end = self._reach(start), xy
        held = self._held(start)
        far = np.abs(np.subtract(end, start)).max() * self.viewer.scene.camera.zoom
        if self._is_unclear(start) or held is None or far < 8 or not self._on_canvas(end):
            return
        may_edit = self._may_edit()
        self.hand.drag(start, end)
        if may_edit:
            self.model.move(held, end)

    @stateful.rule(start=places, end=places)
    def drag_image(self, start: Position, end: Position) -> None:
        start = self._reach(start)
        far = np.abs(np.subtract(end, start)).max() * self.viewer.scene.camera.zoom
        if self._held(start) is None and not self._is_unclear(start) and far > 8 and self._on_canvas(end):
            self.hand.drag(start, end)

    @stateful.rule(part=parts)
    def right_click(self, part: int) -> None:
        xy = self.model.keypoints(self.model.key)[part][1]
        if xy is None or not self._visible:
            return
        place = self._reach(xy)
        if not self._is_unclear(place):
            may_edit = self._may_edit()
            self.hand.click(place, button=RIGHT)
            if may_edit:
                self.model.unset(self._held(place))

    @stateful.rule(xy=places, steps=strategies.integers(-2, 2))
    def wheel(self, xy: Position, steps: int) -> None:
        self.hand.wheel(self._reach(xy), steps)

    # With keys, buttons and lists

    @stateful.rule(action=actions, which=strategies.integers(0, 2))
    def key(self, action: str, which: int) -> None:
        self._hover_nowhere()
        self._select_ours()
        spellings = next(key.keys for key in KEYS if key.action == action)
        *modifiers, name = spellings[which % len(spellings)].split("-")
        modifier = NONE
        for held in modifiers:
            modifier |= {"Shift": SHIFT, "Control": CONTROL}[held]
        self.hand.key(getattr(Qt.Key, f"Key_{name.replace('Enter', 'Return')}"), modifier)
        self._expect(action)

    @stateful.rule(action=strategies.sampled_from(["accept", "undo", "redo", "absent", "occluded", "unset", "drop"]))
    def button(self, action: str) -> None:
        from napari_posecut.widgets.docks.label import _BUTTONS

        self._hover_nowhere()
        text = next(text for text, method, _ in _BUTTONS if method == action)
        next(button for button in self.dock.findChildren(QPushButton) if button.text() == text).click()
        if self.session.canvas is not None:
            self._expect(action)

    @stateful.rule(place=strategies.integers(0, 5))
    def go_to(self, place: int) -> None:
        key = self.model.frames[place]
        self.session.show_frame(key.video, key.number)
        self.model.show(place)

    @stateful.rule(part=parts)
    def choose(self, part: int) -> None:
        self.dock.bodyparts.itemClicked.emit(self.dock.bodyparts.topLevelItem(part), 0)
        self.model.chosen = self.model.parts[part]

    # What others do

    @stateful.rule(xy=places, likelihood=strategies.floats(0, 1), some=strategies.sets(parts))
    def propose(self, xy: Position, likelihood: float, some: set[int]) -> None:
        names = [self.model.parts[part] for part in sorted(some)]
        pose = {part: ((xy[0] + 17 * n) % SIZE, xy[1]) for n, part in enumerate(names)}
        self.model.network, self.model.likelihood = dict.fromkeys(self.model.frames, pose), likelihood
        proposed = {part: Proposal(place, likelihood, "net", 10) for part, place in pose.items()}
        self.session.labeling.proposals.set_network(dict.fromkeys(self.model.frames, proposed))
        self.session.labeling.keypoints_changed.emit()

    @stateful.rule()
    def pause(self) -> None:
        self.session.attempt(self.session.labeling.pause)
        self.model.paused = True

    @stateful.rule()
    def refresh(self) -> None:
        self.session.refresh()
        self.model.paused, self.model.chosen = False, None

    @stateful.rule()
    def hide_and_show(self) -> None:
        self.session.hide_labels()
        QApplication.processEvents()
        self.session.show_labels()

    @stateful.rule(ours=strategies.sampled_from(("image", "skeleton", "points")))
    def delete_layer(self, ours: str) -> None:
        self.viewer.layers.remove(getattr(self.session.canvas, ours))
        QApplication.processEvents()
        self.session.show_frame(self.model.key.video, self.model.key.number)
        self.model.chosen = None

    @stateful.rule()
    def other_layer(self) -> None:
        layer = self.viewer.add_points([[3.0, 4.0]], name="other")
        self.viewer.layers.selection = {layer}
        QApplication.processEvents()
        self.viewer.layers.remove(layer)

    @stateful.rule()
    def turn_dims(self) -> None:
        self.viewer.dims.ndisplay = 3
        QApplication.processEvents()
        self.hand.click((SIZE / 2, SIZE / 2))  # places nothing: nobody sees where
        self.viewer.dims.ndisplay = 2
        self.viewer.reset_view()

    # In all other docks, layers and menus

    @stateful.rule(
        ways=strategies.lists(strategies.tuples(ways, strategies.integers(0, 9_999)), min_size=5, max_size=30)
    )
    def wander(self, ways: list[tuple[str, int]]) -> None:
        with nobody_answers():
            for way, number in ways:
                self.wanderer.do(way, number)
                type(self).count += 1
        self.wanderer.come_back()
        self.dock = self.bar.open("3 Label")
        assert is_tidy(self.bar, self.viewer), ways
        self.model.paused, self.model.chosen = False, None

    # What must be true

    @stateful.invariant()
    def same(self) -> None:
        """The window, and the label store as another program reads it, say what the model says."""
        type(self).count += 1
        QApplication.processEvents()
        labeling = self.session.labeling
        assert labeling.frame == self.model.key
        assert (labeling.current.bodypart if labeling.current else None) == self.model.current
        for key in self.model.frames:
            assert (key.number in self.model.videos[key.video].dropped) == labeling.index.frame(key).dropped
            for part, keypoint in zip(self.model.parts, labeling.keypoints_of(key), strict=True):
                state, xy = self.model.known(key, part)
                assert keypoint.state == state, (key, part)
                self._compare(key, part, keypoint.xy, xy)
        if self.session.canvas is not None:
            shown = [xy is not None for _, xy in self.model.keypoints(self.model.key)]
            assert self.session.canvas.points.shown.tolist() == shown

    def teardown(self) -> None:
        """Close the project, and read what is on disk."""
        project = self.session.project
        self.session.close()
        QApplication.processEvents()
        for video, known in self.model.videos.items():
            table = read_labels(project, video)
            expected = {number for number, _ in known.points if number not in known.dropped}
            assert set(table.numbers.tolist()) == expected
        self.folder.cleanup()

    def _compare(self, key: object, part: str, found: Position | None, xy: Position | None) -> None:
        assert (found is None) == (xy is None), (key, part)
        if found is not None and found != xy:  # a pixel of the screen is the least that a mouse moves
            assert np.abs(np.subtract(found, xy)).max() < 1.01 / self._coarsest, (key, part, found, xy)
            for known in (self.model.videos[key.video].points, self.model.copies.get(key, {})):
                self._adopt(known, (key.number, part), part, found)

    @property
    def _coarsest(self) -> float:
        return min(self.viewer.scene.camera.zoom, 0.5)

    def _adopt(self, known: dict, stored: object, part: str, found: Position) -> None:
        if stored in known:
            known[stored] = (known[stored][0], found)
        elif part in known:
            known[part] = found

    def _expect(self, action: str) -> None:
        model = self.model
        if action in _EDITS and not self._may_edit():
            return
        pcutoff = self.session.project.config.pcutoff
        unset: Callable[[], object] = (lambda: model.unset(model.current)) if model.current else (lambda: None)
        expected: dict[str, Callable[[], object]] = {
            "accept": model.accept,
            "next_frame": lambda: model.show(model.shown + 1),
            "previous_frame": lambda: model.show(model.shown - 1),
            "next_open": model.next_open,
            "previous_open": lambda: model.next_open(-1),
            "next_bodypart": lambda: model.choose_next(1),
            "previous_bodypart": lambda: model.choose_next(-1),
            "absent": lambda: model.decide("absent", None),
            "occluded": lambda: model.decide("occluded", None),
            "unset": unset,
            "copy_pose": model.copy_pose,
            "reject": model.reject,
            "next_uncertain": lambda: model.next_uncertain(pcutoff),
            "undo": model.undo,
            "redo": model.redo,
            "drop": model.drop,
        }
        expected.get(action, lambda: None)()

    # Where things are

    @property
    def _visible(self) -> bool:
        return self.session.canvas.points.visible

    def _is_open(self, part: str) -> bool:
        return self.model.known(self.model.key, part)[0] in ("unset", "proposed")

    def _distances(self, xy: Position) -> dict[str, float]:
        zoom = self.viewer.scene.camera.zoom
        keypoints = zip(self.model.parts, self.model.keypoints(self.model.key), strict=True)
        return {part: zoom * float(np.hypot(*np.subtract(at, xy))) for part, (_, at) in keypoints if at is not None}

    def _held(self, xy: Position) -> str | None:
        near = {part: distance for part, distance in self._distances(xy).items() if distance <= _REACH}
        return min(near, key=lambda part: (part != self.model.current, near[part]), default=None)

    def _hits(self, part: str, xy: Position) -> bool:
        return self._distances(xy)[part] <= _RADIUS

    def _may_edit(self) -> bool:
        """Tell whether markers are seen, and no layer of others is selected, to which a click or a key would belong."""
        active = self.viewer.layers.selection.active
        return self._visible and (active is None or active in self.session.canvas.layers)

    def _is_unclear(self, xy: Position) -> bool:
        """Tell whether rounding to pixels decides which marker is meant."""
        distances = sorted(self._distances(xy).values())
        close = [distance for distance in distances if distance < _REACH + 2]
        at_edge = any(abs(distance - edge) < 2 for distance in distances for edge in (_REACH, _RADIUS))
        return at_edge or len(close) > 1

    def _on_canvas(self, xy: Position) -> bool:
        return self.hand.canvas.rect().adjusted(4, 4, -4, -4).contains(self.hand.place(xy))

    def _reach(self, xy: Position) -> Position:
        """Make sure that a place can be clicked, as a person would who does not see it."""
        if not self._on_canvas(xy):
            self.viewer.reset_view()
            QApplication.processEvents()
        return xy

    def _hover_nowhere(self) -> None:
        """Move the mouse away from all markers, so that X means the current bodypart."""
        self.viewer.reset_view()
        QApplication.processEvents()
        self.hand.hover((-40.0, -40.0))

    def _select_ours(self) -> None:
        self.viewer.layers.selection = {self.session.canvas.points}
        self.hand.canvas.setFocus()
