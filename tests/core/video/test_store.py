"""The frame store gives back what it was given, survives interruption, and says what is wrong."""

import errno
import itertools
import json
import shutil
import signal
import sys
from threading import Lock, get_ident

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from posecut_core.errors import StorageError, VideoError
from posecut_core.storage import disk, locks
from posecut_core.video.frame_store import FrameStore
from tests.failing_disk import Changes


def _images(*numbers, height=6, width=8):
    rng = np.random.default_rng(3)
    return {number: rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for number in numbers}


def _frames(images, origin=(0, 0)):
    return [(number, image, origin) for number, image in images.items()]


def test_round_trip(tmp_path):
    """Frames come back to the bit, with origin and size, in the order of their numbers, also after reopening."""
    images = _images(7, 3, 2330, 0)
    added = FrameStore.open(tmp_path / "frames.zarr", create=True).append(_frames(images, (5, 9)))
    store = FrameStore.open(tmp_path / "frames.zarr")
    assert added == 4
    assert store.numbers.tolist() == [0, 3, 7, 2330]
    assert store.origins.tolist() == [[5, 9]] * 4
    assert store.sizes.tolist() == [[6, 8]] * 4
    for number, image in images.items():
        np.testing.assert_array_equal(store.read(number), image)


@settings(max_examples=10, deadline=None)
@given(sizes=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=12))
def test_frames_of_any_sizes_round_trip(tmp_path_factory, sizes):
    """Frames of unequal sizes are stored together and come back untouched."""
    images = {n: _images(n, height=height, width=width)[n] for n, (height, width) in enumerate(sizes)}
    store = FrameStore.open(tmp_path_factory.mktemp("store") / "frames.zarr", create=True)
    for number, image in images.items():
        store.append([(number, image, (number, 2 * number))])
    assert store.sizes.tolist() == [list(size) for size in sizes]
    assert store.origins.tolist() == [[n, 2 * n] for n in images]
    assert all((store.read(number) == image).all() for number, image in images.items())


def test_appending_twice_changes_nothing(tmp_path):
    """A number that is there already keeps its image; the same number twice in one call counts once."""
    store = FrameStore.open(tmp_path / "frames.zarr", create=True)
    first, other = _images(4)[4], np.zeros((6, 8, 3), np.uint8)
    assert store.append([(4, first, (0, 0)), (4, other, (0, 0))]) == 1
    assert store.append([(4, other, (1, 1))]) == 0
    np.testing.assert_array_equal(store.read(4), first)


def test_removed_frames_are_gone_and_their_rows_used_again(tmp_path):
    """Removing takes out exactly the given frames; later frames fill the gaps."""
    images = _images(*range(12))
    store = FrameStore.open(tmp_path / "frames.zarr", create=True)
    store.append(_frames(images))
    assert store.remove([3, 5, 99]) == 2
    assert store.numbers.tolist() == [0, 1, 2, 4, 6, 7, 8, 9, 10, 11]
    later = _images(50, 51, 52)
    store.append(_frames(later))
    again = FrameStore.open(tmp_path / "frames.zarr")
    assert again.numbers.tolist() == [0, 1, 2, 4, 6, 7, 8, 9, 10, 11, 50, 51, 52]
    assert zarr.open_array(str(tmp_path / "frames.zarr" / "frames"), mode="r").shape[0] == 13
    for number, image in (images | later).items():
        if number not in (3, 5):
            np.testing.assert_array_equal(again.read(number), image)


@pytest.mark.parametrize("array", ["frames", "origin", "size", "number"])
def test_an_interrupted_append_loses_nothing(tmp_path, monkeypatch, array):
    """Wherever writing stops, the frames before are there, the unfinished are not, and the next append works."""
    before, after = _images(1, 2), _images(3, 4)
    store = FrameStore.open(tmp_path / "frames.zarr", create=True)
    store.append(_frames(before))
    write = zarr.Array.__setitem__

    def failing(self, selection, value):
        if self.basename == array:
            raise KeyboardInterrupt
        write(self, selection, value)

    with monkeypatch.context() as patch:
        patch.setattr(zarr.Array, "__setitem__", failing)
        with pytest.raises(KeyboardInterrupt):
            store.append(_frames(after))
    again = FrameStore.open(tmp_path / "frames.zarr")
    assert again.numbers.tolist() == [1, 2]
    assert again.append(_frames(after)) == 2
    for number, image in (before | after).items():
        np.testing.assert_array_equal(again.read(number), image)


def test_a_program_killed_before_any_change_leaves_a_store(tmp_path):
    """Kind: a narrow moment at which a kill locks a project. Before every change of the disk the store can be read and
    added to, and has then what an undisturbed one has.
    """
    first, second = _images(1, 2), _images(3, 4, height=9)
    moments = itertools.count()
    (tmp_path / "store").mkdir()
    with Changes(tmp_path / "store", number=1, lasting=True, act=Kept(tmp_path, moments)):
        FrameStore.open(tmp_path / "store" / "frames.zarr", create=True).append(_frames(first))
        FrameStore.open(tmp_path / "store" / "frames.zarr").append(_frames(second))
    count = next(moments)
    assert count > 30
    for number in range(count):
        store = FrameStore.open(tmp_path / f"moment-{number}" / "frames.zarr", create=True)
        assert store.numbers.tolist() in ([], [1, 2], [1, 2, 3, 4])
        store.append(_frames(first | second))
        for frame, image in (first | second).items():
            np.testing.assert_array_equal(store.read(frame), image)


class Kept:
    """Keeps a copy of the folder `store` at each change of the disk, one change at a time."""

    def __init__(self, root, moments) -> None:
        self._root, self._moments, self._alone = root, moments, Lock()

    def __call__(self, kind: str) -> None:
        with self._alone:
            moment = self._root / f"moment-{next(self._moments)}"
            while not moment.exists():
                try:
                    shutil.copytree(self._root / "store", moment)
                except shutil.Error:  # another thread has made its own change since: a file has another name now
                    shutil.rmtree(moment)


def test_a_full_disk_adds_all_or_nothing(tmp_path, monkeypatch):
    """Where the disk refuses the eleventh of twelve frames, none of them stays, nor its room on the disk."""
    store = FrameStore.open(tmp_path / "frames.zarr", create=True)
    store.append(_frames(_images(1)))
    chunks = _files(tmp_path)
    write = zarr.Array.__setitem__

    def full(self, selection, value):
        if self.basename == "frames" and selection == 11:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, selection, value)

    with monkeypatch.context() as patch:
        patch.setattr(zarr.Array, "__setitem__", full)
        with pytest.raises(StorageError, match="the disk is full"):
            store.append(_frames(_images(*range(2, 14))))
    assert FrameStore.open(tmp_path / "frames.zarr").numbers.tolist() == store.numbers.tolist() == [1]
    assert _files(tmp_path) == chunks


def test_an_interrupt_after_the_numbers_leaves_the_frames(tmp_path, monkeypatch):
    """Frames whose numbers are written belong to the store, pictures and all."""
    store, images = FrameStore.open(tmp_path / "frames.zarr", create=True), _images(1, 2)
    refresh = store._refresh

    def interrupted():
        refresh()
        if store.numbers.size:
            raise KeyboardInterrupt

    monkeypatch.setattr(store, "_refresh", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.append(_frames(images))
    again = FrameStore.open(tmp_path / "frames.zarr")
    assert again.numbers.tolist() == [1, 2]
    assert all((again.read(number) == image).all() for number, image in images.items())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signal to a thread")
def test_an_interrupt_while_numbers_are_written_adds_nothing(tmp_path, monkeypatch):
    """Ctrl-C waits for the writing that it came amid, so that this is taken back and not done afterwards."""
    store, write, main = FrameStore.open(tmp_path / "frames.zarr", create=True), zarr.Array.__setitem__, get_ident()
    interrupts = iter([signal.SIGINT])

    def interrupted(self, selection, value):
        if self.basename == "number":
            for number in interrupts:
                signal.pthread_kill(main, number)
        write(self, selection, value)

    monkeypatch.setattr(zarr.Array, "__setitem__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.append(_frames(_images(1, 2)))
    assert FrameStore.open(tmp_path / "frames.zarr").numbers.tolist() == []
    assert store.append(_frames(_images(1, 2))) == 2


def _append_to_full_disk(store, images, monkeypatch, *, refusals):
    """Append frames where the disk takes the number 2 alone and refuses the rest, as often as there are refusals."""
    write, left = zarr.Array.__setitem__, iter(refusals)

    def half(self, selection, value):
        if self.basename == "number" and next(left, None) is not None:
            write(self, selection[:1], np.array([2]))
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, selection, value)

    with monkeypatch.context() as patch:
        patch.setattr(zarr.Array, "__setitem__", half)
        with pytest.raises(StorageError, match="the disk is full"):
            store.append(_frames(images))


def test_numbers_half_written_are_taken_back(tmp_path, monkeypatch):
    """Where the disk refuses between two numbers, neither stays, and the next append works."""
    store, images = FrameStore.open(tmp_path / "frames.zarr", create=True), _images(2, 3)
    store.append(_frames(_images(1)))
    chunks = _files(tmp_path)
    _append_to_full_disk(store, images, monkeypatch, refusals=range(1))
    again = FrameStore.open(tmp_path / "frames.zarr")
    assert again.numbers.tolist() == store.numbers.tolist() == [1]
    assert _files(tmp_path) == chunks
    assert again.append(_frames(images)) == 2


def test_a_picture_stays_where_its_number_does(tmp_path, monkeypatch):
    """Where a number cannot be taken back, its frame can be read."""
    store, images = FrameStore.open(tmp_path / "frames.zarr", create=True), _images(2, 3)
    _append_to_full_disk(store, images, monkeypatch, refusals=itertools.repeat(0))
    again = FrameStore.open(tmp_path / "frames.zarr")
    assert again.numbers.tolist() == [2]
    np.testing.assert_array_equal(again.read(2), images[2])


def test_what_another_program_added_is_known(tmp_path):
    """A store that was opened before neither overwrites these frames nor adds one twice; nor does it remove others."""
    early, other = (FrameStore.open(tmp_path / "frames.zarr", create=True) for _ in range(2))
    theirs, ours = _images(1, 2, 3), _images(3, 4)
    other.append(_frames(theirs))
    assert early.append(_frames(ours)) == 1
    assert early.numbers.tolist() == [1, 2, 3, 4]
    other.remove([4])
    for number, image in theirs.items():
        np.testing.assert_array_equal(FrameStore.open(early.path).read(number), image)
    assert other.numbers.tolist() == [1, 2, 3]


def test_one_program_at_a_time_writes(tmp_path, monkeypatch):
    """A second writer hears what keeps it, readers do not wait, and the first one's frames are as they should be."""
    monkeypatch.setattr(locks, "PATIENCE", 0)
    store, images = FrameStore.open(tmp_path / "frames.zarr", create=True), _images(1, 2)
    store.append(_frames(_images(0)))

    def frames():
        for write in (lambda other: other.append(_frames(_images(9))), lambda other: other.remove([0])):
            with pytest.raises(
                StorageError, match=r"frames.lock is locked.*; it is adding frames of the same video: wait"
            ):
                write(FrameStore.open(store.path))
        yield from _frames(images)

    assert store.append(frames()) == 2
    assert FrameStore.open(store.path).numbers.tolist() == [0, 1, 2]


def test_only_an_empty_store_that_nobody_fills_is_deleted(tmp_path):
    """Frames stay, also those about to come; a store that is gone is begun again by the next frame."""
    store, other = (FrameStore.open(tmp_path / "frames.zarr", create=True) for _ in range(2))

    def frames():
        other.delete_if_empty()
        yield from _frames(_images(1))

    assert store.append(frames()) == 1
    other.delete_if_empty()
    store.remove([1])
    other.delete_if_empty()
    assert not store.path.exists()
    assert store.append(_frames(_images(2))) == 1
    assert FrameStore.open(store.path).numbers.tolist() == [2]


def test_a_disk_that_refuses_room_adds_nothing(tmp_path, monkeypatch):
    """Where no room can be made for the second batch, the first is taken out again and the disk is named."""
    store = FrameStore.open(tmp_path / "frames.zarr", create=True)
    store.append(_frames(_images(1)))
    chunks = _files(tmp_path)
    resize = zarr.Array.resize

    def full(self, shape):
        if self.basename == "frames" and shape[0] > 9:
            raise OSError(errno.ENOSPC, "No space left on device")
        resize(self, shape)

    with monkeypatch.context() as patch:
        patch.setattr(zarr.Array, "resize", full)
        with pytest.raises(StorageError, match="the disk is full"):
            store.append(_frames(_images(*range(2, 14))))
    assert store.numbers.tolist() == [1]
    assert _files(tmp_path) == chunks
    assert store.append(_frames(_images(*range(2, 14)))) == 12


def _files(folder):
    return {path for path in (folder / "frames.zarr" / "frames").rglob("*") if path.is_file()}


def test_a_full_disk_is_a_sentence(tmp_path, monkeypatch):
    """An error of the disk becomes a StorageError; frames from before stay readable."""
    store = FrameStore.open(tmp_path / "frames.zarr", create=True)
    store.append(_frames(_images(1)))

    def full(self, selection, value):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(zarr.Array, "__setitem__", full)
        with pytest.raises(StorageError, match="the disk is full"):
            store.append(_frames(_images(2)))
    assert FrameStore.open(tmp_path / "frames.zarr").numbers.tolist() == [1]


def test_a_frame_that_is_not_there_is_named(tmp_path):
    """The sentence says which frame was asked for and how many there are."""
    store = FrameStore.open(tmp_path / "frames.zarr", create=True)
    store.append(_frames(_images(1, 2)))
    with pytest.raises(VideoError, match="Frame 12 is not among the 2 extracted frames"):
        store.read(12)


def test_an_empty_store_reads_as_empty(tmp_path):
    """A new store has no frames and arrays of the right shape."""
    FrameStore.open(tmp_path / "frames.zarr", create=True)
    store = FrameStore.open(tmp_path / "frames.zarr")
    assert (store.numbers.shape, store.origins.shape, store.sizes.shape) == ((0,), (0, 2), (0, 2))


def test_opening_what_is_no_store_is_refused(tmp_path):
    """Missing, foreign, newer and damaged stores each get one sentence."""
    FrameStore.open(tmp_path / "newer", create=True)
    zarr.open_group(str(tmp_path / "newer"), mode="r+").attrs["schema"] = 99
    zarr.create_group(str(tmp_path / "foreign"))
    FrameStore.open(tmp_path / "damaged", create=True)
    (tmp_path / "damaged" / "number" / "zarr.json").write_text("{")
    (tmp_path / "plain").mkdir()
    said = {
        "none": "There are no extracted frames at",
        "newer": r"newer PoseCut \(schema 99\); update PoseCut",
        "foreign": "is a zarr folder but holds no PoseCut frames",
        "damaged": "are damaged",
        "plain": "are damaged",
    }
    for name, words in said.items():
        with pytest.raises(VideoError, match=words):
            FrameStore.open(tmp_path / name)


def test_a_damaged_image_is_refused(tmp_path):
    """Bytes spoiled on disk are an error, never a wrong picture."""
    store = FrameStore.open(tmp_path / "frames.zarr", create=True)
    store.append(_frames(_images(1)))
    chunk = next(path for path in (tmp_path / "frames.zarr" / "frames" / "c").rglob("*") if path.is_file())
    chunk.write_bytes(b"spoiled")
    with pytest.raises(VideoError, match="are damaged"):
        FrameStore.open(tmp_path / "frames.zarr").read(1)


@pytest.mark.parametrize("lost", ["frames/c/1", "frames/c/1/0/0/0", "size/c/0/0"])
def test_a_lost_image_is_refused_and_a_black_one_is_not(tmp_path, lost):
    """What is deleted from the disk is an error, although zarr reads zeros there; zeros that were stored are read."""
    store = FrameStore.open(tmp_path / "frames.zarr", create=True)
    store.append([(1, np.zeros((6, 8, 3), np.uint8), (0, 0)), (2, _images(2)[2], (0, 0))])
    assert not store.read(1).any()
    path = tmp_path / "frames.zarr" / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(VideoError, match="are damaged"):
        FrameStore.open(tmp_path / "frames.zarr").read(2)


def test_the_folder_is_what_its_description_says(tmp_path):
    """Zarr format 3, one chunk per frame, uint8 images and a schema version."""
    FrameStore.open(tmp_path / "frames.zarr", create=True).append(_frames(_images(1, 2)))
    group = json.loads((tmp_path / "frames.zarr" / "zarr.json").read_text())
    array = zarr.open_array(str(tmp_path / "frames.zarr" / "frames"), mode="r")
    assert group["zarr_format"] == 3
    assert group["attributes"] == {"posecut": "frames", "schema": 1}
    assert (array.shape, array.chunks, array.dtype) == ((2, 6, 8, 3), (1, 6, 8, 3), np.uint8)


def test_frames_are_recognized_by_their_pixels(tmp_path):
    """The same picture has the same hash wherever it is stored; another size or pixel another one."""
    pictures = [np.zeros((4, 6, 3), np.uint8), np.zeros((6, 4, 3), np.uint8), np.full((4, 6, 3), 1, np.uint8)]
    one, two = (FrameStore.open(tmp_path / name, create=True) for name in "ab")
    one.append((number, picture, (0, 0)) for number, picture in enumerate(pictures))
    two.append([(7, pictures[0], (3, 3))])
    marks = [one.fingerprint(number) for number in range(3)]
    assert (len(set(marks)), two.fingerprint(7)) == (3, marks[0])


def test_a_flipped_bit_is_no_other_picture(tmp_path):
    """Every stored chunk has a checksum."""
    store = FrameStore.open(tmp_path / "frames.zarr", create=True)
    store.append([(7, np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8), (0, 0))])
    for path in [path for path in store.path.rglob("*") if "c" in path.parts and path.is_file()]:
        content = path.read_bytes()
        path.write_bytes(content[:-6] + bytes([content[-6] ^ 1]) + content[-5:])
        with pytest.raises(VideoError, match="damaged"):
            FrameStore.open(store.path).read(7)
        path.write_bytes(content)


@pytest.mark.parametrize("kind", ["endless", "pickle", "device", "elsewhere"])
def test_arrays_that_are_not_as_posecut_makes_them_are_refused(tmp_path, kind):
    """The kind: frames.zarr from others, which claims endless rows, names other codecs, or leads to other files."""
    folder = tmp_path / "frames.zarr"
    FrameStore.open(folder, create=True).append([(0, np.ones((4, 4, 3), np.uint8), (0, 0))])
    path = folder / "number/zarr.json"
    said = json.loads(path.read_text())
    if kind == "endless":
        said["shape"] = [10**12]
    elif kind == "pickle":
        said["codecs"] = [{"name": "numcodecs.pickle"}]
    elif kind == "device":
        (folder / "number/c/0").unlink()
        (folder / "number/c/0").symlink_to("/dev/zero")
    else:
        (folder / "number/c").rename(tmp_path / "c")
        (folder / "number/c").symlink_to(tmp_path / "c")
    path.write_text(json.dumps(said))
    with pytest.raises(VideoError, match="are damaged"):
        FrameStore.open(folder)


def test_an_empty_store_goes_at_once(tmp_path, monkeypatch):
    """Kind: undoing that is interrupted itself, by a second Ctrl-C, left a store that counted as damaged."""
    store = FrameStore.open(tmp_path / "frames.zarr", create=True)

    def interrupted(folder, **how):
        next(folder.rglob("zarr.json")).unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(disk.shutil, "rmtree", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.delete_if_empty()
    assert not store.path.exists()
    assert FrameStore.open(store.path, create=True).numbers.tolist() == []
