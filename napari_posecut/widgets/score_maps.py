"""The score maps of one frame, computed by a child and laid over the video."""

import shutil
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_posecut.analysed import own_network
from napari_posecut.desk import Desk
from napari_posecut.jobs import Job
from napari_posecut.playback import Playback
from napari_posecut.widgets.job_line import JobLine
from posecut_core.analysis.found_predictions import FoundPredictions


@dataclass(frozen=True)
class FrameMaps:
    """The maps of a frame, by bodypart."""

    frame: int
    maps: dict[str, Float[np.ndarray, "h w"]]
    cell: Float[np.ndarray, " 2"]  # width and height in pixels of the full frame
    origin: Float[np.ndarray, " 2"]  # x, y of the middle of the top-left cell


class ScoreMaps(QWidget):
    """A button that asks for the maps of the frame that is shown, and how far that is.

    Args:
        desk: whose board computes them.
        playback: where they are shown.
    """

    computed = Signal()

    def __init__(self, desk: Desk, playback: Playback) -> None:
        super().__init__()
        self._desk, self._playback = desk, playback
        self._of: FoundPredictions | None = None
        self._maps: FrameMaps | None = None
        self._folder = Path(tempfile.mkdtemp(prefix="posecut-scoremaps-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self.button = QPushButton("Score map of the chosen bodypart")
        self.button.clicked.connect(self.ask)
        self.job_line = JobLine(desk, ("scoremap",))
        self.job_line.ended.connect(self._take)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.button)
        layout.addWidget(self.job_line)

    def belong_to(self, shown: FoundPredictions | None) -> None:
        """Follow the predictions that are shown, None where there are none."""
        if shown != self._of:
            self._of, self._maps = shown, None
        self._allow()

    def ask(self) -> None:
        """Let a child compute the maps of this frame, unless they are there."""
        project, shown, frame = self._desk.project, self._of, self._playback.frame
        network = own_network(project, shown.scorer) if project is not None and shown is not None else None
        if shown is None or network is None:
            return
        if self._maps is not None and self._maps.frame == frame:
            self.computed.emit()
            return
        target = str(self._folder / f"frame{frame}.npy")
        arguments = {"video": str(shown.video), "frame": frame, "target": target, **network.arguments}
        if self._desk.attempt(lambda: self._desk.start("scoremap", arguments)) is not None:
            self.button.setEnabled(False)

    def show_map(self, bodypart: str) -> None:
        """Show the map of a bodypart, if there is one of the frame that is shown."""
        found = self._maps
        if found is not None and found.frame == self._playback.frame and bodypart in found.maps:
            name = f"score map of {bodypart}"
            self._playback.show_map(found.maps[bodypart], cell=found.cell, origin=found.origin, name=name)

    def _allow(self) -> None:
        project, shown = self._desk.project, self._of
        own = project is not None and shown is not None and own_network(project, shown.scorer) is not None
        self.button.setEnabled(own)
        self.button.setToolTip(
            "how likely the network finds it at each place of this frame; takes some seconds"
            if own
            else "the network that made these predictions does not belong to the present iteration"
        )

    def _take(self, job: Job) -> None:
        self._allow()
        if job.state == "done" and self._of is not None and str(self._of.video) == str(job.result["video"]):
            self._maps = _read(job.result)
            self.computed.emit()


def _read(result: Mapping[str, Any]) -> FrameMaps:
    maps = np.moveaxis(np.load(result["file"], allow_pickle=False), 2, 0)
    named = dict(zip(result["bodyparts"], maps, strict=True))
    return FrameMaps(int(result["frame"]), named, np.array(result["cell"]), np.array(result["origin"]))
