"""Trained networks in files that need no project, and whose format other programs know: ONNX and safetensors.

<scorer>.onnx           the network, and beside it <scorer>.json: what goes in, and how poses are read from the maps
<scorer>.safetensors    the parameters by name; the same description is in its metadata, as "posecut"
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
from jaxtyping import Array, UInt8
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

import posecut_core
from posecut_core.dataset.scoremaps import LOCREF_STDEV, STRIDE, Scoremaps
from posecut_core.errors import ModelError, Remedy
from posecut_core.inference.engine import Engine, XlaEngine
from posecut_core.inference.export import network_onnx
from posecut_core.model.pose_net import NetworkSpec, Parameters, parameter_shapes
from posecut_core.model.snapshots import LARGEST, SnapshotInfo, description_of, info_from
from posecut_core.results import counted
from posecut_core.storage.files import atomic_path, file_sha256, parse_json, read_json, write_text

_TOLERANCE = 1e-3  # of the largest number in a map: what proves a file

# --- writing ----------------------------------------------------------------------------------------------------------


def write_onnx(
    target: Path,
    info: SnapshotInfo,
    parameters: Parameters,
    *,
    images: UInt8[Array | np.ndarray, "B H W C"],
    measure: Callable[[Engine], Mapping[str, str | int | float]],
) -> None:
    """Write a network as ONNX, and what it is beside it. It gets its name once onnxruntime has run it.

    Args:
        target: the .onnx; an existing one is replaced.
        info: what the network is.
        parameters: of the network.
        images: what it is proved with: onnxruntime must compute the maps that JAX does.
        measure: tells how far an engine's poses are from the network's, for the description.

    Raises:
        ModelError: onnxruntime is not installed or computes something else, or the network cannot be written as ONNX.
        StorageError: the disk refuses.
    """
    require_onnxruntime()
    network = network_onnx(info.network, parameters)
    with atomic_path(target) as temporary:
        temporary.write_bytes(network.SerializeToString())
        engine = OnnxEngine(temporary)
        expected = XlaEngine(info.network, parameters).start(images)()
        for mine, theirs in zip(engine.start(images)(), expected, strict=True):
            if not np.allclose(mine, theirs, rtol=0, atol=_TOLERANCE * (1 + float(np.abs(theirs).max()))):
                raise ModelError(
                    f"onnxruntime computes other score maps for {info.scorer} than the network does; export it as "
                    "safetensors, and report this."
                )
        content = _description(info, file_sha256(temporary), measure(engine))
    write_text(description_path(target), json.dumps(content, indent=1))


def write_safetensors(target: Path, info: SnapshotInfo, parameters: Parameters) -> None:
    """Write the parameters of a network by name, and what it is.

    Raises:
        StorageError: the disk refuses.
    """
    tensors = {name: np.asarray(leaf) for name, leaf in _named(parameters).items()}
    content = json.dumps(_description(info, _tensors_sha256(tensors)))
    with atomic_path(target) as temporary:
        temporary.write_bytes(save(tensors, {"posecut": content}))


def description_path(target: Path) -> Path:
    """Return where the description of an ONNX file lies."""
    return target.with_suffix(".json")


@dataclass(frozen=True, kw_only=True)
class _Input:
    """What goes into a network."""

    images: str = "float32 [batch, height, width, 3], RGB, pixel values divided by 255"
    global_scale: float
    multiple: int
    preparation: str = (
        "Scale frames by global_scale, then repeat the last row and column until both sides are multiples of "
        "`multiple`. Mean and standard deviation of colors are part of the network."
    )


def _input(network: NetworkSpec, global_scale: float) -> _Input:
    known = _Input(global_scale=global_scale, multiple=network.backbone.stages[-1].stride)
    if not network.context:
        return known
    layout = (
        f"float32 [batch, height, width, {network.channels}], pixel values divided by 255: the frame in RGB, then the "
        f"green channels of {counted(network.context, 'frame')} before it and {network.context} after it, in the order "
        "of time; the frame's own green channel where a video has no such frame"
    )
    return replace(known, images=layout)


@dataclass(frozen=True, kw_only=True)
class _Output:
    """What comes out of it, and how poses are read from that."""

    scores: str = "float32 [batch, rows, columns, bodyparts]; likelihood = 1 / (1 + exp(-score))"
    locref: str = "float32 [batch, rows, columns, bodyparts, 2]; (dx, dy) in units of locref_stdev pixels"
    stride: int = STRIDE
    locref_stdev: float = LOCREF_STDEV
    decoding: str = (
        "For each bodypart: find the cell (i, j) of the largest score; x = stride * j + (stride - 1) / 2 + "
        "locref_stdev * dx, y = stride * i + (stride - 1) / 2 + locref_stdev * dy. PoseCut averages the 3x3 cells "
        "around it, weighted by their likelihoods. Where a distance between bodyparts is far from network.distances "
        "(mean and spread over the labels, in pixels of the input), it chooses among the highest peaks of all maps, as "
        "PoseCut's documentation says under Likelihood. "
        "x of the frame = (x + 0.5) / global_scale - 0.5."
    )
    positions: str = "(0, 0) is the center of the top-left pixel, x right, y down"


@dataclass(frozen=True, kw_only=True)
class _Description:
    """What a network is, and all that a program of another language needs to use it: each fact once."""

    format: Literal["PoseCut network 1"]
    version: str
    sha256: str  # of the file, or of the names and arrays
    bodyparts: tuple[str, ...]
    input: _Input
    output: _Output
    network: dict[str, Any]  # what a snapshot says beside that
    deviation: dict[str, str | int | float] | None = None  # of onnxruntime's poses from the network's


def _description(
    info: SnapshotInfo, sha256: str, deviation: Mapping[str, str | int | float] | None = None
) -> dict[str, Any]:
    network = description_of(info)
    return asdict(
        _Description(
            format="PoseCut network 1",
            version=posecut_core.__version__,
            sha256=sha256,
            bodyparts=network["network"].pop("bodyparts"),
            input=_input(info.network, network.pop("global_scale")),
            output=_Output(),
            network=network,
            deviation=None if deviation is None else dict(deviation),
        )
    )


def _described(content: Any) -> tuple[str, SnapshotInfo]:
    """Read what `_description` returned: the hash, and what the network is.

    Raises:
        LookupError, TypeError, ValueError, AttributeError: it says something else, or contradicts itself.
    """
    try:
        found = msgspec.convert(content, _Description)
    except msgspec.ValidationError as error:
        field = re.search(r"(?:field `|\$\.)([\w.\[\]]+)", str(error))
        raise ValueError(f"{field[1] if field else 'what it holds'} is not as it was written") from error
    if len(set(found.bodyparts)) < len(found.bodyparts):
        raise ValueError("bodyparts names one of them twice")
    network = {**found.network["network"], "bodyparts": found.bodyparts}
    info = info_from({**found.network, "global_scale": found.input.global_scale, "network": network})
    expected = {"multiple": info.network.backbone.stages[-1].stride, "stride": STRIDE, "locref_stdev": LOCREF_STDEV}
    for name, value in {**asdict(found.input), **asdict(found.output)}.items():
        if value != expected.get(name, value):
            raise ValueError(f"{name} is {value}, expected {expected[name]}")
    return found.sha256, info


def _named(parameters: Parameters) -> dict[str, Any]:
    leaves = jax.tree.leaves_with_path(parameters)
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves}


def _tensors_sha256(tensors: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(tensors.items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


# --- opening ----------------------------------------------------------------------------------------------------------


def open_network(path: Path) -> tuple[SnapshotInfo, Engine]:
    """Open what `write_onnx` or `write_safetensors` wrote; ONNX runs in onnxruntime.

    Raises:
        ModelError: there is no such file, it is damaged or none of these, or onnxruntime is missing.
    """
    if not path.is_file():
        raise ModelError(f"There is no file {path}, expected an exported network.", Remedy("export_model"))
    if path.suffix == ".onnx":
        info, engine = _read_description(path), OnnxEngine(path)
        if len(info.network.bodyparts) != engine.bodypart_count:
            raise ModelError(
                f"{description_path(path)} names {len(info.network.bodyparts)} bodyparts, but {path.name} finds "
                f"{engine.bodypart_count}; correct the list, or export the network again.",
                Remedy("export_model"),
            )
        return info, engine
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    raise ModelError(f"{path} is not an exported network; expected a .onnx or a .safetensors file.")


def _read_description(path: Path) -> SnapshotInfo:
    beside = description_path(path)
    try:
        sha256, info = _described(read_json(beside))
    except OSError as error:
        raise ModelError(
            f"Cannot read {beside}, which describes {path.name}: {error.strerror or error}; copy both files, or "
            "export the network again.",
            Remedy("export_model"),
        ) from error
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(
            f"{beside} does not describe a network ({error}); export it again.", Remedy("export_model")
        ) from error
    if file_sha256(path) != sha256:
        raise ModelError(
            f"{path} is damaged, or not the file that {beside.name} describes; export the network again.",
            Remedy("export_model"),
        )
    return info


def _read_safetensors(path: Path) -> tuple[SnapshotInfo, XlaEngine]:
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError("it is larger than any network")
        with safe_open(path, "numpy") as file:
            content = parse_json((file.metadata() or {})["posecut"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
        sha256, info = _described(content)
        shapes = parameter_shapes(info.network)
        expected = {name: leaf.shape for name, leaf in _named(shapes).items()}
        if sha256 != _tensors_sha256(tensors) or expected != {k: v.shape for k, v in tensors.items()}:
            raise ValueError("its arrays have other names or shapes")
    except (OSError, LookupError, TypeError, ValueError, AttributeError, SafetensorError) as error:
        raise ModelError(
            f"{path} is damaged, or not a network of PoseCut; export it again.", Remedy("export_model")
        ) from error
    leaves = [jnp.asarray(tensors[name]) for name in expected]
    return info, XlaEngine(info.network, jax.tree.unflatten(jax.tree.structure(shapes), leaves))


# --- onnxruntime ------------------------------------------------------------------------------------------------------


def require_onnxruntime() -> None:
    """Refuse to go on without onnxruntime.

    Raises:
        ModelError: it is not installed.
    """
    if find_spec("onnxruntime") is None:
        raise ModelError("ONNX files need onnxruntime, which is not installed; pip install 'posecut[export]' adds it.")


class OnnxEngine:
    """An ONNX file in onnxruntime, on the processor.

    Raises:
        ModelError: onnxruntime is not installed, or cannot read the file.
    """

    name: ClassVar[str] = "onnxruntime-float32"

    def __init__(self, path: Path) -> None:
        require_onnxruntime()
        import onnxruntime  # takes a quarter of a second

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors have no common base
            raise ModelError(f"onnxruntime {onnxruntime.__version__} cannot read {path}; it may be damaged.") from error
        self._queue = ThreadPoolExecutor(1, thread_name_prefix="onnxruntime")

    @property
    def bodypart_count(self) -> int:
        """How many maps of scores there are."""
        return int(self._session.get_outputs()[0].shape[-1])

    def start(self, images: UInt8[Array | np.ndarray, "B H W C"]) -> Callable[[], Scoremaps]:
        """Return what `Engine.start` does."""
        ready = np.asarray(images, np.float32) / 255
        running = self._queue.submit(self._session.run, ["scores", "locref"], {"images": ready})
        return lambda: Scoremaps(*map(jnp.asarray, running.result()))
