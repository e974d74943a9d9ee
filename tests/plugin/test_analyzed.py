"""The analyzed videos of a project, and how their bodyparts look."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

from napari_posecut.layers.overlay import analyzed_videos, in_words, own_network, read_trajectories, style_of
from posecut_core.errors import AnalysisError
from posecut_core.poses.files import read_predictions, write_predictions
from posecut_core.poses.predictions import AnalysisOrigin, Origin, file_fingerprint
from posecut_core.project.opening import open_project
from posecut_core.project.paths import Project
from posecut_core.storage.files import file_sha256
from tests.plugin.widgets.analyzed_project import FRAMES, SCORER, analyze


def test_analyzed_videos_are_found_beside_the_videos(sample):
    """Before any is analyzed there is none; a video that is named twice counts once."""
    project = open_project(sample)
    assert analyzed_videos(project) == ()
    videos = analyze(sample)
    found = analyzed_videos(project, videos=videos, folders=[videos[0].parent])
    assert [entry.video for entry in found] == videos
    assert {entry.scorer for entry in found} == {SCORER}


def test_a_network_is_named_in_words(sample):
    """Steps, shuffle and iteration say more than a scorer; it is the project's own in its iteration."""
    analyze(sample)
    project = open_project(sample)
    found = analyzed_videos(project)[0]
    assert in_words(found) == "100 steps, shuffle 1, iteration 0"
    assert in_words(replace(found, filtered=True)) == "filtered, 100 steps, shuffle 1, iteration 0"
    assert in_words(replace(found, scorer="DLC_resnet50")) == "DLC_resnet50"
    assert own_network(project, SCORER).step == 100
    together = SCORER.replace("shuffle1", "shuffle1ensemble3")
    assert in_words(replace(found, scorer=together)) == "3 networks together, 100 steps, shuffle 1, iteration 0"
    assert own_network(project, together).arguments == {**own_network(project, SCORER).arguments, "ensemble": True}
    later = Project(project.root, replace(project.config, iteration=1))
    assert own_network(later, SCORER) is None
    assert own_network(project, "DLC_resnet50") is None


def test_curves_are_the_predictions(sample, tmp_path):
    """x, y and likelihood of each bodypart over the frames, each in a row of memory."""
    analyze(sample)
    project = open_project(sample)
    found = analyzed_videos(project)[0]
    read = read_trajectories(project, found)
    assert read.curves.shape == (3, len(read.predictions.bodyparts), FRAMES)
    assert read.curves.flags.c_contiguous
    np.testing.assert_allclose(read.curves[0, 0], np.arange(FRAMES) + 20.0)
    np.testing.assert_allclose(read.curves[2], read.predictions.likelihood.T)
    with pytest.raises(AnalysisError):
        read_trajectories(project, replace(found, table=tmp_path / "nothing.h5"))


def test_predictions_of_something_else_are_not_shown(sample):
    """Kind: results are taken at their name, though network or recording have changed; here over a video."""
    videos, project = analyze(sample), open_project(sample)
    found = analyzed_videos(project)[0]
    manifest = project.training(1).manifest(100)
    manifest.parent.mkdir(parents=True)
    manifest.write_text("weights")
    ours = AnalysisOrigin(SCORER, file_sha256(manifest), (), file_fingerprint(videos[0]), FRAMES, (0, 1, 0, 1), "")
    for wrong, words in [({}, None), ({"network": "old"}, "another network"), ({"video": "old"}, "another video")]:
        origin = Origin(replace(ours, **wrong))
        write_predictions(found.table, read_predictions(found.table), origin=origin)
        with pytest.raises(AnalysisError, match=words) if words else nullcontext():
            read_trajectories(project, found)


def test_a_network_of_another_training_fraction_is_called_by_its_index(sample):
    """Kind: a step asked for a network gets another of the same shuffle; here that of training fraction 0."""
    project = open_project(sample)
    config = replace(project.config, training_fractions=(0.95, 0.5))
    other = SCORER.replace("shuffle", "trainset50shuffle")
    assert own_network(Project(project.root, config), other).arguments["trainingsetindex"] == 1
    assert own_network(Project(project.root, config), SCORER).arguments["trainingsetindex"] == 0
    assert own_network(project, other) is None


def test_bodyparts_look_as_while_labeling(sample):
    """A network that knows some of them, in another order, and one more, changes no color."""
    config = open_project(sample).config
    whole = style_of(config, config.bodyparts)
    first, second = config.bodyparts[:2]
    some = style_of(config, (second, first, "elsewhere"))
    assert some.shown.all()
    assert some.pcutoff == config.pcutoff
    assert len(some.colors) == 3
    assert len(np.unique(style_of(config, (*config.bodyparts, "elsewhere")).colors, axis=0)) == len(whole.colors) + 1
