"""Draw the animation of the README: frames of a drawn video are labeled in the window, click by click.

    xvfb-run -a -s "-screen 0 1280x900x24" python docs/make_pictures.py

Real mouse and key events reach the window, and a picture of it is taken after each one. Two frames are labeled point
by point; the pose of the second is suggested for the third, corrected, and accepted. The animation replaces
`docs/images/labeling.gif`. The other pictures of the window are "label", "trained" and "results" of
`tests/benchmarks/window_session.py --screenshots DIR --steps 200 --frames 40 --last results` on a screen of 1280x800.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ["NAPARI_CONFIG"] = ""  # napari's settings stay out of it

import numpy as np
from napari.settings import get_plugin_settings
from PIL import Image, ImageDraw
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

import posecut_core
from napari_posecut.session import session_of
from napari_posecut.window import open_window
from posecut_core.demo.mouse import BODYPARTS, SKELETON
from posecut_core.demo.scene import TO_LABEL, film, prepare
from tests.plugin.hand import Hand

TARGET = Path(__file__).parent / "images" / "labeling.gif"
SCENE = TO_LABEL[0]
WINDOW = (1080, 700)  # pixels
WIDTH = 880  # pixels of the animation
COLORS = 128
CLICK, PAUSE = 450, 1500  # milliseconds that a picture stays
ARROW = ((0, 0), (0, 17), (4, 13), (7, 20), (10, 19), (7, 12), (12, 12))  # the mouse's pointer


def main() -> int:
    """Record the window and write the animation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=TARGET, help="(default: %(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="posecut-pictures-") as folder:
        config = extracted_project(Path(folder))
        get_plugin_settings("posecut").labeling.helps = False
        recording = Recording(open_window(config))
        label_frames(recording, prepare(SCENE).truth.xy)
        recording.viewer.close()
    save(recording, arguments.to)
    print(f"{arguments.to}: {len(recording.pictures)} pictures, {arguments.to.stat().st_size / 1e6:.2f} MB")
    return 0


def extracted_project(folder: Path) -> Path:
    """Draw a video, create a project, and extract frames to label."""
    video = film(SCENE, folder / "videos")
    created = posecut_core.create_new_project(
        "openarena", "ada", [video], folder, bodyparts=BODYPARTS, skeleton=SKELETON
    )
    posecut_core.extract_frames(created.config_path, number_of_frames=8)
    return created.config_path


class Recording:
    """Pictures of a window, each after something that a person does in it."""

    def __init__(self, viewer) -> None:
        self.viewer, self.hand, self.labeling = viewer, Hand(viewer), session_of(viewer).labeling
        self.pictures: list[Image.Image] = []
        self.durations: list[int] = []
        viewer.window.resize(*WINDOW)
        QTest.qWait(800)

    def take(self, duration: int, *, at: tuple[float, float] | None = None) -> None:
        """Take a picture that stays for some milliseconds, with the mouse's pointer at a position of the frame."""
        QTest.qWait(120)
        picture = Image.fromarray(np.asarray(self.viewer.screenshot(canvas_only=False, flash=False))[..., :3])
        if at is not None:
            draw_pointer(picture, self.hand.canvas.mapTo(self.hand.canvas.window(), self.hand.place(at)))
        self.pictures.append(picture.resize((WIDTH, round(picture.height * WIDTH / picture.width)), Image.LANCZOS))
        self.durations.append(duration)


def draw_pointer(picture: Image.Image, place: QPoint) -> None:
    """Draw an arrow whose tip is at a pixel of the picture."""
    outline = [(place.x() + x, place.y() + y) for x, y in ARROW]
    ImageDraw.Draw(picture).polygon(outline, fill="white", outline="black")


def label_frames(recording: Recording, truth: np.ndarray) -> None:
    """Label two frames point by point, and a third one from the pose of the second."""
    labeling, hand = recording.labeling, recording.hand
    recording.take(PAUSE)
    for _ in range(2):
        number = labeling.frame.number
        for xy in truth[number].tolist():
            last = labeling.current == labeling.keypoints[-1]
            hand.click(tuple(xy))
            recording.take(CLICK * 2 if last else CLICK, at=tuple(xy))
    number = labeling.frame.number
    hand.key(Qt.Key.Key_C)
    recording.take(PAUSE)
    for place, xy in enumerate(truth[number].tolist()):
        proposed = labeling.keypoints[place].xy
        if proposed is not None:
            hand.drag(proposed, tuple(xy))
            recording.take(CLICK, at=tuple(xy))
    hand.key(Qt.Key.Key_Return)
    recording.take(PAUSE)


def save(recording: Recording, path: Path) -> None:
    """Write the pictures as an animation with one palette, so that what does not change costs nothing."""
    labeled = recording.pictures[len(BODYPARTS)]  # all colors of bodyparts are in it, each on few pixels only
    palette = labeled.quantize(COLORS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    first, *others = (one.quantize(palette=palette, dither=Image.Dither.NONE) for one in recording.pictures)
    first.save(path, save_all=True, append_images=others, duration=recording.durations, loop=0, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
