"""Break every file that PoseCut reads, read it, and count what does not end in a sentence.

    python tests/benchmarks/fuzz.py [--files 50000] [--seed 0] [--workers 2] [--only KIND] [--keep FOLDER]

Each case breaks one file of a small project (bytes, structure, or what lies in its place: a pipe, a device, a loop of
links, eight GiB of nothing, another file) and reads it as the steps do, in a child that has everything imported. Right
is that it is read, or refused by a PosecutError whose one sentence names the file. The last line is one JSON object:
`files`; `read` and `refused`; `crashes` of the interpreter; `tracebacks`; `hangs` above ten seconds; `memory` above one
GiB; `code` that was run, or sockets opened; `outside`, what was written outside the project; `sentences` that name no
file or are none; `peak_mib`, the most memory that a child held; `kinds`, files by kind; and `seconds`. `planted` counts
the same over files with code in them, and `named` over steps in projects with names and links that lead out of them.
"""

import argparse
import contextlib
import json
import mmap
import os
import random
import resource
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from PIL import Image

from posecut_core.cli.program import explain
from posecut_core.errors import PosecutError
from tests.benchmarks.fuzz_cases import KINDS, Kind, break_bytes, break_place, check_project, make_project
from tests.benchmarks.hostile import LINKS, NAMES, PLACES, STEPS, link_out, name_project, planted_files, tree

ALL = 50_000
SECONDS, WAITING, MEMORY = 10.0, 60.0, 2**30  # of the processor; of a child that does nothing; bytes
FAULTS = ("crashes", "tracebacks", "hangs", "memory", "code", "outside", "sentences")
LONGEST = 2010  # letters of a sentence that somebody still reads
DOCTORED = 0.04  # of the cases are shown to the doctor instead
_OWN = ("<frozen", sys.prefix, sys.base_prefix, *filter(None, sys.path))  # where code comes from that was installed
_HARMFUL = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "pickle.find_class", "socket.connect")
_HARMFUL += ("socket.getaddrinfo", "socket.bind", "urllib.Request", "os.fork", "os.forkpty")
_CHANGES = ("shutil.rmtree", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.truncate")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=ALL, help="how many files to break (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="where chance begins (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="processes that read (default: %(default)s)")
    parser.add_argument("--only", help="break files of this kind alone", choices=[kind.name for kind in KINDS])
    parser.add_argument("--case", type=int, help="with --only: this case of the kind alone")
    parser.add_argument("--keep", type=Path, help="folder for the files on which something went wrong")
    arguments = parser.parse_args()
    cases = chosen_cases(arguments.files, arguments.only, arguments.case)
    found = fuzz(cases, seed=arguments.seed, workers=arguments.workers, keep=arguments.keep)
    found |= {} if arguments.only else {"planted": planted(), "named": named()}
    print(json.dumps(found))
    hostile = (found[run][fault] for run in ("planted", "named") if run in found for fault in FAULTS)
    return 1 if any(found[fault] for fault in FAULTS) or any(hostile) else 0


def chosen_cases(files: int, only: str | None = None, case: int | None = None) -> list[tuple[str, int]]:
    """List the cases: each kind has its share, and at least one."""
    kinds = [kind for kind in KINDS if only in (None, kind.name)]
    whole = sum(kind.share for kind in kinds)
    if case is not None:
        return [(kinds[0].name, case)]
    return [(kind.name, n) for kind in kinds for n in range(max(1, round(files * kind.share / whole)))]


def fuzz(cases: list[tuple[str, int]], *, seed: int, workers: int, keep: Path | None = None) -> dict[str, object]:
    """Break and read files in child processes, and count what went wrong."""
    start, counts, kinds = time.perf_counter(), Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="posecut-fuzz-") as folder:
        first = Path(apart(lambda: str(make_project(Path(folder) / "0")), Path(folder) / "first"))
        watched = []
        for number in range(workers):
            root = Path(folder) / str(number) / first.name
            if number:
                shutil.copytree(Path(folder) / "0", Path(folder) / str(number), symlinks=True)
            watched.append(Worker(root, cases[number::workers], seed, keep))
        for worker, outcome, detail in watch(watched):
            name, number = worker.current
            kinds[name] += 1
            note(counts, f"--only {name!r} --case {number}", outcome, detail)
    seconds = round(time.perf_counter() - start, 1)
    peak = max(worker.most for worker in watched) >> 20
    told = {"peak_mib": peak, "kinds": dict(sorted(kinds.items())), "seed": seed, "seconds": seconds}
    return {"files": kinds.total(), **totals(counts), **told}


def note(counts: Counter[str], case: str, outcome: str, detail: str) -> None:
    """Count how a case ended, and say so where it is a fault."""
    counts[outcome] += 1
    if outcome in FAULTS:
        print(f"{case}: {outcome}: {detail[:300]}", file=sys.stderr, flush=True)


def totals(counts: Counter[str]) -> dict[str, int]:
    """Return how many cases ended in which way, also where none did."""
    return {key: counts[key] for key in ("read", "refused", *FAULTS)}


def planted() -> dict[str, int]:
    """Read files with code in them, and count what was run; nobody may connect, and no file may appear."""
    with tempfile.TemporaryDirectory(prefix="posecut-planted-") as folder:
        return apart(lambda: _read_planted(Path(folder)), Path(folder) / "counts")


def _read_planted(folder: Path) -> dict[str, int]:
    root = make_project(folder / "0")
    copy_whole(root)
    warm_up(root)
    guard, counts, mark = Guard(root), Counter[str](), folder / "0/outside/run"
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        for plant in planted_files(root, mark, port=server.getsockname()[1]):
            kind = Kind("planted", 0, "", lambda root, path, plant=plant: plant.read(), folder=True)
            outcome, detail = judged(kind, root, plant.path, kind.read, guard)
            guard.code.clear()
            guard.outside.clear()
            with contextlib.suppress(BlockingIOError):
                server.accept()
                outcome, detail = "code", "it was connected to"
            if mark.exists():
                outcome, detail = "code", "it was run"
                mark.unlink()
            note(counts, f"planted {plant.name}", outcome, detail)
    return {"files": counts.total(), **totals(counts)}


def named() -> dict[str, int]:
    """Run steps on projects with names and links that lead out of them, and count what was changed outside."""
    with tempfile.TemporaryDirectory(prefix="posecut-named-") as folder:
        return apart(lambda: _run_named(Path(folder)), Path(folder) / "counts")


def _run_named(folder: Path) -> dict[str, int]:
    root = make_project(folder / "0")
    copy_whole(root)
    warm_up(root)
    guard, counts, outside = Guard(root), Counter[str](), folder / "0/outside"
    spoilers: list[tuple[str, Callable[[], object]]] = [
        (f"{place} {name!r:.40}", lambda place=place, name=name: name_project(root, place, name))
        for place in PLACES
        for name in NAMES
    ]
    spoilers += [(f"link {name}", lambda name=name: link_out(root, name, outside)) for name in LINKS]
    for words, spoil in spoilers:
        for step, run in STEPS.items():
            restore(root, folder / "0/whole")
            for path in outside.iterdir():
                (shutil.rmtree if path.is_dir() else Path.unlink)(path)
            spoil()
            before = tree(outside)
            kind = Kind("named", 0, "", lambda root, path, run=run: run(root), folder=True)
            outcome, detail = judged(kind, root, root / "config.yaml", kind.read, guard)
            guard.code.clear()
            guard.outside.clear()
            if tree(outside) != before:
                outcome, detail = "outside", f"changed {sorted(tree(outside).items() ^ before.items())[:1]}"
            note(counts, f"named {words}, {step}", outcome, detail)
    return {"names": len(spoilers), "steps": counts.total(), **totals(counts)}


def apart(work: Callable[[], Any], answer: Path) -> Any:
    """Work in a process of its own, as libraries that have threads do not survive a fork; return what it returns."""
    pid = os.fork()
    if pid == 0:
        try:
            answer.write_text(json.dumps(work()))
            os._exit(0)
        finally:
            traceback.print_exc()
            os._exit(1)
    if os.waitpid(pid, 0)[1]:
        raise RuntimeError("a process that fuzz.py has started failed")
    return json.loads(answer.read_text())


# --- the parent: start, watch, end ------------------------------------------------------------------------------------


@dataclass
class Worker:
    """A child that breaks and reads files one after the other, and where it is."""

    root: Path
    cases: list[tuple[str, int]]
    seed: int
    keep: Path | None
    place: int = 0  # of the case at work
    pid: int = 0
    pipe: int = 0
    buffer: bytes = b""
    most: int = 0  # bytes of memory that one of its children has held
    clock: mmap.mmap = field(
        default_factory=lambda: mmap.mmap(-1, 24)
    )  # place, time and processor's time of the case's start

    @property
    def current(self) -> tuple[str, int]:
        return self.cases[self.place]

    @property
    def done(self) -> bool:
        return self.place >= len(self.cases)

    def start(self) -> None:
        """Fork a child that goes on at `place`."""
        restore(self.root, self.root.parent / "whole")
        reading, writing = os.pipe()
        self.clock[:] = struct.pack(
            "<qdd", self.place, time.monotonic() + 600, 1e9
        )  # the first case waits for the warm-up
        self.pid = os.fork()
        if self.pid == 0:
            os.close(reading)
            child(self, writing)
        os.close(writing)
        os.set_blocking(reading, False)
        self.pipe, self.buffer = reading, b""

    def told(self) -> Iterator[tuple[str, str]]:
        """Yield what the child has said since."""
        try:
            while part := os.read(self.pipe, 1 << 16):
                self.buffer += part
        except BlockingIOError:
            pass
        *lines, self.buffer = self.buffer.split(b"\n")
        for line in lines:
            outcome, detail = json.loads(line)
            yield outcome, detail

    def late(self) -> bool:
        place, began, used = struct.unpack("<qdd", self.clock[:])
        waited, worked = time.monotonic() - began, self.processor() - used
        return place == self.place and (waited > WAITING or (waited > SECONDS and worked > SECONDS))

    def processor(self) -> float:
        """Return the seconds that the child has used of a processor."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except (OSError, IndexError):
            return 0.0

    def held(self) -> int:
        """Return the most bytes of memory that the child has held at once, however shortly."""
        try:
            lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
            return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))
        except (OSError, StopIteration):
            return 0

    def ended(self) -> int | None:
        """Return the status of a child that has ended, None while it runs."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return status if pid else None

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def watch(workers: list[Worker]) -> Iterator[tuple[Worker, str, str]]:
    """Run the workers to their ends; yield the outcome of each case while its worker's `current` is the case."""
    for worker in workers:
        copy_whole(worker.root)
        worker.start()
    busy = [worker for worker in workers if worker.cases]
    while busy:
        for worker in list(busy):
            status = worker.ended()
            yield from _outcomes(worker)
            fault = None if worker.done else _fault(worker, status)
            if not fault and not worker.done:
                continue
            if status is None:
                worker.kill()
                yield from _outcomes(worker)  # it may have come to its end just now
            if fault and not worker.done:
                keep_case(worker.root, *worker.current, worker.keep)
                yield worker, *fault
                worker.place += 1
            os.close(worker.pipe)
            if worker.done:
                busy.remove(worker)
            else:
                worker.start()
        time.sleep(0.02)


def _outcomes(worker: Worker) -> Iterator[tuple[Worker, str, str]]:
    for outcome, detail in worker.told():
        yield worker, outcome, detail
        worker.place += 1


def _fault(worker: Worker, status: int | None) -> tuple[str, str] | None:
    if status is not None:
        return "crashes", f"the child ended with status {status}"
    if worker.late():
        return "hangs", f"more than {SECONDS:g} s"
    held = worker.held()
    worker.most = max(worker.most, held)
    if held > MEMORY:
        return "memory", f"{held >> 20} MiB"
    return None


def copy_whole(root: Path) -> None:
    """Keep a whole copy of a project beside it, from which a broken one is restored."""
    shutil.copytree(root, root.parent / "whole", symlinks=True)
    outside = root.parent / "outside"
    outside.mkdir(exist_ok=True)
    (outside / "precious.txt").write_text("precious\n")


def restore(root: Path, whole: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(whole, root, symlinks=True)


def keep_case(root: Path, kind: str, number: int, keep: Path | None) -> None:
    """Copy the broken file of a case aside."""
    path = Path((root.parent / "at").read_text())
    if keep and path.is_file() and not path.is_symlink() and path.stat().st_size < 2**26:
        keep.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, keep / f"{kind.replace(' ', '-')}-{number}-{path.name}")


# --- the child: break, read, judge ------------------------------------------------------------------------------------


class Guard:
    """Hears from the interpreter what is opened, changed, compiled and run while a broken file is read."""

    def __init__(self, inside: Path, *, texts: bool = True) -> None:
        self.texts = texts  # whether code made of a text counts: tests that check types make some
        self.inside = os.path.realpath(inside)
        self.active = False
        self.code: list[str] = []
        self.outside: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple) -> None:
        if not self.active:
            return
        if event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC):
            self._change(event, arguments[0])
        elif event in _CHANGES and not (
            isinstance(arguments[-1], int) and arguments[-1] >= 0
        ):  # else in a known folder
            for path in arguments[:2]:
                self._change(event, path, parent=True)
        elif event in _HARMFUL:
            self.code.append(f"{event} {str(arguments)[:200]}")
        elif event == "exec" and self.texts and not getattr(arguments[0], "co_filename", "").startswith(_OWN):
            self.code.append(f"exec {arguments[0]}")

    def _change(self, event: str, path: object, *, parent: bool = False) -> None:
        if not isinstance(path, str | bytes):
            return
        name = os.fsdecode(path)
        real = os.path.join(os.path.realpath(os.path.dirname(name)), os.path.basename(name)) if parent else None
        real = real or os.path.realpath(name)
        if not real.startswith((self.inside + os.sep, "/dev/null")) and real != self.inside:
            self.outside.append(f"{event} {name}")


def child(worker: Worker, pipe: int) -> None:
    """Break and read until all is done; never return."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        warnings.simplefilter("ignore")
        os.chdir(worker.root.parent)
        for output in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), output)
        warm_up(worker.root)
        guard = Guard(worker.root)
        space = resource.getrlimit(resource.RLIMIT_AS)[1]
        used = int(Path("/proc/self/statm").read_text().split()[0]) * mmap.PAGESIZE
        resource.setrlimit(resource.RLIMIT_AS, (used + 4 * MEMORY, space))
        for place in range(worker.place, len(worker.cases)):
            worker.clock[:] = struct.pack("<qdd", place, time.monotonic(), time.process_time())
            worker.place = place
            outcome = one_case(worker.root, guard, *worker.current, seed=worker.seed, keep=worker.keep)
            os.write(pipe, json.dumps(outcome).encode() + b"\n")
        time.sleep(60)  # the parent ends it
    except BaseException:
        os.write(pipe, json.dumps(["tracebacks", traceback.format_exc()[-2000:]]).encode() + b"\n")
    finally:
        os._exit(3)


def warm_up(root: Path) -> None:
    """Read whole files, so that everything is imported before anybody listens."""
    for kind in KINDS:
        for path in sorted(root.glob(kind.pattern)):
            if path.is_file():
                kind.read(root, path)
    check_project(root)
    Image.init()
    restore(root, root.parent / "whole")


def one_case(
    root: Path, guard: Guard, name: str, number: int, *, seed: int = 0, keep: Path | None = None
) -> tuple[str, str]:
    """Break a file, read it, judge what happened, and put the whole file back."""
    whole = root.parent / "whole"
    kind = next(kind for kind in KINDS if kind.name == name)
    chance = random.Random(f"{seed}/{name}/{number}")
    paths = [path for path in sorted(whole.glob(kind.pattern)) if path.is_file()]
    source = paths[number % len(paths)]
    path = root / source.relative_to(whole)
    how = break_file(kind, source, path, chance, root.parent / "outside")
    (root.parent / "at").write_text(str(path))
    guard.code.clear()
    guard.outside.clear()
    doctored = chance.random() < DOCTORED and how != "sparse"  # whose sum alone takes as long as it is large
    doctored &= path.parent.name not in ("exports", "cameras")  # where the doctor does not look
    read = (lambda root, path: check_project(root)) if doctored else kind.read
    outcome, detail = judged(kind, root, path, read, guard)
    if outcome in FAULTS:
        keep_case(root, name, number, keep)
    put_back(path, source)
    return outcome, f"{how} {path.relative_to(root)}: {detail}"


def break_file(kind: Kind, source: Path, path: Path, chance: random.Random, outside: Path) -> str:
    """Write a broken copy of `source` to `path`, or something else; return how it was broken."""
    path.unlink(missing_ok=True)
    way = chance.random()
    if way < 0.08:
        others = [other for other in source.parent.iterdir() if other.is_file() and not other.is_symlink()]
        return break_place(path, others, chance, outside)
    content = source.read_bytes()
    if kind.changes and way < 0.6:
        change = chance.choice(kind.changes)
        try:
            path.write_bytes(change(content, chance))
            return change.__name__
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, OSError, RuntimeError):
            pass  # not a file of this structure
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        content = break_bytes(content, chance)
    path.write_bytes(content)
    return "break_bytes"


def judged(kind: Kind, root: Path, path: Path, read, guard: Guard) -> tuple[str, str]:
    """Read a broken file and say what happened."""
    guard.active = True
    try:
        read(root, path)
        outcome, detail = "read", ""
    except PosecutError as error:
        guard.active = False
        outcome, detail = "refused", explain(error).error
        wrong = complaint(detail, path, kind)
        if wrong:
            outcome, detail = "sentences", f"{wrong}: {detail[:300]!r}"
    except MemoryError:
        outcome, detail = "memory", "MemoryError"
    except BaseException as error:
        last = traceback.extract_tb(error.__traceback__)
        mine = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in last][-4:]
        outcome, detail = "tracebacks", f"{type(error).__name__}: {str(error)[:150]} at {' '.join(mine)}"
    finally:
        guard.active = False
    if guard.outside:
        return "outside", "; ".join(guard.outside[:3])
    if guard.code:
        return "code", "; ".join(guard.code[:3])
    return outcome, detail


def complaint(sentence: str, path: Path, kind: Kind) -> str:
    """Say what is wrong with a sentence; nothing where it will do."""
    names = [
        path.name,
        str(path.parent),
        *filter(None, [kind.also]),
        *([part.name for part in path.parents[:3]] if kind.folder else []),
    ]
    if not any(name in sentence for name in names):
        return "it does not name the file"
    if len(sentence) > LONGEST + len(str(path)):
        return f"it has {len(sentence)} letters"
    if not sentence.replace("\n", "").isprintable():
        return "it has letters that cannot be printed"
    if not sentence.rstrip(")'\" ").endswith((".", "!", "?")) and "posecut" not in sentence:
        return "it has no end"
    return "it speaks of objects" if " object at 0x" in sentence else ""


def put_back(path: Path, source: Path) -> None:
    """Put a whole file in the place of whatever is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    shutil.copy2(source, path)


if __name__ == "__main__":
    sys.exit(main())
