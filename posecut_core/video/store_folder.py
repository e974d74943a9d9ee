"""The zarr folder of a frame store: begin one, open one, and say in a sentence what is wrong with one."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec
from zarr.errors import BaseZarrError

from posecut_core.errors import StorageError, VideoError
from posecut_core.project.atomic import storage_error

SCHEMA_VERSION = 1
FREE = -1  # in place of a frame number


def create_store(folder: Path) -> None:
    """Begin an empty store, at once and whole; one that is there already stays as it is.

    Raises:
        StorageError: the disk refuses.
    """
    with writable(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=f".{folder.stem}-", suffix=".partial", dir=folder.parent, ignore_cleanup_errors=True
        ) as temporary:
            whole = Path(temporary) / folder.name
            _write_empty(whole)
            try:
                os.rename(whole, folder)
            except OSError:
                if not folder.exists():  # else another program was first, or it is a store that has lost its head
                    raise


def open_store(folder: Path) -> zarr.Group:
    """Open the folder of a store.

    Raises:
        VideoError: there is none, or it is damaged or of a newer version of PoseCut.
        StorageError: it must not be read.
    """
    if not folder.is_dir():
        raise VideoError(f"There are no extracted frames at {folder}; extract frames first.")
    with readable(folder):
        group = zarr.open_group(str(folder), mode="r+", zarr_format=3)
        _check_schema(folder, group)
        return group


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
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, AssertionError, BaseZarrError) as error:
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
    return VideoError(f"The extracted frames at {folder} are damaged; delete the folder and extract again.")


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
