"""The engine for processors: OpenVINO uses their bf16 and int8 instructions, which XLA does not."""

import io
import logging
import sys
import zipfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32, UInt8

from posecut_core.dataset.scoremaps import Scoremaps
from posecut_core.errors import ModelError
from posecut_core.progress import quieted
from posecut_core.storage.files import open_file, write_bytes

Precision = Literal["float32", "bfloat16", "int8"]
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

    Each image is a request of its own, so that results do not depend on how many come at once. A model is compiled for
    each size of images.

    Args:
        network: returns the bytes of an ONNX file, or what `quantized` made of them, once the first images come. Images
            [B, H, W, 3] in [0, 1] go in, scores and locref come out, as `Scoremaps` has them.
        precision: what it computes in.
        latency: whether all cores work on one image, which is there soonest; else on several, which is more in all.
    """

    def __init__(
        self, network: "Callable[[], bytes | Quantized]", *, precision: Precision, latency: bool = False
    ) -> None:
        self.name = f"openvino-{precision}"
        self._network = network
        self._options = {
            "INFERENCE_PRECISION_HINT": "f32" if precision == "float32" else _reduced(),
            **({"PERFORMANCE_HINT": "LATENCY"} if latency else {"NUM_STREAMS": _STREAMS}),
        }
        self._compiled: dict[tuple[int, int], _Requests] = {}

    def start(self, images: UInt8[Array | np.ndarray, "B H W 3"]) -> Callable[[], Scoremaps]:
        """Return what `Engine.start` does."""
        requests = self._of_size(images.shape[1], images.shape[2])
        copy = np.array(images)  # the caller may fill the original with other frames
        started = [(image, requests.start(image[None])) for image in copy]  # images stay until they were looked at

        def result() -> Scoremaps:
            maps = [requests.result(request) for _, request in started]
            scores, locref = (np.concatenate(parts) for parts in zip(*maps, strict=True))
            return Scoremaps(jnp.asarray(scores), jnp.asarray(locref))

        return result

    @cached_property
    def _model(self) -> Any:
        network = self._network()
        parts = (network.xml, network.weights) if isinstance(network, Quantized) else (network,)
        try:
            return _of_bytes(_core().read_model(*parts))
        except RuntimeError as error:
            raise ModelError("OpenVINO cannot read the network; use engine xla, and report this.") from error

    def _of_size(self, height: int, width: int) -> "_Requests":
        if (height, width) not in self._compiled:
            model = self._model.clone()
            model.reshape([1, height, width, 3])
            self._compiled[height, width] = _Requests(_core().compile_model(model, "CPU", self._options))
        return self._compiled[height, width]


class _Requests:
    """The requests to one compiled model; one that is done is used again."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._free: list[Any] = []

    def start(self, image: UInt8[np.ndarray, "1 H W 3"]) -> Any:
        request = self._free.pop() if self._free else self._compiled.create_infer_request()
        request.set_input_tensor(_openvino().Tensor(image, shared_memory=True))
        request.start_async()
        return request

    def result(self, request: Any) -> list[np.ndarray]:
        request.wait()
        maps = [np.array(request.get_output_tensor(place).data) for place in range(2)]
        self._free.append(request)
        return maps


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


def quantized(network: bytes, images: Sequence[Float32[np.ndarray, "1 H W 3"]]) -> Quantized:
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
