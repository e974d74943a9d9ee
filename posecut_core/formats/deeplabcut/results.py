"""Results of networks under the names by which DeepLabCut 3 looks for them, and metadata that it wants beside them.

DeepLabCut puts the name of a result together from the settings and the snapshots of its own network. Where a project
has none of a shuffle, a placeholder of ours, which holds no network, lets it find ours.
"""

import json
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from posecut_core.project.paths import Training
from posecut_core.storage.files import read_text, write_bytes, write_text
from posecut_core.types import NetworkName

_SNAPSHOT = re.compile(r"snapshot(?P<best>-best)?-(?P<epochs>\d+)\.pt")
_NET_TYPES = {"resnet50": "resnet_50", "resnet101": "resnet_101"}  # that DeepLabCut 3 has; others go by the first
_PLACEHOLDER = "This is no network. PoseCut keeps it here so that DeepLabCut finds the results of PoseCut's network.\n"


@dataclass(frozen=True)
class VideoMetadata:
    """What DeepLabCut wants to know of an analyzed video."""

    scorer: str
    bodyparts: tuple[str, ...]
    frame_count: int
    fps: float
    width: int
    height: int
    iteration: int
    training_fraction: float


def results_scorer(training: Training, scorer: str) -> str:
    """Name the results of one of our networks as DeepLabCut 3 looks for those of a shuffle.

    If it has a network of that shuffle itself, ours go by its name, as it looks for no other.

    Args:
        training: where the network lies.
        scorer: our name of it.
    """
    config = training.project.config
    own = _own_network(_train_folder(training), config.snapshotindex)
    net_type, uid = own or (_net_type(scorer), _step(scorer))
    words = "".join(word.capitalize() for word in net_type.split("_"))
    return f"DLC_{words}_{config.task}{config.date}shuffle{training.shuffle}_snapshot_{uid}"


def write_placeholder(training: Training, scorer: str) -> Path | None:
    """Write what DeepLabCut puts names together from, where it has no network of a shuffle itself.

    Returns:
        The folder; None where DeepLabCut has a network there.

    Raises:
        StorageError: the disk refuses.
    """
    folder = _train_folder(training)
    settings = folder / "pytorch_config.yaml"
    ours = settings.is_file() and read_text(settings, errors="replace").startswith("# PoseCut")
    if not ours and folder.exists() and any(folder.iterdir()):
        return None
    parts = list(training.project.config.bodyparts)
    metadata = {"project_path": "", "pose_config_path": "", "bodyparts": parts, "unique_bodyparts": []}
    content = {
        "net_type": _net_type(scorer),
        "method": "bu",
        "metadata": {**metadata, "individuals": ["animal"], "with_identity": None},
        **{name: {} for name in ("data", "runner", "train_settings")},
    }
    lines = [f"{name}: {json.dumps(value)}" for name, value in content.items()]  # JSON is YAML
    write_text(settings, "\n".join([f"# PoseCut: {_PLACEHOLDER.rstrip()}", *lines, ""]))
    write_text(folder / f"snapshot-{_step(scorer)}.pt", _PLACEHOLDER)
    return folder


def metadata_path(predictions_path: Path) -> Path:
    """Name the metadata of predictions, beside them."""
    return predictions_path.with_name(f"{predictions_path.stem}_meta.pickle")


def write_metadata(path: Path, video: VideoMetadata) -> None:
    """Write the metadata of a video's predictions: plain data, as `_plain_pickle` writes nothing else.

    Positions are in pixels of the full frame, so that it has no cropping, whatever window was analyzed.

    Raises:
        StorageError: the disk refuses.
    """
    data = {
        "start": 0.0,
        "stop": 0.0,
        "run_duration": 0.0,
        "Scorer": video.scorer,
        "pytorch-config": {},
        "fps": video.fps,
        "batch_size": 1,
        "frame_dimensions": (video.width, video.height),
        "nframes": video.frame_count,
        "iteration (active-learning)": video.iteration,
        "training set fraction": video.training_fraction,
        "cropping": False,
        "cropping_parameters": [0, video.width, 0, video.height],
        "individuals": ["animal"],
        "bodyparts": list(video.bodyparts),
        "unique_bodyparts": [],
    }
    write_bytes(path, _plain_pickle({"data": data}))


def _plain_pickle(value: object) -> bytes:
    """Write None, truth values, numbers, text, and lists, tuples and dictionaries of them as a pickle of protocol 2.

    There is no instruction in it that finds or calls anything.

    Raises:
        TypeError: something else is to be written.
    """
    return b"\x80\x02" + _pickled(value) + b"."


def _pickled(value: object) -> bytes:
    """Write a value in the instructions of Python's pickletools: each leaves one object on the stack."""
    match value:
        case None:
            return b"N"
        case bool():
            return b"\x88" if value else b"\x89"
        case int():
            size = value.bit_length() // 8 + 1
            return b"\x8a" + bytes([size]) + value.to_bytes(size, "little", signed=True)
        case float():
            return b"G" + struct.pack(">d", value)
        case str():
            text = value.encode("utf-8", "surrogatepass")
            return b"X" + struct.pack("<I", len(text)) + text
        case list():
            return b"](" + b"".join(map(_pickled, value)) + b"e"
        case tuple():
            return b"(" + b"".join(map(_pickled, value)) + b"t"
        case dict():
            return b"}(" + b"".join(_pickled(key) + _pickled(item) for key, item in value.items()) + b"u"
    raise TypeError(f"{type(value).__name__} is not plain data")


def _train_folder(training: Training) -> Path:
    project = training.project
    return project.root / "dlc-models-pytorch" / f"iteration-{project.config.iteration}" / training.name / "train"


def _own_network(folder: Path, snapshotindex: int | str) -> tuple[str, str] | None:
    """Return type and snapshot of a network as DeepLabCut puts them into a name; None where it has none there."""
    try:
        text = read_text(folder / "pytorch_config.yaml", errors="replace")
        found = [match for entry in folder.iterdir() if (match := _SNAPSHOT.fullmatch(entry.name))]
    except OSError:
        return None
    net_type = re.search(r"^net_type:\s*[\"']?(\w+)", text, re.MULTILINE)
    ordered = sorted(found, key=lambda match: (match["best"] is not None, int(match["epochs"])))
    index = -1 if isinstance(snapshotindex, str) else snapshotindex
    if net_type is None or text.startswith("# PoseCut") or not -len(ordered) <= index < len(ordered):
        return None
    best, epochs = ordered[index]["best"], int(ordered[index]["epochs"])
    return net_type[1], f"{'best-' if best else ''}{epochs}"


def _net_type(scorer: str) -> str:
    name = NetworkName.parse(scorer)
    return _NET_TYPES.get(name.backbone if name else "", "resnet_50")


def _step(scorer: str) -> str:
    """Return the step of a snapshot, which the name of a network ends with."""
    name = NetworkName.parse(scorer)
    return str(name.step) if name else "0"
