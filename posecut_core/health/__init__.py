"""What is damaged in a project and how to mend it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from posecut_core.errors import PosecutError, Remedy
from posecut_core.progress import Notice

# --- findings ---------------------------------------------------------------------------------------------------------
# What a check of a project finds: what is wrong, where, and how to mend it.


_SHOWN = 200  # characters of what another library says


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or that people should know of."""

    path: Path
    problem: str  # one sentence: what was found, what was expected, what to do
    remedies: tuple[Remedy, ...] = ()  # steps of which any one helps
    mended: bool = False
    mendable: bool = False  # by mending that was not asked for
    harmless: bool = False  # no step stops or errs for it


class Findings:
    """What was found so far, and how much was checked."""

    def __init__(self) -> None:
        self.wrong: list[Finding] = []
        self.checked: dict[str, int] = {}

    def add(
        self,
        path: str | os.PathLike[str],
        problem: str | Notice | PosecutError,
        *remedies: Remedy,
        mended: bool = False,
        mendable: bool = False,
        harmless: bool = False,
    ) -> None:
        """Note one thing that is wrong, or what was told of it, once: each frame of a damaged store says the same."""
        if not isinstance(problem, str):
            remedies = tuple(dict.fromkeys((*problem.remedies, *remedies)))
            problem = f"{problem.text}." if isinstance(problem, Notice) else str(problem)
        if not any(finding.problem.startswith(problem) for finding in self.wrong):  # or with more advice
            self.wrong.append(Finding(Path(path), problem, remedies, mended, mendable, harmless))

    def count(self, what: str, number: int = 1) -> None:
        """Note that something was looked at."""
        self.checked[what] = self.checked.get(what, 0) + number

    @contextmanager
    def about(self, path: Path) -> Iterator[None]:
        """Turn any error inside the block into a finding about `path`: a check of what is broken must not break."""
        try:
            yield
        except PosecutError as error:
            self.add(named_first(str(error)) or path, error)
        except OSError as error:
            where = error.filename if isinstance(error.filename, str) else path
            reason = error.strerror or type(error).__name__
            self.add(
                where, f"Cannot read {where} ({reason}); restore it from a copy, or check the disk and the permissions."
            )
        except MemoryError:
            self.add(
                path, f"{path} needs more memory than there is, so it is probably damaged; restore it from a copy."
            )
        except Exception as error:
            said = " ".join(f"{type(error).__name__}: {error}".split())[:_SHOWN]
            self.add(path, f"{path} is not what PoseCut writes ({said}); restore it from a copy.")


def named_first(sentence: str) -> Path | None:
    """Return the file or folder with whose path a sentence begins; None where it begins otherwise."""
    words = sentence.split(" ")
    starts = (" ".join(words[:count]).rstrip(":;,.") for count in range(1, len(words) + 1))
    return next((Path(start) for start in starts if os.path.isabs(start) and os.path.lexists(start)), None)
