"""What a trained network came from."""

import dataclasses

from posecut_core import __version__
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.dataset.split import FrameRef, Split
from posecut_core.workflow.provenance import LIBRARIES, provenance

SPLIT = Split((FrameRef("m1", 1),), (), fraction=0.95, seed=7, labels="labels-0123.csv")


def tables(split, **settings):
    return [section.parts[0].rows for section in provenance(split, TrainingSettings(**settings))]


def test_seeds_settings_and_versions_are_told():
    """Everything that a training can be repeated with is there, each setting with its meaning."""
    data, settings, versions = tables(SPLIT, seed=3, mirror_pairs=(("left", "right"),))
    assert dict(data) == {"seed of the split": "7", "seed of the training": "3", "labels": "labels-0123.csv"}
    values = {name: value for name, value, _ in settings}
    assert values["mirror_pairs"] == '[["left", "right"]]'
    assert list(values) == [entry.name for entry in dataclasses.fields(TrainingSettings)]
    assert all(meaning for _, _, meaning in settings)
    assert [name for name, _ in versions] == ["posecut", "Python", *LIBRARIES]
    assert versions[0][1] == __version__


def test_frames_that_were_given_have_no_seed():
    """A split by hand says so."""
    data, _, _ = tables(dataclasses.replace(SPLIT, seed=None))
    assert data[0][1] == "none, the frames were given"
