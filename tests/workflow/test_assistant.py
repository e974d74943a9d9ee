"""The assistant's network goes on from where it was, unless it would be another one."""

import dataclasses

import jax
import numpy as np
import pytest

from posecut_core.assistant.network import LabelWatch, _begin, _frames
from posecut_core.dataset.scoremaps import distances_between
from posecut_core.errors import ModelError
from posecut_core.project.opening import open_project
from posecut_core.project.paths import snapshot_steps
from posecut_core.video.frame_store import FrameStore
from posecut_core.workflow.edit_bodyparts import edit_bodyparts

pytestmark = pytest.mark.usefixtures("few_blocks")
SMALL = {"width": 0.25, "crop_size": 64}


@pytest.fixture
def saved(trainable):
    """The project and an assistant that has saved a snapshot of step 7."""
    project = open_project(trainable)
    distances = distances_between(np.random.default_rng(0).integers(0, 40, (6, 2, 2)).astype(float))
    assistant = dataclasses.replace(_begin(project, SMALL), distances=distances)
    assistant.save(7)
    return project, assistant


def test_it_goes_on_from_its_snapshot(saved):
    """Step, parameters, moments and mean are those that were saved; so are the distances of the labels."""
    project, assistant = saved
    again = _begin(project, SMALL)
    np.testing.assert_allclose(again.distances, assistant.distances, atol=0.006)
    assert int(again.state.step) == 7
    jax.tree.map(np.testing.assert_array_equal, again.state[1:], assistant.state[1:])
    assert again.info(7).scorer == f"PoseCut_resnet18_Dots{project.config.date}assistant_7"


@pytest.mark.parametrize("changes", [{"width": 0.5}, {"global_scale": 0.5}])
def test_another_network_begins_afresh(saved, changes):
    """With another width or scale the old snapshots are gone."""
    project, _ = saved
    assert int(_begin(project, {**SMALL, **changes}).state.step) == 0
    assert snapshot_steps(project.assistant) == ()


def test_other_bodyparts_begin_afresh(saved):
    """A renamed bodypart is another network."""
    project, _ = saved
    edit_bodyparts(project.config_path, rename={"white": "pale"})
    assistant = _begin(open_project(project.config_path), SMALL)
    assert (int(assistant.state.step), assistant.spec.bodyparts) == (0, ("pale", "black"))


def test_a_damaged_snapshot_is_passed_over(saved):
    """The one before it counts."""
    project, assistant = saved
    (assistant.save(9) / "snapshot.json").write_text("{")
    assert int(_begin(project, SMALL).state.step) == 7


def test_old_snapshots_are_deleted(saved):
    """Two are kept."""
    project, assistant = saved
    for step in (9, 11):
        assistant.save(step)
    assert snapshot_steps(project.assistant) == (9, 11)


def test_large_frames_are_scaled_down(trainable):
    """The longest side comes to 320 pixels, but not below a quarter; the radius stays what the network sees."""
    project = open_project(trainable)
    assert _begin(project, SMALL).settings.global_scale == 1.0
    FrameStore.open(project.frame_store("dots")).append([(9, np.zeros((64, 640, 3), np.uint8), (0, 0))])
    settings = _begin(project, SMALL).settings
    assert (settings.global_scale, settings.pos_dist_thresh) == (0.5, 17.0)
    FrameStore.open(project.frame_store("dots")).append([(10, np.zeros((2000, 64, 3), np.uint8), (0, 0))])
    assert _begin(project, SMALL).settings.global_scale == 0.25


def test_a_setting_that_cannot_work_is_refused(trainable):
    """The sentence names it."""
    with pytest.raises(ModelError, match="crop_size is 65"):
        _begin(open_project(trainable), {"crop_size": 65})


def test_frames_have_room_for_the_largest_of_the_project(trainable):
    """A labeled frame that joins later does not change the shape of a step, and is all that is read."""
    project = open_project(trainable)
    FrameStore.open(project.frame_store("dots")).append([(9, np.zeros((80, 96, 3), np.uint8), (0, 0))])
    watch, images = LabelWatch(trainable), {}
    watch.poll()
    frames = _frames(_begin(project, SMALL), watch.tables(), images)
    assert frames.images.shape == (4, 80, 96, 3)
    assert frames.sizes.tolist() == [[64, 64]] * 4
    assert len(images) == 4
