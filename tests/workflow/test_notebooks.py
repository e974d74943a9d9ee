"""The notebooks run from top to bottom, and are stored without what they print."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))

TINY = """
from dataclasses import replace

from posecut_core import demo

config, videos, folder, frames_to_label, steps = None, [], "project", 3, 2
demo.TO_LABEL = tuple(replace(scene, frames=8) for scene in demo.TO_LABEL[:1])
demo.FURTHER = replace(demo.FURTHER, frames=12)
demo.sample_project.__kwdefaults__ |= {"scenes": demo.TO_LABEL, "frames_to_label": frames_to_label}
"""

OWN_PROJECT = """
from pathlib import Path

from posecut_core import add_new_videos, create_training_dataset

config = demo.sample_project(Path(folder))
add_new_videos(config, [demo.film(demo.FURTHER, Path(folder) / "more")])
(config.parent / "videos" / ".DS_Store").touch()
create_training_dataset(config)
"""


VIEWS = """
from dataclasses import replace

from posecut_core import demo

config, boards, videos, folder, steps = None, "boards", [], "views", 2
board = {"columns": 8, "rows": 5, "square": 25}
demo.WALK = replace(demo.WALK, frames=8)
demo.sample_views.__kwdefaults__ |= {"scenes": (demo.WALK,), "frames_to_label": 3}
"""


def with_parameters(notebook, source):
    """Put `source` in the place of the cell that is tagged `parameters`."""
    (cell,) = (cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ()))
    cell.source = source
    return notebook


def test_there_are_four_notebooks():
    """One for a labeled project, one for videos of one's own, one for what becomes of a network, one for cameras."""
    names = ["1_labeled_example", "2_your_own_data", "3_engines_export_live", "4_cameras"]
    assert [f"{name}.ipynb" for name in names] == NOTEBOOKS


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_are_stored_without_outputs(name):
    """Nobody's pictures, paths or run numbers are in them."""
    notebook = nbformat.read(FOLDER / name, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """A folder for what the notebooks compile, which is the same for all of them."""
    return tmp_path_factory.mktemp("programs")


@pytest.mark.parametrize(
    ("name", "parameters"), list(zip(NOTEBOOKS, (TINY + OWN_PROJECT, TINY, TINY, VIEWS), strict=True))
)
def test_notebooks_run(tmp_path, monkeypatch, programs, name, parameters):
    """Every cell runs, also where a video has no labels and a shuffle exists, and pictures are shown."""
    monkeypatch.setenv("JAX_ENABLE_COMPILATION_CACHE", "1")
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(programs))
    notebook = with_parameters(nbformat.read(FOLDER / name, as_version=4), parameters)
    where = {"metadata": {"path": tmp_path}}
    done = NotebookClient(notebook, timeout=600, kernel_name="python3", resources=where).execute()
    shown = [output for cell in done.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in shown)
