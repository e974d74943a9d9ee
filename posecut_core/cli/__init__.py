"""`posecut VERB`: every step of the workflow from a shell.

A verb only reads its arguments and hands back a `Task`; `main` runs it, shows its progress, prints its result or its
error in one sentence, and ends with an exit code of `posecut_core.errors` (2: usage, 130: interrupted).
"""

from posecut_core.cli.program import main

__all__ = ["main"]
