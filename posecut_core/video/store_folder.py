"""The zarr folder of a frame store: begin one, open one, and say in a sentence what is wrong with one."""

import contextlib
import errno
import math
import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec
from zarr.errors import BaseZarrError

from posecut_core.errors import StorageError, VideoError
from posecut_core.project import disk
from posecut_core.project.atomic import storage_error
from posecut_core.project.reading import SETTINGS, open_file, read_json

SCHEMA_VERSION = 1
FREE = -1  # in place of a frame number
_ARRAYS = {"number": 1, "origin": 2, "size": 2, "frames": 4}  # and their dimensions
_UNREADABLE = (  # what zarr raises on a damaged folder
    *(OSError, ValueError, LookupError, TypeError, RuntimeError, AssertionError, AttributeError, OverflowError),
    *(NotImplementedError, MemoryError, BaseZarrError),
)
_CODECS = ("bytes", "blosc", "crc32c")
_LARGEST = 2**30  # bytes of a chunk
_MOST_ROWS, _MOST_VALUES, _MOST_CHUNKS = 2**22, 2**29, 2**12  # of an array; in a row and a chunk; of a row


def create_store(folder: Path) -> None:
    """Begin an empty store, at once and whole; one that is there already stays as it is.

    Raises:
        StorageError: the disk refuses.
    """
    with writable(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        whole = disk.new_folder(folder)
        try:
            whole.chmod(0o755)
            _write_empty(whole)
            try:
                os.rename(whole, folder)
            except OSError:
                if not folder.exists():  # else another program was first, or it is a store that has lost its head
                    raise
        finally:
            shutil.rmtree(whole, ignore_errors=True)


def sweep_rows(folder: Path, used: Collection[int]) -> None:
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


def open_store(folder: Path) -> zarr.Group:
    """Open the folder of a store.

    Raises:
        VideoError: there is none, or it is damaged or of a newer version of PoseCut.
        StorageError: it must not be read.
    """
    if not folder.is_dir():
        raise VideoError(f"There are no extracted frames at {folder}; extract frames first.")
    with readable(folder):
        check_chunk(folder / "zarr.json")
        group = zarr.open_group(str(folder), mode="r+", zarr_format=3, use_consolidated=False)
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
    if dimensions == 4 and not folder.exists():
        return  # no frame was ever added
    said = read_json(folder / "zarr.json", at_most=SETTINGS)
    shape, chunk = said["shape"], said["chunk_grid"]["configuration"]["chunk_shape"]
    kind = "uint8" if dimensions == 4 else "int64"
    codecs = tuple(codec["name"] for codec in said["codecs"])
    if (said["data_type"], codecs, len(shape), len(chunk)) != (kind, _CODECS, dimensions, dimensions):
        raise ValueError(f"{folder.name} is another array than PoseCut's")
    if not all(type(side) is int and side >= 0 for side in (*shape, *chunk)) or 0 in chunk:
        raise ValueError(f"{folder.name} has a size that is none")
    chunks = math.prod(-(-side // part) for side, part in zip(shape[1:], chunk[1:], strict=True))
    if shape[0] > _MOST_ROWS or chunks > _MOST_CHUNKS or max(map(math.prod, (shape[1:], chunk))) > _MOST_VALUES:
        raise ValueError(f"{folder.name} claims {shape}, more than any video has")
    if (folder / "c").is_symlink():
        raise ValueError(f"{folder.name} leads elsewhere")
    for path in (folder / "c").rglob("*") if dimensions < 4 else ():
        check_chunk(path)


def check_chunk(path: Path) -> None:
    """Refuse what is no file in the place of a chunk, or more than one can hold; a missing one is none.

    Raises:
        OSError: it is a pipe, a device, or endless.
    """
    if os.path.lexists(path) and not path.is_dir():
        with open_file(path) as stream:
            if os.fstat(stream.fileno()).st_size > _LARGEST:
                raise OSError(f"{path} has more bytes than a chunk")


def refuse_elsewhere(path: Path, folder: Path) -> None:
    """Refuse to write where a link leads out of a folder.

    Raises:
        OSError: it does.
    """
    if not os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep):
        raise OSError(errno.ELOOP, "a link leads out of it", str(path))


def create_array(group: zarr.Group, name: str, shape: tuple[int, ...], *, chunk: tuple[int, ...], fill: int) -> None:
    """Begin an empty array; images (4 dimensions) are uint8, all else int64."""
    kind = np.uint8 if len(shape) == 4 else np.int64
    # every number of a chunk is replaced at once, by renaming a temporary file: zarr's LocalStore writes so
    compressor = BloscCodec(cname="zstd", clevel=3, shuffle="noshuffle", typesize=1)
    codecs = [compressor, Crc32cCodec()]  # a checksum, or a flipped bit would be another picture
    group.create_array(name, shape=shape, chunks=chunk, dtype=kind, compressors=codecs, fill_value=fill)


@contextlib.contextmanager
def readable(folder: Path) -> Iterator[None]:
    """Say in one sentence that a store is damaged."""
    try:
        yield
    except VideoError:
        raise
    except PermissionError as error:
        raise StorageError(f"Cannot read {folder}; permission was denied: change its permissions.") from error
    except _UNREADABLE as error:
        raise _damaged(folder) from error


@contextlib.contextmanager
def writable(folder: Path) -> Iterator[None]:
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
    group = zarr.create_group(str(folder), zarr_format=3, attributes={"posecut": "frames", "schema": SCHEMA_VERSION})
    create_array(group, "number", (0,), chunk=(1024,), fill=FREE)
    create_array(group, "origin", (0, 2), chunk=(1024, 2), fill=0)
    create_array(group, "size", (0, 2), chunk=(1024, 2), fill=0)


def _check_schema(folder: Path, group: zarr.Group) -> None:
    version = group.attrs.get("schema")
    if group.attrs.get("posecut") != "frames" or not isinstance(version, int):
        raise VideoError(f"{folder} is a zarr folder but holds no PoseCut frames; choose another folder.")
    if version > SCHEMA_VERSION:
        raise VideoError(
            f"{folder} has schema version {version}, this PoseCut reads up to {SCHEMA_VERSION}; update PoseCut."
        )
