"""Scenes become videos with their truth beside them."""

import csv
from dataclasses import replace

import numpy as np

from posecut_core.demo.mouse import BODYPARTS
from posecut_core.demo.scene import UNSEEN, _truth_table, film
from posecut_core.video.reader import VideoReader


def test_a_film_is_written_once(tmp_path):
    """The video has the scene's frames, its truth lies beside it, and a second call keeps both."""
    scene, seen = replace(UNSEEN, frames=3), []
    path = film(scene, tmp_path, report=lambda progress: seen.append(progress.done))
    with VideoReader(path) as reader:
        assert reader.index.frame_count == 3
    assert seen == [1, 2, 3]
    before = path.stat().st_mtime_ns
    assert film(scene, tmp_path, report=lambda progress: seen.append(progress.done)) == path
    assert (path.stat().st_mtime_ns, len(seen)) == (before, 3)
    assert (tmp_path / f"{scene.name}_truth.csv").is_file()


def test_the_truth_comes_back_from_its_table(short_film):
    """The table holds every position to a thousandth of a pixel, and which points are hidden."""
    rows = list(csv.DictReader(_truth_table(short_film.truth).splitlines()))
    for place, part in enumerate(BODYPARTS):
        xy = np.array([[float(row[f"{part}_x"]), float(row[f"{part}_y"])] for row in rows])
        np.testing.assert_allclose(xy, short_film.truth.xy[:, place], atol=0.0006)
        assert [row[f"{part}_hidden"] == "1" for row in rows] == short_film.truth.hidden[:, place].tolist()
