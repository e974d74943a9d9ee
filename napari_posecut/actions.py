"""What keys and buttons do to a labelling in its window; `keys.KEYS` names these methods."""

from psygnal import Signal

from napari_posecut.canvas import Attempt, Canvas, Tell
from napari_posecut.keys import KEYS
from napari_posecut.labelling import Labelling


class Actions:
    """One method per key; refusals are told, not raised, as is where there is nothing to go to."""

    frame_asked = Signal()  # the person wants to type a frame's number
    help_asked = Signal()

    def __init__(self, labelling: Labelling, canvas: Canvas, attempt: Attempt, tell: Tell) -> None:
        self.labelling = labelling
        self.canvas = canvas
        self._attempt, self._tell = attempt, tell

    def accept(self) -> None:
        """Accept all proposals and go on."""
        self.canvas.edit(self.labelling.accept)

    def next_frame(self) -> None:
        """Show the next frame."""
        self._attempt(lambda: self.labelling.step(1))

    def previous_frame(self) -> None:
        """Show the frame before."""
        self._attempt(lambda: self.labelling.step(-1))

    def next_open(self) -> None:
        """Show the next frame that needs a person."""
        self._attempt(lambda: self._tell_done(self.labelling.next_open()))

    def previous_open(self) -> None:
        """Show the frame before that needs a person."""
        self._attempt(lambda: self._tell_done(self.labelling.next_open(-1)))

    def next_bodypart(self) -> None:
        """Choose the next bodypart."""
        self.labelling.choose_next(1)

    def previous_bodypart(self) -> None:
        """Choose the bodypart before."""
        self.labelling.choose_next(-1)

    def absent(self) -> None:
        """Say that the current bodypart is not in the frame."""
        self.canvas.edit(self.labelling.mark_absent)

    def occluded(self) -> None:
        """Say that the current bodypart is hidden somewhere."""
        self.canvas.edit(self.labelling.occlude)

    def unset(self) -> None:
        """Delete the label under the mouse; without one, that of the current bodypart."""
        mark = self.canvas.mark_under_mouse() or self.labelling.current
        if mark is not None:
            self.canvas.edit(lambda: self.labelling.unset(mark.bodypart))

    def copy_pose(self) -> None:
        """Propose the pose of the frame before."""
        self.canvas.edit(self.labelling.copy_pose)

    def next_doubtful(self) -> None:
        """Go to the next proposal of low likelihood."""
        pcutoff = self.labelling.browser.project.config.pcutoff
        found = self._attempt(lambda: self.labelling.next_doubtful(pcutoff))
        if found:
            self.canvas.look_at_animal()
        else:
            self._tell(f"No proposal has a likelihood below the pcutoff, {pcutoff:g}.")

    def undo(self) -> None:
        """Undo."""
        self._attempt(self.labelling.undo)

    def redo(self) -> None:
        """Redo."""
        self._attempt(self.labelling.redo)

    def toggle_follow(self) -> None:
        """Follow the animal, or stop following."""
        self.canvas.follows = not self.canvas.follows
        if self.canvas.follows:
            self.canvas.look_at_animal()
        else:
            self.canvas.viewer.reset_view()

    def toggle_markers(self) -> None:
        """Hide the markers and the skeleton, or show them."""
        shown = not self.canvas.points.visible
        self.canvas.points.visible = self.canvas.skeleton.visible = shown

    def drop(self) -> None:
        """Take the frame out of training, or back in."""
        self._attempt(self.labelling.drop)

    def ask_frame(self) -> None:
        """Let the person type a frame's number."""
        self.frame_asked.emit()

    def toggle_help(self) -> None:
        """Show the keys, or hide them."""
        self.help_asked.emit()

    def _tell_done(self, found: bool) -> None:
        if not found:
            self._tell("Every other frame is done.")


def bind(actions: Actions) -> None:
    """Bind the table of keys in the viewer, and in the layers, whose own keys would come first."""
    for key in KEYS:
        method = getattr(actions, key.action)
        for spelled in key.keys:
            for owner in (actions.canvas.viewer, *actions.canvas.layers):
                owner.bind_key(spelled, lambda _, method=method: method(), overwrite=True)


def unbind(actions: Actions) -> None:
    """Give the viewer's keys back."""
    for key in KEYS:
        for spelled in key.keys:
            actions.canvas.viewer.bind_key(spelled, None, overwrite=True)
