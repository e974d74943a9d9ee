"""The index tells the truth about a video, and says in one sentence why a file has none."""

import wave

import av
import numpy as np
import pytest

from posecut_core.errors import VideoError
from posecut_core.video.index import Gap, _numbers_from_order, index_video
from posecut_core.video.reader import VideoReader


def test_the_count_is_true(any_video):
    """The frame count is that of the frames encoded, whatever the container says, and times increase."""
    path, count = any_video
    index = index_video(path)
    assert index.frame_count == count
    assert (index.width, index.height) == (64, 48)
    assert (np.diff(index.times) > 0).all()
    assert index.damaged == ()


def test_irregular_times_are_kept(tmp_path, encode):
    """Times with unequal steps and a late beginning are those that were encoded."""
    times = [500, 520, 700, 733, 1900, 1917]
    index = index_video(encode(tmp_path / "a.mkv", "libx264", frames=6, times=times, options={"bf": "2"}))
    np.testing.assert_allclose(index.times, np.array(times) / 1000)
    assert index.fps == pytest.approx(5 / 1.417)


def test_the_rate_is_that_of_the_file(video):
    """A regular video has the rate that it states."""
    assert index_video(video).fps == 25.0


@pytest.mark.parametrize("name", ["a.mkv", "a.avi", "a.ts", "a.mp4"])
@pytest.mark.parametrize("packet", [20, 23, 25, 31])
def test_a_cut_file_yields_what_it_holds(tmp_path, encode, number_in, name, packet):
    """A file cut off within a packet has fewer frames; they have their true numbers and the last one decodes."""
    path = encode(tmp_path / name, "libx264", options={"bf": "3"})
    if name.endswith("mp4"):
        _move_index_to_front(path)
    content = path.read_bytes()
    with av.open(str(path)) as container:
        payload = [bytes(found) for found in container.demux(video=0) if found.size][packet]
    begin = content.find(payload[:150])
    path.write_bytes(content[: begin + min(150, len(payload)) // 2])
    with VideoReader(path) as reader:
        found = [number_in(image) for _, image in reader.frames()]
        assert packet - 4 <= len(found) == reader.index.frame_count <= packet + 1
    assert all(image in (None, number) for number, image in enumerate(found))
    assert found[-1] is not None


@pytest.mark.parametrize("missing", [38, 37, 36, 35])
def test_an_intact_file_keeps_the_frames_behind_a_hole(tmp_path, encode, missing):
    """A camera that skipped a frame near the end is no file that was cut off: all frames count, the hole is told."""
    times = [40 * number for number in range(40) if number != missing]
    index = index_video(encode(tmp_path / "a.mp4", "libx264", frames=39, times=times, options={"bf": "3"}))
    assert index.frame_count == 39
    assert index.gaps == (Gap(missing - 1, 1),)


@pytest.mark.parametrize(("missing", "count", "gap"), [(37, 39, Gap(36, 1)), (38, 38, Gap(37, 2))])
def test_frames_behind_a_hole_count_unless_the_file_may_be_cut(tmp_path, encode, missing, count, gap):
    """Only a hole just before the last frame is what a cut between reordered frames leaves; others lose no frame."""
    times = [40 * number for number in range(40) if number != missing]
    index = index_video(encode(tmp_path / "a.ts", "libx264", frames=39, times=times, options={"bf": "3"}))
    assert index.frame_count == count
    assert index.gaps == (gap,)


@pytest.mark.parametrize("name", ["a.mkv", "a.webm"])
def test_a_matroska_file_tells_its_end(tmp_path, encode, name):
    """A file whose end is where it says is not cut: the frame behind a hole counts, however near the end it is."""
    times = [40 * number for number in range(40) if number != 38]
    codec = "libx264" if name.endswith("mkv") else "libvpx"
    index = index_video(encode(tmp_path / name, codec, frames=39, times=times))
    assert index.frame_count == 39
    assert index.gaps == (Gap(37, 1),)


def test_empty_places_of_an_avi_are_no_loss(tmp_path, encode, packets_of, remux):
    """Of an AVI every picture is a row; places that its recorder left empty are told as such, where they are."""
    plain = encode(tmp_path / "plain.avi", "mjpeg", pix_fmt="yuvj420p")
    places = [number + number // 4 for number in range(40)]
    index = index_video(remux(plain, tmp_path / "a.avi", packets_of(plain), keyframes=set(range(40)), places=places))
    assert index.frame_count == 40
    assert index.gaps == tuple(Gap(number, 1, empty=True) for number in range(3, 39, 4))
    assert "nothing is damaged" in index.gaps[0].sentence


@pytest.mark.parametrize("missing", [20, 37, 38])
def test_empty_places_between_reordered_frames(tmp_path, encode, missing):
    """B-frames hide no empty place, and lose no frame to one near the end."""
    times = [40 * number for number in range(41) if number != missing]
    path = encode(tmp_path / "a.avi", "mpeg4", times=times, b_frames=2, unit=40)
    index = index_video(path)
    assert index.frame_count == 40
    assert [(gap.frames, gap.empty) for gap in index.gaps] == [(1, True)]
    assert abs(index.gaps[0].after - (missing - 1)) <= 2


@pytest.mark.parametrize("late", [0, 5_000, 200_000])
def test_appended_recordings_go_on(tmp_path, encode, number_in, late):
    """Where the clock of a file is set anew, frames go on in its order and the rate stays that of either recording."""
    times = [late + 40 * number for number in range(40)]
    first = encode(tmp_path / "first.ts", "libx264", options={"bf": "3"}, times=times)
    second = encode(tmp_path / "second.ts", "libx264", options={"bf": "3"})
    path = tmp_path / "both.ts"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    with VideoReader(path) as reader:
        assert [number_in(image) for _, image in reader.frames()] == [*range(40), *range(40)]
        assert [number_in(reader.read(number)) for number in (79, 3, 41, 40, 39)] == [39, 3, 1, 0, 39]
    assert reader.index.fps == pytest.approx(25)
    assert reader.index.gaps == ()


@pytest.mark.parametrize(("name", "codec"), [("a.h264", "libx264"), ("a.hevc", "libx265"), ("a.m2v", "mpeg2video")])
def test_a_bare_stream_has_the_rate_it_states(tmp_path, encode, name, codec):
    """The rate of a stream without a container stands in its own head; FFmpeg's 25 stands in only where none does."""
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    index = index_video(encode(tmp_path / name, codec, rate=30, options=options))
    assert index.frame_count == 40
    assert index.fps == 30
    assert index.times[-1] - index.times[0] == pytest.approx(39 / 30)


def _move_index_to_front(path):
    plain = path.rename(path.with_name("plain.mp4"))
    with av.open(str(plain)) as source, av.open(str(path), "w", options={"movflags": "faststart"}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)


def test_an_mp4_cut_before_its_index_is_refused(tmp_path, encode):
    """An mp4 whose index is lost cannot be read; the sentence says what may have happened."""
    path = encode(tmp_path / "a.mp4", "libx264")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(VideoError, match="cannot be read as a video: it is damaged, truncated"):
        index_video(path)


def test_what_is_no_video_is_refused_in_one_sentence(tmp_path):
    """Missing, empty, text, picture, sound only, folder: each has its sentence."""
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("bodyparts:\n- snout\n" * 50)
    (tmp_path / "text.txt").write_text("bodyparts:\n- snout\n" * 50)
    (tmp_path / "noise.avi").write_bytes(np.random.default_rng(0).bytes(5000))
    with wave.open(str(tmp_path / "sound.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(4000))
    said = {
        "none.mp4": "There is no video at",
        "empty.mp4": "is empty",
        "text.mp4": "cannot be read as a video",
        "text.txt": "(cannot be read as|holds no) ",
        "noise.avi": "cannot be read as a video",
        "sound.wav": "holds no video",
        ".": "is a folder",
    }
    for name, words in said.items():
        with pytest.raises(VideoError, match=words) as caught:
            index_video(tmp_path / name)
        assert str(caught.value).count(". ") == 0
        assert "\n" not in str(caught.value)


def test_a_video_without_one_good_frame_is_refused(tmp_path, encode):
    """Where no frame decodes, opening says so."""
    path = encode(tmp_path / "a.avi", "mjpeg", pix_fmt="yuvj420p", frames=3)
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        for payload in [bytes(packet) for packet in container.demux(video=0) if packet.size]:
            begin = content.find(payload)
            content[begin : begin + len(payload)] = bytes(len(payload))
    path.write_bytes(content)
    with pytest.raises(VideoError, match="none of its 3 frames"):
        index_video(path)


def test_lost_packets_take_a_place_in_the_order():
    """A packet that gave no frame is numbered by its place in the file; packets never shown are not."""
    numbers = _numbers_from_order([0, 2, 1, 4], [3], packets=6)
    assert numbers.tolist() == [0, 2, 1, 3, 4, -1]
    assert _numbers_from_order([3, 0], [4, 1, 2], packets=5).tolist() == [3, 1, 2, 0, 4]
