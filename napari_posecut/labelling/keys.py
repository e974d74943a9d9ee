"""The keys and mouse gestures of labelling: one table, which binds them and from which their help is made."""

from dataclasses import dataclass


@dataclass(frozen=True)
class _Gesture:
    """Something that a person does with the mouse, and what it means."""

    gesture: str
    meaning: str


@dataclass(frozen=True)
class Key:
    """A key, and what it does."""

    keys: tuple[str, ...]  # as napari spells them; all of them do the same
    action: str  # name of a method of `Actions` in `layers/canvas.py`
    meaning: str


_GESTURES = (
    _Gesture("click", "place the current bodypart, go on to the next"),
    _Gesture("Shift + click", "the current bodypart is hidden, and must be here"),
    _Gesture("press on a marker, drag", "move it"),
    _Gesture("right click on a marker", "delete it"),
    _Gesture("drag on the image", "move the view"),
    _Gesture("wheel", "zoom"),
)

KEYS = (
    Key(("Enter",), "accept", "accept all proposals, go on"),
    Key(("D", "Right"), "next_frame", "next frame"),
    Key(("A", "Left"), "previous_frame", "previous frame"),
    Key(("Shift-D", "Shift-Right"), "next_open", "next unlabelled frame"),
    Key(("Shift-A", "Shift-Left"), "previous_open", "previous unlabelled frame"),
    Key(("S", "Down"), "next_bodypart", "next bodypart"),
    Key(("W", "Up"), "previous_bodypart", "previous bodypart"),
    Key(("E",), "absent", "the bodypart is not in this frame"),
    Key(("O",), "occluded", "the bodypart is hidden, nobody knows where"),
    Key(("X", "Delete", "Backspace"), "unset", "delete the label under the mouse, or of the current bodypart"),
    Key(("C",), "copy_pose", "propose the pose of the frame before"),
    Key(("Q",), "next_uncertain", "next proposal of low likelihood"),
    Key(("Control-Z",), "undo", "undo, without end"),
    Key(("Control-Shift-Z", "Control-Y"), "redo", "redo"),
    Key(("Z",), "toggle_follow", "follow the animal, or stop following"),
    Key(("H",), "toggle_markers", "hide the markers, or show them"),
    Key(("G",), "ask_frame", "go to a frame by its number"),
    Key(("Control-Delete",), "drop", "take the frame out of training, or back in"),
    Key(("F1",), "toggle_help", "show these keys, or hide them"),
)


def key_help() -> tuple[tuple[str, str], ...]:
    """Return rows of what to do and what it means, for a person to read."""
    gestures = tuple((gesture.gesture, gesture.meaning) for gesture in _GESTURES)
    return gestures + tuple((" or ".join(map(_key_text, key.keys)), key.meaning) for key in KEYS)


def _key_text(key: str) -> str:
    return key.replace("Control", "Ctrl").replace("-", " + ")
