"""Measure cameras on real recordings: points in space, their uncertainty, speed, and calibration from boards.

    python tests/benchmarks/triangulation.py [--data FOLDER] [--peer PYTHON] [--points 1000000]

`--data` holds `six_cameras/mouse_1.mat` (DANNCE's demo: 81 moments, 22 points, 6 cameras), `stereo` (14 pairs of a
checkerboard with Bouguet's results) and `charuco` (three videos of a ChArUco board with caliscope's results). `--peer`
is an interpreter that has aniposelib 0.8.0, which triangulates the same (with RANSAC a hundred points); it
knows no skew, so pixels are freed of it.

The last line is one JSON object. Of six_cameras: `clean_median_mm` and `clean_p95_mm` from the pixels as they are,
`outliers_*` with a fifth of them displaced by 20 to 200 pixels, `ellipsoids_90` is the part of 90 % ellipsoids that
hold the truth under noise of a pixel, `speed_cpu_s` and `speed_wall_s` are for `--points` points with such noise,
compiling included, and `round_trip_px` is how far pixels come back. Of stereo: the greatest deviations from Bouguet's
focal lengths and principal points, and the RMS of all corners. Of charuco: RMS of each camera's own lens, as the stored
answers have it (0.541, 0.401, 0.366), RMS together, and how far the distances of the cameras are from theirs.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from PIL import Image
from scipy.io import loadmat

from posecut_core.cameras.boards import Board, find_boards
from posecut_core.cameras.calibration import calibrate
from posecut_core.cameras.camera import Camera, project
from posecut_core.cameras.files import read_cameras, write_cameras
from posecut_core.cameras.triangulation import triangulate
from posecut_core.video.reader import VideoReader
from tests.benchmarks.openfield import parser, print_result

CHI2_90 = 6.251  # of three degrees of freedom
_PEER = """
import json, sys, time
import numpy as np
from aniposelib.cameras import CameraGroup
group, pixels = CameraGroup.load(sys.argv[1]), np.load(sys.argv[2])
flat = np.moveaxis(pixels.reshape(-1, *pixels.shape[-2:]), 1, 0)
start = time.process_time()
plain = group.triangulate(flat, progress=False)
middle = time.process_time()
some = np.flatnonzero(np.isfinite(flat).all(axis=(0, 2)))[:100]  # of ransac, which takes seconds for a few
robust = np.full_like(plain, np.nan)
robust[some] = group.triangulate_ransac(flat[:, some], progress=False)[0]
np.save(sys.argv[3], np.stack([plain, robust]))
print(json.dumps([middle - start, time.process_time() - middle, len(flat[0]), len(some)]))
"""


def main() -> int:
    made = parser(__doc__ or "")
    made.add_argument("--peer", metavar="PYTHON", help="interpreter that has aniposelib, to run beside")
    made.add_argument("--points", type=int, default=1_000_000, help="that speed is measured with")
    arguments = made.parse_args()
    result = six_cameras(arguments) | stereo(arguments.data / "stereo") | charuco(arguments.data / "charuco")
    print_result({key: round(value, 6) if isinstance(value, float) else value for key, value in result.items()})
    return 0


def mouse(path: Path) -> tuple[tuple[Camera, ...], np.ndarray, np.ndarray]:
    """Return the cameras, the pixels [T, K, C, 2], counted from 0, and the points [T, K, 3] in mm."""
    labels = loadmat(path, simplify_cells=True)["labelData"]
    pixels = np.stack([entry["data_2d"].reshape(81, 22, 2) - 1 for entry in labels], axis=2)
    return read_cameras(path), pixels, labels[0]["data_3d"].reshape(81, 22, 3)


def displaced(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Displace a fifth of the pixels by 20 to 200 pixels, each in a direction of its own."""
    turn, far = rng.uniform(0, 2 * np.pi, pixels.shape[:-1]), rng.uniform(20, 200, pixels.shape[:-1])
    by = far[..., None] * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    return np.where(rng.random(pixels.shape[:-1])[..., None] < 0.2, pixels + by, pixels)


def errors(points: np.ndarray, truth: np.ndarray, name: str) -> dict[str, float]:
    away = np.linalg.norm(points - truth, axis=-1)
    low, high = np.nanpercentile(away, [50, 95])
    lost = int(np.isnan(away).sum() - np.isnan(truth[..., 0]).sum())
    return {f"{name}_median_mm": float(low), f"{name}_p95_mm": float(high), f"{name}_missing": lost}


def six_cameras(arguments: argparse.Namespace) -> dict[str, float]:
    cameras, pixels, truth = mouse(arguments.data / "six_cameras" / "mouse_1.mat")
    rng = np.random.default_rng(0)
    wrong = displaced(pixels, rng)
    clean = triangulate(cameras, pixels)
    result = errors(clean.points, truth, "clean") | errors(triangulate(cameras, wrong).points, truth, "outliers")
    images = np.stack([project(camera, clean.points) for camera in cameras], axis=2)
    result["round_trip_px"] = float(np.nanmax(np.linalg.norm(images - pixels, axis=-1)))
    noisy = triangulate(cameras, pixels + rng.normal(size=pixels.shape))
    known = np.isfinite(noisy.points[..., 0]) & np.isfinite(truth[..., 0])
    off = (noisy.points - truth)[known]
    away = np.einsum("ni,nij,nj->n", off, np.linalg.inv(noisy.covariance[known]), off)
    result["ellipsoids_90"] = float((away < CHI2_90).mean())
    result |= errors(noisy.points, truth, "noise_1px") | speed(cameras, pixels[known], arguments.points, rng)
    if arguments.peer:
        result |= peer(arguments.peer, cameras, {"clean": pixels, "outliers": wrong}, truth)
    return result


def speed(cameras: tuple[Camera, ...], pixels: np.ndarray, count: int, rng: np.random.Generator) -> dict[str, float]:
    many = pixels[rng.integers(0, len(pixels), count)] + rng.normal(size=(count, *pixels.shape[1:]))
    wall, start = time.perf_counter(), time.process_time()
    triangulate(cameras, many)
    return {
        "speed_points": count,
        "speed_cpu_s": time.process_time() - start,
        "speed_wall_s": time.perf_counter() - wall,
        "load": os.getloadavg()[0],
    }


def peer(python: str, cameras: tuple[Camera, ...], views: dict[str, np.ndarray], truth: np.ndarray) -> dict[str, float]:
    """Let aniposelib triangulate the same."""
    result: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_cameras(place / "cameras.toml", [without_skew(camera) for camera in cameras])
        for name, pixels in views.items():
            parts = [freed(camera, pixels[..., at, :]) for at, camera in enumerate(cameras)]
            np.save(place / "pixels.npy", np.stack(parts, axis=-2))
            command = [python, "-c", _PEER, *(str(place / part) for part in ("cameras.toml", "pixels.npy", "out.npy"))]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            plain, robust = np.load(place / "out.npy")
            seconds = json.loads(done.stdout.splitlines()[-1])
            result |= errors(plain.reshape(truth.shape), truth, f"peer_{name}")
            tried = np.isfinite(robust).all(axis=-1)
            result |= errors(robust[tried], truth.reshape(-1, 3)[tried], f"peer_ransac_{name}")
            result[f"peer_{name}_cpu_ms_per_point"] = 1000 * seconds[0] / seconds[2]
            result[f"peer_ransac_{name}_cpu_ms_per_point"] = 1000 * seconds[1] / seconds[3]
            start = time.process_time()
            triangulate(cameras, pixels)
            result[f"{name}_cpu_ms_per_point"] = 1000 * (time.process_time() - start) / truth[..., 0].size
    return result


def without_skew(camera: Camera) -> Camera:
    matrix = camera.matrix.copy()
    matrix[0, 1] = 0
    return Camera(camera.name, camera.size, matrix, camera.distortion, camera.rotation, camera.translation)


def freed(camera: Camera, pixels: np.ndarray) -> np.ndarray:
    """Return the pixels of the same directions in the camera without skew."""
    slant = camera.matrix[0, 1] / camera.matrix[1, 1] * (pixels[..., 1] - camera.matrix[1, 2])
    return np.stack([pixels[..., 0] - slant, pixels[..., 1]], axis=-1)


def stereo(folder: Path) -> dict[str, float]:
    board = Board(10, 7, 30.0, kind="checkerboard")
    seen = {}
    for side in ("left", "right"):
        images = ((at, np.array(Image.open(folder / f"{side}{at:02d}.jpg").convert("RGB"))) for at in range(1, 15))
        seen[side] = find_boards(board, images)
    found = calibrate(board, seen)
    theirs = [read_cameras(folder / f"Calib_Results_{side}.mat")[0] for side in seen]
    pairs = list(zip(found.cameras, theirs, strict=True))
    focal = max(np.abs(np.diag(a.matrix)[:2] / np.diag(b.matrix)[:2] - 1).max() for a, b in pairs)
    center = max(np.abs(a.matrix[:2, 2] - b.matrix[:2, 2]).max() for a, b in pairs)
    every = np.concatenate([*found.residuals.values()])
    return {
        "stereo_focal_percent": float(100 * focal),
        "stereo_center_px": float(center),
        "stereo_rms_px": float(np.sqrt((every**2).sum(axis=1).mean())),
        "stereo_baseline_mm": float(np.linalg.norm(found.cameras[0].center - found.cameras[1].center)),
    }


def charuco(folder: Path) -> dict[str, object]:
    board = Board(4, 5, 54.0, inverted=True)
    seen = {}
    for at in range(3):
        with VideoReader(folder / f"cam_{at}.mp4") as reader:
            seen[f"cam_{at}"] = find_boards(board, reader.frames())
    found = calibrate(board, seen)
    theirs = read_cameras(folder / "camera_array.toml")[: len(seen)]
    off = [
        np.linalg.norm(mine[0].center - mine[1].center) / 1000 / np.linalg.norm(other[0].center - other[1].center) - 1
        for mine, other in zip(*(itertools.combinations(group, 2) for group in (found.cameras, theirs)), strict=True)
    ]
    return {
        "charuco_lens_rms_px": {name: round(rms, 3) for name, rms in found.lens_rms.items()},
        "charuco_rms_px": {name: round(rms, 3) for name, rms in found.rms.items()},
        "charuco_distance_percent": float(100 * np.abs(off).max()),
        "charuco_findings": list(found.findings),
    }


if __name__ == "__main__":
    sys.exit(main())
