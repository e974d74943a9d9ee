"""The keys and mouse gestures of labeling: one table, which binds them and from which their help is made."""

from dataclasses import dataclass


@dataclass(frozen=True)
class _Gesture:
    """Something that the user does with the mouse, and what it means."""

    gesture: str
    meaning: str


@dataclass(frozen=True)
class Key:
    """A key, and what it does."""

    keys: tuple[str, ...]  # as napari spells them; all of them do the same
    action: str  # name of a method of `Actions` in `layers/canvas.py`
    meaning: str


_GESTURES = (
    _Gesture("click", "place the current bodypart and select the next one"),
    _Gesture("Shift + click", "place the current bodypart as hidden"),
    _Gesture("drag a marker", "move it"),
    _Gesture("right click on a marker", "delete it"),
    _Gesture("Alt + drag", "move all suggestions together, such as a copied pose"),
    _Gesture("Alt + Shift + drag", "turn all suggestions about their middle"),
    _Gesture("drag on the image", "move the view"),
    _Gesture("wheel", "zoom"),
)

KEYS = (
    Key(("Enter",), "accept", "accept all suggestions and go on"),
    Key(("D", "Right"), "next_frame", "next frame"),
    Key(("A", "Left"), "previous_frame", "previous frame"),
    Key(("Shift-D", "Shift-Right"), "next_open", "next unlabeled frame"),
    Key(("Shift-A", "Shift-Left"), "previous_open", "previous unlabeled frame"),
    Key(("S", "Down"), "next_bodypart", "next bodypart"),
    Key(("W", "Up"), "previous_bodypart", "previous bodypart"),
    Key(("E",), "absent", "mark the bodypart as absent from this frame"),
    Key(("O",), "occluded", "mark the bodypart as hidden, at an unknown position"),
    Key(("X", "Delete", "Backspace"), "unset", "delete the label under the mouse, or that of the current bodypart"),
    Key(("Shift-X", "Shift-Delete"), "reject", "reject all suggestions of the frame"),
    Key(("C",), "copy_pose", "suggest the pose of the last labeled frame"),
    Key(("Q",), "next_uncertain", "next suggestion of low likelihood"),
    Key(("Control-Z",), "undo", "undo, without limit"),
    Key(("Control-Shift-Z", "Control-Y"), "redo", "redo"),
    Key(("Z",), "toggle_follow", "zoom to the animal in each frame, on or off"),
    Key(("H",), "toggle_markers", "hide or show the markers"),
    Key(("N",), "toggle_names", "show or hide the names of bodyparts at their markers"),
    Key(("G",), "ask_frame", "go to a frame by its number"),
    Key(("M",), "ask_note", "write a note on the frame; Enter keeps it"),
    Key(("Control-Delete",), "drop", "drop the frame from training, or restore it"),
    Key(("F1",), "toggle_help", "show or hide this list"),
    Key(("Escape",), "close_help", "hide this list"),
)


def key_help() -> tuple[tuple[str, str], ...]:
    """Return rows of what to do and what it means, for the user to read."""
    gestures = tuple((gesture.gesture, gesture.meaning) for gesture in _GESTURES)
    return gestures + tuple((" or ".join(map(_key_text, key.keys)), key.meaning) for key in KEYS)


def _key_text(key: str) -> str:
    return key.replace("Control", "Ctrl").replace("-", " + ")
