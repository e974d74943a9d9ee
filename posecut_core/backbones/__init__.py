"""Backbones: the networks on whose features the pose network stands, registered by the `net_type` of settings.

To add one, write a module of this room with a class that has what `Backbone` asks for, `register` its values there, and
list their names in `_MODULE_OF`. Nothing else in the project has to change.
"""

import dataclasses
import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:  # what settings may name is known without JAX
    import numpy as np
    from jaxtyping import Array, Shaped

    from posecut_core.backbones.layers import Draw

    Features = tuple[Shaped[Array, "B h w C"], ...]  # of each stage

_MODULE_OF = {
    **dict.fromkeys(("resnet_18", "resnet_34", "resnet_50", "resnet_101", "resnet_152"), "resnet"),
    **dict.fromkeys(("mobilenet_v2_0.5", "mobilenet_v2_1.0", "mobilenet_v2_1.4"), "mobile"),
    **dict.fromkeys(("efficientnet_lite0", "efficientnet_lite2"), "mobile"),
}
AUTO = "auto"  # in place of a `net_type`: the one that suits the device of the training
ON_PROCESSORS, ON_ACCELERATORS = "efficientnet_lite0", "resnet_50"  # what it stands for
_registered: dict[str, "Backbone"] = {}


class Stage(NamedTuple):
    """What leaves one part of a backbone."""

    stride: int  # pixels of the image per cell
    channels: int


class Pretraining(NamedTuple):
    """What ImageNet weights were trained with, and networks that begin at random go by too."""

    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)  # of RGB in [0, 1], which images are normalized by
    stdev: tuple[float, float, float] = (0.229, 0.224, 0.225)
    epsilon: float = 1e-5  # of BatchNorm


@runtime_checkable
class Backbone(Protocol):
    """What a network is built on: a frozen dataclass whose fields (numbers, words, truth values) say all of it.

    The pose network needs a stage of stride 8 and a last one of stride 16. `width` and `norm` are fields, which are
    replaced where initial weights have others.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]
    family: ClassVar[str]  # of backbones of one class: the key of these fields in the file of a snapshot
    classifier: ClassVar[tuple[str, ...]]  # how the names of pretrained tensors begin that are not needed

    @property
    def net_type(self) -> str:
        """Return the name by which settings ask for it, such as `resnet_50`: small letters, digits, `_` and `.`."""

    @property
    def width(self) -> float:
        """Return the share of the usual channels."""

    @property
    def norm(self) -> str:
        """Return `group` (GroupNorm) or `frozen_batch` (BatchNorm folded into scale and bias)."""

    @property
    def pretraining(self) -> Pretraining:
        """Return how images are normalized, and what BatchNorms of pretrained weights add to variances."""

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Return the stages in the order of computation."""

    def build(self, draw: "Draw", channels: int) -> "Callable[[Shaped[Array, 'B H W I']], Features]":
        """Make the `nnx.Module` that computes the features of all stages from normalized images.

        Args:
            draw: draws initial parameters.
            channels: of the images; those beyond the three of color are for `layers.Stem`.
        """

    def of_weights(
        self, tensors: "Mapping[str, np.ndarray]", metadata: Mapping[str, str], *, source: str
    ) -> "Backbone":
        """Return the backbone that pretrained tensors belong to, except for its norm.

        Raises:
            ModelError: they belong to no backbone of this family; `source` says whose they are.
        """

    def tensor_names(self, parameters: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
        """Map the names of pretrained convolutions and norms, without `.weight`, to their places in `parameters`."""

    def repository(self, norm: str) -> str | None:
        """Return which repository of the model hub has ImageNet weights for a norm, `auto` or one of `norm`, if any."""


def register(*backbones: Backbone) -> None:
    """Let settings name these, each by its `net_type`."""
    _registered.update({backbone.net_type: backbone for backbone in backbones})


def net_types() -> tuple[str, ...]:
    """Return the names that settings may ask for."""
    return tuple(dict.fromkeys((*_MODULE_OF, *_registered)))


def backbone_of(net_type: str) -> Backbone:
    """Return the backbone of a name, as it is registered: of full width.

    Raises:
        KeyError: there is none of this name.
    """
    return _all()[net_type]


def described(backbone: Backbone) -> dict[str, dict[str, Any]]:
    """Return `{family: {field: value}}`, as snapshots write a backbone down; `from_description` is the inverse."""
    return {backbone.family: dataclasses.asdict(backbone)}


def from_description(values: Mapping[str, Any]) -> Backbone:
    """Make the backbone of what `described` has returned; keys that are no family's are left alone.

    Raises:
        KeyError, TypeError, ValueError: there is no such backbone.
    """
    for backbone in _all().values():
        if backbone.family in values:
            return type(backbone)(**values[backbone.family])
    raise KeyError("no known family of backbones")


def _all() -> Mapping[str, Backbone]:
    for module in set(_MODULE_OF.values()):
        importlib.import_module(f"{__name__}.{module}")
    return _registered
