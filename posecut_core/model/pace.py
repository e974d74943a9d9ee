"""Whether a training still pays: how fast its loss falls, and where it ends because of that."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

Step = Int[Array | np.ndarray, ""] | np.int32

_NEVER = np.iinfo(np.int32).max
_RECENT, _LONGER = 8, 2  # a new loss weighs so many times what it would weigh in the mean of all
_LEAST_EXPONENT = 0.1  # twice as many steps would lower the loss by 7 %
CHECKED = 10  # steps; asking a device at each one would keep it waiting
_SHORTEST_FALL = 50  # steps
_LAST = 0.01  # of the rate, at the last step


class Pace(NamedTuple):
    """How fast the loss falls, and from which step on the learning rate falls to its end because of that.

    Both means forget in proportion to the steps taken. So where the loss falls as a power of the steps, the ratio of
    the means is that of the exponent alone, whatever the loss and however long the training.
    """

    recent: Float[Array, ""]  # mean loss, of the last eighth of the steps mostly
    longer: Float[Array, ""]  # of the last half of them
    falls_from: Int[Array, ""]  # step, counted from 0; the greatest number while training pays

    @property
    def exponent(self) -> Float[Array, ""]:
        """Return the a of a loss that falls as steps ** -a."""
        ratio = self.recent / self.longer
        return _RECENT * (1 - ratio) / (_RECENT / _LONGER - ratio)

    def share(self, step: Int[Array, ""] | int) -> Float[Array, ""]:
        """Return what is left of the learning rate at a step, counted from 0: all of it, or less and less."""
        fallen = (step - self.falls_from + 1) / _length_of_fall(self.falls_from)
        return jnp.where(self.falls_from == _NEVER, 1.0, 1 - (1 - _LAST) * jnp.clip(fallen, 0.0, 1.0))

    def steps(self) -> int | None:
        """Return of how many steps the training will be; None while it pays. This waits for the device."""
        begins = int(self.falls_from)
        return None if begins == _NEVER else begins + int(_length_of_fall(begins))


def first_pace() -> Pace:
    """Return the pace before the first step."""
    return Pace(jnp.zeros(()), jnp.zeros(()), jnp.asarray(_NEVER, jnp.int32))


def paced(pace: Pace, loss: Float[Array, ""], step: Int[Array, ""], *, earliest: Step) -> Pace:
    """Take in the loss of a step, counted from 0, NaN if it was skipped; from `earliest` on the end may begin."""

    def moved(mean: Float[Array, ""], weight: int) -> Float[Array, ""]:
        share = jnp.minimum(weight / (step + 1), 1.0)
        return jnp.where(jnp.isfinite(loss), mean + share * (loss - mean), mean)

    after = Pace(moved(pace.recent, _RECENT), moved(pace.longer, _LONGER), pace.falls_from)
    asked = ((step + 1) % CHECKED == 0) & (step >= earliest) & (pace.falls_from == _NEVER)
    begins = jnp.where(asked & (after.exponent < _LEAST_EXPONENT), step + 1, pace.falls_from)
    return after._replace(falls_from=begins.astype(jnp.int32))


def _length_of_fall(falls_from: Int[Array, ""] | int) -> Int[Array, ""] | int:
    """Return how many steps the last fall takes: a quarter of those before it."""
    return jnp.maximum(jnp.asarray(falls_from) // 4, _SHORTEST_FALL)
