"""The program ends with the right code and one sentence, whatever happens."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from posecut_core.cli import program as entry
from posecut_core.cli.task import Outcome, Task
from posecut_core.errors import PosecutError, StorageError, VideoError
from posecut_core.progress import Progress
from tests.structure.source import ROOT


def raising(error):
    """A task that fails."""

    def work(report):
        report(Progress("working", 1, 2))
        raise error

    return Task(work, lambda: "Half of it is kept.")


@pytest.fixture
def perform(monkeypatch, posecut):
    """A function that runs a task as if a verb had made it."""

    def call(task, *words):
        monkeypatch.setattr(entry, "parse", lambda words, console: task)
        return posecut(*words)

    return call


def test_help_is_shown_without_arguments(posecut):
    """A newcomer who types only `posecut` sees every verb."""
    code, out, _ = posecut()
    assert code == 0
    assert "extract-frames" in out
    assert "posecut demo" in " ".join(out.split())


def test_the_version_is_shown(posecut):
    """`posecut --version` prints one line."""
    code, out, _ = posecut("--version")
    assert (code, out.split()[0]) == (0, "posecut")


def test_lines_and_the_next_step_are_printed(perform):
    """Brackets in a sentence are printed as they are."""
    outcome = Outcome(None, ("Wrote [red]x[/red].",), ("posecut train-network .",))
    code, out, _ = perform(Task(lambda report: outcome))
    assert (code, out) == (0, "Wrote [red]x[/red].\n\nNext:\n  posecut train-network .\n")


def test_a_known_error_is_one_sentence(perform):
    """The message goes to stderr, without a traceback, and its kind decides the exit code."""
    code, out, err = perform(raising(VideoError("Found nothing; give a video.")))
    assert (code, out) == (VideoError.exit_code, "")
    assert err.splitlines()[-1] == "Found nothing; give a video."
    assert "Traceback" not in err


def test_an_unknown_error_is_kept_in_a_log(perform, tmp_path, monkeypatch):
    """The sentence names a file that holds the details."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code, _, err = perform(raising(RuntimeError("tensor went astray")))
    log = next(tmp_path.glob("posecut-*.log"))
    assert (code, str(log) in err, "Traceback" in err) == (1, True, False)
    assert "tensor went astray" in log.read_text()


def test_debug_shows_the_traceback(perform):
    """With --debug an error is raised as it is."""
    with pytest.raises(RuntimeError, match="astray"):
        perform(raising(RuntimeError("astray")), "--debug")


def test_interrupting_says_what_is_kept(perform):
    """Ctrl-C ends with code 130 and a sentence."""
    code, _, err = perform(raising(KeyboardInterrupt()))
    assert (code, err.splitlines()[-1]) == (130, "Interrupted. Half of it is kept.")


def test_interrupting_before_the_work_is_an_interruption_too(posecut, monkeypatch):
    """Ctrl-C may come while the command line is read."""

    def interrupted(words, console):
        raise KeyboardInterrupt

    monkeypatch.setattr(entry, "parse", interrupted)
    code, _, err = posecut("check-labels")
    assert (code, err.splitlines()[-1]) == (130, "Interrupted.")


def ran(program):
    """Run a program of Python in a process of its own."""
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("place", ["posecut_core.cli.program.interrupts", "rich.console.Console.__init__"])
def test_interrupting_before_the_program_begins_is_one_word(place):
    """Ctrl-C may come when the program's parts are hardly imported, and while it looks at the terminal."""
    program = (
        "import unittest.mock; from posecut_core.cli import main\n"
        "def interrupted(*given, **options):\n"
        "    patch.stop()\n"
        "    raise KeyboardInterrupt\n"
        f"patch = unittest.mock.patch({place!r}, interrupted)\n"
        "patch.start(); main(['--version'])"
    )
    done = ran(program)
    assert (done.returncode, done.stderr) == (130, "Interrupted.\n")


def test_sigterm_is_an_interruption():
    """What a batch system or a shutdown sends ends a verb as Ctrl-C does."""
    program = (
        "import signal; from posecut_core.cli import program; from posecut_core.cli.task import Task\n"
        "task = Task(lambda report: signal.raise_signal(signal.SIGTERM), lambda: 'It is kept.')\n"
        "program.parse = lambda words, console: task\n"
        "program.main([])"
    )
    done = ran(program)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (130, "Interrupted. It is kept.")


def test_sigterm_after_the_end_is_none():
    """Kind: a batch system that ended a job whose result was printed was told that it had failed."""
    program = (
        "import atexit, signal; from posecut_core.cli import program; from posecut_core.cli.task import Outcome, Task\n"
        "program.parse = lambda words, console: Task(lambda report: Outcome(None, ('done',)))\n"
        "atexit.register(signal.raise_signal, signal.SIGTERM)\n"
        "program.main([])"
    )
    done = ran(program)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_output_onto_a_full_disk_is_a_storage_error():
    """One sentence on stderr, and the disk's exit code."""
    program = "from posecut_core.cli import main; main(['--help'])"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr.count("\n")) == (StorageError.exit_code, 1)
    assert done.stderr.startswith("Cannot write the output; the disk is full")


def test_a_reader_that_leaves_is_no_error():
    """`posecut --help | head -1` ends quietly."""
    program = "from posecut_core.cli import main; main(['--help'])"
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.skipif(os.name == "nt", reason="started by a POSIX shell")
def test_closed_streams_are_no_error(tmp_path):
    """Services may close all three; what the step opens then must not take their numbers."""
    program = (
        "import sys; from pathlib import Path; from posecut_core.cli import main, program\n"
        "from posecut_core.cli.task import Outcome, Task\n"
        "def work(report):\n"
        "    with open('numbers', 'w') as file: file.write(f'{file.fileno()} {sys.stdin.isatty()}')\n"
        "    return Outcome(None, ('done',))\n"
        "program.parse = lambda words, console: Task(work)\n"
        "main([])"
    )
    closed = ["sh", "-c", 'exec "$0" -c "$1" <&- >&- 2>&-', sys.executable, program]
    done = subprocess.run(closed, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    number, at_terminal = (tmp_path / "numbers").read_text().split()
    assert (done.returncode, int(number) > 2, at_terminal) == (0, True, "False")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_an_old_terminal_is_good_enough(encoding, tmp_path):
    """Letters that the terminal lacks become question marks."""
    program = "from posecut_core.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "check-labels", "プロジェクト"],
        cwd=ROOT,
        capture_output=True,
        env={"PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT), "PATH": ""},
        check=False,
    )
    assert done.returncode == 3
    assert b"??????" in done.stderr
    assert b"Traceback" not in done.stderr


def test_errors_have_distinct_codes():
    """Programs can tell the kinds of errors apart."""
    codes = [kind.exit_code for kind in PosecutError.__subclasses__()]
    assert len(set(codes)) == len(codes)
    assert not {0, 1, 130, 141} & set(codes)
