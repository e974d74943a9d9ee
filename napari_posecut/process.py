"""A process of its own: started so that it outlives the window, known again by whoever finds its number.

Knows nothing of jobs; the last argument of its command line is the path of what it works on, whose name no other has:
that tells it from a process that has the same number later.
"""

import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Process:
    """A process on one computer."""

    host: str
    pid: int
    name: str  # of the file or folder that is its last argument

    @property
    def lives(self) -> bool:
        """Tell whether it runs on this computer; of another computer's nobody here can tell."""
        return self._found is not None

    def stop(self) -> None:
        """Ask it to end, where the system has a signal for that; it may finish what it is at."""
        if self._found is not None and sys.platform != "win32":  # there the same call would end it at once
            self._found.terminate()

    def kill(self) -> None:
        """End it at once, and the processes that it has started."""
        if self._found is not None:
            for one in (*self._found.children(recursive=True), self._found):
                _kill(one)

    @property
    def _found(self) -> psutil.Process | None:
        if self.host != platform.node():
            return None
        try:
            found = psutil.Process(self.pid)
            # Not by the time of its start, which changes with the clock of the computer.
            known = [Path(word).name for word in found.cmdline()[-1:]] == [self.name]
            return found if known and found.status() != psutil.STATUS_ZOMBIE else None
        except psutil.Error:
            return None


def launch(command: Sequence[str], *, output: Path) -> "subprocess.Popen[bytes]":
    """Start a process in a session of its own, so that neither the end of the window nor its Ctrl-C ends it.

    Args:
        command: the program and its arguments.
        output: file to which everything is added that it prints.

    Raises:
        OSError: the file cannot be written, or there is no such program.
    """
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    with output.open("ab") as file:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            creationflags=flags,
        )


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return  # it has ended by itself
