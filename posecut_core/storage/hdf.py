"""HDF5 files that may be anybody's: their parts lie in them, and are no larger than they can hold."""

import math
import mmap
import os
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from posecut_core.errors import LabelError
from posecut_core.storage.files import open_file

if sys.platform == "linux":
    import resource

_MEMORY = 2**29  # bytes that reading a file may take, or as many times of what its parts may claim:
_COPIES = 4
_LARGE, _DENSEST = 2**26, 64  # bytes of a part, and how often larger than its file one is, compressed
_SMALL = 2**22  # bytes of a part that may be there as its value where nothing was written
_DEFLATED = 1032  # how often smaller gzip makes what is all the same
_HEAP = b"GCOL\x01\0\0\0"  # begins a collection of texts; its length follows, and then the texts
_BROKEN = (OSError, KeyError, IndexError, ValueError, TypeError, RuntimeError)  # what h5py raises of a damaged part
_LINKED, _DAMAGED = "is a link, expected the data itself", "is damaged"  # after the name of a part
_LIST_OF = 3  # byte of an encoded type of lists that says what they are of
_LENGTH, _TEXT = struct.Struct("<Q"), struct.Struct("<H6xQ")  # number of a text, 0 for free space, and its length


@contextmanager
def open_hdf(path: Path, *, foreign: bool = False) -> Iterator[h5py.File]:
    """Open an HDF5 file whose parts lie in the file itself and are no larger than it can hold.

    Links into other files, and arrays that other files hold, are refused. On Linux the process can take only so much
    more memory while the file is open: from lengths that are damaged HDF5 would take gigabytes.

    Args:
        path: the file.
        foreign: whether another program wrote it. Its parts may then be links to others of its parts, and some lengths
            in it are looked at before HDF5 reads it, which never ends where these are damaged.

    Raises:
        OSError: it is missing, no HDF5, a pipe or a device, or is damaged.
        MemoryError: reading it takes more memory than any sound file of its size.
        LabelError: it has a part that is not its own, or larger than the file can hold, or is damaged.
    """
    with open_file(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        why = "its structure is damaged" if foreign and size and _has_wrong_heap(stream.fileno()) else ""
    if not why:
        largest = max(_LARGE, _DENSEST * size)
        with _bounded(max(_MEMORY, _COPIES * largest)), h5py.File(path, "r") as file:
            why = _foreign_part(file, at_most=largest, links=foreign)
            if not why:
                yield file
                return
    raise LabelError(f"Cannot read {path} because {why}; restore it from a copy.")


_PROCESS = Path("/proc/self/statm")  # pages of memory that the process has, the sixth of them data
_reading = threading.RLock()  # of who has set the limit, which is one for all threads


@contextmanager
def _bounded(more: int) -> Iterator[None]:
    """Let the process take at most so many bytes more, where the system can say and limit what it holds."""
    if sys.platform != "linux" or not _PROCESS.exists():
        yield
        return
    with _reading:
        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        held = int(_PROCESS.read_text().split()[5]) * mmap.PAGESIZE
        limit = held + more if soft == resource.RLIM_INFINITY else min(held + more, soft)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


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
    if _has_deadly_type(file):
        return "its structure is damaged"
    while groups:
        group = groups.pop()
        for name in group:
            link = group.get(name, getlink=True)
            if links and isinstance(link, h5py.SoftLink):
                continue
            if not isinstance(link, h5py.HardLink):
                return f"its part {name!r} {_LINKED}"
            try:
                part = group[name]
            except _BROKEN:
                continue  # whoever needs it hears of it
            if wrong := _wrong_with(part, known, at_most=at_most):
                return f"its part {name!r} {wrong}"
            if isinstance(part, h5py.Group):
                known.add(h5py.h5o.get_info(part.id).addr)
                groups.append(part)
    return ""


def _wrong_with(part: h5py.HLObject, known: set[int], *, at_most: int) -> str:
    """Say why a part is not read, in words that follow its name; `known` are the groups on the way to it."""
    try:
        if _has_deadly_type(part):
            return _DAMAGED
        if isinstance(part, h5py.Group) and h5py.h5o.get_info(part.id).addr in known:
            return _LINKED  # there would be no end of groups within groups
        if isinstance(part, h5py.Dataset) and (part.external or part.is_virtual):
            return "is in another file, expected the data itself"
        if isinstance(part, h5py.Dataset) and _claimed(part) > min(at_most, _holds(part)):
            return f"claims {part.shape} values, more than the file can hold"
    except _BROKEN:
        return ""  # whoever needs it hears of it
    return ""


def _has_deadly_type(part: h5py.HLObject) -> bool:
    """Tell whether values or attributes of a part are lists of no known type, at which HDF5 ends the process."""
    try:
        places = range(h5py.h5a.get_num_attrs(part.id))
        types = [h5py.h5a.open(part.id, index=place).get_type() for place in places]
        types += [part.id.get_type()] if isinstance(part, h5py.Dataset) else []
        return any(map(_is_deadly, types))
    except _BROKEN:
        return False  # whoever needs it hears of it


def _is_deadly(kind: h5py.h5t.TypeID) -> bool:
    """Tell whether a type has lists ("variable-length") that are neither of values nor of letters.

    Source: HDF5 File Format Specification, "Datatype Message", class 9.
    """
    if isinstance(kind, h5py.h5t.TypeCompoundID):
        return any(_is_deadly(kind.get_member_type(place)) for place in range(kind.get_nmembers()))
    if isinstance(kind, h5py.h5t.TypeVlenID) and kind.encode()[_LIST_OF] & 15 != 0:  # letters are a TypeStringID
        return True
    return isinstance(kind, h5py.h5t.TypeVlenID | h5py.h5t.TypeArrayID) and _is_deadly(kind.get_super())


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
