"""A state is a value: changing it gives another one."""

from posecut_core.labels.state import Frame, LabelOrigin, LabelState, Point

PLACED = Point("placed", (1.0, 2.0))
DRAFT = Point("proposed", (1.0, 2.0), LabelOrigin("machine", 0.5))


def test_points_are_set_and_unset():
    """The old state stays as it was, and a frame that nothing is known of is gone."""
    empty = LabelState()
    state = empty.with_point(3, "nose", PLACED)
    assert (state.point(3, "nose"), state.point(3, "tail"), empty.point(3, "nose")) == (PLACED, None, None)
    assert state.with_point(3, "nose", None) == empty


def test_dropped_frames_are_not_shown():
    """Frames are shown in the order of their numbers; dropped ones keep their points."""
    state = LabelState(
        {
            9: Frame(points={"nose": PLACED}),
            3: Frame(points={"nose": PLACED}),
            5: Frame(points={"nose": DRAFT}, dropped=True),
        }
    )
    assert [number for number, _ in state.shown()] == [3, 9]
    assert state.point(5, "nose") == DRAFT


def test_drafts_wait_for_review():
    """Only drafts of frames in use are listed."""
    state = LabelState(
        {3: Frame(points={"nose": PLACED, "tail": DRAFT}), 5: Frame(points={"nose": DRAFT}, dropped=True)}
    )
    assert state.unreviewed == ((3, "tail"),)
