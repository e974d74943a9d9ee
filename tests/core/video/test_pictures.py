"""Pictures come in the order of their numbers, every number once, None where nothing can be trusted."""

import pytest

from posecut_core.video.decode import pictures_from
from posecut_core.video.demux import Source
from posecut_core.video.index import index_video


@pytest.mark.parametrize("position", [0, 2])
def test_every_number_comes_once_in_order(video, number_in, position):
    """From a keyframe on, each number has its picture."""
    table = index_video(video).packets
    source = Source(video)
    found = [(n, number_in(p.to_ndarray(format="rgb24"))) for n, p in pictures_from(source, table, position)]
    source.close()
    first = int(table.numbers[table.keyframes[position]])
    assert found == [(number, number) for number in range(first, 40)]


def test_damage_spreads_to_the_next_keyframe_and_no_further(tmp_path, encode, damage):
    """Frames predicted from a damaged one are given up; those before it and from the next keyframe on are not."""
    path = damage(encode(tmp_path / "a.mp4", "mpeg4", b_frames=0), 13)
    table = index_video(path).packets
    keyframes = table.numbers[table.keyframes].tolist()
    source = Source(path)
    lost = [number for number, picture in pictures_from(source, table, 0) if picture is None]
    source.close()
    assert lost == list(range(13, min(number for number in keyframes if number > 13)))


@pytest.mark.parametrize("packet", range(30, 40))
def test_an_error_at_the_end_costs_no_other_frame(tmp_path, encode, damage, number_in, packet):
    """Frames that the decoder's threads lose with an error in the last packets are decoded again."""
    path = damage(encode(tmp_path / "a.avi", "mjpeg", pix_fmt="yuvj420p"), packet)
    table = index_video(path).packets
    source = Source(path)
    lost = [number for number, picture in pictures_from(source, table, 0) if picture is None]
    source.close()
    assert lost == [packet]
