"""Take back edits of a video's labels, and make them again (`undo_labels`, `redo_labels`)."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from posecut_core.errors import ArgumentError, LabelError, Remedy
from posecut_core.formats.deeplabcut.frames import frame_words
from posecut_core.labels.edits import Made, Redo, Undo
from posecut_core.labels.session import LabelSession
from posecut_core.labels.state import LabelState, Point
from posecut_core.project.given import forgiving
from posecut_core.project.opening import chosen_stems, frame_folders, open_project
from posecut_core.results import Summary, counted, first_of


@dataclass(frozen=True)
class UndoneLabels:
    """What became of a video's labels."""

    config_path: Path
    video: str
    changes: tuple[str, ...]  # as "frame 3: snout is placed at (81.5, 40.0)"
    undoable: int  # edits that can still be taken back
    redoable: int  # edits that can be made again

    def summary(self) -> Summary:
        """Say what the labels are now, and how far one can go back and forth."""
        root = self.config_path.parent
        left = f"{counted(self.undoable, 'edit')} can still be undone, {self.redoable} redone"
        steps = (("undo_labels", self.undoable), ("redo_labels", self.redoable))
        following = tuple(Remedy(step, config=root, video=self.video) for step, count in steps if count)
        return Summary(f"{self.video}: {left}.", tuple(first_of(self.changes)), following)


@forgiving
def undo_labels(config: str | os.PathLike[str], video: str, *, steps: int = 1) -> UndoneLabels:
    """Undo the last edits of a video's labels, also changes that were accepted from other programs.

    Args:
        config: path of config.yaml.
        video: name of the project video.
        steps: how many edits; what was done at once is one.

    Raises:
        ArgumentError: `steps` is below 1.
        LabelError: there are fewer edits, somebody edits the labels, or other programs changed them and nobody has
            decided about it; nothing is then undone.
        VideoError: the project has no frames of such a video.
        StorageError: the disk refuses.
    """
    return _step_back_or_forth(config, video, Undo(), steps)


@forgiving
def redo_labels(config: str | os.PathLike[str], video: str, *, steps: int = 1) -> UndoneLabels:
    """Redo the edits of a video's labels that were undone last, unless another was made since.

    Args:
        config: path of config.yaml.
        video: name of the project video.
        steps: how many edits; what was done at once is one.

    Raises:
        ArgumentError, LabelError, VideoError, StorageError: as for `undo_labels`.
    """
    return _step_back_or_forth(config, video, Redo(), steps)


def _step_back_or_forth(config: str | os.PathLike[str], video: str, step: Undo | Redo, steps: int) -> UndoneLabels:
    if steps < 1:
        raise ArgumentError(f"steps is {steps}, expected 1 or more.")
    project = open_project(config)
    (stem,) = chosen_stems((folder.name for folder in frame_folders(project)), [video])
    with LabelSession.open(project, stem) as session:
        session.refuse_outside()
        there = _count(session.history.done if isinstance(step, Undo) else session.history.undone)
        if there < steps:
            what = "undo" if isinstance(step, Undo) else "redo"
            asked = f"{counted(steps, 'edit')} {'was' if steps == 1 else 'were'}"
            raise LabelError(f"{asked} requested, but {stem} has {there} to {what}; nothing was changed.")
        before = session.state
        for _ in range(steps):
            session.apply(step)
        words = frame_words(project, stem, {**before.frames, **session.state.frames})
        changes = _differences(before, session.state, session.columns, words)
        history = session.history
    return UndoneLabels(project.config_path, stem, changes, _count(history.done), _count(history.undone))


def _count(top: Made | None) -> int:
    count = 0
    while top is not None:
        top, count = top.before, count + 1
    return count


def _differences(
    before: LabelState, after: LabelState, columns: Mapping[str, str], words: Mapping[int, str]
) -> tuple[str, ...]:
    """Say what is known now of each bodypart and frame that differs."""
    found = []
    for number in sorted({*before.frames, *after.frames}):
        old, new = before.frame(number), after.frame(number)
        if old.dropped != new.dropped:
            found.append(f"{words[number]} is {'dropped' if new.dropped else 'taken back in'}")
        for part in dict.fromkeys((*columns, *old.points, *new.points)):
            if old.points.get(part) != new.points.get(part):
                found.append(f"{words[number]}: {columns.get(part, part)} is {_spoken(new.points.get(part))}")
    return tuple(found)


def _spoken(point: Point | None) -> str:
    if point is None:
        return "without a label"
    return point.state if point.xy is None else f"{point.state} at ({point.xy[0]:.1f}, {point.xy[1]:.1f})"
