"""Frames of a project's videos are chosen, kept, and never lost."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from posecut_core.errors import ArgumentError, VideoError
from posecut_core.labels.store import read_labels
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project
from posecut_core.project.state import read_state, write_state
from posecut_core.video.frame_store import FrameStore
from posecut_core.video.writer import VideoWriter
from posecut_core.workflow.create_project import add_new_videos, create_new_project
from posecut_core.workflow.extract_frames import extract_frames


@pytest.fixture
def fresh_project(tmp_path, spot_video):
    """config.yaml of a project of which no frame was extracted."""
    return create_new_project("Fresh", "me", [spot_video], tmp_path, bodyparts=("spot",)).config_path


@pytest.mark.parametrize("algo", ["kmeans", "uniform"])
def test_as_many_frames_as_asked(fresh_project, algo):
    """Both algorithms choose exactly the number in config.yaml, without repeats."""
    edit_config(fresh_project, {"numframes2pick": 5})
    extracted = extract_frames(fresh_project, "automatic", algo).videos[0]
    assert len(set(extracted.added)) == 5
    assert extracted.frames == extracted.added == tuple(sorted(extracted.added))
    assert FrameStore.open(extracted.store).numbers.tolist() == list(extracted.frames)


def test_the_same_seed_adds_nothing(fresh_project):
    """A second extraction with the same seed keeps what is there."""
    first = extract_frames(fresh_project, algo="uniform", number_of_frames=3).videos[0]
    second = extract_frames(fresh_project, algo="uniform", number_of_frames=3).videos[0]
    assert (second.added, second.frames) == ((), first.frames)


def test_the_seed_is_written_down(fresh_project):
    """posecut.yaml says which seed chose the frames."""
    assert extract_frames(fresh_project, number_of_frames=2, seed=7).seed == 7
    assert read_state(open_project(fresh_project).settings_path).extraction_seeds == {"spot": 7}


def test_seeds_are_written_once(fresh_project, spot_video, monkeypatch):
    """With many videos posecut.yaml is written at the end, or when extraction breaks off, for the videos done."""
    other = spot_video.with_name("other.mp4")
    shutil.copy(spot_video, other)
    add_new_videos(fresh_project, other)
    written = []

    def write_text(path, text):
        written.append(path.name)
        path.write_text(text)

    monkeypatch.setattr("posecut_core.project.state.write_text", write_text)
    extract_frames(fresh_project, number_of_frames=2)
    assert written == ["posecut.yaml"]
    other.unlink()
    with pytest.raises(VideoError, match="is missing"):
        extract_frames(fresh_project, number_of_frames=2, seed=7)
    seeds = read_state(open_project(fresh_project).settings_path).extraction_seeds
    assert seeds == {"spot": 7, "other": 0}


def test_a_bad_video_does_not_stop_the_others(fresh_project, tmp_path):
    """Kind: one bad item among several. A video that has lost its end is named; those before and after have frames."""
    project = open_project(fresh_project)
    for name in ("a", "z"):
        shutil.copy(project.videos / "spot.mp4", tmp_path / f"{name}.mp4")
    add_new_videos(fresh_project, [tmp_path / "a.mp4", tmp_path / "z.mp4"])
    (tmp_path / "a.mp4").write_bytes((tmp_path / "a.mp4").read_bytes()[:-100])
    with pytest.raises(VideoError, match=r"(?s)1 of 3 videos gave no frames.*a\.mp4") as caught:
        extract_frames(fresh_project, algo="uniform", number_of_frames=2)
    assert [(one.video, len(one.added)) for one in caught.value.done.videos] == [("spot", 2), ("z", 2)]


def test_given_frames_are_taken(fresh_project):
    """Frame numbers of one video are extracted exactly."""
    extracted = extract_frames(fresh_project, "manual", videos=["spot"], frames=[9, 2])
    assert (extracted.algorithm, extracted.videos[0].frames) == ("given", (2, 9))


def test_only_the_interval_is_used(fresh_project):
    """Frames lie between start and stop of config.yaml; how many are lacking there is told."""
    edit_config(fresh_project, {"start": 0.5, "stop": 1})
    extracted = extract_frames(fresh_project, algo="uniform", number_of_frames=50).videos[0]
    assert (extracted.frames, extracted.short) == ((5, 6, 7, 8, 9, 10), 44)


def test_a_crop_keeps_its_place(fresh_project):
    """A cropped frame knows where it lies in the full frame."""
    project = open_project(fresh_project)
    path = next(iter(project.config.video_sets))
    edit_config(fresh_project, {"video_sets": {path: {"crop": "10, 50, 4, 40"}}})
    extracted = extract_frames(fresh_project, crop=True, number_of_frames=2).videos[0]
    store = FrameStore.open(extracted.store)
    assert store.origins.tolist() == [[10, 4]] * 2
    assert store.sizes.tolist() == [[36, 40]] * 2


def test_overwriting_spares_labeled_frames(spot_project):
    """Frames with labels stay when the others are replaced."""
    labeled = set(read_labels(open_project(spot_project), "spot").numbers.tolist())
    extract_frames(spot_project, videos=["spot"], frames=[1, 2])
    extracted = extract_frames(spot_project, videos=["spot"], frames=[7], overwrite=True).videos[0]
    assert set(extracted.frames) == labeled | {7}
    assert extracted.added == (7,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "auto"}, "mode is 'auto'"),
        ({"algo": "random"}, "algo is 'random'"),
        ({"mode": "manual"}, "give them as `frames`"),
        ({"frames": [1]}, "one video"),
        ({"frames": [], "videos": ["spot"]}, "at least one"),
        ({"frames": [-1], "videos": ["spot"]}, "0 or more"),
        ({"number_of_frames": 0}, "number_of_frames is 0"),
        ({"step": 0}, "step is 0"),
    ],
)
def test_impossible_wishes_are_refused(fresh_project, options, message):
    """The message says what was found and expected."""
    with pytest.raises(ArgumentError, match=message):
        extract_frames(fresh_project, **options)


def test_a_frame_past_the_end_changes_nothing(fresh_project):
    """The message says how many frames there are, and no frame is kept."""
    with pytest.raises(VideoError, match="11 frames"):
        extract_frames(fresh_project, videos=["spot"], frames=[2, 11])
    store = open_project(fresh_project).frame_store("spot")
    assert not store.exists() or not len(FrameStore.open(store).numbers)


def test_another_video_in_the_place_of_one_is_refused(fresh_project, spot_video):
    """Frames of two films do not get into one store; without its entry in posecut.yaml any film will do."""
    with spot_video.open("ab") as file:
        file.write(b"more")
    with pytest.raises(VideoError, match="remove the entry of spot under `videos`"):
        extract_frames(fresh_project, number_of_frames=2)
    settings = open_project(fresh_project).settings_path
    write_state(settings, replace(read_state(settings), videos={}))
    assert len(extract_frames(fresh_project, number_of_frames=2).videos[0].added) == 2


def test_a_project_without_videos_hears_so(fresh_project):
    """The message names the step that adds videos."""
    edit_config(fresh_project, {"video_sets": {}})
    with pytest.raises(ArgumentError, match="has no videos") as raised:
        extract_frames(fresh_project)
    assert [remedy.step for remedy in raised.value.remedies] == ["add_new_videos"]


def test_all_views_give_the_same_frames(fresh_project, spot_video, tmp_path):
    """Where several cameras saw one scene, the shortest video chooses for all; what does not fit is said."""
    with VideoWriter(tmp_path / "a_left.mp4", fps=25, width=64, height=48) as writer:
        for number in range(4):
            writer.write(np.full((48, 64, 3), 60 * number, np.uint8))
    for name in ("a_right", "b_left"):
        shutil.copy(spot_video, tmp_path / f"{name}.mp4")
    add_new_videos(fresh_project, [tmp_path / f"{name}.mp4" for name in ("a_right", "a_left", "b_left")])
    notices = []
    given = {"videos": ["a_right"], "number_of_frames": 3, "views": "{session}_{camera}"}
    extracted = extract_frames(fresh_project, algo="uniform", report=lambda told: notices.append(str(told)), **given)
    assert [video.video for video in extracted.videos] == ["a_right", "a_left"]
    assert extracted.videos[0].added == extracted.videos[1].added
    assert max(extracted.videos[0].added) < 4
    assert any("views of session a differ by 7 frames in length (left 4, right 11)" in told for told in notices)
    assert read_state(open_project(fresh_project).settings_path).views == "{session}_{camera}"
    by_hand = extract_frames(
        fresh_project, "manual", videos="b_left", frames=[2], report=lambda told: notices.append(str(told))
    )
    assert [video.frames for video in by_hand.videos] == [(2,)]
    assert any("session b has no video of right" in told for told in notices)
    with pytest.raises(ArgumentError, match="views is 'left', expected a pattern"):
        extract_frames(fresh_project, views="left")


def test_no_other_seed_is_recommended_where_all_frames_are_extracted(fresh_project):
    """Kind: of a video with fewer frames than asked for, all of which were there, another seed was to find others."""
    for count, steps in ((3, ["label_frames", "extract_frames"]), (1000, ["label_frames"])):
        extract_frames(fresh_project, number_of_frames=count)
        again = extract_frames(fresh_project, number_of_frames=count).summary()
        assert [step.step for step in again.following] == steps
