"""Every verb is there, in the order of the workflow, and explains itself."""

import re

import pytest

import posecut_core
from posecut_core.cli.program import app

VERBS = [command.name for command in app.registered_commands]
FOR_PROGRAMS = {"open-project", "read-labels", "write-labels", "propose-labels", "assist", "frame-scoremaps"}
FOR_PROGRAMS |= {"read-predictions", "write-predictions", "median-filtered", "arima-filtered"}
ORDER = [
    "create-new-project",
    "add-new-videos",
    "extract-frames",
    "label",
    "check-labels",
    "create-training-dataset",
    "train-network",
    "evaluate-network",
    "cross-validate",
    "analyze-videos",
    "plot-trajectories",
    "create-labeled-video",
]


def test_every_step_has_a_verb():
    """Each function but those for programs has its verb; two verbs are no step."""
    steps = {name.replace("_", "-") for name in posecut_core.__all__ if name[0].islower()}
    assert set(VERBS) == steps - FOR_PROGRAMS | {"demo", "label"}


def test_verbs_come_in_the_order_of_the_workflow():
    """Help lists the verbs as one uses them."""
    assert [verb for verb in VERBS if verb in ORDER] == ORDER


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(posecut, verb):
    """Its help has a sentence, an example that calls it, and words about each option."""
    code, out, _ = posecut(verb, "--help")
    assert code == 0
    assert re.search(rf"Example: posecut {verb}", out)
    options = re.findall(r"│ (?:\*\s+)?(--[a-z-]+)[ │].*?(?=│ (?:\*\s+)?--|╰)", out, flags=re.DOTALL)
    assert "--json" in options


@pytest.mark.parametrize("verb", VERBS)
def test_help_fits_a_terminal(posecut, monkeypatch, verb):
    """At 80 columns no word of the help is cut."""
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = posecut(verb, "--help")
    assert "…" not in out
    assert max(map(len, out.splitlines())) <= 80


def test_no_option_is_without_words():
    """Every parameter of every verb says what it is for."""
    silent = [
        (command.name, name)
        for command in app.registered_commands
        for name, kind in command.callback.__annotations__.items()
        if name != "return" and not kind.__metadata__[0].help
    ]
    assert silent == []
