"""Frames look like video, and the truth is exact."""

from dataclasses import replace

import numpy as np

from posecut_core.demo.mouse import BODYPARTS
from posecut_core.demo.scene import _SIZE, prepare


def test_the_same_scene_gives_the_same_frames(short_film):
    """Drawing again, from the scene or from the film, repeats every bit."""
    first = next(short_film.frames())
    np.testing.assert_array_equal(next(short_film.frames()), first)
    again = prepare(short_film.scene)
    np.testing.assert_array_equal(next(again.frames()), first)
    np.testing.assert_array_equal(again.truth.xy, short_film.truth.xy)


def test_truth_fits_the_frames(short_film):
    """There is a position per frame and bodypart, inside the frame."""
    truth = short_film.truth
    assert truth.xy.shape == (6, len(BODYPARTS), 2)
    assert truth.hidden.shape == (6, len(BODYPARTS))
    assert truth.xy.min() > 0
    assert truth.xy.max() < _SIZE - 1


def test_the_animal_is_where_the_truth_says(short_film):
    """The body's center is darker than the floor around the animal; ears are lighter than the coat."""
    number = int(np.argmin(short_film.truth.hidden.sum(axis=1)))
    image = list(short_film.frames())[number].mean(axis=2)
    place = dict(zip(BODYPARTS, np.round(short_film.truth.xy[number]).astype(int), strict=True))
    (x, y), (ear_x, ear_y) = place["centre"], place["leftear"]
    assert image[y - 1 : y + 2, x - 1 : x + 2].mean() < 0.7 * np.median(image)
    assert image[ear_y - 1 : ear_y + 2, ear_x - 1 : ear_x + 2].mean() > image[y - 1 : y + 2, x - 1 : x + 2].mean()


def test_frames_move_and_are_noisy(short_film):
    """Successive frames differ, everywhere a little and most at the animal."""
    first, second = [frame.astype(int) for frame, _ in zip(short_film.frames(), range(2), strict=False)]
    difference = np.abs(first - second)
    assert difference[:20, :20].mean() > 0.5
    assert difference.max() > 60


def test_hidden_points_lie_under_the_plank(short_film):
    """A plank over the animal hides bodyparts, and shows in the frame instead of them."""
    x, y = short_film.truth.xy[3, BODYPARTS.index("centre")]
    scene = replace(short_film.scene, plank=replace(short_film.scene.plank, x=float(x), y=float(y)))
    film = prepare(scene)
    nearby = np.abs(film.truth.xy - [x, y]).max(axis=-1) < 5
    assert film.truth.hidden[nearby].all()
    image = next(film.frames())[round(y), round(x)].astype(int)
    assert image[0] > image[2] + 20  # wood is brown
