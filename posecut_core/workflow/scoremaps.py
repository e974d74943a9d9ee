"""Score maps of one frame, to look at: how likely the network finds each bodypart at every place."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posecut_core.inference.predictor import Predictor
from posecut_core.inference.view import View, analyzed_window
from posecut_core.project.given import forgiving
from posecut_core.project.opening import open_project, resolve_video
from posecut_core.results import Summary
from posecut_core.storage.files import atomic_path
from posecut_core.video.reader import VideoReader


@dataclass(frozen=True)
class FrameScoremaps:
    """Where the score maps of a frame lie, and where their cells lie in the frame."""

    file: Path  # .npy: rows x columns x bodyparts, likelihoods from 0 to 1
    scorer: str
    video: Path
    frame: int
    bodyparts: tuple[str, ...]
    cell: tuple[float, float]  # width and height of a cell in pixels of the full frame
    origin: tuple[float, float]  # x, y of the middle of the top-left cell in the full frame

    def summary(self) -> Summary:
        """Say where the score maps are."""
        return Summary(f"Score maps of frame {self.frame} of {self.video.name} by {self.scorer}: {self.file}.")


@forgiving
def frame_scoremaps(
    config: str | os.PathLike[str],
    video: str | os.PathLike[str],
    frame: int,
    target: str | os.PathLike[str],
    *,
    shuffle: int = 1,
    trainingsetindex: int = 0,
    snapshot: int | str | None = None,
    ensemble: bool = False,
) -> FrameScoremaps:
    """Write the score maps of one frame of a video to `target`; where config.yaml crops, only the crop has them.

    Args:
        config: path of config.yaml.
        video: file, or name of a project video.
        frame: its number.
        target: the .npy to write.
        shuffle: which shuffle's network.
        trainingsetindex: which of config.yaml's training fractions.
        snapshot: number of training steps of the snapshot, or "last"; by default snapshotindex in config.yaml decides.
        ensemble: the mean of all networks of the shuffle.

    Raises:
        VideoError: there is no such video or frame, or it is damaged.
        ModelError: there is no such snapshot or ensemble.
        AnalysisError: the crop does not lie within the frame.
        StorageError: the disk refuses.
    """
    project = open_project(config)
    path, training = resolve_video(project, video), project.training(shuffle, trainingsetindex)
    step = training.chosen_steps(snapshot)[-1]
    networks = training.ensemble(step) if ensemble else (training,)
    loaded = [Predictor.load(one.folder, snapshot=step) for one in networks]
    with VideoReader(path) as reader:
        window = analyzed_window(project.config.crop, reader.index, path)
        reader.read(frame)  # says why, where there is none
        view = View.of(window, reader.index, scale=1.0, context=loaded[0].context)
        ((_, image),) = view.frames(reader, range(frame, frame + 1))
    assert image is not None
    predictor, found = loaded[0], [one.scoremaps(image) for one in loaded]
    maps, likelihood = found[0], np.mean([one.likelihood for one in found], axis=0, dtype=np.float32)
    with atomic_path(Path(target)) as temporary, temporary.open("wb") as stream:
        np.save(stream, likelihood, allow_pickle=False)
    origin = maps.origin + np.array([window.x1, window.y1])
    (width, height), (x, y) = maps.cell.tolist(), origin.tolist()
    return FrameScoremaps(Path(target), predictor.scorer, path, frame, predictor.bodyparts, (width, height), (x, y))
