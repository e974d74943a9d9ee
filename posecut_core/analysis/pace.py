"""How fast an analysis goes at the moment, by which the time that is left is estimated."""

from dataclasses import dataclass
from statistics import median

RECENT = 50  # batches


@dataclass(frozen=True)
class Pace:
    """The median of the last batches: compiling, or a computer that slept, is one slow batch, which does not count."""

    seconds: tuple[float, ...] = ()  # per frame, of each of the last batches

    def after(self, frames: int, seconds: float) -> "Pace":
        """Return the pace after one more batch."""
        return Pace((*self.seconds, seconds / frames)[-RECENT:])

    @property
    def frames_per_second(self) -> float:
        """Return how many frames a second there are, after at least one batch."""
        return 1 / max(median(self.seconds), 1e-9)
