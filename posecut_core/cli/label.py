"""`posecut label`: the window, in a process of its own, as the core knows the plugin by its name only."""

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from posecut_core.errors import PosecutError

_QT = ("PyQt6", "PySide6", "PyQt5")  # any of them will do
_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")  # the last one: somebody knows better
_SIGNALS = 128  # and the number of the signal is the exit code in a shell


@dataclass(frozen=True)
class ClosedWindow:
    """A window that was opened and is closed again."""

    project: Path | None
    exit_code: int

    def summary(self) -> tuple[str, ...]:
        """Say what became of a window that did not end by itself; Qt ends the process where it finds no screen."""
        if self.exit_code <= _SIGNALS:
            return ()
        number = self.exit_code - _SIGNALS
        screens = ", ".join(f"{name}={os.environ[name]}" for name in _SCREENS if os.environ.get(name))
        asked = f"; does {screens} still answer?" if number == signal.SIGABRT and screens else "."
        return (f"The window was ended by signal {number}{asked} All labels are kept.",)


def label(config: str | os.PathLike[str] | None = None) -> ClosedWindow:
    """Open the window, to label frames and for every other step, by mouse.

    Args:
        config: the project's folder or its config.yaml; by default the current folder, if that is a project.

    Raises:
        PosecutError: the window's libraries or a screen are missing.
    """
    here = Path.cwd()
    project = here if config is None and (here / "config.yaml").is_file() else config
    check_installed()
    check_screen(os.environ)
    return open_window(None if project is None else Path(project))


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
            "There is no screen for a window (DISPLAY and WAYLAND_DISPLAY are not set); use a computer with a "
            "screen, connect with ssh -X, or try it with xvfb-run."
        )


def open_window(project: Path | None, *, program: tuple[str, ...] = ("-P", "-m", "napari_posecut")) -> ClosedWindow:
    """Open the window, and wait until it is closed."""
    words = [] if project is None else [str(project)]
    # What napari's libraries print is no result: stdout is for the outcome, as JSON if that was asked for.
    code = subprocess.run([sys.executable, *program, *words], check=False, stdout=sys.__stderr__).returncode
    return ClosedWindow(project, code if code >= 0 else _SIGNALS - code)  # as shells tell a signal
