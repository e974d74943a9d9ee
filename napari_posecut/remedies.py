"""What helps after an error, in the words of the window: the dock to use, or what to do outside of it."""

from collections.abc import Sequence

from posecut_core.errors import PosecutError, Remedy
from posecut_core.progress import Notice

PLACES = {
    "create_new_project": "1 Project, 'Create the project'",
    "add_new_videos": "1 Project, 'Add videos…'",
    "edit_bodyparts": "1 Project, the table of bodyparts",
    "extract_frames": "2 Frames, 'Extract frames of the ticked videos'",
    "label_frames": "3 Label",
    "check_labels": "3 Label",
    "create_training_dataset": "4 Train, with the next shuffle",
    "train_network": "4 Train, 'Train'",
    "evaluate_network": "5 Evaluate, 'Evaluate'",
    "analyze_videos": "6 Analyse, 'Analyse'",
    "filterpredictions": "6 Analyse, with 'smooth the trajectories (median)'",
    "create_labeled_video": "6 Analyse, with 'draw the bodyparts into a video'",
    "extract_outlier_frames": "7 Outliers, 'Find frames that look wrong'",
    "merge_datasets": "8 Refine, 'Merge, and begin the next iteration'",
}
_WEIGHTS = {"random": "random weights", "imagenet": "ImageNet weights", "previous": "previous network"}


def in_window(error: PosecutError | Notice) -> str:
    """Say what happened, and where in the window it is mended."""
    return worded(error.text if isinstance(error, Notice) else str(error), error.remedies)


def worded(sentence: str, remedies: Sequence[Remedy], *, lead: str = "Here") -> str:
    """Add to a sentence where in the window each remedy is, or how it is called in Python where no dock has it."""
    places = dict.fromkeys(map(_place, remedies))
    return f"{sentence.removesuffix('.')}. {lead}: {'; or '.join(places)}." if places else sentence


def _place(remedy: Remedy) -> str:
    if remedy.step == "train_network" and "weights" in remedy.arguments:
        return f"4 Train, '{_WEIGHTS.get(str(remedy.arguments['weights']), 'a file')}' at 'begins with'"
    if remedy.step == "extract_frames" and "seed" in remedy.arguments:
        return "2 Frames, with 'choose others than the last time'"
    return PLACES.get(remedy.step, f"close this project, and in Python {remedy}")
