"""File > Open Sample opens a small project that is labelled in part."""

import pytest

from napari_posecut import sample
from napari_posecut.desk import desk_of
from napari_posecut.sample import LABELLED, OPEN, draw_sample, sample_folder


@pytest.fixture
def small(monkeypatch, tmp_path):
    """The folder of a sample that is drawn quickly."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(sample, "sample_folder", lambda: tmp_path / "sample")
    return tmp_path / "sample"


def test_the_sample_stays_in_the_persons_data_folder():
    """Its folder has the name of the program, and nothing is drawn by looking."""
    assert sample_folder().parts[-2:] == ("posecut", "sample")


def test_it_is_drawn_and_opened(small, viewer, qtbot):
    """The first time another process draws it; afterwards it opens at once, as it was left."""
    viewer.open_sample("posecut", "mouse")
    desk = desk_of(viewer)
    assert [layer.name for layer in viewer.layers] == ["the sample is being drawn"]
    qtbot.waitUntil(lambda: desk.project is not None, timeout=60_000)
    progress = desk.labelling.progress
    assert progress.done == 2 * LABELLED < progress.frames <= 2 * (LABELLED + OPEN)
    desk.close()
    desk.project = None
    viewer.open_sample("posecut", "mouse")
    qtbot.waitUntil(lambda: desk.project is not None)
    assert [layer.name for layer in viewer.layers] == ["frame", "skeleton", "labels"]
    desk.close()


def test_a_folder_with_other_things_is_told(small, viewer, qtbot, monkeypatch):
    """What a person keeps there is not touched."""
    small.mkdir()
    (small / "thesis.txt").write_text("mine")
    told = []
    monkeypatch.setattr(desk_of(viewer), "tell", told.append)
    viewer.open_sample("posecut", "mouse")
    qtbot.waitUntil(lambda: len(told) == 2, timeout=60_000)
    assert "thesis.txt" in told[1]
    assert not viewer.layers


def test_drawing_twice_changes_nothing(tmp_path, monkeypatch):
    """Whatever was left by a broken attempt is completed."""
    monkeypatch.setattr(sample, "FRAMES", 12)
    monkeypatch.setattr(sample, "LABELLED", 2)
    monkeypatch.setattr(sample, "OPEN", 1)
    config = draw_sample(tmp_path)
    content = {path: path.stat().st_mtime_ns for path in (config.parent / "labeled-data").rglob("*.jsonl")}
    assert draw_sample(tmp_path) == config
    assert content == {path: path.stat().st_mtime_ns for path in content}
