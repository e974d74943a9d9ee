"""Augmentation on the device: random crops, scale, rotation, mirror, tones, light, noise and blur.

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
from posecut_core.dataset.sizes import CROP_MARGIN
from posecut_core.video.neighbors import COLORS, GREEN

_WIDENS = (0.06, 0.6)  # shares of the steps between which they come to be turned by all that is asked for
_LONGEST = TrainingSettings.maxiters  # steps; nobody who asks for more wants to wait longer for that
_BLUR_TAPS = 3  # a blur reaches this many pixels to each side
_TONES = 5  # points of a tone curve
_PATCHES = 2  # of an image, at most
# At full `appearance`: standard deviations of those points in all channels and in each, and of shades; shares of the
# images that are inverted, without color, and hidden by each patch.
_SHIFTED, _TINTED, _SHADED, _INVERTED, _GRAY, _HIDDEN = 0.32, 0.12, 0.16, 0.2, 0.4, 0.3
_TONED = 0.5  # share of the images that get other tones at all
_PATCH_SIDES = (0.03, 0.25)  # of the crop's side
_SHADES = 4  # values of a shade along each side


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
    appearance: Number
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
        appearance=np.float32(settings.appearance),
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
    xy: Float[Array, "B K 2"]  # NaN: absent from the crop, or hidden in it
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


def change_tones(images: Float[Array, "B H W C"], curves: Float[Array, "B 3 T"]) -> Float[Array, "B H W C"]:
    """Map red, green and blue each by its curve, which is linear between T values for 0 to 1 at equal distances.

    What lies outside 0 to 1 is mapped as the nearer end is.
    """
    last = curves.shape[-1] - 1
    curves = curves[:, _color_of(images.shape[-1])]
    places = jnp.clip(images, 0.0, 1.0) * last
    near = [jnp.maximum(0.0, 1 - jnp.abs(places - tone)) for tone in range(last + 1)]  # weights that add up to 1
    shares = (weight * curves[:, None, None, :, tone] for tone, weight in enumerate(near))
    return sum(shares, start=jnp.zeros(()))


def _random_tones(key: Key[Array, ""], images: Float[Array, "B H W C"], strength: Number) -> Float[Array, "B H W C"]:
    """Give half of the images other tones: brighter, darker, steeper, flatter, tinted, gray, inverted, half in shade.

    Other animals have other coats, on other grounds, in other light; what tells bodyparts apart is their shape.
    """
    toned, shift, tint, invert, gray, shade = jax.random.split(key, 6)
    batch, height, width, _ = images.shape
    straight = jnp.linspace(0.0, 1.0, _TONES)
    inverted = jax.random.bernoulli(invert, _INVERTED * strength, (batch, 1, 1))
    curves = jnp.where(inverted, 1 - straight, straight)
    curves += _SHIFTED * strength * jax.random.normal(shift, (batch, 1, _TONES))
    curves += _TINTED * strength * jax.random.normal(tint, (batch, 3, _TONES))
    changed = change_tones(images, curves)
    without_color = jax.random.bernoulli(gray, _GRAY * strength, (batch, 1, 1, 1))
    grays = jnp.broadcast_to(changed[..., :COLORS].mean(axis=-1, keepdims=True), (batch, height, width, COLORS))
    grays = jnp.concatenate([grays, changed[..., COLORS:]], axis=-1)
    changed = jnp.where(without_color, grays, changed)
    shades = _SHADED * strength * jax.random.normal(shade, (batch, _SHADES, _SHADES, 1))
    changed += jax.image.resize(shades, (batch, height, width, 1), "linear")
    use = jax.random.bernoulli(toned, _TONED, (batch, 1, 1, 1))
    return jnp.where(use, changed, images)


def _color_of(channels: int) -> np.ndarray:
    """Return which of red, green and blue each channel is: those of neighbors are green (`video.neighbors`)."""
    return np.array([*range(COLORS), *[GREEN] * (channels - COLORS)])


class Patches(NamedTuple):
    """Rectangles of one color each that hide what is behind them."""

    low: Float[Array, "B P 2"]  # (x, y) of their corners, in pixels; those of an empty one are infinite
    high: Float[Array, "B P 2"]
    colors: Float[Array, "B P 3"]

    def over(self, images: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
        """Lay the patches over images."""
        _, height, width, channels = images.shape
        colors = self.colors[..., _color_of(channels)]
        x, y = jnp.arange(width)[None], jnp.arange(height)[None]
        for patch in range(self.low.shape[1]):
            low, high = self.low[:, patch, :, None], self.high[:, patch, :, None]
            across, down = (x >= low[:, 0]) & (x <= high[:, 0]), (y >= low[:, 1]) & (y <= high[:, 1])
            covered = down[:, :, None, None] & across[:, None, :, None]
            images = jnp.where(covered, colors[:, None, None, patch], images)
        return images

    def hide(self, xy: Float[Array, "B K 2"]) -> Bool[Array, "B K"]:
        """Tell which points lie behind a patch."""
        points = xy[:, :, None]
        return ((points >= self.low[:, None]) & (points <= self.high[:, None])).all(axis=-1).any(axis=-1)


def _random_patches(key: Key[Array, ""], *, count: int, size: int, strength: Number) -> Patches:
    """Draw patches for `count` crops of `size` pixels: so a network learns what hidden bodyparts look like."""
    use, place, sides, color = jax.random.split(key, 4)
    middle = size * jax.random.uniform(place, (count, _PATCHES, 2))
    low, high = (size / 2 * side for side in _PATCH_SIDES)
    reach = jax.random.uniform(sides, (count, _PATCHES, 2), minval=low, maxval=high)
    used = jax.random.bernoulli(use, _HIDDEN * strength, (count, _PATCHES, 1))
    colors = jax.random.uniform(color, (count, _PATCHES, 3))
    return Patches(jnp.where(used, middle - reach, jnp.inf), jnp.where(used, middle + reach, -jnp.inf), colors)


def _change_appearance(
    key: Key[Array, ""], images: Float[Array, "B S S C"], xy: Float[Array, "B K 2"], strength: Number
) -> tuple[Float[Array, "B S S C"], Bool[Array, "B K"]]:
    """Lay patches over some images and give half of them other tones; tell which points the patches hide."""
    tones, places = (jax.random.fold_in(key, number) for number in range(2))
    patches = _random_patches(places, count=len(images), size=images.shape[1], strength=strength)
    return _random_tones(tones, patches.over(images), strength), patches.hide(xy)


def _unchanged(
    images: Float[Array, "B S S C"], xy: Float[Array, "B K 2"]
) -> tuple[Float[Array, "B S S C"], Bool[Array, "B K"]]:
    return images, jnp.zeros(xy.shape[:2], bool)


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


def _random_light(key: Key[Array, ""], images: Float[Array, "B H W C"], how: Augmentation) -> Float[Array, "B H W C"]:
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
    """Cut a random crop of `size` x `size` pixels of each frame and move its labels along; NaN where not seen.

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
    xy = jnp.where(mirrored[:, None, None], batch.xy[:, mirror_order], batch.xy)
    annotated = jnp.where(mirrored[:, None], batch.annotated[:, mirror_order], batch.annotated)
    moved = _transform_points(_invert(matrix), xy)
    images = warp(batch.images, batch.sizes, matrix, size=size)
    change = partial(_change_appearance, look, strength=how.appearance)
    images, hidden = jax.lax.cond(how.appearance > 0, change, _unchanged, images, moved)
    images = _random_light(look, images, how)
    visible = jnp.all((moved >= -0.5) & (moved <= size - 0.5), axis=-1) & ~hidden
    return Crops(images, jnp.where(visible[..., None], moved, jnp.nan), annotated)
