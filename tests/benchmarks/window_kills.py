"""Kill whole windows in which somebody labels, at random moments, and count the acknowledged edits that are gone.

    xvfb-run -a -s "-screen 0 1280x900x24" python tests/benchmarks/window_kills.py [--kills 50] [--seed 0]

Each child is a napari window that labels by mouse and keys at its canvas, and tells its parent of each edit once the
window has come back from it; the parent kills it with SIGKILL some moments after its first edit, and looks for the
edits in the project, in which the next window goes on. The last line is one JSON object: `kills`, `acknowledged` edits,
how many of them are `lost`, how often labels could not be opened or read afterwards (`unreadable`), and `seconds`.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ["NAPARI_CONFIG"] = ""  # napari's settings stay out of it

import numpy as np

LONGEST_LIFE = 1.0  # seconds after the first acknowledged edit
BODYPARTS = ("nose", "tail", "paw", "ear")
FRAMES, SIZE, VIDEO = 60, 200, "session1"
KILLS_PER_PROJECT = 10  # then a fresh one, or there is nothing left to label
FAILED = -1  # stands for a revision where a child could not go on


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50, help="how many windows to kill (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="where chance begins (default: %(default)s)")
    parser.add_argument("--label", type=Path, help=argparse.SUPPRESS)  # in a child: the project to label in
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    if arguments.label:
        label_for_ever(arguments.label, chance)
    from tests.benchmarks.openfield import print_result

    start = time.perf_counter()
    totals = {"kills": arguments.kills, "acknowledged": 0, "lost": 0, "unreadable": 0}
    with tempfile.TemporaryDirectory(prefix="posecut-kills-") as folder:
        project = Path(folder) / "project"
        for kill in range(arguments.kills):
            if kill % KILLS_PER_PROJECT == 0:
                shutil.rmtree(project, ignore_errors=True)
                small_project(project)
            for name, count in one_kill(project, chance).items():
                totals[name] += count
    print_result({**totals, "seconds": round(time.perf_counter() - start, 1)})
    return 1 if totals["lost"] or totals["unreadable"] else 0


def small_project(root: Path) -> None:
    """Make a project whose one video has some stored frames."""
    from posecut_core.project.config import new_config_text
    from posecut_core.project.opening import open_project
    from posecut_core.project.paths import Project
    from posecut_core.video.frame_store import FrameStore

    root.mkdir()
    text = new_config_text(
        task="kills", scorer="nobody", date="Nov24", root=root, bodyparts=BODYPARTS, skeleton=(), videos={}
    )
    (root / "config.yaml").write_text(text, encoding="utf-8")
    project: Project = open_project(root)
    pictures = ((number, np.full((SIZE, SIZE, 3), number, np.uint8), (0, 0)) for number in range(FRAMES))
    FrameStore.open(project.frame_store(VIDEO), create=True).append(pictures)


def one_kill(project: Path, chance: random.Random) -> dict[str, int]:
    """Open a window that labels, kill it, and look for what it said is durable."""
    reading, writing = os.pipe()
    command = [sys.executable, __file__, "--label", str(project), "--seed", str(chance.randrange(2**32))]
    environment = os.environ | {"POSECUT_KILLS_PIPE": str(writing)}
    child = subprocess.Popen(command, pass_fds=(writing,), env=environment)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        first = pipe.readline()  # starting takes seconds; the moment of the kill counts from the first edit
        time.sleep(chance.uniform(0, LONGEST_LIFE))
        child.kill()
        told = [json.loads(line) for line in (first + pipe.read()).split(b"\n")[:-1]]
    child.wait()
    return found_again(project, told)


def found_again(root: Path, told: list[tuple[int, object]]) -> dict[str, int]:
    """Read the labels as the next program would, and count what is missing."""
    from posecut_core.errors import PosecutError
    from posecut_core.labels.contents import read_contents
    from posecut_core.labels.store import read_labels
    from posecut_core.project.opening import open_project

    problems = [str(edit) for revision, edit in told if revision == FAILED] + ([] if told else ["no edit was made"])
    edits = [(revision, edit) for revision, edit in told if revision != FAILED]
    records: dict[int, object] = {}
    try:
        project = open_project(root)
        records = dict(read_contents(project, VIDEO).journal.records)
        read_labels(project, VIDEO)
    except PosecutError as error:
        problems.append(str(error))
    for problem in problems:
        print(problem, file=sys.stderr)
    lost = sum(records.get(revision) != edit for revision, edit in edits)
    return {"acknowledged": len(edits), "lost": lost, "unreadable": len(problems)}


def label_for_ever(root: Path, chance: random.Random) -> None:
    """Label in a window until killed; tell of each edit when the window has come back from it."""
    import napari
    from qtpy.QtWidgets import QApplication

    from napari_posecut.session import session_of
    from posecut_core.labels.edits import Undo, encode
    from tests.plugin.hand import Hand

    pipe = int(os.environ["POSECUT_KILLS_PIPE"])
    try:
        viewer = napari.Viewer(show_welcome_screen=False)
        session = session_of(viewer)
        session.open(root)
        QApplication.processEvents()
        hand, labels = Hand(viewer), session.labeling.index.label_session
        session.labeling.go_to(chance.choice(session.labeling.index.frames))
        while True:
            before = labels.revision
            undone = act(session, hand, chance)
            if labels.revision != before:
                edit = encode(Undo() if undone else labels.history.done.edit)
                os.write(pipe, json.dumps([labels.revision, edit]).encode() + b"\n")
    except BaseException as error:
        os.write(pipe, json.dumps([FAILED, repr(error)]).encode() + b"\n")
    finally:
        os._exit(1)


def act(session: object, hand: object, chance: random.Random) -> bool:
    """Do something with the mouse or a key; return whether it is to undo."""
    from qtpy.QtCore import Qt

    from tests.plugin.hand import CONTROL, RIGHT

    xy = (chance.uniform(5, SIZE - 5), chance.uniform(5, SIZE - 5))
    placed = [keypoint.xy for keypoint in session.labeling.keypoints if keypoint.xy is not None]
    what = chance.choices(("click", "drag", "right click", "absent", "undo", "next"), (10, 3, 2, 1, 1, 3))[0]
    if what == "click":
        hand.click(xy)
    elif what == "drag" and placed:
        hand.drag(chance.choice(placed), xy)
    elif what == "right click" and placed:
        hand.click(chance.choice(placed), button=RIGHT)
    elif what == "absent":
        hand.key(Qt.Key.Key_E)
    elif what == "undo":
        hand.key(Qt.Key.Key_Z, CONTROL)
    elif what == "next":
        hand.key(Qt.Key.Key_D)
    session.viewer.reset_view()  # a drag beside the markers has moved it
    return what == "undo"


if __name__ == "__main__":
    sys.exit(main())
