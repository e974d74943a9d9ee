"""File > Open Sample opens a small project that is labeled in part."""

import sys

import pytest

from napari_posecut import contributions
from napari_posecut.contributions import _draw_sample, _sample_folder
from napari_posecut.session import session_of
from posecut_core.errors import ArgumentError
from tests.plugin.hand import seen


@pytest.fixture
def tiny(monkeypatch):
    """Videos of some frames each."""
    for name, number in (("_FRAMES", 8), ("_LABELED", 2), ("_OPEN", 2)):
        monkeypatch.setattr(contributions, name, number)


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """The folder of the sample, in which there is nothing yet."""
    monkeypatch.setattr(contributions, "_sample_folder", lambda: tmp_path / "sample")
    return tmp_path / "sample"


def drawn_by(monkeypatch, code, *words):
    monkeypatch.setattr(contributions, "_DRAW", (sys.executable, "-c", code, *map(str, words)))


def test_the_sample_stays_in_the_persons_data_folder():
    """Its folder has the name of the program, and nothing is drawn by looking."""
    assert _sample_folder().parts[-2:] == ("posecut", "sample")


def test_it_is_drawn_elsewhere_and_opened(tiny, folder, viewer, qtbot, monkeypatch, tmp_path):
    """The first time another process draws it; afterwards it opens at once, as it was left."""
    _draw_sample(tmp_path / "drawn")
    drawn_by(monkeypatch, "import shutil, sys; shutil.copytree(*sys.argv[1:], symlinks=True)", tmp_path / "drawn")
    session = session_of(viewer)
    for _ in range(2):
        viewer.open_sample("posecut", "mouse")
        assert session.project is None
        assert [layer.name for layer in viewer.layers] == ["the sample is being drawn"]
        qtbot.waitUntil(lambda: session.project is not None, timeout=60_000)
        assert seen(viewer) == ["frame", "skeleton", "labels"]
        assert 0 < session.labeling.progress.done < session.labeling.progress.frames
        session.close()
        drawn_by(monkeypatch, "raise SystemExit(1)")


def test_why_it_was_not_drawn_is_told(folder, viewer, qtbot, monkeypatch):
    """The sentence of the process that could not draw is shown, and nothing waits any more."""
    notified = []
    drawn_by(monkeypatch, "import sys; sys.exit('The disk is full.')")
    monkeypatch.setattr(session_of(viewer), "notify", notified.append)
    viewer.open_sample("posecut", "mouse")
    qtbot.waitUntil(lambda: len(notified) == 2, timeout=60_000)
    assert notified[1] == "The disk is full."
    assert not viewer.layers


def test_drawing_twice_changes_nothing(tiny, tmp_path):
    """Whatever was left by a broken attempt is completed."""
    config = _draw_sample(tmp_path)
    times = {path: path.stat().st_mtime_ns for path in (config.parent / "labeled-data").rglob("labels.jsonl")}
    assert len(times) == 2
    assert _draw_sample(tmp_path) == config
    assert times == {path: path.stat().st_mtime_ns for path in times}


def test_a_folder_with_other_things_is_left_alone(tmp_path, monkeypatch, capsys):
    """What a person keeps there is not touched; the process says so in a sentence."""
    (tmp_path / "thesis.txt").write_text("mine")
    monkeypatch.setattr(sys, "argv", ["sample", str(tmp_path)])
    assert contributions.main() == ArgumentError.exit_code
    assert "thesis.txt" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
