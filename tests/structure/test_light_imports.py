"""What importing costs, and what it does without."""

import subprocess
import sys

from tests.structure.source import ROOT

_BLOCK = """
import importlib, pkgutil, sys

class Absent:
    names = ("napari", "qtpy", "PyQt5", "PyQt6", "PySide2", "PySide6", "magicgui", "superqt", "vispy", "npe2")
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.names or name == "matplotlib.pyplot":
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.meta_path.insert(0, Absent())
import posecut_core
for module in pkgutil.walk_packages(posecut_core.__path__, "posecut_core."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""
_HEAVY = (
    *("jax", "flax", "numpy", "pandas", "matplotlib", "sklearn", "av", "zarr", "tables", "h5py", "scipy"),
    *("huggingface_hub", "joblib", "statsmodels", "onnx", "onnxruntime", "openvino"),
)


def _run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_module_imports_without_napari_qt_and_pyplot() -> None:
    """A computer without a screen, napari or Qt can use every part of the core."""
    _run(_BLOCK)


def test_importing_the_package_is_light() -> None:
    """`import posecut_core` loads no numerical library."""
    loaded = _run("import posecut_core, sys; print(*sys.modules)").split()
    assert [name for name in _HEAVY if name in loaded] == []


def test_showing_help_is_light() -> None:
    """The command line is ready without any numerical library."""
    loaded = _run("import posecut_core.cli.program, sys; print(*sys.modules)").split()
    assert [name for name in _HEAVY if name in loaded] == []


def test_following_a_job_is_without_jax() -> None:
    """A window starts and follows work in child processes, and leaves JAX to them."""
    loaded = _run("import napari_posecut.jobs.jobs, sys; print(*sys.modules)").split()
    assert [name for name in ("jax", "flax", "napari", "qtpy") if name in loaded] == []


def test_a_project_that_is_not_there_is_told_at_once() -> None:
    """Before seconds are spent on loading what trains and plots; what is printed of results needs no library either."""
    code = """
import sys
import posecut_core.cli.summaries
from posecut_core.cli.program import main
for verb in ("train-network", "evaluate-network", "check-labels", "doctor"):
    sys.argv = ["posecut", verb, "nowhere"]
    try:
        main()
    except SystemExit as end:
        assert end.code == 3, (verb, end.code)
print(*sys.modules)
"""
    loaded = _run(code).split()
    assert [name for name in ("jax", "flax", "pandas", "matplotlib", "sklearn", "scipy") if name in loaded] == []
