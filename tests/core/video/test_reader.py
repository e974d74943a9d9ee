"""Frames come with their true numbers: read at random, in order, with gaps, and from damaged files."""

import random
import shutil
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from posecut_core.errors import VideoError
from posecut_core.video.demux import Source
from posecut_core.video.reader import VideoReader


def test_every_kind_of_video_reads_in_order(any_video, number_in):
    """Frame n in sequence is the n-th that was encoded."""
    path, count = any_video
    with VideoReader(path) as reader:
        found = [(number, number_in(image)) for number, image in reader.frames()]
    assert found == [(number, number) for number in range(count)]


def test_every_kind_of_video_is_ready_for_an_encoder(any_video):
    """Pictures have the same numbers and colors as frames, and sides of even length."""
    with VideoReader(any_video[0]) as reader:
        images = dict(reader.frames())
        for number, picture in reader.encodable():
            assert (picture.format.name, picture.width % 2, picture.height % 2) == ("nv12", 0, 0)
            found = picture.to_ndarray(format="rgb24")[: reader.index.height, : reader.index.width]
            assert np.abs(found.astype(int) - images[number]).mean() < 6
            memoryview(picture.planes[0])[0] = 0  # free to draw on


def test_every_kind_of_video_reads_at_random(any_video, number_in):
    """Frame n read at random is the n-th that was encoded."""
    path, count = any_video
    order = random.Random(1).choices(range(count), k=50)
    with VideoReader(path) as reader:
        assert [number_in(reader.read(number)) for number in order] == order


def test_random_reads_equal_the_sequence_to_the_last_bit(video):
    """A frame has the same pixels whichever way it is reached."""
    with VideoReader(video) as reader:
        sequence = dict(reader.frames())
        for number in random.Random(2).sample(range(40), 20):
            np.testing.assert_array_equal(reader.read(number), sequence[number])


def test_given_numbers_come_sorted_and_once(video, number_in):
    """Wanted numbers are yielded in increasing order without repeats."""
    with VideoReader(video) as reader:
        found = [(number, number_in(image)) for number, image in reader.frames([31, 2, 31, 17])]
    assert found == [(2, 2), (17, 17), (31, 31)]


def test_reading_between_two_frames_of_a_sequence_does_no_harm(video, number_in):
    """A sequence goes on with the right frame after a random read."""
    with VideoReader(video) as reader:
        found = []
        for number, image in reader.frames(range(0, 40, 3)):
            assert number_in(reader.read(39 - number)) == 39 - number
            found.append(number_in(image))
    assert found == list(range(0, 40, 3))


@pytest.mark.parametrize("number", [40, -1, 10**9])
def test_a_number_past_the_end_says_how_many_there_are(video, number):
    """The sentence names the frame count and the range to choose from."""
    with VideoReader(video) as reader:
        with pytest.raises(VideoError, match=r"has 40 frames \(0-39\)"):
            reader.read(number)
        with pytest.raises(VideoError, match="has 40 frames"):
            list(reader.frames([0, number]))


@pytest.mark.parametrize(
    ("name", "codec", "settings"),
    [
        ("b_frames.mp4", "libx264", {"options": {"bf": "3"}}),
        ("open_groups.mkv", "libx264", {"options": {"bf": "3", "x264-params": "open-gop=1:scenecut=0"}}),
        ("made_up_times.avi", "libx264", {"options": {"bf": "3"}}),
        ("b_frames.avi", "mpeg4", {"b_frames": 2}),
        ("plain.mp4", "mpeg4", {"b_frames": 0}),
        ("mjpeg.avi", "mjpeg", {"pix_fmt": "yuvj420p"}),
    ],
)
@pytest.mark.parametrize("packet", [2, 15, 39])
def test_damaged_frames_are_named_and_shift_nothing(tmp_path, encode, damage, number_in, name, codec, settings, packet):
    """A damaged packet costs its frame and those predicted from it; every other frame keeps number and picture."""
    path = damage(encode(tmp_path / name, codec, **settings), packet)
    with VideoReader(path) as reader:
        found = [number_in(image) for _, image in reader.frames()]
        damaged = reader.damaged
    assert len(found) == 40
    assert 1 <= len(damaged) <= 16
    assert found == [None if number in damaged else number for number in range(40)]
    with VideoReader(path) as reader:
        with pytest.raises(VideoError, match=f"Frame {damaged[0]} of .* is damaged"):
            reader.read(damaged[0])
        whole = [number for number in (39, 20, 9, 0, 30) if number not in damaged]
        assert [number_in(reader.read(number)) for number in whole] == whole


def test_frames_after_a_damaged_intra_frame_are_whole(tmp_path, encode, damage):
    """Where every frame stands alone, exactly one is lost."""
    path = damage(encode(tmp_path / "a.avi", "mjpeg", pix_fmt="yuvj420p"), 7)
    with VideoReader(path) as reader:
        assert [number for number, image in reader.frames() if image is None] == [7]


@pytest.mark.parametrize(("rotation", "quarters"), [(90, 1), (180, 2), (-90, 3)])
def test_a_turned_video_is_shown_upright(tmp_path, encode, numbered_image, rotation, quarters):
    """The rotation that phones write is applied, and the size is that of the turned picture."""
    path = encode(tmp_path / "phone.mp4", "libx264", rotation=rotation, options={"qp": "1"})
    with VideoReader(path) as reader:
        image = reader.read(13)
        assert (reader.index.height, reader.index.width) == image.shape[:2]
    wanted = np.rot90(numbered_image(13), quarters)
    assert image.shape == wanted.shape
    assert np.abs(image.astype(int) - wanted).mean() < 8


@pytest.mark.parametrize("rotation", [0, 90, 180, -90])
@pytest.mark.parametrize(("mirrored", "flip"), [("left for right", np.fliplr), ("top for bottom", np.flipud)])
def test_a_mirrored_video_is_shown_as_players_do(tmp_path, encode, numbered_image, rotation, mirrored, flip):
    """It is turned, then mirrored: when it is read, and for a video that is drawn."""
    path = encode(tmp_path / "phone.mp4", "libx264", rotation=rotation, mirrored=mirrored, options={"qp": "1"})
    wanted = flip(np.rot90(numbered_image(13), rotation // 90))
    with VideoReader(path) as reader:
        image = reader.read(13)
        [(_, encodable)] = reader.encodable([13])
        assert (reader.index.height, reader.index.width) == wanted.shape[:2]
    for found in (image, encodable.to_ndarray(format="rgb24")):
        assert found.shape == wanted.shape
        assert np.abs(found.astype(int) - wanted).mean() < 8


def test_turning_agrees_with_the_players(tmp_path, encode):
    """A display matrix of 90 degrees counterclockwise turns the left edge to the bottom, as ffplay does."""
    path = encode(tmp_path / "phone.mp4", "libx264", rotation=90)
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).rotation == 90
    with VideoReader(path) as reader:
        image = reader.read(1)  # bit 0: the block at the top left is white
    assert image[-8, 8].min() > 200


def test_gray_stays_gray(tmp_path, encode):
    """A gray video gives three equal channels."""
    with VideoReader(encode(tmp_path / "a.mkv", "ffv1", pix_fmt="gray")) as reader:
        image = reader.read(5)
    assert (image == image[..., :1]).all()


def test_a_size_that_changes_midway_is_scaled_to_the_first(tmp_path, encode):
    """All frames of a video have one shape."""
    with av.open(str(tmp_path / "a.ts"), "w") as container:
        stream = container.add_stream("mpeg2video", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        other = av.CodecContext.create("mpeg2video", "w")
        other.width, other.height, other.pix_fmt, other.framerate = 96, 80, "yuv420p", Fraction(25)
        other.time_base = Fraction(1, 25)
        container.mux([p for n in range(5) for p in stream.encode(_gray(64, 48, n))] + stream.encode(None))
        later = [p for n in range(5, 10) for p in other.encode(_gray(96, 80, n))] + other.encode(None)
        for packet in later:
            packet.stream = stream
            container.mux(packet)
    with VideoReader(tmp_path / "a.ts") as reader:
        assert {image.shape for _, image in reader.frames() if image is not None} == {(48, 64, 3)}


def _gray(width: int, height: int, pts: int) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), 90, np.uint8), format="rgb24")
    frame.pts = pts
    return frame


@pytest.fixture
def told_once(tmp_path, encode, packets_of, remux):
    """A video whose first packet alone holds the tables by which all are decoded."""
    plain = encode(tmp_path / "plain.avi", "mjpeg", pix_fmt="yuvj420p", options={"qmin": "3", "qmax": "3"})
    first, *rest = packets_of(plain)
    packets = [first, *(_without(0xDB, packet) for packet in rest)]
    return remux(plain, tmp_path / "told_once.avi", packets, keyframes=set(range(40)), places=list(range(40)))


def _without(kind: int, picture: bytes) -> bytes:
    """Take the segments of one kind out of a JPEG."""
    at, kept = 2, picture[:2]
    while picture[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(picture[at + 2 : at + 4])
        kept += b"" if picture[at + 1] == kind else picture[at:end]
        at = end
    return kept + picture[at:]


def test_a_decoder_is_shown_the_first_packet(told_once, number_in):
    """What only the first packet tells is known wherever reading begins: each reader gives what the sequence gives."""
    with VideoReader(told_once) as reader:
        sequence = dict(reader.frames())
    for number in (39, 20, 1):
        with VideoReader(told_once) as reader:
            np.testing.assert_array_equal(reader.read(number), sequence[number])
            assert number_in(sequence[number]) == number


@pytest.fixture
def blind(video, monkeypatch):
    """A video of which a decoder gives nothing after a seek, as if every frame were predicted from the first."""

    def decode(source, packets):
        return (found for found in original(source, packets) if source.began == 0)

    original = Source.decode
    monkeypatch.setattr(Source, "decode", decode)
    return video


def test_what_a_second_way_finds_is_not_damaged(blind, number_in):
    """A frame that cannot be decoded from the keyframe before it is read from the start of the file."""
    with VideoReader(blind) as reader:
        numbers = [30, 7, 39, 0, 22, 31]
        assert [number_in(reader.read(number)) for number in numbers] == numbers
        assert [number_in(image) for _, image in reader.frames(range(15, 40))] == list(range(15, 40))
        assert reader.damaged == ()


def test_frames_that_may_be_damaged_are_left_out_by_who_cannot_wait(blind):
    """Unless it has to be sure, a reader does not read from the start of the file, and claims nothing."""
    with VideoReader(blind, sure=False) as reader:
        assert [number for number, _ in reader.frames([2, 30])] == [2]
        assert reader.damaged == ()


def _decoded(monkeypatch) -> list[int]:
    """Count the packets that all decoders are given."""
    count = [0]

    def decode(source, packet):
        count[0] += 1
        return original(source, packet)

    original = Source._decode
    monkeypatch.setattr(Source, "_decode", decode)
    return count


@pytest.mark.parametrize("order", ["sequence", "from the middle", "at random", "backwards"])
def test_a_video_full_of_damage_is_read_a_few_times_at_most(tmp_path, encode, damage, monkeypatch, order):
    """One reading from the start decides for all frames and is remembered, in whatever order they are asked for."""
    path = encode(tmp_path / "a.mp4", "mpeg4", frames=240, b_frames=0)
    for packet in range(1, 240, 3):
        damage(path, packet)
    numbers = list(range(120 if order == "from the middle" else 0, 240))
    if order == "at random":
        random.Random(0).shuffle(numbers)
    with VideoReader(path) as reader:
        count = _decoded(monkeypatch)
        for number in reversed(numbers) if order == "backwards" else numbers:
            list(reader.frames([number]))
    assert count[0] < 240 * 8
    assert len(reader.damaged) >= len(numbers) * 0.7


def test_a_frame_is_never_shown_by_the_picture_of_another(tmp_path, encode, packets_of, number_in):
    """A damaged picture of a camera is named; FFmpeg would show one that it had decoded before."""
    plain = encode(tmp_path / "a.avi", "mjpeg", pix_fmt="yuvj420p")
    whole, pictures, seed = plain.read_bytes(), packets_of(plain), random.Random(0)
    for number in range(5, 40, 3):
        content, begin, size = bytearray(whole), whole.find(pictures[number]), len(pictures[number])
        for _ in range(24):
            content[begin + seed.randrange(size * 3 // 4, size - 2)] ^= 1 << seed.randrange(8)
        (tmp_path / "b.avi").write_bytes(content)
        with VideoReader(tmp_path / "b.avi") as reader:
            assert [found for found, image in reader.frames() if number_in(image) != found] in ([], [number])
            assert reader.damaged in ((), (number,))
            assert [found for found, image in reader.frames() if number_in(image) not in (None, found)] == []


def test_sums_that_ffv1_keeps_are_looked_at(tmp_path, encode, packets_of, number_in):
    """One changed byte anywhere in a lossless picture names it; FFmpeg would show the one before."""
    plain = encode(tmp_path / "a.mkv", "ffv1", options={"level": "3", "g": "1", "slices": "4"})
    whole, pictures, seed = plain.read_bytes(), packets_of(plain), random.Random(0)
    for number in (1, 20, 39):
        content = bytearray(whole)
        content[whole.find(pictures[number]) + seed.randrange(len(pictures[number]))] ^= 4
        (tmp_path / "b.mkv").write_bytes(content)
        with VideoReader(tmp_path / "b.mkv") as reader:
            expected = [None if found == number else found for found in range(40)]
            assert [number_in(image) for _, image in reader.frames()] == expected


def test_a_keyframe_flag_at_an_empty_packet_means_nothing(tmp_path, encode, packets_of, remux, number_in):
    """Old encoders pack two frames into one packet and flag the empty one behind it."""
    plain = encode(tmp_path / "plain.avi", "mpeg4", b_frames=1, options={"b_strategy": "0"})
    packed, keyframes = _packed(packets_of(plain))
    path = remux(plain, tmp_path / "a.avi", packed, keyframes=keyframes, places=list(range(len(packed))))
    with VideoReader(path) as reader:
        assert [number_in(image) for _, image in reader.frames()] == list(range(40))
        order = random.Random(3).sample(range(40), 40)
        assert [number_in(reader.read(number)) for number in order] == order


def _packed(packets: list[bytes]) -> tuple[list[bytes], set[int]]:
    """Put each B-frame into the packet before it, an empty one in its place, and flag it as a keyframe."""

    def kind(packet: bytes) -> int:
        return packet[packet.find(b"\0\0\1\xb6") + 4] >> 6

    packed, flagged = list(packets), {0}
    for place in range(1, len(packets)):
        if kind(packets[place]) == 2:
            packed[place - 1 : place + 1] = [packets[place - 1] + packets[place], b"\0\0\1\xb6\x50\x4f"]
            flagged |= {place - 1, place} if kind(packets[place - 1]) == 0 else set()
    head = packed[0].find(b"\0\0\1\xb6")
    packed[0] = packed[0][:head] + b"\0\0\1\xb2DivX503b1393p" + packed[0][head:]
    return packed, flagged


def test_a_lost_packet_of_a_transport_stream_is_noticed(tmp_path, encode, number_in):
    """Whatever part of a frame is lost on the way, no frame shows another one's picture unnamed."""
    content = encode(tmp_path / "a.ts", "libx264", options={"bf": "2", "crf": "10"}).read_bytes()
    path, lengths = tmp_path / "b.ts", set()
    for lost in range(12, len(content) // 188, 5):
        path.write_bytes(content[: 188 * lost] + content[188 * (lost + 1) :])
        with VideoReader(path) as reader:
            found = [number_in(image) for _, image in reader.frames()]
            places = np.round((reader.index.times - reader.index.times[0]) * 25).astype(int).tolist()
        lengths.add(len(found))
        assert all(image in (None, place) for image, place in zip(found, places, strict=True))
        assert sum(image is not None for image in found) >= 25
    assert lengths == {39, 40}


def test_reading_ends_when_another_thread_closes(video, monkeypatch):
    """Closing does not wait until the file was read to where a frame is looked for, and nothing is read after it."""
    reader = VideoReader(video)
    original = Source._decode
    closing = threading.Thread(target=reader.close)

    def decode(source, packet):
        if not closing.ident:
            closing.start()
            reader._halted.wait()
        return original(source, packet)

    monkeypatch.setattr(Source, "_decode", decode)
    for _ in range(2):
        with pytest.raises(VideoError, match="was closed"):
            reader.read(20)
    closing.join()


def test_decoders_stay_silent(tmp_path, encode, damage):
    """A damaged video prints nothing: what is wrong is said by the values returned."""
    path = damage(encode(tmp_path / "a.mp4", "libx264"), 15)
    program = f"from posecut_core.video.reader import VideoReader; list(VideoReader({str(path)!r}).frames())"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout + run.stderr == ""


def test_a_name_with_odd_characters_opens(tmp_path, video):
    """Spaces, colons, percent signs and letters of any script are part of a name and nothing more."""
    odd = Path(shutil.copy(video, tmp_path / "a:b %03d #ö 鼠.mp4"))
    with VideoReader(odd) as reader:
        assert reader.index.frame_count == 40


def test_colors_that_nobody_knows_are_damage(encode, tmp_path, monkeypatch):
    """The kind: a picture that is decoded and cannot be shown, as after a flipped bit in the head of a raw stream."""
    odd = av.VideoFrame(64, 48, "yuv420p")
    odd.colorspace = 3  # which is reserved
    with VideoReader(encode(tmp_path / "a.mp4", "libx264", frames=3)) as reader:
        monkeypatch.setattr(reader, "_picture", lambda number: odd)
        with pytest.raises(VideoError, match=r"Frame 1 of .* is damaged"):
            reader.read(1)
        assert reader.damaged == (1,)
