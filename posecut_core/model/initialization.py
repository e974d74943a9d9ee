"""Initial weights: random, ImageNet's from the hub, a safetensors file, or an earlier network."""

import dataclasses
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int
from safetensors import SafetensorError, safe_open

from posecut_core.backbones import AUTO, ON_ACCELERATORS, ON_PROCESSORS, Backbone, backbone_of, net_types
from posecut_core.dataset.settings import TrainingSettings
from posecut_core.errors import ModelError, Remedy
from posecut_core.model.hub import HubFile, fetch_weights
from posecut_core.model.pose_net import NetworkSpec, Parameters, initial_parameters, parameter_shapes
from posecut_core.model.snapshots import LARGEST, load_parameters, read_info
from posecut_core.progress import Notice, Report
from posecut_core.project.given import given_path
from posecut_core.project.paths import MANIFEST
from posecut_core.storage.files import file_sha256

# --- pretrained -------------------------------------------------------------------------------------------------------
# Initial weights from a safetensors file in torchvision's or timm's names, checked tensor by tensor.


_COUNTER = ".num_batches_tracked"
_REALS = ("F64", "F32", "F16", "BF16")

_Tensors = dict[str, np.ndarray]


def read_weights(path: Path) -> tuple[_Tensors, dict[str, str]]:
    """Read all tensors as float32, and the file's metadata; counters are left out.

    Raises:
        ModelError: the file is missing, not safetensors, or holds values that are not finite or not real numbers.
    """
    if not path.is_file():
        raise ModelError(
            f"There is no weights file {path}; give the path of a .safetensors file, 'imagenet' or 'random'."
        )
    if path.stat().st_size > LARGEST:
        raise ModelError(
            f"{path} has {path.stat().st_size} bytes, more than any supported network; give weights of the network "
            "that net_type names."
        )
    try:
        with safe_open(path, framework="numpy") as archive:
            metadata = dict(archive.metadata() or {})
            names = [name for name in archive.keys() if not name.endswith(_COUNTER)]  # noqa: SIM118 - not a dict
            types = {name: archive.get_slice(name).get_dtype() for name in names}
            with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused below
                tensors = {name: archive.get_tensor(name).astype(np.float32) for name in names if types[name] in _REALS}
    except (SafetensorError, OSError, TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise ModelError(
            f"{path} is not a readable safetensors file (damaged, truncated or another format); download it again."
        ) from error
    for name in names:
        if types[name] not in _REALS:
            raise ModelError(
                f"Tensor {name} of {path} holds values of type {types[name]}, expected {', '.join(_REALS)}; give "
                "weights that are not quantized."
            )
        _refuse_values(path, name, tensors[name])
    return tensors, metadata


def _refuse_values(path: Path, name: str, tensor: np.ndarray) -> None:
    if not np.isfinite(tensor).all():
        raise ModelError(f"Tensor {name} of {path} holds NaN or infinity; download the file again.")
    if name.endswith(".running_var") and (tensor < 0).any():
        raise ModelError(f"Tensor {name} of {path} holds a negative variance; download the file again.")


def _backbone_of_weights(
    tensors: _Tensors, metadata: dict[str, str], *, net_type: str, norm: str, source: str
) -> Backbone:
    """Find out which backbone the weights are for; `norm` is `auto` or what the user insists on.

    Raises:
        ModelError: these are not the weights of such a backbone, or not of one with the norm that is asked for.
    """
    found = backbone_of(net_type).of_weights(tensors, metadata, source=source)
    has_statistics = _has_statistics(tensors)
    if norm == "frozen_batch" and not has_statistics:
        raise ModelError(
            f"Setting norm is frozen_batch, but {source} holds no running statistics of a batch norm; set norm to auto."
        )
    return _changed(found, norm=("frozen_batch" if has_statistics else "group") if norm == "auto" else norm)


def _changed(backbone: Backbone, **values: str | float) -> Backbone:
    return dataclasses.replace(backbone, **values)


def _convert_weights(tensors: _Tensors, initial: Parameters, spec: NetworkSpec, *, source: str) -> Parameters:
    """Return `initial` with the backbone's parameters replaced by the weights; heads stay as they are.

    Raises:
        ModelError: a tensor is missing, unexpected or of the wrong shape; it is named.
    """
    shapes = parameter_shapes(spec)["backbone"]
    wanted = spec.backbone.tensor_names(shapes)
    used: set[str] = set()
    net_type = spec.backbone.net_type
    has_statistics = _has_statistics(tensors)
    backbone = _copy(initial["backbone"])
    for name, path in wanted.items():
        if path[-1] == "kernel":
            used.add(f"{name}.weight")
            _put(backbone, path, _kernel(tensors, f"{name}.weight", _get(shapes, path).shape, source, net_type))
            continue
        names = [f"{name}.weight", f"{name}.bias"]
        names += [f"{name}.running_mean", f"{name}.running_var"] if has_statistics else []
        used.update(names)
        channels = _get(shapes, (*path, "scale")).shape
        values = [_take(tensors, each, channels, source, net_type) for each in names]
        if spec.backbone.norm == "group" and has_statistics:
            continue  # another norm was asked for: statistics of a batch say nothing about groups
        scale, bias = _folded(*values, epsilon=spec.backbone.pretraining.epsilon)
        _put(backbone, (*path, "scale"), scale)
        _put(backbone, (*path, "bias"), bias)
    _refuse_extra(tensors, used, spec, source)
    return {**initial, "backbone": backbone}


def _has_statistics(tensors: _Tensors) -> bool:
    return any(name.endswith(".running_mean") for name in tensors)


def _folded(
    weight: np.ndarray,
    bias: np.ndarray,
    mean: np.ndarray | float = 0.0,
    variance: np.ndarray | None = None,  # of a norm that has statistics
    *,
    epsilon: float,
) -> tuple[np.ndarray, np.ndarray]:
    scale = weight if variance is None else weight / np.sqrt(variance + epsilon)
    return scale.astype(np.float32), (bias - mean * scale).astype(np.float32)


def _take(tensors: _Tensors, name: str, shape: tuple[int, ...], source: str, net_type: str) -> np.ndarray:
    found = tensors.get(name)
    if found is None or found.shape != shape:
        has = (
            f"lacks tensor {name}"
            if found is None
            else f"has tensor {name} of shape {found.shape}, but the network needs {shape}"
        )
        raise ModelError(
            f"{source} {has}; give weights of {net_type}, or set net_type to the network that they are of."
        )
    return found


def _kernel(tensors: _Tensors, name: str, shape: tuple[int, ...], source: str, net_type: str) -> np.ndarray:
    height, width, inputs, outputs = shape
    return _take(tensors, name, (outputs, inputs, height, width), source, net_type).transpose(2, 3, 1, 0)


def _refuse_extra(tensors: _Tensors, used: set[str], spec: NetworkSpec, source: str) -> None:
    extra = [name for name in tensors if name not in used and not name.startswith(spec.backbone.classifier)]
    if extra:
        raise ModelError(
            f"{source} holds tensor {extra[0]} that {spec.backbone.net_type} does not have; "
            "set net_type to the network that the weights belong to."
        )


def _get(tree: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def _put(tree: Parameters, path: tuple[Any, ...], value: np.ndarray) -> None:
    _get(tree, path[:-1])[path[-1]] = jnp.asarray(value)


def _copy(tree: Any) -> Any:
    return {key: _copy(value) for key, value in tree.items()} if isinstance(tree, dict) else tree


# --- continuation -----------------------------------------------------------------------------------------------------
# What an earlier network hands on to a new training: all that it has learned, also where bodyparts were added since.


def _continued(folder: Path, settings: TrainingSettings, bodyparts: tuple[str, ...]) -> tuple[NetworkSpec, Parameters]:
    """Return network and parameters of a snapshot, for other bodyparts; maps of new ones are drawn.

    Raises:
        ModelError: the snapshot is missing or damaged, or of another network than `settings` name.
    """
    before = read_info(folder).network
    _check(folder, before, settings)
    spec = dataclasses.replace(
        before,
        bodyparts=bodyparts,
        precision=settings.precision,
        intermediate=settings.intermediate_supervision,
        context=settings.context,
    )
    learned = load_parameters(folder, parameter_shapes(before))
    return spec, _handed_on(learned, initial_parameters(settings.seed, spec), before=before.bodyparts, after=bodyparts)


def _handed_on(
    learned: Parameters, fresh: Parameters, *, before: tuple[str, ...], after: tuple[str, ...]
) -> Parameters:
    """Return `fresh` parameters of a network for the bodyparts `after`, with all that one for `before` has learned."""
    target, source = _columns(before, after)
    own = {name: part for name, part in fresh.items() if name in learned and name != "backbone"}

    def mixed(new: Array, old: Array) -> Array:
        return new.at[..., target].set(old[..., source])

    maps = {name: jax.tree.map(mixed, part, learned[name]) for name, part in own.items()}
    return {**fresh, **maps, "backbone": _filled(learned["backbone"], fresh["backbone"])}


def _filled(learned: Any, fresh: Any) -> Any:
    """Take from a `fresh` tree what one before it lacks: a network that saw frames alone, their neighbors' kernels."""
    if not isinstance(fresh, dict):
        return learned
    return {name: _filled(learned[name], value) if name in learned else value for name, value in fresh.items()}


def _columns(before: tuple[str, ...], after: tuple[str, ...]) -> tuple[Int[Array, " N"], Int[Array, " N"]]:
    """Pair the maps, K scores and then 2 K offsets (`pose_net.PoseNet`), of bodyparts that stand in both."""
    pairs = [(after.index(name), before.index(name)) for name in after if name in before]
    places = np.array(pairs, dtype=np.int32).reshape(-1, 2)
    counts = np.array([len(after), len(before)], dtype=np.int32)
    columns = np.concatenate([places, counts + 2 * places, counts + 2 * places + 1])
    return jnp.asarray(columns[:, 0]), jnp.asarray(columns[:, 1])


def _check(folder: Path, network: NetworkSpec, settings: TrainingSettings) -> None:
    found: list[tuple[str, Any, Any]] = [("net_type", network.backbone.net_type, settings.net_type)]
    if settings.norm != "auto":
        found.append(("norm", network.backbone.norm, settings.norm))
    if settings.width != 1.0:
        found.append(("width", network.backbone.width, settings.width))
    if network.context:
        found.append(("context", network.context, settings.context))
    for name, has, asked in found:
        if has != asked:
            raise ModelError(
                f"Snapshot {folder} holds a network with {name} {has}, but the settings ask for {asked}; set {name} "
                f"to {has}, or start from other weights."
            )


# --- beginning --------------------------------------------------------------------------------------------------------
# What a training begins with: ImageNet weights from the hub, random ones, those of a file, or an earlier network.


_WORDS = ("imagenet", "random", "previous")


@dataclass(frozen=True)
class Beginning:
    """A network before its first step."""

    spec: NetworkSpec
    parameters: Parameters
    settings: TrainingSettings  # which say from now on what weights these were


def placed_weights(given: str, *folders: Path) -> str:
    """Return what init_weights means from any working folder: a word as it is, a file by its absolute path.

    Args:
        given: "imagenet", "random", "previous", or the path of a file.
        folders: where to look for a file that is not below the working folder.
    """
    if given.strip().lower() in _WORDS:
        return given.strip().lower()
    path = given_path(given)
    return str(next((folder / given for folder in folders if not path.exists() and (folder / given).exists()), path))


def with_network(settings: TrainingSettings, *, report: Report) -> TrainingSettings:
    """Name the network that `auto` stands for: that of the weights' file, or what suits this computer; tell why.

    Without pretrained weights it is the one that all figures from random weights are of.
    """
    if settings.net_type != AUTO:
        return settings
    weights = settings.init_weights
    of_file = None if weights in _WORDS else _network_of(Path(weights).expanduser())
    if of_file is not None:
        chosen, why = of_file, f"{weights} holds weights of it"
    elif weights == "random":
        chosen, why = ON_ACCELERATORS, "training begins with random weights"
    elif jax.default_backend() == "cpu":
        chosen = ON_PROCESSORS
        why = f"this computer has no graphics card; {ON_ACCELERATORS} needs nine times the arithmetic"
    else:
        chosen = ON_ACCELERATORS
        why = f"this computer has a graphics card; {ON_PROCESSORS} needs a ninth of the arithmetic"
    report(Notice(f"The network is {chosen}, as net_type is {AUTO} and {why}"))
    return dataclasses.replace(settings, net_type=chosen)


def _network_of(path: Path) -> str | None:
    """Return the network that a file holds weights of; None where it is none of ours.

    Raises:
        ModelError: the file is missing, or is not safetensors.
    """
    tensors, metadata = read_weights(path)
    for net_type in dict.fromkeys((ON_PROCESSORS, ON_ACCELERATORS, *net_types())):
        with suppress(ModelError):
            backbone = _backbone_of_weights(tensors, metadata, net_type=net_type, norm="auto", source=str(path))
            spec = NetworkSpec(backbone, ("any",))
            _convert_weights(tensors, parameter_shapes(spec), spec, source=str(path))
            return net_type
    return None


def begin(
    settings: TrainingSettings, bodyparts: tuple[str, ...], *, previous: Path | None = None, report: Report
) -> Beginning:
    """Make the network that `settings` describe; ImageNet weights are fetched if they are not on this computer.

    Args:
        settings: of the training.
        bodyparts: which the network is to find.
        previous: the snapshot that init_weights `previous` stands for, None if there is none.
        report: notified of the download.

    Raises:
        ModelError: the weights cannot be obtained, or are not those of the network that `settings` name.
        StorageError: the disk refuses.
    """
    settings = with_network(settings, report=report)
    if settings.init_weights == "random":
        return _random(_recorded(settings, None, None), bodyparts)
    if settings.init_weights == "imagenet":
        found = _imagenet(settings, report)
        settings = _recorded(settings, f"{found.repository}@{found.revision}", found.sha256)
        return _from_file(found.path, found.repository, settings, bodyparts)
    if settings.init_weights == "previous":
        return _previous(previous, settings, bodyparts)
    path = Path(settings.init_weights).expanduser()
    begun = _from_file(path, str(path), settings, bodyparts)
    return dataclasses.replace(begun, settings=_recorded(settings, None, file_sha256(path)))


def _recorded(settings: TrainingSettings, origin: str | None, sha256: str | None) -> TrainingSettings:
    return dataclasses.replace(settings, init_origin=origin, init_sha256=sha256)


def _random(settings: TrainingSettings, bodyparts: tuple[str, ...]) -> Beginning:
    norm = "group" if settings.norm == "auto" else settings.norm
    spec = _spec(_changed(backbone_of(settings.net_type), width=settings.width, norm=norm), bodyparts, settings)
    return Beginning(spec, initial_parameters(settings.seed, spec), settings)


def _previous(snapshot: Path | None, settings: TrainingSettings, bodyparts: tuple[str, ...]) -> Beginning:
    if snapshot is None:
        raise ModelError(
            "No earlier iteration has a network of this shuffle, expected one because init_weights "
            "is 'previous'; start from other weights, such as imagenet."
        )
    spec, parameters = _continued(snapshot, settings, bodyparts)
    levels = 4 if re.fullmatch(r"network-\d+", snapshot.parent.name) else 3
    origin = "/".join(snapshot.parts[-levels:])  # iteration, training, snapshot: the project may move
    return Beginning(spec, parameters, _recorded(settings, origin, file_sha256(snapshot / MANIFEST)))


def _imagenet(settings: TrainingSettings, report: Report) -> HubFile:
    if settings.width != 1.0:
        raise ModelError(
            f"Setting width is {settings.width}, but ImageNet weights need width 1.0; leave width at 1.0, or start "
            "from random weights.",
            Remedy("train_network", weights="random"),
        )
    backbone = backbone_of(settings.net_type)
    repository = backbone.repository(settings.norm)
    if repository is None:
        raise ModelError(
            f"There are no ImageNet weights of {settings.net_type}; start from random weights.",
            Remedy("train_network", weights="random"),
        )
    name, _, commit = (settings.init_origin or "").partition("@")
    # For `auto`, PoseCut 0.1.0 took the weights with GroupNorm.
    if name not in (repository, backbone.repository("group") if settings.norm == "auto" else repository):
        return fetch_weights(repository, report=report)  # the first time, or net_type or norm has been changed since
    return fetch_weights(name, revision=commit, sha256=settings.init_sha256, report=report)


def _from_file(path: Path, source: str, settings: TrainingSettings, bodyparts: tuple[str, ...]) -> Beginning:
    tensors, metadata = read_weights(path)
    backbone = _backbone_of_weights(tensors, metadata, net_type=settings.net_type, norm=settings.norm, source=source)
    if settings.width not in (1.0, backbone.width):
        raise ModelError(
            f"Setting width is {settings.width}, but {source} holds a network of width {backbone.width}; leave width "
            "at 1.0: it is taken from the weights."
        )
    spec = _spec(backbone, bodyparts, settings)
    parameters = _convert_weights(tensors, initial_parameters(settings.seed, spec), spec, source=source)
    return Beginning(spec, parameters, settings)


def _spec(backbone: Backbone, bodyparts: tuple[str, ...], settings: TrainingSettings) -> NetworkSpec:
    return NetworkSpec(backbone, bodyparts, settings.precision, settings.intermediate_supervision, settings.context)
