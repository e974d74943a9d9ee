"""Who imports whom."""

import pytest

from tests.structure.source import ROOMS, Source, imported_modules, sources

CORE = [source for source in sources("posecut_core") if source.room is not None]


@pytest.mark.parametrize("source", CORE, ids=lambda source: source.name)
def test_module_imports_only_its_room_and_earlier_ones(source: Source) -> None:
    """A module of the core knows only what comes before it."""
    allowed = ROOMS[: ROOMS.index(source.room) + 1]
    names = [name.split(".") for name in imported_modules(source) if name.split(".")[0] == "posecut_core"]
    later = [".".join(parts) for parts in names if len(parts) > 1 and parts[1] not in allowed]
    assert later == []


def test_every_room_has_its_place() -> None:
    """No file of the core lies outside the written order."""
    assert {source.room for source in CORE} <= set(ROOMS)


def test_core_knows_no_window() -> None:
    """Nothing in the core imports the plugin, napari, Qt or pyplot."""
    windows = ("napari", "napari_posecut", "qtpy", "PyQt5", "PyQt6", "PySide2", "PySide6", "magicgui", "superqt")
    guilty = [
        (source.name, name)
        for source in sources("posecut_core")
        for name in imported_modules(source)
        if name.split(".")[0] in windows or name == "matplotlib.pyplot"
    ]
    assert guilty == []


def test_only_plots_import_matplotlib() -> None:
    """Drawing with matplotlib has one room."""
    users = {source.room for source in CORE if any(n.split(".")[0] == "matplotlib" for n in imported_modules(source))}
    assert users <= {"plots"}


def test_nothing_runs_code_from_files() -> None:
    """Pickle, marshal and shelve are used nowhere."""
    guilty = [
        (source.name, name)
        for source in sources("posecut_core", "napari_posecut")
        for name in imported_modules(source)
        if name.split(".")[0] in ("pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve")
    ]
    assert guilty == []
