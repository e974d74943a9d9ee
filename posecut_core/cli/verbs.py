"""The verbs of `posecut`: a table, and the command line that is made from it and from the definitions of the steps.

Arguments, options, defaults and help of a verb are those of its step in Python (`posecut_core.steps`). What has no
default is given by position; what a shell cannot write, such as mappings and callbacks, is left out.
"""

import importlib
import importlib.util
import inspect
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

from cyclopts import (
    App,
    CoercionError,
    CycloptsError,
    Group,
    MissingArgumentError,
    Parameter,
    Token,
    UnknownOptionError,
    UnusedCliTokensError,
)
from cyclopts.validators import Number
from rich.console import Console

import posecut_core
from posecut_core.cli.task import Outcome, Task, run_step
from posecut_core.errors import ArgumentError, PosecutError, Remedy
from posecut_core.progress import Notice, Report
from posecut_core.project.given import converted, given_path, named_few
from posecut_core.results import Summary
from posecut_core.steps import StepArgument, arguments_of, called_here, meaning_of

# --- table ------------------------------------------------------------------------------------------------------------
# The verbs in the order of the workflow, with what their steps do not say.


_RESUMES = "Finished work is kept; run the same command again to continue."
_NOTHING = "Run the same command again."
_SNAPSHOTS = "All snapshots are kept; run the same command again to continue."
_NO_SNAPSHOT = "There was no snapshot yet; run the same command again to begin anew."
_TRAINED = "What was trained is kept; run the same command again to continue."
_FRAMES = "Frames of finished videos are kept; run the same command again for the others."


@dataclass(frozen=True)
class Verb:
    """What a verb has beside its step."""

    panel: str  # of the help
    example: str = ""  # what follows the verb
    interrupted: str = _RESUMES
    note: str = ""  # for the help
    module: str = ""  # that defines a step which is not public


VERBS = {
    "demo": Verb("Begin", "", "What was made is kept; run the same command again to continue.", module="demo.run"),
    "create-new-project": Verb("Begin", "reaching ada videos/ --bodyparts snout,leftear,rightear,tailbase",
                               "Nothing was created; run the same command again."),
    "import-project": Verb("Begin", "flies.slp ada --animal female", "Run the same command again."),
    "add-new-videos": Verb("Begin", "PROJECT more-videos/mouse7.mp4",
                           "No video was added; run the same command again."),
    "extract-frames": Verb("Label", "PROJECT --number-of-frames 30", _FRAMES),
    "label": Verb("Label", "PROJECT", "All labels are kept.", module="cli.verbs",
                  note="Without a project the window opens too; create or open one there."),
    "check-labels": Verb("Label", "PROJECT"),
    "export-deeplabcut": Verb("Label", "PROJECT --results new-videos/ --metadata"),
    "export-labels": Verb("Label", "PROJECT --format coco", _NOTHING),
    "import-labels": Verb("Label", "PROJECT labels.slp --overwrite", _NOTHING),
    "edit-bodyparts": Verb("Label", "PROJECT --rename nose:snout --add tailtip", _NOTHING),
    "merge-labels": Verb("Label", "PROJECT --take"),
    "undo-labels": Verb("Label", "PROJECT mouse7 --steps 2"),
    "redo-labels": Verb("Label", "PROJECT mouse7"),
    "create-training-dataset": Verb("Train", "PROJECT"),
    "train-network": Verb("Train", "PROJECT --maxiters 5000", _SNAPSHOTS),
    "evaluate-network": Verb("Train", "PROJECT --plotting"),
    "cross-validate": Verb("Train", "PROJECT --splits 5", _TRAINED, "It trains that many networks."),
    "analyze-videos": Verb("Use", "PROJECT new-videos/ --save-as-csv",
                           "The frames analyzed so far are kept; run the same command again to continue."),
    "filterpredictions": Verb("Use", "PROJECT new-videos/ --windowlength 7"),
    "analyzeskeleton": Verb("Use", "PROJECT new-videos/ --filtered"),
    "plot-trajectories": Verb("Use", "PROJECT new-videos/"),
    "create-labeled-video": Verb("Use", "PROJECT new-videos/mouse7.mp4 --draw-skeleton --trailpoints 10"),
    "export-poses": Verb("Use", "PROJECT new-videos/ --format nwb", _NOTHING),
    "import-poses": Verb("Use", "PROJECT poses.slp mouse7.mp4", _NOTHING),
    "calibrate-cameras": Verb("Use", "PROJECT calibration.toml --rename A:left,B:right", _NOTHING),
    "refine-cameras": Verb("Use", "PROJECT new-videos/", _NOTHING),
    "triangulate": Verb("Use", "PROJECT new-videos/ --smoothing 6"),
    "export-model": Verb("Use", "PROJECT --format onnx", _NOTHING),
    "live": Verb("Use", "PROJECT --source 0 --port 5005 --show", "Run the same command again."),
    "benchmark": Verb("Use", "PROJECT --video new-videos/mouse7.mp4", "Run the same command again."),
    "extract-outlier-frames": Verb("Refine", "PROJECT new-videos/mouse7.mp4 --epsilon 30", _FRAMES,
                                   "It reports how many frames it found, and asks before it extracts them."),
    "merge-datasets": Verb("Refine", "PROJECT", _NOTHING),
    "doctor": Verb("Care", "PROJECT", note="The exit code is 0 if no problem is left, else 1."),
}  # fmt: skip
_PROJECT = "reaching-ada-2026-01-31"  # of the examples


# --- options ----------------------------------------------------------------------------------------------------------
# What can be written behind a verb, from the definition of its step.


_NAMES = {"videos": "video", "comparisonbodyparts": "bodyparts"}  # parameter -> option, where these differ
_BY_POSITION = ("config", "folder", "experimenter")  # though they have defaults
_METAVARS = {int: "N", float: "NUMBER", str: "TEXT"}
_BOTH = "[CONFIG] VIDEOS..."
_CONFIG = "The project's folder or its config.yaml; by default the current folder, if that is a project."
_CONFIG_FIRST = "The project's folder or its config.yaml; a dot (.) stands for the current folder."
_CONFIG_AND_VIDEOS = "The project's folder or config.yaml, not needed inside the project's folder; then {}"


@dataclass(frozen=True)
class Option(StepArgument):
    """One argument or option of a verb."""

    name: str  # as it is typed: --frames; of an argument, as the help calls it: VIDEO
    several: bool = False

    @property
    def by_place(self) -> bool:
        """Tell whether it is an argument, which has no name on the command line."""
        return not self.name.startswith("--")

    @property
    def shown_default(self) -> str:
        """Return the default as it would be typed; empty where there is nothing to show."""
        if isinstance(self.default, tuple):
            return ",".join(map(str, self.default))
        is_shown = self.kind is not bool and self.default not in (None, "", inspect.Parameter.empty)
        return str(self.default) if is_shown else ""

    def described(self) -> inspect.Parameter:
        """Describe the option to cyclopts."""
        least, most = self.limits
        details = Parameter(
            name=None if self.by_place else self.name,
            help=self.meaning,
            metavar=self.name if self.by_place else _METAVARS.get(self.kind),
            negative=f"--no-{self.name[2:]}" if self.default is True else "",
            required=self.is_required,
            show_default=(lambda default: self.shown_default) if self.shown_default else False,
            converter=self._number if self.kind in (int, float) else None,
            validator=Number(gte=least, lte=most) if self.kind in (int, float) else None,
        )
        kinds = inspect.Parameter
        several = self.several and self.by_place
        kind = kinds.VAR_POSITIONAL if several else kinds.POSITIONAL_ONLY if self.by_place else kinds.KEYWORD_ONLY
        # A default is only shown, as the step has its own; cyclopts holds it against the type all the same.
        default = kinds.empty if several else self.shown_default if isinstance(self.default, tuple) else self.default
        typed = list[str] if self.several and not several else self.kind
        typed = typed | None if default is None else typed
        return inspect.Parameter(self.parameter, kind, default=default, annotation=Annotated[typed, details])

    def _number(self, tokens: Sequence[Token]) -> int | float:
        """Read a number as the step would in Python; cyclopts would round 1.5 to a whole one.

        Raises:
            ArgumentError: it is none.
        """
        number: int | float = converted(tokens[0].value, self.kind, self.name)
        return number


_YES = Option("yes", bool, False, "Extract without asking for confirmation.", "--yes")
_EVERYWHERE = (
    Option("json", bool, False, "Print the result as one JSON object.", "--json"),
    Option("debug", bool, False, "Show technical details if something goes wrong.", "--debug"),
)


def _module(verb: str) -> str:
    return f"posecut_core.{VERBS[verb].module or posecut_core._HOMES[verb.replace('-', '_')]}"


def _step_of(verb: str) -> tuple[str, str]:
    """Return the name of a verb's step, and the module that defines it where the step is not public."""
    return verb.replace("-", "_"), VERBS[verb].module


def summary(verb: str) -> str:
    """Return what a verb does, in a sentence."""
    return _in_words(meaning_of(*_step_of(verb)))


@cache
def options(verb: str) -> tuple[Option, ...]:
    """List what can be written behind a verb: arguments first, then its options."""
    found = list(_step_options(verb))
    given = [option for option in found if option.by_place]
    if [option.parameter for option in given] == ["config", "videos"]:
        meaning = _CONFIG_AND_VIDEOS.format(given[1].meaning[0].lower() + given[1].meaning[1:])
        given = [Option("videos", str, inspect.Parameter.empty, meaning, _BOTH, several=True)]
    extra = (_YES,) if verb == "extract-outlier-frames" else ()
    return (*given, *(option for option in found if not option.by_place), *extra, *_EVERYWHERE)


def _step_options(verb: str) -> Iterator[Option]:
    taken = arguments_of(*_step_of(verb))
    names = [argument.parameter for argument in taken]
    alone = sum(argument.is_required for argument in taken) == 1
    for argument in taken:
        name = argument.parameter
        if argument.kind is None:
            continue
        is_option = not argument.is_required and name not in _BY_POSITION
        several = name in ("videos", "results")
        written = f"{name.upper()}..." if several else name.upper()
        optional = name == "config" and argument.is_required and alone
        about = _CONFIG if optional or not argument.is_required else _CONFIG_FIRST
        meaning = about if name == "config" else _in_words(argument.meaning, names)
        yield Option(
            name,
            argument.kind,
            None if optional else argument.default,
            meaning[:1].upper() + meaning[1:],
            _typed(name) if is_option else written,
            several,
        )


def _in_words(text: str, parameters: Collection[str] = ()) -> str:
    """Write a sentence of a docstring as a shell's user reads it, with options for parameters and verbs for steps."""

    def written(name: str) -> str:
        verb = name.replace("_", "-")
        return _typed(name) if name in parameters else verb if verb in VERBS else name

    text = re.sub(r"`([^`]+)`", lambda quoted: written(quoted[1]), " ".join(text.split()))
    return re.sub(r"\b[a-z]+(?:_[a-z]+)+\b(?! in \w+\.yaml)", lambda word: written(word[0]), text)


_ARGUMENT = re.compile(
    r"`([a-z_]+)`(?! (?:in|under|of) )"
    r"|^([A-Za-z]+)(?= (?:is|contains|names|has)\b)"
    r"|(?<![\w./'-])([a-z]+(?:_[a-z]+)+)(?![\w/'-])(?!\.\w)"
)


def as_typed(sentence: str, words: Sequence[str]) -> str:
    """Say in the words of a command line what a step says of its arguments; a key of a file keeps its name.

    Args:
        sentence: of the error.
        words: the command line, of which the first is a verb.
    """
    known = options(words[0]) if words and words[0] in VERBS else ()
    named = {option.parameter: option.name for option in known if not option.by_place}

    def written(found: re.Match[str]) -> str:
        return named.get(found[1] or found[2] or found[3], found[0])

    return _ARGUMENT.sub(written, sentence)


def _typed(parameter: str) -> str:
    return f"--{_NAMES.get(parameter, parameter).replace('_', '-').lower()}"


# --- command line -----------------------------------------------------------------------------------------------------
# From words to a task.


_ABOUT = """PoseCut is markerless pose estimation for laboratory video: label some frames, train a network, and it \
finds the bodyparts in the rest.

The verbs below are in the order in which you use them; each one names the next. To see all of them at work on a drawn \
mouse, run: posecut demo"""


class UsageError(ArgumentError):
    """Words that are no command line of `posecut`."""

    code = "usage"


def parse(words: Sequence[str], console: Console) -> Task | None:
    """Turn a command line into a task; None where help or the version was asked for and shown.

    Raises:
        UsageError: a verb or an option is unknown, or a value is not possible.
        ArgumentError: the project or the videos are missing.
    """
    verb = words[0] if words and words[0] in VERBS else ""
    if words and words[0] in (option.name for option in _EVERYWHERE):
        raise UsageError(
            f"{words[0]} stands behind a command, such as posecut doctor {words[0]}. For help: posecut --help"
        )
    command = " ".join(filter(None, ("posecut", verb, "--help")))
    valued = _valued_flag(words, verb) if verb else None
    if valued:
        raise UsageError(f"{valued} For help: {command}")
    try:
        answer = _app([verb] if verb else list(VERBS))(
            list(words) or ["--help"], console=console, print_error=False, exit_on_error=False,
        )  # fmt: skip
    except CycloptsError as error:
        raise UsageError(f"{_said(error, verb)} For help: {command}") from error
    return answer if isinstance(answer, Task) else None


def _valued_flag(words: Sequence[str], verb: str) -> str | None:
    """Say what to write where True or False follows an option that takes no value, and would be a video or so."""
    flags = {option.parameter: option for option in options(verb) if option.kind is bool}
    for typed, value in pairwise(words):
        positive = typed.replace("--no-", "--", 1).replace("--no_", "--", 1)
        option = flags.get(called_here(positive, flags) or "") if typed.startswith("--") else None
        if option is None or value.lower() not in ("true", "false"):
            continue
        wanted = (value.lower() == "true") == (positive == typed)
        instead = option.name if wanted else f"--no-{option.name[2:]}"
        how = "leave both out" if wanted == option.default else f"write {instead} instead"
        return f"{typed} {value}: this option takes no value; {how}."
    return None


def _said(error: CycloptsError, verb: str) -> str:
    """Say what is wrong with a command line; of a number, what its step would say in Python."""
    said = " ".join(str(error).split())
    if isinstance(error, UnknownOptionError) and verb:
        typed = (error.token.keyword or error.token.value).partition("=")[0]
        return _answered(typed, verb, said)
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        return f"Unexpected argument: {' '.join(error.unused_tokens)}."
    if isinstance(error, CoercionError) and isinstance(error.__cause__, ArgumentError):
        return str(error.__cause__)
    if isinstance(error, MissingArgumentError) and error.argument and verb:
        name = error.keyword or error.argument.name
        if name.startswith("--"):
            return f"{name} stands there without a value; write one behind it."
        return f"{name} is missing; write {usage(verb).removeprefix('Usage: ')}."
    return said


def _answered(typed: str, verb: str, said: str) -> str:
    """Say how an option is called here that has another name in DeepLabCut or in Python, or whose option it is.

    Args:
        typed: what is no option of the verb.
        verb: behind which it stands.
        said: of it by cyclopts, which asks whether an option of the verb is meant that is spelled nearly so.
    """
    own = {option.parameter: option.name for option in options(verb) if not option.by_place}
    meant = called_here(typed, own)
    if os.path.lexists(typed):
        return f"{typed} is taken for an option; write {os.path.join('.', typed)} if the file is meant."
    if meant == "":
        return f"{typed} is not needed here; leave it out."
    if meant is not None:
        return said if f"Did you mean {own[meant]}?" in said else f"{typed} is called {own[meant]} here."
    others = _verbs_with(typed)
    setting = typed.removeprefix("--").replace("-", "_")
    if VERBS[verb].panel == "Train" and "create-training-dataset" not in others and _is_setting(setting):
        return f"{typed} is a setting of the training; write {setting} into the settings.yaml of the shuffle."
    if others and "Did you mean" not in said:
        return f"{typed} is no option of {verb}, but of {named_few(others, most=3)}."
    return said


def _verbs_with(typed: str) -> list[str]:
    """List the verbs that have an option, with underscores or capitals too."""
    spelled = typed.replace("_", "-").lower()
    return [verb for verb in VERBS if spelled in (option.name for option in options(verb))]


def _is_setting(name: str) -> bool:
    from posecut_core.dataset.settings import TrainingSettings  # loads what help does without
    from posecut_core.storage.values import properties

    return name in properties(TrainingSettings)


def _app(verbs: Sequence[str]) -> App:
    """Make the program of some verbs; reading the options of all of them would take as long as the rest."""
    panels = dict.fromkeys(verb.panel for verb in VERBS.values())
    groups = {panel: Group(panel, sort_key=place) for place, panel in enumerate(panels, start=1)}
    common = Group("Options", sort_key=0)
    app = App(
        "posecut",
        help=_ABOUT,
        version=f"posecut {posecut_core.__version__}",
        help_flags=("--help", "-h"),
        help_format="plaintext",
        group_commands=common,
        group_parameters=common,
        result_action="return_value",
        suppress_keyboard_interrupt=False,
        verbose=False,
    )
    for place, name in enumerate(verbs):
        app.command(
            _command(name, options(name) if len(verbs) == 1 else ()),
            name=name,
            help=_help(name) if len(verbs) == 1 else summary(name),
            usage=usage(name),
            group=groups[VERBS[name].panel],
            sort_key=place,
            version_flags=(),
        )
    return app


def usage(verb: str) -> str:
    """Return how a verb is written."""
    words = [option.name if option.is_required else f"[{option.name}]" for option in options(verb) if option.by_place]
    return " ".join(("Usage: posecut", verb, *words, "[OPTIONS]"))


def example(verb: str) -> str:
    """Return a command line with a verb."""
    return f"posecut {verb} {VERBS[verb].example.replace('PROJECT', _PROJECT)}".rstrip()


def _help(verb: str) -> str:
    return "\n\n".join(filter(None, (summary(verb), VERBS[verb].note, f"Example: {example(verb)}")))


def _command(verb: str, known: Sequence[Option]) -> Callable[..., Task]:
    """Make the function that cyclopts calls with the values that were given."""

    def command(*places: Any, **named: Any) -> Task:
        by_place = [option for option in known if option.by_place]
        given = dict(named)
        for place, option in enumerate(by_place):
            if option.several:
                given[option.parameter] = list(places[place:])
            elif place < len(places):
                given[option.parameter] = places[place]
        return _task(verb, {name: value for name, value in given.items() if name not in ("json", "debug")})

    command.__signature__ = inspect.Signature([option.described() for option in known])  # type: ignore[attr-defined]
    command.__doc__ = None
    return command


# --- task -------------------------------------------------------------------------------------------------------------
# From what was typed to the step, and from its result to what is shown.


def _task(verb: str, given: dict[str, Any]) -> Task:
    """Make the task of a verb from the values that were typed.

    Raises:
        ArgumentError: the project or the videos are missing, or a text is not as it should be.
    """
    arguments = dict(given)
    if options(verb)[0].name == _BOTH:
        arguments["config"], arguments["videos"] = _project_and_videos(given["videos"])
    elif options(verb)[0].parameter == "config" and verb != "label":
        arguments["config"] = project_path(given.get("config"))
    yes = arguments.pop("yes", False)

    def work(report: Report) -> Outcome:
        if "config" in arguments:
            from posecut_core.project.opening import config_path

            config_path(arguments["config"])  # before seconds are spent on loading what the step needs
        reports = any(one.parameter == "report" for one in arguments_of(*_step_of(verb)))
        call: dict[str, Any] = {"report": report} if reports else {}
        if verb == "extract-outlier-frames":
            from posecut_core.cli.summaries import asking

            try:
                call["confirm"] = asking(arguments, report, yes=yes)
            except ArgumentError:
                if _finds_outliers(arguments, report):  # or says what else is wrong
                    raise
                call["confirm"] = None
        run = getattr(importlib.import_module(_module(verb)), verb.replace("-", "_"))
        return run_step(partial(run, **arguments, **call), partial(_outcome, verb, arguments))

    return Task(work, partial(_when_interrupted, verb, arguments), arguments)


def _outcome(verb: str, arguments: Mapping[str, Any], result: Any) -> Outcome:
    if verb == "demo":
        from posecut_core.cli.demonstration import outcome_of_demo

        return outcome_of_demo(result)
    from posecut_core.cli.summaries import outcome_of

    return outcome_of(result, arguments)


def _finds_outliers(arguments: Mapping[str, Any], report: Report) -> bool:
    """Tell whether anything would be extracted, and report what, before somebody is asked for it.

    Raises:
        PosecutError: nothing can be found, as no network is trained or no video is analyzed.
    """
    from posecut_core.workflow.extract_outlier_frames import find_outlier_frames

    known = {argument.parameter for argument in arguments_of("find_outlier_frames")}
    given = {name: value for name, value in arguments.items() if name in known}
    found = find_outlier_frames(**given, report=report)
    if not any(video.fresh for video in found.videos):
        return False
    report(Notice(found.summary().text))
    return True


def _when_interrupted(verb: str, arguments: Mapping[str, Any]) -> str:
    """Say what is kept; a training may have no snapshot yet, as while weights are fetched."""
    if verb == "train-network":
        from posecut_core.project.opening import open_project

        network = {name: arguments[name] for name in ("shuffle", "trainingsetindex") if name in arguments}
        with suppress(PosecutError):
            if not open_project(arguments["config"]).training(**network).snapshots:
                return _NO_SNAPSHOT
    return VERBS[verb].interrupted


def project_path(config: str | None) -> Path:
    """Return the path of config.yaml or its folder, as given or the current folder's.

    Raises:
        ArgumentError: none was given and the current folder is not a project.
    """
    if config is not None:
        return Path(config)
    here = Path.cwd()
    if not (here / "config.yaml").is_file():
        raise ArgumentError(
            f"No project was given and the current folder {here} holds no config.yaml; name the project's folder, as "
            "in posecut VERB PROJECT_FOLDER, or change into it first."
        )
    return here


def _project_and_videos(words: Sequence[str]) -> tuple[Path, list[str]]:
    """Tell the project, if it comes first, from the videos.

    Raises:
        ArgumentError: there is no project, or there are no videos.
    """
    projects = [word for word in words if _is_project(word)]
    first = next(iter(projects), "")
    # A project that is named later is meant as such too, unless the current folder is one.
    named = bool(projects) and (first == words[0] or (len(projects) == 1 and not _is_project(".")))
    project = given_path(first) if named else project_path(None)
    videos = list(words)
    if named:
        videos.remove(first)
    if not videos:
        raise ArgumentError(
            f"Found the project {project} but no videos; name at least one video, a folder with videos, or the stem of "
            "one of the project's videos."
        )
    return project, videos


def _is_project(word: str) -> bool:
    path = given_path(word)
    return path.name == "config.yaml" or (path / "config.yaml").is_file()


# --- window -----------------------------------------------------------------------------------------------------------
# `posecut label`: the window, in a process of its own, as the core knows the plugin by its name only.


_QT = ("PyQt6", "PySide6", "PyQt5")  # any of them will do
_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")  # the last one: somebody knows better
_SIGNALS = 128  # and the number of the signal is the exit code in a shell


@dataclass(frozen=True)
class ClosedWindow:
    """A window that was opened and is closed again."""

    project: Path | None
    exit_code: int

    def summary(self) -> Summary:
        """Say what became of a window that did not end by itself; Qt ends the process where it finds no screen."""
        check = (Remedy("check_labels", config=self.project),) if self.project and not self.exit_code else ()
        if self.exit_code <= _SIGNALS:
            return Summary("", following=check, exit_code=self.exit_code)
        number = self.exit_code - _SIGNALS
        screens = ", ".join(f"{name}={os.environ[name]}" for name in _SCREENS if os.environ.get(name))
        asked = f"; does {screens} still answer?" if number == signal.SIGABRT and screens else "."
        text = f"The window was ended by signal {number}{asked} All labels are kept."
        return Summary(text, exit_code=self.exit_code)


def label(config: str | os.PathLike[str] | None = None) -> ClosedWindow:
    """Open the window: label frames, and do every other step with the mouse.

    Args:
        config: the project's folder or its config.yaml; by default the current folder, if that is a project.

    Raises:
        PosecutError: the window's libraries or a screen are missing.
    """
    here = Path.cwd()
    project = here if config is None and (here / "config.yaml").is_file() else config
    _check_installed()
    _check_screen(os.environ)
    return open_window(None if project is None else Path(project))


def _check_installed(installed: Callable[[str], object] = importlib.util.find_spec) -> None:
    """Refuse where the window's libraries are missing.

    Raises:
        PosecutError: napari or Qt is not installed.
    """
    missing = "napari" if not installed("napari") else "Qt" if not any(map(installed, _QT)) else ""
    if missing:
        raise PosecutError(
            f"The window needs {missing}, which is not installed here; install it with: pip install 'posecut[napari]'"
        )


def _check_screen(environment: Mapping[str, str], *, system: str = sys.platform) -> None:
    """Refuse where there is no screen.

    Raises:
        PosecutError: on Linux, no display is named.
    """
    if system.startswith("linux") and not any(environment.get(name) for name in _SCREENS):
        raise PosecutError(
            "There is no screen for a window (DISPLAY and WAYLAND_DISPLAY are not set); use a computer with a "
            "screen, connect with ssh -X, or try it with xvfb-run."
        )


def open_window(project: Path | None, *, program: tuple[str, ...] = ("-P", "-m", "napari_posecut")) -> ClosedWindow:
    """Open the window, and wait until it is closed."""
    words = [] if project is None else [str(project)]
    # What napari's libraries print is no result: stdout is for the outcome, as JSON if that was asked for.
    code = subprocess.run([sys.executable, *program, *words], check=False, stdout=sys.__stderr__).returncode
    return ClosedWindow(project, code if code >= 0 else _SIGNALS - code)  # as shells tell a signal
