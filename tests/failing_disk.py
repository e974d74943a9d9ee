"""A disk that fails at the n-th call, and one that remembers what a loss of power would leave of it."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from posecut_core.project import disk

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
