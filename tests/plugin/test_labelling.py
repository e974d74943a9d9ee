"""What a click or a key does to labels, without a window."""

import pytest

from napari_posecut.labelling.keypoints import Proposal
from napari_posecut.labelling.labelling import Labelling
from posecut_core.errors import LabelError
from posecut_core.labels.edits import Place, Propose
from posecut_core.labels.session import LabelSession
from posecut_core.labels.store import read_labels
from posecut_core.project.opening import open_project
from posecut_core.types import FrameRef

NETWORK = Proposal((30.0, 40.0), 0.4, "net", 10)


@pytest.fixture
def labelling(unlabelled):
    """The labelling of a project in which nothing is labelled yet."""
    labelling = Labelling(open_project(unlabelled))
    yield labelling
    labelling.close()


@pytest.fixture
def heard(labelling):
    """What the labelling told its listeners, in order."""
    heard = []
    labelling.frame_changed.connect(lambda: heard.append("frame"))
    labelling.keypoints_changed.connect(lambda: heard.append("keypoints"))
    return heard


def _states(labelling):
    return "".join(
        {"unset": ".", "proposed": "?"}.get(keypoint.state, keypoint.state[0]) for keypoint in labelling.keypoints
    )


def _propose(labelling, count, proposal=NETWORK, frame=None):
    parts = list(labelling.index.columns)[:count]
    labelling.proposals.set_network({frame or labelling.frame: dict.fromkeys(parts, proposal)})


def _label(labelling):
    for part in range(len(labelling.keypoints)):
        labelling.place((20.0 + 9 * part, 50.0))


def test_placing_goes_through_the_bodyparts(labelling, heard):
    """Each placed point makes the next bodypart the current one; listeners hear of it once."""
    labelling.place((10.0, 20.0))
    assert (_states(labelling), labelling.current) == ("p......", labelling.keypoints[1])
    assert heard == ["keypoints"]
    labelling.mark_absent()
    labelling.occlude()
    labelling.occlude((10.0, 20.0))
    assert _states(labelling) == "paoo..."
    assert [keypoint.xy for keypoint in labelling.keypoints[:4]] == [(10.0, 20.0), None, None, (10.0, 20.0)]


def test_a_completed_frame_leads_to_the_next(labelling, heard):
    """The last bodypart shows the next frame that needs a person, told once; without `advance` it does not."""
    first, second = labelling.index.frames[:2]
    _label(labelling)
    assert labelling.frame == second
    assert heard == ["keypoints"] * 6 + ["frame"]
    labelling.advance = False
    _label(labelling)
    assert labelling.frame == second
    assert labelling.current is None
    assert [labelling.status(frame) for frame in (first, second)] == ["done", "done"]
    with pytest.raises(LabelError, match="All bodyparts of this frame are labelled"):
        labelling.place((1.0, 1.0))


def test_a_chosen_bodypart_is_placed_again_without_going_on(labelling):
    """Correcting a finished frame keeps it shown."""
    _label(labelling)
    labelling.step(-1)
    labelling.choose(labelling.keypoints[2].bodypart)
    labelling.place((99.0, 98.0))
    assert labelling.keypoints[2].xy == (99.0, 98.0)
    assert labelling.frame == labelling.index.frames[0]


def test_choosing_goes_round(labelling):
    """Forwards and backwards the bodyparts come round; another frame begins at its own first one."""
    labelling.choose_next(-1)
    assert labelling.current == labelling.keypoints[-1]
    labelling.choose_next()
    labelling.choose_next()
    assert labelling.current == labelling.keypoints[1]
    labelling.step(1)
    assert labelling.current == labelling.keypoints[0]


def test_proposals_are_accepted_at_once(labelling, unlabelled):
    """Accepting makes refined labels of all proposals as one edit, which one undo takes back."""
    frame = labelling.frame
    _propose(labelling, 7)
    assert (_states(labelling), labelling.status(frame)) == ("???????", "proposed")
    assert labelling.progress.points == 0
    labelling.accept()
    assert labelling.frame != frame
    points = labelling.index.frame(frame).points.values()
    assert {(point.state, point.origin.kind, point.origin.model) for point in points} == {("placed", "refined", "net")}
    labelling.undo()
    assert labelling.frame == frame
    assert labelling.index.frame(frame).points == {}
    labelling.redo()
    assert labelling.status(frame) == "done"


def test_accepting_what_is_incomplete_stays(labelling):
    """With bodyparts left, accepting does not go on; unset ones come before proposals."""
    _propose(labelling, 3)
    assert labelling.current == labelling.keypoints[3]
    labelling.accept()
    assert (_states(labelling), labelling.frame) == ("ppp....", labelling.index.frames[0])


def test_stored_drafts_are_accepted(labelling):
    """Machine labels in the store are shown as proposals, and accepted as they are."""
    frame, part = labelling.frame, labelling.keypoints[0].bodypart
    labelling.index.label_session.apply(Propose(frame.number, part, (3.0, 4.0), 0.3, "old", 5))
    assert (_states(labelling), labelling.status(frame)) == ("?......", "unreviewed")
    labelling.accept()
    assert labelling.index.frame(frame).points[part].origin.model == "old"


def test_moving_a_proposal_makes_it_a_label(labelling):
    """What a person moves is a label from then on, refined from the network's."""
    _propose(labelling, 2)
    labelling.move(labelling.keypoints[1].bodypart, (5.0, 6.0))
    assert _states(labelling) == "?p....."
    assert labelling.index.frame(labelling.frame).points[labelling.keypoints[1].bodypart].origin.kind == "refined"


def test_deleting_shows_no_proposal_instead(labelling):
    """A deleted label is unset, also where a network proposes one; deleting nothing leaves later proposals alone."""
    _propose(labelling, 2)
    labelling.accept()
    labelling.unset(labelling.keypoints[0].bodypart)
    labelling.unset(labelling.keypoints[4].bodypart)
    _propose(labelling, 7)
    assert _states(labelling) == ".p?????"


def test_copying_proposes_the_pose_before(labelling):
    """The nearest labelled frame before in the video is proposed for what is unset; accepting makes labels by hand."""
    _label(labelling)
    second = labelling.frame
    labelling.place((7.0, 7.0))
    labelling.copy_pose()
    assert _states(labelling) == "p??????"
    assert [keypoint.xy for keypoint in labelling.keypoints[:2]] == [(7.0, 7.0), (29.0, 50.0)]
    labelling.accept()
    assert labelling.status(second) == "done"
    assert {point.origin.kind for point in labelling.index.frame(second).points.values()} == {"human"}


def test_nothing_is_copied_from_another_video(labelling):
    """The first frame of a video has no pose to copy."""
    _label(labelling)
    other = next(key for key in labelling.index.frames if key.video != labelling.frame.video)
    labelling.go_to(other)
    with pytest.raises(LabelError, match="No earlier frame"):
        labelling.copy_pose()


def test_doubtful_proposals_come_round(labelling):
    """Proposals below the cutoff are chosen one after the other, from frame to frame, and again from the front."""
    first, second = labelling.index.frames[:2]
    parts = list(labelling.index.columns)
    sure = Proposal((1.0, 1.0), 0.9, "net", 10)
    labelling.proposals.set_network({first: {parts[1]: NETWORK, parts[2]: sure}, second: {parts[0]: NETWORK}})
    found = []
    for _ in range(3):
        assert labelling.next_uncertain(0.6)
        found.append((labelling.frame, labelling.current.bodypart))
    assert found == [(first, parts[1]), (second, parts[0]), (first, parts[1])]
    labelling.accept()
    labelling.go_to(second)
    labelling.accept()
    assert not labelling.next_uncertain(0.6)


def test_a_single_doubtful_proposal_is_found_again(labelling):
    """The only one of its kind is found however often one asks."""
    _propose(labelling, 1)
    assert labelling.next_uncertain(0.6)
    assert labelling.next_uncertain(0.6)


def test_a_dropped_frame_needs_nobody(labelling):
    """A dropped frame is passed over, keeps its points, refuses edits, and is taken back in."""
    labelling.place((1.0, 1.0))
    labelling.drop()
    assert labelling.status(labelling.frame) == "dropped"
    with pytest.raises(LabelError):
        labelling.place((2.0, 2.0))
    labelling.drop()
    assert _states(labelling) == "p......"


def test_undoing_shows_where_it_was(labelling, heard):
    """Undo and redo show the frame that they change; with nothing to undo they say so."""
    first = labelling.frame
    labelling.place((1.0, 1.0))
    labelling.step(1)
    heard.clear()
    labelling.undo()
    assert (labelling.frame, _states(labelling), heard) == (first, ".......", ["frame"])
    with pytest.raises(LabelError, match="nothing to undo"):
        labelling.undo()
    labelling.redo()
    assert _states(labelling) == "p......"


def test_steps_end_at_the_ends(labelling):
    """The first and the last frame are the ends; a frame that was never extracted is refused."""
    labelling.step(-1)
    assert labelling.frame == labelling.index.frames[0]
    labelling.step(100)
    assert labelling.frame == labelling.index.frames[-1]
    with pytest.raises(LabelError, match="not among the extracted frames"):
        labelling.go_to(FrameRef("nowhere", 1))


def test_open_frames_come_round(labelling):
    """Going to the next open frame passes done ones, in both directions, and ends when all is done."""
    frames = labelling.index.frames
    _label(labelling)
    assert labelling.next_open(-1)
    assert labelling.frame == frames[-1]
    assert labelling.next_open()
    assert labelling.frame == frames[1]
    while labelling.current is not None:
        _label(labelling)
    assert not labelling.next_open()
    assert labelling.progress.open == 0
    assert labelling.progress.done == len(frames)


def test_others_edit_while_it_pauses(labelling, unlabelled):
    """Paused, it refuses edits and lets another process edit; resumed, it shows what that one did."""
    frame, part = labelling.frame, labelling.keypoints[0].bodypart
    labelling.pause()
    assert not labelling.writable
    with pytest.raises(LabelError, match="wait until it has finished"):
        labelling.place((1.0, 1.0))
    labelling.step(1)
    labelling.step(-1)
    with LabelSession.open(open_project(unlabelled), frame.video) as other:
        assert other.writable
        other.apply(Place(frame.number, part, (8.0, 9.0)))
    labelling.update(labelling.index.read(open_project(unlabelled)))
    assert not labelling.writable
    labelling.resume()
    assert labelling.frame == frame
    assert labelling.keypoints[0].xy == (8.0, 9.0)
    labelling.place((1.0, 1.0))


def test_closing_writes_the_files(labelling, unlabelled):
    """What was labelled is in the store at once, and closing lets others edit."""
    frame = labelling.frame
    labelling.place((11.0, 12.0))
    assert read_labels(open_project(unlabelled), frame.video).xy[0, 0].tolist() == [11.0, 12.0]
    labelling.close()
    with LabelSession.open(open_project(unlabelled), frame.video) as other:
        assert other.writable


def test_a_project_without_frames(labelling):
    """Without extracted frames there is nothing to show, and edits say what to do."""
    for video in {key.video for key in labelling.index.frames}:
        store = labelling.index.project.frame_store(video)
        store.rename(store.with_name("elsewhere.zarr"))
    labelling.update(labelling.index.read(labelling.index.project))
    assert (labelling.frame, labelling.keypoints, labelling.current) == (None, (), None)
    labelling.step(1)
    labelling.choose_next()
    assert not labelling.next_open()
    assert not labelling.next_uncertain(0.6)
    with pytest.raises(LabelError, match="extract frames first"):
        labelling.place((1.0, 1.0))
