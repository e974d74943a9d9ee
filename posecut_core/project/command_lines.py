"""`posecut` commands in messages, ready to be pasted into a shell: names may have spaces."""

import os
import shlex
import subprocess


def command_line(verb: str, *words: str | os.PathLike[str]) -> str:
    """Write a `posecut` command with every word quoted that needs it."""
    parts = ["posecut", verb, *(os.fspath(word) for word in words)]
    return subprocess.list2cmdline(parts) if os.name == "nt" else shlex.join(parts)
