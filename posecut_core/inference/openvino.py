"""The engine for processors: OpenVINO uses their bf16 and int8 instructions, which XLA does not."""

import hashlib
import io
import logging
import os
import sys
import zipfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
from jaxtyping import Array, Float32, UInt8

import posecut_core
from posecut_core.dataset.scoremaps import Scoremaps
from posecut_core.errors import ModelError, StorageError
from posecut_core.model.devices import compilation_cache
from posecut_core.progress import quieted
from posecut_core.storage.files import open_file, read_bytes, write_bytes

Precision = Literal["float32", "bfloat16", "int8"]
_SMALL = 200 * 200  # pixels of images that are computed together
_HASH = 32  # bytes of a SHA-256
_STREAMS = 2  # images at once, each on a share of the cores: what lies between two layers of one fills the other's gaps


def is_installed() -> bool:
    """Tell whether OpenVINO is there; it has no wheels for some computers."""
    return find_spec("openvino") is not None


def fastest_precision() -> Precision:
    """Return bfloat16 where the processor has instructions for it, else float32."""
    return "bfloat16" if "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "float32"


def runtime() -> str:
    """Name the version of OpenVINO."""
    return f"OpenVINO {version('openvino')}"


class OpenvinoEngine:
    """A network in OpenVINO, on the processor.

    Each image is a request of its own, so that results do not depend on how many come at once; small ones, as a
    tracking crop has them, are one request, since layers of few cells leave the processor idle. A model is compiled for
    each size of a request.

    Args:
        network: returns the bytes of an ONNX file, or what `quantized` made of them, once the first images come. Images
            [B, H, W, 3] in [0, 1] go in, scores and locref come out, as `Scoremaps` has them.
        precision: what it computes in.
        latency: whether all cores work on one image, which is there soonest; else on several, which is more in all.
        key: tells the network from all others; with one, compiled models are kept in the cache of compiled programs.
    """

    def __init__(
        self,
        network: "Callable[[], bytes | Quantized]",
        *,
        precision: Precision,
        latency: bool = False,
        key: str | None = None,
    ) -> None:
        self.name = f"openvino-{precision}"
        self._network, self._key = network, key
        self._options = {
            "INFERENCE_PRECISION_HINT": "f32" if precision == "float32" else _reduced(),
            **({"PERFORMANCE_HINT": "LATENCY"} if latency else {"NUM_STREAMS": _STREAMS}),
        }
        self._compiled: dict[tuple[int, ...], _Requests] = {}

    def start(self, images: UInt8[Array | np.ndarray, "B H W C"]) -> Callable[[], Scoremaps]:
        """Return what `Engine.start` does."""
        count, height, width, channels = images.shape
        each = count if height * width <= _SMALL else 1
        requests = self._of_size(each, height, width, channels)
        copy = np.array(images)  # the caller may fill the original with other frames
        parts = [copy[start : start + each] for start in range(0, count, each)]
        started = [(part, requests.start(part)) for part in parts]  # images stay until they were looked at

        def result() -> Scoremaps:
            maps = [requests.result(request) for _, request in started]
            scores, locref = (np.concatenate(parts) for parts in zip(*maps, strict=True))
            return Scoremaps(scores, locref)

        return result

    @cached_property
    def _model(self) -> Any:
        network = self._network()
        parts = (network.xml, network.weights) if isinstance(network, Quantized) else (network,)
        try:
            return _of_bytes(_core().read_model(*parts))
        except RuntimeError as error:
            raise ModelError("OpenVINO cannot read the network; use engine xla, and report this.") from error

    def _of_size(self, *size: int) -> "_Requests":
        if size not in self._compiled:
            self._compiled[size] = _Requests(_kept(self._kept_as(size), lambda: self._made(size)))
        return self._compiled[size]

    def _made(self, size: tuple[int, ...]) -> Any:
        model = self._model.clone()
        model.reshape(size)
        return _core().compile_model(model, "CPU", self._options)

    def _kept_as(self, size: tuple[int, ...]) -> Path | None:
        """Return the file for the compiled model: another for all that it depends on."""
        folder = compilation_cache()
        if folder is None or self._key is None:
            return None
        processor = _core().get_property("CPU", "FULL_DEVICE_NAME")
        told = (self._key, self.name, self._options, size, processor, runtime(), posecut_core.__version__)
        return folder / "openvino" / f"{hashlib.sha256(repr(told).encode()).hexdigest()}.blob"


class _Requests:
    """The requests to one compiled model; one that is done is used again."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._free: list[Any] = []

    def start(self, images: UInt8[np.ndarray, "N H W C"]) -> Any:
        request = self._free.pop() if self._free else self._compiled.create_infer_request()
        request.set_input_tensor(_openvino().Tensor(images, shared_memory=True))
        request.start_async()
        return request

    def result(self, request: Any) -> list[np.ndarray]:
        request.wait()
        maps = [np.array(request.get_output_tensor(place).data) for place in range(2)]
        self._free.append(request)
        return maps


# --- compiled models --------------------------------------------------------------------------------------------------
# To write a network for OpenVINO and to compile it takes seconds for each size of images; to read what came of it takes
# a third of that. A file is the SHA-256 of what follows, and that: OpenVINO does not survive every damaged file.


_KEPT_BYTES = 2**30  # models that were not used for longest are deleted beyond that


def _kept(path: Path | None, make: Callable[[], Any]) -> Any:
    """Return the compiled model of a file; without one it is made, and kept there."""
    with suppress(OSError, RuntimeError):
        if path is not None:
            content = read_bytes(path, at_most=_KEPT_BYTES)
            if hashlib.sha256(content[_HASH:]).digest() == content[:_HASH]:
                os.utime(path)
                return _core().import_model(content[_HASH:], "CPU")
    made = make()
    with suppress(OSError, RuntimeError, StorageError):  # an analysis needs no cache
        if path is not None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            content = made.export_model().getvalue()
            write_bytes(path, hashlib.sha256(content).digest() + content)
            _forget_oldest(path.parent)
    return made


def _forget_oldest(folder: Path) -> None:
    files = sorted(folder.glob("*.blob"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file, total in zip(files, accumulate(file.stat().st_size for file in files), strict=True):
        if total > _KEPT_BYTES:
            file.unlink()


# --- int8 -------------------------------------------------------------------------------------------------------------
# Post-training quantization by NNCF: what the layers put out for some images decides on their scales. It takes minutes,
# so it is kept beside the network, in one file: an .npz without pickles.


# Norms and sums of residual blocks stay in bfloat16, and so do the first convolution and those that maps are made of:
# positions of a ResNet-50 with GroupNorm deviate by a seventh of what they do otherwise, and it takes less time.
_NOT_IN_INT8 = {"Add", "Divide", "Multiply", "ReduceL2", "ReduceMean", "Sqrt", "Subtract"}
_HEADS = 3  # convolutions


@dataclass(frozen=True)
class Quantized:
    """A model as OpenVINO writes it."""

    xml: bytes
    weights: bytes

    @property
    def sha256(self) -> str:
        """Tell it from others: made twice of the same images it need not be the same."""
        return hashlib.sha256(self.xml + self.weights).hexdigest()


def quantized(network: bytes, images: Sequence[Float32[np.ndarray, "1 H W C"]]) -> Quantized:
    """Quantize an ONNX network by images such as it will see.

    Raises:
        ModelError: NNCF is not installed.
    """
    if find_spec("nncf") is None:
        raise ModelError(
            "openvino-int8 needs NNCF, which is not installed; install it with pip install 'posecut[int8]'.",
        )
    _openvino()
    import nncf  # takes seconds

    model = _core().read_model(network)
    operations = model.get_ordered_ops()
    types = {operation.get_type_name() for operation in operations}
    convolutions = [each.get_friendly_name() for each in operations if each.get_type_name() == "Convolution"]
    kept = nncf.IgnoredScope(types=sorted(types & _NOT_IN_INT8), names=[convolutions[0], *convolutions[-_HEADS:]])
    with quieted("nncf", below=logging.ERROR), redirect_stdout(io.StringIO()):  # it draws bars
        model = nncf.quantize(
            model,
            nncf.Dataset(images),
            preset=nncf.QuantizationPreset.MIXED,  # closer by a tenth, and as fast
            subset_size=len(images),
            ignored_scope=kept,
        )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "int8.xml"
        _openvino().save_model(model, path)
        return Quantized(path.read_bytes(), path.with_suffix(".bin").read_bytes())


def write_quantized(path: Path, model: Quantized, *, network: str) -> None:
    """Keep a quantized model of the network of a hash.

    Raises:
        StorageError: the disk refuses.
    """
    with io.BytesIO() as stream:
        xml, weights = (np.frombuffer(part, np.uint8) for part in (model.xml, model.weights))
        np.savez(stream, network=network, xml=xml, weights=weights)
        write_bytes(path, stream.getvalue())


def read_quantized(path: Path, *, network: str) -> Quantized | None:
    """Read the quantized model of the network of a hash; None where there is none, of another network or damaged."""
    try:
        with open_file(path) as stream, np.load(stream, allow_pickle=False) as arrays:
            of_network = str(arrays["network"]) == network
            return Quantized(arrays["xml"].tobytes(), arrays["weights"].tobytes()) if of_network else None
    except (OSError, LookupError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        return None


# --- OpenVINO ---------------------------------------------------------------------------------------------------------


def _openvino() -> Any:
    # It would tell Intel of each import, by a fork of this process, where a lock of JAX's threads may be held forever.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino  # takes half a second, and is not there everywhere

    return openvino


@cache
def _core() -> Any:
    return _openvino().Core()


def _of_bytes(model: Any) -> Any:
    """Let a model take images as they are stored, not in [0, 1]."""
    openvino = _openvino()
    steps = openvino.preprocess.PrePostProcessor(model)
    steps.input().tensor().set_element_type(openvino.Type.u8)
    steps.input().preprocess().convert_element_type(openvino.Type.f32).scale(255.0)
    return steps.build()


def _reduced() -> str:
    return "bf16" if fastest_precision() == "bfloat16" else "f32"
