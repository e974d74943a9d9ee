"""Disks that fail at the n-th call or change, and one that remembers what a loss of power would leave of it."""

import errno
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from posecut_core.storage import disk

CALLS = ("open_file", "new_file", "write", "truncate", "sync_data", "sync_all", "replace", "close")
REAL = {name: getattr(disk, name) for name in CALLS}
SHORT = -1  # stands for an errno: half is written, then the disk is full


class FailingDisk:
    """Passes calls on until the n-th, which fails; later calls work again."""

    def __init__(self, failing: int = 0, number: int = 0) -> None:
        self.calls, self._failing, self._number = 0, failing, number

    def install(self, patch) -> None:
        for name in CALLS:
            patch.setattr(disk, name, self._call(name))

    def _call(self, name: str) -> Callable:
        def call(*arguments):
            self.calls += 1
            if self.calls != self._failing:
                return None if name.startswith("sync") else REAL[name](*arguments)  # syncing takes most of the time
            if name == "close":
                REAL[name](*arguments)  # a handle is gone also where closing fails
            if self._number == SHORT and name == "write":
                handle, content = arguments
                REAL[name](handle, content[: len(content) // 2])
            number = 28 if self._number == SHORT else self._number
            raise OSError(number, os.strerror(number))

        return call


_CHANGING = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.link", "os.symlink", "os.chmod"}
_FOR_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def full(kind: str) -> None:
    """Refuse a change as a full disk does, from which one can delete."""
    if kind not in ("os.remove", "os.rmdir"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Changes:
    """Counts the changes that this process makes below a folder, and does something before the n-th of them.

    Python tells of every file that is opened for writing, renamed, made or deleted, whichever library does it; what is
    written to a file is seen where that goes through `posecut_core.storage.disk`.

    Args:
        root: the folder.
        number: which change, counted from 1; 0 for none.
        act: what happens then, told the kind of change: it may raise an error, or end the process.
        lasting: whether it happens at all later changes too.
        half: whether half of what is written by that change is written before.
    """

    _watching: "Changes | None" = None
    _hooked = False  # a hook cannot be taken away

    def __init__(
        self,
        root: Path,
        *,
        number: int = 0,
        act: Callable[[str], object] = bool,
        lasting: bool = False,
        half: bool = False,
    ) -> None:
        self.places: list[tuple[object, ...]] = []  # of each change: kind, file without digits, lines of code
        self._alone, self._root, self._half = Lock(), str(root), half
        self._number, self._act, self._lasting = number, act, lasting

    @property
    def count(self) -> int:
        """Return how many changes there were."""
        return len(self.places)

    def __enter__(self) -> "Changes":
        if not Changes._hooked:
            Changes._hooked = True
            sys.addaudithook(_heard)
        Changes._watching = self
        for name in ("write", "truncate", "sync_data", "sync_all", "close"):
            setattr(disk, name, self._seen(name))
        return self

    def __exit__(self, *error: object) -> None:
        Changes._watching = None
        for name, real in REAL.items():
            setattr(disk, name, real)

    def _seen(self, name: str) -> Callable:
        def call(handle: int, *rest):
            if name == "write" and self._half and self.count + 1 == self._number:
                REAL[name](handle, rest[0][: len(rest[0]) // 2])
            try:
                self.note(name)
            except OSError:
                if name == "close":
                    REAL[name](handle)  # a handle is gone also where closing fails
                raise
            return REAL[name](handle, *rest)

        return call

    def heard(self, event: str, arguments: tuple) -> None:
        """Look at what Python tells."""
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, str) and path.startswith(self._root) and (flags or 0) & _FOR_WRITING:
                self.note(event, path)
        elif event in _CHANGING:
            path = os.fspath(arguments[0]) if isinstance(arguments[0], str | os.PathLike) else ""
            if path.startswith(self._root) or not os.path.isabs(path):
                self.note(event, path)

    def note(self, kind: str, path: str = "") -> None:
        """Count a change, and act if it is the one."""
        place = (kind, re.sub(r"\d", "", os.path.basename(path)), *_lines())
        with self._alone:  # of zarr's threads each has a number
            self.places.append(place)
            count = self.count
        if self._number and (count == self._number or (self._lasting and count > self._number)):
            self._act(kind)


def _lines() -> Iterator[tuple[str, int]]:
    """List the lines of PoseCut's modules that are at work in this thread."""
    frame = sys._getframe()
    while (caller := frame.f_back) is not None:
        frame = caller
        if f"{os.sep}posecut_core{os.sep}" in frame.f_code.co_filename:
            yield frame.f_code.co_filename, frame.f_lineno


def _heard(event: str, arguments: tuple) -> None:
    if Changes._watching is not None:
        Changes._watching.heard(event, arguments)


@dataclass
class _Content:
    """What a file holds, and how much of it would survive."""

    live: bytes = b""
    synced: bytes = b""


@dataclass
class PowerLoss:
    """Remembers what was written and what was synced below `root`; `states` gives what a loss of power may leave."""

    root: Path
    files: dict[str, _Content] = field(default_factory=dict)  # as programs see them
    durable: dict[str, _Content] = field(default_factory=dict)  # names that would survive
    handles: dict[int, str] = field(default_factory=dict)
    calls: int = 0
    after_call: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        for path in (path for path in self.root.rglob("*") if path.is_file()):
            content = _Content(path.read_bytes(), path.read_bytes())
            self.files[self._name(path)] = self.durable[self._name(path)] = content

    def install(self, patch) -> None:
        for name in CALLS:
            patch.setattr(disk, name, self._call(name))

    def states(self) -> Iterator[dict[str, bytes]]:
        """Yield file name -> content for each way in which unsynced names and contents may be there or not."""
        pending = {name: content for name, content in self.files.items() if self.durable.get(name) is not content}
        alone = [{**self.durable, name: content} for name, content in pending.items()]
        for names in (self.durable, {**self.durable, **pending}, *alone):
            for survive in (_nothing, _one_byte, _half, _almost, _zeros, _everything):
                yield {name: survive(content) for name, content in names.items()}

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _call(self, name: str) -> Callable:
        def call(*arguments):
            result = REAL[name](*arguments)
            self.calls += 1
            getattr(self, f"_{name}", lambda *rest: None)(result, *arguments)
            self.after_call()
            return result

        return call

    def _open_file(self, handle: int, path: Path, flags: int) -> None:
        self.handles[handle] = self._name(path)
        if not path.is_dir():
            self.files.setdefault(self._name(path), _Content())

    def _new_file(self, result: tuple[int, Path], target: Path) -> None:
        self.handles[result[0]] = self._name(result[1])
        self.files[self._name(result[1])] = _Content()

    def _write(self, taken: int, handle: int, content: bytes) -> None:
        self.files[self.handles[handle]].live += content[:taken]

    def _truncate(self, result: None, handle: int, size: int) -> None:
        file = self.files[self.handles[handle]]
        file.live = file.live[:size]

    def _sync_data(self, result: None, handle: int) -> None:
        self._sync_all(result, handle)

    def _sync_all(self, result: None, handle: int) -> None:
        name = self.handles[handle]
        path = self.root / name
        if path.is_dir():
            kept = {known: content for known, content in self.durable.items() if (self.root / known).parent != path}
            there = {known: content for known, content in self.files.items() if (self.root / known).parent == path}
            self.durable = {**kept, **there}
        else:
            self.files[name].live = self.files[name].synced = path.read_bytes()  # libraries write without these calls

    def _replace(self, result: None, source: Path, target: Path) -> None:
        self.files[self._name(target)] = self.files.pop(self._name(source))


def _nothing(content: _Content) -> bytes:
    return content.synced


def _one_byte(content: _Content) -> bytes:
    return content.synced + content.live[len(content.synced) :][:1]


def _almost(content: _Content) -> bytes:
    return content.synced + content.live[len(content.synced) :][:-1]


def _half(content: _Content) -> bytes:
    fresh = content.live[len(content.synced) :]
    return content.synced + fresh[: len(fresh) // 2]


def _zeros(content: _Content) -> bytes:
    return content.synced + bytes(max(0, len(content.live) - len(content.synced)))


def _everything(content: _Content) -> bytes:
    return content.live
