"""Which steps were skipped because their loss or gradients were not finite, and which frames stood in them."""

from collections import Counter
from collections.abc import Sequence

from posecut_core.dataset.batches import frames_of_step


def streak(skipped: Sequence[int], *, last: int) -> tuple[int, ...]:
    """Return the unbroken run of skipped steps that ends with step `last`; empty where that was not skipped."""
    known, first = set(skipped), last
    while first in known:
        first -= 1
    return tuple(range(first + 1, last + 1))


def suspects(skipped: Sequence[int], *, count: int, batch_size: int, seed: int) -> tuple[int, ...]:
    """Return which of `count` frames stood in skipped steps, those in most of them first.

    A frame that spoils every batch is the first, because the others change from batch to batch. Steps are numbered by
    how many were finished after them, as in `Metrics`.
    """
    seen: Counter[int] = Counter()
    for step in skipped:
        seen.update(set(frames_of_step(count, batch_size=batch_size, seed=seed, step=step - 1).tolist()))
    return tuple(sorted(seen, key=lambda frame: (-seen[frame], frame)))
