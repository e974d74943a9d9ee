"""A queue of videos in one child."""

from types import SimpleNamespace

import pytest

import posecut_core
from napari_posecut.jobs.verbs import analyze_queue
from posecut_core.distributed import executors
from posecut_core.distributed.executors import Outcome, outcome_of
from posecut_core.errors import AnalysisError, ModelError, StorageError, VideoError
from posecut_core.progress import Progress


@pytest.fixture
def calls(monkeypatch):
    """Calls of the core, which analyzes all videos but those called bad, and has no network for odd."""
    made = []

    def analyze(config, videos, *, report, **options):
        made.append(("analyze", *videos, options))
        if "bad" in videos[0]:
            raise VideoError("It is damaged.")
        if "odd" in videos[0]:
            raise ModelError("There is no network.")
        report(Progress("analyzing", 1, 2, {"seconds_left": 3.0}))
        video = SimpleNamespace(sentence=lambda: "2 frames, 9.0 frames/s by xla", tracking=None)
        return SimpleNamespace(files=("t.h5",), videos=(video,))

    def later(name):
        def call(config, videos, *, report, **options):
            made.append((name, *videos, options))
            return SimpleNamespace(files=(name,))

        return call

    monkeypatch.setattr(posecut_core, "analyze_videos", analyze)
    monkeypatch.setattr(posecut_core, "filterpredictions", later("filter"))
    monkeypatch.setattr(posecut_core, "create_labeled_video", later("draw"))
    return made


ANALYSIS = {"analyze_videos": {"save_as_csv": False}}


def test_a_video_that_fails_stops_no_other(calls):
    """Each video says how it went, in reports that carry its place and in the result."""
    heard = []
    done = analyze_queue(
        "c", {"videos": ["bad.mp4", "b.mp4"], "shuffle": 2, "destfolder": None, "steps": ANALYSIS}, heard.append
    )
    assert [(one.video, one.files, one.failure) for one in done.videos] == [
        ("bad.mp4", (), "It is damaged."),
        ("b.mp4", ("t.h5",), ""),
    ]
    assert [(one.stage, dict(one.values)) for one in heard] == [
        ("It is damaged.", {"video": 0, "failed": 1}),
        ("analyzing", {"video": 1, "seconds_left": 3.0}),
        ("b.mp4 is done", {"video": 1, "finished": 1}),
    ]
    assert calls[1] == ("analyze", "b.mp4", {"save_as_csv": False, "shuffle": 2})


def test_videos_of_a_cluster_say_how_they_went(calls, monkeypatch):
    """As here, in whichever order they are done; what no worker survives is a failure of that video."""
    lost = StorageError("3 workers ended at it.")

    class Backwards:
        def run(self, work, items):
            for place in reversed(range(len(items))):
                yield place, Progress("analyzing", 1, 2)
                yield place, Outcome(error=lost) if items[place] == "c.mp4" else outcome_of(work, items[place])

    monkeypatch.setattr(executors, "executor_of", lambda cluster: Backwards())
    heard = []
    wishes = {"videos": ["bad.mp4", "b.mp4", "c.mp4"], "cluster": "local:2", "steps": ANALYSIS}
    done = analyze_queue("c", wishes, heard.append)
    assert [(one.video, one.files, one.failure) for one in done.videos] == [
        ("bad.mp4", (), "It is damaged."),
        ("b.mp4", ("t.h5",), ""),
        ("c.mp4", (), "3 workers ended at it."),
    ]
    said = done.summary()
    assert said.text == "1 of 3 videos analyzed, 2 failed: bad.mp4, c.mp4."
    assert said.is_warning
    assert [(one.done, dict(one.values)) for one in heard] == [
        *((1, {"video": 2}), (1, {"video": 2, "failed": 1})),
        *((1, {"video": 1}), (1, {"video": 1, "finished": 1})),
        *((1, {"video": 0}), (1, {"video": 0, "failed": 1})),
    ]
    with pytest.raises(ModelError, match="no network"):
        analyze_queue("c", {**wishes, "videos": ["b.mp4", "odd.mp4"]}, heard.append)


def test_what_follows_is_done_for_each_video(calls):
    """Trajectories are filtered and drawn where that is wished, with the same network and folder."""
    following = {"filterpredictions": {"filtertype": "kalman"}, "create_labeled_video": {"filtered": True}}
    wishes = {"videos": ["a.mp4"], "destfolder": "out", "steps": {**ANALYSIS, **following}}
    done = analyze_queue("c", wishes, lambda _: None)
    assert done.videos[0].files == ("t.h5", "filter", "draw")
    assert calls[1:] == [
        ("filter", "a.mp4", {"filtertype": "kalman", "destfolder": "out"}),
        ("draw", "a.mp4", {"filtered": True, "destfolder": "out"}),
    ]
    assert (done.summary().text, done.summary().lines) == (
        "1 video analyzed.",
        ("a.mp4: 2 frames, 9.0 frames/s by xla",),
    )


def test_what_is_wrong_for_all_ends_the_work(calls):
    """Without a network no video is tried after the first one."""
    with pytest.raises(ModelError, match="no network"):
        analyze_queue("c", {"videos": ["odd.mp4", "b.mp4"], "steps": ANALYSIS}, lambda _: None)
    assert len(calls) == 1


def test_results_of_one_name_are_refused(calls):
    """Two videos are not written to the same file, also where a folder brings them together; a third one is done."""
    wishes = {"videos": ["x/a.mp4", "b.mp4", "y/a.avi"], "destfolder": "out", "steps": ANALYSIS}
    done = analyze_queue("c", wishes, lambda _: None).videos
    assert [one.failure[:21] for one in done] == ["2 videos are named a,", "", "2 videos are named a,"]


def test_a_queue_of_which_nothing_came_has_failed(calls):
    """One video says why itself; of several the names are told, the first of many."""
    wishes = {"videos": ["bad.mp4"], "steps": ANALYSIS}
    with pytest.raises(AnalysisError, match="It is damaged"):
        analyze_queue("c", wishes, lambda _: None)
    many = [f"bad{number}.mp4" for number in range(7)]
    with pytest.raises(AnalysisError, match=r"None of 7 videos .*: bad0.mp4, .*, bad4.mp4 and 2 more"):
        analyze_queue("c", {**wishes, "videos": many}, lambda _: None)
