"""A source demuxes from a keyframe on and ties every frame to its packet."""

import pytest

from posecut_core.errors import VideoError
from posecut_core.video.demux import Source, open_video
from posecut_core.video.index import index_video


@pytest.fixture
def source(video):
    opened = Source(video)
    yield opened
    opened.close()


def test_every_packet_gives_its_frame(source, video, number_in):
    """The ordinal that comes back with a frame is that of the packet that held it."""
    numbers = index_video(video).packets.numbers
    frames = dict(source.decode(source.from_start()))
    found = {ordinal: number_in(frame.to_ndarray(format="rgb24")) for ordinal, frame in frames.items()}
    assert found == dict(enumerate(numbers.tolist()))


@pytest.mark.parametrize("position", [0, 1, 2, 3])
def test_demuxing_begins_at_or_before_the_keyframe(source, video, position):
    """The first packet is a keyframe, not later than the one wanted, and no packet after it is missing."""
    table = index_video(video).packets
    ordinals = [ordinal for ordinal, _ in source.from_keyframe(table, position)]
    assert ordinals == list(range(ordinals[0], 40))
    assert ordinals[0] in table.keyframes[: position + 1]


def test_where_seeking_fails_packets_are_counted_from_the_start(source, video, monkeypatch, number_in):
    """Decoding begins at the keyframe all the same, with a decoder that has seen the first packet."""
    table = index_video(video).packets
    monkeypatch.setattr(source, "_seek", lambda table, stamp: iter(()))
    first = int(table.keyframes[3])
    assert [ordinal for ordinal, _ in source.from_keyframe(table, 3)] == list(range(first, 40))
    frames = source.decode(source.from_keyframe(table, 3))
    assert number_in(next(frames)[1].to_ndarray(format="rgb24")) == int(table.numbers[first])


def test_playlists_and_texts_are_no_videos(tmp_path, video):
    """A text that names other files opens none of them."""
    (tmp_path / "list.ffconcat").write_text(f"ffconcat version 1.0\nfile {video}\n")
    (tmp_path / "list.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{video}\n#EXT-X-ENDLIST\n")
    (tmp_path / "notes.txt").write_text("a mouse " * 500)
    for name in ("list.ffconcat", "list.m3u8", "notes.txt"):
        with pytest.raises(VideoError):
            open_video(tmp_path / name)


@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.h264", "a.mjpeg"])
def test_a_file_of_zeros_is_refused_at_once(tmp_path, name):
    """A copy that never began: in raw streams FFmpeg looked for pictures through gigabytes."""
    with (tmp_path / name).open("wb") as file:
        file.truncate(2**33)
    with pytest.raises(VideoError, match="begins with zeros"):
        open_video(tmp_path / name)
