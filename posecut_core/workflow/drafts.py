"""Predictions as drafts of labels, for a person to correct: never trained on until someone accepts them.

They lie beside the labels in DeepLabCut's layout, `machinelabels-iter<k>.h5` and `machinelabels.csv`, in pixels of the
stored images, with the likelihood that tells which of them to look at first.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float64, Int64

from posecut_core.analysis.prediction_files import prediction_columns
from posecut_core.labels.csv_tables import write_csv
from posecut_core.labels.pandas_tables import read_hdf, write_hdf
from posecut_core.labels.store import image_names
from posecut_core.project.layout import Project
from posecut_core.video.store import FrameStore


@dataclass(frozen=True)
class Drafts:
    """Where a network sees the bodyparts in some frames of one video."""

    scorer: str  # the network
    bodyparts: tuple[str, ...]
    numbers: Int64[np.ndarray, " F"]  # frame numbers, increasing; all of them extracted
    xy: Float64[np.ndarray, "F K 2"]  # pixels of the full frame
    likelihood: Float64[np.ndarray, "F K"]


def write_drafts(project: Project, video: str, drafts: Drafts) -> Path:
    """Add drafts to those that the video has by the same network; those by another network give way to them.

    Args:
        project: the opened project.
        video: stem of the video.
        drafts: what the network sees; frames that have a draft already get the new one.

    Returns:
        The .h5.

    Raises:
        LabelError: the existing drafts are unreadable.
        StorageError: the disk refuses.
    """
    path = project.machine_labels(video)
    table = _table(project, video, drafts)
    if path.exists():
        before = read_hdf(path)
        if before.columns.equals(table.columns):
            table = pd.concat([before[~before.index.isin(table.index)], table]).sort_index()
    write_hdf(path, table)
    write_csv(path.with_name("machinelabels.csv"), table)
    return path


def _table(project: Project, video: str, drafts: Drafts) -> pd.DataFrame:
    names = image_names(project, video, drafts.numbers.tolist())
    store = FrameStore.open(project.frame_store(video))
    origins = dict(zip(store.numbers.tolist(), store.origins, strict=True))
    corner = np.array([origins[number] for number in drafts.numbers.tolist()]).reshape(-1, 1, 2)
    triples = np.concatenate([drafts.xy - corner, drafts.likelihood[..., None]], axis=-1)
    count = len(drafts.numbers)
    return pd.DataFrame(
        triples.reshape(count, -1),
        index=pd.MultiIndex.from_arrays([["labeled-data"] * count, [video] * count, list(names.values())]),
        columns=prediction_columns(drafts.scorer, drafts.bodyparts),
    )
