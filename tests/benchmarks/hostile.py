"""What somebody plants who means harm: files with code in them, and names and links that lead out of a project.

`tests/benchmarks/fuzz.py` reads all of them with each step that would; the suite takes a part.
"""

import io
import json
import os
import pickle
import shutil
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from posecut_core.dataset.settings import read_settings as read_training_settings
from posecut_core.dataset.split import read_split
from posecut_core.health.doctor import doctor
from posecut_core.labels.exchange import import_table
from posecut_core.labels.images import _import_images, adopt_project
from posecut_core.labels.store import accept_drafts, read_labels, write_labels
from posecut_core.model.initialization import read_weights
from posecut_core.model.snapshots import read_info
from posecut_core.poses.files import read_predictions
from posecut_core.project.config import read_config
from posecut_core.project.paths import Project
from posecut_core.project.state import read_state
from posecut_core.video.frame_store import FrameStore
from posecut_core.video.reader import VideoReader
from posecut_core.workflow.create_training_dataset import create_training_dataset
from posecut_core.workflow.export_deeplabcut import export_deeplabcut
from tests.benchmarks.fuzz_cases import NETWORK, YAML_VALUES, laughs

Read = Callable[[], object]


@dataclass(frozen=True)
class Plant:
    """A planted file, and how a step reads it."""

    name: str
    path: Path  # what the sentence names
    read: Read


class Payload:
    """What touches a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """Return the call that a pickle makes."""
        return os.system, (f"touch {self.mark}",)


def planted_files(root: Path, mark: Path, *, port: int = 9) -> Iterator[Plant]:
    """Plant files with code, one after the other; each would touch `mark` if it were run, or connect to `port`."""
    yield from _planted_tables(root, mark)
    yield from _planted_texts(root, mark)
    yield from _planted_videos(root, port=port)
    yield from _planted_weights(root, mark)
    yield from _planted_folders(root, mark)


_ATTRIBUTES = ("pandas_type", "axis0_variety", "axis1_variety", "nblocks", "encoding", "CLASS", "TITLE", "VERSION")
_TABLE_ATTRIBUTES = ("pandas_type", "non_index_axes", "info", "index_cols", "values_cols", "data_columns", "levels")
_OF_RECORDS = ("values_block_0_kind", "index_kind", "CLASS", "FIELD_0_FILL", "TITLE")


def _planted_tables(root: Path, mark: Path) -> Iterator[Plant]:
    labels, results = root / "labeled-data/foreign/CollectedData_me.h5", next(root.glob("videos/a*_10.h5"))
    (labels.with_suffix(".csv")).unlink(missing_ok=True)
    project = Project(root, read_config(root / "config.yaml"))
    pickles = [pickle.dumps(Payload(mark), protocol) for protocol in (0, 2)]
    reads: dict[Path, Read] = {
        labels: lambda: import_table(project, "foreign"),
        results: lambda: read_predictions(results),
    }
    places = ((labels, _ATTRIBUTES, ""), (results, _TABLE_ATTRIBUTES, ""), (results, _OF_RECORDS, "/table"))
    for source, names, part in places:
        whole = source.read_bytes()
        for attribute in names:
            for number, content in enumerate(pickles):
                source.write_bytes(whole)
                with h5py.File(source, "r+") as file:
                    file[f"df_with_missing{part}"].attrs[attribute] = np.void(content)
                    file.attrs[attribute] = np.void(content)
                yield Plant(
                    f"a pickle of protocol {number * 2} in {attribute}{part} of {source.suffix}", source, reads[source]
                )
        source.write_bytes(whole)
    for number, content in enumerate(pickles):  # an array of objects, as PyTables keeps them: pickles of bytes
        whole = labels.read_bytes()
        with h5py.File(labels, "r+") as file:
            group = file["df_with_missing"]
            del group["block0_values"]
            array = group.create_dataset("block0_values", (1,), h5py.vlen_dtype(np.uint8))
            array[0] = np.frombuffer(content, np.uint8)
            array.attrs["PSEUDOATOM"], array.attrs["CLASS"] = np.bytes_(b"object"), np.bytes_(b"VLARRAY")
        yield Plant(
            f"an array of pickled objects, protocol {number * 2}", labels, lambda: import_table(project, "foreign")
        )
        labels.write_bytes(whole)
    whole = labels.read_bytes()
    labels.unlink()
    columns = pd.MultiIndex.from_product([["me"], ["nose"], ["x", "y"]], names=["scorer", "bodyparts", "coords"])
    frame = pd.DataFrame([[Payload(mark), 1.0]], columns=columns, index=["img0.png"], dtype=object)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas says that it pickles
        frame.to_hdf(labels, key="df_with_missing", mode="w", format="fixed")
    yield Plant("a table of objects that pandas wrote", labels, lambda: import_table(project, "foreign"))
    labels.write_bytes(whole)


def _planted_texts(root: Path, mark: Path) -> Iterator[Plant]:
    readers = {
        "config.yaml": read_config,
        "posecut.yaml": read_state,
        next(root.glob(f"{NETWORK}/*/settings.yaml")).relative_to(root): read_training_settings,
        next(root.glob("training-datasets/*/*.yaml")).relative_to(root): read_split,
    }
    tags = [value.replace("{pwned}", str(mark)) for value in YAML_VALUES if "!!python/" in value or "!<tag" in value]
    for name, reader in readers.items():
        path = root / name
        whole = path.read_text()
        for place, value in enumerate(tags):
            path.write_text(f"{whole}\nseed: {value}\n" if place else whole.replace("seed:", f"seed: {value} #"))
            yield Plant(f"{value[:30]} in {path.name}", path, lambda reader=reader, path=path: reader(path))
        path.write_text(whole + laughs("bodyparts"))
        yield Plant(f"a thousand million laughs in {path.name}", path, lambda reader=reader, path=path: reader(path))
        path.write_text(f"{whole}\nbodyparts: &a [*a]\n")
        yield Plant(f"a list within itself in {path.name}", path, lambda reader=reader, path=path: reader(path))
        path.write_text(whole)


PLAYLISTS = {
    "hls.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n",
    "hls-file.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "hls-concat.avi": "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:5,\nconcat:http://127.0.0.1:{port}/a|file:///etc/passwd\n",
    "ffconcat.mp4": "ffconcat version 1.0\nfile 'http://127.0.0.1:{port}/a.mp4'\n",
    "ffconcat-pipe.mkv": "ffconcat version 1.0\nfile '{pipe}'\n",
    "sdp.mp4": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\n",
    "dash.mp4": '<?xml version="1.0"?><MPD><BaseURL>http://127.0.0.1:{port}/</BaseURL></MPD>',
    "rtsp.mov": "RTSPtextRTSP://127.0.0.1:{port}/x\n",
    "avs.avi": 'AviSource("x")\nLoadPlugin("{pipe}")\n',
    "subtitles.mkv": "WEBVTT\n\n00:00.000 --> 00:01.000\n<script>alert(1)</script>\n",
    "svg.mp4": '<svg xmlns="http://www.w3.org/2000/svg"><image href="http://127.0.0.1:{port}/x"/></svg>',
    "lavfi.mp4": "movie=/etc/passwd\n",
}


def _planted_videos(root: Path, *, port: int) -> Iterator[Plant]:
    pipe = root / "videos/pipe"
    os.mkfifo(pipe)
    for name, text in PLAYLISTS.items():
        path = root / "videos" / name
        path.write_text(text.replace("{port}", str(port)).replace("{pipe}", str(pipe)))
        yield Plant(f"a playlist or script {name}", path, lambda path=path: VideoReader(path))
    yield Plant("a pipe as a video", pipe, lambda: VideoReader(pipe))
    pipe.unlink()


def _planted_weights(root: Path, mark: Path) -> Iterator[Plant]:
    content = pickle.dumps(Payload(mark))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("archive/data.pkl", content)
        file.writestr("../../escaped.txt", "x")
    array = io.BytesIO()
    np.save(array, np.array([Payload(mark)], dtype=object), allow_pickle=True)
    for name, planted in {
        "w.pt": archive.getvalue(),
        "w.pth": content,
        "w.pkl": content,
        "w.npy": array.getvalue(),
    }.items():
        path = root / name
        path.write_bytes(planted)
        yield Plant(f"{name} as weights", path, lambda path=path: read_weights(path))
    image = root / "labeled-data/images/img0000.png"
    whole = image.read_bytes()
    for planted in (array.getvalue(), content, archive.getvalue()):
        image.write_bytes(planted)
        yield Plant("a pickle as an image", image, lambda: _images(root))
    image.write_bytes(whole)


def _images(root: Path) -> None:
    shutil.rmtree(root / "labeled-data/images/frames.zarr", ignore_errors=True)
    _import_images(Project(root, read_config(root / "config.yaml")), "images")


def _planted_folders(root: Path, mark: Path) -> Iterator[Plant]:
    store = root / "labeled-data/a/frames.zarr"
    for array in ("number", "frames"):
        said = store / array / "zarr.json"
        whole = said.read_text()
        for codec in ("numcodecs.pickle", "pickle", "vlen-utf8"):
            values = json.loads(whole)
            values["codecs"] = [{"name": codec, "configuration": {}}]
            said.write_text(json.dumps(values))
            yield Plant(f"the codec {codec} in {array}", store, lambda: FrameStore.open(store))
        said.write_text(whole)
    old = store / "number/.zarray"
    filters = [{"id": "pickle"}]
    old.write_text(json.dumps({"zarr_format": 2, "shape": [1], "chunks": [1], "dtype": "|O", "filters": filters}))
    (store / "number/0").write_bytes(pickle.dumps(Payload(mark)))
    yield Plant("an array of zarr 2 with pickles", store, lambda: FrameStore.open(store))
    old.unlink()
    (store / "number/0").unlink()
    network = next((root / NETWORK).glob("*/snapshot-000010"))
    for file in ("parameters/_METADATA", "parameters/_CHECKPOINT_METADATA", "parameters/manifest.ocdbt"):
        if (network / file).exists():
            whole_bytes = (network / file).read_bytes()
            (network / file).write_bytes(pickle.dumps(Payload(mark)))
            yield Plant(f"a pickle as {file} of a network", network, lambda: read_info(network))
            (network / file).write_bytes(whole_bytes)
    for name in ("sitecustomize.py", "conftest.py", "numpy.py", "labeled-data/json.py"):
        (root / name).write_text(f"import os\nos.system('touch {mark}')\n")
        yield Plant(f"{name} in the project", root / name, lambda: adopt_project(root))
        (root / name).unlink()


# --- names and links that lead out of a project -----------------------------------------------------------------------

NAMES = (
    *(
        "../x",
        "../../outside/x",
        "..",
        "/tmp/posecut-x",
        "a/../../x",
        "a\\..\\x",
        "C:\\x",
        "x\x00y",
        "x\ny",
        "\x1b[2Jx",
    ),
    *("~", "$(touch x)", "`touch x`", "-rf", "con", "x" * 300, "=cmd|' /C calc'!A0", "%s%n{0.__class__}"),
)
PLACES = ("Task", "scorer", "date", "bodypart", "video")
LINKS = (
    *("labeled-data", "labeled-data/a", "labeled-data/a/frames.zarr", "labeled-data/a/frames.zarr/number"),
    *("labeled-data/a/frames.zarr/frames/c", "labeled-data/a/labels.jsonl", "labeled-data/a/labels.lock"),
    *("labeled-data/a/labels.lock-holder.json", "labeled-data/a/CollectedData_me.csv", "labeled-data/b"),
    *("bodyparts.jsonl", "bodyparts.lock", "posecut.yaml", "posecut.lock", "posecut-sums.json", "config.yaml"),
    *("training-datasets", "posecut-models", "posecut-jobs", "labeled-data/images/frames.zarr"),
)


def _label(root: Path) -> None:
    project = adopt_project(root)
    table = read_labels(project, "a")
    write_labels(project, type(table)("a", table.bodyparts, table.numbers, table.xy + 1.0))
    accept_drafts(project, "a", [])


def _extend(root: Path) -> None:
    project = adopt_project(root)
    store = FrameStore.open(project.frame_store("a"), create=True)
    store.append([(50, np.zeros((24, 32, 3), np.uint8), (0, 0))])
    store.remove([0])


STEPS: dict[str, Callable[[Path], object]] = {
    "doctor": lambda root: doctor(root, mend=True),
    "label": _label,
    "extract": _extend,
    "dataset": lambda root: create_training_dataset(root, shuffles=[2], settings={"net_type": "resnet_18"}),
    "export": export_deeplabcut,
}


def name_project(root: Path, place: str, name: str) -> None:
    """Give a project a hostile name in its config.yaml."""
    path = root / "config.yaml"
    text, quoted = path.read_text(), json.dumps(name)
    if place == "bodypart":
        text = text.replace("- nose", f"- {quoted}")
    elif place == "video":
        text = text.replace("videos/a.mp4:", "videos/" + quoted[1:-1] + ".mp4:").replace("  /", '  "/', 1)
        text = text.replace(".mp4:", '.mp4":', 1)
    else:
        text = "\n".join(f"{place}: {quoted}" if line.startswith(f"{place}:") else line for line in text.split("\n"))
    path.write_text(text)


def link_out(root: Path, name: str, outside: Path) -> None:
    """Put a link to what lies outside in the place of a file or folder of a project."""
    path, target = root / name, outside / f"target-{name.replace('/', '-')}"
    if path.is_dir() and not path.is_symlink():
        shutil.move(path, target)
    elif path.exists():
        shutil.copy(path, target)
        path.unlink()
    elif name.endswith((".lock", ".json", ".jsonl")):
        target.write_text("precious\n")
    else:
        target.mkdir()
    path.symlink_to(target)


def tree(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return name -> size, time and content of everything below a folder."""
    return {
        path.relative_to(folder).as_posix(): (
            path.stat().st_size,
            path.stat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
        if path.exists()
    }
