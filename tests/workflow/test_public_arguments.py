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
