"""Labels with all that can be undone and redone, as a journal's lines lead to them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce

from posecut_core.errors import LabelError
from posecut_core.labels.edits import Begin, Edit, Identify, Redo, Step, Undo, apply, invert
from posecut_core.labels.state import LabelState


@dataclass(frozen=True, eq=False, repr=False)
class Made:
    """An edit that was made, on top of those before it."""

    edit: Edit
    inverse: Edit
    before: "Made | None"


@dataclass(frozen=True)
class History:
    """A state, and the ways back and forth from it."""

    state: LabelState = field(default_factory=LabelState)
    done: Made | None = None  # what undoing takes back, the last edit on top
    undone: Made | None = None  # what redoing does again

    def after(self, step: Step) -> "History":
        """Return the history after one more line.

        Raises:
            LabelError: the edit cannot be made, or there is nothing to undo or redo.
        """
        match step:
            case Undo():
                if self.done is None:
                    raise LabelError("There is no edit to undo; all that was done to these labels is taken back.")
                top = self.done
                return History(apply(self.state, top.inverse), top.before, Made(top.edit, top.inverse, self.undone))
            case Redo():
                if self.undone is None:
                    raise LabelError("There is no edit to redo; undo one first.")
                top = self.undone
                return History(apply(self.state, top.edit), Made(top.edit, top.inverse, self.done), top.before)
            case Begin():
                return History(apply(self.state, step))
            case Identify():
                return History(apply(self.state, step), self.done, self.undone)
            case _:
                made = Made(step, invert(self.state, step), self.done)
                return History(apply(self.state, step), made)


def replay(steps: Iterable[Step]) -> History:
    """Return the history that edits lead to.

    Raises:
        LabelError: one cannot follow those before it.
    """
    return reduce(History.after, steps, History())


def follow(steps: Iterable[Step]) -> tuple[History, int]:
    """Return the history that the lines of a journal lead to, up to the first that cannot follow, and their number."""
    history, count = History(), 0
    for step in steps:
        try:
            history = history.after(step)
        except LabelError:
            break
        count += 1
    return history, count
