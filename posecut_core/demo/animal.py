"""The animal's build and its posture: nodes of spine and tail, ears, paws, and where its bodyparts are."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from posecut_core.demo.motion import Walk, follow, settled

BODYPARTS = ("snout", "leftear", "rightear", "neck", "centre", "tailbase", "tailtip")
SKELETON = (
    ("snout", "leftear"),
    ("snout", "rightear"),
    ("leftear", "neck"),
    ("rightear", "neck"),
    ("neck", "centre"),
    ("centre", "tailbase"),
    ("tailbase", "tailtip"),
)
HEAD_LINKS, BODY_LINKS, TAIL_LINKS = 3, 7, 11
_STRIDE = 26.0  # pixels travelled per cycle of the gait


@dataclass(frozen=True)
class Individual:
    """One animal's build and coat."""

    size: float  # factor on every length
    girth: float  # factor on the width of the body
    coat: tuple[float, float, float]  # colour of the back, 0 to 1
    belly: tuple[float, float, float]  # colour of the flanks
    skin: tuple[float, float, float] = (0.80, 0.58, 0.54)  # ears, paws, tail

    @property
    def head(self) -> float:
        """Length from the snout to the neck in pixels."""
        return 21.0 * self.size

    @property
    def trunk(self) -> float:
        """Length from the neck to the tail's base in pixels."""
        return 42.0 * self.size

    @property
    def tail(self) -> float:
        """Length of the tail in pixels."""
        return 50.0 * self.size


@dataclass(frozen=True)
class Posture:
    """Where everything of the animal is at each of M moments, in pixels of the frame."""

    spine: Float64[np.ndarray, "M S 2"]  # from the snout to the tail's base
    tail: Float64[np.ndarray, "M Q 2"]  # from the tail's base to its tip
    ears: Float64[np.ndarray, "M 2 2"]  # left, right
    paws: Float64[np.ndarray, "M 4 2"]  # left fore, right fore, left hind, right hind
    breath: Float64[np.ndarray, " M"]  # factor on the girth

    def bodyparts(self) -> Float64[np.ndarray, "M 7 2"]:
        """Collect the points in the order of `BODYPARTS`."""
        centre = (HEAD_LINKS * 2 + BODY_LINKS + 1) // 2
        points = [
            self.spine[:, :1],
            self.ears,
            self.spine[:, [HEAD_LINKS, centre]],
            self.spine[:, -1:],
            self.tail[:, -1:],
        ]
        return np.concatenate(points, axis=1)


def pose(walk: Walk, individual: Individual) -> Posture:
    """Give the walk a body: head in front of the neck, trunk and tail pulled behind it."""
    lengths = np.repeat([individual.trunk / BODY_LINKS, individual.tail / TAIL_LINKS], [BODY_LINKS, TAIL_LINKS])
    bends = np.repeat([0.30, 0.32], [BODY_LINKS, TAIL_LINKS])
    chain = follow(walk.neck, walk.heading, lengths, bends)
    gait = settled(walk.travelled)[:, None] * (2 * np.pi / _STRIDE)
    chain = chain + _sway(chain, gait, individual.size)
    head = _head(chain[:, 0], settled(walk.head), individual.head)
    moments = np.arange(len(chain))
    return Posture(
        spine=np.concatenate([head, chain[:, : BODY_LINKS + 1]], axis=1),
        tail=chain[:, BODY_LINKS:],
        ears=_ears(chain[:, 0], settled(walk.head), individual),
        paws=_paws(chain, gait, individual),
        breath=1 + 0.025 * np.sin(moments * 0.35),
    )


def _head(
    neck: Float64[np.ndarray, "M 2"], direction: Float64[np.ndarray, " M"], length: float
) -> Float64[np.ndarray, "M 3 2"]:
    reach = length * np.linspace(1, 0, HEAD_LINKS, endpoint=False)
    return neck[:, None] + reach[:, None] * _units(direction)[:, None]


def _ears(
    neck: Float64[np.ndarray, "M 2"], direction: Float64[np.ndarray, " M"], individual: Individual
) -> Float64[np.ndarray, "M 2 2"]:
    """Place the ears beside the back of the head; the image's y runs down, so left is at a smaller angle."""
    forward = _units(direction)
    left = np.stack([forward[:, 1], -forward[:, 0]], axis=1)
    middle = neck + 0.33 * individual.head * forward
    spread = 7.4 * individual.size
    return np.stack([middle + spread * left, middle - spread * left], axis=1)


def _sway(
    chain: Float64[np.ndarray, "M N 2"], gait: Float64[np.ndarray, "M 1"], size: float
) -> Float64[np.ndarray, "M N 2"]:
    """Swing the hips and the tail sideways with the gait, more towards the tip."""
    along = np.arange(chain.shape[1])
    growth = np.clip(along / BODY_LINKS, 0, 1) * 0.9 + np.clip((along - BODY_LINKS) / TAIL_LINKS, 0, 1) * 2.2
    sideways = growth * size * np.sin(gait - along * 0.45)
    return sideways[..., None] * _normals(chain)


def _paws(
    chain: Float64[np.ndarray, "M N 2"], gait: Float64[np.ndarray, "M 1"], individual: Individual
) -> Float64[np.ndarray, "M 4 2"]:
    """Step diagonally: left fore with right hind."""
    normals = _normals(chain)
    forward = np.stack([normals[..., 1], -normals[..., 0]], axis=-1)
    paws = []
    for node, spread in ((1, 8.6), (BODY_LINKS - 2, 11.6)):
        for side in (-1, 1):
            phase = gait + (np.pi if (side > 0) == (node == 1) else 0.0)
            step = 4.5 * individual.size * np.sin(phase)
            outward = side * spread * individual.size * individual.girth
            paws.append(chain[:, node] + step * forward[:, node] + outward * normals[:, node])
    return np.stack(paws, axis=1)


def _normals(chain: Float64[np.ndarray, "M N 2"]) -> Float64[np.ndarray, "M N 2"]:
    """Point to the animal's right at each node (seen from above, y down)."""
    tangent = np.gradient(chain, axis=1)
    tangent /= np.linalg.norm(tangent, axis=-1, keepdims=True)
    return np.stack([tangent[..., 1], -tangent[..., 0]], axis=-1)


def _units(angles: Float64[np.ndarray, " M"]) -> Float64[np.ndarray, "M 2"]:
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)
