"""Training frames in memory, scaled once, and the endless sequence of batches drawn from them.

Which frames stand in the batch of a step depends on (seed, step) alone, so that a resumed run sees what it would have
seen.
"""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Float32, Int, Int32, UInt8


class Batch(NamedTuple):
    """Frames of one step with their labels, in pixels of the scaled frames."""

    images: UInt8[Array, "B H W 3"]  # padded to a common size at the right and bottom
    sizes: Int[Array, "B 2"]  # (height, width) of each frame
    xy: Float[Array, "B K 2"]  # NaN: absent
    looked_at: Bool[Array, "B K"]  # False: nobody has looked for this bodypart in this frame


@dataclass(frozen=True)
class TrainingFrames:
    """All frames of a training set; the fields are those of `Batch`, for F frames."""

    images: UInt8[np.ndarray, "F H W 3"]
    sizes: Int32[np.ndarray, "F 2"]
    xy: Float32[np.ndarray, "F K 2"]
    looked_at: Bool[np.ndarray, "F K"]

    def __len__(self) -> int:
        """Count the frames."""
        return len(self.images)


def scaled_size(height: int, width: int, *, scale: float) -> tuple[int, int]:
    """Return the whole pixels of a frame scaled by `scale`."""
    return max(1, round(height * scale)), max(1, round(width * scale))


def scale_points(
    xy: Float[np.ndarray, "... 2"], *, source: tuple[int, int], target: tuple[int, int]
) -> Float[np.ndarray, "... 2"]:
    """Move points [..., 2] from an image of (height, width) `source` to one of `target`: (x + 0.5) f - 0.5."""
    factor = np.array([target[1] / source[1], target[0] / source[0]])
    return (xy + 0.5) * factor - 0.5


def resize(images: UInt8[Array, "B H W 3"], *, height: int, width: int) -> Float[Array, "B height width 3"]:
    """Scale images on the device with antialiasing; values stay 0 to 255."""
    shape = (len(images), height, width, 3)
    if images.shape == shape:
        return images.astype(jnp.float32)
    return jax.image.resize(images.astype(jnp.float32), shape, "linear", antialias=True)


def frames_of_step(count: int, *, batch_size: int, seed: int, step: int) -> Int[np.ndarray, " B"]:
    """Return which of `count` frames stand in the batch of `step`: each epoch is a fresh permutation."""
    start, stop = step * batch_size, (step + 1) * batch_size
    epochs = range(start // count, (stop - 1) // count + 1)
    orders = [np.random.default_rng((seed, epoch)).permutation(count) for epoch in epochs]
    return np.concatenate(orders)[start - epochs[0] * count :][:batch_size]


def batch_of_step(
    frames: TrainingFrames, *, batch_size: int, seed: int, step: int, sharding: jax.sharding.Sharding | None = None
) -> Batch:
    """Gather the batch of `step` and send it to the device, or split over devices as `sharding` says."""
    chosen = frames_of_step(len(frames), batch_size=batch_size, seed=seed, step=step)
    fields = (frames.images, frames.sizes, frames.xy, frames.looked_at)
    return Batch(*jax.device_put([field[chosen] for field in fields], sharding))


def mirror_order(bodyparts: tuple[str, ...], pairs: tuple[tuple[str, str], ...] | None) -> Int32[np.ndarray, " K"]:
    """Return, for each bodypart, the index of the one that takes its place in a mirrored image.

    Without `pairs`, names that differ only in left/right are pairs. No bodypart may stand in two of the `pairs`.
    """
    order = np.arange(len(bodyparts), dtype=np.int32)
    for one, other in pairs if pairs is not None else _left_right(bodyparts):
        first, second = bodyparts.index(one), bodyparts.index(other)
        order[first], order[second] = second, first
    return order


def _left_right(bodyparts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    alone = set(bodyparts)
    for name in bodyparts:
        for left, right in (("left", "right"), ("Left", "Right"), ("LEFT", "RIGHT")):
            other = name.replace(left, right)
            if other != name and {name, other} <= alone:
                pairs.append((name, other))
                alone -= {name, other}
    return tuple(pairs)
