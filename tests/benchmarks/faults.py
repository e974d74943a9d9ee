"""Kill programs that label, at random moments, and count the edits that were acknowledged and are gone.

    python tests/benchmarks/faults.py [--kills 300] [--seed 0]

Each child opens the labels of a small project, edits them, saves now and then, and tells its parent of every edit that
it was told is durable; the parent kills it with SIGKILL at a random moment, opens the labels itself and looks for them.
The last line is one JSON object: `kills`, `acknowledged` edits, how many of them are `lost`, how often labels could
not be opened or read afterwards (`unreadable`), how often a kill left half a line (`torn`), and `seconds`.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from posecut_core.errors import LabelError, PosecutError
from posecut_core.labels.contents import read_contents
from posecut_core.labels.edits import (
    Accept,
    Delete,
    DropFrame,
    JournalEntry,
    MarkAbsent,
    MarkOccluded,
    Move,
    Place,
    Propose,
    Redo,
    RestoreFrame,
    Undo,
    encode,
)
from posecut_core.labels.session import LabelSession
from posecut_core.labels.store import read_labels
from posecut_core.project.config import ProjectConfig
from posecut_core.project.paths import Project
from posecut_core.video.frame_store import FrameStore
from tests.benchmarks.openfield import print_result

BODYPARTS = ("nose", "tail", "paw")
FRAMES = 12
KILLS_PER_VIDEO = 25  # then another video, or reading long journals would take most of the time
SAVED = 0.05  # of the edits are followed by saving
LONGEST_LIFE = 0.05  # seconds
FAILED = -1  # stands for a revision where a child could not go on


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=300, help="how many programs to kill (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="where chance begins (default: %(default)s)")
    arguments = parser.parse_args()
    chance, start = random.Random(arguments.seed), time.perf_counter()
    totals = {"kills": arguments.kills, "acknowledged": 0, "lost": 0, "unreadable": 0, "torn": 0}
    with tempfile.TemporaryDirectory(prefix="posecut-faults-") as folder:
        project = small_project(Path(folder))
        for kill in range(arguments.kills):
            video = f"m{kill // KILLS_PER_VIDEO}"
            if kill % KILLS_PER_VIDEO == 0:
                shutil.rmtree(project.frame_folder(f"m{kill // KILLS_PER_VIDEO - 1}"), ignore_errors=True)
                shutil.copytree(project.frame_store("stock"), project.frame_store(video))
            for name, count in one_kill(project, video, chance).items():
                totals[name] += count
    print_result({**totals, "seconds": round(time.perf_counter() - start, 1)})
    return 1 if totals["lost"] or totals["unreadable"] else 0


def small_project(root: Path) -> Project:
    """Make a project whose video `stock` has some stored frames."""
    project = Project(root, ProjectConfig("faults", "nobody", "Oct30", BODYPARTS))
    pictures = ((number, np.full((32, 32, 3), number, np.uint8), (0, 0)) for number in range(FRAMES))
    FrameStore.open(project.frame_store("stock"), create=True).append(pictures)
    return project


def one_kill(project: Project, video: str, chance: random.Random) -> dict[str, int]:
    """Start a child that labels, kill it, and look for what it was told is durable."""
    reading, writing = os.pipe()
    seed, life = chance.randrange(2**32), chance.uniform(0, LONGEST_LIFE)
    child = os.fork()
    if child == 0:
        os.close(reading)
        label_for_ever(project, video, random.Random(seed), writing)
    os.close(writing)
    time.sleep(life)
    os.kill(child, signal.SIGKILL)
    with os.fdopen(reading, "rb") as pipe:
        told = [json.loads(line) for line in pipe.read().split(b"\n")[:-1]]
    os.waitpid(child, 0)
    return found_again(project, video, told)


def tell(pipe: int, revision: int, edit: object) -> None:
    """Acknowledge an edit, in one write that a kill cannot divide."""
    os.write(pipe, json.dumps([revision, edit]).encode() + b"\n")


def label_for_ever(project: Project, video: str, chance: random.Random, pipe: int) -> None:
    """Edit until killed; tell of each edit once `apply` has returned."""
    try:
        session = LabelSession.open(project, video)
        while True:
            step = random_step(session, chance)
            try:
                revision = session.apply(step)
            except LabelError:
                if not session.writable:
                    raise
                continue  # the edit is not possible in this state
            tell(pipe, revision, encode(step))
            if chance.random() < SAVED:
                session.save()
    except Exception as error:
        tell(pipe, FAILED, str(error))
    finally:
        os._exit(1)


def random_step(session: LabelSession, chance: random.Random) -> JournalEntry:
    """Choose an edit; not every one is possible."""
    frame, part = chance.randrange(FRAMES), chance.choice(BODYPARTS)
    xy = (chance.uniform(0, 31), chance.uniform(0, 31))
    choices: list[JournalEntry] = [Place(frame, part, xy)] * 4
    choices += [Move(frame, part, xy), Delete(frame, part), MarkAbsent(frame, part), MarkOccluded(frame, part, xy)]
    choices += [Propose(frame, part, xy, chance.random(), "model", 10), Accept(frame, part), Undo(), Redo()]
    choices += [RestoreFrame(frame) if session.state.frame(frame).dropped else DropFrame(frame)]
    return chance.choice(choices)


def found_again(project: Project, video: str, told: list[tuple[int, object]]) -> dict[str, int]:
    """Read the labels as the next program would, and count what is missing."""
    problems = [str(edit) for revision, edit in told if revision == FAILED]
    edits = [(revision, edit) for revision, edit in told if revision != FAILED]
    records: dict[int, object] = {}
    torn = 0
    try:
        text = read_contents(project, video).journal
        records, torn = dict(text.records), int(bool(text.tail))
        read_labels(project, video)
    except PosecutError as error:
        problems.append(str(error))
    for problem in problems:
        print(f"{video}: {problem}", file=sys.stderr)
    lost = sum(records.get(revision) != edit for revision, edit in edits)
    return {"acknowledged": len(edits), "lost": lost, "unreadable": len(problems), "torn": torn}


if __name__ == "__main__":
    sys.exit(main())
