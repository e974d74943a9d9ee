"""SLEAP's analysis .h5: arrays of tracks, in the order for MATLAB that SLEAP itself writes, or as `dims` says.

Source: sleap-io, "Analysis HDF5". tracks [track, xy, node, frame], point_scores [track, node, frame].
"""

import json
import math
from pathlib import Path

import h5py
import numpy as np

from posecut_core.errors import LabelError
from posecut_core.interchange.registry import FormatError, VideoPoses, reading
from posecut_core.poses.predictions import Predictions
from posecut_core.storage.files import atomic_path
from posecut_core.storage.hdf import open_hdf

_TITLE = "SLEAP's analysis"
_ORDER = ("track", "xy", "node", "frame")
_MOST = 10_000  # names


def read_poses(path: Path) -> VideoPoses:
    """Read the tracks of a video.

    Raises:
        LabelError: it is no such file.
    """
    with reading(path, _TITLE):
        with open_hdf(path, foreign=True) as file:
            if "tracks" not in file or "node_names" not in file:
                raise LabelError(f"{path} has no tracks and node names, expected {_TITLE}; give another file.")
            nodes, names = _texts(file["node_names"]), _texts(file["track_names"]) if "track_names" in file else ()
            tracks = _in_order(file["tracks"], _ORDER)
            scores = _in_order(file["point_scores"], ("track", "node", "frame")) if "point_scores" in file else None
            video = file["video_path"][()] if "video_path" in file else b""
            edges = file["edge_inds"][()].tolist() if "edge_inds" in file and math.prod(file["edge_inds"].shape) else []
            scorer = str(file.attrs.get("scorer", "SLEAP"))
        if tracks.shape[1] != 2 or tracks.shape[2] != len(nodes):
            raise FormatError(f"its tracks have the shape {tracks.shape}, with {len(nodes)} nodes")
        xy: np.ndarray = np.transpose(tracks, (0, 3, 2, 1)).astype(np.float64)
        found = np.isfinite(xy).all(axis=3)
        marks = found if scores is None else np.transpose(scores, (0, 2, 1))
        likelihood = np.asarray(np.nan_to_num(marks.astype(np.float64)))
        several = len(xy) > 1
        animals = {
            (names[place] if place < len(names) else str(place)) if several else "": Predictions(
                scorer, nodes, xy[place], likelihood[place]
            )
            for place in range(len(xy))
        }
        skeleton = tuple((nodes[a], nodes[b]) for a, b in edges)
        named = video.decode("utf-8", "replace") if isinstance(video, bytes) else str(video)
        return VideoPoses(named.replace("\\", "/"), animals, skeleton=skeleton)


def _texts(dataset: h5py.Dataset) -> tuple[str, ...]:
    if dataset.size > _MOST:
        raise FormatError(f"it has {dataset.size} names")
    return tuple(one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in dataset[()])


def _in_order(dataset: h5py.Dataset, order: tuple[str, ...]) -> np.ndarray:
    """Read an array with its axes in an order, whichever order it says that it has."""
    said = json.loads(dataset.attrs["dims"]) if "dims" in dataset.attrs else list(order)
    return np.transpose(dataset[()], [said.index(name) for name in order])


def write_poses(path: Path, poses: VideoPoses) -> None:
    """Write the tracks of a video.

    Raises:
        StorageError: the disk refuses.
    """
    first = next(iter(poses.animals.values()))
    xy = np.stack([one.xy for one in poses.animals.values()])
    likelihood = np.stack([one.likelihood for one in poses.animals.values()])
    text = h5py.string_dtype()
    nodes = list(first.bodyparts)
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        arrays = {
            "tracks": (np.transpose(xy, (0, 3, 2, 1)), _ORDER),
            "point_scores": (np.transpose(likelihood, (0, 2, 1)), ("track", "node", "frame")),
            "instance_scores": (np.nanmean(likelihood, axis=2), ("track", "frame")),
            "tracking_scores": (np.zeros(likelihood.shape[:2]), ("track", "frame")),
            "track_occupancy": (np.isfinite(xy).any(axis=(2, 3)).T.astype(np.uint8), ("frame", "track")),
        }
        for name, (values, dims) in arrays.items():
            dataset = file.create_dataset(name, data=values, compression="gzip" if values.size else None)
            dataset.attrs["dims"] = json.dumps(dims)
        edges = [[nodes.index(part) for part in bone] for bone in poses.skeleton]
        file.create_dataset("edge_inds", data=np.array(edges, dtype=np.int64).reshape(-1, 2))
        file.create_dataset("edge_names", data=np.array(poses.skeleton, dtype=object).reshape(-1, 2), dtype=text)
        file.create_dataset("node_names", data=nodes, dtype=text)
        file.create_dataset("track_names", data=[name or "animal" for name in poses.animals], dtype=text)
        file.create_dataset("video_path", data=poses.video, dtype=text)
        file.create_dataset("video_ind", data=0)
        file.create_dataset("labels_path", data="", dtype=text)
        file.create_dataset("provenance", data="{}", dtype=text)
        file.attrs["format"], file.attrs["preset"], file.attrs["scorer"] = "analysis", "matlab", first.scorer
