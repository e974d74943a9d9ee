"""A calibrated camera: how a point in space becomes a pixel, and a pixel a ray.

The model is OpenCV's: a point of the world is turned and moved into the camera (x right, y down, z forward), divided by
its depth, distorted, and taken to pixels by the camera matrix, of which the skew counts too. Distortion is OpenCV's
polynomial (k1, k2, p1, p2, k3) or rational model (and k4, k5, k6), or the four coefficients of its fisheye model.

Functions of points take NumPy arrays or JAX arrays and return the same, batched over all axes before the last; in JAX
they can be differentiated and compiled. Pixels are those of the full frame; (0, 0) is the center of the top left one.

Sources: OpenCV's documentation of `calib3d` and of `fisheye`; Kannala and Brandt 2006, IEEE PAMI 28(8), for fisheyes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Float64

from posecut_core.errors import CameraError
from posecut_core.results import counted

LensModel = Literal["pinhole", "fisheye"]
COEFFICIENTS: dict[LensModel, tuple[int, ...]] = {"pinhole": (0, 4, 5, 8), "fisheye": (0, 4)}
_STEPS = 12  # of Newton's method; it needs five or six for usual lenses
_CONVERGED = 1e-9  # of a coordinate at depth 1: a millionth of a pixel
_TURNED = 1e-3  # how far a rotation's rows may be from perpendicular, as printed with few digits
_APART = 1e-6  # of the distance to the world's origin, or of the unit: cameras that are closer are at one place
_NEAR_AXIS = 1e-8  # squared distance from the axis below which a fisheye's scale is its limit


@dataclass(frozen=True, eq=False)
class Camera:
    """One camera, with its place in the world.

    Raises:
        CameraError: frames have no pixels, a matrix is not of its shape or not finite, the rotation is none or
            left-handed, the number of distortion coefficients is unknown, or the distortion folds the image.
    """

    name: str
    size: tuple[int, int]  # width and height of its frames in pixels; (0, 0) where a file does not tell
    matrix: Float64[np.ndarray, "..."]  # 3 x 3: focal lengths, skew and principal point in pixels
    distortion: Float64[np.ndarray, "..."] = field(default_factory=lambda: np.zeros(5))
    rotation: Float64[np.ndarray, "..."] = field(default_factory=lambda: np.eye(3))  # 3 x 3: world to camera
    translation: Float64[np.ndarray, "..."] = field(default_factory=lambda: np.zeros(3))  # in the unit of the board
    model: LensModel = "pinhole"

    def __post_init__(self) -> None:
        shapes = {"matrix": (3, 3), "distortion": (self.distortion.size,), "rotation": (3, 3), "translation": (3,)}
        for key, shape in shapes.items():
            object.__setattr__(self, key, _checked(getattr(self, key), f"{key} of camera {self.name}", shape))
        self._check_size()
        self._check_matrix()
        self._check_rotation()
        self._check_distortion()

    @property
    def center(self) -> Float64[np.ndarray, "3"]:
        """Return where the camera is in the world."""
        return -self.rotation.T @ self.translation

    def _check_size(self) -> None:
        if self.size != (0, 0) and min(self.size) < 1:
            width, height = self.size
            raise CameraError(
                f"Frames of camera {self.name} are {width} x {height} pixels, expected 1 x 1 or more; correct the file."
            )

    def _check_matrix(self) -> None:
        matrix = self.matrix
        if matrix[0, 0] <= 0 or matrix[1, 1] <= 0 or np.any(matrix[2] != (0, 0, 1)) or matrix[1, 0] != 0:
            raise CameraError(
                f"The matrix of camera {self.name} is {matrix.round(2).tolist()}, expected [[fx, skew, cx], [0, fy, "
                "cy], [0, 0, 1]] with positive focal lengths; calibrate it again."
            )

    def _check_rotation(self) -> None:
        if np.abs(self.rotation @ self.rotation.T - np.eye(3)).max() > _TURNED:
            raise CameraError(
                f"The rotation of camera {self.name} is none: its rows are not perpendicular and of length 1; check "
                "the file that it comes from."
            )
        if np.linalg.det(self.rotation) < 0:
            raise CameraError(
                f"The rotation of camera {self.name} is left-handed (it mirrors the world); swap the sign of one axis "
                "in the program that wrote it."
            )

    def _check_distortion(self) -> None:
        allowed = COEFFICIENTS[self.model]
        if len(self.distortion) not in allowed:
            raise CameraError(
                f"Camera {self.name} has {len(self.distortion)} distortion coefficients, expected "
                f"{' or '.join(map(str, allowed))} of OpenCV's {self.model} model."
            )
        if min(self.size) > 0 and np.isnan(undistort(self, _border(self.size))).any():
            raise CameraError(
                f"The distortion of camera {self.name} folds its image: pixels near the border come from no direction. "
                "Calibrate it again with the board also near the borders, or with fewer coefficients."
            )


def _checked(value: Float64[np.ndarray, "..."], what: str, shape: tuple[int, ...]) -> Float64[np.ndarray, "..."]:
    if value.shape != shape:
        found = " x ".join(map(str, value.shape)) or "a single number"
        raise CameraError(f"The {what} is {found}, expected {' x '.join(map(str, shape))}.")
    if not np.isfinite(value).all():
        raise CameraError(f"The {what} holds numbers that are not finite; calibrate it again.")
    kept = value.copy()
    kept.flags.writeable = False
    return kept


def _border(size: tuple[int, int], *, parts: int = 16) -> Float64[np.ndarray, "P 2"]:
    """Return pixels along the border of the image."""
    along = np.linspace(0, 1, parts)
    square = [(part, edge) for part in along for edge in (0.0, 1.0)]
    return np.array([*square, *((y, x) for x, y in square)]) * (np.array(size) - 1)


def checked_cameras(cameras: Sequence[Camera], *, at_least: int = 1) -> tuple[Camera, ...]:
    """Return several cameras that can be used together.

    Raises:
        CameraError: there are too few, or two have one name.
    """
    names = [camera.name for camera in cameras]
    if len(names) < at_least:
        raise CameraError(
            f"Found {counted(len(names), 'camera')}, expected at least {at_least}; calibrate them together."
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise CameraError(f"Several cameras are called {', '.join(twice)}; give each a name of its own.")
    return tuple(cameras)


def at_one_place(one: Camera, other: Camera) -> bool:
    """Tell whether two cameras are so near to each other that they see no depth together."""
    far = max(1.0, *(float(np.linalg.norm(camera.center)) for camera in (one, other)))
    return float(np.linalg.norm(one.center - other.center)) <= _APART * far


# --- points -----------------------------------------------------------------------------------------------------------


def project(camera: Camera, points: Float[Any, "*B 3"]) -> Float[Any, "*B 2"]:
    """Return the pixels in which a camera sees points of the world; NaN for points behind it."""
    x, y, z = (_in_camera(camera, points, row) for row in range(3))
    xp = points.__array_namespace__()
    depth = xp.where(z > 0, z, xp.nan)
    return distort(camera, xp.stack([x / depth, y / depth], axis=-1))


def distort(camera: Camera, directions: Float[Any, "*B 2"]) -> Float[Any, "*B 2"]:
    """Return the pixels of directions, which are (x/z, y/z) in the camera; the inverse of `undistort`."""
    moved = distorted(directions, camera.distortion, camera.model)
    return pixels(moved, camera.matrix)


def undistort(camera: Camera, pixels: Float[Any, "*B 2"]) -> Float[Any, "*B 2"]:
    """Return the directions (x/z, y/z) in the camera in which pixels look.

    NaN where a pixel comes from no direction, which is beyond a fold of the distortion.
    """
    xp = pixels.__array_namespace__()
    matrix = camera.matrix
    y = (pixels[..., 1] - matrix[1, 2]) / matrix[1, 1]
    x = (pixels[..., 0] - matrix[0, 2] - matrix[0, 1] * y) / matrix[0, 0]
    return undistorted(xp.stack([x, y], axis=-1), camera.distortion, camera.model)


def ray(camera: Camera, pixels: Float[Any, "*B 2"]) -> Float[Any, "*B 3"]:
    """Return the directions of length 1 in the world in which pixels look, from the camera's `center`."""
    xp = pixels.__array_namespace__()
    direction = undistort(camera, pixels)
    x, y = direction[..., 0], direction[..., 1]
    length = xp.sqrt(x**2 + y**2 + 1.0)
    turned = [camera.rotation[0, i] * x + camera.rotation[1, i] * y + camera.rotation[2, i] for i in range(3)]
    return xp.stack([part / length for part in turned], axis=-1)


def epipolar_line(
    seen_by: Camera, pixel: Float64[np.ndarray, "2"], other: Camera, *, parts: int = 200
) -> Float64[np.ndarray, "L 2"]:
    """Return where in another camera's image the point may lie that one camera sees in a pixel.

    Where the other camera's lens distorts, this is a curve.

    Returns:
        Pixels from near the first camera to far away, at most `parts`: those in the other's image if its size is known.

    Raises:
        CameraError: the cameras are at the same place, where every depth has the same pixel.
    """
    if at_one_place(seen_by, other):
        raise CameraError(f"Cameras {seen_by.name} and {other.name} are at the same place; give others.")
    apart = float(np.linalg.norm(seen_by.center - other.center))
    # Evenly in the angle at the other camera, which makes points evenly apart in its image.
    along = apart * np.tan(np.linspace(0.01, 0.9999, parts) * np.pi / 2)
    line = project(other, seen_by.center + along[:, None] * ray(seen_by, pixel))
    if min(other.size) > 0:
        line = line[((line >= 0) & (line <= np.array(other.size) - 1)).all(axis=-1)]
    return line[np.isfinite(line).all(axis=-1)]


def _in_camera(camera: Camera, points: Float[Any, "*B 3"], row: int) -> Float[Any, "*B"]:
    turned = [camera.rotation[row, i] * points[..., i] for i in range(3)]
    return turned[0] + turned[1] + turned[2] + camera.translation[row]


# --- the lens alone ---------------------------------------------------------------------------------------------------
# Of arrays, which may all be JAX's: calibration differentiates by them.


def pixels(directions: Float[Any, "*B 2"], matrix: Float[Any, "3 3"]) -> Float[Any, "*B 2"]:
    """Return the pixels of distorted directions."""
    xp = directions.__array_namespace__()
    x, y = directions[..., 0], directions[..., 1]
    return xp.stack([matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2], matrix[1, 1] * y + matrix[1, 2]], axis=-1)


def distorted(directions: Float[Any, "*B 2"], coefficients: Float[Any, " D"], model: LensModel) -> Float[Any, "*B 2"]:
    """Return where directions (x/z, y/z) come to lie in the plane at depth 1."""
    xp = directions.__array_namespace__()
    x, y = directions[..., 0], directions[..., 1]
    scale, _ = _scale(x**2 + y**2, coefficients, model)
    p1, p2 = _tangential(coefficients, model)
    square = x**2 + y**2
    moved_x = scale * x + 2 * p1 * x * y + p2 * (square + 2 * x**2)
    moved_y = scale * y + p1 * (square + 2 * y**2) + 2 * p2 * x * y
    return xp.stack([moved_x, moved_y], axis=-1)


def distortion_slopes(
    directions: Float[Any, "*B 2"], coefficients: Float[Any, " D"], model: LensModel
) -> tuple[Float[Any, "*B"], Float[Any, "*B"], Float[Any, "*B"]]:
    """Return the derivatives of `distorted`: of x by x, of x by y, which is that of y by x, and of y by y."""
    x, y = directions[..., 0], directions[..., 1]
    scale, slope = _scale(x**2 + y**2, coefficients, model)
    p1, p2 = _tangential(coefficients, model)
    return (
        scale + 2 * slope * x**2 + 2 * p1 * y + 6 * p2 * x,
        2 * slope * x * y + 2 * p1 * x + 2 * p2 * y,
        scale + 2 * slope * y**2 + 6 * p1 * y + 2 * p2 * x,
    )


def undistorted(moved: Float[Any, "*B 2"], coefficients: Float[Any, " D"], model: LensModel) -> Float[Any, "*B 2"]:
    """Invert `distorted` by Newton's method; NaN where there is no inverse before the distortion folds."""
    xp = moved.__array_namespace__()
    if len(coefficients) == 0 and model == "pinhole":
        return moved

    def step(_: Any, found: Any) -> Any:
        xx, xy, yy = distortion_slopes(found, coefficients, model)
        off = distorted(found, coefficients, model) - moved
        step_x, step_y = yy * off[..., 0] - xy * off[..., 1], xx * off[..., 1] - xy * off[..., 0]
        return found - xp.stack([step_x, step_y], axis=-1) / (xx * yy - xy * xy)[..., None]

    with np.errstate(all="ignore"):  # beyond a fold
        found = repeat(_STEPS, step, moved if model == "pinhole" else _unbent(moved))
        xx, xy, yy = distortion_slopes(found, coefficients, model)
        upright = (xx * yy - xy * xy > 0) & (xx > 0)
        left = xp.abs(distorted(found, coefficients, model) - moved).max(axis=-1)
    return xp.where((upright & (left < _CONVERGED))[..., None], found, xp.nan)


def _unbent(moved: Float[Any, "*B 2"]) -> Float[Any, "*B 2"]:
    """Return where an ideal fisheye's directions are: its distance from the center is the angle."""
    xp = moved.__array_namespace__()
    square = moved[..., 0] ** 2 + moved[..., 1] ** 2
    angle = xp.sqrt(xp.where(square > _NEAR_AXIS, square, 1.0))
    stretch = xp.where(square > _NEAR_AXIS, xp.tan(xp.minimum(angle, 1.5)) / angle, 1.0)
    return moved * stretch[..., None]


def _tangential(coefficients: Float[Any, " D"], model: LensModel) -> tuple[Any, Any]:
    return (coefficients[2], coefficients[3]) if model == "pinhole" and len(coefficients) else (0.0, 0.0)


def _scale(
    square: Float[Any, "*B"], coefficients: Float[Any, " D"], model: LensModel
) -> tuple[Float[Any, "*B"], Float[Any, "*B"]]:
    """Return by what a direction is stretched, and the derivative of this by its squared distance from the axis."""
    if model == "fisheye":
        return _fisheye_scale(square, coefficients)
    k1, k2, _, _, k3, k4, k5, k6 = list(coefficients) + [0.0] * (8 - len(coefficients))
    above = 1 + square * (k1 + square * (k2 + square * k3))
    above_slope = k1 + square * (2 * k2 + 3 * k3 * square)
    below = 1 + square * (k4 + square * (k5 + square * k6))
    below_slope = k4 + square * (2 * k5 + 3 * k6 * square)
    return above / below, (above_slope - above / below * below_slope) / below


def _fisheye_scale(
    square: Float[Any, "*B"], coefficients: Float[Any, " D"]
) -> tuple[Float[Any, "*B"], Float[Any, "*B"]]:
    xp = square.__array_namespace__()
    k1, k2, k3, k4 = list(coefficients) + [0.0] * (4 - len(coefficients))
    away = square > _NEAR_AXIS
    safe = xp.where(away, square, 1.0)
    distance = xp.sqrt(safe)
    angle = xp.arctan(distance)
    bend = angle**2
    bent = angle * (1 + bend * (k1 + bend * (k2 + bend * (k3 + bend * k4))))
    bent_slope = (1 + bend * (3 * k1 + bend * (5 * k2 + bend * (7 * k3 + bend * 9 * k4)))) / (1 + safe)
    scale, slope = bent / distance, (bent_slope - bent / distance) / (2 * safe)
    return xp.where(away, scale, 1 + square * (k1 - 1 / 3)), xp.where(away, slope, k1 - 1 / 3 + 0 * square)


def repeat(count: int, step: Callable[[Any, Any], Any], state: Any) -> Any:
    """Do a step several times, with its number: one after the other in NumPy, as a loop that is compiled in JAX."""
    if isinstance(state[0], np.ndarray | np.floating):
        for number in range(count):
            state = step(number, state)
        return state
    import jax

    return jax.lax.fori_loop(0, count, step, state)
