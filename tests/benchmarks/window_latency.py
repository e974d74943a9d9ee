"""Time what a person waits for while labeling, in a real window: placing a point, the next frame, opening a project.

    xvfb-run -a -s "-screen 0 1280x900x24" python tests/benchmarks/window_latency.py [--openings 3] [--profile]

A generated project has one video of 1,000 extracted frames of 640 x 480 pixels and 8 bodyparts; 100 are labeled.
Each opening is that of a process which has only its window and docks so far, so that late imports count. Times run from
the call that a key or click makes until Qt's events are processed, and with them the window is drawn. The last line is
one JSON object: 95th percentiles `place_p95_ms` (points that leave the frame open), `complete_p95_ms` (the last point
of a frame, which also shows the next one), `step_p95_ms` (the next frame), the slowest opening, `open_s`, and medians;
`..._cpu_ms` is the median of the window's thread alone, which other work on the machine changes little. `redraw_...` is
napari's share: a picture drawn again in which nothing has changed; `disk_...` is the disk's, to make an edit durable.
`start_s` is another process, from its start until `posecut label` would have shown the project's first frame; the
slowest of as many as there are openings. No network trains in the background meanwhile, but with `--helps`. `--parts`
says instead what a point and a frame are made of: the median of the window's thread for each part by itself, and for
what Qt draws after it.
"""

import argparse
import cProfile
import itertools
import json
import os
import pstats
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ["NAPARI_CONFIG"] = ""  # napari's settings stay out of it

import numpy as np

BODYPARTS = ("snout", "leftear", "rightear", "neck", "centre", "leftpaw", "rightpaw", "tailbase")
SKELETON = tuple(itertools.pairwise(BODYPARTS))
HEIGHT, WIDTH = 480, 640
FRAMES, LABELED = 1000, 100
EDIT = 200  # bytes of an edit in its journal
TO_PLACE, STEPS = 25, 100  # frames that are labeled point by point; steps to the next frame


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--openings", type=int, default=3, help="processes that open it (default: %(default)s)")
    parser.add_argument("--frames", type=int, default=FRAMES, help="extracted frames (default: %(default)s)")
    parser.add_argument("--helps", action="store_true", help="let a network train in the background, as windows do")
    parser.add_argument("--profile", action="store_true", help="print where the time goes, which itself takes time")
    parser.add_argument("--parts", action="store_true", help="time the parts of a point and of a frame instead")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--start", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child and arguments.start:
        print(json.dumps(started_window(arguments.child)))
        return 0
    if arguments.child:
        print(json.dumps(one_window(arguments.child, helps=arguments.helps, profile=arguments.profile)))
        return 0
    with tempfile.TemporaryDirectory(prefix="posecut-latency-", ignore_cleanup_errors=True) as folder:
        config = generated_project(Path(folder), arguments.frames)
        if arguments.parts:
            print_parts(config)
            return 0
        windows = [
            in_child(config, helps=arguments.helps, profile=arguments.profile)
            | in_child(config, helps=False, profile=False, start=True)
            for _ in range(arguments.openings)
        ]
    from tests.benchmarks.openfield import print_result

    print_result({name: round(max(window[name] for window in windows), 3) for name in windows[0]})
    return 0


def generated_project(root: Path, frames: int) -> Path:
    """Make a project with labels in evenly spread frames, and return the path of its config.yaml."""
    from posecut_core.labels.table import LabelTable
    from posecut_core.project.config import new_config_text
    from posecut_core.project.opening import open_project
    from posecut_core.video.frame_store import FrameStore
    from posecut_core.workflow.check_labels import write_labels

    text = new_config_text(
        task="latency", scorer="nobody", date="Nov24", root=root, bodyparts=BODYPARTS, skeleton=SKELETON, videos={}
    )
    (root / "config.yaml").write_text(text, encoding="utf-8")
    project = open_project(root)
    FrameStore.open(project.frame_store("session1"), create=True).append(pictures(frames))
    numbers = 7 * np.linspace(0, frames - 1, min(LABELED, frames), dtype=np.int64)
    xy = np.random.default_rng(1).uniform(40, 440, (len(numbers), len(BODYPARTS), 2))
    write_labels(root, LabelTable(video="session1", bodyparts=BODYPARTS, numbers=numbers, xy=xy))
    return project.config_path


def pictures(frames: int) -> Iterator[tuple[int, np.ndarray, tuple[int, int]]]:
    """Draw frames with the noise of a camera; every seventh frame of the video."""
    rng = np.random.default_rng(0)
    floor = np.linspace(90, 150, WIDTH)[None, :, None] + np.zeros((HEIGHT, 1, 3))
    noise = rng.normal(0, 4, (HEIGHT * 2, WIDTH, 3))
    for frame in range(frames):
        image = floor + noise[frame % HEIGHT :][:HEIGHT]
        row, column = 100 + frame % 250, 100 + (3 * frame) % 400
        image[row : row + 40, column : column + 90] *= 0.4
        yield 7 * frame, image.clip(0, 255).astype(np.uint8), (0, 0)


def in_child(config: Path, *, helps: bool, profile: bool, start: bool = False) -> dict[str, float]:
    """Open the project in a window of a new process, and return what it timed."""
    options = [name for name, on in {"--helps": helps, "--profile": profile, "--start": start}.items() if on]
    command = [sys.executable, __file__, "--child", str(config), *options]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    *report, result = done.stdout.strip().splitlines()
    print(*report, sep="\n", file=sys.stderr)
    return json.loads(result)


def started_window(config: Path) -> dict[str, float]:
    """Start as `posecut label` does, and return the times until the project's first frame is drawn."""
    from napari_posecut.loading import loading

    with loading():  # as `python -m napari_posecut` does
        from napari.settings import get_plugin_settings
        from qtpy.QtWidgets import QApplication

        from napari_posecut.window import open_window

    get_plugin_settings("posecut").labeling.helps = False
    viewer = open_window(config)
    QApplication.processEvents()
    drawn = time.clock_gettime(time.CLOCK_BOOTTIME)
    import psutil

    process = psutil.Process()
    began = process.create_time() - psutil.boot_time()  # the latter is in whole seconds, which are in the former, too
    result = {"start_s": drawn - began, "start_cpu_s": sum(process.cpu_times()[:2])}
    viewer.close()
    return result


def print_parts(config: Path) -> None:
    """Print what the parts of a point and of a frame take of the window's thread."""
    from napari.settings import get_plugin_settings
    from qtpy.QtWidgets import QApplication, QOpenGLWidget

    from napari_posecut.layers.canvas import redraw
    from napari_posecut.session import session_of
    from napari_posecut.window import add_flow_bar, open_window
    from posecut_core.labels.edits import Place

    get_plugin_settings("posecut").labeling.helps = False
    viewer = open_window(config)
    session, bar = session_of(viewer), add_flow_bar(viewer)
    labeling, canvas, dock = session.labeling, session.canvas, bar.open("3 Label")
    labeling.next_open()
    timed(lambda: None)
    (drawn,) = (widget for widget in QApplication.allWidgets() if isinstance(widget, QOpenGLWidget))
    parts, turn = list(labeling.index.columns), itertools.count()

    def write() -> None:
        edit = Place(labeling.frame.number, parts[0], (50.0 + next(turn) / 2, 60.0))
        labeling.index.label_session.apply(edit)

    things: dict[str, Callable[[], object]] = {
        "draw a still picture": drawn.update,
        "write an edit": write,
        "draw the markers": lambda: redraw(canvas.points),
        "draw the bones": lambda: redraw(canvas.skeleton),
        "draw another picture": lambda: redraw(canvas.image),
        "fill in 3 Label": dock.show_keypoints,
        "say the next bodypart": lambda: labeling.choose(parts[next(turn) % len(parts)]),
        "a point": lambda: labeling.place((50.0 + next(turn) / 2, 80.0)),
        "the next frame": lambda: labeling.step(1),
    }
    for name, action in things.items():
        times = []
        for _ in range(2 * TO_PLACE):
            start = time.thread_time()
            action()
            between = time.thread_time()
            QApplication.processEvents()
            times.append((between - start, time.thread_time() - between))
        called, drawing = 1000 * np.median(times, axis=0)
        print(f"{name:22} {called:5.1f} ms, then {drawing:5.1f} ms")
    session.close()
    viewer.close()


def one_window(config: Path, *, helps: bool, profile: bool) -> dict[str, float]:
    """Open the project in a window, label in it, and return the times."""
    import napari
    from napari.settings import get_plugin_settings
    from qtpy.QtWidgets import QApplication, QOpenGLWidget

    from napari_posecut.session import session_of
    from napari_posecut.widgets.flow import FlowBar

    get_plugin_settings("posecut").labeling.helps = helps
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(1280, 800)
    bar, session = FlowBar(viewer), session_of(viewer)
    viewer.window.add_dock_widget(bar, name="PoseCut", area="top")
    bar.open("3 Label")
    timed(lambda: None)
    opening = timed(lambda: session.open(config), profile="opening" if profile else "")
    labeling, actions = session.labeling, session.actions
    labeling.next_open()
    timed(lambda: None)
    placing, completing = [], []
    for point in range(TO_PLACE * len(BODYPARTS)):
        last = sum(keypoint.is_open for keypoint in labeling.keypoints) == 1
        xy = (50.0 + 3 * (point % 150), 60.0 + 5 * (point % 70))
        shown = "placing" if profile and point == len(BODYPARTS) + 3 else ""
        (completing if last else placing).append(timed(lambda xy=xy: labeling.place(xy), profile=shown))
    stepping = [timed(actions.next_frame, profile="stepping" if profile and step == 3 else "") for step in range(STEPS)]
    (drawn,) = (widget for widget in QApplication.allWidgets() if isinstance(widget, QOpenGLWidget))
    redrawing = [timed(drawn.update) for _ in range(STEPS)]
    session.close()
    viewer.close()
    result = {"open_s": opening[0], "open_cpu_s": opening[1]}
    parts = {"place": placing, "complete": completing, "step": stepping, "redraw": redrawing}
    for name, times in {**parts, "disk": writing(config.parent)}.items():
        wall, cpu = 1000 * np.array(times).T
        result[f"{name}_p95_ms"] = float(np.percentile(wall, 95))
        result |= {f"{name}_median_ms": float(np.median(wall)), f"{name}_cpu_ms": float(np.median(cpu))}
    return result


def writing(folder: Path) -> list[tuple[float, float]]:
    """Return what the disk takes for as many bytes as an edit has, made durable, time after time."""
    with open(folder / "written", "wb", buffering=0) as file:
        return [timed(lambda: (file.write(bytes(EDIT)), os.fdatasync(file.fileno()))) for _ in range(2 * STEPS)]


def timed(action: Callable[[], object], *, profile: str = "") -> tuple[float, float]:
    """Return the seconds until an action is done and drawn, and those in which this thread had a processor."""
    from qtpy.QtWidgets import QApplication

    profiler = cProfile.Profile()
    profiler.enable() if profile else None
    start, busy = time.perf_counter(), time.thread_time()
    action()
    QApplication.processEvents()
    seconds = time.perf_counter() - start, time.thread_time() - busy
    if profile:
        profiler.disable()
        print(f"--- {profile}")
        pstats.Stats(profiler).sort_stats("cumtime").print_stats(45)
    return seconds


if __name__ == "__main__":
    sys.exit(main())
