"""Every public step, and what it makes of arguments that people give."""

import inspect
import types
import typing
from pathlib import Path

import pytest

import posecut_core
import posecut_core.demo
from posecut_core import steps
from posecut_core.errors import ArgumentError, PosecutError

STEPS = [
    name
    for name in posecut_core.__all__
    if inspect.isfunction(step := getattr(posecut_core, name))
    if name == "create_new_project" or next(iter(inspect.signature(step).parameters)) == "config"
]


def numeric(step, kinds):
    """Return the parameters of a step whose annotation has one of these kinds and no text."""
    hints = typing.get_type_hints(step)
    found = {}
    for name in inspect.signature(step).parameters:
        hint = hints[name]
        several = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
        if set(several) & set(kinds) and str not in several:
            found[name] = several
    return found


@pytest.mark.parametrize("name", STEPS)
def test_no_step_takes_nonsense_for_a_number(name, tmp_path):
    """Kind: a number that is none. Each step refuses NaN and words for each of its numbers, before any work."""
    step = getattr(posecut_core, name)
    required = [p for p in inspect.signature(step).parameters.values() if p.default is p.empty]
    numbers = numeric(step, (int, float, typing.Sequence[int]))
    given = {parameter.name: 1 if parameter.name in numbers else str(tmp_path) for parameter in required}
    for parameter in numbers:
        for nonsense in (float("nan"), "many"):
            with pytest.raises(ArgumentError, match=parameter.removesuffix("s")):
                step(**{**given, parameter: nonsense})


_PATH_ONLY = {"open_project", "read_points", "read_predictions"}  # what takes a path only refuses others by itself
FORGIVING = [
    name
    for name in posecut_core.__all__
    if inspect.isfunction(getattr(posecut_core, name)) and name not in _PATH_ONLY | {"with_neighbors"}
]


@pytest.mark.parametrize("name", FORGIVING)
def test_what_is_of_another_kind_is_refused_by_its_name(name):
    """Kind: a table of pandas for labels, a number for a function. No step raises what Python does within it."""
    step = getattr(posecut_core, name)
    needed = [p.name for p in inspect.signature(step).parameters.values() if p.default is p.empty]
    hints = typing.get_type_hints(step)
    fit = {name: 1 if hints[name] in (int, float) else _instance(hints[name]) for name in needed}
    for parameter in inspect.signature(step).parameters:
        with pytest.raises(ArgumentError, match=f"{parameter.removesuffix('s')}.* an object, expected "):
            step(**{**fit, parameter: object()})


def _instance(hint):
    """Make something of a kind, or a text."""
    return object.__new__(hint) if isinstance(hint, type) and hint.__module__.startswith("posecut_core") else "nowhere"


def test_labels_and_reports_of_another_kind_are_refused(spot_project):
    """The sentence says what came, and what is expected; a long one is called by its kind."""
    with pytest.raises(ArgumentError, match=r"^table is a dict, expected a LabelTable"):
        posecut_core.write_labels(spot_project, dict.fromkeys(range(99), "snout"))
    with pytest.raises(ArgumentError, match=r"^report is 3, expected a function"):
        posecut_core.check_labels(spot_project, report=3)


@pytest.mark.parametrize("name", [name for name in STEPS if name != "create_new_project"])
@pytest.mark.parametrize(
    "config", ["nowhere", "", " ", "a\0b", "~/nowhere", "file:///nowhere/config.yaml", "video.mp4"]
)
def test_no_step_stumbles_over_what_is_no_project(name, config, tmp_path, monkeypatch):
    """A project that is not there is told in a sentence, by every step."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "video.mp4").write_bytes(b"")
    step = getattr(posecut_core, name)
    required = [p for p in inspect.signature(step).parameters.values() if p.default is p.empty][1:]
    table = posecut_core.LabelTable("a", ("hand",), *_empty())
    with pytest.raises(PosecutError):
        step(config, *(table if parameter.name == "table" else "a.mp4" for parameter in required))


def _empty():
    import numpy as np

    return np.zeros(0, dtype=np.int64), np.zeros((0, 1, 2))


def test_a_project_is_given_in_any_form(spot_project, monkeypatch):
    """Its folder, its config.yaml, a Path, what created or opened it, quotes, a home sign, slashes at the end."""
    from posecut_core.project.opening import open_project

    folder = spot_project.parent
    monkeypatch.setenv("HOME", str(folder.parent))
    forms = [
        folder,
        f"{folder}/",
        str(spot_project),
        f'"{folder}"',
        f"~/{folder.name}",
        f" {folder} ",
        spot_project.as_uri(),
    ]
    forms += [open_project(folder)]
    for form in forms:
        assert posecut_core.merge_labels(form, videos="spot").config_path == spot_project


def _public_functions():
    """Yield the public functions, and the public methods of public classes."""
    for package in (posecut_core, posecut_core.demo):
        for name in package.__all__:
            thing = getattr(package, name)
            routines = inspect.getmembers(thing, lambda one: inspect.isfunction(one) or inspect.ismethod(one))
            methods = routines if inspect.isclass(thing) else []
            own = [(f"{name}.{method}", found) for method, found in methods if not method.startswith("_")]
            yield from own if inspect.isclass(thing) else [(name, thing)] * inspect.isfunction(thing)


def test_whatever_takes_a_project_or_a_file_takes_its_path_as_text():
    """Kind: a text where a Path or an opened project would be at hand, as in a notebook."""
    picky = {
        f"{name}({parameter})"
        for name, function in _public_functions()
        for parameter, hint in typing.get_type_hints(function).items()
        if parameter != "return" and hint in (Path, posecut_core.Project)
    }
    assert picky == set()


def test_labels_are_read_and_edited_by_the_path_of_a_project(spot_project):
    """Its folder and its config.yaml, as text or Path, stand for the opened project."""
    wanted = posecut_core.read_labels(posecut_core.open_project(spot_project), "spot")
    for form in (spot_project, str(spot_project), str(spot_project.parent)):
        assert posecut_core.read_labels(form, "spot").numbers.tolist() == wanted.numbers.tolist()
        with posecut_core.LabelSession.open(form, "spot") as session:
            assert session.writable


def test_an_argument_of_deeplabcut_is_answered_with_ours():
    """Python says that it is not expected; a note says what does the same, or that it is not needed."""
    for step, given, note in (
        (posecut_core.train_network, {"epochs": 200}, "epochs is called maxiters here."),
        (posecut_core.evaluate_network, {"Shuffles": [1]}, "Shuffles is called shuffle here."),
        (posecut_core.extract_frames, {"userfeedback": False}, "userfeedback is not needed here."),
    ):
        with pytest.raises(TypeError, match="unexpected keyword") as refused:
            step("nowhere", **given)
        assert refused.value.__notes__ == [note]
    with pytest.raises(TypeError) as refused:
        posecut_core.train_network("nowhere", nonsense=1)
    assert not hasattr(refused.value, "__notes__")


def test_what_deeplabcut_calls_otherwise_is_an_argument_of_some_step():
    """But for the shell's answer to its own question."""
    known = {parameter for name in STEPS for parameter in inspect.signature(getattr(posecut_core, name)).parameters}
    meant = {parameter for several in steps._OF_DEEPLABCUT.values() for parameter in several}
    assert meant - known == {"yes"}


def test_frames_and_videos_are_given_in_any_form(spot_project):
    """One video for several, and numbers as a text."""
    done = posecut_core.extract_frames(spot_project, videos="SPOT.mp4", frames="1-2,4", seed="3")
    assert done.videos[0].added == (1, 2, 4)
    assert posecut_core.analyze_videos(str(spot_project), "spot", shuffle="1").videos[0].frame_count == 11
    assert posecut_core.plot_trajectories(spot_project, ["Spot"], bodyparts="spot, beside", pcutoff="0.1").files
