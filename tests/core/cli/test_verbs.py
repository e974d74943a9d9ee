"""Every verb is there, explains itself, and hands what is typed to its step under the names of Python."""

import inspect
import json
import os
import re

import pytest
from rich.console import Console

import posecut_core
from posecut_core.cli.verbs import VERBS, Option, _project_and_videos, options, parse, project_path, summary
from posecut_core.errors import ArgumentError, LabelError, ModelError
from tests.structure.source import ROOT

FOR_PROGRAMS = {"open-project", "read-labels", "write-labels", "propose-labels", "assist", "frame-scoremaps"}
FOR_PROGRAMS |= {
    "read-points",
    "read-predictions",
    "write-predictions",
    "median-filtered",
    "arima-filtered",
    "spline-filtered",
    "kalman-filtered",
    "find-outlier-frames",
    "adopt-project",
    "with-neighbors",
}
BEFORE = json.loads((ROOT / "tests" / "data" / "command_line.json").read_text(encoding="utf-8"))  # of 0.1.0

every_verb = pytest.mark.parametrize("verb", VERBS)


def test_every_step_has_a_verb():
    """Each function but those for programs has its verb; two verbs are no step."""
    steps = {name.replace("_", "-") for name in posecut_core.__all__ if name[0].islower()}
    assert set(VERBS) == steps - FOR_PROGRAMS | {"demo", "label"}


def test_how_live_ends_is_said_once():
    """The sentence about the step says it already."""
    assert f"{summary('live')} {VERBS['live'].note}".count("Ctrl-C") == 1


def test_no_verb_is_lost():
    """The verbs of 0.1.0 are there, in the same panels of the help and in the same order."""
    now = [(verb, entry.panel) for verb, entry in VERBS.items() if verb in BEFORE]
    assert now == [(verb, entry["panel"]) for verb, entry in BEFORE.items()]


@pytest.mark.parametrize("verb", BEFORE)
def test_no_option_is_lost(verb):
    """Arguments and options of 0.1.0 are there, with their choices, limits and defaults."""
    now = {option.name: option for option in options(verb)}
    assert {name: _described(now[name], old) for name, old in BEFORE[verb]["options"].items()} == BEFORE[verb][
        "options"
    ]


def _described(option: Option, old: dict) -> dict:
    """Describe an option as the file of 0.1.0 does, which leaves out what is usual."""
    found = {
        "kind": [choice for choice in option.choices if choice in old["kind"]] or option.kind.__name__,
        "several": option.several,
        "required": option.is_required,
        "default": option.shown_default,
        "limits": list(option.limits),
    }
    return {name: value for name, value in found.items() if name in old or value not in (False, "", [None, None])}


@every_verb
def test_every_verb_explains_itself(posecut, monkeypatch, verb):
    """Its help has a sentence, an example that calls it, and words about each option; it fits 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = posecut(verb, "--help")
    assert code == 0
    assert re.search(rf"Example: posecut {verb}", out)
    assert [option.name for option in options(verb) if not option.meaning] == []
    assert [option.name for option in options(verb) if not option.by_place and option.name not in out] == []
    assert " ".join(out.split()).count(summary(verb)) == 1
    assert "…" not in out
    assert max(map(len, out.splitlines())) <= 80


def _words(option: Option) -> tuple[list[object], object]:
    """Return words for an option, and the value that its step gets."""
    if option.kind is bool:
        return [f"--no-{option.name[2:]}" if option.default else option.name], not option.default
    if option.several:
        return [option.name, "a", option.name, "b"], ["a", "b"]
    value = option.choices[-1] if option.choices else "5-7" if option.kind is str else (option.limits[0] or 0) + 1
    return [option.name, value], value


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in ("demo", "label")])
def test_what_is_typed_reaches_the_step(posecut, monkeypatch, project, verb):
    """Each option is handed on under the step's name for it, and the step takes it; what is not typed is left to it."""
    step = getattr(posecut_core, verb.replace("-", "_"))
    calls = []

    def fake(**given):
        calls.append(inspect.signature(step).bind(**given).arguments)
        raise ArgumentError("as far as this")

    monkeypatch.setattr(f"{step.__module__}.{step.__name__}", fake)
    places = {
        "config": project,
        "video": "v",
        "file": "f",
        "source": "s",
        "project": "t",
        "experimenter": "me",
        "videos": "v.mp4",
    }
    words = [places[option.parameter] for option in options(verb) if option.by_place]
    expected = {option.parameter: places[option.parameter] for option in options(verb) if option.by_place}
    if options(verb)[0].name == "[CONFIG] VIDEOS...":
        words, expected = [project, "v.mp4"], {"config": project, "videos": "v.mp4"}
    if "videos" in expected:
        expected["videos"] = ["v.mp4"]
    for option in options(verb):
        if not option.by_place and option.name not in ("--json", "--debug"):
            typed, expected[option.parameter] = _words(option)
            words += typed
    expected.pop("yes", None)
    code, _, err = posecut(verb, *words)
    assert (code, err.splitlines()[-1]) == (2, "as far as this")
    assert {name: calls[0][name] for name in expected} == expected
    assert set(calls[0]) - set(expected) <= {"report", "confirm"}


def test_options_may_stand_anywhere(project):
    """Before, between and behind videos; with an equals sign too. Nothing is done before the task is run."""
    words = ["analyze-videos", "--overwrite", str(project), "--shuffle=2", "a.mp4", "--save-as-csv", "b.mp4"]
    task = parse(words, Console())
    assert task is not None
    assert task.arguments == {
        "config": project,
        "videos": ["a.mp4", "b.mp4"],
        "shuffle": 2,
        "overwrite": True,
        "save_as_csv": True,
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["analize-videos"], 'Did you mean "analyze-videos"?'),
        (["extract-frames", "--numberofframes", "3"], "Did you mean --number-of-frames?"),
        (["extract-frames", "--numframes2pick", "20"], "--numframes2pick is called --number-of-frames here."),
        (["extract-frames", "--userfeedback=False"], "--userfeedback is not needed here; leave it out."),
        (["add-new-videos", "a.mp4", "--videotype", "mp4"], "--videotype is not needed here"),
        (["train-network", "--epochs", "200"], "--epochs is called --maxiters here."),
        (["train-network", "--net_type", "resnet_50"], "no option of train-network, but of create-training-dataset"),
        (
            ["create-new-project", "t", "me", "a.mp4", "--copy_videos", "True"],
            "--copy_videos True: this option takes no value; write --copy-videos instead.",
        ),
        (["analyze-videos", "a.mp4", "--save_as_csv", "False"], "takes no value; leave both out."),
        (["export-deeplabcut", "p", "--metadata", "true"], "write --metadata instead."),
        (["train-network", "--net-type", "resnet_50"], "no option of train-network, but of create-training-dataset"),
        (["train-network", "--batch-size", "4"], "a setting of the training; write batch_size into the settings.yaml"),
        (["filterpredictions", "a.mp4", "--MAdegree", "2"], "Did you mean --madegree?"),
        (["analyze-videos", "a.mp4", "--gputouse", "0"], "--gputouse is not needed here"),
        (["evaluate-network", "--Shuffles", "1"], "Did you mean --shuffle?"),
        (["evaluate-network", "--comparisonbodyparts", "all"], "Did you mean --bodyparts?"),
        (["create-labeled-video", "a.mp4", "--Frames2plot", "1"], "Did you mean --frames?"),
        (["extract-outlier-frames", "a.mp4", "--automatic"], "--automatic is called --yes here."),
        (["extract-frames", "--algo", "kmean"], 'Did you mean "kmeans"?'),
        (["extract-frames", "--step", "0"], "Must be >= 1"),
        (["extract-frames", "--step", "two"], "--step is 'two', expected a whole number."),
        (["triangulate", "v.mp4", "--smoothing", "5,4"], "expected a number; use a decimal point, as in 5.4."),
        (["check-labels", "a", "b"], "Unexpected argument: b."),
        (["train-network", "--shuffle", "1.5"], "--shuffle is '1.5', expected a whole number."),
        (["train-network", "--maxiters"], "--maxiters stands there without a value"),
        (["analyze-videos"], "VIDEOS is missing; write posecut analyze-videos [CONFIG] VIDEOS... [OPTIONS]."),
        (["undo-labels", "mouse7"], "VIDEO is missing; write posecut undo-labels CONFIG VIDEO [OPTIONS]."),
    ],
)
def test_wrong_words_are_answered(posecut, words, said):
    """The sentence says what is wrong, what may be meant, and how to see the help."""
    code, out, err = posecut(*words)
    assert (code, out, said in err, " --help" in err) == (2, "", True, True)


def test_options_of_every_verb_stand_behind_it(posecut):
    """Before a verb, --json is no unknown command."""
    code, out, _ = posecut("--json", "doctor")
    assert (code, "--json stands behind a command, such as posecut doctor --json" in out) == (2, True)


def test_a_file_that_is_taken_for_an_option_is_written_otherwise(posecut, monkeypatch, tmp_path):
    """Shells pass the names of files on as they are, also those that begin with a hyphen."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-m1.mp4").touch()
    code, _, err = posecut("create-new-project", "reach", "ada", "-m1.mp4")
    assert code == 2
    assert f"write {os.path.join('.', '-m1.mp4')} if the file is meant" in err


def test_the_current_folder_is_the_default(project, monkeypatch, tmp_path):
    """Inside a project it need not be named; elsewhere the message says how to name it."""
    monkeypatch.chdir(project)
    assert project_path(None) == project
    assert _project_and_videos(["new.mp4"]) == (project, ["new.mp4"])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArgumentError, match=r"no config\.yaml"):
        project_path(None)


def test_the_help_names_the_current_folder_as_default_only_where_it_is():
    """Kind: the help of verbs that need the project promised that it may be left out."""
    for verb in VERBS:
        for option in options(verb):
            if option.name == "CONFIG":
                assert ("by default the current folder" in option.meaning) is not option.is_required


def test_a_project_before_videos_is_recognized(project, monkeypatch, tmp_path):
    """Its folder and its config.yaml do."""
    monkeypatch.chdir(tmp_path)
    assert _project_and_videos([str(project), "a.mp4"]) == (project, ["a.mp4"])
    assert _project_and_videos([str(project / "config.yaml"), "a.mp4"])[1] == ["a.mp4"]
    with pytest.raises(ArgumentError, match="no videos"):
        _project_and_videos([str(project)])


@pytest.mark.parametrize("options", [(), ("--refine",)])
def test_the_folder_is_checked_before_anything_is_drawn(posecut, tmp_path, options):
    """A folder with other files is refused, and nothing is written."""
    (tmp_path / "thesis.txt").write_text("mine")
    code, _, err = posecut("demo", tmp_path, *options)
    assert (code, "thesis.txt" in err) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_interruption_promises_no_snapshot(posecut, project, monkeypatch):
    """It may come before the first one, as while weights are fetched."""

    def interrupt(*words, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("posecut_core.workflow.train_network.train_network", interrupt)
    code, _, err = posecut("train-network", project)
    assert (code, err.splitlines()[-1]) == (
        130,
        "Interrupted. There was no snapshot yet; run the same command again to begin anew.",
    )
    posecut_core.open_project(project).training(2).snapshot(10).mkdir(parents=True)
    code, _, err = posecut("train-network", project, "--shuffle", "2")
    assert err.splitlines()[-1] == "Interrupted. All snapshots are kept; run the same command again to continue."


@pytest.mark.parametrize("verb", ["create-training-dataset", "train-network", "cross-validate"])
def test_a_project_without_labels_hears_so(posecut, project, verb):
    """The sentence names the labels, not a file of the network."""
    code, _, err = posecut(verb, project)
    assert (code, "label" in err.splitlines()[-1]) == (LabelError.exit_code, True)


def test_without_a_network_the_step_that_makes_one_is_named(posecut, project, video):
    """The exit code says that the network is missing."""
    code, _, err = posecut("analyze-videos", project, video)
    assert code == ModelError.exit_code
    assert "train" in err.splitlines()[-1]
