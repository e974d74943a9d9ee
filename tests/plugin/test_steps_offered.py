"""The window offers every step that the shell has."""

from napari_posecut.jobs.verbs import VERBS as CHILDREN
from napari_posecut.jobs.verbs import title_of
from napari_posecut.remedies import PLACES
from posecut_core.cli.verbs import VERBS
from posecut_core.steps import arguments_of
from tests.structure.source import ROOT

# What has no place in a dock, and why.
WITHOUT_PLACE = {
    "demo": "draws a project of its own; File > Open Sample has a smaller one",
    "label": "opens this window",
    "live": "a camera that runs for hours needs no window",
    "benchmark": "measures a computer, not a project",
    "undo_labels": "Ctrl + Z",
    "redo_labels": "Ctrl + Y",
}
# Where the window lets one choose what computes a step, and by which network.
CHOSEN_IN = {
    ("train_network", "gputouse"): "train.devices.fields.gputouse",
    ("evaluate_network", "snapshots"): "evaluate.evaluating.fields.snapshots",
    ("export_model", "snapshot"): "evaluate.exporting.fields.snapshot",
    **dict.fromkeys(
        (
            (step, "snapshot")
            for step in ("analyze_videos", "filterpredictions", "analyzeskeleton", "plot_trajectories")
        ),
        "analyze.analysis.fields.snapshot",
    ),
    ("create_labeled_video", "snapshot"): "results.networks",
    ("export_poses", "snapshot"): "results.networks",
    ("export_deeplabcut", "snapshot"): "results.networks",
    ("extract_outlier_frames", "snapshot"): "outliers.networks",
    ("triangulate", "snapshot"): "cameras.networks",
    ("refine_cameras", "snapshot"): "cameras.networks",
}
NAMES = ROOT / "tests" / "data" / "window_controls.txt"


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


def test_every_device_and_snapshot_can_be_chosen():
    """A step of the window that takes one has a control for it."""
    taken = {
        (step, argument.parameter)
        for step in (verb.replace("-", "_") for verb in VERBS)
        if step not in WITHOUT_PLACE
        for argument in arguments_of(step)
        if argument.parameter in ("gputouse", "snapshot", "snapshots")
    }
    assert taken == CHOSEN_IN.keys()
    assert set(CHOSEN_IN.values()) <= set(NAMES.read_text(encoding="utf-8").splitlines())


def test_what_takes_long_and_is_offered_is_a_verb_of_a_child():
    """The steps that read and write files of other programs run beside the window."""
    foreign = {"export_labels", "import_labels", "export_poses", "import_poses", "import_project"}
    assert foreign <= CHILDREN.keys()
    assert all(title_of(verb) != verb.replace("_", " ") for verb in foreign)
