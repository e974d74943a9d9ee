"""A thread makes the same values, ahead of time, and ends."""

import threading

import pytest

from posecut_core.dataset.frames import made_ahead


def counted(made, *, stop=None, fail_at=None):
    for number in range(10_000) if stop is None else range(stop):
        if number == fail_at:
            raise ValueError(f"{number} failed")
        made.append(number)
        yield number


def alive():
    return [thread for thread in threading.enumerate() if thread.name == "numbers"]


def test_values_and_order_stay():
    """Everything comes out as it went in, None too."""
    with made_ahead(iter([1, None, "x"]), name="numbers") as values:
        assert list(values) == [1, None, "x"]
    assert not alive()


def test_the_next_values_are_made_while_one_is_used():
    """Without being asked for, values are made ahead, but only a few."""
    made, third = [], threading.Event()

    def source():
        for number in counted(made):
            yield number
            if number == 1:
                third.set()

    with made_ahead(source(), name="numbers") as values:
        assert next(values) == 0
        assert third.wait(timeout=60)
    assert len(made) <= 5


def test_an_error_arises_where_values_are_taken():
    """Values before the failure are given out, then the error itself."""
    with made_ahead(counted([], fail_at=2), name="numbers") as values:
        assert [next(values), next(values)] == [0, 1]
        with pytest.raises(ValueError, match="2 failed"):
            next(values)


@pytest.mark.parametrize("error", [None, KeyError])
def test_the_thread_ends_with_the_block(error):
    """Leaving early, by an error too, leaves no thread behind however much is still to make."""

    def leave():
        with made_ahead(counted([]), name="numbers") as values:
            next(values)
            if error:
                raise error

    if error:
        with pytest.raises(error):
            leave()
    else:
        leave()
    assert not alive()
