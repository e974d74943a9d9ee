"""`posecut VERB`: every step of the workflow from a shell.

A verb only reads its arguments and hands back a `Task`; `main` runs it, shows its progress, prints its result or its
error in one sentence, and ends with an exit code of `posecut_core.errors` (2: usage, 130: interrupted).
"""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `posecut` and leave with its exit code; Ctrl-C is told in a word while its parts are still imported, too."""
    try:
        from posecut_core.cli import program

        program.main(arguments)
    except KeyboardInterrupt:
        if "--debug" in (sys.argv if arguments is None else arguments):
            raise
        print("Interrupted.", file=sys.stderr)
        sys.exit(130)
