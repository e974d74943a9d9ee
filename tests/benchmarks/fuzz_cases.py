"""What fuzz.py reads: a small project with every file that PoseCut reads, how each is broken, and how each is read."""

import csv
import hashlib
import io
import json
import math
import os
import random
import shutil
import struct
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

import av
import h5py
import imageio.v3 as iio
import numpy as np
import pandas as pd
from safetensors.numpy import save_file
from scipy.io import savemat

from napari_posecut.jobs.files import JobFolder, Outcome, Request, new_job_folder, progress_line
from posecut_core.assistant.proposals import Proposals, VideoProposals, read_proposals, write_proposals
from posecut_core.backbones.resnet import ResNetSpec
from posecut_core.cameras.files import read_cameras, write_cameras
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.dataset.settings import read_settings as read_training_settings
from posecut_core.dataset.split import read_revision, read_split
from posecut_core.demo.rig import true_cameras
from posecut_core.evaluation.tables import _read_bodypart_errors, _read_frame_errors, read_results
from posecut_core.formats.deeplabcut.images import ImageRecord, read_record, write_record
from posecut_core.health.doctor import doctor
from posecut_core.health.project import read_sums, sums_of, write_sums
from posecut_core.inference.video import _open_rows
from posecut_core.interchange.project_labels import project_labels
from posecut_core.interchange.registry import FORMATS, VideoPoses, format_of
from posecut_core.labels.exchange import import_table
from posecut_core.labels.images import _import_images, export_images
from posecut_core.labels.snapshots import read_snapshot
from posecut_core.labels.store import read_labels, write_labels
from posecut_core.labels.table import LabelTable
from posecut_core.model.initialization import _backbone_of_weights, _convert_weights, read_weights
from posecut_core.model.log import Metrics, append_log, read_log, start_log
from posecut_core.model.pose_net import NetworkSpec, initial_parameters
from posecut_core.model.snapshots import SnapshotInfo, load_parameters, read_info, save_snapshot
from posecut_core.model.step import initial_state
from posecut_core.poses.files import count_rows, read_predictions, write_predictions
from posecut_core.poses.predictions import AnalysisOrigin, Origin, Predictions, read_origin
from posecut_core.progress import Progress
from posecut_core.project.config import read_config
from posecut_core.project.opening import open_project
from posecut_core.project.paths import Project
from posecut_core.project.state import read_state
from posecut_core.refinement.candidates import Candidate, _read_candidates, _write_candidates
from posecut_core.storage.locks import read_note
from posecut_core.video.frame_store import FrameStore
from posecut_core.video.reader import VideoReader
from posecut_core.workflow.create_project import create_new_project
from posecut_core.workflow.create_training_dataset import create_training_dataset
from tests.thin_resnet import torchvision_tensors

PARTS = ("nose", "tail", "paw")
SCORER = "PoseCut_resnet18_FuzzOct30shuffle1_10"
TREE = {"a": {"kernel": np.arange(6.0, dtype=np.float32).reshape(2, 3)}, "b": np.ones(3, np.float32)}
SPEC = NetworkSpec(ResNetSpec(depth=18, width=0.25), PARTS)
NETWORK = "posecut-models/iteration-0"
Read = Callable[[Path, Path], object]  # given the project's folder and the broken file
Change = Callable[[bytes, random.Random], bytes]


@dataclass(frozen=True)
class Kind:
    """Files that are broken and read alike."""

    name: str
    share: int  # files of 50,000
    pattern: str  # of the files, below the project's folder
    read: Read
    changes: tuple[Change, ...] = ()  # those that know what the file is made of
    folder: bool = False  # whether the sentence names the folder, because people know only that
    also: str = ""  # another file that may be named, because the two do not fit


# --- the project ------------------------------------------------------------------------------------------------------


def make_project(folder: Path) -> Path:
    """Make a project with one of each file that is read, and return its folder."""
    for name, codec in VIDEOS.items():
        make_video(folder / "material" / name, codec)
    config = create_new_project("Fuzz", "me", [folder / "material/a.mp4"], folder, bodyparts=PARTS).config_path
    project = open_project(config)
    pictures = np.random.default_rng(0).integers(0, 255, (4, 24, 32, 3)).astype(np.uint8)
    store = FrameStore.open(project.frame_store("a"), create=True)
    store.append((number, image, (0, 0)) for number, image in enumerate(pictures))
    xy = np.random.default_rng(0).uniform(2, 20, (4, 3, 2)).round(2)
    xy[1, 2] = np.nan
    write_labels(project, LabelTable("a", PARTS, np.arange(4), xy))
    create_training_dataset(config, train_indices=[[0, 1, 2]], test_indices=[[3]], settings={"net_type": "resnet_18"})
    network = project.training(1).folder
    start_log(network / "log.csv", step=0)
    append_log(network / "log.csv", Metrics(1, 0.5, 0.1, 3.0, (1, 2)))
    state = initial_state(TREE, TrainingSettings())
    save_snapshot(network, SnapshotInfo(10, "FuzzOct30shuffle1", SPEC, 0.5), state)
    _results(project, xy)
    _work(project, xy)
    _foreign_labels(project)
    _exports(project)
    root = project.root
    _cameras(root / "cameras")
    save_file(torchvision_tensors(width=2), root / "weights.safetensors", metadata={"stride_in": "conv2"})
    with _open_rows(root / "part.rows", ROWS) as rows:
        rows.append(np.zeros((2, 3, 3)))
    write_sums(root, sums_of(root))
    for name in VIDEOS:
        shutil.copy(folder / "material" / name, root / "videos" / f"broken-{name}")
    return root


VIDEOS = {
    "a.mp4": "libx264",
    "b.avi": "mpeg4",
    "c.mkv": "libx264",
    "d.avi": "mjpeg",
    "e.ts": "libx264",
    "f.mpg": "mpeg1video",
    "g.mov": "mpeg4",
    "h.wmv": "wmv2",
    "i.webm": "libvpx",
    "j.h264": "libx264",
    "k.flv": "flv",
    "l.mp4": "libx265",
}
ROWS = AnalysisOrigin(SCORER, "aa", PARTS, "1-aa", 10, (0, 32, 0, 24), "PyAV")


def make_video(path: Path, codec: str) -> None:
    """Encode a dozen tiny frames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"x265-params": "log-level=none:pools=1"} if codec == "libx265" else {}
    if codec not in av.codecs_available:
        codec = "mpeg4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.gop_size = 64, 48, 5
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for number in range(12):
            image = np.full((48, 64, 3), 20 * number, np.uint8)
            image[8:24, number : number + 16] = 255 - 20 * number
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))


def _results(project: Project, xy: np.ndarray) -> None:
    """Write tables of predictions, and those that other programs leave beside them."""
    base = project.videos / f"a{SCORER}.h5"
    write_predictions(base, Predictions(SCORER, PARTS, xy, np.full((4, 3), 0.9)), csv=True, origin=Origin(ROWS))
    shutil.copy(base, base.with_name(f"{base.stem}_filtered.h5"))
    _write_candidates(
        base.with_name(f"{base.stem}_outliers.csv"), (Candidate(3, "jump", 1.5, ("nose",)),), predictions="aa"
    )
    folder = project.training(1).evaluation("").folder
    folder.mkdir(parents=True)
    fields = "Training iterations:,%Training dataset,Shuffle number, Train error(px), Test error(px),p-cutoff used,"
    fields += "Train error with p-cutoff,Test error with p-cutoff,Bodyparts,Expected calibration error,"
    fields += "Suggested p-cutoff\n10,95,1,1.5,2.5,0.6,1.4,2.4,all,0.1,0.5\n"
    (folder / f"{SCORER}-results.csv").write_text(fields)
    header = "bodypart, Train error(px), Test error(px),Train error with p-cutoff,Test error with p-cutoff"
    (folder / f"{SCORER}-keypoint-results.csv").write_text(
        f"{header},Train labels,Test labels\nnose,1.0,2.0,1.0,2.0,3,1\n"
    )
    (folder / f"{SCORER}-frame-results.csv").write_text("video,frame,set,mean error(px)\na,3,test,2.5\n")


def _work(project: Project, xy: np.ndarray) -> None:
    """Write what a window leaves: proposals, and a job that has ended."""
    found = VideoProposals(np.array([7, 9]), xy[:2], np.full((2, 3), 0.5))
    write_proposals(project.proposals, Proposals("net", 10, PARTS, {"a": found}))
    job = new_job_folder(project.jobs, "20260101T000000-extract_frames-00")
    job.write_request(project.config_path, Request("extract_frames", {"mode": "automatic", "seed": 1}))
    job.write_process(99999999)
    job.write_outcome(Outcome("done", {"frames": 3, "path": "x"}, ""))
    job.progress.write_text(progress_line(Progress("extracting", 3, 9, {"seconds_left": 2.5})))
    job.errors.write_text("words\n")
    note = project.label_lock("a").with_name(f"{project.label_lock('a').name}-holder.json")
    note.write_text(json.dumps({"host": "elsewhere", "pid": 3}))


_TRACKS = """<annotations><version>1.1</version><meta><task><source>a.mp4</source><labels><label><name>nose</name>
<type>points</type></label></labels></task></meta><track id="0" label="animal"><skeleton frame="0" keyframe="1"><points
label="nose" keyframe="1" outside="0" occluded="1" points="3.5,4.5"/></skeleton></track><track id="1" label="tail">
<points frame="2" keyframe="0" outside="0" occluded="0" points="5,6"/></track></annotations>"""


_CALISCOPE = """[cameras.0]
cam_id = 3
size = [640, 480]
error = 0.3
matrix = [[500.0, 0.0, 320.0], [0.0, 500.0, 240.0], [0.0, 0.0, 1.0]]
distortions = [0.1, 0.0, 0.0, 0.0, 0.0]
rotation = [[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]
translation = [1.0, 2.0, 3.0]
"""
_OPENCV = """%YAML:1.0
---
image_width: 640
image_height: 480
M1: !!opencv-matrix
   rows: 3
   cols: 3
   dt: d
   data: [ 500., 0., 320., 0., 500., 240., 0., 0., 1. ]
D1: !!opencv-matrix { rows: 1, cols: 4, dt: d, data: [ 0.1, -0.2, 0., 0. ] }
M2: !!opencv-matrix { rows: 3, cols: 3, dt: d, data: [ 510., 0., 310., 0., 510., 230., 0., 0., 1. ] }
D2: !!opencv-matrix { rows: 1, cols: 4, dt: d, data: [ 0.1, -0.2, 0., 0. ] }
R: !!opencv-matrix { rows: 3, cols: 3, dt: d, data: [ 1., 0., 0., 0., 0., -1., 0., 1., 0. ] }
T: !!opencv-matrix { rows: 3, cols: 1, dt: d, data: [ 1., 2., 3. ] }
"""
_ROS = """image_width: 640
image_height: 480
camera_name: left
camera_matrix: {rows: 3, cols: 3, data: [500.0, 0.0, 320.0, 0.0, 500.0, 240.0, 0.0, 0.0, 1.0]}
distortion_model: plumb_bob
distortion_coefficients: {rows: 1, cols: 5, data: [0.1, -0.2, 0.0, 0.0, 0.0]}
"""


def _cameras(folder: Path) -> None:
    """Write cameras as each program does whose files are read, DANNCE's with and without compression."""
    folder.mkdir()
    cameras = true_cameras()
    write_cameras(folder / "rig.yaml", cameras)
    write_cameras(folder / "rig.toml", cameras)
    for name, text in (("caliscope.toml", _CALISCOPE), ("opencv.yml", _OPENCV), ("ros.yaml", _ROS)):
        (folder / name).write_text(text)
    told = [
        {"K": camera.matrix.T, "r": camera.rotation.T, "t": camera.translation[None], "RDistort": camera.distortion[:2]}
        for camera in cameras
    ]
    names = np.array([camera.name for camera in cameras], dtype=object)
    values = {"params": np.array(told, dtype=object)[:, None], "camnames": names}
    for name, packed in (("plain.mat", False), ("packed.mat", True)):
        savemat(folder / name, values, do_compression=packed)
    savemat(folder / "label3d.mat", told[0])
    side = {"fc": [500.0, 500.0], "cc": [320.0, 240.0], "kc": [0.1, -0.2, 0.0, 0.0, 0.0], "alpha_c": 0.0}
    savemat(folder / "toolbox.mat", {**side, "nx": 640, "ny": 480})
    stereo = {f"{key}_{name}": value for name in ("left", "right") for key, value in side.items()}
    savemat(folder / "toolbox_stereo.mat", {**stereo, "R": np.eye(3), "T": [100.0, 0.0, 0.0]})


def _exports(project: Project) -> None:
    """Write labels and poses in the formats of other programs."""
    folder = project.exports
    for name in ("coco", "cvat", "lightning-pose", "sleap", "sleap-package"):
        _export_labels(project, folder / f"{name}{FORMATS[name].suffixes[0]}", name)
    _export_labels(project, folder / "labels.nwb", "nwb")
    (folder / "tracks.xml").write_text(_TRACKS)
    for path in project.frame_folder("a").glob("CollectedData_*"):
        shutil.copy(path, folder / path.name)
    xy = np.random.default_rng(0).uniform(2, 20, (4, 3, 2))
    poses = VideoPoses("a.mp4", {"": Predictions(SCORER, PARTS, xy, np.full((4, 3), 0.9))}, 25.0)
    for name in ("sleap-analysis", "nwb", "movement"):
        FORMATS[name].function("write_poses")(folder / f"poses{FORMATS[name].suffixes[0]}", poses)


def _export_labels(project: Project, path: Path, name: str) -> None:
    path.parent.mkdir(exist_ok=True)
    labels = project_labels(project, ("a",), images=FORMATS[name].images)
    FORMATS[name].function("write_labels")(path, labels, scorer="me", name=name)


def _foreign_labels(project: Project) -> None:
    """Make a video whose labels and images are DeepLabCut's, without a journal."""
    folder = project.frame_folder("foreign")
    shutil.copytree(project.frame_store("a"), folder / "frames.zarr")
    for path in project.frame_folder("a").glob("CollectedData_*"):
        shutil.copy(path, folder / path.name)
    table = pd.read_csv(folder / "CollectedData_me.csv", header=[0, 1, 2], index_col=[0, 1, 2])
    table.index = table.index.set_levels(["foreign"], level=1)
    table.to_csv(folder / "CollectedData_me.csv")
    images = project.frame_folder("images")
    shutil.copytree(project.frame_store("a"), images / "frames.zarr")
    export_images(project, "images")
    shutil.copytree(images, project.frame_folder("noted"))  # images that are read already
    shutil.rmtree(images / "frames.zarr")
    iio.imwrite(images / "img0009.jpg", np.full((24, 32, 3), 90, np.uint8))
    iio.imwrite(images / "img0010.bmp", np.full((24, 32, 3), 90, np.uint8))
    write_record(images, ImageRecord({"cam_1.png": 3, "left.png": 2**40}, (0.0, 4095.0)))


# --- how files are read -----------------------------------------------------------------------------------------------


def _project(root: Path) -> Project:
    return Project(root, read_config(root / "config.yaml"))


def _read_labels(video: str) -> Read:
    return lambda root, path: read_labels(_project(root), video)


def _read_foreign(root: Path, path: Path) -> None:
    if path.suffix == ".csv":
        (path.with_suffix(".h5")).unlink(missing_ok=True)
    import_table(_project(root), "foreign")


def _read_other(name: str, *kinds: Literal["labels", "poses"]) -> Read:
    """Read a file of another program as an import does."""
    one = FORMATS[name]

    def read(root: Path, path: Path) -> None:
        format_of(path, kinds[0])
        for what in kinds:
            one.function(f"read_{what}")(path)

    return read


def _read_store(root: Path, path: Path) -> None:
    store = FrameStore.open(root / "labeled-data/a/frames.zarr")
    assert len(store.origins) == len(store.sizes)
    for number in store.numbers[:6].tolist():
        store.read(number)


def _read_images(root: Path, path: Path) -> None:
    folder = root / "labeled-data/images/frames.zarr"
    shutil.rmtree(folder, ignore_errors=True)
    _import_images(_project(root), "images")


def _read_video(root: Path, path: Path) -> None:
    with VideoReader(path) as reader:
        count = reader.index.frame_count
        for number, _ in reader.frames(range(min(count, 6))):
            assert number < count
        for number in {count - 1, count // 2}:
            next(iter(reader.frames([number])))


def _read_table(root: Path, path: Path) -> None:
    if path.suffix == ".h5":
        count_rows(path)
        read_origin(path)
    read_predictions(path)


def _read_snapshot(root: Path, path: Path) -> None:
    folder = next((root / NETWORK).glob("*/snapshot-000010"))
    read_info(folder)
    load_parameters(folder, TREE)


_drawn = cache(partial(initial_parameters, 0))  # drawn once for each network, as drawing takes most of the time


def _read_weights(root: Path, path: Path) -> None:
    tensors, metadata = read_weights(path)
    spec = _backbone_of_weights(tensors, metadata, net_type="resnet_18", norm="auto", source=str(path))
    if spec.width <= 1:
        network = NetworkSpec(spec, PARTS)
        _convert_weights(tensors, _drawn(network), network, source=str(path))


def _read_job(root: Path, path: Path) -> None:
    job = JobFolder(path.parent)
    job.read_request()
    process = job.read_process()
    assert process is None or not process.is_alive
    job.read_outcome()
    job.read_progress(0)
    job.read_details()


def _read_rows(root: Path, path: Path) -> None:
    with _open_rows(path, ROWS):
        pass


def check_project(root: Path) -> None:
    """Let the doctor look at the project: it says what is wrong, and never stumbles."""
    told = " ".join(finding.problem for finding in doctor(root / "config.yaml").findings)
    assert "Traceback" not in told


def _only(read: Callable[[Path], object]) -> Read:
    return lambda root, path: read(path)


# --- how files are broken ---------------------------------------------------------------------------------------------

_DEEP = "@deep"
ODD: tuple[Any, ...] = (
    *(None, True, False, [], {}, "", " ", 0, -1, 1, 2**31, 2**63, 10**30, -(10**400), 10**4000, 1e308, 5e-324),
    *(math.nan, math.inf, -math.inf, "NaN", "1e999", "\ud800", "a\x00b", "../../x", "/etc/passwd", "a/b", "..", "."),
    *("con", "x" * 100_000, "\x1b[31mred", "\u202eabc", "<script>alert(1)</script>", "=1+1", "é", "[]"),
    *([[]], [None], [1, [2, [3]]], {"a": {"b": []}}, list(range(500)), [["a", "b"]] * 300, _DEEP, "2026-13-45"),
)
YAML_VALUES = (
    *("!!python/object/apply:os.system ['touch {pwned}']", "!!python/name:os.system", "!!python/tuple [1, [2]]"),
    *("!!python/object/new:subprocess.Popen [[touch, {pwned}]]", "!<tag:yaml.org,2002:python/module:os> x"),
    *("*missing", "&a [*a]", "&a {k: *a}", "!!binary '%%%'", "!!binary 'aGk='", "!!timestamp 9999-99-99", "!!int foo"),
    *("!!float x", "!!set {a, b}", "!!omap [a: 1]", "!!pairs [a: 1]", "!!null x", "!!bool 7", "!!str [a]", "!!seq {}"),
    *("{<<: [1, 2]}", "{? [a, b] : c}", "{? {a: b} : c}", "1:99:99", ".nan", ".inf", "-.inf", "9" * 5000, "1e999"),
    *("[" * 3000, "{a: " * 3000, "- " * 3000, "\t- x", "'unclosed", '"\\ud800"', '"\\x00"', '"\\x1b[2J"', "|\n  a\n b"),
    *("0x" + "f" * 400, "0o8", "0b2", "@x", "`x", "%x", "? x", "2026-11-31", "2026-11-30T99:99:99Z", "~", "[]", "{}"),
    *("../../x", "/etc/passwd", "a/b", "..", "-1", "10000000000000000000000", "1e400", "[1, 2, 3, 4, 5]", "x: y"),
)


def laughs(key: str) -> str:
    """Return the lines that grow to ten thousand million when they are written out."""
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    return "\n".join([*lines, f"{key}: *a9"]) + "\n"


def break_yaml(content: bytes, chance: random.Random) -> bytes:
    """Give a key of a YAML text an odd value, or take lines away, double or move them."""
    lines = content.decode("utf-8", "replace").splitlines(keepends=True)
    place = chance.randrange(len(lines))
    head, colon, _ = lines[place].partition(":")
    match chance.randrange(6):
        case 0:
            lines[place : place + chance.randrange(1, 4)] = []
        case 1:
            lines.insert(chance.randrange(len(lines)), lines[place])
        case 2:
            lines.append(laughs(head.strip() or "bodyparts"))
        case 3:
            lines[place] = " " * chance.randrange(1, 9) + lines[place]
        case _:
            value = chance.choice(YAML_VALUES) if chance.random() < 0.7 else _as_json(chance.choice(ODD))
            lines[place] = f"{head}: {value}\n" if colon else f"  - {value}\n"
    return "".join(lines).encode("utf-8", "surrogatepass")


def _as_json(value: Any) -> str:
    return json.dumps(value).replace(f'"{_DEEP}"', "[" * 100_000 + "]" * 100_000)


def _places(value: Any, path: tuple = ()) -> list[tuple]:
    """List the paths to all values in nested lists and mappings."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in inner for found in _places(item, (*path, key)))]


def change_value(value: Any, chance: random.Random) -> Any:
    """Replace, rename, double or remove one value in nested lists and mappings."""
    path = chance.choice(_places(value))
    if not path:
        return chance.choice(ODD)
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    last = path[-1]
    match chance.randrange(5):
        case 0:
            del holder[last]
        case 1 if isinstance(holder, dict):
            holder[str(chance.choice(ODD))[:1000]] = holder.pop(last)
        case 2:
            other = chance.choice(_places(value))
            found = value
            for key in other:
                found = found[key]
            holder[last] = json.loads(json.dumps(found))
        case _:
            holder[last] = chance.choice(ODD)
    return value


def break_json(content: bytes, chance: random.Random) -> bytes:
    """Change one value of a JSON text."""
    return _as_json(change_value(json.loads(content), chance)).encode()


def break_xml(content: bytes, chance: random.Random) -> bytes:
    """Change an attribute, a text or a name of an XML, or remove or double an element."""
    root = ET.fromstring(content)
    elements = [*root.iter()]
    one = chance.choice(elements)
    value = chance.choice(XML_VALUES)
    match chance.randrange(6):
        case 0 | 1 | 2:
            one = chance.choice([each for each in elements if each.attrib])
            one.attrib[chance.choice([*one.attrib])] = value
        case 3:
            one.text = value
        case 4:
            one.attrib.pop(next(iter(one.attrib), ""), None)
            one.tag = chance.choice(("track", "points", "skeleton", "image", "box", "x"))
        case _:
            parent = chance.choice([each for each in elements if len(each)])
            child = chance.choice([*parent])
            parent.remove(child) if chance.random() < 0.5 else parent.append(child)
    return ET.tostring(root)


XML_VALUES = ("", "0", "-1", "1", "nan", "inf", "1e400", "1,2", "1;2", ",", "9" * 400, "x" * 9000, "../../x", "\t", "<")


def break_signed(content: bytes, chance: random.Random) -> bytes:
    """Change one value of a snapshot of labels and sign it again, as somebody who means harm would."""
    value = json.loads(content)
    value.pop("sha256")
    value = change_value(value, chance)
    body = json.dumps(value, separators=(",", ":"))[:-1]
    return f'{body},"sha256":"{hashlib.sha256(body.encode()).hexdigest()}"}}\n'.encode()


def break_journal(content: bytes, chance: random.Random) -> bytes:
    """Change one value of a line of a journal, under a right checksum."""
    lines = content.splitlines()
    place = chance.randrange(len(lines))
    value = json.loads(lines[place])
    value.pop("crc")
    value = change_value(value, chance)
    body = _as_json(value)[:-1].encode()
    lines[place] = b'%s,"crc":"%08x"}' % (body, zlib.crc32(body))
    return b"\n".join(lines) + b"\n"


def break_manifest(content: bytes, chance: random.Random) -> bytes:
    """Change one value of a network's manifest and sign it again."""
    value = json.loads(content)
    value.pop("sha256")
    value = change_value(value, chance)
    if isinstance(value, dict):
        value["sha256"] = hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
    return _as_json(value).encode()


def break_csv(content: bytes, chance: random.Random) -> bytes:
    """Change one cell of a table, or take cells and rows away, double or move them."""
    rows = list(csv.reader(io.StringIO(content.decode("utf-8", "replace"))))
    row = rows[chance.randrange(len(rows))]
    cell = chance.randrange(len(row))
    match chance.randrange(6):
        case 0:
            del row[cell]
        case 1:
            rows.append(list(row))
        case 2:
            rows.remove(row)
        case 3:
            row.insert(cell, row[cell])
        case 4:
            row[cell] = chance.choice(("9" * 400, "9" * 5000, "1e999", "nan", "x" * 200_000, "a\x00", '"', "\r"))
        case _:
            row[cell] = str(chance.choice(ODD)).encode("utf-8", "replace").decode()
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", escapechar="\\").writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


def break_safetensors(content: bytes, chance: random.Random) -> bytes:
    """Change one value of the header, or its length."""
    (length,) = struct.unpack("<Q", content[:8])
    header, data = content[8 : 8 + length], content[8 + length :]
    if chance.random() < 0.2:
        return struct.pack("<Q", chance.choice((0, 1, 2**63, 2**40, length * 2, length - 1))) + content[8:]
    value = json.loads(header)
    if chance.random() < 0.5:
        name = chance.choice([key for key in value if key != "__metadata__"])
        field = chance.choice(("dtype", "shape", "data_offsets"))
        choices = {
            "dtype": ("F8_E4M3", "BOOL", "I64", "F64", "BF16", "C64", "U8", "X", ""),
            "shape": ([10**12], [0], [2**32, 2**32], [-1], [], [1] * 200),
            "data_offsets": ([0, 10**12], [5, 3], [0, 0], [0, 4], [10**11, 10**12]),
        }
        value[name][field] = chance.choice(choices[field])
    else:
        value = change_value(value, chance)
    header = _as_json(value).encode("utf-8", "replace")
    return struct.pack("<Q", len(header)) + header + data


def break_png(content: bytes, chance: random.Random) -> bytes:
    """Declare another size, depth or color in the header of a PNG, under a right checksum."""
    if content[:4] != b"\x89PNG":
        return break_bytes(content, chance)
    size = struct.pack(">II", *(chance.choice((0, 1, 32, 20_000, 65_535, 2**31 - 1)) for _ in range(2)))
    rest = bytes((chance.choice((1, 8, 16, 99)), chance.choice((0, 2, 3, 4, 6, 7)), 0, 0, chance.choice((0, 1, 9))))
    head = b"IHDR" + size + rest
    return content[:12] + head + struct.pack(">I", zlib.crc32(head)) + content[33:]


def break_zarr(content: bytes, chance: random.Random) -> bytes:
    """Change the metadata of a zarr folder as somebody who means harm would."""
    value = json.loads(content)
    if value.get("node_type") != "array" or chance.random() < 0.4:
        return _as_json(change_value(value, chance)).encode()
    match chance.randrange(6):
        case 0:
            value["shape"][0] = chance.choice((0, 1, 10**6, 10**9, 10**12, 2**63 - 1, 2**64))
        case 1:
            place = chance.randrange(len(value["shape"]))
            value["shape"][place] = value["chunk_grid"]["configuration"]["chunk_shape"][place] = 10**9
        case 2:
            names = ("numcodecs.pickle", "pickle", "numcodecs.zlib", "gzip", "sharding_indexed", "vlen-utf8", "zstd")
            value["codecs"] = [{"name": chance.choice(names), "configuration": {}}, *value["codecs"]]
        case 3:
            value["codecs"] = value["codecs"][chance.randrange(len(value["codecs"])) :]
        case 4:
            value["data_type"] = chance.choice(("string", "float64", "uint8", "int8", "bool", "complex64", "r99"))
        case _:
            value["fill_value"] = chance.choice((1, -1, "NaN", 2**70, "x", None))
    return _as_json(value).encode()


def break_h5(content: bytes, chance: random.Random) -> bytes:
    """Change nodes and attributes of an HDF5 file by its own library."""
    buffer = io.BytesIO(content)
    with h5py.File(buffer, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        for _ in range(chance.choice((1, 1, 2, 3))):
            name = chance.choice(names)
            if name in file:
                _break_node(file, name, chance)
    return buffer.getvalue()


def _break_node(file: h5py.File, name: str, chance: random.Random) -> None:
    if chance.random() < 0.45 and len(file[name].attrs):
        attribute = chance.choice(sorted(file[name].attrs))
        choice = chance.choice(H5_ATTRIBUTES)
        del file[name].attrs[attribute]
        if choice is not None:
            file[name].attrs[attribute] = choice
        return
    del file[name]
    _put_node(file, name, chance)


def _put_node(file: h5py.File, name: str, chance: random.Random) -> None:
    """Put something else in the place of a part: a link, a claim of endless numbers, another file's numbers."""
    match chance.randrange(10):
        case 0:
            return
        case 1:
            file[name] = h5py.SoftLink(f"/{name}")
        case 2:
            file[name] = h5py.SoftLink("/nowhere")
        case 3:
            file[name] = h5py.ExternalLink(chance.choice(("/dev/zero", "other.h5", "/etc/passwd")), "/")
        case 4:
            file.create_group(name)
        case 5:
            shape = chance.choice(((10**12,), (10**6, 10**6), (0, 10**9), (2**40, 2), (10**9, 0)))
            file.create_dataset(name, shape, chance.choice(("f8", "i8", "S64")), chunks=(1,) * len(shape))
        case 6:
            file.create_dataset(name, (10,), "f8", external=[("/etc/passwd", 0, 80)])
        case 7:
            layout = h5py.VirtualLayout((10**6, 10), "f8")
            layout[:] = h5py.VirtualSource("/etc/passwd", "x", (10**6, 10))
            file.create_virtual_dataset(name, layout)
        case 8:
            file[name] = np.dtype("f8")
        case _:
            file[name] = chance.choice(H5_VALUES)


H5_ATTRIBUTES: tuple[Any, ...] = (
    *(None, None, 0, -1, 10**9, 2**62, 1.5, math.nan, "text", np.bytes_(b"frame"), np.bytes_(b"frame_table")),
    *(np.bytes_(b"multi"), np.bytes_(b"regular"), np.bytes_(b"\xff\xfe"), np.bytes_(b"series"), np.arange(5), [b"a"]),
    *(np.void(b"\x80\x04cos\nsystem\n(S'x'\ntR."), np.bytes_(b"(lp0\nI1\naI2\na."), np.bytes_(b"(" * 5000)),
    *(np.bytes_(b"\x80\x02]q\x00(h\x00e."), np.bytes_(b"I" + b"9" * 60 + b"\n."), np.bytes_(b"(lp0\nh\x00\x00ag0\na.")),
)
H5_VALUES: tuple[Any, ...] = (
    *(np.array([]), np.array(5), np.arange(3), np.arange(12.0).reshape(3, 4), np.full((4, 6), np.nan), b"x", "text"),
    *(np.array([b"\xff\xfe", b"a"]), np.array([b"x", b"x", b"x", b"x"]), np.array([1 + 2j]), np.array([True, False])),
    *(np.array([2**62, -(2**62), -1]), np.array([10**9]), np.array([-1, -1, -1, -1]), np.full((3, 3, 3), np.inf)),
    *(np.array([(1, 2.0)], dtype=[("index", "i8"), ("values_block_0", "f8")]), np.zeros((0, 6)), np.zeros((6, 0))),
    *(np.array([b"../../x", b"a/b", b"\x1b[2J", b"<b>"]), np.float16(3), np.arange(4, dtype=">i2")),
)


def break_bytes(content: bytes, chance: random.Random) -> bytes:
    """Flip, set, cut, extend, swap, double, remove or zero bytes."""
    data = bytearray(content) or bytearray(b"\0")
    size = len(data)
    start = chance.randrange(size) if chance.random() < 0.5 else min(size - 1, int(chance.expovariate(1 / 60)))
    length = min(size - start, chance.choice((1, 2, 4, 8, 64, 512)))
    match chance.randrange(10):
        case 0 | 1:
            for _ in range(chance.choice((1, 1, 3, 20))):
                data[chance.randrange(size)] ^= 1 << chance.randrange(8)
        case 2:
            data[start : start + length] = chance.randbytes(length)
        case 3:
            del data[start:]
        case 4:
            data += chance.choice((bytes(5000), chance.randbytes(5000), bytes(data), b"\n", b"\xff" * 5000))
        case 5:
            other = chance.randrange(size)
            data[start : start + length], data[other : other + length] = (
                data[other : other + length],
                data[start : start + length],
            )
        case 6:
            data[start:start] = data[start : start + length] * chance.choice((1, 3, 100))
        case 7:
            del data[start : start + length]
        case 8:
            data[start : start + length] = bytes(length)
        case _:
            number = chance.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, 0xFFFF, 2**40, 2**63 - 1, 2**64 - 1))
            width, order = chance.choice((2, 4, 8)), chance.choice(("little", "big"))
            data[start : start + width] = (number & (1 << 8 * width) - 1).to_bytes(width, order)
    return bytes(data)


def break_place(path: Path, others: list[Path], chance: random.Random, outside: Path) -> str:
    """Put something else in the place of a file, and return what."""
    ways: Mapping[str, Callable[[], object]] = {
        "nothing": lambda: None,
        "empty": lambda: path.write_bytes(b""),
        "folder": path.mkdir,
        "pipe": lambda: os.mkfifo(path),
        "loop": lambda: path.symlink_to(path.name),
        "dangling": lambda: path.symlink_to(outside / "absent"),
        "zeros": lambda: path.symlink_to("/dev/zero"),
        "null": lambda: path.symlink_to("/dev/null"),
        "outside": lambda: path.symlink_to(outside / "precious.txt"),
        "sparse": lambda: _sparse(path),
        "swapped": lambda: path.write_bytes(chance.choice(others).read_bytes()),
        "text": lambda: path.write_text("hello\n"),
        "noise": lambda: path.write_bytes(chance.randbytes(3000)),
    }
    way = chance.choice(sorted(ways))
    ways[way]()
    return way


def _sparse(path: Path) -> None:
    """Make a file of eight GiB that takes no room."""
    with path.open("wb") as file:
        file.truncate(2**33)


_A, _EVALUATED = "labeled-data/a", "evaluation-results-posecut/*/*"
KINDS = (
    Kind("config", 5000, "config.yaml", lambda root, path: open_project(path), (break_yaml,)),
    Kind("posecut.yaml", 1500, "posecut.yaml", _only(read_state), (break_yaml,)),
    Kind("settings", 1500, f"{NETWORK}/*/settings.yaml", _only(read_training_settings), (break_yaml,)),
    Kind("split", 1200, "training-datasets/*/*.yaml", _only(read_split), (break_yaml,)),
    Kind("revision", 500, "training-datasets/*/*.csv", _only(read_revision), (break_csv,)),
    Kind(
        "journal", 2000, f"{_A}/labels.jsonl", _read_labels("a"), (break_journal, break_journal), also="bodyparts.jsonl"
    ),
    Kind("names", 800, "bodyparts.jsonl", _read_labels("a"), (break_journal, break_journal), also="config.yaml"),
    Kind("label snapshot", 1200, f"{_A}/labels-*.json", _only(read_snapshot), (break_signed, break_json)),
    Kind("lock note", 200, f"{_A}/*-holder.json", lambda root, path: read_note(path.with_name("labels.lock"))),
    Kind("labels csv", 2000, "labeled-data/foreign/*.csv", _read_foreign, (break_csv,)),
    Kind("results csv", 1000, f"videos/a{SCORER}.csv", _read_table, (break_csv,)),
    Kind("outliers csv", 400, "videos/*_outliers.csv", _only(_read_candidates), (break_csv,)),
    Kind("evaluation", 300, f"{_EVALUATED}/*_10-results.csv", _only(read_results), (break_csv,)),
    Kind("bodypart errors", 200, f"{_EVALUATED}/*-keypoint-*", _only(_read_bodypart_errors), (break_csv,)),
    Kind("frame errors", 200, f"{_EVALUATED}/*-frame-*", _only(_read_frame_errors), (break_csv,)),
    Kind("log", 300, f"{NETWORK}/*/log.csv", _only(read_log), (break_csv,)),
    Kind("proposals", 600, "posecut-jobs/proposals.json", _only(read_proposals), (break_json,)),
    Kind("jobs", 600, "posecut-jobs/*/*", _read_job, (break_json,)),
    Kind("sums", 300, "posecut-sums.json", lambda root, path: read_sums(root), (break_json,)),
    Kind("rows", 100, "part.rows", _read_rows),
    Kind("image record", 100, "*/images/images.json", lambda root, path: read_record(path.parent), (break_json,)),
    Kind(
        "images read",
        200,
        "labeled-data/noted/images-read.json",
        lambda root, path: _import_images(_project(root), "noted"),
        (break_json,),
    ),
    Kind("labels h5", 6000, "labeled-data/foreign/*.h5", _read_foreign, (break_h5, break_h5)),
    Kind("results h5", 4000, "videos/a*.h5", _read_table, (break_h5, break_h5)),
    Kind("weights", 10000, "weights.safetensors", _read_weights, (break_safetensors, break_safetensors)),
    Kind("network", 500, f"{NETWORK}/*/snapshot-*/**/*", _read_snapshot, (break_manifest,), folder=True),
    Kind("frames", 600, f"{_A}/frames.zarr/**/*", _read_store, (break_zarr, break_zarr), folder=True),
    Kind("images", 400, "labeled-data/images/img*", _read_images, (break_png,)),
    Kind("videos", 5000, "videos/broken-*", _read_video),
    Kind("cameras", 600, "cameras/*.*ml", _only(read_cameras), (break_yaml,)),
    Kind("cameras mat", 1000, "cameras/*.mat", _only(read_cameras)),
    Kind("coco", 500, "exports/*.json", _read_other("coco", "labels"), (break_json,)),
    Kind("cvat", 500, "exports/*.xml", _read_other("cvat", "labels"), (break_xml, break_xml)),
    Kind("lightning-pose", 500, "exports/lightning-pose.csv", _read_other("lightning-pose", "labels"), (break_csv,)),
    Kind("deeplabcut csv", 500, "exports/Coll*.csv", _read_other("deeplabcut", "labels"), (break_csv,)),
    Kind("deeplabcut h5", 500, "exports/Coll*.h5", _read_other("deeplabcut", "labels"), (break_h5, break_h5)),
    Kind("sleap", 500, "exports/sleap.slp", _read_other("sleap", "labels", "poses"), (break_h5, break_h5)),
    Kind("sleap package", 500, "exports/*.pkg.slp", _read_other("sleap", "labels", "poses"), (break_h5, break_h5)),
    Kind("sleap-analysis", 500, "exports/*.analysis.h5", _read_other("sleap-analysis", "poses"), (break_h5, break_h5)),
    Kind("nwb labels", 500, "exports/labels.nwb", _read_other("nwb", "labels"), (break_h5, break_h5)),
    Kind("nwb poses", 500, "exports/poses.nwb", _read_other("nwb", "poses"), (break_h5, break_h5)),
    Kind("movement", 500, "exports/*.nc", _read_other("movement", "poses"), (break_h5, break_h5)),
)
