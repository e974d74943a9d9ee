"""How a program of the plugin ends: with a sentence where it is refused, and an exit code."""

import sys
from collections.abc import Callable

from posecut_core.errors import PosecutError


def exit_code(work: Callable[[], object]) -> int:
    """Run a program's work, write to stderr why it is refused, and return the exit code."""
    try:
        work()
    except PosecutError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0
