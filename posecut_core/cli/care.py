"""Verbs beside the workflow: bodyparts, labels, the project's health, the window, the demonstration."""

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from posecut_core.cli.options import Config, Debug, Json, SomeVideos, expanded, listed, pairs, project_path
from posecut_core.cli.task import Outcome, Task, command
from posecut_core.errors import ArgumentError, PosecutError
from posecut_core.progress import Report

# --- care verbs -------------------------------------------------------------------------------------------------------
# Verbs that take care of what is there: bodyparts, labels of other programs, and the project's health.


def edit_bodyparts(
    config: Config = None,
    rename: Annotated[
        str, typer.Option(help="Old and new names, as nose:snout,tail:tailbase.", show_default=False)
    ] = "",
    add: Annotated[str, typer.Option(help="New bodyparts, separated by commas.", show_default=False)] = "",
    json: Json = False,
    debug: Debug = False,
) -> Task:
    """Rename bodyparts or add new ones, in config.yaml and in all labels; no label moves.

    Example: posecut edit-bodyparts reaching-ada-2026-01-31 --rename nose:snout --add tailtip
    """
    project, names, new = project_path(config), dict(pairs(rename)), listed(add) or []
    if not names and not new:
        raise ArgumentError("Nothing was asked for; give --rename OLD:NEW, or --add NAME.")

    def work(report: Report) -> Outcome:
        from posecut_core.cli.summaries import tell_edited
        from posecut_core.workflow.edit_bodyparts import edit_bodyparts

        return tell_edited(edit_bodyparts(project, rename=names, add=new))

    return Task(work, "Run the same command again.")


def merge_labels(
    config: Config = None,
    take: Annotated[bool, typer.Option("--take", help="Take the changes over.")] = False,
    discard: Annotated[
        bool, typer.Option("--discard", help="Write the files again as PoseCut has them; copies are kept.")
    ] = False,
    video: SomeVideos = None,
    json: Json = False,
    debug: Debug = False,
) -> Task:
    """Show what other programs changed in the labels; take it over or discard it if you say so.

    Example: posecut merge-labels reaching-ada-2026-01-31 --take
    """
    project = project_path(config)

    def work(report: Report) -> Outcome:
        from posecut_core.cli.summaries import tell_merged
        from posecut_core.workflow.merge_labels import merge_labels

        return tell_merged(merge_labels(project, take=take, discard=discard, videos=video))

    return Task(work)


Video = Annotated[str, typer.Argument(metavar="VIDEO", help="Name of a project video.", show_default=False)]
Steps = Annotated[int, typer.Option(min=1, metavar="N", help="How many edits; what was done at once is one.")]
Project = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="The project's folder or its config.yaml.", show_default=False)
]


def undo_labels(config: Project, video: Video, steps: Steps = 1, json: Json = False, debug: Debug = False) -> Task:
    """Take back the last edits of a video's labels.

    Example: posecut undo-labels reaching-ada-2026-01-31 mouse7 --steps 2
    """

    def work(report: Report) -> Outcome:
        from posecut_core.cli.summaries import tell_undone
        from posecut_core.workflow.undo_labels import undo_labels

        return tell_undone(undo_labels(config, video, steps=steps))

    return Task(work)


def redo_labels(config: Project, video: Video, steps: Steps = 1, json: Json = False, debug: Debug = False) -> Task:
    """Make the edits of labels again that were taken back last.

    Example: posecut redo-labels reaching-ada-2026-01-31 mouse7
    """

    def work(report: Report) -> Outcome:
        from posecut_core.cli.summaries import tell_undone
        from posecut_core.workflow.undo_labels import redo_labels

        return tell_undone(redo_labels(config, video, steps=steps))

    return Task(work)


def doctor(
    config: Config = None,
    mend: Annotated[
        bool, typer.Option("--mend", help="Rebuild damaged journals, sweep what crashes left; copies are kept.")
    ] = False,
    json: Json = False,
    debug: Debug = False,
) -> Task:
    """Check labels, frames, videos, networks and settings, and say what is wrong and how to mend it.

    The exit code is 0 if nothing is wrong, or all of it was mended, and 1 if not.

    Example: posecut doctor reaching-ada-2026-01-31
    """
    project = project_path(config)

    def work(report: Report) -> Outcome:
        from posecut_core.cli.summaries import tell_diagnosis
        from posecut_core.health.doctor import doctor

        return tell_diagnosis(doctor(project, mend=mend, report=report))

    return Task(work)


# --- label verb -------------------------------------------------------------------------------------------------------
# The verb that opens the window, in a process of its own: the core knows the plugin by its name only.


_QT = ("PyQt6", "PySide6", "PyQt5")  # any of them will do
_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")  # the last one: somebody knows better


@dataclass(frozen=True)
class ClosedWindow:
    """A window that was opened and is closed again."""

    project: Path | None
    exit_code: int


def label(config: Config = None, json: Json = False, debug: Debug = False) -> Task:
    """Open the window, to label frames and for every other step, by mouse.

    Without a project it opens all the same, and one can be made or opened there.

    Example: posecut label reaching-ada-2026-01-31
    """
    here = Path.cwd()
    project = here if config is None and (here / "config.yaml").is_file() else config

    def work(report: Report) -> Outcome:
        check_installed()
        check_screen(os.environ)
        return open_window(project)

    return Task(work, "Every label that was placed is kept.")


def check_installed(installed: Callable[[str], object] = importlib.util.find_spec) -> None:
    """Refuse where the window's libraries are missing.

    Raises:
        PosecutError: napari or Qt is not installed.
    """
    missing = "napari" if not installed("napari") else "Qt" if not any(map(installed, _QT)) else ""
    if missing:
        raise PosecutError(
            f"The window needs {missing}, which is not installed here; install it with: pip install 'posecut[napari]'"
        )


def check_screen(environment: Mapping[str, str], *, system: str = sys.platform) -> None:
    """Refuse where there is no screen.

    Raises:
        PosecutError: on Linux, no display is named.
    """
    if system.startswith("linux") and not any(environment.get(name) for name in _SCREENS):
        raise PosecutError(
            "There is no screen to open a window on (DISPLAY and WAYLAND_DISPLAY are not set); run it on a computer "
            "with a screen, or connect with ssh -X, or start it with xvfb-run to try it out."
        )


def open_window(project: Path | None, *, program: tuple[str, ...] = ("-P", "-m", "napari_posecut")) -> Outcome:
    """Open the window, and wait until it is closed."""
    words = [] if project is None else [str(project)]
    # What napari's libraries print is no result: stdout is for the outcome, as JSON if that was asked for.
    code = subprocess.run([sys.executable, *program, *words], check=False, stdout=sys.__stderr__).returncode
    lines = (_ended_by(-code, os.environ),) if code < 0 else ()
    code = code if code >= 0 else 128 - code  # as shells tell a signal
    following = (command("check-labels", project),) if project is not None and code == 0 else ()
    return Outcome(ClosedWindow(project, code), lines, following, exit_code=code)


def _ended_by(number: int, environment: Mapping[str, str]) -> str:
    """Say what became of a window that did not end by itself; Qt ends the process where it finds no screen."""
    screens = ", ".join(f"{name}={environment[name]}" for name in _SCREENS if environment.get(name))
    asked = f"; does {screens} still answer?" if number == signal.SIGABRT and screens else "."
    return f"The window was ended by signal {number}{asked} What was labelled is kept."


# --- demo verb --------------------------------------------------------------------------------------------------------
# The verb that shows everything at work.


def demo(
    folder: Annotated[Path, typer.Argument(help="Where to write the videos and the project.")] = Path("posecut-demo"),
    refine: Annotated[
        bool,
        typer.Option(
            "--refine",
            help="Play two rounds with fewer labels: in the second one, frames in which the network errs are corrected "
            "and it is trained again. It takes twice as long.",
        ),
    ] = False,
    json: Json = False,
    debug: Debug = False,
) -> Task:
    """Draw videos of a mouse and run every step on them, in a few minutes.

    Example: posecut demo
    """

    def work(report: Report) -> Outcome:
        from posecut_core.cli.summaries import tell_demo, tell_refined_demo
        from posecut_core.demo.refine import run_refined_demo
        from posecut_core.demo.run import run_demo

        if refine:
            return tell_refined_demo(run_refined_demo(expanded(folder), report=report))
        return tell_demo(run_demo(expanded(folder), report=report))

    return Task(work, "The videos and the project are kept; run the same command again to go on.")
