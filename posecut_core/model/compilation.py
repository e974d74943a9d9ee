"""Compiled programs are kept on the disk, so that the second start of a training or an analysis is immediate."""

import os
import platform
from pathlib import Path
from typing import Any

import jax
from platformdirs import user_cache_path

MAX_BYTES = 2 * 2**30  # programs that were not used for longest are deleted beyond that


def use_compilation_cache() -> None:
    """Let JAX keep what it compiles in the user's cache folder; without one that can be written, do without.

    A folder that JAX was given before, as by the variable JAX_COMPILATION_CACHE_DIR, stays.
    """
    settings: Any = jax.config  # whose names are made while JAX is imported
    if not settings.jax_enable_compilation_cache or settings.jax_compilation_cache_dir:
        return
    folder = cache_folder()
    if _writable(folder):
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_compilation_cache_max_size", MAX_BYTES)


def cache_folder() -> Path:
    """Return the folder for programs of this computer: homes are shared, and another's processor may lack something."""
    return user_cache_path("posecut") / "compiled" / (platform.node() or "computer")


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # JAX trusts what lies there
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)
