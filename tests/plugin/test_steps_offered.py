"""The window offers every step that the shell has."""

from napari_posecut.remedies import PLACES
from posecut_core.cli.verbs import VERBS
from tests.structure.source import ROOT

# What has no place in a dock, and why.
WITHOUT_PLACE = {
    "demo": "draws a project of its own; File > Open Sample has a smaller one",
    "label": "opens this window",
    "live": "a camera that runs for hours needs no window",
    "benchmark": "measures a computer, not a project",
    **dict.fromkeys(
        ("export_labels", "import_labels", "export_poses", "import_poses", "import_project"), "not in the window yet"
    ),
    "undo_labels": "Ctrl + Z",
    "redo_labels": "Ctrl + Y",
}


def test_every_verb_of_the_shell_has_its_place():
    """A step that is added to the shell is missed here until a dock has it."""
    steps = {verb.replace("-", "_") for verb in VERBS}
    assert steps - PLACES.keys() - WITHOUT_PLACE.keys() == set()
    assert WITHOUT_PLACE.keys() <= steps


def test_every_place_is_one():
    """The window's sources name each step that a button of a remedy leads to."""
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "napari_posecut").rglob("*.py")]
    code = "".join(source for source in sources if "PLACES: Mapping" not in source)
    named = {"create_training_dataset": "create_dataset_and_train", "train_network": "create_dataset_and_train"}
    named |= {
        "add_new_videos": "add_videos",
        "extract_outlier_frames": "extract_outliers",
        "label_frames": "show_frame",
    }
    assert [step for step in PLACES if named.get(step, step) not in code] == []
