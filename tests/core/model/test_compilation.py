"""What is compiled is kept for the next start, where that can be."""

import os
import subprocess
import sys

import pytest

from posecut_core.model.devices import _cache_folder

COMPILE = """
import jax
from posecut_core.model.devices import use_compilation_cache
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
use_compilation_cache()
print(jax.jit(lambda x: x + 1)(1), jax.config.jax_compilation_cache_dir)
"""


def compiled(**environment):
    """Compile something in a new process; return what it printed."""
    kept = {name: value for name, value in os.environ.items() if "CACHE" not in name}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", COMPILE],
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_the_folder_belongs_to_user_and_computer(monkeypatch):
    """Programs of another processor, in a home that computers share, are never run."""
    first = _cache_folder()
    monkeypatch.setattr("posecut_core.model.devices.platform.node", lambda: "another")
    assert _cache_folder() == first.with_name("another")
    assert "posecut" in _cache_folder().parts


@pytest.mark.skipif(sys.platform != "linux", reason="XDG_CACHE_HOME is Linux's")
def test_compiled_programs_are_kept(tmp_path):
    """They lie in the user's cache folder, which others cannot write to."""
    told = compiled(XDG_CACHE_HOME=str(tmp_path))
    folder = tmp_path / "posecut" / "compiled"
    assert told.startswith(f"2 {folder}")
    assert [path for path in folder.rglob("*") if path.is_file()]
    assert next(folder.iterdir()).stat().st_mode & 0o077 == 0


@pytest.mark.skipif(sys.platform != "linux", reason="XDG_CACHE_HOME is Linux's")
def test_a_folder_that_cannot_be_made_is_done_without(tmp_path):
    """Nothing fails, nothing is said, nothing is kept."""
    (tmp_path / "file").write_text("")
    assert compiled(XDG_CACHE_HOME=str(tmp_path / "file")) == "2 None"


def test_the_variable_of_jax_has_precedence(tmp_path):
    """Who gives JAX a folder finds the programs there."""
    assert compiled(JAX_COMPILATION_CACHE_DIR=str(tmp_path)) == f"2 {tmp_path}"
    assert list(tmp_path.iterdir())
