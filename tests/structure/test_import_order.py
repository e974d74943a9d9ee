"""Who imports whom."""

import pytest

import posecut_core
from tests.structure.source import (
    HEADLESS,
    PLUGIN_ROOMS,
    ROOMS,
    WINDOWS,
    Source,
    imported_modules,
    imported_names,
    sources,
)

CORE = [source for source in sources("posecut_core") if source.room is not None]
PLUGIN = [source for source in sources("napari_posecut") if source.room is not None]
ORDERS = {"posecut_core": ROOMS, "napari_posecut": PLUGIN_ROOMS}


@pytest.mark.parametrize("source", [*CORE, *PLUGIN], ids=lambda source: source.name)
def test_module_imports_only_its_room_and_earlier_ones(source: Source) -> None:
    """A module knows of its own package only what comes before it."""
    package = source.name.split("/")[0]
    allowed = ORDERS[package][: ORDERS[package].index(source.room) + 1]
    names = [name.split(".") for name in imported_modules(source) if name.split(".")[0] == package]
    later = [".".join(parts) for parts in names if len(parts) > 1 and parts[1] not in allowed]
    assert later == []


def test_steps_share_what_lies_below_them() -> None:
    """A step, or `doctor`, takes of another step's module at most that step and its results."""
    taken = [
        (source.name, name.rpartition(".")[2])
        for source in CORE
        if source.room in ("workflow", "health")
        for name in imported_names(source)
        if name.startswith("posecut_core.workflow.")
    ]
    assert [one for one in taken if one[1] not in posecut_core.__all__ and not one[1][0].isupper()] == []


def test_every_room_has_its_place() -> None:
    """No file lies outside the written order of its package."""
    assert {source.room for source in CORE} <= set(ROOMS)
    assert {source.room for source in PLUGIN} <= set(PLUGIN_ROOMS)


def _guilty(found: list[Source], *banned: str) -> list[tuple[str, str]]:
    """Return the files that import something of packages, or of modules, that are not for them."""
    return [
        (source.name, name)
        for source in found
        for name in imported_names(source)
        if any(name == one or name.startswith(f"{one}.") for one in banned)
    ]


def test_core_knows_no_window() -> None:
    """Nothing in the core imports the plugin, napari, Qt or pyplot."""
    assert _guilty(sources("posecut_core"), "napari_posecut", "matplotlib.pyplot", *WINDOWS) == []


def test_plugin_needs_no_shell() -> None:
    """What the window and the command line share lies in rooms below both."""
    assert _guilty(sources("napari_posecut"), "posecut_core.cli") == []


def test_only_the_window_of_the_plugin_knows_napari_and_qt() -> None:
    """What a click means, and what a child process does, is tested without a screen."""
    without = tuple(f"napari_posecut/{name}" for name in HEADLESS)
    assert _guilty([source for source in PLUGIN if source.name.startswith(without)], *WINDOWS) == []


def test_plugin_leaves_jax_to_the_core() -> None:
    """JAX is imported where the core works, which is in a child process."""
    assert _guilty(sources("napari_posecut"), "jax", "jaxlib", "flax", "optax", "orbax") == []


def test_plugin_uses_only_what_napari_makes_public() -> None:
    """No private module of napari is imported."""
    names = [(source.name, name.split(".")) for source in sources("napari_posecut") for name in imported_names(source)]
    assert [found for found in names if found[1][0] == "napari" and any(part[:1] == "_" for part in found[1][1:])] == []


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
