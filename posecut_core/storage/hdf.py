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
_HEAP = b"GCOL\x01\0\0\0"  # begins a collection of texts; its length follows, and then the texts
_LENGTH, _TEXT = struct.Struct("<Q"), struct.Struct("<H6xQ")  # number of a text, 0 for free space, and its length


@contextmanager
def open_hdf(path: Path, *, foreign: bool = False) -> Iterator[h5py.File]:
    """Open an HDF5 file whose parts lie in the file itself and are no larger than it can hold.

    Links into other files, and arrays that other files hold, are refused.

    Args:
        path: the file.
        foreign: whether another program wrote it. Its parts may then be links to others of its parts, and its texts
            are looked at before HDF5 reads them: it never ends where free space among them is damaged.

    Raises:
        OSError: it is missing, no HDF5, a pipe or a device.
        LabelError: it has a part that is not its own, or larger than the file can hold, or texts without an end.
    """
    with open_file(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        why = "its texts are damaged" if foreign and size and _is_endless(stream.fileno()) else ""
    if not why:
        with h5py.File(path, "r") as file:
            why = _foreign_part(file, at_most=max(_LARGE, _DENSEST * size), links=foreign)
            if not why:
                yield file
                return
    raise LabelError(f"Cannot read {path} because {why}; restore it from a copy.")


def _is_endless(descriptor: int) -> bool:
    """Tell whether HDF5 would stay at a text forever, as the next one begins where it does.

    Source: HDF5 File Format Specification, "Global Heap".
    """
    with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as content:
        heap = content.find(_HEAP)
        while heap >= 0:
            if _stays_in(content, heap):
                return True
            heap = content.find(_HEAP, heap + 1)
    return False


def _stays_in(content: mmap.mmap, heap: int) -> bool:
    at = heap + len(_HEAP)
    if at + _LENGTH.size > len(content):
        return False
    end = min(len(content), heap + _LENGTH.unpack_from(content, at)[0])
    at += _LENGTH.size
    while at + _TEXT.size <= end:
        number, length = _TEXT.unpack_from(content, at)
        step = (_TEXT.size + -(-length // 8) * 8 if number else length) % 2**64
        if step == 0:
            return True
        at += step
    return False


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
            elif isinstance(part, h5py.Dataset) and _claimed(part) > at_most:
                return f"its part {name!r} claims {part.shape} values, more than the file can hold"
    return ""


def _claimed(part: h5py.Dataset) -> int:
    """Return how many bytes a part claims; a side of length 0 counts as 1, as somebody may go through the others."""
    return math.prod(max(1, length) for length in part.shape or ()) * part.dtype.itemsize
