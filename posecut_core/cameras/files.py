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

import json
import math
import os
import re
import tomllib
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from jaxtyping import Float64

from posecut_core.cameras.camera import COEFFICIENTS, Camera, checked_cameras
from posecut_core.errors import CameraError, refuse_newer
from posecut_core.results import counted
from posecut_core.storage.files import read_bytes, read_text, write_text
from posecut_core.storage.values import shown
from posecut_core.storage.yaml_files import plain_values

SCHEMA = 1
_HEADER = """\
# Cameras that were calibrated together. A point X of the world is at rotation @ X + translation in a camera (x right,
# y down, z forward), in the unit of the calibration board's squares. Pixel (0, 0) is the center of the top left one.
"""
_EXPECTED = "expected cameras of PoseCut, Anipose, caliscope, OpenCV, ROS or MATLAB."
_AGAIN = "write the file again, or calibrate the cameras again."
_MOST_PIXELS = 2**31  # of a frame's width
_LARGEST = 512 * 2**20  # bytes of a .mat file: Label3D keeps labels beside its cameras
_DANNCE = ("params", "camnames", "K", "r", "R", "t", "T", "RDistort", "TDistort")
_BOUGUET = ("fc", "cc", "kc", "alpha_c", "nx", "ny")
_SIDES = ("left", "right")
_STEREO = tuple(f"{key}_{side}" for key in ("fc", "cc", "kc", "alpha_c") for side in _SIDES)
_OF_MATLAB = frozenset((*_DANNCE, *_BOUGUET, *_STEREO))  # variables that are read


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
    try:
        return checked_cameras(cameras)
    except CameraError as error:
        raise CameraError(f"{path}: {error}") from error


def write_cameras(path: str | os.PathLike[str], cameras: Sequence[Camera]) -> None:
    """Write cameras as PoseCut's .yaml, or as a .toml of Anipose.

    Raises:
        CameraError: the name ends otherwise, or Anipose has no such cameras.
        StorageError: the folder cannot be written.
    """
    path = Path(path)
    writers = {".yaml": yaml_of, ".yml": yaml_of, ".toml": _as_anipose}
    if path.suffix.lower() not in writers:
        raise CameraError(f"Cannot write cameras as {path.name}; end its name in {', '.join(writers)}.")
    write_text(path, writers[path.suffix.lower()](checked_cameras(cameras)))


def yaml_of(cameras: Sequence[Camera]) -> str:
    """Return the content of a cameras.yaml."""
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


def _read_file(path: Path) -> tuple[Camera, ...]:
    reader = _READERS.get(path.suffix.lower())
    if path.suffix.lower() in (".pickle", ".pkl"):
        raise CameraError(
            f"{path} is a pickle, which can run code when it is read; calibrate again from the images of the "
            "board, which DeepLabCut keeps in calibration_images."
        )
    if not path.exists():
        raise CameraError(f"Found no file or folder {path}; check its path, or calibrate the cameras first.")
    if reader is None:
        raise CameraError(f"{path} is no file of cameras; expected one that ends in {', '.join(_READERS)}.")
    try:
        with np.errstate(all="ignore"):  # of numbers that no camera has; they are refused
            cameras = checked_cameras(reader(path))
    except CameraError as error:
        raise CameraError(f"{path}: {error}") from error
    except OSError as error:
        raise CameraError(f"Cannot read {path} ({error.strerror or error}); check its permissions.") from error
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise CameraError(f"{path} holds no cameras that can be read; {_AGAIN}") from error
    return cameras


def _mapping(value: object, what: str = "content") -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise CameraError(f"Its {what} is {shown(value)}, expected lines of the form `key: value`; {_AGAIN}")
    return value


def _all_of(values: Mapping[str, Any], keys: Sequence[str], whose: str) -> list[Any]:
    """Return the values of some keys, all of which must be there."""
    if missing := [key for key in keys if values.get(key) is None]:
        raise CameraError(f"{whose} has no {', '.join(missing)}; {_AGAIN}")
    return [values[key] for key in keys]


def _numbers_of(value: Any, what: str) -> Float64[np.ndarray, "..."]:
    try:
        return np.array(value, dtype=np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise CameraError(f"The {what} is {shown(value)}, expected numbers; {_AGAIN}") from error


def _camera(
    name: object, size: Any, matrix: Any, distortion: Any, rotation: Any, translation: Any, *, fisheye: bool = False
) -> Camera:
    """Make a camera of what a file holds; a rotation may be a vector."""
    of_camera = f"of camera {name}"
    pixels = _numbers_of(size, f"size {of_camera}").ravel()
    if len(pixels) != 2 or not (np.abs(pixels) < _MOST_PIXELS).all():
        raise CameraError(f"The size {of_camera} is {shown(size)}, expected width and height in pixels; {_AGAIN}")
    turned = _numbers_of(rotation, f"rotation {of_camera}")
    return Camera(
        str(name),
        (int(pixels[0]), int(pixels[1])),
        _numbers_of(matrix, f"matrix {of_camera}"),
        _numbers_of(distortion, f"distortion {of_camera}").ravel(),
        _as_matrix(turned.ravel()) if turned.size == 3 else turned,
        _numbers_of(translation, f"translation {of_camera}").ravel(),
        "fisheye" if fisheye else "pinhole",
    )


def _as_matrix(vector: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3 3"]:
    from scipy.spatial.transform import Rotation  # a quarter of a second, for which no window waits to label

    return Rotation.from_rotvec(vector).as_matrix()


def _as_vector(matrix: Float64[np.ndarray, "3 3"]) -> Float64[np.ndarray, "3"]:
    from scipy.spatial.transform import Rotation

    return Rotation.from_matrix(matrix).as_rotvec()


# --- YAML: PoseCut, OpenCV, ROS ---------------------------------------------------------------------------------------


def _read_yaml(path: Path) -> list[Camera]:
    values = _yaml_values(path)
    if "cameras" in values:
        schema = values.get("schema", SCHEMA)
        refuse_newer(Path(path.name), schema if isinstance(schema, int) else SCHEMA, known=SCHEMA, kind=CameraError)
        return [_of_ours(_mapping(entry, "list of cameras")) for entry in values["cameras"] or ()]
    if "M1" in values:
        beside = path.with_name(path.name.replace("intrinsics", "extrinsics"))
        return _stereo(values if "R" in values or not beside.exists() else {**values, **_yaml_values(beside)})
    return [_of_opencv(path.stem, values)]


def _of_ours(entry: Mapping[str, Any]) -> Camera:
    name = entry.get("name", "without a name")
    keys = ("name", "size", "matrix", "distortion", "rotation", "translation", "model")
    *values, model = _all_of(entry, keys, f"Camera {name}")
    if model not in COEFFICIENTS:
        raise CameraError(f"The model of camera {name} is {shown(model)}, expected {' or '.join(COEFFICIENTS)}.")
    return _camera(*values, fisheye=model == "fisheye")


def _yaml_values(path: Path) -> Mapping[str, Any]:
    """Read YAML; what OpenCV writes has a head and tags that no other reader knows."""
    text = re.sub(r"\A%YAML[^\n]*\n", "", _text_of(path))
    try:
        values = plain_values(re.sub(r"!!opencv-[\w-]+", "", text))
    except ValueError as error:
        mark = getattr(error.__cause__, "problem_mark", None)
        raise _malformed("YAML", None if mark is None else mark.line + 1) from error
    return _mapping(values)


def _text_of(path: Path) -> str:
    try:
        return read_text(path)
    except UnicodeDecodeError as error:
        raise CameraError(f"It is no text in UTF-8; {_AGAIN}") from error


def _malformed(form: str, line: int | None) -> CameraError:
    where = f", see line {line}" if line else ""
    return CameraError(f"It is not valid {form}{where}; correct it, or {_AGAIN}")


def _array(values: Mapping[str, Any], *keys: str) -> Float64[np.ndarray, "..."] | None:
    """Return the first of several keys that is there, as OpenCV and ROS write arrays."""
    value = next((values[key] for key in keys if values.get(key) is not None), None)
    if not isinstance(value, Mapping):
        return None if value is None else _numbers_of(value, keys[0])
    shape = value["sizes"] if "sizes" in value else _all_of(value, ("rows", "cols"), f"The {keys[0]}")
    numbers, lengths = _numbers_of(value.get("data"), keys[0]), _numbers_of(shape, keys[0]).astype(int)
    if numbers.size != lengths.prod():
        found = f"{numbers.size} numbers for {' x '.join(map(str, lengths))}"
        raise CameraError(f"The {keys[0]} has {found}; {_AGAIN}")
    return numbers.reshape(lengths)


def _of_opencv(stem: str, values: Mapping[str, Any]) -> Camera:
    matrix = _array(values, "camera_matrix", "cameraMatrix", "Camera_Matrix", "K", "mtx")
    if matrix is None:
        raise CameraError(f"It holds no calibrated cameras: it has no camera_matrix; {_EXPECTED}")
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
    _all_of(values, ("M1", "D1", "M2", "D2", "R", "T"), "The stereo calibration")
    size = (values.get("image_width", 0), values.get("image_height", 0))
    places = [(np.eye(3), np.zeros(3)), (_array(values, "R"), _array(values, "T"))]
    return [
        _camera(side, size, _array(values, f"M{at}"), _array(values, f"D{at}"), *place)
        for at, (side, place) in enumerate(zip(_SIDES, places, strict=True), start=1)
    ]


# --- TOML: Anipose, caliscope -----------------------------------------------------------------------------------------


def _read_toml(path: Path) -> list[Camera]:
    try:
        values = tomllib.loads(_text_of(path))
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise _malformed("TOML", int(line[1]) if line else None) from error
    tables = _mapping(values.get("cameras", values), "table of cameras")
    lenses = {key: entry for key, entry in tables.items() if isinstance(entry, Mapping) and "matrix" in entry}
    placed = {key: entry for key, entry in lenses.items() if "rotation" in entry}  # caliscope keeps others as well
    if not placed:
        told = "no camera of it has a rotation, which says how it lies to the others" if lenses else "it has no matrix"
        raise CameraError(f"It holds no calibrated cameras: {told}; {_EXPECTED}")
    return [_of_toml(key, entry) for key, entry in placed.items()]


def _of_toml(key: str, entry: Mapping[str, Any]) -> Camera:
    name = entry.get("name", f"cam_{entry.get('cam_id', entry.get('port', key.removeprefix('cam_')))}")
    (translation,) = _all_of(entry, ("translation",), f"Camera {name}")
    fisheye = bool(entry.get("fisheye", False))
    distortion = _numbers_of(entry.get("distortions", []), f"distortion of camera {name}").ravel()
    return _camera(
        name,
        entry.get("size", (0, 0)),
        entry["matrix"],
        distortion[:4] if fisheye and not distortion[4:].any() else distortion,
        entry["rotation"],
        translation,
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
        "rotation": _as_vector(camera.rotation).tolist(),
        "translation": camera.translation.tolist(),
    }
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in entry.items()]
    fisheye = ["fisheye = true"] if camera.model == "fisheye" else []
    return "\n".join([f"[cam_{at}]", *lines, *fisheye, ""])


# --- MATLAB: DANNCE, Bouguet ------------------------------------------------------------------------------------------


def _read_mat(path: Path) -> list[Camera]:
    values = _matlab_values(read_bytes(path, at_most=_LARGEST), _OF_MATLAB)
    if "params" in values:
        params = np.atleast_1d(values["params"])
        names = np.atleast_1d(values.get("camnames", [f"Camera{at + 1}" for at in range(len(params))]))
        if len(names) != len(params):
            raise CameraError(f"It has {len(names)} camnames for {counted(len(params), 'camera')}; {_AGAIN}")
        return [_of_dannce(str(name), _mapping(entry)) for name, entry in zip(names, params, strict=True)]
    if "K" in values:
        return [_of_dannce(path.stem.removesuffix("_params"), values)]
    if "fc_left" in values:
        _all_of(values, (*_STEREO, "R", "T"), "The stereo calibration")
        places = [(np.eye(3), np.zeros(3)), (values["R"], values["T"])]
        sides = [{key: values[f"{key}_{side}"] for key in ("fc", "cc", "kc", "alpha_c")} for side in _SIDES]
        return [
            _of_bouguet(name, {**side, "nx": values.get("nx", 0), "ny": values.get("ny", 0)}, *place)
            for name, side, place in zip(_SIDES, sides, places, strict=True)
        ]
    if "fc" not in values:
        raise CameraError(f"It holds no calibrated cameras: it has neither params nor K nor fc; {_EXPECTED}")
    return [_of_bouguet(path.stem.removeprefix("Calib_Results_"), values, np.eye(3), np.zeros(3))]


def _of_dannce(name: str, values: Mapping[str, Any]) -> Camera:
    """Read a camera of MATLAB, which multiplies rows from the left, and counts pixels from 1."""
    turned, moved = ("r" if "r" in values else "R"), ("t" if "t" in values else "T")
    matrix, rotation, translation = _all_of(values, ("K", turned, moved), f"Camera {name}")
    matrix = _numbers_of(matrix, f"matrix of camera {name}").T
    if matrix.shape == (3, 3):  # others are refused with the rest of the camera
        matrix = matrix - np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]])
    radial, tangential = (
        _numbers_of(values.get(key, [0, 0]), f"{key} of camera {name}").ravel() for key in ("RDistort", "TDistort")
    )
    distortion = np.concatenate([radial[:2], tangential, radial[2:]])
    return _camera(name, (0, 0), matrix, distortion, np.transpose(rotation), translation)


def _of_bouguet(name: str, values: Mapping[str, Any], rotation: Any, translation: Any) -> Camera:
    focal, center, distortion = _all_of(values, ("fc", "cc", "kc"), f"Camera {name}")
    focal, center, skew = (
        _numbers_of(value, f"matrix of camera {name}").ravel() for value in (focal, center, values.get("alpha_c", 0.0))
    )
    if (len(focal), len(center), len(skew)) != (2, 2, 1):
        raise CameraError(f"The fc, cc and alpha_c of camera {name} are not 2, 2 and 1 numbers; {_AGAIN}")
    matrix = [[focal[0], skew[0] * focal[0], center[0]], [0.0, focal[1], center[1]], [0.0, 0.0, 1.0]]
    return _camera(name, (values.get("nx", 0), values.get("ny", 0)), matrix, distortion, rotation, translation)


# --- MATLAB's files ---------------------------------------------------------------------------------------------------
# Numbers, texts, cells and structs of a .mat file of level 5, which MATLAB writes with -v6 and -v7. SciPy reads more,
# but takes lengths in a file at their word: what is damaged can then crash it, or never end.
#
# Source: MathWorks 2019, MAT-File Format.


_ByteOrder = Literal["little", "big"]
_Elements = Iterator[tuple[int, memoryview]]  # kind and content
_MATRIX, _COMPRESSED = 14, 15  # kinds of elements
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_CODECS = {1: "utf-8", 2: "utf-8", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_CELL, _STRUCT, _TEXT, _OPAQUE = 1, 2, 4, 17  # classes of arrays; the last has objects, and another head
_NUMERIC = range(6, 16)
_MOST = 10_000  # numbers, letters or cells of a variable; cameras have fewer
_DEEPEST = 8  # levels of cells and structs
_HEAD, _NAMED = 128, 1024  # bytes of a file's head; of a variable, in which its name is


def _matlab_values(content: bytes, wanted: Collection[str]) -> dict[str, Any]:
    """Return variables of a .mat file: structs as mappings, cells as lists, arrays without axes of length 1.

    Raises:
        CameraError: the file is of no level that is read, or damaged.
    """
    order: _ByteOrder | None = {b"IM": "little", b"MI": "big"}.get(content[126:128])  # type: ignore[assignment]
    level = int.from_bytes(content[124:126], order or "little") >> 8
    if content.startswith(b"MATLAB 7.3") or (order and level == 2):
        raise CameraError("It is in MATLAB's format 7.3; save it in MATLAB with the option -v7.")
    if order is None or level != 1:
        raise CameraError("It is no file of MATLAB; save it in MATLAB with the option -v7.")
    found: dict[str, Any] = {}
    room = _LARGEST  # for what is compressed
    for kind, part in _elements(memoryview(content)[_HEAD:], order):
        packed = kind == _COMPRESSED
        beginning = _inflated(part, _NAMED) if packed else part[:_NAMED]
        if not packed and kind != _MATRIX:
            continue
        name = _head(_elements(beginning[8:] if packed else beginning, order), order)[2]
        if name not in wanted:
            continue
        if packed:
            whole = _inflated(part, room)
            room -= len(whole)
            kind, part = _next(_elements(whole, order))
        found[name] = _matrix(kind, part, order)
    return {name: value for name, value in found.items() if value is not None}


def _damaged(why: str) -> CameraError:
    return CameraError(f"It is damaged: {why}; copy it again from where it comes, or save it again with -v7.")


def _inflated(part: memoryview, most: int) -> memoryview:
    try:
        return memoryview(zlib.decompressobj().decompress(part, max(most, 1)))
    except zlib.error as error:
        raise _damaged("what it has packed cannot be unpacked") from error


def _elements(content: memoryview, order: _ByteOrder) -> _Elements:
    """Yield the elements that follow each other."""
    at = 0
    while at + 8 <= len(content):
        kind, size = (int.from_bytes(content[at + by : at + by + 4], order) for by in (0, 4))
        begins, ends = at + 8, at + 8 + size
        at = ends if kind == _COMPRESSED else ends + -size % 8
        if kind >> 16:  # up to four bytes, which stand in the place of their number
            kind, begins, ends = kind & 0xFFFF, begins - 4, begins - 4 + (kind >> 16)
            at = begins + 4
        if ends > min(len(content), at):
            raise _damaged("it is cut off")
        yield kind, content[begins:ends]


def _next(parts: _Elements) -> tuple[int, memoryview]:
    part = next(parts, None)
    if part is None:
        raise _damaged("it is cut off")
    return part


def _head(parts: _Elements, order: _ByteOrder) -> tuple[int, tuple[int, ...], str]:
    """Return class, shape and name of an array, with which its elements begin."""
    of_class = int.from_bytes(_next(parts)[1][:4], order) & 0xFF
    if of_class == _OPAQUE:
        return of_class, (), ""
    shape = tuple(int(length) for length in _numbers(5, _next(parts)[1], order))
    if not shape or min(shape) < 0:
        raise _damaged(f"an array has the shape {list(shape)}")
    return of_class, shape, bytes(_next(parts)[1]).decode("ascii")


def _numbers(kind: int, content: memoryview, order: _ByteOrder) -> np.ndarray:
    if kind not in _NUMBERS:
        raise _damaged(f"it has numbers of the unknown type {kind}")
    dtype = np.dtype(_NUMBERS[kind]).newbyteorder(order)
    return np.frombuffer(content, dtype) if len(content) else np.zeros(0)


def _matrix(kind: int, content: memoryview, order: _ByteOrder, *, level: int = 0) -> Any:
    """Return the value of an array; None of one that is too large for a camera's, or of another class."""
    if kind != _MATRIX or level > _DEEPEST:
        raise _damaged("it has something else where an array should be")
    if not len(content):
        return np.zeros(0)
    parts = _elements(content, order)
    of_class, shape, _ = _head(parts, order)
    count = math.prod(shape)
    if count > _MOST:
        return None
    if of_class in _NUMERIC:
        return _numbers(*_next(parts), order).astype(np.float64).reshape(shape, order="F").squeeze()
    if of_class == _TEXT:
        return _text(*_next(parts), order, shape) if count else ""
    if of_class == _CELL:
        return [_matrix(*_next(parts), order, level=level + 1) for _ in range(count)]
    return _struct(parts, count, order, level) if of_class == _STRUCT else None


def _text(kind: int, content: memoryview, order: _ByteOrder, shape: tuple[int, ...]) -> str | list[str]:
    if kind not in _CODECS:
        raise _damaged(f"it has a text of the unknown type {kind}")
    codec = _CODECS[kind] + ("" if _CODECS[kind] == "utf-8" else f"-{order[0]}e")
    letters = np.array(list(bytes(content).decode(codec))).reshape(shape, order="F")
    rows = ["".join(row).rstrip() for row in letters.reshape(shape[0], -1)]
    return rows[0] if len(rows) == 1 else rows


def _struct(parts: _Elements, count: int, order: _ByteOrder, level: int) -> Any:
    length = int(_numbers(*_next(parts), order).sum())
    names = bytes(_next(parts)[1])
    if length < 1 or len(names) > _MOST:
        raise _damaged(f"a struct has names of {length} letters")
    fields = [names[at : at + length].split(b"\0")[0].decode("ascii") for at in range(0, len(names), length)]
    entries = [{name: _matrix(*_next(parts), order, level=level + 1) for name in fields} for _ in range(count)]
    return entries[0] if count == 1 else entries


_READERS: Mapping[str, Callable[[Path], list[Camera]]] = {
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
    ".toml": _read_toml,
    ".mat": _read_mat,
}
