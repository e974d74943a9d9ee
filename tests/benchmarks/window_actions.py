"""Do random things at a real window, in all docks, layers and menus; hold the labels against a plain model of them.

    xvfb-run -a -s "-screen 0 1280x900x24" python tests/benchmarks/window_actions.py [--actions 500] [--seed 0]

They are done in rounds, each with a seed of its own, which is printed with the number of actions so far: a round that
fails can be repeated with `--actions 1`. The last line is one JSON object: `actions` done, `exceptions` in Qt's loop,
and `seconds`; the program ends with the first difference between labels and model, and prints what led to it.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ["NAPARI_CONFIG"] = ""  # napari's settings stay out of it

import hypothesis
import napari
from hypothesis import stateful

from napari_posecut.window import add_flow_bar
from posecut_core.demo.sample import VIDEOS, create, film_all
from posecut_core.progress import silent
from posecut_core.workflow.extract_frames import extract_frames
from tests.benchmarks.openfield import print_result
from tests.plugin.conftest import FRAMES, SCENES
from tests.plugin.random_actions import Actions
from tests.plugin.widgets.analyzed_project import analyze

STEPS = 50  # at most, on one copy of the project; what is done in one walk through the docks counts as one
RUNS = 5  # copies of the project in a round


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--actions", type=int, default=500, help="how many at least (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="where chance begins (default: %(default)s)")
    arguments = parser.parse_args()
    exceptions: list[str] = []
    sys.excepthook = lambda *raised: exceptions.append("".join(traceback.format_exception(*raised)))
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="posecut-window-") as folder:
        stock = Path(folder) / "mouse"
        config = create(stock, film_all(SCENES, stock / VIDEOS, silent), silent)
        extract_frames(config, number_of_frames=FRAMES)
        analyze(config)
        try:
            act(stock, arguments.actions, arguments.seed)
        finally:
            sys.excepthook = sys.__excepthook__  # which prints a difference, too
            print(*exceptions, sep="\n", file=sys.stderr)
        shutil.rmtree(stock)
    seconds = round(time.perf_counter() - start, 1)
    print_result({"actions": Actions.count, "exceptions": len(exceptions), "seconds": seconds})
    return 1 if exceptions else 0


def act(stock: Path, actions: int, seed: int) -> None:
    """Open a window, and let rounds of random actions loose on it until there were enough."""
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(1280, 800)
    viewer.window.activate()
    Actions.window, Actions.stock = (viewer, add_flow_bar(viewer)), stock
    settings = hypothesis.settings(
        max_examples=RUNS,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=(hypothesis.Phase.generate,),
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    start = time.perf_counter()
    try:
        while Actions.count < actions:
            told = ""
            try:
                stateful.run_state_machine_as_test(hypothesis.seed(seed)(Actions), settings=settings)
            except hypothesis.errors.FlakyStrategyDefinition:
                # This is about the choice of actions, not about what the window did with them.
                told = ", ended early, as Hypothesis drew differently from the same choices"
            seconds = time.perf_counter() - start
            print(f"seed {seed}: {Actions.count} actions, {seconds:.0f} s{told}", file=sys.stderr, flush=True)
            seed += 1
    finally:
        viewer.close()


if __name__ == "__main__":
    sys.exit(main())
