"""What can be asked of a child, and which function of the core does it."""

import inspect
from pathlib import Path
from types import SimpleNamespace

import pytest

import posecut_core
from napari_posecut.jobs.verbs import (
    VERBS,
    compare_outliers,
    create_dataset_and_train,
    find_outliers,
    in_the_way,
    writes,
)
from posecut_core.errors import AnalysisError
from posecut_core.progress import silent
from posecut_core.refinement.candidates import Candidate, Criteria

CORE = {
    "add_videos": "add_new_videos",
    "evaluate": "evaluate_network",
    "export_deeplabcut": "export_deeplabcut",
    "extract_frames": "extract_frames",
    "extract_outliers": "extract_outlier_frames",
    "merge_datasets": "merge_datasets",
    "calibrate_cameras": "calibrate_cameras",
    "refine_cameras": "refine_cameras",
    "triangulate": "triangulate",
}


@pytest.fixture
def calls(monkeypatch):
    """What the core's functions are called with; none of them does anything."""
    made = []
    for name in ("create_training_dataset", "train_network", *CORE.values()):
        monkeypatch.setattr(
            posecut_core, name, lambda config, name=name, **options: made.append((name, config, options)) or name
        )
    return made


@pytest.mark.parametrize("verb", CORE)
def test_a_verb_hands_its_arguments_to_the_core(verb, calls):
    """Names, values and the report arrive as they are."""
    assert VERBS[verb](Path("config.yaml"), {"videos": ["a.mp4"]}, silent) == CORE[verb]
    assert calls == [(CORE[verb], Path("config.yaml"), {"videos": ["a.mp4"], "report": silent})]


def test_every_function_of_the_core_can_report():
    """A verb always hands a report over."""
    functions = [getattr(posecut_core, name) for name in CORE.values()]
    assert all("report" in inspect.signature(function).parameters for function in functions)


@pytest.mark.parametrize("there", [True, False])
def test_a_training_makes_its_dataset_where_there_is_none(there, calls, monkeypatch, tmp_path):
    """Settings are written once: into the new dataset, or by the training."""
    split = tmp_path / "split.yaml"
    if there:
        split.write_text("")
    project = SimpleNamespace(training=lambda *numbers: SimpleNamespace(split=split) if numbers == (2, 0) else None)
    monkeypatch.setattr("posecut_core.project.opening.open_project", lambda config: project)
    settings = {"net_type": "resnet_18"}
    done = create_dataset_and_train(tmp_path, {"shuffle": 2, "maxiters": 9, "settings": settings}, silent)
    made = ("create_training_dataset", tmp_path, {"shuffles": [2], "trainingsetindex": 0, "settings": settings})
    training = {"shuffle": 2, "maxiters": 9, "settings": settings if there else None}
    assert [(name, config, {**options, "report": 0}) for name, config, options in calls] == [
        *([] if there else [(*made[:2], {**made[2], "report": 0})]),
        ("train_network", tmp_path, {**training, "report": 0}),
    ]
    assert (done.dataset, done.network) == (None if there else "create_training_dataset", "train_network")


def test_outliers_are_found_and_none_is_extracted(monkeypatch):
    """What concerns only the extraction is not handed on."""
    calls = []
    monkeypatch.setattr(posecut_core, "find_outlier_frames", lambda config, **given: calls.append(given))
    arguments = {"videos": ["a.mp4"], "epsilon": 3, "seed": 1, "extractionalgorithm": "x"}
    find_outliers(Path("config.yaml"), arguments, silent)
    assert calls == [{"videos": ["a.mp4"], "epsilon": 3, "report": silent}]


def test_all_methods_are_compared_and_none_stops_another(monkeypatch):
    """What cannot judge a video is named; a fit counts what is beyond the threshold; long videos are not fitted."""
    looked_at, asked = 100, []

    def find(config, *, outlieralgorithm, report, **given):
        asked.append((outlieralgorithm, given))
        if outlieralgorithm == "pca":
            raise AnalysisError("Too few labels.")
        numbers = {"jump": (3, 4), "uncertain": (4,), "fitting": (4, 50)}[outlieralgorithm]
        candidates = [Candidate(number, outlieralgorithm, 60.0 - number, ()) for number in numbers]
        video = SimpleNamespace(video=Path("a.mp4"), looked_at=looked_at, candidates=candidates, criteria=Criteria())
        return SimpleNamespace(videos=(video,))

    monkeypatch.setattr(posecut_core, "find_outlier_frames", find)
    arguments = {"videos": ["a.mp4"], "methods": ["jump", "uncertain", "pca", "fitting"], "other_shuffles": [2]}
    done = compare_outliers(Path("config.yaml"), arguments, silent)
    (video,) = done.videos
    assert video.found == {"jump": (3, 4), "uncertain": (4,), "fitting": (4,)}
    assert (video.suggested, done.suggested, video.mostly_wrong) == ("uncertain", "uncertain", False)
    assert done.refused == {"pca": "Too few labels."}
    assert all("other_shuffles" not in given for _, given in asked)
    looked_at = 30_000
    assert "fitting" in compare_outliers(Path("config.yaml"), arguments, silent).refused


def test_what_writes_the_same_files_is_in_the_way():
    """Two extractions exclude each other, and any verb itself; others go side by side."""
    assert in_the_way("extract_frames", "extract_outliers")
    assert in_the_way("merge_datasets", "extract_outliers")
    assert in_the_way("evaluate", "evaluate")
    assert not in_the_way("create_dataset_and_train", "extract_frames")
    assert not in_the_way("evaluate", "something_new")


def test_every_verb_that_writes_is_one():
    """The table names no verb that is not there."""
    assert {verb for verb in (*VERBS, "something_new") if writes(verb)} <= set(VERBS)
    assert writes("something_new") == frozenset()
