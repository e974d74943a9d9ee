"""What helps after an error, in the words of the window: a button that goes to a dock, or what to do outside of it."""

import re
from collections.abc import Mapping, Sequence
from functools import cache

from posecut_core.dataset.settings import TrainingSettings
from posecut_core.errors import PosecutError, Remedy
from posecut_core.progress import Notice
from posecut_core.storage.values import properties

PLACES: Mapping[str, tuple[str, str]] = {  # step -> the dock that does it, what is written on the button
    "create_new_project": ("1 Project", "New project"),
    "add_new_videos": ("1 Project", "Add videos"),
    "edit_bodyparts": ("1 Project", "Edit the bodyparts"),
    "doctor": ("1 Project", "Repair the project"),
    "extract_frames": ("2 Frames", "Extract frames"),
    "label_frames": ("3 Label", "Label frames"),
    "check_labels": ("1 Project", "Check the labels"),
    "merge_labels": ("3 Label", "Look at the labels"),
    "create_training_dataset": ("4 Train", "New training dataset"),
    "train_network": ("4 Train", "Train the network"),
    "evaluate_network": ("5 Evaluate", "Evaluate the network"),
    "cross_validate": ("5 Evaluate", "Cross-validate"),
    "plot_trajectories": ("6 Analyze", "Draw the trajectories"),
    "export_deeplabcut": ("1 Project", "Write images for DeepLabCut"),
    "analyze_videos": ("6 Analyze", "Analyze videos"),
    "filterpredictions": ("6 Analyze", "Filter the predictions"),
    "create_labeled_video": ("6 Analyze", "Create a labeled video"),
    "analyzeskeleton": ("6 Analyze", "Measure the skeleton"),
    "export_model": ("5 Evaluate", "Export the network"),
    "extract_outlier_frames": ("7 Outliers", "Find outlier frames"),
    "find_outlier_frames": ("7 Outliers", "Find outlier frames"),
    "calibrate_cameras": ("10 Cameras", "Read calibrated cameras"),
    "refine_cameras": ("10 Cameras", "Refine the cameras"),
    "triangulate": ("10 Cameras", "Triangulate"),
    "merge_datasets": ("8 Refine", "Start the next iteration"),
    "export_labels": ("1 Project", "Write the labels as a file"),
    "import_labels": ("1 Project", "Take labels from a file"),
    "export_poses": ("9 Results", "Write the predictions as a file"),
    "import_poses": ("9 Results", "Take predictions from a file"),
    "import_project": ("1 Project", "Import a project"),
}
_WITH = {  # step, argument, its value -> what is written on the button then
    ("merge_labels", "take", True): "Take over the changes",
    ("merge_labels", "discard", True): "Discard the changes",
    ("train_network", "weights", "random"): "Train from random weights",
    ("train_network", "weights", "imagenet"): "Train from ImageNet weights",
    ("train_network", "weights", "previous"): "Train from the previous network",
    ("merge_datasets", "unreviewed", "accept"): "Accept all suggestions",
    ("merge_datasets", "unreviewed", "leave"): "Leave suggestions as they are",
    ("analyze_videos", "overwrite", True): "Analyze again",
    ("analyze_videos", "engine", "auto"): "Analyze with engine auto",
    ("analyze_videos", "ensemble", True): "Analyze by several networks",
}
_LONGEST = 40  # characters on a button


# --- words ------------------------------------------------------------------------------------------------------------
# The core names settings, files of the project and packages as a notebook and a shell need them; who looks at a window
# sees fields with labels, and installs nothing there.


_CALLED = {  # a key of config.yaml, a setting or an argument -> the label of its field, or what the window calls it
    "TrainingFraction": "training fraction",
    "trainingsetindex": "number of the training fraction",
    "snapshotindex": "snapshot",
    "video_sets": "videos",
    "default_net_type": "network",
    "outlieralgorithm": "method",
    "dynamic": "tracking crop",
    "skeleton_color": "color of the skeleton",
    **{
        name: name.replace("_", " ")
        for name in ("engine_limits", "max_gap", "max_error", "number_of_frames", "world_points")
    },
}


@cache
def _names() -> tuple[re.Pattern[str], dict[str, str]]:
    """Return what finds these names and those of the settings, and what they are called; bodyparts are other names."""
    settings = properties(TrainingSettings)
    called = _CALLED | {name: about["label"] for name, about in settings.items()}
    known = {name: words for name, words in called.items() if name in _CALLED or name == "maxiters" or "_" in name}
    found = rf"`?(?<![\w./'-])(?:[Ss]etting )?({'|'.join(sorted(known, key=len, reverse=True))})(?![\w/'-])(?!\.\w)`?"
    return re.compile(found), known


_CORNERS = re.compile(r"\bx1, x2, y1, y2\b")  # of a crop, as config.yaml has them
_CALL = re.compile(r" \(\w+_\w+\)")
_FOLDER = r"(?<![\w.])(?:/|[A-Za-z]:\\)[^'\"]*?"
_FILE = re.compile(rf"(?:{_FOLDER})?\b(?:settings|posecut)\.yaml")
_CONFIG = re.compile(rf"{_FOLDER}\bconfig\.yaml")
_INSTALL = re.compile(
    r"(?:install it with:? )?pip install '?(?:posecut\[(?P<extra>\w+)\]|(?P<package>\w+))'?(?: adds it)?"
)


def plain(sentence: str) -> str:
    """Say in the words of the window what the core says: the labels of fields, and no files or commands behind them."""
    sentence = _CALL.sub("", _INSTALL.sub(_who_installs, sentence))
    sentence = _CONFIG.sub("config.yaml", _FILE.sub("the project's file of settings", sentence))
    sentence = _CORNERS.sub("the crop", sentence)
    names, called = _names()
    return names.sub(lambda found: f'"{called[found[1]]}"', sentence).replace("`", "")


_STEP = re.compile(rf"`?(?<![\w.-])({'|'.join(sorted(PLACES, key=len, reverse=True))})(?![\w-])`?")
_MEANT = {"null": "empty", "`seeds`": "the number of networks", "kmeans": "k-means"}  # as fields have it


def hint(meaning: str, labels: Mapping[str, str]) -> str:
    """Say of a field what the core says of an argument or a setting.

    Args:
        meaning: of the argument.
        labels: argument -> the label of its field, of the form that the field belongs to.
    """
    for name, meant in {**_MEANT, **{name: f'"{label}"' for name, label in labels.items() if "_" in name}}.items():
        meaning = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", meant, meaning)
    meaning = _STEP.sub(lambda found: f'"{PLACES[found[1]][1]}"', meaning)
    return plain(meaning).replace(" in config.yaml", " of the project").replace("config.yaml's", "the project's")


def _who_installs(found: re.Match[str]) -> str:
    named = f'its extra "{found["extra"]}"' if found["extra"] else f"the package {found['package']}"
    return f"who installed PoseCut can add {named}"


# --- remedies ---------------------------------------------------------------------------------------------------------
# A remedy is a button that goes to a dock, or a place in the window where there is no room for one.


def button_text(remedy: Remedy) -> str | None:
    """Return what is written on the button of a remedy; None where no dock does it."""
    if remedy.step not in PLACES:
        return None
    special = (
        _WITH.get((remedy.step, name, value))
        for name, value in remedy.arguments.items()
        if isinstance(value, str | bool)
    )
    text = next(filter(None, special), None) or _detailed(remedy) or PLACES[remedy.step][1]
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def in_window(error: PosecutError | Notice) -> str:
    """Say what happened and where in the window it is mended, where there is no room for a button."""
    return worded(_sentence(error.text) if isinstance(error, Notice) else str(error), error.remedies)


def _sentence(text: str) -> str:
    """Write a notice, which is a heading in the shell, as a sentence; the name of a file keeps its first letter."""
    first = text.partition(" ")[0]
    text = f"{text[:1].upper()}{text[1:]}" if first.isalpha() else text
    return text if text.endswith((".", "!", "?", ":")) else f"{text}."


def worded(sentence: str, remedies: Sequence[Remedy]) -> str:
    """Add to a sentence where in the window each remedy is, or how it is called in Python where no dock has it."""
    places, sentence = dict.fromkeys(map(_place, remedies)), plain(sentence)
    return f"{sentence.removesuffix('.')}. Here: {'; or '.join(places)}." if places else sentence


def without_buttons(remedies: Sequence[Remedy]) -> tuple[Remedy, ...]:
    """Return those of the remedies that no dock has."""
    return tuple(remedy for remedy in remedies if button_text(remedy) is None)


def _place(remedy: Remedy) -> str:
    text = button_text(remedy)
    if text is None:
        return f"close this project, and in Python {remedy}"
    return f"{PLACES[remedy.step][0]} ({text})"


def _detailed(remedy: Remedy) -> str | None:
    """Say what exactly a button does that needs no more from the user."""
    frames, rename, add = (remedy.arguments.get(name) for name in ("frames", "rename", "add"))
    if remedy.step == "label_frames" and isinstance(frames, list) and frames:
        return f"Go to frame {frames[0]}"
    if remedy.step == "extract_frames" and isinstance(frames, list) and frames:
        return f"Extract frame {frames[0]}" if len(frames) == 1 else f"Extract these {len(frames)} frames"
    if remedy.step == "extract_frames" and "seed" in remedy.arguments:
        return "Choose different frames"
    if remedy.step in ("import_labels", "import_poses", "import_project") and "animal" in remedy.arguments:
        return f"Take those of {remedy.arguments['animal']}"
    if remedy.step == "train_network" and "weights" in remedy.arguments:
        return "Train from a file"
    if remedy.step == "calibrate_cameras" and isinstance(rename, Mapping):
        return "Rename the cameras"
    if remedy.step == "edit_bodyparts" and isinstance(rename, Mapping) and rename:
        return f"Rename {', '.join(f'{old} to {new}' for old, new in rename.items())}"
    if remedy.step == "edit_bodyparts" and isinstance(add, list) and add:
        return f"Add {', '.join(map(str, add))}"
    return None
