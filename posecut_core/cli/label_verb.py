"""The verb that opens the window, in a process of its own: the core knows the plugin by its name only."""

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from posecut_core.cli.options import Config, Debug, Json
from posecut_core.cli.task import Outcome, Task, command
from posecut_core.errors import PosecutError
from posecut_core.progress import Report

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
