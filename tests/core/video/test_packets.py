"""The packet table finds every packet again, whatever marks the container offers."""

from fractions import Fraction

import av
import numpy as np
import pytest

from posecut_core.video.demux import NOT_SHOWN, UNKNOWN, Scan, make_table, order_by_time, presentation_times


def _scan(pts, *, pos=None, key=(0,), shown=None):
    count = len(pts)
    unknown = np.full(count, UNKNOWN, np.int64)
    flags = np.zeros(count, bool)
    flags[list(key)] = True
    return Scan(
        pts=np.array(pts, np.int64),
        dts=unknown,
        pos=unknown if pos is None else np.array(pos, np.int64),
        sizes=np.arange(100, 100 + count),
        key=flags,
        shown=np.ones(count, bool) if shown is None else np.array(shown),
        shift=np.zeros(count, np.int64),
        corrupt=np.zeros(count, bool),
        cut=False,
    )


def _packet(size, *, pts=None):
    packet = av.Packet(size)
    packet.pts = pts
    return packet


def test_frames_are_numbered_by_time_and_hidden_ones_are_not():
    """Numbers follow presentation times; a frame that an edit list leaves out has none."""
    scan = _scan([0, 40, 10, 20, 80], shown=[True, True, False, True, True])
    assert order_by_time(scan).tolist() == [0, 2, NOT_SHOWN, 1, 3]


@pytest.mark.parametrize(("pos", "mark"), [([5, 9, 30, 70], "pos"), ([5, 5, 5, 5], "pts"), (None, "pts")])
def test_packets_are_told_apart_by_position_or_time(pos, mark):
    """Positions serve if they differ, else times."""
    scan = _scan([0, 30, 10, 20], pos=pos)
    assert make_table(scan, order_by_time(scan)).mark == mark


def test_a_packet_is_found_by_its_mark_and_size():
    """A packet with the mark of another or of another size is none that is known."""
    scan = _scan([0, 30, 10, 20])
    table = make_table(scan, order_by_time(scan))
    for ordinal, time in enumerate([0, 30, 10, 20]):
        assert table.find(_packet(100 + ordinal, pts=time)) == ordinal
        assert table.find(_packet(7, pts=time)) is None
    assert table.find(_packet(100, pts=10**9)) is None
    assert table.find(_packet(100)) is None


def test_packets_without_any_mark_are_not_found():
    """Where nothing tells packets apart, none is taken for another."""
    scan = _scan([UNKNOWN] * 3)
    table = make_table(scan, np.arange(3))
    assert table.mark is None
    assert table.find(_packet(100)) is None


def test_the_keyframe_before_a_frame_shown_early_is_the_one_before():
    """Frames stored after a keyframe and shown before it (open groups) may need the keyframe before."""
    scan = _scan([0, 10, 20, 50, 30, 40, 60], key=(0, 3))
    table = make_table(scan, order_by_time(scan))
    assert [table.keyframe_before(number) for number in range(7)] == [0, 0, 0, 0, 0, 1, 1]


def test_times_are_seconds_or_counted():
    """Times come from the file in its unit, or from the frame rate where the file has none."""
    units = {"time_base": Fraction(1, 1000), "rate": Fraction(25)}
    stated = presentation_times(_scan([0, 40, 20]), np.array([0, 2, 1]), **units)
    counted = presentation_times(_scan([UNKNOWN] * 3), np.arange(3), **units)
    np.testing.assert_allclose(stated, [0, 0.02, 0.04])
    np.testing.assert_allclose(counted, [0, 0.04, 0.08])
