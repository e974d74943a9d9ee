"""A plain model of the labeling, to hold the label store against: dictionaries, and a copy of all of them per edit."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field

from napari_posecut.labeling.labeling import Labeling
from posecut_core.labels.state import Position
from posecut_core.types import FrameRef

Known = tuple[str, Position | None]  # state and position of a bodypart


@dataclass
class Video:
    """What is known of one video's frames."""

    points: dict[tuple[int, str], Known] = field(default_factory=dict)
    dropped: set[int] = field(default_factory=set)


Edit = tuple[Video, int, int]  # the video on its other side, the frame, the number of the edit
Kept = tuple[FrameRef, dict[str, Position | None], tuple[int, int]]  # copies on its other side, edits then


class LabelModel:
    """What a person has said so far, what is proposed, which frame and bodypart the next click is about."""

    def __init__(self, labeling: Labeling) -> None:
        self.frames, self.parts = list(labeling.index.frames), list(labeling.index.columns)
        self.shown, self.chosen, self.paused = self.frames.index(labeling.frame), None, False
        self.videos = {key.video: Video() for key in self.frames}
        self.undone: dict[str, list[Edit]] = {key.video: [] for key in self.frames}
        self.done: dict[str, list[Edit]] = {key.video: [] for key in self.frames}
        self.edits = 0  # of all videos
        self.network: dict[FrameRef, dict[str, Position]] = {}
        self.likelihood = 0.0
        self.copies: dict[FrameRef, dict[str, Position | None]] = {}
        self.kept: list[Kept] = []
        self.taken_back: list[Kept] = []  # since the last change of their video

    @property
    def key(self) -> FrameRef:
        return self.frames[self.shown]

    @property
    def video(self) -> Video:
        return self.videos[self.key.video]

    def known(self, key: FrameRef, part: str) -> Known:
        """Return state and position of a bodypart as they are shown."""
        stored = self.videos[key.video].points.get((key.number, part))
        if stored is not None:
            return stored
        proposed = {**self.network.get(key, {}), **self.copies.get(key, {})}.get(part)
        return ("unset", None) if proposed is None else ("proposed", proposed)

    def keypoints(self, key: FrameRef) -> list[Known]:
        return [self.known(key, part) for part in self.parts]

    @property
    def current(self) -> str | None:
        states = {part: state for part, (state, _) in zip(self.parts, self.keypoints(self.key), strict=True)}
        open_parts = [part for part, state in states.items() if state in ("unset", "proposed")]
        return self.chosen or next((p for p in open_parts if states[p] == "unset"), next(iter(open_parts), None))

    # Edits

    def edit(self, change: Callable[[Video], object], *, dropping: bool = False) -> bool:
        """Change what is known of the shown video, if that is possible; tell whether it was."""
        if self.paused or (self.key.number in self.video.dropped and not dropping):
            return False
        self.edits += 1
        self.done[self.key.video].append((deepcopy(self.video), self.key.number, self.edits))
        self.undone[self.key.video].clear()
        self.forget()
        change(self.video)
        return True

    def decide(self, state: str, xy: Position | None) -> None:
        """Place, hide or leave out the current bodypart."""
        part = self.current
        if part is None:
            return
        was_open = self.known(self.key, part)[0] in ("unset", "proposed")
        if self.edit(lambda video: video.points.update({(self.key.number, part): (state, xy)})):
            self.go_on(was_open=was_open)

    def move(self, part: str, xy: Position) -> None:
        state = self.known(self.key, part)[0]
        state = "placed" if state == "proposed" else state
        self.edit(lambda video: video.points.update({(self.key.number, part): (state, xy)}))

    def unset(self, part: str) -> None:
        if (self.key.number, part) in self.video.points:
            if not self.edit(lambda video: video.points.pop((self.key.number, part))):
                return
            self.copies.setdefault(self.key, {})[part] = None
        elif self.known(self.key, part)[0] == "proposed":
            self.keep()
            self.copies.setdefault(self.key, {})[part] = None
        self.chosen = part

    def accept(self) -> None:
        proposed = {
            part: xy for part in self.parts for state, xy in [self.known(self.key, part)] if state == "proposed"
        }
        labels = {(self.key.number, part): ("placed", xy) for part, xy in proposed.items()}
        if not labels or self.edit(lambda video: video.points.update(labels)):
            self.go_on(was_open=True)

    def drop(self) -> None:
        self.edit(lambda video: video.dropped.symmetric_difference_update({self.key.number}), dropping=True)

    def retrace(self, back: Mapping[str, list[Edit]], forth: Mapping[str, list[Edit]]) -> None:
        """Undo, or, with the lists the other way round, redo."""
        video = self.key.video
        if self.paused or not back[video]:
            return
        state, number, edit = back[video].pop()
        forth[video].append((self.videos[video], number, edit))
        self.videos[video], self.chosen = state, None
        self.shown = self.frames.index(FrameRef(video, number))

    def copy_pose(self) -> None:
        for key in reversed(self.frames[: self.shown]):
            labels = {part: xy for part in self.parts if (xy := self._label(key, part)) is not None}
            if key.video == self.key.video and labels:
                unset = [part for part in labels if self.known(self.key, part)[0] == "unset"]
                if unset:
                    self.keep()
                    self.copies.setdefault(self.key, {}).update({part: labels[part] for part in unset})
                return

    def reject(self) -> None:
        """Reject all that is proposed in the shown frame."""
        if any(state == "proposed" for state, _ in self.keypoints(self.key)):
            self.keep()
            self.copies.setdefault(self.key, {}).update(dict.fromkeys(self.parts))

    def keep(self) -> None:
        """Remember what was copied to the shown frame and rejected there, for `undo`."""
        self.forget()
        self.kept.append((self.key, dict(self.copies.get(self.key, {})), self._edits()))

    def forget(self) -> None:
        """Let `redo` make no copy again that was taken back before a change of the shown video."""
        self.taken_back = [one for one in self.taken_back if one[0].video != self.key.video]

    def _edits(self) -> tuple[int, int]:
        done = self.done[self.key.video]
        return len(done), done[-1][2] if done else 0

    def undo(self) -> None:
        """Take back the pose that was copied or rejected in the video since its last edit, else that edit."""
        if not self._exchange(self.kept, self.taken_back):
            self.retrace(self.done, self.undone)

    def redo(self) -> None:
        """Copy or reject the pose again that was taken back last, else make the edit again."""
        if not self._exchange(self.taken_back, self.kept):
            self.retrace(self.undone, self.done)

    def _exchange(self, back: list[Kept], forth: list[Kept]) -> bool:
        places = [place for place, (key, _, _) in enumerate(back) if key.video == self.key.video]
        if not places or back[places[-1]][2] != self._edits():
            return False
        key, own, edits = back.pop(places[-1])
        forth.append((key, dict(self.copies.get(key, {})), edits))
        self.copies[key] = own
        self.show(self.frames.index(key))
        return True

    def _label(self, key: FrameRef, part: str) -> Position | None:
        return self.videos[key.video].points.get((key.number, part), ("unset", None))[1]

    # Going about

    def show(self, place: int) -> None:
        self.shown, self.chosen = min(max(place, 0), len(self.frames) - 1), None

    def needs_person(self, key: FrameRef) -> bool:
        states = [self.videos[key.video].points.get((key.number, part)) for part in self.parts]
        return key.number not in self.videos[key.video].dropped and None in states

    def next_open(self, by: int = 1) -> None:
        count = len(self.frames)
        places = [(self.shown + by * step) % count for step in range(1, count)]
        found = next((place for place in places if self.needs_person(self.frames[place])), None)
        if found is not None:
            self.show(found)

    def go_on(self, *, was_open: bool) -> None:
        self.chosen = None
        if was_open and all(state not in ("unset", "proposed") for state, _ in self.keypoints(self.key)):
            self.next_open()

    def choose_next(self, by: int) -> None:
        current = self.current
        place = self.parts.index(current) + by if current else 0
        self.chosen = self.parts[place % len(self.parts)]

    def next_uncertain(self, pcutoff: float) -> None:
        """Choose the next proposal of the network, if its likelihood is low."""
        after = self.parts.index(self.chosen) + 1 if self.chosen else 0
        count = len(self.frames)
        starts = [(self.shown, after), *(((self.shown + step) % count, 0) for step in range(1, count)), (self.shown, 0)]
        for place, start in starts if self.likelihood < pcutoff else ():
            key = self.frames[place]
            for part in self.parts[start:]:
                if self.known(key, part)[0] == "proposed" and part not in self.copies.get(key, {}):
                    self.show(place)
                    self.chosen = part
                    return
