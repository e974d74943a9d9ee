"""Go through many videos in one window, and say how much memory it holds on the way.

    xvfb-run -a -s "-screen 0 1280x900x24" python tests/benchmarks/window_memory.py [--videos 200]

Of each video a frame is labeled by the mouse, then the video itself is browsed, and the labels are shown again. The
last line is one JSON object: `held_mib`, what the process holds after so many videos; `peak_mib`; `seconds`; and
`mib_per_video`, by which it grew from the first quarter of them to the end.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ["NAPARI_CONFIG"] = ""  # napari's settings stay out of it

import numpy as np
from napari import Viewer
from napari.settings import get_plugin_settings
from qtpy.QtTest import QTest

from napari_posecut.session import session_of
from napari_posecut.window import add_flow_bar, open_window
from posecut_core.labels.store import read_labels
from posecut_core.project.opening import open_project
from posecut_core.video.frame_store import FrameStore
from posecut_core.video.writer import VideoWriter
from posecut_core.workflow.create_project import create_new_project
from tests.benchmarks.openfield import peak_mib, print_result
from tests.plugin.hand import Hand, click_row, press

FRAMES, WIDTH, HEIGHT = 60, 640, 480
EXTRACTED = (0, 20, 40)
PLACE = (320.0, 240.0)  # where the first bodypart of a frame is labeled
BROWSED = (5, 30, 55)  # frames of the video itself


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=200, help="how many (default: %(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="posecut-memory-", ignore_cleanup_errors=True) as folder:
        config = project(Path(folder), arguments.videos)
        get_plugin_settings("posecut").labeling.helps = False
        start = time.perf_counter()
        viewer = open_window(config)
        held = {0: held_mib()}
        for number, video in enumerate(sorted(map(stem, range(arguments.videos))), start=1):
            visit(viewer, video, number - 1)
            if number % max(arguments.videos // 8, 1) == 0:
                held[number] = held_mib()
                print(f"{number} videos: {held[number]} MiB", file=sys.stderr, flush=True)
        seconds = time.perf_counter() - start
        session_of(viewer).close()
        viewer.close()
        opened = open_project(config)
        labeled = sum(len(read_labels(opened, stem(number)).numbers) for number in range(arguments.videos))
    quarter = min(held, key=lambda number: abs(number - arguments.videos / 4))
    grown = (held[max(held)] - held[quarter]) / max(max(held) - quarter, 1)
    print_result(
        {
            "held_mib": held,
            "peak_mib": peak_mib(),
            "mib_per_video": round(grown, 3),
            "labeled": labeled,
            "seconds": round(seconds),
        }
    )
    return 0 if labeled == arguments.videos else 1


def stem(number: int) -> str:
    return f"mouse{number:03d}"


def project(folder: Path, count: int) -> Path:
    """Make a project of `count` videos whose frames are extracted, and return its config.yaml."""
    first, chance = folder / "videos" / f"{stem(0)}.mp4", np.random.default_rng(0)
    first.parent.mkdir()
    still = chance.integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    pictures = [np.roll(still, 4 * number, axis=1) for number in range(FRAMES)]
    with VideoWriter(first, fps=25, width=WIDTH, height=HEIGHT) as writer:
        for picture in pictures:
            writer.write(picture)
    videos = [first, *(Path(shutil.copy(first, first.with_stem(stem(number)))) for number in range(1, count))]
    config = create_new_project("many", "ada", videos, folder, bodyparts=("snout", "leftear", "tail")).config_path
    opened = open_project(config)
    for video in videos:
        store = FrameStore.open(opened.frame_store(video.stem), create=True)
        store.append((number, pictures[number], (0, 0)) for number in EXTRACTED)
    return config


def visit(viewer: Viewer, video: str, row: int) -> None:
    """Label a frame of a video, browse the video, and go back to its labels."""
    bar, session = add_flow_bar(viewer), session_of(viewer)
    bar.open("3 Label")
    session.show_frame(video, EXTRACTED[0])
    QTest.qWait(20)
    Hand(viewer).click(PLACE)
    dock = bar.open("2 Frames")
    click_row(dock.videos, row, 1)
    press(dock.picker.look_button)
    for number in BROWSED:
        viewer.dims.set_current_step(0, number)
        QTest.qWait(20)
    press(dock.picker.back_button)


def held_mib() -> int:
    """Return the memory that this process holds now, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) // 1024


if __name__ == "__main__":
    sys.exit(main())
