"""movement's netCDF: a dataset of poses with the dimensions time, space, keypoints and individuals.

movement also reads our .h5 and .csv as they are (`load_poses.from_dlc_file`); what it gains by its own file is the
frame rate. Source: movement's user guide, "movement datasets". Its dimensions are also read in the singular.
"""

from pathlib import Path

import h5netcdf
import h5py
import numpy as np

from posecut_core.errors import LabelError
from posecut_core.interchange.registry import FormatError, VideoPoses, reading
from posecut_core.poses.predictions import Predictions
from posecut_core.storage.files import atomic_path
from posecut_core.storage.hdf import open_hdf

_TITLE = "movement"
_ANIMAL = "animal"


def read_poses(path: Path) -> VideoPoses:
    """Read a netCDF file of poses in two dimensions.

    Raises:
        LabelError: it is no such file.
    """
    with reading(path, _TITLE):
        with open_hdf(path, foreign=True) as file:  # a netCDF 4 file is one of HDF5
            if "position" not in file:
                raise LabelError(f"{path} has no variable position, expected poses of {_TITLE}; give another file.")
            position = file["position"]
            names = {
                dim: _texts(file[dim if dim in file else f"{dim}s"]) for dim in ("space", "keypoint", "individual")
            }
            if position.shape[1:] != tuple(map(len, names.values())):
                raise FormatError(
                    f"its positions have the shape {position.shape}, with {[*map(len, names.values())]} names"
                )
            xy = np.transpose(np.asarray(position[...], dtype=np.float64), (3, 0, 2, 1))
            if names["space"] != ("x", "y"):
                raise LabelError(f"{path} has positions in {', '.join(names['space'])}, expected x, y; choose another.")
            confidence = file["confidence"][...] if "confidence" in file else None
            fps = file.attrs.get("fps")
            scorer = str(file.attrs.get("scorer", file.attrs.get("source_software", _TITLE)))
            video = str(file.attrs.get("video", ""))
        marks = np.isfinite(xy).all(axis=3) if confidence is None else np.transpose(confidence, (2, 0, 1))
        likelihood: np.ndarray = np.nan_to_num(np.asarray(marks, dtype=np.float64))
        several = len(xy) > 1
        animals = {
            name if several else "": Predictions(scorer, names["keypoint"], xy[place], likelihood[place])
            for place, name in enumerate(names["individual"])
        }
        return VideoPoses(video, animals, fps=None if fps is None else float(np.asarray(fps).reshape(-1)[0]))


def _texts(scale: h5py.Dataset) -> tuple[str, ...]:
    """Return the coordinates of a dimension; the links between the two are not followed, as broken ones end HDF5."""
    values = np.asarray(scale[...]).tolist()
    return tuple(one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in values)


def write_poses(path: Path, poses: VideoPoses) -> None:
    """Write poses as movement's own `to_netcdf` does.

    Raises:
        StorageError: the disk refuses.
    """
    first = next(iter(poses.animals.values()))
    xy = np.stack([one.xy for one in poses.animals.values()], axis=-1)  # T K 2 animals
    likelihood = np.stack([one.likelihood for one in poses.animals.values()], axis=-1)
    texts = {"space": ["x", "y"], "keypoints": list(first.bodyparts)}
    texts["individuals"] = [name or _ANIMAL for name in poses.animals]
    with atomic_path(path) as temporary, h5netcdf.File(temporary, "w") as file:
        file.dimensions = {"time": len(xy), **{name: len(values) for name, values in texts.items()}}
        time = np.arange(len(xy)) / poses.fps if poses.fps else np.arange(len(xy), dtype=np.int64)
        file.create_variable("time", ("time",), data=time)
        for name, values in texts.items():
            variable = file.create_variable(name, (name,), dtype=h5py.string_dtype())
            variable[...] = np.array(values, dtype=object)
        shown = np.transpose(xy, (0, 2, 1, 3))
        file.create_variable("position", ("time", "space", "keypoints", "individuals"), data=shown, fillvalue=np.nan)
        file.create_variable("confidence", ("time", "keypoints", "individuals"), data=likelihood, fillvalue=np.nan)
        said = {"source_software": "DeepLabCut", "source_file": "", "ds_type": "poses", "scorer": first.scorer}
        said |= {"video": poses.video, "time_unit": "seconds" if poses.fps else "frames"}
        for name, value in said.items():
            file.attrs[name] = value
        if poses.fps:
            file.attrs["fps"] = float(poses.fps)
