"""A small project, and the program as its users call it."""

import importlib
import inspect
import json

import numpy as np
import pytest

from posecut_core.cli.program import run
from posecut_core.video.writer import VideoWriter
from posecut_core.workflow.create_project import create_new_project


@pytest.fixture
def video(tmp_path):
    """A video of 8 frames, 64 x 48."""
    path = tmp_path / "mouse one.mp4"
    with VideoWriter(path, fps=10, width=64, height=48) as writer:
        for number in range(8):
            writer.write(np.full((48, 64, 3), 25 * number, np.uint8))
    return path


@pytest.fixture
def project(tmp_path, video):
    """Folder of a project with that video."""
    return create_new_project("Reach", "ada", [video], tmp_path, bodyparts=("hand", "tip")).config_path.parent


@pytest.fixture
def posecut(capfd):
    """A function that runs a command line and returns its exit code, stdout and stderr."""

    def call(*words):
        code = run([str(word) for word in words])
        out, err = capfd.readouterr()
        return code, out, err

    return call


@pytest.fixture
def posecut_json(posecut):
    """The same with --json: exit code, the object on stdout, stderr."""

    def call(*words):
        code, out, err = posecut(*words, "--json")
        assert out.count("\n") == 1
        return code, json.loads(out), err

    return call


@pytest.fixture
def step(monkeypatch):
    """A function that replaces a step of the workflow; the list that it returns gets the arguments of each call.

    The arguments must fit the real step's signature.
    """

    def replace(path, result):
        module, _, name = path.rpartition(".")
        signature = inspect.signature(getattr(importlib.import_module(module), name))
        calls = []

        def fake(*words, **options):
            calls.append(signature.bind(*words, **options).arguments)
            return result

        monkeypatch.setattr(path, fake)
        return calls

    return replace
