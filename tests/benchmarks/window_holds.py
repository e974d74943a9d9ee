"""Say how long the window's thread works at a time for each thing that a person does, once, in a real window.

    xvfb-run -a -s "-screen 0 1280x900x24" python tests/benchmarks/window_holds.py [--where]

The sample project is opened, labeled in and looked through; nothing is trained, for jobs run beside the window anyway.
Each line is the longest work between two beats of a timer of 20 ms while the thing was done, in milliseconds of the
processor, which other programs lengthen less than the time that passes. `--where` also writes what the thread did in
those above 50 ms. The last line is one JSON object of the same.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ["NAPARI_CONFIG"] = ""  # napari's settings stay out of it

from napari.settings import get_plugin_settings
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_posecut.session import session_of
from napari_posecut.widgets.flow import _STAGES
from napari_posecut.window import add_flow_bar, open_window
from posecut_core.demo.sample import VIDEOS, create, film_all, frames_of, label
from posecut_core.demo.scene import TO_LABEL
from posecut_core.progress import silent
from posecut_core.workflow.extract_frames import extract_frames
from tests.benchmarks.openfield import print_result
from tests.benchmarks.window_session import Heartbeat, Looking
from tests.plugin.hand import Hand
from tests.plugin.widgets.analyzed_project import analyze

QUIET = 120  # milliseconds after each thing, in which what was put off is done
AGAIN = 8  # times that short things are done


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--where", action="store_true", help="say what the longest holds are made of")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="posecut-holds-", ignore_cleanup_errors=True) as folder:
        config = project(Path(folder))
        get_plugin_settings("posecut").labeling.helps = False
        viewer = open_window(config)
        QTest.qWait(500)
        stage = ["opened"]
        beats = Heartbeat(lambda: (stage[0], False))
        looking = Looking(beats) if arguments.where else None
        for name, action in things(viewer).items():
            QTest.qWait(QUIET)
            stage[0] = name
            action()
            QTest.qWait(QUIET)
            print(f"{beats.most.get(name, 0.0):6.0f} ms  {name}", file=sys.stderr, flush=True)
        if looking is not None:
            print(looking.report(), file=sys.stderr)
        stage[0] = "close the window"
        session_of(viewer).close()
        viewer.close()
    print_result({"busy_ms": beats.most})
    return 0


def project(folder: Path) -> Path:
    """Make the sample project, with labels and with predictions of its videos."""
    scenes = tuple(replace(scene, frames=12) for scene in TO_LABEL)
    config = create(folder, film_all(scenes, folder / VIDEOS, silent), silent)
    label(config, scenes, frames_of(extract_frames(config, number_of_frames=10)))
    analyze(config)
    return config


def things(viewer) -> dict[str, Callable[[], object]]:
    """Return what a person does, by its name."""
    bar, session = add_flow_bar(viewer), session_of(viewer)
    hand = Hand(viewer)

    def often(action: Callable[[], object]) -> Callable[[], None]:
        def act() -> None:
            for _ in range(AGAIN):
                action()
                QTest.qWait(30)

        return act

    def move() -> None:
        part = session.labeling.keypoints[0]
        x, y = part.xy or (60.0, 60.0)
        session.labeling.move(part.bodypart, (x + 1, y))

    def results() -> None:
        bar.open("9 Results").show_chosen()

    def look() -> None:
        bar.open("2 Frames").picker.look_button.click()

    titles = [stage.title for stage in _STAGES]
    done: dict[str, Callable[[], object]] = {f"open {title}": lambda t=title: bar.open(t) for title in titles}
    done |= {f"{title} again": lambda t=title: bar.open(t) for title in titles}
    done |= {
        "back to 3 Label": lambda: bar.open("3 Label"),
        "next frame": often(lambda: session.actions.next_frame()),
        "move a point": often(move),
        "move the mouse": often(lambda: hand.hover((80.0, 80.0))),
        "undo": often(lambda: session.actions.undo()),
        "filmstrip": bar.show_filmstrip,
        "read the project again": session.refresh,
        "show a video": look,
        "back to the labels": lambda: bar._choose("3 Label"),
        "show results": results,
        "next frame of the results": often(lambda: viewer.dims.set_current_step(0, 1 + viewer.dims.current_step[0])),
        "back from the results": results,
        "show results again": results,
        "labels instead": lambda: bar._choose("3 Label"),
        "reset the layout": bar.reset_layout,
    }
    QApplication.processEvents()
    return done


if __name__ == "__main__":
    sys.exit(main())
