"""What a check of a project finds: what is wrong, where, and how to mend it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from posecut_core.errors import PosecutError


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong."""

    path: Path
    problem: str  # one sentence: what was found, what was expected, what to do
    mended: bool = False
    mendable: bool = False  # by mending that was not asked for


class Findings:
    """What was found so far, and how much was checked."""

    def __init__(self) -> None:
        self.wrong: list[Finding] = []
        self.checked: dict[str, int] = {}

    def add(self, path: str | os.PathLike[str], problem: str, *, mended: bool = False, mendable: bool = False) -> None:
        """Note one thing that is wrong, once: each frame of a damaged store says the same."""
        if all(finding.problem != problem for finding in self.wrong):
            self.wrong.append(Finding(Path(path), problem, mended, mendable))

    def count(self, what: str, number: int = 1) -> None:
        """Note that something was looked at."""
        self.checked[what] = self.checked.get(what, 0) + number

    @contextmanager
    def about(self, path: Path) -> Iterator[None]:
        """Turn an error of PoseCut inside the block into a finding about `path`."""
        try:
            yield
        except PosecutError as error:
            self.add(path, str(error))
