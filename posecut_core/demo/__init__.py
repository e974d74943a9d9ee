"""The demonstration: an animal drawn with exact ground truth, and the whole workflow run on it.

For notebooks and tests: `sample_project` makes a labeled project of the scenes `TO_LABEL`; `film` writes a scene as a
video, `prepare` tells its truth, `human_labels` labels it as a person would, `errors_in_view` measures predictions.
"""

from posecut_core.demo.mouse import BODYPARTS
from posecut_core.demo.sample import sample_project
from posecut_core.demo.scene import FURTHER, TO_LABEL, Scene, Truth, errors_in_view, film, human_labels, prepare

__all__ = [
    "BODYPARTS",
    "FURTHER",
    "TO_LABEL",
    "Scene",
    "Truth",
    "errors_in_view",
    "film",
    "human_labels",
    "prepare",
    "sample_project",
]
