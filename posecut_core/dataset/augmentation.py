"""Augmentation on the device: random crops, scale, rotation, mirror, light, noise and blur.

Images are float32 in [0, 1], [B, H, W, C]; results are not clipped, so that the functions chain. What is done to an
image is done to all of its channels (`video.neighbors`): a frame and its neighbors are seen in one place and one light.
Every random function draws its numbers and calls its plain twin. Positions are NaN where a bodypart is missing and stay
NaN.
"""

import math
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key, UInt8

from posecut_core.dataset.frames import Batch
from posecut_core.dataset.scoremaps import Number
from posecut_core.dataset.settings import TrainingSettings

CROP_MARGIN = 4  # pixels between the animal and the border of a crop that holds all of it
_WIDENS = (0.06, 0.6)  # shares of the steps between which they come to be turned by all that is asked for
_LONGEST = TrainingSettings.maxiters  # steps; nobody who asks for more wants to wait longer for that
_BLUR_TAPS = 3  # a blur reaches this many pixels to each side


class Turn(NamedTuple):
    """By how much crops are turned either way, in radians: by little at first, later by more.

    A network that has learned the animal one way up learns the other ways sooner than all at once.
    """

    least: Number
    more: Number
    widens_from: Number  # step
    per_step: Number  # of `more`

    def __call__(self, step: Int[Array, ""]) -> Float[Array, ""]:
        """Return the widest angle of a step, counted from 0."""
        share = jnp.clip((step - self.widens_from) * self.per_step, 0.0, 1.0)
        return jnp.asarray(self.least + share * self.more)


class Augmentation(NamedTuple):
    """How far crops and their appearance may vary: values, so that others need no other program."""

    log_scales: tuple[Number, Number]  # logarithms of the least and the greatest magnification
    turn: Turn
    mirror: Bool[Array | np.ndarray, ""] | np.bool_
    brightness: Number
    log_contrast: Number
    noise: Number
    blur: Number  # pixels


def augmentation(settings: TrainingSettings) -> Augmentation:
    """Return the augmentation that settings describe."""
    low, up, contrast = map(np.float32, (settings.scale_jitter_lo, settings.scale_jitter_up, settings.contrast))
    return Augmentation(
        log_scales=(np.float32(math.log(low)), np.float32(math.log(up))),
        turn=_turn(settings),
        mirror=np.bool_(settings.mirror),
        brightness=np.float32(settings.brightness),
        log_contrast=np.float32(math.log1p(contrast)),
        noise=np.float32(settings.noise),
        blur=np.float32(settings.blur),
    )


def _turn(settings: TrainingSettings) -> Turn:
    """Widen angles over the middle of a training that has an end."""
    ends = settings.learning_rate_decay != "none"
    least = min(settings.rotation, TrainingSettings.rotation) if ends else settings.rotation  # the usual turn
    begins, ready = widening(settings)
    return Turn(
        least=np.float32(math.radians(least)),
        more=np.float32(math.radians(settings.rotation - least)),
        widens_from=np.float32(begins),
        per_step=np.float32(1 / (ready - begins)),
    )


def widening(settings: TrainingSettings) -> tuple[float, float]:
    """Return between which steps crops come to be turned by all that is asked for."""
    begins, ready = (share * min(settings.maxiters, _LONGEST) for share in _WIDENS)
    return begins, ready


class Crops(NamedTuple):
    """What a step trains on; positions are pixels of the crops."""

    images: Float[Array, "B S S C"]
    xy: Float[Array, "B K 2"]  # NaN: absent from the crop
    annotated: Bool[Array, "B K"]  # as in `Batch`


def _transform_points(matrix: Float[Array, "B 2 3"], xy: Float[Array, "B K 2"]) -> Float[Array, "B K 2"]:
    """Map points by 2x3 affine matrices."""
    return jnp.einsum("bij,bkj->bki", matrix[:, :, :2], xy) + matrix[:, None, :, 2]


def _invert(matrix: Float[Array, "B 2 3"]) -> Float[Array, "B 2 3"]:
    """Return the affine matrices that undo `matrix`."""
    a, b, c, d = matrix[:, 0, 0], matrix[:, 0, 1], matrix[:, 1, 0], matrix[:, 1, 1]
    rows = jnp.stack([jnp.stack([d, -b], -1), jnp.stack([-c, a], -1)], 1) / (a * d - b * c)[:, None, None]
    return jnp.concatenate([rows, -jnp.einsum("bij,bj->bi", rows, matrix[:, :, 2])[..., None]], axis=-1)


def warp(
    images: UInt8[Array, "B H W C"], sizes: Int[Array, "B 2"], matrix: Float[Array, "B 2 3"], *, size: int
) -> Float[Array, "B size size C"]:
    """Cut square crops: pixel p of the crop shows the frame at `matrix` p, bilinearly.

    Beyond the frame its border goes on, as where analysis pads: gray there would shift what the norms measure, and
    networks see bodyparts in the corners of frames, which they never saw. `sizes` are the (height, width) of each frame
    within its padded image.
    """
    y, x = jnp.meshgrid(jnp.arange(size, dtype=jnp.float32), jnp.arange(size, dtype=jnp.float32), indexing="ij")
    grid = jnp.stack([x.ravel(), y.ravel()], -1)
    return jax.vmap(partial(_warp_one, size=size))(
        images, sizes, _transform_points(matrix, grid[None].repeat(len(images), 0))
    )


def _warp_one(
    image: UInt8[Array, "H W C"], extent: Int[Array, "2"], points: Float[Array, "N 2"], *, size: int
) -> Float[Array, "size size C"]:
    height, width = extent[0].astype(jnp.float32), extent[1].astype(jnp.float32)
    x, y = points[:, 0], points[:, 1]
    x, y = jnp.clip(x, 0, width - 1), jnp.clip(y, 0, height - 1)
    left, top = jnp.floor(x), jnp.floor(y)
    columns, rows = left.astype(jnp.int32), top.astype(jnp.int32)
    right = jnp.minimum(columns + 1, extent[1] - 1)
    below = jnp.minimum(rows + 1, extent[0] - 1)
    fx, fy = (x - left)[:, None], (y - top)[:, None]
    flat = image.reshape(-1, image.shape[2])
    stride = image.shape[1]

    def take(row: Int[Array, " N"], column: Int[Array, " N"]) -> Float[Array, "N C"]:
        return flat[row * stride + column].astype(jnp.float32)

    upper = take(rows, columns) * (1 - fx) + take(rows, right) * fx
    lower = take(below, columns) * (1 - fx) + take(below, right) * fx
    values = (upper * (1 - fy) + lower * fy) / 255
    return values.reshape(size, size, image.shape[2])


def _linear_maps(
    *, scales: Float[Array, " B"], angles: Float[Array, " B"], mirrored: Bool[Array, " B"]
) -> Float[Array, "B 2 2"]:
    """Return the maps from crop to frame, without their shift, for crops magnified, turned and mirrored."""
    cos, sin = jnp.cos(angles) / scales, jnp.sin(angles) / scales
    sign = jnp.where(mirrored, -1.0, 1.0)
    return jnp.stack([jnp.stack([cos * sign, -sin], -1), jnp.stack([sin * sign, cos], -1)], axis=1)


def _crop_matrices(linear: Float[Array, "B 2 2"], centers: Float[Array, "B 2"], *, size: int) -> Float[Array, "B 2 3"]:
    """Return the maps from crop to frame for crops of `size` around `centers`."""
    middle = (size - 1) / 2
    return jnp.concatenate([linear, (centers - linear.sum(-1) * middle)[..., None]], axis=-1)


def _random_centers(
    key: Key[Array, ""],
    xy: Float[Array, "B K 2"],
    sizes: Int[Array, "B 2"],
    linear: Float[Array, "B 2 2"],
    *,
    on_animal: float,
    size: int,
) -> Float[Array, "B 2"]:
    """Choose where crops lie: with probability `on_animal` on the animal, else anywhere.

    A crop on the animal holds all of its visible bodyparts where they fit, anywhere within it: what tells like
    bodyparts apart may be far away. Otherwise it lies near a random one of them. `linear` are the maps from crop to
    frame without their shift.
    """
    kind, which, shift, where, place = jax.random.split(key, 5)
    batch, bodyparts, _ = xy.shape
    visible = ~jnp.isnan(xy[..., 0])
    part = jnp.argmax(jnp.where(visible, jax.random.uniform(which, (batch, bodyparts)), -1.0), axis=1)
    chosen = jnp.take_along_axis(xy, part[:, None, None], axis=1)[:, 0]
    near = chosen + jax.random.uniform(shift, (batch, 2), minval=-size / 4, maxval=size / 4)
    squares = (linear[:, 0] ** 2).sum(axis=1)[:, None, None]  # of 1 / magnification: rows are orthogonal
    turned = jnp.einsum("bji,bkj->bki", linear / squares, xy)  # crop pixels, up to a shift
    low, high = jnp.nanmin(turned, axis=1), jnp.nanmax(turned, axis=1)
    room = size - 1 - 2 * CROP_MARGIN - (high - low)
    first = CROP_MARGIN + jax.random.uniform(place, (batch, 2)) * room
    holding = jnp.einsum("bij,bj->bi", linear, low - first + (size - 1) / 2)
    near = jnp.where((room >= 0).all(axis=1, keepdims=True), holding, near)
    extent = sizes[:, ::-1].astype(jnp.float32)
    anywhere = jax.random.uniform(where, (batch, 2)) * extent
    use = (jax.random.uniform(kind, (batch,)) < on_animal) & visible.any(axis=1)
    return jnp.where(use[:, None], near, anywhere)


def _keep_inside(
    centers: Float[Array, "B 2"], sizes: Int[Array, "B 2"], reach: Float[Array, " B"]
) -> Float[Array, "B 2"]:
    """Move crops that reach `reach` pixels to each side into the frame; one wider than the frame to its middle.

    So borders look in training as they do in analysis: the image ends there.
    """
    last = sizes[:, ::-1].astype(jnp.float32) - 1
    low = jnp.minimum(reach[:, None] - 0.5, last / 2)
    return jnp.clip(centers, low, last - low)


def _change_light(
    images: Float[Array, "B H W C"], *, contrast: Float[Array, " B"], brightness: Float[Array, " B"]
) -> Float[Array, "B H W C"]:
    """Stretch each image about mid-gray by `contrast` and add `brightness`."""
    return (images - 0.5) * contrast[:, None, None, None] + 0.5 + brightness[:, None, None, None]


def blur(images: Float[Array, "B H W C"], sigma: Float[Array, " B"]) -> Float[Array, "B H W C"]:
    """Blur each image by a Gaussian of its own `sigma` in pixels; 0 leaves it as it is."""
    offsets = jnp.arange(-_BLUR_TAPS, _BLUR_TAPS + 1)
    weights = jnp.exp(-0.5 * (offsets[None] / jnp.maximum(sigma, 1e-3)[:, None]) ** 2)
    weights = weights / weights.sum(axis=1, keepdims=True)
    for axis in (1, 2):
        widths = [(_BLUR_TAPS, _BLUR_TAPS) if index == axis else (0, 0) for index in range(4)]
        padded = jnp.pad(images, widths, mode="edge")
        length = images.shape[axis]
        taps = [jax.lax.slice_in_dim(padded, tap, tap + length, axis=axis) for tap in range(2 * _BLUR_TAPS + 1)]
        images = jnp.einsum("bt,tbhwc->bhwc", weights, jnp.stack(taps))
    return images


def _random_appearance(
    key: Key[Array, ""], images: Float[Array, "B H W C"], how: Augmentation
) -> Float[Array, "B H W C"]:
    """Change light, blur and noise of each image within the bounds of `how`."""
    contrast, bright, blurred, sigma, level, grain = jax.random.split(key, 6)
    batch = (len(images),)
    images = _change_light(
        images,
        contrast=jnp.exp(jax.random.uniform(contrast, batch, minval=-how.log_contrast, maxval=how.log_contrast)),
        brightness=jax.random.uniform(bright, batch, minval=-how.brightness, maxval=how.brightness),
    )
    use = jax.random.bernoulli(blurred, 0.5, batch)
    images = blur(images, jnp.where(use, jax.random.uniform(sigma, batch, maxval=how.blur), 0.0))
    noise = jax.random.uniform(level, batch, maxval=how.noise)[:, None, None, None]
    return images + noise * jax.random.normal(grain, images.shape)


def augment(
    key: Key[Array, ""],
    batch: Batch,
    step: Int[Array, ""],
    *,
    mirror_order: Int[Array, " K"],
    size: int,
    on_animal: float,
    how: Augmentation,
) -> Crops:
    """Cut a random crop of `size` x `size` pixels of each frame and move its labels along; NaN outside the crop.

    `step`, counted from 0, says how far crops are turned by now. A share of `on_animal` shows the animal.
    `mirror_order[k]` is the bodypart that stands in for k in a mirrored image.
    """
    where, scale, angle, flip, look = jax.random.split(key, 5)
    count = (len(batch.images),)
    scales = jnp.exp(jax.random.uniform(scale, count, minval=how.log_scales[0], maxval=how.log_scales[1]))
    mirrored = jax.random.bernoulli(flip, 0.5, count) & how.mirror
    angles = jax.random.uniform(angle, count, minval=-1.0, maxval=1.0) * how.turn(step)
    linear = _linear_maps(scales=scales, angles=angles, mirrored=mirrored)
    centers = _random_centers(where, batch.xy, batch.sizes, linear, on_animal=on_animal, size=size)
    matrix = _crop_matrices(linear, _keep_inside(centers, batch.sizes, size / 2 / scales), size=size)
    images = _random_appearance(look, warp(batch.images, batch.sizes, matrix, size=size), how)
    xy = jnp.where(mirrored[:, None, None], batch.xy[:, mirror_order], batch.xy)
    annotated = jnp.where(mirrored[:, None], batch.annotated[:, mirror_order], batch.annotated)
    moved = _transform_points(_invert(matrix), xy)
    visible = jnp.all((moved >= -0.5) & (moved <= size - 0.5), axis=-1)
    return Crops(images, jnp.where(visible[..., None], moved, jnp.nan), annotated)
