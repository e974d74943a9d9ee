"""Simulate the analysis of very many videos by very many workers that die, are slow, and share disks and a scheduler.

    python tests/benchmarks/fleet.py [--videos 1000000] [--workers 1000] [--minutes 10] [--sweep] [--measure]

What happens, event by event: an idle worker asks the scheduler, which answers one after the other; the file system
serves the small operations of a video one after the other, and shares its bandwidth; then frames are computed. A worker
that dies is replaced after a while, and its video goes on from its last rows, somewhere else. Some workers are slow,
some videos broken. `--measure` takes those constants that can be taken here, instead of the defaults, which were taken
so before: what a task costs a scheduler of dask in time and memory, how long a worker takes to begin, and how many file
operations a video is. Prints JSON: hours, how they compare to those without any loss, and what the loss is made of.
`--sweep` varies workers and the length of videos, and names what costs most.
"""

import argparse
import heapq
import json
import math
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

_TRIES = 3  # workers that a video may end before it is given up, as in distributed/executors.py


@dataclass(frozen=True)
class Fleet:
    """What is analyzed, by what, and what it costs."""

    videos: int = 1_000_000
    workers: int = 1_000
    minutes: float = 10.0  # median length of a video at 30 frames/s
    spread: float = 0.8  # standard deviation of its logarithm
    frames_per_s: float = 35.5  # of a worker: ResNet-50 at 320x240 on two cores (docs/benchmarks.md)
    frame_bytes: float = 6_000.0  # of a video, compressed
    start_s: float = 2.6  # until a new worker computes: it imports, loads the network and compiles it
    overhead_s: float = 0.05  # of a video, beside its frames
    scheduler_s: float = 0.0009  # of a task
    task_bytes: float = 10_000.0  # of a task, in the scheduler's memory
    ahead: int = 4_000  # tasks that the scheduler knows of at once
    operations: float = 47.0  # of the file system, for a video: open, rename, lock ...
    # What follows is not measured here, but usual for clusters.
    operations_per_s: float = 20_000.0  # of a shared file system
    bandwidth: float = 5e9  # bytes a second of it
    hours_between_deaths: float = 500.0  # of one worker: crashes, limits of time and memory, nodes that fail
    queue_s: float = 120.0  # until a dead worker is replaced, on average
    slow_share: float = 0.02  # of workers, which compute at
    slow_rate: float = 0.3
    broken_share: float = 0.001  # of videos, which are found out at once
    batch_s: float = 2.0  # of work between two writings of rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=Fleet.videos)
    parser.add_argument("--workers", type=int, default=Fleet.workers)
    parser.add_argument("--minutes", type=float, default=Fleet.minutes)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sweep", action="store_true")
    parser.add_argument("--measure", action="store_true")
    given = parser.parse_args()
    fleet = Fleet(given.videos, given.workers, given.minutes)
    if given.measure:
        constants = measured()
        print(json.dumps({"measured": constants}))
        fleet = replace(fleet, **constants)
    if not given.sweep:
        print(json.dumps({"fleet": asdict(fleet), **simulated(fleet, given.seed)}))
        return 0
    for minutes in (1 / 30, 1.0, 10.0):
        for workers in (100, 1_000, 10_000):
            told = simulated(replace(fleet, minutes=minutes, workers=workers), given.seed)
            print(json.dumps({"minutes": round(minutes, 3), "workers": workers, **told}))
    return 0


@dataclass
class _Worker:
    """One worker, and the one that takes its place."""

    rate: float  # of the usual one
    dies: float  # when


def simulated(fleet: Fleet, seed: int = 0) -> dict[str, object]:
    """Go through all of it, event by event."""
    draw = random.Random(seed)
    waiting = deque(_lengths(fleet, draw))
    total = sum(frames for frames, _ in waiting)
    life = 3600 * fleet.hours_between_deaths
    workers = [_worker(fleet, draw, life, 0.0) for _ in range(fleet.workers)]
    idle = [(fleet.start_s, place) for place in range(fleet.workers)]
    heapq.heapify(idle)
    scheduler = disk = end = 0.0
    spent: Counter[str] = Counter({"starting": fleet.start_s * fleet.workers})
    counts: Counter[str] = Counter()
    ends: list[float] = []
    share = fleet.bandwidth / min(fleet.workers, len(waiting))
    while waiting:
        now, place = heapq.heappop(idle)
        worker = workers[place]
        frames, tries = waiting.popleft()
        scheduler = max(scheduler, now) + fleet.scheduler_s
        disk = max(disk, scheduler) + fleet.operations / fleet.operations_per_s
        spent["scheduler"] += scheduler - now
        spent["file operations"] += disk - scheduler
        usual = frames / fleet.frames_per_s
        reading = frames * fleet.frame_bytes / share  # once for the index, and again with the frames
        computing = max(usual / worker.rate, reading)
        finished = disk + fleet.overhead_s + reading + computing
        if finished <= worker.dies:
            spent["overhead of videos"] += fleet.overhead_s
            spent["bandwidth"] += reading + max(0.0, reading - usual / worker.rate)
            spent["slow workers"] += usual / worker.rate - usual
            ends.append(finished)
            heapq.heappush(idle, (finished, place))
            continue
        counts["deaths"] += 1
        done = max(0.0, worker.dies - disk - fleet.overhead_s - reading)
        kept = math.floor(done / fleet.batch_s) * fleet.batch_s / max(computing, 1e-9) * frames
        spent["work lost with a worker"] += max(0.0, worker.dies - disk) - kept / fleet.frames_per_s
        back = max(worker.dies, disk) + draw.expovariate(1 / fleet.queue_s) + fleet.start_s
        spent["replacing workers"] += back - max(worker.dies, disk)
        workers[place] = _worker(fleet, draw, life, back)
        heapq.heappush(idle, (back, place))
        if tries + 1 < _TRIES:
            waiting.appendleft((frames - kept, tries + 1))
        else:
            counts["given up"] += 1
    end = max(ends)
    spent["waiting for the last video"] = sum(max(0.0, end - now) for now, _ in idle)
    best = total / fleet.frames_per_s / fleet.workers
    lost = {name: round(seconds / (end * fleet.workers), 5) for name, seconds in spent.most_common()}
    ends.sort()
    return {
        "hours": round(end / 3600, 2),
        "without_loss_hours": round(best / 3600, 2),
        "efficiency": round(best / end, 4),
        "videos_per_hour": round(len(ends) / end * 3600),
        "lost": lost,
        "last_percent_hours": round((end - ends[int(0.99 * len(ends))]) / 3600, 2),
        "deaths": counts["deaths"],
        "given_up": counts["given up"],
        "scheduler_busy": round(fleet.videos * fleet.scheduler_s / end, 4),
        "file_operations_busy": round(fleet.videos * fleet.operations / fleet.operations_per_s / end, 4),
        "bandwidth_busy": round(2 * total * fleet.frame_bytes / fleet.bandwidth / end, 4),
        "scheduler_mb": round(min(fleet.ahead, fleet.videos) * fleet.task_bytes / 1e6, 1),
        "scheduler_mb_if_all_at_once": round(fleet.videos * fleet.task_bytes / 1e6, 1),
    }


def _lengths(fleet: Fleet, draw: random.Random) -> list[tuple[float, int]]:
    """Draw the frames of each video, of which none has ended a worker yet; broken ones have none."""
    middle = math.log(fleet.minutes * 60 * 30)
    return [
        (0.0 if draw.random() < fleet.broken_share else draw.lognormvariate(middle, fleet.spread), 0)
        for _ in range(fleet.videos)
    ]


def _worker(fleet: Fleet, draw: random.Random, life: float, begins: float) -> _Worker:
    rate = fleet.slow_rate if draw.random() < fleet.slow_share else 1.0
    return _Worker(rate, begins + draw.expovariate(1 / life))


# --- constants --------------------------------------------------------------------------------------------------------
# What can be measured on one computer.


_TASKS = 5_000
_BEGIN = """
import sys, time
from pathlib import Path
from posecut_core.workflow.analyze_videos import analyze_videos
analyze_videos(sys.argv[1], sys.argv[2], destfolder=sys.argv[3], engine="xla")
first = time.process_time()  # as other work may go on
operations = 0
def count(event, arguments):
    global operations
    operations += event in _EVENTS
_EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.link", "os.listdir", "os.scandir", "os.chmod"}
sys.addaudithook(count)
analyze_videos(sys.argv[1], sys.argv[4:], destfolder=sys.argv[3], engine="xla")
"""


def measured() -> dict[str, float]:
    """Measure what a task costs a scheduler, how long a worker takes to begin, and the file operations of a video."""
    return {**_of_scheduler(), **_of_worker()}


def _of_scheduler() -> dict[str, float]:
    import distributed
    import psutil

    options = {"n_workers": 1, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options, silence_logs=50) as cluster, distributed.Client(cluster) as client:
        client.submit(sum, (1, 2), pure=False).result()
        process = psutil.Process()
        before, began = process.memory_info().rss, process.cpu_times()
        futures = [client.submit(time.sleep, 0, pure=False) for _ in range(_TASKS)]
        grown = process.memory_info().rss - before
        distributed.wait(futures)
        ended = process.cpu_times()
    used = ended.user + ended.system - began.user - began.system
    return {"scheduler_s": used / _TASKS, "task_bytes": max(grown, process.memory_info().rss - before) / _TASKS}


def _of_worker() -> dict[str, float]:
    from tests.benchmarks.spread import make_project, make_videos

    with tempfile.TemporaryDirectory(prefix="posecut-fleet-") as name:
        folder = Path(name)
        config, videos = make_project(folder), make_videos(folder / "many", 25)
        words = [str(config), str(videos[0]), str(folder / "results"), *map(str, videos[1:])]
        code = f"{_BEGIN}print(first, operations / {len(videos) - 1})"
        done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    first, operations = map(float, done.stdout.split())
    return {"start_s": first, "operations": operations}


if __name__ == "__main__":
    sys.exit(main())
