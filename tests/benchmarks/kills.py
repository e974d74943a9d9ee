"""Disturb every step of the workflow, run the same step again, and compare what is there with an undisturbed run.

    python tests/benchmarks/kills.py [--quick 10000] [--slow 300] [--fault kill] [--seed 0] [--step NAME ...]
    python tests/benchmarks/kills.py --fault disk --every [--step NAME ...]

Each run copies the project that a step needs, starts the step in a child, disturbs it, and runs it again, which is all
that a user does. Files and folders are then those of an undisturbed run, bit for bit; where the step had ended before
it was disturbed, those of running it twice. `--fault` says what happens to it:

    kill        SIGKILL, half of the times at a random moment, half before (or in the midst of) its n-th change of the
                disk, in turn for each n, which finds the narrow windows
    int, term   SIGINT or SIGTERM at a random moment: it ends with code 130 and a sentence
    hup         SIGHUP at a random moment, as when a terminal is closed
    disk        the n-th change of the disk is refused, as by a full, read-only or broken disk: it ends with a sentence
    full        no file may grow beyond some size, which libraries meet that write by themselves

`--every` leaves nothing to chance. `disk` then takes each place in the code where a step changes the disk: by turns,
the first change there is refused as by a disk that is full from then on, and the last one as by a disk that is
read-only from then on (`--seed 1` the other way round). `full` lets each size of file that the step writes be the first
that does not fit, by one byte and by half.

The last line is one JSON object: for each step how often it was disturbed (`tried`), acknowledged edits and files that
are gone (`lost`), other files than undisturbed (`differing`), runs again that did not end well (`advice`), and ends
without a sentence (`rude`). `--from I` begins with run I of each step, to look at one again.
"""

import argparse
import contextlib
import errno
import filecmp
import importlib
import json
import math
import multiprocessing
import os
import pkgutil
import random
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

if __name__ == "__main__":  # before anything reads them; children inherit them
    os.environ |= {"JAX_PLATFORMS": "cpu", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from posecut_core.backbones import resnet
from tests.benchmarks.kill_steps import STEPS, Home, Step, Tree, compared, lost_edits, tree, without_networks
from tests.failing_disk import Changes, full

FAULTS = ("kill", "int", "term", "hup", "disk", "full")
SIGNALS = {"kill": signal.SIGKILL, "int": signal.SIGINT, "term": signal.SIGTERM, "hup": signal.SIGHUP}
REFUSALS = (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO)
INTERRUPTED, STORAGE = 130, 9
PATIENCE = 300.0  # seconds until a step hangs
_OVERHEAD = 0.15  # seconds: copying a project, starting a process, comparing


def main() -> int:
    """Share the runs among processes, print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", type=int, default=10_000, help="runs of steps that need no network (%(default)s)")
    parser.add_argument("--slow", type=int, default=300, help="runs of training and analysis (%(default)s)")
    parser.add_argument("--every", action="store_true", help="all runs of disk or full, instead of so many")
    parser.add_argument("--fault", choices=FAULTS, default="kill", help="what happens to them (%(default)s)")
    parser.add_argument("--step", action="append", choices=STEPS, help="only this step; may be repeated")
    parser.add_argument("--seed", type=int, default=0, help="where chance begins (%(default)s)")
    parser.add_argument("--from", type=int, default=0, dest="first", help="number of the first run (%(default)s)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (%(default)s)")
    parser.add_argument("--keep", type=Path, help="folder for what goes wrong: before and after the second run")
    options = parser.parse_args()
    if options.every and options.fault not in ("disk", "full"):
        parser.error("--every goes with --fault disk or --fault full")
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="posecut-kills-", dir=_memory()) as folder:
        totals = _shared_out(options, Path(folder))
    lines = {name: _row(found) for name, found in totals.items()}
    whole = _row(sum(totals.values(), Counter[str]()))
    print(json.dumps({"fault": options.fault, "steps": lines, **whole, "seconds": round(time.perf_counter() - start)}))
    return 1 if any(whole[name] for name in ("lost", "differing", "advice", "rude")) else 0


def _memory() -> str | None:
    """Return a folder in memory where there is one: a killed process loses nothing that a disk would keep."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _row(found: Counter[str]) -> dict[str, int]:
    return {name: found[name] for name in ("tried", "lost", "differing", "advice", "rude")}


def _shared_out(options: argparse.Namespace, folder: Path) -> dict[str, Counter[str]]:
    """Let processes take runs in turn; return what became of each step's runs."""
    steps = [name for name in options.step or STEPS if (options.slow if STEPS[name].slow else options.quick)]
    context = multiprocessing.get_context("spawn")  # a fork of this process could not be forked without its threads
    results = context.SimpleQueue()
    workers = [
        context.Process(target=_work, args=(steps, options, folder, number, results))
        for number in range(options.workers)
    ]
    for worker in workers:
        worker.start()
    totals = {name: Counter[str]() for name in (*steps, "")}
    for _ in range((len(steps) + 1) * len(workers)):
        name, found = results.get()
        totals[name] += found
    for worker in workers:
        worker.join()
    print(f"{totals.pop('')['left']} temporary files are left")
    return totals


def _work(steps: list[str], options: argparse.Namespace, folder: Path, number: int, results) -> None:
    """Take every so many-th run of each step: more of those that take less time."""
    own = folder / f"worker-{number}"
    for name in ("home", "temporary", "templates"):
        (own / name).mkdir(parents=True)
    os.environ |= {"TMPDIR": str(own / "temporary"), "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled")}
    os.environ |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}
    tempfile.tempdir = None
    _import_all()
    resnet.BLOCKS[18] = (1, 1, 1, 1)  # the thinnest network: what is saved and compiled takes a part of the time
    benches: list[Bench] = []
    for name in steps:
        try:
            benches.append(Bench.made(name, STEPS[name], own, options))
        except RuntimeError as error:
            print(error, flush=True)
            results.put((name, Counter(rude=1)))
    for slow, count in ((False, options.quick), (True, options.slow)):
        chosen = [bench for bench in benches if bench.step.slow == slow]
        shares = [1 / (_OVERHEAD + bench.seconds) for bench in chosen]
        for bench, share in zip(chosen, shares, strict=True):
            wanted = math.ceil(count * (0.1 / len(shares) + 0.9 * share / sum(shares)))
            runs = range(number, len(bench.every()) if options.every else wanted, options.workers)
            found = sum((bench.once(options.first + index) for index in runs), Counter[str]())
            print(f"{bench.name}: {_row(found)}", flush=True)
            results.put((bench.name, found))
    results.put(("", Counter(left=sum(1 for _ in (own / "temporary").iterdir()))))


def _import_all() -> None:
    """Import what the steps use, once: children that are forked have it then."""
    import posecut_core

    for module in pkgutil.walk_packages(posecut_core.__path__, "posecut_core."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


@dataclass(frozen=True)
class Plan:
    """When and how a run is disturbed."""

    number: int = 0  # of the change of the disk, from 1; 0 where the clock decides
    half: bool = False  # whether half of what is written then is
    error: int = 0  # with which the change is refused
    lasting: bool = False  # whether all later changes are refused as well
    size: int = -1  # that no file may exceed, in bytes
    signal: int = 0
    after: float = 0.0  # seconds

    def act(self, kind: str) -> None:
        """Disturb this process, which has come to the change."""
        if self.signal:
            os.kill(os.getpid(), self.signal)
            time.sleep(PATIENCE)  # a thread may get here, which the signal takes along a little later
        if self.error == errno.ENOSPC:
            full(kind)
        else:
            raise OSError(self.error, os.strerror(self.error))


@dataclass
class Ended:
    """How a child came to its end."""

    code: int  # negative: the signal that killed it
    said: str
    seconds: float
    places: tuple[int, ...]  # of each change of the disk: the place in the code, by the first change there

    @property
    def changes(self) -> int:
        """Return how many changes of the disk there were."""
        return len(self.places)


@dataclass
class Bench:
    """One step and what is known of it undisturbed."""

    name: str
    step: Step
    folder: Path
    options: argparse.Namespace
    once_done: Tree = field(default_factory=dict)
    twice_done: Tree = field(default_factory=dict)
    seconds: float = 0.0
    places: tuple[int, ...] = ()  # of its changes of the disk
    codes: tuple[int, int] = (0, 0)
    sizes: tuple[int, ...] = ()  # of the files that it writes, in bytes

    @classmethod
    def made(cls, name: str, step: Step, folder: Path, options: argparse.Namespace) -> "Bench":
        """Prepare the project of a step and run it undisturbed: to see what it does, and whether always the same."""
        bench = cls(name, step, folder, options)
        shutil.rmtree(bench.home.root, ignore_errors=True)
        bench.home.root.mkdir()
        prepared = bench.child(lambda home: step.prepare(home) or 0)
        if prepared.code:
            raise RuntimeError(f"{name} cannot be prepared: {prepared.said}")
        shutil.copytree(bench.home.root, bench.template, symlinks=True)
        bench.child(step.act)  # the first one imports, draws fonts, compiles
        bench.restore()
        first = bench.child(step.act)
        bench.once_done = tree(bench.home.root)
        second = bench.child(step.act)
        bench.twice_done = tree(bench.home.root)
        bench.restore()
        again = bench.child(step.act)
        differing = compared(tree(bench.home.root), bench.once_done)
        if differing or first.code:
            raise RuntimeError(f"{name} ends with {first.code}, undisturbed, twice: {differing} {first.said}")
        bench.seconds, bench.places = min(first.seconds, again.seconds), first.places
        bench.codes = (first.code, second.code)
        bench.sizes = tuple(sorted({path.stat().st_size for path in bench.written()} - {0})) or (1,)
        told = f"{first.changes} changes in {len(set(first.places))} places, then {second.code}"
        print(f"{name}: {bench.seconds:.2f} s, {told}", flush=True)
        return bench

    @property
    def home(self) -> Home:
        """Return where the step works: always the same place, as projects name it."""
        return Home(self.folder / "home" / "live")

    @property
    def template(self) -> Path:
        """Return the folder that each run begins with."""
        return self.folder / "templates" / self.name

    def restore(self) -> None:
        """Begin with the project as it was prepared."""
        shutil.rmtree(self.home.root, ignore_errors=True)
        shutil.copytree(self.template, self.home.root, symlinks=True)
        lost_edits(self.home)

    def written(self) -> Iterator[Path]:
        """Find the files that the step has made or changed."""
        for path in (path for path in self.home.root.rglob("*") if path.is_file()):
            before = self.template / path.relative_to(self.home.root)
            if not before.is_file() or not filecmp.cmp(path, before, shallow=False):
                yield path

    def once(self, index: int) -> Counter[str]:
        """Disturb the step once, run it again, and look."""
        chance = random.Random(f"{self.options.seed} {self.name} {index}")
        plan = self.plan(index, chance)
        self.restore()
        disturbed = self.child(self.step.act, plan)
        found = Counter(tried=1)
        if self.undisturbed(disturbed, plan):
            return Counter(late=1)
        rude = self.rudeness(disturbed, plan)
        middle = tree(self.home.root)
        kept = self.keep(index, "before") if self.options.keep else None
        lost = lost_edits(self.home)
        ended = middle == self.once_done
        again = self.child(self.step.act)
        final = tree(self.home.root)
        wanted, code = (self.twice_done, self.codes[1]) if ended else (self.once_done, 0)
        differing = compared(final, wanted)
        found["lost"] = lost + sum(mark == "-" for mark, _ in differing)
        found["differing"], found["advice"] = int(bool(differing)), int(again.code != code)
        found["rude"] = int(bool(rude))
        if found["lost"] or differing or again.code != code or rude:
            self.tell(index, plan, (disturbed, again), rude, differing)
        elif kept:
            shutil.rmtree(kept)
        return found

    def plan(self, index: int, chance: random.Random) -> Plan:
        """Choose how run `index` is disturbed."""
        fault, changes = self.options.fault, max(1, len(self.places))
        number = 1 + index // 2 % changes
        if self.options.every:
            return self.every()[index]
        if fault == "disk":
            kinds = [(error, lasting) for lasting in (False, True) for error in (*REFUSALS, 0)]
            error, lasting = kinds[index % len(kinds)]
            number = 1 + index // len(kinds) % changes
            return Plan(number, half=not error, error=error or errno.ENOSPC, lasting=lasting)
        if fault == "full":
            return Plan(size=int(math.exp(chance.uniform(0, math.log(self.sizes[-1] + 1)))) - 1)
        if fault == "kill" and index % 2:
            return Plan(number, half=chance.random() < 0.3, signal=signal.SIGKILL)
        return Plan(signal=SIGNALS[fault], after=chance.uniform(0, self.seconds))

    def every(self) -> list[Plan]:
        """Return a plan for each place that changes the disk, or two for each size of what is written."""
        if self.options.fault == "disk":
            last = {place: number for number, place in enumerate(self.places, start=1)}
            return [
                Plan(number, error=errno.EROFS, lasting=True)
                if (index + self.options.seed) % 2
                else Plan(place + 1, error=errno.ENOSPC, lasting=True)
                for index, (place, number) in enumerate(sorted(last.items()))
            ]
        return [Plan(size=size) for size in sorted({part for size in self.sizes for part in (size // 2, size - 1)})]

    def undisturbed(self, ended: Ended, plan: Plan) -> bool:
        """Tell whether a step had ended before its turn came."""
        if plan.signal:
            return ended.code == 0
        return plan.error != 0 and ended.changes < plan.number

    def rudeness(self, ended: Ended, plan: Plan) -> str:
        """Say what is wrong with how a disturbed step ended; "" where nothing is."""
        if plan.signal in (signal.SIGKILL, signal.SIGHUP):
            return "" if ended.code == -plan.signal else f"ended with {ended.code}"
        if "Traceback" in ended.said or "Unexpected error" in ended.said or "Error:" in ended.said:
            return "no sentence"
        expected = (INTERRUPTED,) if plan.signal else (STORAGE, 0)
        named = not plan.signal and "Cannot write" in ended.said  # among reasons why labels are for reading only, say
        return "" if named or ended.code in expected else f"ended with {ended.code}"

    def keep(self, index: int, when: str) -> Path:
        """Keep a copy of the folder."""
        target = self.options.keep / f"{self.name}-{index}" / when
        shutil.rmtree(target.parent, ignore_errors=True)
        shutil.copytree(self.home.root, target, symlinks=True)
        return target.parent

    def tell(self, index: int, plan: Plan, ends: tuple[Ended, Ended], rude: str, differing: list) -> None:
        """Print what went wrong, with what it can be repeated by."""
        options = self.options
        print(f"{self.name} --fault {options.fault} --seed {options.seed} --from {index}: {plan}")
        for ended, how in zip(ends, (rude or "disturbed", "again"), strict=True):
            print(f"    {how}: {ended.code} {ended.said[-300:]!r}")
        print(f"    {differing[:8]}", flush=True)
        if options.keep:
            shutil.copytree(self.home.root, options.keep / f"{self.name}-{index}" / "after", symlinks=True)

    def child(self, act: Callable[[Home], int], plan: Plan | None = None) -> Ended:
        """Run something in a child of this process, disturbed or not, and wait for its end."""
        reading, writing = os.pipe()
        hearing, speaking = os.pipe()  # no file: what a child says must not meet the limit of a full disk
        process = os.fork()
        if process == 0:
            os.close(reading)
            os.close(hearing)
            if not self.step.slow:
                without_networks()
            _act(act, self.home, plan or Plan(), writing, speaking)
        os.close(writing)
        os.close(speaking)
        with ThreadPoolExecutor(1) as thread, os.fdopen(hearing, "rb") as words:
            heard = thread.submit(words.read)
            return self._ended(process, reading, plan, heard)

    def _ended(self, process: int, reading: int, plan: Plan | None, heard: Future[bytes]) -> Ended:
        """Disturb a child where the clock decides, and wait for its end."""
        with os.fdopen(reading, "rb") as pipe:
            pipe.read(1)
            begun = time.perf_counter()
            if plan and plan.signal and not plan.number:
                select.select([pipe], [], [], plan.after)
                os.kill(process, plan.signal)
            ready, _, _ = select.select([pipe], [], [], PATIENCE)
            if not ready:
                os.kill(process, signal.SIGKILL)
            told = pipe.read()
        status = os.waitpid(process, 0)[1]
        seconds = time.perf_counter() - begun
        said = ("" if ready else "hangs ") + heard.result().decode(errors="replace")
        return Ended(os.waitstatus_to_exitcode(status), said, seconds, tuple(map(int, told.split())))


def _act(act: Callable[[Home], int], home: Home, plan: Plan, channel: int, speaking: int) -> None:
    """Do something in a child, and end it with the exit code."""
    code = 70
    try:
        for number, name in enumerate(("stdout", "stderr"), start=1):
            os.dup2(speaking, number)
            setattr(sys, name, os.fdopen(number, "w", closefd=False))  # that of the parent may be of a file
        os.chdir(home.root)
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # as the program does first
        signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell ignores for what it runs behind `&`
        if plan.size >= 0:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (plan.size, resource.RLIM_INFINITY))
        changes = Changes(home.root, number=plan.number, act=plan.act, lasting=plan.lasting, half=plan.half)
        with changes:
            os.write(channel, b" ")
            code = act(home)
        sys.stdout.flush()
        os.write(channel, " ".join(str(changes.places.index(place)) for place in changes.places).encode())
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
