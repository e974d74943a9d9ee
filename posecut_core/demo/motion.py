"""How the animal moves: a wandering leader point, and a spine and tail that follow it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

SUBSTEPS = 3  # moments of one exposure that are drawn and averaged; the middle one is the truth
_WARM_UP = 120  # moments simulated before the first frame, so that the tail has settled
_TURN = 0.055  # largest change of heading per moment, radians
_TOP_SPEED = 1.15  # pixels per moment


@dataclass(frozen=True)
class Walk:
    """Where the animal goes, moment by moment; a video of T frames has M = 3 T moments."""

    neck: Float64[np.ndarray, "M 2"]
    heading: Float64[np.ndarray, " M"]  # radians, direction of travel
    head: Float64[np.ndarray, " M"]  # radians, direction of the head
    travelled: Float64[np.ndarray, " M"]  # pixels since the start; drives the gait


def wander(rng: np.random.Generator, *, frames: int, waypoints: Float64[np.ndarray, "P 2"], speed: float = 1.0) -> Walk:
    """Walk from waypoint to waypoint with pauses, turns and a scanning head.

    Args:
        rng: source of randomness.
        frames: length of the video.
        waypoints: places to visit in turn, in pixels; the walk starts at the first.
        speed: factor on the usual speed.
    """
    moments = frames * SUBSTEPS + _WARM_UP
    pace = np.clip(0.62 + 0.75 * drift(rng, moments, 150.0), 0.0, 1.0) * _TOP_SPEED * speed
    veer = 0.012 * drift(rng, moments, 40.0)
    scan = 0.55 * drift(rng, moments, 70.0)
    necks, headings = _steer(waypoints, pace, veer)
    steps = np.linalg.norm(np.diff(necks, axis=0, prepend=necks[:1]), axis=1)
    return Walk(necks, headings, headings + scan, np.cumsum(steps))


def drift(rng: np.random.Generator, moments: int, period: float) -> Float64[np.ndarray, " M"]:
    """Draw a smooth random signal, mostly within -1 and 1, that changes over `period` moments."""
    knots = rng.normal(0, 0.55, int(moments / period * 2) + 4)
    places = np.linspace(1, len(knots) - 2.001, moments)
    left, weight = places.astype(int), places % 1
    weight = (1 - np.cos(np.pi * weight)) / 2
    return knots[left] * (1 - weight) + knots[left + 1] * weight


def follow(
    leader: Float64[np.ndarray, "M 2"],
    heading: Float64[np.ndarray, " M"],
    lengths: Float64[np.ndarray, " S"],
    bends: Float64[np.ndarray, " S"],
) -> Float64[np.ndarray, "N C 2"]:
    """Pull a chain of S links behind the leader; the warm-up is cut off.

    Args:
        leader: first point of the chain at every moment.
        heading: direction against which the first link bends, radians.
        lengths: length of each link in pixels.
        bends: largest angle of each link against the one before it, radians.
    """
    chain = leader[0] - np.concatenate([[0.0], np.cumsum(lengths)])[:, None] * _unit(heading[0])
    chains = np.empty((len(leader), *chain.shape))
    for moment, (point, angle) in enumerate(zip(leader, heading, strict=True)):
        chain[0] = point
        for link, (length, bend) in enumerate(zip(lengths, bends, strict=True)):
            toward = chain[link] - chain[link + 1]
            turned = _wrap(np.arctan2(toward[1], toward[0]) - angle)
            angle = angle + np.clip(turned, -bend, bend)
            chain[link + 1] = chain[link] - length * _unit(angle)
        chains[moment] = chain
    return chains[_WARM_UP:]


def settled(values: Float64[np.ndarray, "M *rest"]) -> Float64[np.ndarray, "N *rest"]:
    """Drop the moments of the warm-up."""
    return values[_WARM_UP:]


def _steer(
    waypoints: Float64[np.ndarray, "P 2"], pace: Float64[np.ndarray, " M"], veer: Float64[np.ndarray, " M"]
) -> tuple[Float64[np.ndarray, "M 2"], Float64[np.ndarray, " M"]]:
    """Turn towards the next waypoint, slower where the turn is sharp."""
    position, target = waypoints[0].copy(), 1
    angle = float(np.arctan2(*(waypoints[1] - waypoints[0])[::-1]))
    positions, angles = np.empty((len(pace), 2)), np.empty(len(pace))
    for moment in range(len(pace)):
        away = waypoints[target % len(waypoints)] - position
        target += int(np.hypot(*away) < 24)
        turn = _wrap(np.arctan2(away[1], away[0]) - angle)
        moving = pace[moment] / _TOP_SPEED
        angle += float(np.clip(0.06 * turn, -_TURN, _TURN)) * min(1.0, 0.25 + moving) + veer[moment] * moving
        position = position + pace[moment] * (1 - 0.55 * abs(turn) / np.pi) * _unit(angle)
        positions[moment], angles[moment] = position, angle
    return positions, angles


def _unit(angle: float) -> Float64[np.ndarray, "2"]:
    return np.array([np.cos(angle), np.sin(angle)])


def _wrap(angle: float) -> float:
    return float((angle + np.pi) % (2 * np.pi) - np.pi)
