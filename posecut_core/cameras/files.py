"""Files of calibrated cameras: our cameras.yaml, and those of other programs.

| file | of |
|---|---|
| `cameras.yaml` | PoseCut: every number as it is, so that a file written again is the same |
| `*.toml` | Anipose and aniposelib (`[cam_0]`, rotation vectors), caliscope (`[cameras.0]`, rotation matrices) |
| `*.yml`, `*.yaml` | OpenCV's storage: a camera, or `stereo_calib` (`M1`, `D1`, ..., `R`, `T`); ROS's camera_info |
| `*.mat` | DANNCE and Label3D (`params`, or one camera: `K`, `r`, `t`), Bouguet's toolbox (`fc`, `cc`, `kc`) |

DANNCE's cameras come from MATLAB, where the center of the first pixel is (1, 1); they are moved by that. DeepLabCut
keeps calibrations of two cameras in pickles, which run code when they are read, so they are refused.
"""

import io
import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from scipy.io import loadmat
from scipy.spatial.transform import Rotation

from posecut_core.cameras.camera import COEFFICIENTS, Camera, checked_cameras
from posecut_core.errors import CameraError, refuse_newer
from posecut_core.storage.files import read_bytes, read_text, write_text
from posecut_core.storage.yaml_files import plain_values

SCHEMA = 1
_HEADER = """\
# Cameras that were calibrated together. A point X of the world is at rotation @ X + translation in a camera (x right,
# y down, z forward), in the unit of the calibration board's squares. Pixel (0, 0) is the center of the top left one.
"""
_LARGEST = 512 * 2**20  # bytes of a .mat file: Label3D keeps labels beside its cameras
_DANNCE = ("params", "camnames", "K", "r", "R", "t", "T", "RDistort", "TDistort")
_BOUGUET = ("fc", "cc", "kc", "alpha_c", "nx", "ny")
_SIDES = ("left", "right")
_STEREO = tuple(f"{key}_{side}" for key in ("fc", "cc", "kc", "alpha_c") for side in _SIDES)


def read_cameras(path: str | os.PathLike[str]) -> tuple[Camera, ...]:
    """Read calibrated cameras of PoseCut or another program.

    Args:
        path: a file, or a folder with one file for each camera, which is then called like its file.

    Raises:
        CameraError: the file is missing, holds no cameras, or some that cannot be.
    """
    path = Path(path)
    if not path.is_dir():
        return _read_file(path)
    found = [part for part in sorted(path.iterdir()) if part.suffix.lower() in _READERS]
    cameras = [camera for part in found if "extrinsics" not in part.stem for camera in _read_file(part)]
    if not cameras:
        raise CameraError(f"Found no file of cameras in {path}; expected one that ends in {', '.join(_READERS)}.")
    return _in(path, checked_cameras, cameras)


def write_cameras(path: str | os.PathLike[str], cameras: Sequence[Camera]) -> None:
    """Write cameras as PoseCut's .yaml, or as a .toml of Anipose.

    Raises:
        CameraError: the name ends otherwise, or Anipose has no such cameras.
        StorageError: the folder cannot be written.
    """
    path, cameras = Path(path), checked_cameras(cameras)
    writers = {".yaml": _as_yaml, ".yml": _as_yaml, ".toml": _as_anipose}
    if path.suffix.lower() not in writers:
        raise CameraError(f"Cannot write cameras as {path.name}; end its name in {', '.join(writers)}.")
    write_text(path, writers[path.suffix.lower()](cameras))


def _read_file(path: Path) -> tuple[Camera, ...]:
    reader = _READERS.get(path.suffix.lower())
    if path.suffix.lower() in (".pickle", ".pkl"):
        raise CameraError(
            f"{path} is a pickle, which can run code when it is read; calibrate again from the images of the "
            "board, which DeepLabCut keeps in calibration_images."
        )
    if reader is None:
        raise CameraError(f"{path} is no file of cameras; expected one that ends in {', '.join(_READERS)}.")
    try:
        cameras = reader(path)
    except FileNotFoundError as error:
        raise CameraError(f"Found no file {path}; calibrate the cameras first.") from error
    except OSError as error:
        raise CameraError(f"Cannot read {path} ({error.strerror or error}); check its permissions.") from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError) as error:
        if isinstance(error, CameraError):
            raise CameraError(f"{path}: {error}") from error
        reason = f"it has no {error}" if isinstance(error, KeyError) else str(error).split("\n")[0][:100]
        raise CameraError(f"{path} holds no cameras that can be read ({reason}); write it again.") from error
    if not cameras:
        raise CameraError(f"{path} holds no cameras; expected some of PoseCut, Anipose, OpenCV or MATLAB.")
    return _in(path, checked_cameras, cameras)


def _in(path: Path, check: Callable[[Sequence[Camera]], tuple[Camera, ...]], cameras: Sequence[Camera]) -> Any:
    try:
        return check(cameras)
    except CameraError as error:
        raise CameraError(f"{path}: {error}") from error


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"found a {type(value).__name__}, expected lines of the form `key: value`")
    return value


def _camera(
    name: object, size: Any, matrix: Any, distortion: Any, rotation: Any, translation: Any, *, fisheye: bool = False
) -> Camera:
    """Make a camera of what a file holds; a rotation may be a vector."""
    turned = np.array(rotation, dtype=np.float64)
    width, height = size
    return Camera(
        str(name),
        (int(width), int(height)),
        np.array(matrix, dtype=np.float64),
        np.array(distortion, dtype=np.float64).ravel(),
        Rotation.from_rotvec(turned.ravel()).as_matrix() if turned.size == 3 else turned,
        np.array(translation, dtype=np.float64).ravel(),
        "fisheye" if fisheye else "pinhole",
    )


# --- YAML: PoseCut, OpenCV, ROS ---------------------------------------------------------------------------------------


def _as_yaml(cameras: Sequence[Camera]) -> str:
    entries = [
        {
            "name": camera.name,
            "size": list(camera.size),
            "model": camera.model,
            **{key: getattr(camera, key).tolist() for key in ("matrix", "distortion", "rotation", "translation")},
        }
        for camera in cameras
    ]
    text = yaml.safe_dump(
        {"schema": SCHEMA, "cameras": entries},
        sort_keys=False,
        default_flow_style=None,
        width=10**6,
        allow_unicode=True,
    )
    return _HEADER + text


def _read_yaml(path: Path) -> list[Camera]:
    values = _yaml_values(path)
    if "cameras" in values:
        refuse_newer(path, int(values.get("schema", SCHEMA)), known=SCHEMA, kind=CameraError)
        return [_of_ours(_mapping(entry)) for entry in values["cameras"]]
    if "M1" in values:
        beside = path.with_name(path.name.replace("intrinsics", "extrinsics"))
        return _stereo(values if "R" in values or not beside.exists() else {**values, **_yaml_values(beside)})
    return [_of_opencv(path.stem, values)]


def _of_ours(entry: Mapping[str, Any]) -> Camera:
    if entry["model"] not in COEFFICIENTS:
        raise ValueError(f"model is {entry['model']}, expected {' or '.join(COEFFICIENTS)}")
    numbers = (entry[key] for key in ("matrix", "distortion", "rotation", "translation"))
    return _camera(entry["name"], entry["size"], *numbers, fisheye=entry["model"] == "fisheye")


def _yaml_values(path: Path) -> Mapping[str, Any]:
    """Read YAML; what OpenCV writes has a head and tags that no other reader knows."""
    text = re.sub(r"\A%YAML[^\n]*\n", "", read_text(path))
    return _mapping(plain_values(re.sub(r"!!opencv-[\w-]+", "", text)))


def _array(values: Mapping[str, Any], *keys: str) -> np.ndarray | None:
    """Return the first of several keys that is there, as OpenCV and ROS write arrays."""
    value = next((values[key] for key in keys if key in values), None)
    if isinstance(value, Mapping):
        shape = value["sizes"] if "sizes" in value else (value["rows"], value["cols"])
        return np.reshape(np.asarray(value["data"], dtype=np.float64), [int(length) for length in shape])
    return None if value is None else np.asarray(value, dtype=np.float64)


def _of_opencv(stem: str, values: Mapping[str, Any]) -> Camera:
    matrix = _array(values, "camera_matrix", "cameraMatrix", "Camera_Matrix", "K", "mtx")
    if matrix is None:
        raise KeyError("camera_matrix")
    distortion = _array(values, "distortion_coefficients", "Distortion_Coefficients", "dist_coeffs", "distCoeffs", "D")
    rotation = _array(values, "rotation", "rotation_matrix", "R", "rvec")
    translation = _array(values, "translation", "translation_vector", "T", "tvec", "t")
    return _camera(
        values.get("camera_name", stem),
        (values.get("image_width", 0), values.get("image_height", 0)),
        matrix,
        [] if distortion is None else distortion,
        np.eye(3) if rotation is None else rotation,
        np.zeros(3) if translation is None else translation,
        fisheye=values.get("distortion_model") in ("equidistant", "fisheye"),
    )


def _stereo(values: Mapping[str, Any]) -> list[Camera]:
    size = (values.get("image_width", 0), values.get("image_height", 0))
    places = [(np.eye(3), np.zeros(3)), (_array(values, "R"), _array(values, "T"))]
    return [
        _camera(side, size, _array(values, f"M{at}"), _array(values, f"D{at}"), *place)
        for at, (side, place) in enumerate(zip(_SIDES, places, strict=True), start=1)
    ]


# --- TOML: Anipose, caliscope -----------------------------------------------------------------------------------------


def _read_toml(path: Path) -> list[Camera]:
    values = tomllib.loads(read_text(path))
    tables = _mapping(values.get("cameras", values))
    entries = {key: entry for key, entry in tables.items() if isinstance(entry, Mapping) and "matrix" in entry}
    return [_of_toml(key, entry) for key, entry in entries.items() if "rotation" in entry]


def _of_toml(key: str, entry: Mapping[str, Any]) -> Camera:
    name = entry.get("name", f"cam_{entry.get('cam_id', entry.get('port', key.removeprefix('cam_')))}")
    fisheye, distortion = bool(entry.get("fisheye", False)), np.ravel(entry.get("distortions", []))
    return _camera(
        name,
        entry.get("size", (0, 0)),
        entry["matrix"],
        distortion[:4] if fisheye and not distortion[4:].any() else distortion,
        entry["rotation"],
        entry["translation"],
        fisheye=fisheye,
    )


def _as_anipose(cameras: Sequence[Camera]) -> str:
    return "\n".join([*(_anipose_table(at, camera) for at, camera in enumerate(cameras)), "[metadata]\n"])


def _anipose_table(at: int, camera: Camera) -> str:
    if camera.matrix[0, 1] != 0:
        raise CameraError(
            f"The matrix of camera {camera.name} has a skew of {camera.matrix[0, 1]:.3g} pixels, which Anipose leaves "
            "out; write the cameras as .yaml."
        )
    least = 4 if camera.model == "fisheye" else 5
    entry = {
        "name": camera.name,
        "size": list(camera.size),
        "matrix": camera.matrix.tolist(),
        "distortions": [*camera.distortion.tolist(), *[0.0] * (least - len(camera.distortion))],
        "rotation": Rotation.from_matrix(camera.rotation).as_rotvec().tolist(),
        "translation": camera.translation.tolist(),
    }
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in entry.items()]
    fisheye = ["fisheye = true"] if camera.model == "fisheye" else []
    return "\n".join([f"[cam_{at}]", *lines, *fisheye, ""])


# --- MATLAB: DANNCE, Bouguet ------------------------------------------------------------------------------------------


def _read_mat(path: Path) -> list[Camera]:
    content = read_bytes(path, at_most=_LARGEST)
    try:
        values = loadmat(io.BytesIO(content), simplify_cells=True, variable_names=[*_DANNCE, *_BOUGUET, *_STEREO])
    except NotImplementedError as error:
        raise CameraError("It is in MATLAB's format 7.3; save it in MATLAB with the option -v7.") from error
    except Exception as error:  # of a damaged file: zlib's, or any other
        raise ValueError(str(error)) from error
    if "params" in values:
        params = np.atleast_1d(values["params"])
        names = values.get("camnames", [f"Camera{at + 1}" for at in range(len(params))])
        return [_of_dannce(str(name), entry) for name, entry in zip(np.atleast_1d(names), params, strict=True)]
    if "K" in values:
        return [_of_dannce(path.stem.removesuffix("_params"), values)]
    if "fc_left" in values:
        places = [(np.eye(3), np.zeros(3)), (values["R"], values["T"])]
        sides = [{key: values[f"{key}_{side}"] for key in ("fc", "cc", "kc", "alpha_c")} for side in _SIDES]
        return [
            _of_bouguet(name, {**side, "nx": values.get("nx", 0), "ny": values.get("ny", 0)}, *place)
            for name, side, place in zip(_SIDES, sides, places, strict=True)
        ]
    return [_of_bouguet(path.stem.removeprefix("Calib_Results_"), values, np.eye(3), np.zeros(3))]


def _of_dannce(name: str, values: Mapping[str, Any]) -> Camera:
    """Read a camera of MATLAB, which multiplies rows from the left, and counts pixels from 1."""
    matrix = np.array(values["K"], dtype=np.float64).T
    matrix[:2, 2] -= 1
    radial, tangential = np.ravel(values.get("RDistort", [0, 0])), np.ravel(values.get("TDistort", [0, 0]))
    rotation = np.transpose(values["r"] if "r" in values else values["R"])
    distortion = np.concatenate([radial[:2], tangential, radial[2:]])
    return _camera(name, (0, 0), matrix, distortion, rotation, values["t"] if "t" in values else values["T"])


def _of_bouguet(name: str, values: Mapping[str, Any], rotation: Any, translation: Any) -> Camera:
    (fx, fy), (cx, cy) = np.ravel(values["fc"]), np.ravel(values["cc"])
    skew = float(values.get("alpha_c", 0.0)) * fx
    matrix = [[fx, skew, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]]
    return _camera(name, (values.get("nx", 0), values.get("ny", 0)), matrix, values["kc"], rotation, translation)


_READERS: Mapping[str, Callable[[Path], list[Camera]]] = {
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
    ".toml": _read_toml,
    ".mat": _read_mat,
}
