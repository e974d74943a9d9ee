"""What a training begins with: ImageNet weights from the hub, random ones, those of a file, or an earlier network."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from posecut_core.dataset.settings import TrainingSettings
from posecut_core.errors import ModelError
from posecut_core.model.continuation import continued
from posecut_core.model.hub import HubFile, fetch_weights, imagenet_repository
from posecut_core.model.network import NetworkSpec, initial_parameters
from posecut_core.model.pretrained import convert_weights, read_weights, spec_of_weights
from posecut_core.model.resnet import ResNetSpec
from posecut_core.model.snapshots import MANIFEST
from posecut_core.progress import Report
from posecut_core.project.given_files import given_path
from posecut_core.project.hashing import file_sha256

_WORDS = ("imagenet", "random", "previous")


@dataclass(frozen=True)
class Beginning:
    """A network before its first step."""

    spec: NetworkSpec
    parameters: dict
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


def begin(
    settings: TrainingSettings, bodyparts: tuple[str, ...], *, previous: Path | None = None, report: Report
) -> Beginning:
    """Make the network that `settings` describe; ImageNet weights are fetched if they are not on this computer.

    Args:
        settings: of the training.
        bodyparts: which the network is to find.
        previous: the snapshot that init_weights `previous` stands for, None if there is none.
        report: told of the download.

    Raises:
        ModelError: the weights cannot be had, or are not those of the network that `settings` name.
        StorageError: the disk refuses.
    """
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
    spec = _spec(ResNetSpec(_depth(settings), settings.width, norm), bodyparts, settings)
    return Beginning(spec, initial_parameters(settings.seed, spec), settings)


def _previous(snapshot: Path | None, settings: TrainingSettings, bodyparts: tuple[str, ...]) -> Beginning:
    if snapshot is None:
        raise ModelError(
            "There is no network of this shuffle in an iteration before this one, which init_weights 'previous' asks "
            "for; begin with other weights, such as imagenet."
        )
    spec, parameters = continued(snapshot, settings, bodyparts)
    origin = "/".join(snapshot.parts[-3:])  # iteration, training, snapshot: the project may move
    return Beginning(spec, parameters, _recorded(settings, origin, file_sha256(snapshot / MANIFEST)))


def _imagenet(settings: TrainingSettings, report: Report) -> HubFile:
    if settings.width != 1.0:
        raise ModelError(
            f"Setting width is {settings.width}, but ImageNet weights are those of a network of width 1.0; leave width "
            "at 1.0, or begin with random weights (--weights random)."
        )
    repository = imagenet_repository(_depth(settings), settings.norm)
    name, _, commit = (settings.init_origin or "").partition("@")
    if name != repository:  # the first time, or net_type or norm has been changed since
        return fetch_weights(repository, report=report)
    return fetch_weights(repository, revision=commit, sha256=settings.init_sha256, report=report)


def _from_file(path: Path, source: str, settings: TrainingSettings, bodyparts: tuple[str, ...]) -> Beginning:
    tensors, metadata = read_weights(path)
    resnet = spec_of_weights(tensors, metadata, depth=_depth(settings), norm=settings.norm, source=source)
    if settings.width not in (1.0, resnet.width):
        raise ModelError(
            f"Setting width is {settings.width}, but {source} holds a network of width {resnet.width}; "
            "leave width at 1.0, weights bring their own."
        )
    spec = _spec(resnet, bodyparts, settings)
    parameters = convert_weights(tensors, initial_parameters(settings.seed, spec), spec, source=source)
    return Beginning(spec, parameters, settings)


def _spec(resnet: ResNetSpec, bodyparts: tuple[str, ...], settings: TrainingSettings) -> NetworkSpec:
    return NetworkSpec(resnet, bodyparts, settings.precision, settings.intermediate_supervision)


def _depth(settings: TrainingSettings) -> int:
    return int(settings.net_type.removeprefix("resnet_"))
