"""The frames extracted from one video, losslessly compressed in a zarr folder, each with its frame number."""

import contextlib
import errno
import hashlib
import itertools
import math
import os
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
import zarr
from jaxtyping import Int64, UInt8
from zarr.codecs import BloscCodec, Crc32cCodec
from zarr.errors import BaseZarrError

from posecut_core.errors import StorageError, VideoError, refuse_newer
from posecut_core.storage import disk
from posecut_core.storage.files import SETTINGS, open_file, read_json, storage_error
from posecut_core.storage.locks import hold
from posecut_core.storage.remote import address_of, remote_path
from posecut_core.video.neighbors import MOST_CONTEXT, neighbors_of, with_neighbors

# --- store folder -----------------------------------------------------------------------------------------------------
# The zarr folder of a frame store: begin one, open one, and say in a sentence what is wrong with one.


_SCHEMA_VERSION = 1
_FREE = -1  # in place of a frame number
_ARRAYS = {"number": 1, "origin": 2, "size": 2, "frames": 4}  # and their dimensions
_UNREADABLE = (  # what zarr raises on a damaged folder
    *(OSError, ValueError, LookupError, TypeError, RuntimeError, AssertionError, AttributeError, OverflowError),
    *(NotImplementedError, MemoryError, BaseZarrError),
)
_CODECS = ("bytes", "blosc", "crc32c")
_LARGEST = 2**30  # bytes of a chunk
_MOST_ROWS, _MOST_VALUES, _MOST_CHUNKS = 2**22, 2**29, 2**12  # of an array; in a row and a chunk; of a row


def _create_store(folder: Path) -> None:
    """Begin an empty store, at once and whole; one that is there already stays as it is.

    Raises:
        StorageError: the disk refuses.
    """
    with _writable(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        whole = disk.new_folder(folder)
        try:
            whole.chmod(0o755)
            _write_empty(whole)
            try:
                os.rename(whole, folder)
            except OSError:
                if not folder.exists():  # else another program was first, or its metadata file is missing
                    raise
        finally:
            shutil.rmtree(whole, ignore_errors=True)


def _sweep_rows(folder: Path, used: Collection[int]) -> None:
    """Delete what killed programs have left in a store: files half written, and images of rows without a number.

    Args:
        folder: the store, which nobody else writes to now.
        used: its rows that have a number.
    """
    rows = folder / "frames" / "c"
    left = [path for path in _listed(rows) if not (path.name.isdigit() and int(path.name) in used)]
    places = (folder, *(folder / name for name in ("frames", "number", "origin", "size")))
    inside = ("number/c", "origin/c", "origin/c/0", "size/c", "size/c/0")
    for place in (*places, *(folder / name for name in inside)):
        left += [path for path in _listed(place) if path.name.endswith(".partial")]
    for path in left:
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _listed(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _open_store(folder: Path) -> zarr.Group:
    """Open the folder of a store.

    Raises:
        VideoError: there is none, or it is damaged or of a newer version of PoseCut.
        StorageError: it must not be read.
    """
    address = address_of(folder)
    if not address and not folder.is_dir():
        raise VideoError(f"There are no extracted frames at {folder}; extract frames first.")
    with _readable(folder):
        _check_chunk(folder / "zarr.json")
        mode: Literal["r", "r+"] = "r" if address else "r+"
        group = zarr.open_group(address or str(folder), mode=mode, zarr_format=3, use_consolidated=False)
        _check_schema(folder, group)
        for name, dimensions in _ARRAYS.items():
            _check_array(folder / name, dimensions)
        return group


def _check_array(folder: Path, dimensions: int) -> None:
    """Check what an array says of itself, before zarr makes room for it or looks for what decodes it.

    Raises:
        OSError: a file is missing, or is no file.
        ValueError: it is not as PoseCut begins arrays, or larger than any.
        LookupError, TypeError: it lacks something, or has something else in its place.
    """
    begun = (folder / "zarr.json").exists() or (folder / "c").exists() or _is_there(folder / "zarr.json")
    if dimensions == 4 and not begun:
        return  # no frame was ever added; a killed program may have left the folder
    said = read_json(folder / "zarr.json", at_most=SETTINGS)
    shape, chunk = said["shape"], said["chunk_grid"]["configuration"]["chunk_shape"]
    kind = "uint8" if dimensions == 4 else "int64"
    codecs = tuple(codec["name"] for codec in said["codecs"])
    if (said["data_type"], codecs, len(shape), len(chunk)) != (kind, _CODECS, dimensions, dimensions):
        raise ValueError(f"{folder.name} is not an array written by PoseCut")
    if not all(type(side) is int and side >= 0 for side in (*shape, *chunk)) or 0 in chunk:
        raise ValueError(f"{folder.name} has an invalid size")
    chunks = math.prod(-(-side // part) for side, part in zip(shape[1:], chunk[1:], strict=True))
    if shape[0] > _MOST_ROWS or chunks > _MOST_CHUNKS or max(map(math.prod, (shape[1:], chunk))) > _MOST_VALUES:
        raise ValueError(f"{folder.name} claims {shape}, which is larger than any video")
    if (folder / "c").is_symlink():
        raise ValueError(f"{folder.name} points outside the store")
    for path in (folder / "c").rglob("*") if dimensions < 4 else ():
        _check_chunk(path)


def _check_chunk(path: Path) -> None:
    """Refuse what is no file in the place of a chunk, or more than one can hold; a missing one is none.

    Raises:
        OSError: it is a pipe, a device, or endless.
    """
    if os.path.lexists(path) and not path.is_dir():
        with open_file(path) as stream:
            if os.fstat(stream.fileno()).st_size > _LARGEST:
                raise OSError(f"{path} is larger than a chunk")


def _is_there(path: Path) -> bool:
    """Tell whether there is a file, also elsewhere."""
    if not address_of(path):
        return path.is_file()
    try:
        open_file(path).close()
    except FileNotFoundError:
        return False
    return True


def _refuse_elsewhere(path: Path, folder: Path) -> None:
    """Refuse to write where a link leads out of a folder.

    Raises:
        OSError: it does.
    """
    if not os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep):
        raise OSError(errno.ELOOP, "it contains a link that points outside", str(path))


def _create_array(group: zarr.Group, name: str, shape: tuple[int, ...], *, chunk: tuple[int, ...], fill: int) -> None:
    """Begin an empty array; images (4 dimensions) are uint8, all else int64."""
    kind = np.uint8 if len(shape) == 4 else np.int64
    # every number of a chunk is replaced at once, by renaming a temporary file: zarr's LocalStore writes so
    compressor = BloscCodec(cname="zstd", clevel=3, shuffle="noshuffle", typesize=1)
    codecs = [compressor, Crc32cCodec()]  # a checksum, or a flipped bit would be another picture
    group.create_array(name, shape=shape, chunks=chunk, dtype=kind, compressors=codecs, fill_value=fill)


@contextlib.contextmanager
def _readable(folder: Path) -> Iterator[None]:
    """Say in one sentence that a store is damaged."""
    try:
        yield
    except VideoError:
        raise
    except PermissionError as error:
        raise StorageError(f"Cannot read {folder}; permission was denied: change its permissions.") from error
    except _UNREADABLE as error:
        raise _damaged(folder) from error
    except Exception as error:
        if not (address := address_of(folder)):
            raise
        raise VideoError(
            f"The extracted frames at {address} cannot be read; check the address, your keys and the connection."
        ) from error


@contextlib.contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """Say in one sentence why a store cannot be written to."""
    try:
        yield
    except BaseZarrError as error:
        raise _damaged(folder) from error
    except OSError as error:
        raise storage_error(folder, error) from error


def _damaged(folder: Path) -> VideoError:
    return VideoError(
        f"The extracted frames at {folder} are damaged; restore them from a copy, or delete the folder and extract "
        "again."
    )


def _write_empty(folder: Path) -> None:
    group = zarr.create_group(str(folder), zarr_format=3, attributes={"posecut": "frames", "schema": _SCHEMA_VERSION})
    _create_array(group, "number", (0,), chunk=(1024,), fill=_FREE)
    _create_array(group, "origin", (0, 2), chunk=(1024, 2), fill=0)
    _create_array(group, "size", (0, 2), chunk=(1024, 2), fill=0)


def _check_schema(folder: Path, group: zarr.Group) -> None:
    version = group.attrs.get("schema")
    if group.attrs.get("posecut") != "frames" or not isinstance(version, int):
        raise VideoError(f"{folder} is a zarr folder but holds no PoseCut frames; choose another folder.")
    refuse_newer(folder, version, known=_SCHEMA_VERSION, kind=VideoError)


# --- store ------------------------------------------------------------------------------------------------------------
# The frames extracted from one video, losslessly compressed in a zarr folder, each with its frame number.
#
#     frames.zarr/     zarr format 3; attributes say `posecut: frames` and the schema's version
#       frames         uint8 [F, H, W, 3]  smaller frames are padded with zeros on the right and at the bottom
#       origin         int64 [F, 2]        x, y of the frame's top-left pixel in the full frame
#       size           int64 [F, 2]        height, width without the padding
#       number         int64 [F]           frame number in the video; -1 marks a row that is free
#       neighbors/     a store of whole frames around these, for networks with a `context`, where somebody wanted them
#
# A frame belongs to the store once its number is written, which happens last, for all frames that are added together: a
# crash or a full disk leaves the earlier frames as they were and the rows of the unfinished ones free.


StoredFrame = tuple[int, UInt8[np.ndarray, "_ _ 3"], tuple[int, int]]  # frame number, RGB image, (x, y) of its origin

_BATCH = 8  # frames held in memory while appending; zarr's cost per call is shared by them


class FrameStore:
    """Extracted frames by their number in the video. Open it with `FrameStore.open`."""

    def __init__(self, path: Path, group: zarr.Group) -> None:
        self.path = path
        self._group = group
        self._frames: zarr.Array | None = None  # for reading, until it may have grown
        self._around: FrameStore | None = None  # once there is one
        self._refresh()

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, create: bool = False) -> "FrameStore":
        """Open the store at `path`; with `create`, begin an empty one where there is none.

        It may lie elsewhere, as at s3://bucket/frames.zarr; frames of such a store can be read only.

        Raises:
            VideoError: there is no store, or it is damaged or of a newer version of PoseCut.
            StorageError: the store cannot be created.
            ArgumentError: packages that read an address are not installed.
        """
        folder = remote_path(path) or Path(path)
        if create and not address_of(folder) and not (folder / "zarr.json").exists():
            _create_store(folder)
        return cls(folder, _open_store(folder))

    def __contains__(self, number: int) -> bool:
        """Tell whether a frame is in the store."""
        return number in self._rows

    @property
    def numbers(self) -> Int64[np.ndarray, " F"]:
        """Frame numbers in increasing order."""
        return self._numbers.copy()

    @property
    def origins(self) -> Int64[np.ndarray, "F 2"]:
        """x, y of each frame's top-left pixel in the full frame, in the order of `numbers`."""
        return self._origins[self._order]

    @property
    def sizes(self) -> Int64[np.ndarray, "F 2"]:
        """Height, width of each frame in pixels, in the order of `numbers`."""
        return self._sizes[self._order]

    def read(self, number: int) -> UInt8[np.ndarray, "H W 3"]:
        """Read the RGB image of one frame.

        Raises:
            VideoError: the store has no such frame, or it is damaged on disk.
        """
        if number not in self._rows:
            raise VideoError(
                f"Frame {number} is not among the {len(self._rows)} extracted frames in {self.path}; "
                "extract it first or choose another frame number."
            )
        row = self._rows[number]
        height, width = self._sizes[row]
        with _readable(self.path):
            _check_chunk(self._chunk(row))
            if self._frames is None:  # opening an array takes as long as reading a picture from it
                self._frames = self._array("frames")
            image = np.asarray(self._frames[row, :height, :width])
            if not image.any() and not (image.size and _is_there(self._chunk(row))):
                raise FileNotFoundError(f"a chunk of frame {number} is missing")  # zarr reads it as zeros
            return image

    def read_with_neighbors(self, number: int, *, context: int) -> UInt8[np.ndarray, "H W C"]:
        """Read one frame with the channels of so many frames before and after it, as far as these are kept.

        Raises:
            VideoError: the store has no such frame, or it or one around it is damaged on disk.
        """
        image = self.read(number)
        if not context:
            return image
        row = self._rows[number]
        (x, y), (height, width) = self._origins[row].tolist(), self._sizes[row].tolist()
        around = self._neighbors
        wholes = (
            around.read(each) if around and each in around else None for each in neighbors_of(number, context=context)
        )
        return with_neighbors(
            image, [None if whole is None else whole[y : y + height, x : x + width] for whole in wholes]
        )

    def lacking_neighbors(self, numbers: Iterable[int], *, context: int) -> tuple[int, ...]:
        """Return which of so many frames before and after each of `numbers` are not kept; a video may not have all."""
        wanted = {each for number in numbers for each in neighbors_of(number, context=context) if each >= 0}
        around = self._neighbors
        return tuple(sorted(wanted.difference(around.numbers.tolist() if around else ())))

    def keep_neighbors(self, frames: Iterable[tuple[int, UInt8[np.ndarray, "_ _ 3"]]]) -> int:
        """Keep whole frames around those of the store, all or none, and return how many were added.

        Raises:
            StorageError, VideoError: as for `append`.
        """
        self._around = FrameStore.open(self._neighbors_path, create=True)
        return self._around.append((number, image, (0, 0)) for number, image in frames)

    def fingerprint(self, number: int) -> str:
        """Return what the pixels of one frame are recognized by: 32 digits of the SHA-256 of their size and values.

        Raises:
            VideoError: the store has no such frame, or it is damaged on disk.
        """
        return picture_hash(self.read(number))

    def append(self, frames: Iterable[StoredFrame]) -> int:
        """Add frames whose number the store does not have yet, all of them or none, and return how many were added.

        Holds the write lock for the whole call and re-reads the index before consuming `frames`.

        Raises:
            StorageError: the disk is full, read-only or not writable, or another program adds frames for long; the
                store is then as it was before.
            VideoError: the store is damaged.
        """
        with self._alone():
            if not self.path.exists():  # another writer created and then removed the empty store
                _create_store(self.path)
            self._refresh()
            with _writable(self.path):
                _sweep_rows(self.path, set(self._rows.values()))
            written = dict[int, int]()  # row -> frame number
            try:
                self._add(self._skip_known(frames), written)
            except BaseException:
                self._take_back(list(written))
                raise
            self._refresh()
        return len(written)

    def remove(self, numbers: Iterable[int]) -> int:
        """Take frames out, ignore numbers that are not in the store, and return how many were taken out.

        Of what is kept before and after them, that goes too which no network sees with another frame of the store.

        Raises:
            StorageError: the disk is read-only or not writable, or another program adds frames for long.
            VideoError: the store is damaged.
        """
        with self._alone():
            self._refresh()
            rows = [self._rows[number] for number in set(numbers) if number in self._rows]
            if rows:
                with _writable(self.path):
                    self._number(rows, [_FREE] * len(rows))
                    self._discard(rows)
                self._refresh()
                with contextlib.suppress(VideoError):  # damaged ones are told where they are read
                    self._drop_neighbors()
        return len(rows)

    def _drop_neighbors(self) -> None:
        """Take out what is kept before and after frames that are not in the store any more."""
        self._around = None  # others may have added some
        around = self._neighbors
        if around is not None:
            needed = {each for number in self._rows for each in neighbors_of(number, context=MOST_CONTEXT)}
            around.remove(set(around.numbers.tolist()) - needed)

    def delete_if_empty(self) -> None:
        """Delete the folder where no frame is in it; one that another program fills at the moment stays."""
        with contextlib.suppress(OSError, VideoError), self._alone(patience=0):
            self._refresh()
            if not self._rows:
                disk.delete_folder(self.path)

    def _alone(self, *, patience: float | None = None) -> contextlib.AbstractContextManager[None]:
        """Keep other writers out, but no readers; what is known of the store may be out of date by then.

        Raises:
            StorageError: the store lies elsewhere, or others keep writing.
        """
        if address := address_of(self.path):
            raise StorageError(f"The extracted frames at {address} can only be read; copy the folder to change them.")
        advice = "it is adding frames of the same video: wait until it has finished, then try again"
        return hold(self.path.with_suffix(".lock"), advice=advice, patience=patience)

    def _array(self, name: str) -> zarr.Array:
        array = self._group[name]
        assert isinstance(array, zarr.Array)
        return array

    @property
    def _neighbors_path(self) -> Path:
        return self.path / "neighbors"

    @property
    def _neighbors(self) -> "FrameStore | None":
        if self._around is None and _is_there(self._neighbors_path / "zarr.json"):
            self._around = FrameStore.open(self._neighbors_path)
        return self._around

    def _chunk(self, row: int) -> Path:
        return self.path / "frames" / "c" / str(row) / "0" / "0" / "0"

    def _refresh(self) -> None:
        with _readable(self.path):
            written = np.asarray(self._array("number")[:])
            rows = {int(number): row for row, number in enumerate(written) if number != _FREE}
            origins, sizes = np.asarray(self._array("origin")[:]), np.asarray(self._array("size")[:])
            used = list(rows.values())
            if min(rows, default=0) < 0 or (sizes[used] < 0).any() or len(origins) <= max(used, default=-1):
                raise ValueError("a frame lacks its number, size or origin")
            self._rows, self._origins, self._sizes = rows, origins, sizes
            self._frames = None
            self._numbers = np.array(sorted(rows), dtype=np.int64)
            self._order = np.array([rows[number] for number in self._numbers.tolist()], dtype=np.int64)

    def _add(self, fresh: Iterator[StoredFrame], written: dict[int, int]) -> None:
        """Write frames into free rows, batch by batch, note them in `written`, and last their numbers."""
        while batch := list(itertools.islice(fresh, _BATCH)):
            rows = self._free_rows(len(batch), besides=written)
            written.update(zip(rows.tolist(), (number for number, _, _ in batch), strict=True))
            with _writable(self.path):
                _to_the_end(self._write, rows, batch)
        with _writable(self.path):
            _to_the_end(self._number, list(written), list(written.values()))

    def _number(self, rows: list[int], numbers: list[int]) -> None:
        self._array("number")[np.array(rows, np.int64)] = np.array(numbers, np.int64)

    def _take_back(self, rows: list[int]) -> None:
        """Free the rows of frames that were not all added; a picture stays where its number cannot be taken back."""
        with contextlib.suppress(OSError, KeyError, VideoError):  # the error that led here says more
            self._refresh()
            numbered = sorted(set(self._rows.values()).intersection(rows))
            self._discard([row for row in rows if row not in numbered])  # a full disk needs the room for what follows
            if numbered:
                self._number(numbered, [_FREE] * len(numbered))
                self._discard(numbered)
                self._refresh()

    def _skip_known(self, frames: Iterable[StoredFrame]) -> Iterator[StoredFrame]:
        seen = set(self._rows)
        for number, image, origin in frames:
            if number not in seen:
                seen.add(number)
                yield number, image, origin

    def _write(self, rows: Int64[np.ndarray, " F"], batch: list[StoredFrame]) -> None:
        """Write everything but the numbers, with which rows belong to the store."""
        sizes = np.array([image.shape[:2] for _, image, _ in batch], dtype=np.int64)
        self._grow(int(rows.max()) + 1, sizes.max(axis=0))
        with zarr.config.set({"array.write_empty_chunks": True}):  # black frames too, to tell them from lost ones
            frames = self._array("frames")
            for row, (_, image, _) in zip(rows, batch, strict=True):
                _refuse_elsewhere(self._chunk(int(row)), self.path)
                frames[row] = _pad(image, frames.shape[1:3])
        self._array("origin")[rows] = np.array([origin for _, _, origin in batch], dtype=np.int64)
        self._array("size")[rows] = sizes

    def _discard(self, rows: list[int]) -> None:
        """Delete the images of free rows: an empty chunk is deleted from the disk, which needs no space."""
        frames = self._array("frames")
        for row in rows:
            if row < frames.shape[0]:  # a full disk may have refused the room for it
                frames[row] = 0

    def _free_rows(self, count: int, *, besides: Iterable[int]) -> Int64[np.ndarray, " F"]:
        used = {*self._rows.values(), *besides}
        free = (row for row in itertools.count() if row not in used)
        return np.array(list(itertools.islice(free, count)), dtype=np.int64)

    def _grow(self, rows: int, size: Int64[np.ndarray, " 2"]) -> None:
        """Make room for `rows` frames of `size`; never shrink."""
        if "frames" not in self._group:
            height, width = (int(side) for side in size)
            _create_array(self._group, "frames", (0, height, width, 3), chunk=(1, height, width, 3), fill=0)
        frames = self._array("frames")
        height, width = (max(old, int(new)) for old, new in zip(frames.shape[1:3], size, strict=True))
        shape = (max(rows, frames.shape[0]), height, width, 3)
        if shape != frames.shape:
            frames.resize(shape)
        for name in ("origin", "size", "number"):
            array = self._array(name)
            if array.shape[0] < rows:
                array.resize((rows, *array.shape[1:]))


def numbers_in(path: Path) -> tuple[int, ...]:
    """List the frame numbers of a store in increasing order; none where no frame was ever extracted.

    Raises:
        VideoError: the store is damaged.
    """
    return tuple(FrameStore.open(path).numbers.tolist()) if path.exists() else ()


def picture_hash(image: UInt8[np.ndarray, "H W 3"]) -> str:
    """Return what a picture is recognized by: 32 digits of the SHA-256 of its size and values."""
    return hashlib.sha256(f"{image.shape}".encode() + image.tobytes()).hexdigest()[:32]


def _to_the_end(write: Callable[..., None], *words: object) -> None:
    """Block until zarr's threads have written, even on Ctrl-C, so that they cannot overwrite a rollback."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(write, *words).result()


def _pad(image: UInt8[np.ndarray, "h w 3"], size: tuple[int, ...]) -> UInt8[np.ndarray, "H W 3"]:
    if image.shape[:2] == size:
        return image
    padded = np.zeros((*size, 3), dtype=np.uint8)
    padded[: image.shape[0], : image.shape[1]] = image
    return padded
