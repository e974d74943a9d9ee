"""Labels with all that can be undone and redone, as a journal's lines lead to them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

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
    """Return the history that the lines of a journal lead to.

    Raises:
        LabelError: a line cannot follow the one before it.
    """
    history = History()
    for step in steps:
        history = history.after(step)
    return history
