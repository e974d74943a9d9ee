"""MobileNetV2 (Sandler et al. 2018) and EfficientNet-Lite with output stride 16: networks for computers without a GPU.

Both are inverted residuals: a 1x1 convolution expands, a depthwise one looks around, another 1x1 one projects. What
would have strided beyond 16 is dilated. EfficientNet-Lite is EfficientNet (Tan & Le 2019) without squeeze and
excitation, with ReLU6 in place of swish.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import jax
import numpy as np
from flax import nnx
from jaxtyping import Array, Shaped

from posecut_core.backbones import Pretraining, Stage, register
from posecut_core.backbones.layers import Conv, DepthwiseConv, Draw, Stem, norm_of
from posecut_core.errors import ModelError

_STEM = 32
_OUTPUT_STRIDE = 16


_STRIDES = (1, 2, 2, 2, 1, 2, 1)  # of the groups of blocks
_EXPANSIONS = (1, 6, 6, 6, 6, 6, 6)


class _Shape(NamedTuple):
    """What differs between the two, of each group of blocks."""

    kernels: tuple[int, ...]
    channels: tuple[int, ...]
    counts: tuple[int, ...]


_MOBILENET_V2 = _Shape((3, 3, 3, 3, 3, 3, 3), (16, 24, 32, 64, 96, 160, 320), (1, 2, 3, 4, 3, 3, 1))
_EFFICIENTNET = _Shape((3, 3, 5, 3, 5, 5, 3), (16, 24, 40, 80, 112, 192, 320), (1, 2, 2, 3, 3, 4, 1))


class Group(NamedTuple):
    """Blocks one after another, of which the first may stride."""

    kernel: int
    stride: int
    expansion: int
    channels: int
    blocks: int


class _Variant(NamedTuple):
    """What the network of one `net_type` is."""

    lite: bool  # EfficientNet-Lite, else MobileNetV2
    width: float  # times the channels above
    depth: float  # times the blocks above
    repository: str  # of ImageNet weights; no commit is known here, a project keeps the one that it gets first


_VARIANTS = {
    "mobilenet_v2_0.5": _Variant(False, 0.5, 1.0, "timm/mobilenetv2_050.lamb_in1k"),
    "mobilenet_v2_1.0": _Variant(False, 1.0, 1.0, "timm/mobilenetv2_100.ra_in1k"),
    "mobilenet_v2_1.4": _Variant(False, 1.4, 1.0, "timm/mobilenetv2_140.ra_in1k"),
    "efficientnet_lite0": _Variant(True, 1.0, 1.0, "timm/tf_efficientnet_lite0.in1k"),
    "efficientnet_lite2": _Variant(True, 1.1, 1.2, "timm/tf_efficientnet_lite2.in1k"),
}
_OF_LITE = Pretraining(mean=(127 / 255,) * 3, stdev=(128 / 255,) * 3, epsilon=1e-3)


@dataclass(frozen=True)
class MobileSpec:
    """A MobileNetV2 or EfficientNet-Lite as a value; see `Backbone`."""

    family: ClassVar[str] = "mobile"
    classifier: ClassVar[tuple[str, ...]] = ("conv_head.", "bn2.", "classifier.")

    net_type: str = "mobilenet_v2_1.0"
    width: float = 1.0  # times the channels that the name says
    norm: str = "group"  # or "frozen_batch"

    def __post_init__(self) -> None:
        if self.net_type not in _VARIANTS or not 0 < self.width <= 1:
            raise ValueError(f"Unsupported network {self.net_type} of width {self.width}.")

    @property
    def lite(self) -> bool:
        """Whether it is an EfficientNet-Lite, which pads as TensorFlow does."""
        return _VARIANTS[self.net_type].lite

    @property
    def pretraining(self) -> Pretraining:
        """Return how images are normalized, and what BatchNorms of pretrained weights add to variances."""
        return _OF_LITE if self.lite else Pretraining()

    @property
    def stem(self) -> int:
        """Return the channels of the first convolution."""
        width = self.width if self.lite else self.width * _VARIANTS[self.net_type].width
        return _rounded(_STEM * width)

    @property
    def groups(self) -> tuple[Group, ...]:
        """Return the groups of blocks, of this width and depth; the depth of the first and the last stays."""
        lite, width, depth, _ = _VARIANTS[self.net_type]
        shape = _EFFICIENTNET if lite else _MOBILENET_V2
        channels = [_rounded(usual * width * self.width) for usual in shape.channels]
        inner = [math.ceil(usual * depth) for usual in shape.counts[1:-1]]
        counts = (shape.counts[0], *inner, shape.counts[-1])
        return tuple(map(Group, shape.kernels, _STRIDES, _EXPANSIONS, channels, counts))

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Return stem and the groups of blocks."""
        stages = [Stage(2, self.stem)]
        for group in self.groups:
            stages.append(Stage(min(stages[-1].stride * group.stride, _OUTPUT_STRIDE), group.channels))
        return tuple(stages)

    def build(self, draw: Draw, channels: int) -> "MobileNet":
        """Make the network."""
        return MobileNet(draw, self, channels)

    def of_weights(
        self, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str], *, source: str
    ) -> "MobileSpec":
        """Return this network at its full width, if tensors have timm's names of such networks.

        Raises:
            ModelError: these are not the weights of a MobileNetV2 or EfficientNet-Lite.
        """
        if "blocks.0.0.conv_dw.weight" not in tensors:
            raise ModelError(
                f"{source} has no tensor blocks.0.0.conv_dw.weight, so it is no {self.net_type} with timm's names; "
                f"give weights of {self.net_type}, or set net_type to the network that they are of."
            )
        return replace(self, width=1.0)

    def tensor_names(self, parameters: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
        """Map timm's names of convolutions and norms to their places in `parameters`."""
        names: dict[str, tuple[Any, ...]] = {"conv_stem": ("stem", "kernel"), "bn1": ("stem_norm",)}
        for group, blocks in parameters["groups"].items():
            for index, block in blocks.items():
                prefix, path = f"blocks.{group}.{index}", ("groups", group, index)
                expanded = len(block["convs"]) == 3
                for number, conv in enumerate(("pw", "dw", "pwl") if expanded else ("dw", "pw")):
                    names[f"{prefix}.conv_{conv}"] = (*path, "convs", number, "kernel")
                    names[f"{prefix}.bn{number + 1}"] = (*path, "norms", number)
        return names

    def repository(self, norm: str) -> str:
        """Name the repository of ImageNet weights."""
        return _VARIANTS[self.net_type].repository


def _rounded(channels: float) -> int:
    """Round to a multiple of 8, by less than a tenth downwards."""
    near = max(8, int(channels + 4) // 8 * 8)
    return near + 8 if near < 0.9 * channels else near


class Block(nnx.Module):
    """An inverted residual; `convs` and `norms` are timm's in order.

    Where the block adds to its input, the last norm starts at scale 0, so that a fresh block is the identity.
    """

    def __init__(self, draw: Draw, spec: MobileSpec, inputs: int, group: Group, *, stride: int, dilation: int):
        inner, outputs = inputs * group.expansion, group.channels
        self.adds = stride == 1 and inputs == outputs
        depthwise = DepthwiseConv(draw, inner, kernel=group.kernel, stride=stride, dilation=dilation, same=spec.lite)
        expand = [Conv(draw, inputs, inner, kernel=1)] if group.expansion > 1 else []
        # What leaves the block is not rectified: it is drawn for that.
        project = Conv(draw, inner, outputs, kernel=1, stdev=1 / math.sqrt(inner))
        self.convs = nnx.List([*expand, depthwise, project])
        norms = [norm_of(spec.norm, inner) for _ in self.convs[:-1]]
        self.norms = nnx.List([*norms, norm_of(spec.norm, outputs, scale=0.0 if self.adds else 1.0)])

    def __call__(self, x: Shaped[Array, "B H W I"]) -> Shaped[Array, "B h w O"]:
        """Return the features after the block."""
        y = x
        for index, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            y = norm(conv(y if index == 0 else jax.nn.relu6(y)))
        return x + y if self.adds else y


class MobileNet(nnx.Module):
    """Images to features at a half to a sixteenth of their size."""

    def __init__(self, draw: Draw, spec: MobileSpec, channels: int):
        self.stem = Stem(draw, channels, spec.stem, kernel=3, stride=2, same=spec.lite)
        self.stem_norm = norm_of(spec.norm, spec.stem)
        groups, inputs, stride, dilation = [], spec.stem, 2, 1
        for group in spec.groups:
            blocks = []
            # Only what would have come after a stride that was given up is dilated in its place.
            after = dilation * group.stride if stride == _OUTPUT_STRIDE else dilation
            for index in range(group.blocks):
                strides = group.stride if index == 0 and stride < _OUTPUT_STRIDE else 1
                own = dilation if index == 0 else after
                blocks.append(Block(draw, spec, inputs, group, stride=strides, dilation=own))
                inputs = group.channels
            stride, dilation = min(stride * group.stride, _OUTPUT_STRIDE), after
            groups.append(nnx.List(blocks))
        self.groups = nnx.List(groups)

    def __call__(self, x: Shaped[Array, "B H W I"]) -> tuple[Shaped[Array, "B h w C"], ...]:
        """Return the features of stem and groups of blocks."""
        seen = [x := jax.nn.relu6(self.stem_norm(self.stem(x)))]
        for blocks in self.groups:
            for block in blocks:
                x = block(x)
            seen.append(x)
        return tuple(seen)


register(*map(MobileSpec, _VARIANTS))
