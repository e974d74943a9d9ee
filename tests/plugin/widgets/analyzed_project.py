"""A sample project with the predictions of a network that nobody trained."""

from pathlib import Path

import numpy as np

from napari_posecut.labeling.extracted_frames import listed_videos
from napari_posecut.session import session_of
from napari_posecut.widgets.docks.results import ResultsDock
from posecut_core.poses.files import prediction_path, write_predictions
from posecut_core.poses.predictions import Predictions
from posecut_core.project.opening import open_project

SCORER = "PoseCut_resnet18_mouseJan1shuffle1_100"
FRAMES = 12


def analyze(config: Path, *, networks: int = 1) -> list[Path]:
    """Write predictions of all videos of a project: bodypart k moves along the row 10 + 5 k, one pixel per frame.

    Those of several networks are those of an ensemble.
    """
    scorer = SCORER if networks == 1 else SCORER.replace("shuffle1", f"shuffle1ensemble{networks}")
    project = open_project(config)
    parts = project.config.bodyparts
    x, y = np.meshgrid(np.arange(FRAMES) + 20.0, 10 + 5.0 * np.arange(len(parts)), indexing="ij")
    likelihood = np.full(x.shape, 0.9)
    likelihood[3, 0] = 0.2
    found = Predictions(scorer, parts, np.stack([x, y], axis=-1), likelihood)
    videos = list(listed_videos(project).values())
    for video in videos:
        write_predictions(prediction_path(video, scorer), found)
    return videos


def results_dock(viewer, config: Path, *, jobs) -> ResultsDock:
    """Open an analyzed project in a window with dock 9."""
    analyze(config)
    session = session_of(viewer)
    session.jobs = jobs
    session.open(config)
    dock = ResultsDock(viewer)
    viewer.window.add_dock_widget(dock, name="9 Results")
    return dock
