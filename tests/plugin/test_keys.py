"""The table of keys."""

from collections import Counter

from napari.utils.key_bindings import coerce_keybinding

from napari_posecut.labeling.keys import _GESTURES, KEYS, key_help
from napari_posecut.layers.canvas import Actions
from napari_posecut.widgets.docks.label import _BUTTONS


def test_every_key_has_its_action():
    """The methods that the table and the buttons name exist."""
    names = [key.action for key in KEYS] + [action for _, action, _ in _BUTTONS]
    assert [name for name in names if not callable(getattr(Actions, name, None))] == []


def test_no_key_does_two_things():
    """No key and no action is in the table twice."""
    spelled = Counter(str(coerce_keybinding(spelling)) for key in KEYS for spelling in key.keys)
    assert [name for name, times in spelled.items() if times > 1] == []
    assert len({key.action for key in KEYS}) == len(KEYS)


def test_napari_understands_every_key():
    """Each spelling is a key for napari, with the modifiers that are meant."""
    for key in KEYS:
        for spelling in key.keys:
            parts = coerce_keybinding(spelling).parts
            assert len(parts) == 1
            assert str(parts[0].key) != "unknown", spelling
            assert (parts[0].shift, parts[0].ctrl) == ("Shift" in spelling, "Control" in spelling)


def test_help_has_a_line_for_each():
    """The help lists every gesture and every key, as keyboards are labeled."""
    rows = key_help()
    assert len(rows) == len(_GESTURES) + len(KEYS)
    assert ("Ctrl + Shift + Z or Ctrl + Y", "redo") in rows
    assert [row for row in rows if not all(row)] == []


def test_buttons_name_their_keys():
    """The key that a button's tooltip names is the one that does the same."""
    help_of = {key.action: row[0].split(" or ") for key, row in zip(KEYS, key_help()[len(_GESTURES) :], strict=True)}
    assert [text for text, action, key in _BUTTONS if key not in help_of[action]] == []
