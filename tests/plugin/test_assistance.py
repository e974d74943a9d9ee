"""Help while labelling: who proposes when, without children."""

import numpy as np
import pytest

from napari_posecut.labelling.labelling import Labelling
from napari_posecut.session import Assistance, _poses
from posecut_core.assistant.proposals import Proposals, VideoProposals, write_proposals
from posecut_core.progress import Progress
from posecut_core.project.opening import open_project
from posecut_core.types import FrameRef
from posecut_core.video.frame_store import FrameStore
from tests.plugin.widgets.fake_board import FakeBoard


@pytest.fixture
def board(qtbot) -> FakeBoard:
    """A board without children."""
    return FakeBoard()


@pytest.fixture
def labelling(unlabelled):
    """The labelling of a project without labels."""
    made = Labelling(open_project(unlabelled))
    yield made
    made.close()


def proposed(labelling: Labelling, *, likelihood: float = 0.9) -> Proposals:
    """Propose every bodypart of the first frame at (10, 20)."""
    key, parts = labelling.browser.frames[0], tuple(labelling.browser.columns.values())
    shape = (1, len(parts))
    video = VideoProposals(np.array([key.number]), np.full((*shape, 2), (10.0, 20.0)), np.full(shape, likelihood))
    return Proposals("PoseCut_helper", 300, parts, {key.video: video})


def test_without_a_trained_network_one_trains(board, labelling):
    """The project's network is asked first; where there is none, training begins."""
    assistance = Assistance(board, labelling)  # signals hold it weakly
    assert assistance.helps
    assert board.job.request.verb == "propose"
    board.end("failed", message="There is no trained network.")
    assert board.job.request.verb == "assist"


def test_a_trained_network_is_enough(board, labelling):
    """Where it has proposed, nothing trains beside."""
    assistance = Assistance(board, labelling)  # signals hold it weakly
    assert assistance.helps
    board.end("done")
    assert board.jobs == ()


def test_the_network_that_learns_goes_on_learning(board, labelling):
    """In the next session it proposes first, and then learns from what is labelled since."""
    assistance = Assistance(board, labelling)  # signals hold it weakly
    assert assistance.helps
    board.end("done", result={"learns": True})
    assert board.job.request.verb == "assist"


def test_help_that_is_wanted_again_comes_when_the_one_before_has_stopped(board, labelling):
    """The box was cleared and ticked while a child was ending."""
    assistance = Assistance(board, labelling)
    first = board.job
    assistance.let_help(False)
    assistance.let_help(True)
    assert board.jobs == (first,)
    board.end("stopped")
    assert (board.jobs, board.job is first) == ((board.job,), False)
    assistance.let_help(False)
    board.end("stopped")
    assert board.jobs == ()


def test_nobody_helps_unasked(board, labelling):
    """Without the wish for help nothing is started, and with it later, something is."""
    assistance = Assistance(board, labelling, helps=False)
    assert board.jobs == ()
    assistance.let_help(True)
    assert board.job.request.verb == "propose"
    assistance.let_help(False)
    assert board.job.stops == 1


def test_a_finished_project_needs_no_help(board, sample, qtbot):
    """Where every frame is done nothing is started."""
    labelling = Labelling(open_project(sample))
    assistance = Assistance(board, labelling)  # signals hold it weakly
    assert assistance.helps
    assert board.jobs == ()
    labelling.close()


def test_the_persons_own_training_comes_first(board, labelling):
    """The helper stops for it, and its network proposes when it has been trained."""
    assistance = Assistance(board, labelling)  # signals hold it weakly
    assert assistance.helps
    board.end("failed")
    helper = board.job
    training = board.start("create_dataset_and_train", {})
    assert helper.stops == 1
    helper._state = "stopped"
    board.look()
    assert board.jobs == (training,)
    board.end("done")
    assert board.job.request.verb == "propose"


def _extract(labelling: Labelling, number: int) -> None:
    """Extract a frame more, and let the labelling know."""
    project, video = labelling.browser.project, labelling.browser.frames[0].video
    store = FrameStore.open(project.frame_store(video))
    store.append([(number, store.read(int(store.numbers[0])), (0, 0))])
    labelling.take(labelling.browser.look(project))


def test_new_frames_get_proposals_at_once(board, labelling):
    """The network that has proposed already looks at them; where frames went, there is nothing to do."""
    assistance = Assistance(board, labelling)  # signals hold it weakly
    board.end("done")
    labelling.step(1)
    labelling.take(labelling.browser.look(labelling.browser.project))
    assert board.jobs == ()
    _extract(labelling, 99)
    assert board.job.request.verb == "propose"
    board.end("done")
    assistance.let_help(False)
    _extract(labelling, 98)
    assert board.jobs == ()


def test_frames_that_come_while_a_network_proposes_are_next(board, labelling):
    """It began without them; whatever else ends meanwhile, they get theirs."""
    assistance = Assistance(board, labelling)  # signals hold it weakly
    assert assistance.helps
    first = board.job
    _extract(labelling, 99)
    assert board.jobs == (first,)
    board.start("evaluate", {})
    board.end("done")
    first._state = "done"
    board.look()
    assert board.jobs == (board.job,)
    assert (board.job.request.verb, board.job is first) == ("propose", False)


def test_proposals_are_shown_as_they_come(board, labelling):
    """A new file of proposals is read when the helper reports, and accepting makes a label of a machine's draft."""
    assistance = Assistance(board, labelling)  # signals hold it weakly
    assert assistance.helps
    write_proposals(labelling.browser.project.proposals, proposed(labelling))
    board.tell(Progress("new proposals", 1, 1))
    labelling.go_to(labelling.browser.frames[0])
    assert {mark.state for mark in labelling.marks} == {"proposed"}
    part = labelling.marks[0].bodypart
    labelling.move(part, (11.0, 20.0))
    point = labelling.browser.frame(labelling.browser.frames[0]).points[part]
    assert (point.state, point.origin.kind, point.origin.model) == ("placed", "refined", "PoseCut_helper")


def test_what_a_network_does_not_see_is_not_proposed(labelling):
    """Next to no likelihood means that the bodypart is hidden; other names belong to nobody."""
    columns = labelling.browser.columns
    assert not any(_poses(proposed(labelling, likelihood=0.01), columns).values())
    seen = _poses(proposed(labelling), columns)
    assert seen.keys() == {FrameRef(*_place(labelling))}
    assert _poses(proposed(labelling), {"other": "stranger"})[FrameRef(*_place(labelling))] == {}


def test_closing_ends_the_help(board, labelling):
    """The training stops, and goes on the next time."""
    assistance = Assistance(board, labelling)
    board.end("failed")
    assistance.close()
    assert board.job.stops == 1


def _place(labelling: Labelling) -> tuple[str, int]:
    key = labelling.browser.frames[0]
    return key.video, key.number
