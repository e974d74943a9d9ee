"""Help while labeling: who proposes when, without children."""

import numpy as np
import pytest

from napari_posecut.labeling.labeling import Labeling
from napari_posecut.session import Assistant, _poses
from posecut_core.assistant.proposals import Proposals, VideoProposals, write_proposals
from posecut_core.progress import Progress
from posecut_core.project.opening import open_project
from posecut_core.types import FrameRef
from posecut_core.video.frame_store import FrameStore
from tests.plugin.widgets.fake_jobs import FakeJobs


@pytest.fixture
def jobs(qtbot) -> FakeJobs:
    """Jobs without children."""
    return FakeJobs()


@pytest.fixture
def labeling(unlabeled):
    """The labeling of a project without labels."""
    made = Labeling(open_project(unlabeled))
    yield made
    made.close()


def proposed(labeling: Labeling, *, likelihood: float = 0.9) -> Proposals:
    """Propose every bodypart of the first frame at (10, 20)."""
    key, parts = labeling.index.frames[0], tuple(labeling.index.columns.values())
    shape = (1, len(parts))
    video = VideoProposals(np.array([key.number]), np.full((*shape, 2), (10.0, 20.0)), np.full(shape, likelihood))
    return Proposals("PoseCut_helper", 300, parts, {key.video: video})


def test_without_a_trained_network_one_trains(jobs, labeling):
    """The project's network is asked first; where there is none, training begins."""
    assistant = Assistant(jobs, labeling)  # signals hold it weakly
    assert assistant.enabled
    assert jobs.job.request.verb == "propose"
    jobs.end("failed", message="There is no trained network.")
    assert jobs.job.request.verb == "assist"


def test_a_trained_network_is_enough(jobs, labeling):
    """Where it has proposed, nothing trains beside."""
    assistant = Assistant(jobs, labeling)  # signals hold it weakly
    assert assistant.enabled
    jobs.end("done")
    assert jobs.running == ()


def test_the_network_that_learns_goes_on_learning(jobs, labeling):
    """In the next session it proposes first, and then learns from what is labeled since."""
    assistant = Assistant(jobs, labeling)  # signals hold it weakly
    assert assistant.enabled
    jobs.end("done", result={"learns": True})
    assert jobs.job.request.verb == "assist"


def test_help_that_is_wanted_again_comes_when_the_one_before_has_stopped(jobs, labeling):
    """The box was cleared and ticked while a child was ending."""
    assistant = Assistant(jobs, labeling)
    first = jobs.job
    assistant.set_enabled(False)
    assistant.set_enabled(True)
    assert jobs.running == (first,)
    jobs.end("stopped")
    assert (jobs.running, jobs.job is first) == ((jobs.job,), False)
    assistant.set_enabled(False)
    jobs.end("stopped")
    assert jobs.running == ()


def test_nobody_helps_unasked(jobs, labeling):
    """Without the wish for help nothing is started, and with it later, something is."""
    assistant = Assistant(jobs, labeling, enabled=False)
    assert jobs.running == ()
    assistant.set_enabled(True)
    assert jobs.job.request.verb == "propose"
    assistant.set_enabled(False)
    assert jobs.job.stops == 1


def test_a_finished_project_needs_no_help(jobs, sample, qtbot):
    """Where every frame is done nothing is started."""
    labeling = Labeling(open_project(sample))
    assistant = Assistant(jobs, labeling)  # signals hold it weakly
    assert assistant.enabled
    assert jobs.running == ()
    labeling.close()


def test_the_persons_own_training_comes_first(jobs, labeling):
    """The helper stops for it, and its network proposes when it has been trained."""
    assistant = Assistant(jobs, labeling)  # signals hold it weakly
    assert assistant.enabled
    jobs.end("failed")
    helper = jobs.job
    training = jobs.start("create_dataset_and_train", {})
    assert helper.stops == 1
    helper._state = "stopped"
    jobs.poll()
    assert jobs.running == (training,)
    jobs.end("done")
    assert jobs.job.request.verb == "propose"


def _extract(labeling: Labeling, number: int) -> None:
    """Extract a frame more, and let the labeling know."""
    project, video = labeling.index.project, labeling.index.frames[0].video
    store = FrameStore.open(project.frame_store(video))
    store.append([(number, store.read(int(store.numbers[0])), (0, 0))])
    labeling.update(labeling.index.read(project))


def test_new_frames_get_proposals_at_once(jobs, labeling):
    """The network that has proposed already looks at them; where frames went, there is nothing to do."""
    assistant = Assistant(jobs, labeling)  # signals hold it weakly
    jobs.end("done")
    labeling.step(1)
    labeling.update(labeling.index.read(labeling.index.project))
    assert jobs.running == ()
    _extract(labeling, 99)
    assert jobs.job.request.verb == "propose"
    jobs.end("done")
    assistant.set_enabled(False)
    _extract(labeling, 98)
    assert jobs.running == ()


def test_frames_that_come_while_a_network_proposes_are_next(jobs, labeling):
    """It began without them; whatever else ends meanwhile, they get theirs."""
    assistant = Assistant(jobs, labeling)  # signals hold it weakly
    assert assistant.enabled
    first = jobs.job
    _extract(labeling, 99)
    assert jobs.running == (first,)
    jobs.start("evaluate", {})
    jobs.end("done")
    first._state = "done"
    jobs.poll()
    assert jobs.running == (jobs.job,)
    assert (jobs.job.request.verb, jobs.job is first) == ("propose", False)


def test_proposals_are_shown_as_they_come(jobs, labeling):
    """A new file of proposals is read when the helper reports, and accepting makes a label of a machine's draft."""
    assistant = Assistant(jobs, labeling)  # signals hold it weakly
    assert assistant.enabled
    write_proposals(labeling.index.project.proposals, proposed(labeling))
    jobs.report(Progress("new suggestions", 1, 1))
    labeling.go_to(labeling.index.frames[0])
    assert {keypoint.state for keypoint in labeling.keypoints} == {"proposed"}
    part = labeling.keypoints[0].bodypart
    labeling.move(part, (11.0, 20.0))
    point = labeling.index.frame(labeling.index.frames[0]).points[part]
    assert (point.state, point.origin.kind, point.origin.model) == ("placed", "refined", "PoseCut_helper")


def test_what_a_network_does_not_see_is_not_proposed(labeling):
    """Next to no likelihood means that the bodypart is hidden; other names belong to nobody."""
    columns = labeling.index.columns
    assert not any(_poses(proposed(labeling, likelihood=0.01), columns).values())
    seen = _poses(proposed(labeling), columns)
    assert seen.keys() == {FrameRef(*_place(labeling))}
    assert _poses(proposed(labeling), {"other": "stranger"})[FrameRef(*_place(labeling))] == {}


def test_closing_ends_the_help(jobs, labeling):
    """The training stops, and goes on the next time."""
    assistant = Assistant(jobs, labeling)
    jobs.end("failed")
    assistant.close()
    assert jobs.job.stops == 1


def _place(labeling: Labeling) -> tuple[str, int]:
    key = labeling.index.frames[0]
    return key.video, key.number
