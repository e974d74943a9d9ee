"""Frames that a damaged file has lost are missed."""

import av
import numpy as np
import pytest

from posecut_core.video.index import Gap, _clock_seconds, _find_gaps, _holds_another, gap_sentences, index_video


def times(*numbers):
    """Times at 25 frames per second, rounded to milliseconds."""
    return np.round(np.array(numbers) / 25, 3).astype(np.float64)


def test_holes_are_named_by_the_frame_before_them():
    """Where a regular video skips ahead, the frames that would have fitted in are counted."""
    shown = [number for number in range(100) if number not in (40, *range(60, 70))]
    assert _find_gaps(times(*shown), stated_end=None) == (Gap(39, 1), Gap(58, 10))


def test_a_late_frame_is_none_that_is_missing():
    """Times that demuxers estimate, or that a busy computer took, come too late now and then: the next ones make up."""
    late = times(*range(40), 41, 41, *range(42, 100))
    assert _find_gaps(late, stated_end=None) == ()
    late = times(*range(40), 41, 42, 43, *range(43, 50), *range(60, 100))
    assert _find_gaps(late, stated_end=None) == (Gap(49, 10),)


@pytest.mark.parametrize(("end", "gaps"), [(4.0, ()), (4.08, ()), (6.0, (Gap(99, 50),)), (None, ())])
def test_a_video_that_was_cut_off_lacks_its_end(end, gaps):
    """A stated end far behind the last frame is a hole; one that is about right is none."""
    assert _find_gaps(times(*range(100)), stated_end=end) == gaps


def test_pauses_of_an_irregular_video_mean_nothing():
    """Where the rate varies nobody can tell what is missing; one frame, or none, has no rate."""
    irregular = np.cumsum(np.random.default_rng(0).uniform(0.01, 0.2, 50))
    assert _find_gaps(irregular, stated_end=99.0) == ()
    assert _find_gaps(times(0), stated_end=99.0) == ()


def test_empty_places_are_told_in_one_sentence():
    """However many places a recorder left empty, they are one thing to know, and no damage."""
    gaps = (Gap(4, 1, empty=True), Gap(9, 2, empty=True), Gap(20, 5))
    empty, lost = gap_sentences(gaps)
    assert (
        empty
        == "3 places hold no picture, the first after frame 4: the recorder left them empty, and nothing is damaged"
    )
    assert lost == gaps[2].sentence
    assert gap_sentences(gaps[:1]) == (gaps[0].sentence,)


def test_a_cut_matroska_file_is_noticed(tmp_path, encode):
    """The frames that its head promises are counted as missing behind the last one."""
    path = encode(tmp_path / "a.mkv", "mjpeg", pix_fmt="yuvj420p", frames=40)
    assert index_video(path).gaps == ()
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    index = index_video(path)
    assert index.gaps == (Gap(index.frame_count - 1, 40 - index.frame_count),)
    assert "truncated" in index.gaps[0].sentence


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.mov", "mpeg4"), ("a.flv", "flv"), ("a.wmv", "wmv2")]
)
def test_what_is_joined_byte_by_byte_is_told(tmp_path, encode, name, codec):
    """Kind: a file that goes on behind its end: FFmpeg reads the first recording, and says nothing of the rest."""
    path = tmp_path / name
    encode(path, codec)
    alone = index_video(path)
    assert alone.gaps == ()
    path.write_bytes(path.read_bytes() * 2)
    joined = index_video(path)
    assert (joined.frame_count, joined.gaps) == (alone.frame_count, (Gap(alone.frame_count - 1, 0, appended=True),))
    assert "the file contains another recording after frame" in joined.gaps[0].sentence


def test_sizes_that_no_file_has_are_no_recording(tmp_path):
    """Kind: a damaged size inside a container: an .asf whose part would end beyond any disk."""
    path = tmp_path / "a.wmv"
    path.write_bytes(bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + (2**63).to_bytes(8, "little") + b"\0" * 100)
    assert not _holds_another(path)


@pytest.mark.parametrize("tag", ["00:00:00.48000\x1000", "a:b:c", "00:nan:00", "00:00:1e999", "12", ""])
def test_an_end_that_is_no_time_is_none(tag):
    """Kind: a damaged tag: the end that a Matroska file states is then what its container says."""
    assert _clock_seconds(tag) is None
    assert _clock_seconds("01:00:02.5") == 3602.5


@pytest.mark.parametrize("tail", [b"\0" * 100, b"FLV", b"GoPro notes", b"\0\0\0\x10free" + b"x" * 8])
def test_other_bytes_behind_the_end_are_no_recording(tmp_path, encode, tail):
    """Cameras pad their files, and write notes behind them."""
    path = tmp_path / "a.mp4"
    encode(path, "libx264")
    path.write_bytes(path.read_bytes() + tail)
    assert index_video(path).gaps == ()


@pytest.mark.parametrize("name", ["both.mkv", "both.mp4", "both.mov", "both.ts"])
def test_a_second_video_track_is_told(tmp_path, encode, name):
    """Kind: a file that holds more than is read. A recording of two cameras in one file gives only the first's."""
    one = tmp_path / "one.mp4"
    encode(one, "libx264", b_frames=0)
    with av.open(one) as first, av.open(one) as second, av.open(tmp_path / name, "w") as file:
        pairs = [(source, file.add_stream_from_template(source.streams.video[0])) for source in (first, second)]
        for source, stream in pairs:
            for packet in source.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    file.mux(packet)
    index = index_video(tmp_path / name)
    assert (index.frame_count, index.gaps[-1].tracks) == (40, 2)
    assert "has 2 video tracks, and the first is read" in gap_sentences(index.gaps)[-1]
