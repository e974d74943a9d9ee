"""The config.yaml of a new project: the paper's Box 1 under DeepLabCut's keys, with comments for a newcomer."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from posecut_core.project.config import Crop, video_entry
from posecut_core.project.yaml_edit import edit_text

_TEMPLATE = """\
# Project (these three name files and folders: do not edit)
Task: ''
scorer: ''
date: ''
multianimalproject: false
identity:

# Where the project lies (corrected by itself when the project is moved)
project_path: ''

# Engine for DeepLabCut, should this project be opened there (pytorch or tensorflow); PoseCut has its own
engine: pytorch

# Videos to label, each with the window of the frame to extract: x1, x2, y1, y2 in pixels
video_sets: {}

# What to label, in the order of labelling; one name per line
bodyparts: []

# Fraction of each video where the extraction of frames starts and stops, and how many frames to pick per video
start: 0
stop: 1
numframes2pick: 20

# Plots and labelled videos: bones to draw between bodyparts, likelihood above which a position counts,
# size of dots, their opacity (0-1), and the colours (any matplotlib colormap)
skeleton: []
skeleton_color: black
pcutoff: 0.6
dotsize: 12
alphavalue: 0.7
colormap: rainbow

# Training, evaluation and analysis: fraction of labelled frames to train on, round of refinement, network,
# snapshot to use (-1: the last, or all), frames per step of analysis
TrainingFraction:
- 0.95
iteration: 0
default_net_type: resnet_50
default_augmenter: default
snapshotindex: -1
detector_snapshotindex: -1
batch_size: 8
detector_batch_size: 1

# Set cropping to true to analyse only this window of every video
cropping: false
x1: 0
x2: 640
y1: 277
y2: 624

# Refinement in old DeepLabCut: where to put positions that lie outside the image
corner2move2:
- 50
- 50
move2corner: true
"""


def new_config_text(
    *,
    task: str,
    scorer: str,
    date: str,
    root: Path,
    bodyparts: Sequence[str],
    skeleton: Sequence[Sequence[str]],
    videos: Mapping[Path, Crop],
) -> str:
    """Return the text of a new config.yaml.

    Args:
        task: Name of the project.
        scorer: Name of the experimenter.
        date: Such as "Oct30".
        root: The project's folder.
        bodyparts: Names in the order of labelling.
        skeleton: Pairs of bodyparts.
        videos: Path in the project -> window to extract, by default the full frame.
    """
    changes = {
        "Task": task,
        "scorer": scorer,
        "date": date,
        "project_path": str(root),
        "video_sets": {str(path): video_entry(crop) for path, crop in videos.items()},
        "bodyparts": list(bodyparts),
        "skeleton": [list(bone) for bone in skeleton],
    }
    return edit_text(_TEMPLATE, changes, root / "config.yaml")
