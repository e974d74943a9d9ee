"""Time scrolling through an analyzed video of 100,000 frames and 20 bodyparts in a real napari window.

    xvfb-run -a -s "-screen 0 1280x900x24" python tests/benchmarks/window_overlay.py [--frames N] [--bodyparts K]

Positions are a random walk, a tenth of the points unlikely; skeleton, trails of 10 frames and the trajectory plot are
shown. The pictures are of an array in memory that has as many frames as the predictions have, so that no decoding
counts. A step sets the slider and lets Qt work off what that caused, drawing included. The last line is one JSON
object: frames per second of 200 steps forward and of 200 jumps, the 95th percentile of one step, and the processor's
time for a step, which tells more where other work runs.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

from napari_posecut.jobs.monitor import in_background
from napari_posecut.layers.overlay import OverlayStyle
from napari_posecut.layers.video import VideoLayers
from napari_posecut.session import session_of
from napari_posecut.widgets.parts.curves import Lane, Timeline
from napari_posecut.widgets.parts.playback import Playback, playback_of
from posecut_core.plots.colors import bytes_of, colors_of
from posecut_core.poses.predictions import Predictions

STEPS = 200
HEIGHT, WIDTH = 480, 640


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--bodyparts", type=int, default=20)
    arguments = parser.parse_args()
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(1280, 800)
    playback = shown(viewer, walk(arguments.frames, arguments.bodyparts))
    busy = time.process_time()
    forward = timed(playback, np.arange(1, STEPS + 1))
    jumps = timed(playback, np.random.default_rng(2).integers(0, arguments.frames, STEPS))
    busy = time.process_time() - busy
    result: dict[str, float] = {
        "frames": arguments.frames,
        "bodyparts": arguments.bodyparts,
        "forward_fps": round(STEPS / forward.sum(), 1),
        "jumping_fps": round(STEPS / jumps.sum(), 1),
        "step_p95_ms": round(1000 * float(np.quantile(np.concatenate([forward, jumps]), 0.95)), 1),
        "step_cpu_ms": round(1000 * busy / (2 * STEPS), 1),
    }
    viewer.close()
    print(json.dumps(result))
    return 0


def walk(frames: int, bodyparts: int) -> Predictions:
    """Make trajectories that stay within the picture."""
    rng = np.random.default_rng(0)
    far = np.abs(np.cumsum(rng.normal(0, 2, (frames, bodyparts, 2)), axis=0))
    size = np.array([WIDTH, HEIGHT])
    xy = np.where(far % (2 * size) < size, far % size, size - far % size)
    names = tuple(f"part{k}" for k in range(bodyparts))
    return Predictions("walk", names, xy, rng.random((frames, bodyparts)) ** 0.2)


def shown(viewer: napari.Viewer, predictions: Predictions) -> Playback:
    """Show everything that the results dock shows."""
    frames, count = predictions.likelihood.shape
    colors = colors_of("rainbow", count)
    edges = tuple((k, k + 1) for k in range(count - 1))
    style = OverlayStyle(colors, np.ones(count, bool), edges=edges, trail=10)
    picture = np.random.default_rng(1).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    session = session_of(viewer)
    in_background(bool)  # after what the session lets the thread load
    session.video_layers = layers = VideoLayers(viewer, print)
    layers.restore()
    playback = playback_of(session)

    def play(path: Path) -> None:
        layers.picture.visible = True
        layers.picture.data = np.broadcast_to(picture, (frames, *picture.shape))

    with mock.patch.object(layers, "play", play):
        playback.show(Path("walk.mp4"), predictions, style)
    timeline = Timeline()
    curves = np.float32(np.stack([*np.moveaxis(predictions.xy, 2, 0), predictions.likelihood])).swapaxes(1, 2)
    lanes = tuple(Lane(title, values) for title, values in zip(("x", "y", "likelihood"), curves, strict=True))
    timeline.show_video(frames, lanes, bytes_of(colors))
    timeline.frame_chosen.connect(playback.go_to)
    playback.frame_changed.connect(timeline.set_frame)
    viewer.window.add_dock_widget(timeline, area="bottom", name="Trajectories")
    QApplication.processEvents()
    viewer.reset_view()
    return playback


def timed(playback: Playback, frames: np.ndarray) -> np.ndarray:
    """Return the seconds of each step."""
    seconds = []
    for frame in frames.tolist():
        start = time.perf_counter()
        playback.go_to(frame)
        QApplication.processEvents()
        seconds.append(time.perf_counter() - start)
    return np.array(seconds)


if __name__ == "__main__":
    sys.exit(main())
