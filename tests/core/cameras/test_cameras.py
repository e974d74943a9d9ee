"""Cameras, their files, and points from several views; the truth is drawn, so that it is known."""

import contextlib
import dataclasses
import re
from pathlib import Path

import jax
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat
from scipy.spatial.transform import Rotation

from posecut_core.cameras.camera import Camera, at_one_place, distort, epipolar_line, project, ray, undistort
from posecut_core.cameras.files import read_cameras, write_cameras
from posecut_core.cameras.triangulation import triangulate
from posecut_core.errors import CameraError

MATRIX = np.array([[800.0, 0.0, 320.0], [0.0, 810.0, 240.0], [0.0, 0.0, 1.0]])
LENSES = {
    "none": ("pinhole", []),
    "polynomial": ("pinhole", [-0.28, 0.1, 0.001, -0.0005, 0.0]),
    "rational": ("pinhole", [0.3, 0.05, 0.001, -0.0005, 0.01, 0.5, 0.1, 0.01]),
    "fisheye": ("fisheye", [0.05, -0.01, 0.002, -0.0005]),
}


def ring(count: int = 4, *, lens: str = "polynomial", distance: float = 500.0) -> tuple[Camera, ...]:
    """Place cameras on a ring, looking at the world's origin."""
    model, coefficients = LENSES[lens]
    made = []
    for at in range(count):
        turned = Rotation.from_euler("yx", [360.0 * at / count / 1.7, 10.0 * at], degrees=True).as_matrix()
        bent, moved = np.array(coefficients), np.array([0.0, 0.0, distance])
        made.append(Camera(f"cam{at}", (640, 480), MATRIX, bent, turned, moved, model))
    return tuple(made)


def cloud(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-80, 80, (count, 3))


def seen(cameras: tuple[Camera, ...], points: np.ndarray) -> np.ndarray:
    return np.stack([project(camera, points) for camera in cameras], axis=-2)


@pytest.mark.parametrize("lens", LENSES)
@given(pixel=st.tuples(st.floats(0, 639), st.floats(0, 479)))
@settings(max_examples=20)
def test_distortion_and_its_inverse_round_trip(lens: str, pixel: tuple[float, float]) -> None:
    """A pixel's direction has that pixel, for every lens and anywhere in the image."""
    camera = ring(1, lens=lens)[0]
    there = np.array(pixel)
    assert distort(camera, undistort(camera, there)) == pytest.approx(there, abs=1e-6)


@pytest.mark.parametrize("lens", LENSES)
def test_points_lie_on_the_rays_of_their_pixels(lens: str) -> None:
    """A point in space is on the ray of each pixel in which it is seen."""
    points = cloud(20)
    for camera in ring(lens=lens):
        rays = ray(camera, project(camera, points))
        away = points - camera.center
        assert np.cross(rays, away) == pytest.approx(0.0, abs=1e-6)
        assert np.linalg.norm(rays, axis=-1) == pytest.approx(1.0)


@pytest.mark.parametrize("lens", LENSES)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(2, 6))
@settings(max_examples=6)
def test_projection_and_triangulation_round_trip(lens: str, seed: int, count: int) -> None:
    """Points come back from their pixels, and their pixels from the points, to a millionth."""
    cameras, points = ring(count, lens=lens), cloud(12, seed)
    found = triangulate(cameras, seen(cameras, points))
    assert found.points == pytest.approx(points, abs=1e-6)
    assert seen(cameras, found.points) == pytest.approx(seen(cameras, points), abs=1e-6)
    assert found.used.all()


def test_opencv_projects_to_the_same_pixels() -> None:
    """Cameras are OpenCV's, coefficient by coefficient."""
    cv2 = pytest.importorskip("cv2")
    points = cloud(20)
    for lens in LENSES:
        camera = ring(3, lens=lens)[2]
        turn = Rotation.from_matrix(camera.rotation).as_rotvec()
        where = (points[:, None], turn, camera.translation)
        theirs = cv2.fisheye.projectPoints if lens == "fisheye" else cv2.projectPoints
        pixels, _ = theirs(*where, camera.matrix, camera.distortion if len(camera.distortion) else None)
        assert project(camera, points) == pytest.approx(pixels[:, 0], abs=1e-8)


def test_projection_can_be_differentiated() -> None:
    """JAX computes the pixels that NumPy does, and their derivatives; the inverse has inverse derivatives."""
    camera, point = ring(2)[1], cloud(1)[0]
    with jax.enable_x64(True):
        pixel = project(camera, jax.numpy.asarray(point))
        assert np.asarray(pixel) == pytest.approx(project(camera, point))
        slopes = np.asarray(jax.jit(jax.jacfwd(lambda at: project(camera, at)))(jax.numpy.asarray(point)))
        forward = jax.jit(jax.jacfwd(lambda at: distort(camera, at)))(jax.numpy.asarray([0.1, -0.2]))
        there = distort(camera, jax.numpy.asarray([0.1, -0.2]))
        backward = jax.jit(jax.jacrev(lambda at: undistort(camera, at)))(there)
        assert np.asarray(forward @ backward) == pytest.approx(np.eye(2), abs=1e-9)
    step = 1e-4 * np.eye(3)
    numeric = (project(camera, point + step) - project(camera, point - step)).T / 2e-4
    assert slopes == pytest.approx(numeric, rel=1e-5, abs=1e-7)


def test_nothing_is_seen_behind_a_camera() -> None:
    """A point behind a camera has no pixel."""
    camera = ring(1)[0]
    assert np.isnan(project(camera, np.array([0.0, 0.0, -600.0]))).all()


def test_views_that_are_wrong_do_not_count() -> None:
    """With a fifth of the pixels displaced, nearly all points are exact, and displaced views are told."""
    cameras, points = ring(6), cloud(300)
    pixels = seen(cameras, points)
    rng = np.random.default_rng(1)
    wrong = rng.random(pixels.shape[:-1]) < 0.2
    turn = rng.uniform(0, 2 * np.pi, wrong.shape)
    by = rng.uniform(20, 200, wrong.shape)[..., None] * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    found = triangulate(cameras, np.where(wrong[..., None], pixels + by, pixels))
    error = np.linalg.norm(found.points - points, axis=-1)
    assert np.nanmedian(error) < 1e-6
    assert np.nanpercentile(error, 95) < 1e-3
    assert (found.used == ~wrong).mean() > 0.97
    assert np.nanmedian(found.error[wrong]) > 20


def test_uncertainty_holds_the_truth_as_often_as_it_says() -> None:
    """Under noise of a pixel, nine in ten ellipsoids of 90 % hold the point, also where likelihoods differ."""
    cameras, points = ring(4), cloud(2000)
    rng = np.random.default_rng(2)
    likelihood = rng.uniform(0.7, 1.0, (2000, 4))
    noise = rng.normal(size=(2000, 4, 2)) / np.sqrt(likelihood[..., None])
    found = triangulate(cameras, seen(cameras, points) + noise, likelihood)
    off = found.points - points
    distance = np.einsum("ni,nij,nj->n", off, np.linalg.inv(found.covariance), off)
    assert 0.87 < (distance < 6.251).mean() < 0.93
    assert found.noise == pytest.approx(1.0, abs=0.05)


def test_jax_solves_many_points_as_numpy_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same points come out of both, so that their number changes nothing."""
    cameras, points = ring(3), cloud(200)
    pixels = seen(cameras, points) + np.random.default_rng(0).normal(size=(200, 3, 2))
    pixels[::7, 1] += 80
    few = triangulate(cameras, pixels)
    monkeypatch.setattr("posecut_core.cameras.triangulation._FEW", 0)
    monkeypatch.setattr("posecut_core.cameras.triangulation._CHUNK", 128)
    many = triangulate(cameras, pixels)
    np.testing.assert_allclose(many.points, few.points, atol=1e-5)
    np.testing.assert_array_equal(many.used, few.used)


def test_parts_of_a_recording_tell_the_noise_together() -> None:
    """What two halves tell, added up, is what the whole tells; the covariance of each follows from it."""
    cameras, points = ring(3), cloud(60)
    scale = np.where(np.arange(60) < 30, 0.3, 3.0)[:, None, None]
    pixels = seen(cameras, points) + scale * np.random.default_rng(0).normal(size=(60, 3, 2))
    whole, first, second = (triangulate(cameras, part) for part in (pixels, pixels[:30], pixels[30:]))
    together = first.evidence + second.evidence
    assert first.noise < 0.8 < 2.0 < second.noise
    assert together.noise == pytest.approx(whole.noise)
    assert (together.points, together.findings) == (60, ())
    covariance = first.covariance * (together.noise / first.noise) ** 2
    assert covariance == pytest.approx(whole.covariance[:30])


def test_two_confident_views_are_needed() -> None:
    """A point without two likely views is missing, and so are its errors; nothing else suffers."""
    cameras, points = ring(3), cloud(4)
    pixels, likelihood = seen(cameras, points), np.ones((4, 3))
    likelihood[0, :2] = 0.1
    pixels[1, 1:] = np.nan
    found = triangulate(cameras, pixels, likelihood)
    assert np.isnan(found.points[:2]).all()
    assert np.isnan(found.error[:2]).all()
    assert found.points[2:] == pytest.approx(points[2:], abs=1e-6)
    nothing = triangulate(cameras, np.full((4, 3, 2), np.nan))
    assert np.isnan(nothing.points).all()
    assert "No point is seen by two cameras" in nothing.evidence.findings[0]


def test_two_views_that_disagree_make_no_point() -> None:
    """Nobody can tell which of them is wrong, so there is no place rather than a wrong one; the limit decides."""
    cameras, points = ring(2), cloud(4)
    pixels = seen(cameras, points)
    pixels[0, 1] += 40.0
    found = triangulate(cameras, pixels)
    assert np.isnan(found.points[0]).all()
    assert found.points[1:] == pytest.approx(points[1:], abs=1e-6)
    assert found.evidence.findings == ("Of 1 of 4 points no two views agree",)
    assert np.isfinite(triangulate(cameras, pixels, max_error=1000.0).points).all()


def test_cameras_too_close_have_no_depth() -> None:
    """Cameras at one place are refused, and points whose rays are parallel are missing, with a reason."""
    camera = ring(1)[0]
    there = (camera, dataclasses.replace(camera, name="other"))
    with pytest.raises(CameraError, match="same place"):
        triangulate(there, np.zeros((1, 2, 2)))
    near = (camera, dataclasses.replace(camera, name="other", translation=camera.translation + np.array([0.5, 0, 0])))
    found = triangulate(near, seen(near, cloud(3)))
    assert np.isnan(found.points).all()
    assert "parallel" in found.evidence.findings[0]


@pytest.mark.parametrize(("apart", "together"), [(1e-4, True), (1e-2, False)])
def test_two_cameras_are_at_one_place_by_one_limit(apart: float, together: bool) -> None:
    """A millionth of the distance to the world's origin: for lines in the other view as for points in space."""
    one = ring(1)[0]  # 500 from the origin
    other = dataclasses.replace(one, name="twin", translation=one.translation + np.array([apart, 0, 0]))
    refused = pytest.raises(CameraError, match="same place") if together else contextlib.nullcontext()
    with refused:
        triangulate((one, other), np.zeros((1, 2, 2)))
    with refused:
        epipolar_line(one, np.array([1.0, 2.0]), other)
    assert at_one_place(one, other) == at_one_place(other, one) == together


def test_an_epipolar_line_goes_through_the_point() -> None:
    """The other camera sees the point on the curve, and two cameras at one place have none."""
    one, other = ring(2)
    point = np.array([10.0, -20.0, 30.0])
    line = epipolar_line(one, project(one, point), other, parts=20000)
    assert np.linalg.norm(line - project(other, point), axis=-1).min() < 0.5
    with pytest.raises(CameraError, match="same place"):
        epipolar_line(one, np.array([1.0, 2.0]), dataclasses.replace(one, name="twin"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"matrix": np.eye(3)[:2]}, "2 x 3, expected 3 x 3"),
        ({"matrix": -np.eye(3)}, "positive focal lengths"),
        ({"rotation": np.diag([1.0, 1.0, -1.0])}, "left-handed"),
        ({"size": (0, 720)}, "are 0 x 720 pixels, expected 1 x 1 or more"),
        ({"rotation": np.ones((3, 3))}, "not perpendicular"),
        ({"translation": np.array([np.nan, 0, 0])}, "not finite"),
        ({"distortion": np.array([-2.0, 0, 0, 0])}, "folds"),
        ({"distortion": np.array([1.0, 2.0, 3.0])}, "3 distortion coefficients"),
    ],
)
def test_cameras_that_cannot_be_are_refused(change: dict[str, object], told: str) -> None:
    """Each fault has one sentence that names the camera."""
    with pytest.raises(CameraError, match=told) as caught:
        dataclasses.replace(ring(1)[0], **change)  # type: ignore[arg-type]
    assert "cam0" in str(caught.value)


# --- files ------------------------------------------------------------------------------------------------------------


def assert_same(one: tuple[Camera, ...], other: tuple[Camera, ...], *, size: bool = True) -> None:
    assert [camera.name for camera in one] == [camera.name for camera in other]
    for mine, theirs in zip(one, other, strict=True):
        assert mine.model == theirs.model
        assert mine.size == theirs.size or not size
        for key in ("matrix", "rotation", "translation"):
            assert getattr(mine, key) == pytest.approx(getattr(theirs, key), abs=1e-9)
        np.testing.assert_allclose(project(mine, cloud(5)), project(theirs, cloud(5)), atol=1e-6)


@pytest.mark.parametrize("lens", LENSES)
@pytest.mark.parametrize("suffix", ["yaml", "toml"])
@given(names=st.lists(st.text("aß\"\\'. :#-\n雪", min_size=1, max_size=8), min_size=2, max_size=3, unique=True))
@settings(max_examples=5)
def test_cameras_written_are_read_again(
    lens: str, suffix: str, names: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Ours and Anipose's file hold every camera, whatever its name."""
    path = tmp_path_factory.mktemp("cameras") / f"cameras.{suffix}"
    cameras = tuple(
        dataclasses.replace(camera, name=name) for camera, name in zip(ring(len(names), lens=lens), names, strict=True)
    )
    write_cameras(path, cameras)
    assert_same(read_cameras(path), cameras)


def test_caliscope_s_cameras_are_read(tmp_path: Path) -> None:
    """A rotation may be a matrix, and the camera be called by its number."""
    camera = ring(2)[1]
    table = {
        "size": [640, 480],
        "matrix": camera.matrix.tolist(),
        "distortions": camera.distortion.tolist(),
        "translation": camera.translation.tolist(),
        "rotation": camera.rotation.tolist(),
    }
    lines = "\n".join(f"{key} = {value}" for key, value in table.items())
    (tmp_path / "camera_array.toml").write_text(f"[cameras.1]\ncam_id = 1\n{lines}\n")
    assert_same(read_cameras(tmp_path / "camera_array.toml"), (dataclasses.replace(camera, name="cam_1"),))


def test_opencv_s_cameras_are_read(tmp_path: Path) -> None:
    """What OpenCV's FileStorage writes is read: a camera, and a stereo pair in two files."""
    cv2 = pytest.importorskip("cv2")
    left, right = ring(2)

    def store(name: str, **values: object) -> Path:
        storage = cv2.FileStorage(str(tmp_path / name), cv2.FILE_STORAGE_WRITE)
        for key, value in values.items():
            storage.write(key, value)
        storage.release()
        return tmp_path / name

    size = {"image_width": 640, "image_height": 480}
    single = store("cam1.yml", camera_matrix=right.matrix, distortion_coefficients=right.distortion, **size)
    alone = dataclasses.replace(right, name="cam1", rotation=np.eye(3), translation=np.zeros(3))
    assert_same(read_cameras(single), (alone,))
    both = store("intrinsics.yml", M1=left.matrix, D1=left.distortion, M2=right.matrix, D2=right.distortion, **size)
    turned = right.rotation @ left.rotation.T
    moved = right.translation - turned @ left.translation
    store("extrinsics.yml", R=turned, T=moved)
    first = dataclasses.replace(left, name="left", rotation=np.eye(3), translation=np.zeros(3))
    second = dataclasses.replace(right, name="right", rotation=turned, translation=moved)
    assert_same(read_cameras(both), (first, second))


def test_cameras_of_matlab_are_read(tmp_path: Path) -> None:
    """DANNCE's rows become columns and its pixels begin at 0; Bouguet's stereo pair has its places."""
    cameras = ring(2)
    told = []
    for camera in cameras:
        matrix = camera.matrix + np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]])
        radial, tangential = camera.distortion[[0, 1, 4]], camera.distortion[2:4]
        told.append({"K": matrix.T, "r": camera.rotation.T, "t": camera.translation[None]})
        told[-1] |= {"RDistort": radial[None], "TDistort": tangential[None]}
    names = np.array([camera.name for camera in cameras], dtype=object)
    savemat(tmp_path / "label3d.mat", {"params": np.array(told, dtype=object)[:, None], "camnames": names})
    assert_same(read_cameras(tmp_path / "label3d.mat"), cameras, size=False)
    left, right = cameras
    values = {"R": right.rotation, "T": right.translation, "nx": 640, "ny": 480}
    for side, camera in (("left", left), ("right", right)):
        values |= {f"fc_{side}": np.diag(camera.matrix)[:2], f"cc_{side}": camera.matrix[:2, 2]}
        values |= {f"kc_{side}": camera.distortion, f"alpha_c_{side}": 0.0}
    savemat(tmp_path / "stereo.mat", values)
    there = dataclasses.replace(left, name="left", rotation=np.eye(3), translation=np.zeros(3))
    assert_same(read_cameras(tmp_path / "stereo.mat"), (there, dataclasses.replace(right, name="right")))


def _entry(**changes: str) -> str:
    """Write a cameras.yaml with one camera, in which something is wrong."""
    usual = {"size": "[4, 3]", "matrix": "[[5, 0, 2], [0, 5, 1], [0, 0, 1]]", "distortion": "[]", "model": "pinhole"}
    usual |= {"rotation": "[0, 0, 0]", "translation": "[0, 0, 0]"}
    return f"cameras: [{{name: a, {', '.join(f'{key}: {value}' for key, value in (usual | changes).items())}}}]"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("cameras.yaml", "cameras: [{name: a, model: pinhole}]", "Camera a has no size, matrix, distortion"),
        ("cameras.yaml", "cameras: [{}]", "Camera without a name has no name, size"),
        ("cameras.yaml", "a: 1\ncameras: [", "It is not valid YAML, see line 2; correct it"),
        ("cameras.yaml", "cameras: 3", "holds no cameras that can be read"),
        ("cameras.yaml", "cameras: [3]", "Its list of cameras is 3, expected lines"),
        ("cameras.yaml", "cameras: []", "Found 0 cameras, expected at least 1"),
        ("cameras.yaml", "schema: 99\ncameras: []", "newer PoseCut"),
        ("cameras.yaml", "schema: one\ncameras: []", "Found 0 cameras"),
        ("cameras.yaml", "- 1", "Its content is \\[1\\], expected lines"),
        ("cameras.yaml", "one: two", "it has no camera_matrix; expected cameras of PoseCut, Anipose"),
        ("cameras.yaml", "M1: [1]", "The stereo calibration has no D1, M2, D2, R, T"),
        ("cameras.yaml", "K: {rows: 3, cols: 3, data: [1, 2]}", "The camera_matrix has 2 numbers for 3 x 3"),
        ("cameras.yaml", "K: {data: [1, 2]}", "The camera_matrix has no rows, cols"),
        ("cameras.yaml", "K: left", "The camera_matrix is 'left', expected numbers"),
        ("cameras.yaml", _entry(model="omni"), "The model of camera a is 'omni', expected pinhole or fisheye"),
        ("cameras.yaml", _entry(size="[.inf, 1]"), "The size of camera a is \\[inf, 1\\], expected width and height"),
        ("cameras.yaml", _entry(size="[1, 2, 3]"), "The size of camera a is"),
        ("cameras.yaml", _entry(matrix="[[1, 2], [3]]"), "The matrix of camera a is .*, expected numbers"),
        ("cameras.yaml", _entry(distortion="[few]"), "The distortion of camera a is .*, expected numbers"),
        ("cameras.yaml", _entry(rotation="{a: 1}"), "The rotation of camera a is .*, expected numbers"),
        ("cameras.yaml", _entry(translation="soon"), "The translation of camera a is 'soon', expected numbers"),
        ("cameras.toml", "[board]\nrows = 3", "it has no matrix; expected cameras of PoseCut, Anipose"),
        ("cameras.toml", "[cam_0]\nmatrix = 1", "no camera of it has a rotation"),
        ("cameras.toml", "[cam_0]\nmatrix = 1\nrotation = 2", "Camera cam_0 has no translation"),
        ("cameras.toml", "\n[cam_0\n", "It is not valid TOML, see line 2; correct it"),
        ("cameras.toml", b"a = '\xff'", "It is no text in UTF-8"),
        ("cameras.mat", "no matrices", "It is no file of MATLAB; save it in MATLAB with the option -v7"),
        ("stereo_params.pickle", "", "can run code"),
        ("cameras.csv", "", "no file of cameras"),
        ("cameras.yaml", None, "Found no file or folder"),
    ],
)
def test_files_without_cameras_are_refused(tmp_path: Path, name: str, text: str | bytes | None, told: str) -> None:
    """Each fault of a file has one sentence that names the file, in no words of a library."""
    if text is not None:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CameraError, match=told) as caught:
        read_cameras(tmp_path / name)
    assert str(caught.value).count(name) == 1 + ("newer" in told)
    assert not re.search(r"convert|argument|object|iterable|attribute|decode|\(at ", str(caught.value))


def test_a_damaged_file_of_matlab_is_refused(tmp_path: Path) -> None:
    """What MATLAB compressed and a disk spoiled is refused in one sentence."""
    savemat(tmp_path / "cameras.mat", {"K": np.eye(3), "r": np.eye(3), "t": np.zeros(3)}, do_compression=True)
    content = bytearray((tmp_path / "cameras.mat").read_bytes())
    content[-20:] = bytes(20)
    (tmp_path / "cameras.mat").write_bytes(content)
    with pytest.raises(CameraError, match=r"cameras\.mat: It is damaged: .* cannot be unpacked; copy it again"):
        read_cameras(tmp_path / "cameras.mat")
    for values, told in (
        ({"params": np.array([{"K": np.eye(3)}] * 2, dtype=object), "camnames": "one"}, "has 1 camnames for 2 cameras"),
        ({"params": np.array([{"K": np.eye(3)}] * 2, dtype=object)}, "Camera Camera1 has no R, T"),
        ({"K": np.eye(2), "r": np.eye(3), "t": np.zeros(3)}, "2 x 2, expected 3 x 3"),
        ({"fc": np.ones(3), "cc": np.ones(2), "kc": np.zeros(5)}, "are not 2, 2 and 1 numbers"),
        ({"fc_left": np.ones(2)}, "The stereo calibration has no fc_right"),
        ({"other": 1.0}, "it has neither params nor K nor fc"),
    ):
        savemat(tmp_path / "cameras.mat", values)
        with pytest.raises(CameraError, match=told):
            read_cameras(tmp_path / "cameras.mat")


def _of_matlab(path: Path, *, compressed: bool) -> bytes:
    """Write two cameras as DANNCE does, beside other things that MATLAB keeps."""
    told = [{"K": camera.matrix.T, "r": camera.rotation.T, "t": camera.translation[None]} for camera in ring(2)]
    names = np.array(["left", "right"], dtype=object)
    other = {"labelData": np.array([{"frame": np.arange(30.0)}], dtype=object), "t": np.arange(20_000.0)}
    values = {"params": np.array(told, dtype=object)[:, None], "camnames": names, **other}
    savemat(path, values, do_compression=compressed)
    return path.read_bytes()


def _answer(path: Path) -> str:
    """Return what is said of a file of cameras that may be damaged."""
    try:
        return f"{path}: {len(read_cameras(path))} cameras"
    except CameraError as error:
        return str(error)


@pytest.mark.parametrize("compressed", [False, True])
def test_damaged_files_of_matlab_are_read_or_refused(tmp_path: Path, compressed: bool) -> None:
    """Whatever bytes are wrong, there are cameras or a sentence that names the file; lengths are not taken on trust."""
    path, rng = tmp_path / "cameras.mat", np.random.default_rng(0)
    whole = _of_matlab(path, compressed=compressed)
    assert [camera.name for camera in read_cameras(path)] == ["left", "right"]
    for _ in range(150):
        content = bytearray(whole)
        begin = 0 if compressed or rng.random() < 0.1 else 128
        for place in rng.integers(begin, min(len(content), 3000), rng.integers(1, 5)):
            content[place] = rng.choice([0, 1, 14, 15, 127, 128, 255])
        path.write_bytes(content[: rng.integers(64, len(content))] if rng.random() < 0.2 else content)
        assert "cameras.mat" in _answer(path)


def test_matlab_s_files_of_either_byte_order_are_read(tmp_path: Path) -> None:
    """Big numbers may come first; short elements stand within their tags."""

    def element(kind: int, content: bytes) -> bytes:
        return kind.to_bytes(4, "big") + len(content).to_bytes(4, "big") + content + bytes(-len(content) % 8)

    def matrix(name: str, values: np.ndarray) -> bytes:
        short = (len(name) << 16 | 1).to_bytes(4, "big") + name.encode().ljust(4, b"\0")
        shape = np.array(values.shape, ">i4").tobytes()
        data = values.astype(">f8").tobytes(order="F")
        return element(14, element(6, bytes([0, 0, 0, 6] + [0] * 4)) + element(5, shape) + short + element(9, data))

    camera = ring(2)[1]
    matrix_of_matlab = camera.matrix.T + np.array([[0, 0, 0], [0, 0, 0], [1, 1, 0]])
    parts = {"K": matrix_of_matlab, "r": camera.rotation.T, "t": camera.translation[None]}
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI"
    (tmp_path / "cam1.mat").write_bytes(head + b"".join(matrix(name, values) for name, values in parts.items()))
    (found,) = read_cameras(tmp_path / "cam1.mat")
    assert found.matrix == pytest.approx(camera.matrix)
    assert found.rotation == pytest.approx(camera.rotation)
    (tmp_path / "cam1.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(600))
    with pytest.raises(CameraError, match="save it in MATLAB with the option -v7"):
        read_cameras(tmp_path / "cam1.mat")


def test_a_camera_of_a_file_that_cannot_be_is_refused_by_name(tmp_path: Path) -> None:
    """The sentence names the file and the camera."""
    path = tmp_path / "cameras.yaml"
    write_cameras(path, ring(2))
    content = yaml.safe_load(path.read_text())
    content["cameras"][1]["rotation"][0][0] = 7.0
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(CameraError, match=r"cameras\.yaml: The rotation of camera cam1"):
        read_cameras(path)


def test_cameras_that_a_format_cannot_hold_are_not_written(tmp_path: Path) -> None:
    """Nothing is written for Anipose with a skew, under one name, or under an unknown ending."""
    camera = ring(1)[0]
    skewed = dataclasses.replace(camera, matrix=camera.matrix + np.array([[0, 2.0, 0], [0, 0, 0], [0, 0, 0]]))
    for name, cameras, told in [
        ("a.toml", (skewed,), "skew"),
        ("a.yaml", (camera, camera), "a name of its own"),
        ("a.txt", (camera,), "end its name"),
    ]:
        with pytest.raises(CameraError, match=told):
            write_cameras(tmp_path / name, cameras)
    assert list(tmp_path.iterdir()) == []
