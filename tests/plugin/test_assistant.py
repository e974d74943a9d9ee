"""Help while labelling: who proposes when, without children."""

import numpy as np
import pytest

from napari_posecut.labelling.labelling import Labelling
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
def labelling(unlabelled):
    """The labelling of a project without labels."""
    made = Labelling(open_project(unlabelled))
    yield made
    made.close()


def proposed(labelling: Labelling, *, likelihood: float = 0.9) -> Proposals:
    """Propose every bodypart of the first frame at (10, 20)."""
    key, parts = labelling.index.frames[0], tuple(labelling.index.columns.values())
    shape = (1, len(parts))
    video = VideoProposals(np.array([key.number]), np.full((*shape, 2), (10.0, 20.0)), np.full(shape, likelihood))
    return Proposals("PoseCut_helper", 300, parts, {key.video: video})


def test_without_a_trained_network_one_trains(jobs, labelling):
    """The project's network is asked first; where there is none, training begins."""
    assistant = Assistant(jobs, labelling)  # signals hold it weakly
    assert assistant.enabled
    assert jobs.job.request.verb == "propose"
    jobs.end("failed", message="There is no trained network.")
    assert jobs.job.request.verb == "assist"


def test_a_trained_network_is_enough(jobs, labelling):
    """Where it has proposed, nothing trains beside."""
    assistant = Assistant(jobs, labelling)  # signals hold it weakly
    assert assistant.enabled
    jobs.end("done")
    assert jobs.running == ()


def test_the_network_that_learns_goes_on_learning(jobs, labelling):
    """In the next session it proposes first, and then learns from what is labelled since."""
    assistant = Assistant(jobs, labelling)  # signals hold it weakly
    assert assistant.enabled
    jobs.end("done", result={"learns": True})
    assert jobs.job.request.verb == "assist"


def test_help_that_is_wanted_again_comes_when_the_one_before_has_stopped(jobs, labelling):
    """The box was cleared and ticked while a child was ending."""
    assistant = Assistant(jobs, labelling)
    first = jobs.job
    assistant.set_enabled(False)
    assistant.set_enabled(True)
    assert jobs.running == (first,)
    jobs.end("stopped")
    assert (jobs.running, jobs.job is first) == ((jobs.job,), False)
    assistant.set_enabled(False)
    jobs.end("stopped")
    assert jobs.running == ()


def test_nobody_helps_unasked(jobs, labelling):
    """Without the wish for help nothing is started, and with it later, something is."""
    assistant = Assistant(jobs, labelling, enabled=False)
    assert jobs.running == ()
    assistant.set_enabled(True)
    assert jobs.job.request.verb == "propose"
    assistant.set_enabled(False)
    assert jobs.job.stops == 1


def test_a_finished_project_needs_no_help(jobs, sample, qtbot):
    """Where every frame is done nothing is started."""
    labelling = Labelling(open_project(sample))
    assistant = Assistant(jobs, labelling)  # signals hold it weakly
    assert assistant.enabled
    assert jobs.running == ()
    labelling.close()


def test_the_persons_own_training_comes_first(jobs, labelling):
    """The helper stops for it, and its network proposes when it has been trained."""
    assistant = Assistant(jobs, labelling)  # signals hold it weakly
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


def _extract(labelling: Labelling, number: int) -> None:
    """Extract a frame more, and let the labelling know."""
    project, video = labelling.index.project, labelling.index.frames[0].video
    store = FrameStore.open(project.frame_store(video))
    store.append([(number, store.read(int(store.numbers[0])), (0, 0))])
    labelling.update(labelling.index.read(project))


def test_new_frames_get_proposals_at_once(jobs, labelling):
    """The network that has proposed already looks at them; where frames went, there is nothing to do."""
    assistant = Assistant(jobs, labelling)  # signals hold it weakly
    jobs.end("done")
    labelling.step(1)
    labelling.update(labelling.index.read(labelling.index.project))
    assert jobs.running == ()
    _extract(labelling, 99)
    assert jobs.job.request.verb == "propose"
    jobs.end("done")
    assistant.set_enabled(False)
    _extract(labelling, 98)
    assert jobs.running == ()


def test_frames_that_come_while_a_network_proposes_are_next(jobs, labelling):
    """It began without them; whatever else ends meanwhile, they get theirs."""
    assistant = Assistant(jobs, labelling)  # signals hold it weakly
    assert assistant.enabled
    first = jobs.job
    _extract(labelling, 99)
    assert jobs.running == (first,)
    jobs.start("evaluate", {})
    jobs.end("done")
    first._state = "done"
    jobs.poll()
    assert jobs.running == (jobs.job,)
    assert (jobs.job.request.verb, jobs.job is first) == ("propose", False)


def test_proposals_are_shown_as_they_come(jobs, labelling):
    """A new file of proposals is read when the helper reports, and accepting makes a label of a machine's draft."""
    assistant = Assistant(jobs, labelling)  # signals hold it weakly
    assert assistant.enabled
    write_proposals(labelling.index.project.proposals, proposed(labelling))
    jobs.report(Progress("new proposals", 1, 1))
    labelling.go_to(labelling.index.frames[0])
    assert {keypoint.state for keypoint in labelling.keypoints} == {"proposed"}
    part = labelling.keypoints[0].bodypart
    labelling.move(part, (11.0, 20.0))
    point = labelling.index.frame(labelling.index.frames[0]).points[part]
    assert (point.state, point.origin.kind, point.origin.model) == ("placed", "refined", "PoseCut_helper")


def test_what_a_network_does_not_see_is_not_proposed(labelling):
    """Next to no likelihood means that the bodypart is hidden; other names belong to nobody."""
    columns = labelling.index.columns
    assert not any(_poses(proposed(labelling, likelihood=0.01), columns).values())
    seen = _poses(proposed(labelling), columns)
    assert seen.keys() == {FrameRef(*_place(labelling))}
    assert _poses(proposed(labelling), {"other": "stranger"})[FrameRef(*_place(labelling))] == {}


def test_closing_ends_the_help(jobs, labelling):
    """The training stops, and goes on the next time."""
    assistant = Assistant(jobs, labelling)
    jobs.end("failed")
    assistant.close()
    assert jobs.job.stops == 1


def _place(labelling: Labelling) -> tuple[str, int]:
    key = labelling.index.frames[0]
    return key.video, key.number
