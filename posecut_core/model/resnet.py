"""ResNet-18/34/50/101/152 (He et al. 2016) with output stride 16: the last stage is dilated instead of strided."""

from dataclasses import dataclass

import jax
from flax import nnx
from jaxtyping import Array, Shaped

from posecut_core.model.layers import Conv, Draw, FrozenBatchNorm, GroupNorm, max_pool

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
STEM = 64
STRIDES = (1, 2, 2, 1)  # of the four stages; the last is dilated by 2


@dataclass(frozen=True)
class ResNetSpec:
    """Which ResNet: what weights from elsewhere need to know of it."""

    depth: int = 50
    width: float = 1.0  # of the stages; the stem is always 64 wide
    norm: str = "group"  # or "frozen_batch"
    stride_in: str = "conv2"  # the convolution of a bottleneck that strides: conv2 (torchvision) or conv1 (He et al.)
    pool_before: int = 1  # pixels of padding in front of the max pooling: 1 (torchvision) or 0 (TensorFlow's SAME)

    @property
    def bottleneck(self) -> bool:
        """Whether blocks are 1x1, 3x3, 1x1 (from ResNet-50) or twice 3x3."""
        return self.depth >= 50

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels that leave each stage."""
        expansion = 4 if self.bottleneck else 1
        return tuple(round(STEM * self.width) * 2**stage * expansion for stage in range(4))


def _norm(spec: ResNetSpec, channels: int, *, scale: float = 1.0) -> GroupNorm | FrozenBatchNorm:
    return (GroupNorm if spec.norm == "group" else FrozenBatchNorm)(channels, scale=scale)


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
            norms = [_norm(spec, inner), _norm(spec, inner), _norm(spec, outputs, scale=0.0)]
        else:
            convs = [
                Conv(draw, inputs, outputs, kernel=3, stride=stride, dilation=dilations[0]),
                Conv(draw, outputs, outputs, kernel=3, dilation=dilations[1]),
            ]
            norms = [_norm(spec, outputs), _norm(spec, outputs, scale=0.0)]
        self.convs, self.norms = nnx.List(convs), nnx.List(norms)
        projected = stride != 1 or inputs != outputs
        self.shortcut = Conv(draw, inputs, outputs, kernel=1, stride=stride) if projected else None
        self.shortcut_norm = _norm(spec, outputs) if projected else None

    def __call__(self, x: Shaped[Array, "B H W I"]) -> Shaped[Array, "B h w O"]:
        """Return the features after the block."""
        y = x
        for index, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            y = norm(conv(y if index == 0 else jax.nn.relu(y)))
        if self.shortcut is not None and self.shortcut_norm is not None:
            x = self.shortcut_norm(self.shortcut(x))
        return jax.nn.relu(x + y)


class ResNet(nnx.Module):
    """The backbone: images to features at a sixteenth of their size."""

    def __init__(self, draw: Draw, spec: ResNetSpec):
        self.stem = Conv(draw, 3, STEM, kernel=7, stride=2)
        self.stem_norm = _norm(spec, STEM)
        self.pool_before = spec.pool_before
        stages, inputs = [], STEM
        for stage, (count, outputs) in enumerate(zip(BLOCKS[spec.depth], spec.channels, strict=True)):
            blocks = []
            for index in range(count):
                # Only what would have come after the stride that the last stage gave up is dilated in its place.
                after = 2 if stage == 3 else 1
                dilations = (1 if index == 0 else after, after)
                stride = STRIDES[stage] if index == 0 else 1
                blocks.append(Block(draw, spec, inputs, outputs, stride=stride, dilations=dilations))
                inputs = outputs
            stages.append(nnx.List(blocks))
        self.stages = nnx.List(stages)

    def __call__(
        self, x: Shaped[Array, "B H W 3"]
    ) -> tuple[Shaped[Array, "B h w C"], dict[str, Shaped[Array, "B ..."]]]:
        """Return the features and every named intermediate: stem, pool, stage1 to stage4."""
        seen = {"stem": jax.nn.relu(self.stem_norm(self.stem(x)))}
        x = seen["pool"] = max_pool(seen["stem"], before=self.pool_before)
        for number, blocks in enumerate(self.stages, start=1):
            for block in blocks:
                x = block(x)
            seen[f"stage{number}"] = x
        return x, seen
