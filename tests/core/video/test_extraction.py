"""Extraction puts the frames that were chosen, and no others, into the store."""

import av
import numpy as np
import pytest

from posecut_core.errors import ArgumentError, VideoError
from posecut_core.types import Crop
from posecut_core.video import extraction
from posecut_core.video.extraction import _thumbnail, extract
from posecut_core.video.frame_store import FrameStore
from posecut_core.video.reader import VideoReader


@pytest.mark.parametrize("algorithm", ["kmeans", "uniform"])
@pytest.mark.parametrize("color", [False, True])
def test_the_frames_chosen_are_the_frames_stored(tmp_path, video, number_in, algorithm, color):
    """Exactly the number wanted; each stored under its number with the video's own pixels."""
    done = extract(video, tmp_path / "f.zarr", algorithm=algorithm, number_of_frames=7, color=color, seed=3)
    store = FrameStore.open(tmp_path / "f.zarr")
    assert tuple(store.numbers.tolist()) == done.numbers
    assert (len(done.numbers), done.added, done.damaged, done.frame_count) == (7, 7, (), 40)
    with VideoReader(video) as reader:
        for number in done.numbers:
            assert number_in(store.read(number)) == number
            np.testing.assert_array_equal(store.read(number), reader.read(number))


@pytest.mark.parametrize("algorithm", ["kmeans", "uniform"])
def test_one_seed_gives_one_choice_and_twice_adds_nothing(tmp_path, video, algorithm):
    """Repeating an extraction changes nothing; another seed adds frames."""
    options = {"algorithm": algorithm, "number_of_frames": 6}
    first = extract(video, tmp_path / "f.zarr", seed=1, **options)
    second = extract(video, tmp_path / "f.zarr", seed=1, **options)
    assert second.numbers == first.numbers
    assert second.added == 0
    other = extract(video, tmp_path / "f.zarr", seed=2, **options)
    assert set(FrameStore.open(tmp_path / "f.zarr").numbers.tolist()) == set(first.numbers) | set(other.numbers)


@pytest.mark.parametrize("algorithm", ["kmeans", "uniform"])
def test_window_and_step_are_respected(tmp_path, video, algorithm):
    """All candidates are taken when as many are wanted, and only those: every step-th frame from start to stop."""
    done = extract(video, tmp_path / "f.zarr", algorithm=algorithm, start=0.25, stop=0.7, step=3, number_of_frames=50)
    assert done.numbers == tuple(range(10, 28, 3))
    assert done.step == 3


def test_a_crop_is_cut_and_its_origin_kept(tmp_path, video):
    """The stored image is the window of the frame, with its place in the full frame."""
    crop = Crop(16, 47, 5, 40)
    done = extract(video, tmp_path / "f.zarr", crop=crop, number_of_frames=3)
    store = FrameStore.open(tmp_path / "f.zarr")
    assert store.origins.tolist() == [[16, 5]] * 3
    assert store.sizes.tolist() == [[35, 31]] * 3
    with VideoReader(video) as reader:
        for number in done.numbers:
            np.testing.assert_array_equal(store.read(number), reader.read(number)[5:40, 16:47])


@pytest.mark.parametrize("crop", [Crop(0, 65, 0, 48), Crop(5, 5, 0, 48), Crop(-1, 20, 0, 48), Crop(0, 20, 30, 49)])
def test_a_crop_outside_the_frame_is_refused(tmp_path, video, crop):
    """The sentence names the crop and the size of the frame, and nothing is written."""
    with pytest.raises(VideoError, match=r"is not within the 64x48 pixels of .*; correct it under video_sets"):
        extract(video, tmp_path / "f.zarr", crop=crop)
    assert not (tmp_path / "f.zarr").exists()


def test_given_numbers_are_extracted(tmp_path, video, number_in):
    """A list of frame numbers replaces the choice; order and repeats do not matter."""
    done = extract(video, tmp_path / "f.zarr", numbers=[31, 0, 5, 31])
    store = FrameStore.open(tmp_path / "f.zarr")
    assert done.numbers == (0, 5, 31)
    assert [number_in(store.read(number)) for number in done.numbers] == [0, 5, 31]


def test_a_given_number_past_the_end_is_refused(tmp_path, video):
    """Nothing is written if one of the numbers is wrong."""
    with pytest.raises(VideoError, match=r"Frame 40 is out of range: .* has 40 frames"):
        extract(video, tmp_path / "f.zarr", numbers=[1, 40])
    assert not (tmp_path / "f.zarr").exists()


def test_an_interrupted_extraction_adds_nothing(tmp_path, video):
    """The choice of a video is in the store or not: neither half of it nor an empty new store is left."""

    def interrupt(progress):
        if progress.stage.startswith("saving"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(video, tmp_path / "f.zarr", numbers=range(20), report=interrupt)
    assert not (tmp_path / "f.zarr").exists()
    extract(video, tmp_path / "f.zarr", numbers=[3])
    with pytest.raises(KeyboardInterrupt):
        extract(video, tmp_path / "f.zarr", numbers=range(20), report=interrupt)
    assert FrameStore.open(tmp_path / "f.zarr").numbers.tolist() == [3]


def test_frames_of_another_program_survive_an_interrupted_extraction(tmp_path, video):
    """Only a store that is empty is taken away, although this extraction began it."""

    def interrupt(progress):
        if progress.stage.startswith("reading") and progress.done == progress.total:
            assert not (tmp_path / "f.zarr").exists()
        if progress.stage.startswith("saving"):
            (tmp_path / "f.lock").unlink()  # as if that program did not see ours, on a disk without locks
            FrameStore.open(tmp_path / "f.zarr").append([(9, np.ones((4, 4, 3), np.uint8), (0, 0))])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(video, tmp_path / "f.zarr", numbers=[3], report=interrupt)
    assert FrameStore.open(tmp_path / "f.zarr").numbers.tolist() == [9]


@pytest.mark.parametrize("algorithm", ["kmeans", "uniform"])
def test_damaged_frames_are_replaced_by_others(tmp_path, encode, damage, number_in, algorithm):
    """As many whole frames as wanted are stored, and the damaged one is named."""
    path = damage(encode(tmp_path / "a.avi", "mjpeg", pix_fmt="yuvj420p", frames=12), 7)
    done = extract(path, tmp_path / "f.zarr", algorithm=algorithm, number_of_frames=11)
    store = FrameStore.open(tmp_path / "f.zarr")
    assert done.numbers == (0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11)
    assert [number_in(store.read(number)) for number in done.numbers] == list(done.numbers)
    assert done.damaged in ((7,), ())  # uniform may not have looked at it


def test_a_damaged_frame_among_given_ones_is_left_out_and_named(tmp_path, encode, damage):
    """The others are extracted."""
    path = damage(encode(tmp_path / "a.avi", "mjpeg", pix_fmt="yuvj420p", frames=12), 7)
    done = extract(path, tmp_path / "f.zarr", numbers=[6, 7, 8])
    assert (done.numbers, done.damaged) == ((6, 8), (7,))


def test_long_videos_use_a_larger_step(tmp_path, video, monkeypatch):
    """Memory is bounded by the number of candidates; the step used is reported."""
    monkeypatch.setattr(extraction, "_MAX_CANDIDATES", 15)
    said = []
    done = extract(video, tmp_path / "f.zarr", number_of_frames=4, report=said.append)
    assert done.step == 3
    assert {progress.values["step"] for progress in said if progress.stage.startswith("reading")} == {3}
    assert all(number % 3 == 0 for number in done.numbers)


def test_progress_ends_with_everything_done(tmp_path, video):
    """Reports name the video and count up to the total."""
    said = []
    extract(video, tmp_path / "f.zarr", number_of_frames=4, report=said.append)
    assert [(p.stage, p.done, p.total) for p in said if p.done == p.total] == [
        ("reading usual.mp4", 40, 40),
        ("saving frames of usual.mp4", 4, 4),
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"algorithm": "k-means"}, "Unknown algorithm 'k-means'"),
        ({"number_of_frames": 0}, "number_of_frames is 0"),
        ({"step": 0}, "step is 0"),
        ({"resize_width": -1}, "resize_width is -1"),
        ({"start": 0.9, "stop": 0.1}, "0 <= start < stop <= 1"),
    ],
)
def test_senseless_arguments_are_refused(tmp_path, video, options, words):
    """One sentence, and nothing is written."""
    with pytest.raises(ArgumentError, match=words):
        extract(video, tmp_path / "f.zarr", **options)
    assert not (tmp_path / "f.zarr").exists()


@pytest.mark.parametrize("color", [False, True])
def test_a_thumbnail_shows_the_area(video, color):
    """The thumbnail of an area is that area shrunk, gray or in color; small areas are not enlarged."""
    with VideoReader(video) as reader:
        (_, picture), image = next(reader.pictures([9])), reader.read(9)
    area = Crop(16, 64, 0, 32)
    small = _thumbnail(picture, area, shown=(64, 48), width=6, color=color)
    assert small.shape == (4, 6, 3 if color else 1)
    blocks = image[:32, 16:64].reshape(4, 8, 6, 8, 3).mean(axis=(1, 3))
    assert np.abs(small - (blocks if color else blocks.mean(axis=2, keepdims=True))).mean() < 12
    assert _thumbnail(picture, area, shown=(64, 48), width=100, color=color).shape[:2] == (32, 48)


def test_a_thumbnail_of_a_turned_video_is_upright(tmp_path, encode):
    """Areas are those of the picture as it is shown."""
    path = encode(tmp_path / "phone.mp4", "libx264", rotation=90)
    with VideoReader(path) as reader:
        (_, picture), image = next(reader.pictures([1])), reader.read(1)
    small = _thumbnail(picture, Crop(0, 48, 0, 64), shown=(48, 64), width=12, color=False)
    assert small.shape == (16, 12, 1)
    assert np.abs(small[..., 0] - image.reshape(16, 4, 12, 4, 3).mean(axis=(1, 3, 4))).mean() < 12


def test_thumbnails_show_the_same_area_where_the_size_changes(video):
    """A picture of another size is scaled to that of the video first, as its frames are."""
    with VideoReader(video) as reader:
        picture = next(reader.pictures([9]))[1]
    larger = picture.reformat(128, 96, interpolation="POINT")
    area, look = Crop(16, 64, 0, 32), {"shown": (64, 48), "width": 6, "color": False}
    small, same = _thumbnail(picture, area, **look), _thumbnail(larger, area, **look)
    assert np.abs(small.astype(int) - same).mean() < 2


def test_frames_of_a_video_whose_size_changes_are_chosen(tmp_path):
    """The pictures after the change are compared with those before it."""
    path, parts = tmp_path / "two.h264", (tmp_path / "a.h264", tmp_path / "b.h264")
    sizes = ((64, 48), (32, 32))
    path.write_bytes(b"".join(_plain(part, *size).read_bytes() for part, size in zip(parts, sizes, strict=True)))
    done = extract(path, tmp_path / "f.zarr", number_of_frames=3)
    assert (done.frame_count, done.added) == (20, 3)
    assert FrameStore.open(tmp_path / "f.zarr").sizes.tolist() == [[48, 64]] * 3


def _plain(path, width, height):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(10):
            image = np.full((height, width, 3), 20 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("algorithm", ["kmeans", "uniform"])
def test_frames_are_chosen_among_those_given(tmp_path, video, algorithm):
    """No other frame is taken, whatever start and stop say; all of them if they are few."""
    among = [3, 30, 7, 39, 12]
    done = extract(video, tmp_path / "f.zarr", algorithm=algorithm, among=among, number_of_frames=3, stop=0.1)
    assert set(done.numbers) < set(among)
    assert len(done.numbers) == 3
    all_of_them = extract(video, tmp_path / "g.zarr", algorithm=algorithm, among=among, number_of_frames=9)
    assert all_of_them.numbers == (3, 7, 12, 30, 39)
