"""How long work tells what it does: a value per step, handed to a function of the caller's choice.

The caller may raise `KeyboardInterrupt` from its function to cancel; work then stops in a state from which it goes on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Progress:
    """One report of a running job."""

    stage: str  # what is being done, in a user's words: "training", "reading m4s1.mp4"
    done: int  # units finished so far
    total: int | None = None  # units in all, where known
    values: Mapping[str, float] = field(default_factory=dict)  # loss, steps_per_s, seconds_left, frames_per_s ...


Report = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Ignore a report; the default of every function that takes one."""
