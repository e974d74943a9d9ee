"""ResNet-18/34/50/101/152 (He et al. 2016) with output stride 16: the last stage is dilated instead of strided."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import jax
import numpy as np
from flax import nnx
from jaxtyping import Array, Shaped

from posecut_core.backbones import Pretraining, Stage, register
from posecut_core.backbones.kernels import max_pool
from posecut_core.backbones.layers import Conv, Draw, Stem, norm_of
from posecut_core.errors import ModelError

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
_STEM = 64
_STRIDES = (1, 2, 2, 1)  # of the four stages; the last is dilated by 2
_WIDEST = 8.0  # times the usual channels: more than anybody trained


@dataclass(frozen=True)
class ResNetSpec:
    """A ResNet as a value; see `Backbone`."""

    family: ClassVar[str] = "resnet"
    classifier: ClassVar[tuple[str, ...]] = ("fc.", "head.")
    pretraining: ClassVar[Pretraining] = Pretraining()

    depth: int = 50
    width: float = 1.0  # of the stages; the stem is always 64 wide
    norm: str = "group"  # or "frozen_batch"
    stride_in: str = "conv2"  # the convolution of a bottleneck that strides: conv2 (torchvision) or conv1 (He et al.)
    pool_before: int = 1  # pixels of padding in front of the max pooling: 1 (torchvision) or 0 (TensorFlow's SAME)

    def __post_init__(self) -> None:
        if self.depth not in BLOCKS or not 0 < self.width <= _WIDEST:
            raise ValueError(f"Unsupported ResNet of depth {self.depth} and width {self.width}.")

    @property
    def net_type(self) -> str:
        """Return the name by which settings ask for it."""
        return f"resnet_{self.depth}"

    @property
    def bottleneck(self) -> bool:
        """Whether blocks are 1x1, 3x3, 1x1 (from ResNet-50) or twice 3x3."""
        return self.depth >= 50

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels that leave each of the four stages of blocks."""
        expansion = 4 if self.bottleneck else 1
        return tuple(round(_STEM * self.width) * 2**stage * expansion for stage in range(4))

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Return stem, pooling and the four stages of blocks."""
        return (Stage(2, _STEM), Stage(4, _STEM), *map(Stage, (4, 8, 16, 16), self.channels))

    def build(self, draw: Draw, channels: int) -> "ResNet":
        """Make the network."""
        return ResNet(draw, self, channels)

    def of_weights(
        self, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str], *, source: str
    ) -> "ResNetSpec":
        """Return the ResNet of this depth that tensors with torchvision's or timm's names belong to.

        Raises:
            ModelError: these are not the weights of a ResNet.
        """
        first = tensors.get("layer1.0.conv1.weight")
        if first is None or first.ndim != 4 or not 0 < first.shape[0] <= _WIDEST * _STEM or not first.size:
            raise ModelError(
                f"{source} has no tensor layer1.0.conv1.weight, so it is not a ResNet with torchvision's names; give "
                f"weights of {self.net_type}, or set net_type to the network that they are of."
            )
        # Networks that stride in conv1 come from Caffe and TensorFlow, whose pooling pads behind only.
        inside_conv1 = metadata.get("stride_in") == "conv1"
        stride_in, pool_before = ("conv1", 0) if inside_conv1 else ("conv2", 1)
        return replace(self, width=first.shape[0] / _STEM, stride_in=stride_in, pool_before=pool_before)

    def tensor_names(self, parameters: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
        """Map torchvision's names of convolutions and norms to their places in `parameters`."""
        names: dict[str, tuple[Any, ...]] = {"conv1": ("stem", "kernel"), "bn1": ("stem_norm",)}
        for stage, blocks in parameters["stages"].items():
            for index, block in blocks.items():
                prefix, path = f"layer{stage + 1}.{index}", ("stages", stage, index)
                for number in block["convs"]:
                    names[f"{prefix}.conv{number + 1}"] = (*path, "convs", number, "kernel")
                    names[f"{prefix}.bn{number + 1}"] = (*path, "norms", number)
                if "shortcut" in block:
                    names[f"{prefix}.downsample.0"] = (*path, "shortcut", "kernel")
                    names[f"{prefix}.downsample.1"] = (*path, "shortcut_norm")
        return names

    def repository(self, norm: str) -> str:
        """Name the repository of ImageNet weights; only ResNet-50 was published with GroupNorm."""
        return (
            "timm/resnet50_gn.a1h_in1k" if self.depth == 50 and norm == "group" else f"timm/resnet{self.depth}.tv_in1k"
        )


class Block(nnx.Module):
    """A residual block; `convs` and `norms` are torchvision's conv1, bn1, conv2, ... in order.

    The last norm starts at scale 0, so that a fresh block is the identity (Goyal et al. 2017).
    """

    def __init__(
        self,
        draw: Draw,
        spec: ResNetSpec,
        inputs: int,
        outputs: int,
        *,
        stride: int,
        dilations: tuple[int, int],  # up to the convolution that strides (or would), and after it
    ):
        if spec.bottleneck:
            inner = outputs // 4
            first, second = (stride, 1) if spec.stride_in == "conv1" else (1, stride)
            dilation = dilations[1 if spec.stride_in == "conv1" else 0]
            convs = [
                Conv(draw, inputs, inner, kernel=1, stride=first),
                Conv(draw, inner, inner, kernel=3, stride=second, dilation=dilation),
                Conv(draw, inner, outputs, kernel=1),
            ]
            norms = [norm_of(spec.norm, inner), norm_of(spec.norm, inner), norm_of(spec.norm, outputs, scale=0.0)]
        else:
            convs = [
                Conv(draw, inputs, outputs, kernel=3, stride=stride, dilation=dilations[0]),
                Conv(draw, outputs, outputs, kernel=3, dilation=dilations[1]),
            ]
            norms = [norm_of(spec.norm, outputs), norm_of(spec.norm, outputs, scale=0.0)]
        self.convs, self.norms = nnx.List(convs), nnx.List(norms)
        projected = stride != 1 or inputs != outputs
        self.shortcut = Conv(draw, inputs, outputs, kernel=1, stride=stride) if projected else None
        self.shortcut_norm = norm_of(spec.norm, outputs) if projected else None

    def __call__(self, x: Shaped[Array, "B H W I"]) -> Shaped[Array, "B h w O"]:
        """Return the features after the block."""
        y = x
        for index, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            y = norm(conv(y if index == 0 else jax.nn.relu(y)))
        if self.shortcut is not None and self.shortcut_norm is not None:
            x = self.shortcut_norm(self.shortcut(x))
        return jax.nn.relu(x + y)


class ResNet(nnx.Module):
    """Images to features at a half to a sixteenth of their size."""

    def __init__(self, draw: Draw, spec: ResNetSpec, channels: int):
        self.stem = Stem(draw, channels, _STEM, kernel=7, stride=2)
        self.stem_norm = norm_of(spec.norm, _STEM)
        self.pool_before = spec.pool_before
        stages, inputs = [], _STEM
        for stage, (count, outputs) in enumerate(zip(BLOCKS[spec.depth], spec.channels, strict=True)):
            blocks = []
            for index in range(count):
                # Only what would have come after the stride that the last stage gave up is dilated in its place.
                after = 2 if stage == 3 else 1
                dilations = (1 if index == 0 else after, after)
                stride = _STRIDES[stage] if index == 0 else 1
                blocks.append(Block(draw, spec, inputs, outputs, stride=stride, dilations=dilations))
                inputs = outputs
            stages.append(nnx.List(blocks))
        self.stages = nnx.List(stages)

    def __call__(self, x: Shaped[Array, "B H W I"]) -> tuple[Shaped[Array, "B h w C"], ...]:
        """Return the features of stem, pooling and the four stages of blocks."""
        stem = jax.nn.relu(self.stem_norm(self.stem(x)))
        seen = [stem, x := max_pool(stem, before=self.pool_before)]
        for blocks in self.stages:
            for block in blocks:
                x = block(x)
            seen.append(x)
        return tuple(seen)


register(*(ResNetSpec(depth) for depth in BLOCKS))
