"""The demonstration: an animal drawn with exact ground truth, and the whole workflow run on it.

For notebooks and tests: `sample_project` makes a labeled project of the scenes `TO_LABEL`; `film` writes a scene as a
video, `prepare` tells its truth, `human_labels` labels it as a person would, `errors_in_view` measures predictions.
`sample_views` makes a labeled project of the scene `WALK`, as three cameras see it; `film_views` writes their videos.
"""

from posecut_core.demo.mouse import BODYPARTS
from posecut_core.demo.rig import film_views
from posecut_core.demo.sample import WALK, sample_project, sample_views
from posecut_core.demo.scene import FURTHER, TO_LABEL, Scene, Truth, errors_in_view, film, human_labels, prepare

__all__ = [
    "BODYPARTS",
    "FURTHER",
    "TO_LABEL",
    "WALK",
    "Scene",
    "Truth",
    "errors_in_view",
    "film",
    "film_views",
    "human_labels",
    "prepare",
    "sample_project",
    "sample_views",
]
