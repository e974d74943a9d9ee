"""Scenes written as videos, each with a table of the truth beside it."""

import csv
import io
from pathlib import Path

import numpy as np

from posecut_core.demo.animal import BODYPARTS
from posecut_core.demo.render import FPS, SIZE, Scene, Truth, prepare
from posecut_core.progress import Progress, Report, silent
from posecut_core.project.atomic import write_text
from posecut_core.video.writer import VideoWriter


def film(scene: Scene, folder: Path, *, report: Report = silent) -> Path:
    """Write `<scene>.mp4` and `<scene>_truth.csv` into `folder` and return the video; what is there is kept.

    Raises:
        StorageError: the disk refuses.
    """
    path = folder / f"{scene.name}.mp4"
    if path.is_file():
        return path
    prepared = prepare(scene)
    write_text(folder / f"{scene.name}_truth.csv", truth_table(prepared.truth))
    with VideoWriter(path, fps=FPS, width=SIZE, height=SIZE) as writer:
        for number, image in enumerate(prepared.frames(), start=1):
            writer.write(image)
            report(Progress(f"drawing {path.name}", number, scene.frames))
    return path


def truth_table(truth: Truth) -> str:
    """Write the truth as csv: a row per frame, and x, y and whether it is hidden of each bodypart."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["frame", *(f"{part}_{what}" for part in BODYPARTS for what in ("x", "y", "hidden"))])
    columns = np.concatenate([truth.xy.round(3), truth.hidden[..., None]], axis=-1)
    for number, row in enumerate(columns.reshape(len(columns), -1).tolist()):
        table.writerow([number, *(int(value) if place % 3 == 2 else value for place, value in enumerate(row))])
    return text.getvalue()
