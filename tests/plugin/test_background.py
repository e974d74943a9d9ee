"""Work on a thread while the window lives."""

import threading

import pytest
from qtpy.QtCore import QTimer

from napari_posecut.jobs.monitor import SpareTime, at_work, in_background
from posecut_core.errors import VideoError


def test_window_lives_meanwhile(qtbot):
    """Timers of the window go on while the work waits for one of them; the result comes back."""
    ticked = threading.Event()
    QTimer.singleShot(1, ticked.set)
    assert in_background(lambda: ticked.wait(60))


@pytest.mark.parametrize("slow", [False, True])
def test_refusal_comes_back(qtbot, slow):
    """What the work raises is raised where it was asked for."""
    ticked = threading.Event()
    QTimer.singleShot(1, ticked.set)

    def work():
        if slow:
            ticked.wait(60)
        raise VideoError("no video")

    with pytest.raises(VideoError, match="no video"):
        in_background(work)


def test_nothing_overtakes_what_began(qtbot):
    """What is asked for while the window waits comes after it, and can see that there is work."""
    order, ticked = [], threading.Event()

    def later() -> None:
        order.append(at_work())
        ticked.set()
        in_background(lambda: order.append("second"))

    QTimer.singleShot(1, later)
    in_background(lambda: (ticked.wait(60), order.append("first")))
    assert order == [True, "first", "second"]
    assert not at_work()


def test_spare_time_is_spent_a_piece_at_a_time_and_not_while_something_is_done(qtbot):
    """Nothing is done while the window waits for a thread; all that is left can be done at once, or be dropped."""
    spare, done = SpareTime(), []
    spare.spend(iter(map(done.append, range(4))))
    in_background(spare._do_next)
    assert done == []
    spare._do_next()
    assert done == [0]
    spare.finish()
    assert done == [0, 1, 2, 3]
    spare.spend(iter(map(done.append, range(4))))
    spare.drop()
    spare.finish()
    assert len(done) == 4


def test_spare_time_comes_by_itself(qtbot):
    """A timer spends it, and stops when nothing is left."""
    spare, done = SpareTime(), []
    spare.spend(iter(map(done.append, range(1))))
    qtbot.waitUntil(lambda: not spare._timer.isActive())
    assert done == [0]
