"""HDF5 files that may be anybody's: their parts lie in them, and are no larger than they can hold."""

import math
import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from posecut_core.errors import LabelError
from posecut_core.storage.files import open_file

_LARGE, _DENSEST = 2**26, 64  # bytes of a part, and how often larger than its file one is, compressed
_SMALL = 2**22  # bytes of a part that may be there as its value where nothing was written
_DEFLATED = 1032  # how often smaller gzip makes what is all the same
_HEAP = b"GCOL\x01\0\0\0"  # begins a collection of texts; its length follows, and then the texts
_LENGTH, _TEXT = struct.Struct("<Q"), struct.Struct("<H6xQ")  # number of a text, 0 for free space, and its length


@contextmanager
def open_hdf(path: Path, *, foreign: bool = False) -> Iterator[h5py.File]:
    """Open an HDF5 file whose parts lie in the file itself and are no larger than it can hold.

    Links into other files, and arrays that other files hold, are refused.

    Args:
        path: the file.
        foreign: whether another program wrote it. Its parts may then be links to others of its parts, and some lengths
            in it are looked at before HDF5 reads it, which takes gigabytes, or never ends, where these are damaged.

    Raises:
        OSError: it is missing, no HDF5, a pipe or a device.
        LabelError: it has a part that is not its own, or larger than the file can hold, or is damaged.
    """
    with open_file(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        why = "its structure is damaged" if foreign and size and _has_wrong_heap(stream.fileno()) else ""
    if not why:
        with h5py.File(path, "r") as file:
            why = _foreign_part(file, at_most=max(_LARGE, _DENSEST * size), links=foreign)
            if not why:
                yield file
                return
    raise LabelError(f"Cannot read {path} because {why}; restore it from a copy.")


def _has_wrong_heap(descriptor: int) -> bool:
    """Tell whether a file has texts longer than itself, or such at which HDF5 would stay forever.

    Source: HDF5 File Format Specification, "Global Heap".
    """
    with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as content:
        at = content.find(_HEAP)
        while at >= 0:
            if _is_wrong_heap(content, at):
                return True
            at = content.find(_HEAP, at + 1)
    return False


def _is_wrong_heap(content: mmap.mmap, at: int) -> bool:
    begin = at + len(_HEAP) + _LENGTH.size
    if begin > len(content):
        return False
    end = at + _LENGTH.unpack_from(content, at + len(_HEAP))[0]
    while begin + _TEXT.size <= end <= len(content):
        number, length = _TEXT.unpack_from(content, begin)
        step = (_TEXT.size + -(-length // 8) * 8 if number else length) % 2**64
        if step == 0:
            return True
        begin += step
    return end > len(content)


def _foreign_part(file: h5py.File, *, at_most: int, links: bool) -> str:
    """Say which part of a file it cannot hold, or lies elsewhere; "" where there is none."""
    groups: list[h5py.Group] = [file]
    known = {h5py.h5o.get_info(file.id).addr}
    while groups:
        group = groups.pop()
        for name in group:
            link = group.get(name, getlink=True)
            if links and isinstance(link, h5py.SoftLink):
                continue
            if not isinstance(link, h5py.HardLink):
                return f"its part {name!r} is a link, expected the data itself"
            try:
                part = group[name]
            except (OSError, KeyError, ValueError, RuntimeError):
                continue  # damaged: whoever needs it hears of it
            if isinstance(part, h5py.Group):
                place = h5py.h5o.get_info(part.id).addr
                if place in known:  # else there would be no end of groups within groups
                    return f"its part {name!r} is a link, expected the data itself"
                known.add(place)
                groups.append(part)
            elif isinstance(part, h5py.Dataset) and (part.external or part.is_virtual):
                return f"its part {name!r} is in another file, expected the data itself"
            elif isinstance(part, h5py.Dataset) and _claimed(part) > min(at_most, _holds(part)):
                return f"its part {name!r} claims {part.shape} values, more than the file can hold"
    return ""


def _claimed(part: h5py.Dataset) -> int:
    """Return how many bytes a part claims; rows without any count too, as somebody may go through them."""
    rows, *row = part.shape or (1,)
    return int(rows) * max(1, math.prod(row)) * part.dtype.itemsize


def _holds(part: h5py.Dataset) -> float:
    """Return how many bytes a part has at most, by those of it that are in the file."""
    stored = part.id.get_storage_size()
    if part.id.get_create_plist().get_nfilters() == 0:
        return max(_SMALL, stored)
    return max(_SMALL, _DEFLATED * stored) if part.compression in ("gzip", "lzf") else math.inf
