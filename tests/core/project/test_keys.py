"""The list of keys is DeepLabCut's."""

from posecut_core.project.config import _KEYS_OF_OTHER_RELEASES, DEEPLABCUT_KEYS


def test_keys_of_other_releases_are_not_written():
    """What DeepLabCut 3.0.2 refuses is never among the keys that may be set."""
    assert not DEEPLABCUT_KEYS & _KEYS_OF_OTHER_RELEASES
    assert {"Task", "bodyparts", "video_sets", "TrainingFraction", "corner2move2"} <= DEEPLABCUT_KEYS
