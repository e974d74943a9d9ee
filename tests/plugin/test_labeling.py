"""What a click or a key does to labels, without a window."""

import numpy as np
import pytest

from napari_posecut.labeling.keypoints import Proposal
from napari_posecut.labeling.labeling import Labeling
from posecut_core.cameras.camera import project
from posecut_core.cameras.files import write_cameras
from posecut_core.errors import LabelError
from posecut_core.labels.edits import Place, Propose
from posecut_core.labels.session import LabelSession
from posecut_core.labels.store import read_labels
from posecut_core.project.opening import open_project
from posecut_core.types import FrameRef
from posecut_core.video.writer import VideoWriter
from posecut_core.workflow.create_project import create_new_project
from posecut_core.workflow.extract_frames import extract_frames
from tests.rig import three_cameras

NETWORK = Proposal((30.0, 40.0), 0.4, "net", 10)


@pytest.fixture
def labeling(unlabeled):
    """The labeling of a project in which nothing is labeled yet."""
    labeling = Labeling(open_project(unlabeled))
    yield labeling
    labeling.close()


@pytest.fixture
def heard(labeling):
    """What the labeling told its listeners, in order."""
    heard = []
    labeling.frame_changed.connect(lambda: heard.append("frame"))
    labeling.keypoints_changed.connect(lambda: heard.append("keypoints"))
    return heard


def _states(labeling):
    return "".join(
        {"unset": ".", "proposed": "?"}.get(keypoint.state, keypoint.state[0]) for keypoint in labeling.keypoints
    )


def _propose(labeling, count, proposal=NETWORK, frame=None):
    parts = list(labeling.index.columns)[:count]
    labeling.proposals.set_network({frame or labeling.frame: dict.fromkeys(parts, proposal)})


def _label(labeling):
    for part in range(len(labeling.keypoints)):
        labeling.place((20.0 + 9 * part, 50.0))


def test_placing_goes_through_the_bodyparts(labeling, heard):
    """Each placed point makes the next bodypart the current one; listeners hear of it once."""
    labeling.place((10.0, 20.0))
    assert (_states(labeling), labeling.current) == ("p......", labeling.keypoints[1])
    assert heard == ["keypoints"]
    labeling.mark_absent()
    labeling.occlude()
    labeling.occlude((10.0, 20.0))
    assert _states(labeling) == "paoo..."
    assert [keypoint.xy for keypoint in labeling.keypoints[:4]] == [(10.0, 20.0), None, None, (10.0, 20.0)]


def test_a_completed_frame_leads_to_the_next(labeling, heard):
    """The last bodypart shows the next frame that needs a person, told once; without `advance` it does not."""
    first, second = labeling.index.frames[:2]
    _label(labeling)
    assert labeling.frame == second
    assert heard == ["keypoints"] * 6 + ["frame"]
    labeling.advance = False
    _label(labeling)
    assert labeling.frame == second
    assert labeling.current is None
    assert [labeling.status(frame) for frame in (first, second)] == ["done", "done"]
    with pytest.raises(LabelError, match="All bodyparts of this frame are labeled"):
        labeling.place((1.0, 1.0))


def test_a_chosen_bodypart_is_placed_again_without_going_on(labeling):
    """Correcting a finished frame keeps it shown."""
    _label(labeling)
    labeling.step(-1)
    labeling.choose(labeling.keypoints[2].bodypart)
    labeling.place((99.0, 98.0))
    assert labeling.keypoints[2].xy == (99.0, 98.0)
    assert labeling.frame == labeling.index.frames[0]


def test_choosing_goes_round(labeling):
    """Forwards and backwards the bodyparts come round; another frame begins at its own first one."""
    labeling.choose_next(-1)
    assert labeling.current == labeling.keypoints[-1]
    labeling.choose_next()
    labeling.choose_next()
    assert labeling.current == labeling.keypoints[1]
    labeling.step(1)
    assert labeling.current == labeling.keypoints[0]


def test_proposals_are_accepted_at_once(labeling, unlabeled):
    """Accepting makes refined labels of all proposals as one edit, which one undo takes back."""
    frame = labeling.frame
    _propose(labeling, 7)
    assert (_states(labeling), labeling.status(frame)) == ("???????", "proposed")
    assert labeling.progress.points == 0
    labeling.accept()
    assert labeling.frame != frame
    points = labeling.index.frame(frame).points.values()
    assert {(point.state, point.origin.kind, point.origin.model) for point in points} == {("placed", "refined", "net")}
    labeling.undo()
    assert labeling.frame == frame
    assert labeling.index.frame(frame).points == {}
    labeling.redo()
    assert labeling.status(frame) == "done"


def test_accepting_what_is_incomplete_stays(labeling):
    """With bodyparts left, accepting does not go on; unset ones come before proposals."""
    _propose(labeling, 3)
    assert labeling.current == labeling.keypoints[3]
    labeling.accept()
    assert (_states(labeling), labeling.frame) == ("ppp....", labeling.index.frames[0])


def test_stored_drafts_are_accepted(labeling):
    """Machine labels in the store are shown as proposals, and accepted as they are."""
    frame, part = labeling.frame, labeling.keypoints[0].bodypart
    labeling.index.label_session.apply(Propose(frame.number, part, (3.0, 4.0), 0.3, "old", 5))
    assert (_states(labeling), labeling.status(frame)) == ("?......", "unreviewed")
    labeling.accept()
    assert labeling.index.frame(frame).points[part].origin.model == "old"


def test_moving_a_proposal_makes_it_a_label(labeling):
    """What a person moves is a label from then on, refined from the network's."""
    _propose(labeling, 2)
    labeling.move(labeling.keypoints[1].bodypart, (5.0, 6.0))
    assert _states(labeling) == "?p....."
    assert labeling.index.frame(labeling.frame).points[labeling.keypoints[1].bodypart].origin.kind == "refined"


def test_deleting_shows_no_proposal_instead(labeling):
    """A deleted label is unset, also where a network proposes one; deleting nothing leaves later proposals alone."""
    _propose(labeling, 2)
    labeling.accept()
    labeling.unset(labeling.keypoints[0].bodypart)
    labeling.unset(labeling.keypoints[4].bodypart)
    _propose(labeling, 7)
    assert _states(labeling) == ".p?????"


def test_copying_proposes_the_pose_before(labeling):
    """The nearest labeled frame before in the video is proposed for what is unset; accepting makes labels by hand."""
    _label(labeling)
    second = labeling.frame
    labeling.place((7.0, 7.0))
    labeling.copy_pose()
    assert _states(labeling) == "p??????"
    assert [keypoint.xy for keypoint in labeling.keypoints[:2]] == [(7.0, 7.0), (29.0, 50.0)]
    labeling.accept()
    assert labeling.status(second) == "done"
    assert {point.origin.kind for point in labeling.index.frame(second).points.values()} == {"human"}


def test_a_copied_pose_is_taken_back_first_after_another_video_was_shown(labeling):
    """The labels were let go of meanwhile and read anew, and the order in which things were done stays."""
    _label(labeling)
    here = labeling.frame
    labeling.copy_pose()
    labeling.go_to(next(key for key in labeling.index.frames if key.video != here.video))
    labeling.go_to(here)
    labeling.undo()
    assert (_states(labeling), labeling.frame) == (".......", here)
    labeling.undo()
    assert labeling.frame == labeling.index.frames[0]


def test_rejected_drafts_and_proposals_all_come_back(labeling):
    """What the store knows and what is only shown are rejected together: by one key, one undo, one redo."""
    _propose(labeling, 3)
    frame, part = labeling.frame, next(iter(labeling.index.columns))
    labeling._apply(Propose(frame.number, part, (5.0, 6.0), 0.5, "net", 10))
    assert _states(labeling) == "???...."
    labeling.reject()
    assert _states(labeling) == "......."
    labeling.undo()
    assert _states(labeling) == "???...."
    labeling.redo()
    assert _states(labeling) == "......."
    labeling.undo()
    labeling.undo()
    assert _states(labeling) == "???...."  # the network proposes what is in the store no more


def test_a_copied_pose_is_made_again_in_its_turn(labeling):
    """Redo goes the way of undo back; after another change there is nothing to make again."""
    _label(labeling)
    labeling.copy_pose()
    labeling.place((7.0, 7.0))
    labeling.undo()
    labeling.undo()
    assert _states(labeling) == "......."
    labeling.redo()
    assert _states(labeling) == "???????"
    labeling.redo()
    assert _states(labeling) == "p??????"
    labeling.undo()
    labeling.undo()
    labeling.place((8.0, 8.0))
    with pytest.raises(LabelError, match="nothing to redo"):
        labeling.redo()


def test_bodyparts_that_are_hidden_are_not_edited(labeling):
    """The next bodypart passes them over, and so do accepting, rejecting and copying, which tell what they left."""
    parts = list(labeling.index.columns)
    _propose(labeling, 3)
    labeling.hide(frozenset({parts[0], parts[3]}))
    assert labeling.current.bodypart == parts[4]
    labeling.choose_next(-1)
    labeling.choose_next(-1)
    labeling.choose_next(-1)
    assert labeling.current.bodypart == parts[6]
    assert list(labeling.movable) == parts[1:3]
    assert (labeling.reject(), _states(labeling)) == (1, "?......")
    labeling.undo()
    assert (labeling.accept(), _states(labeling)) == (1, "?pp....")
    labeling.step(1)
    labeling.copy_pose()
    assert _states(labeling) == ".??...."
    labeling.hide(frozenset(parts))
    assert labeling.current is None
    with pytest.raises(LabelError, match="All bodyparts of this frame that are shown"):
        labeling.place((1.0, 1.0))


def test_a_frame_is_done_with_the_bodyparts_that_are_shown(labeling):
    """Who labels one bodypart at a time is led from frame to frame, and past those that have it."""
    frames, parts = labeling.index.frames, list(labeling.index.columns)
    labeling.go_to(frames[1])
    labeling.place((1.0, 1.0))
    labeling.go_to(frames[0])
    labeling.hide(frozenset(parts[1:]))
    labeling.place((2.0, 2.0))
    assert labeling.frame == frames[2]
    labeling.hide(frozenset(parts[:1]))
    labeling.choose(parts[0])
    assert labeling.hidden == frozenset()
    assert labeling.current.bodypart == parts[0]


def test_rejected_proposals_come_back_while_the_labels_are_let_go_of(labeling):
    """A job edits them meanwhile, and undoing takes back what was done last, not the edit before it."""
    labeling.place((5.0, 6.0))
    _propose(labeling, 3)
    before = _states(labeling)
    labeling.reject()
    labeling.pause()
    labeling.undo()
    assert _states(labeling) == before
    labeling.reject()
    labeling.resume()
    labeling.undo()
    assert _states(labeling) == before


def test_nothing_is_copied_from_another_video(labeling):
    """The first frame of a video has no pose to copy."""
    _label(labeling)
    other = next(key for key in labeling.index.frames if key.video != labeling.frame.video)
    labeling.go_to(other)
    with pytest.raises(LabelError, match="No earlier frame"):
        labeling.copy_pose()


def test_doubtful_proposals_come_round(labeling):
    """Proposals below the cutoff are chosen one after the other, from frame to frame, and again from the front."""
    first, second = labeling.index.frames[:2]
    parts = list(labeling.index.columns)
    sure = Proposal((1.0, 1.0), 0.9, "net", 10)
    labeling.proposals.set_network({first: {parts[1]: NETWORK, parts[2]: sure}, second: {parts[0]: NETWORK}})
    found = []
    for _ in range(3):
        assert labeling.next_uncertain(0.6)
        found.append((labeling.frame, labeling.current.bodypart))
    assert found == [(first, parts[1]), (second, parts[0]), (first, parts[1])]
    labeling.accept()
    labeling.go_to(second)
    labeling.accept()
    assert not labeling.next_uncertain(0.6)


def test_a_single_doubtful_proposal_is_found_again(labeling):
    """The only one of its kind is found however often one asks."""
    _propose(labeling, 1)
    assert labeling.next_uncertain(0.6)
    assert labeling.next_uncertain(0.6)


def test_a_dropped_frame_needs_nobody(labeling):
    """A dropped frame is passed over, keeps its points, refuses edits, and is taken back in."""
    labeling.place((1.0, 1.0))
    labeling.drop()
    assert labeling.status(labeling.frame) == "dropped"
    with pytest.raises(LabelError):
        labeling.place((2.0, 2.0))
    labeling.drop()
    assert _states(labeling) == "p......"


def test_undoing_shows_where_it_was(labeling, heard):
    """Undo and redo show the frame that they change; with nothing to undo they say so."""
    first = labeling.frame
    labeling.place((1.0, 1.0))
    labeling.step(1)
    heard.clear()
    labeling.undo()
    assert (labeling.frame, _states(labeling), heard) == (first, ".......", ["frame"])
    with pytest.raises(LabelError, match="nothing to undo"):
        labeling.undo()
    labeling.redo()
    assert _states(labeling) == "p......"


def test_steps_end_at_the_ends(labeling):
    """The first and the last frame are the ends; a frame that was never extracted is refused."""
    labeling.step(-1)
    assert labeling.frame == labeling.index.frames[0]
    labeling.step(100)
    assert labeling.frame == labeling.index.frames[-1]
    with pytest.raises(LabelError, match="not among the extracted frames"):
        labeling.go_to(FrameRef("nowhere", 1))


def test_open_frames_come_round(labeling):
    """Going to the next open frame passes done ones, in both directions, and ends when all is done."""
    frames = labeling.index.frames
    _label(labeling)
    assert labeling.next_open(-1)
    assert labeling.frame == frames[-1]
    assert labeling.next_open()
    assert labeling.frame == frames[1]
    while labeling.current is not None:
        _label(labeling)
    assert not labeling.next_open()
    assert labeling.progress.open == 0
    assert labeling.progress.done == len(frames)


def test_others_edit_while_it_pauses(labeling, unlabeled):
    """Paused, it refuses edits and lets another process edit; resumed, it shows what that one did."""
    frame, part = labeling.frame, labeling.keypoints[0].bodypart
    labeling.pause()
    assert not labeling.writable
    with pytest.raises(LabelError, match="wait until it has finished"):
        labeling.place((1.0, 1.0))
    labeling.step(1)
    labeling.step(-1)
    with LabelSession.open(open_project(unlabeled), frame.video) as other:
        assert other.writable
        other.apply(Place(frame.number, part, (8.0, 9.0)))
    labeling.update(labeling.index.read(open_project(unlabeled)))
    assert not labeling.writable
    labeling.resume()
    assert labeling.frame == frame
    assert labeling.keypoints[0].xy == (8.0, 9.0)
    labeling.place((1.0, 1.0))


def test_closing_writes_the_files(labeling, unlabeled):
    """What was labeled is in the store at once, and closing lets others edit."""
    frame = labeling.frame
    labeling.place((11.0, 12.0))
    assert read_labels(open_project(unlabeled), frame.video).xy[0, 0].tolist() == [11.0, 12.0]
    labeling.close()
    with LabelSession.open(open_project(unlabeled), frame.video) as other:
        assert other.writable


def test_a_project_without_frames(labeling):
    """Without extracted frames there is nothing to show, and edits say what to do."""
    for video in {key.video for key in labeling.index.frames}:
        store = labeling.index.project.frame_store(video)
        store.rename(store.with_name("elsewhere.zarr"))
    labeling.update(labeling.index.read(labeling.index.project))
    assert (labeling.frame, labeling.keypoints, labeling.current) == (None, (), None)
    labeling.step(1)
    labeling.choose_next()
    assert not labeling.next_open()
    assert not labeling.next_uncertain(0.6)
    with pytest.raises(LabelError, match="extract frames first"):
        labeling.place((1.0, 1.0))


@pytest.fixture
def three_views(tmp_path):
    """The labeling of a project with frame 2 of one moment, seen by three calibrated cameras."""
    cameras = three_cameras()
    for camera in cameras:
        with VideoWriter(tmp_path / f"day1_{camera.name}.mp4", fps=10, width=160, height=120) as writer:
            for number in range(4):
                writer.write(np.full((120, 160, 3), 50 * number, np.uint8))
    videos = [tmp_path / f"day1_{camera.name}.mp4" for camera in cameras]
    config = create_new_project("Rig", "me", videos, tmp_path, bodyparts=("snout", "tail")).config_path
    write_cameras(open_project(config).cameras, cameras)
    extract_frames(config, "manual", videos="day1_left", frames=[2], views="{session}_{camera}")
    labeling = Labeling(open_project(config))
    yield labeling
    labeling.close()


def test_two_views_propose_the_third(three_views):
    """Labels in two views are a line each in the third, and together a pose, which Enter makes labels of."""
    labeling, labeling.advance = three_views, False
    points = np.array([[0.0, 0.0, 10.0], [20.0, -15.0, 5.0]])
    seen = {f"day1_{camera.name}": project(camera, points) for camera in three_cameras()}
    assert [frame.number for frame in labeling.index.frames] == [2, 2, 2]
    for video in ("day1_left", "day1_middle"):
        labeling.go_to(FrameRef(video, 2))
        assert len(labeling.epipolar_lines) == (video == "day1_middle")
        for x, y in seen[video].tolist():
            labeling.place((x, y))
    labeling.go_to(FrameRef("day1_right", 2))
    assert _states(labeling) == "??"
    assert len(labeling.epipolar_lines) == 2
    labeling.accept()
    assert _states(labeling) == "pp"
    labels = [keypoint.xy for keypoint in labeling.keypoints]
    np.testing.assert_allclose(labels, seen["day1_right"], atol=0.01)
