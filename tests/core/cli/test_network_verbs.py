"""Words about networks reach the steps of the workflow."""

import re
from pathlib import Path

import pytest

from posecut_core.errors import LabelError
from posecut_core.evaluation.errors import Spread
from posecut_core.workflow.create_training_dataset import CreatedDataset
from posecut_core.workflow.cross_validate import CrossValidation
from posecut_core.workflow.evaluate_network import Evaluation
from posecut_core.workflow.train_network import TrainedNetwork

TRAINED = TrainedNetwork(1, 0, 0, 100, 0.01, 0.2, Path("model"), Path("model/snapshot-100"), Path("log.csv"), ())

CROSS_VALIDATED = CrossValidation((), Spread(3.0, 1.0, 1.5, 4.5, 2), 0.95, Path("table.csv"))


def test_datasets_are_described_by_options(posecut, step, project):
    """Numbers of shuffles are a list, and the network's type is passed on."""
    calls = step(
        "posecut_core.workflow.create_training_dataset.create_training_dataset", CreatedDataset((), Path("labels"), 9)
    )
    words = ["--shuffles", "1,3", "--num-shuffles", "2", "--seed", "5", "--net-type", "resnet_18"]
    assert posecut("create-training-dataset", project, *words)[0] == 0
    expected = {"config": project, "num_shuffles": 2, "shuffles": [1, 3], "seed": 5, "net_type": "resnet_18"}
    assert {name: calls[0][name] for name in expected} == expected


def test_training_is_described_by_options(posecut, posecut_json, step, project):
    """What is not given is left to the training settings; the result is JSON, the next step evaluation."""
    calls = step("posecut_core.workflow.train_network.train_network", TRAINED)
    code, out, _ = posecut("train-network", project, "--maxiters", "100", "--weights", "w.safetensors")
    assert (code, "evaluate-network" in out.splitlines()[-1]) == (0, True)
    expected = {"shuffle": 1, "maxiters": 100, "saveiters": None, "weights": "w.safetensors"}
    assert {name: calls[0][name] for name in expected} == expected
    assert posecut_json("train-network", project)[1]["last_step"] == 100


def test_an_interruption_promises_no_snapshot(posecut, project, monkeypatch):
    """It may come before the first one, as while weights are fetched."""

    def interrupt(*words, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("posecut_core.workflow.train_network.train_network", interrupt)
    code, _, err = posecut("train-network", project)
    assert (code, err.splitlines()[-1]) == (
        130,
        "Interrupted. Each snapshot that was written is kept; run the same command again to go on.",
    )


@pytest.mark.parametrize("weights", ["imagenet", "random", "./random"])
def test_weights_are_a_word_or_a_path(posecut, step, project, weights):
    """The two words have a meaning; a file of such a name is told apart by its folder. The help says so."""
    calls = step("posecut_core.workflow.train_network.train_network", TRAINED)
    assert posecut("train-network", project, "--weights", weights)[0] == 0
    assert calls[0]["weights"] == weights
    help_ = " ".join(re.findall(r"[^│\s]+", posecut("train-network", "--help")[1]))
    assert "imagenet, which is weights fetched once" in help_
    assert "random; previous" in help_


def test_every_number_of_the_paper_is_an_option(posecut, step, project):
    """All of train_network's numbers reach it from the shell."""
    calls = step("posecut_core.workflow.train_network.train_network", TRAINED)
    names = (
        "shuffle",
        "trainingsetindex",
        "maxiters",
        "displayiters",
        "saveiters",
        "max-snapshots-to-keep",
        "gputouse",
    )
    words = [word for number, name in enumerate(names) for word in (f"--{name}", number + 1)]
    assert posecut("train-network", project, *words)[0] == 0
    for number, name in enumerate(names):
        assert calls[0][name.replace("-", "_")] == number + 1


def test_evaluation_is_described_by_options(posecut, step, project):
    """Several shuffles and snapshots are lists."""
    calls = step("posecut_core.workflow.evaluate_network.evaluate_network", Evaluation((), Path("results") / "all.csv"))
    words = ["--shuffle", "1-3", "--plotting", "--snapshots", "100,200", "--bodyparts", "hand"]
    assert posecut("evaluate-network", project, *words)[0] == 0
    expected = {"shuffle": [1, 2, 3], "plotting": True, "snapshots": [100, 200], "bodyparts": "hand"}
    assert {name: calls[0][name] for name in expected} == expected


def test_cross_validation_is_described_by_options(posecut, posecut_json, step, project):
    """Splits or videos, and what trains them; mean, spread and interval come back as words and as JSON."""
    calls = step("posecut_core.workflow.cross_validate.cross_validate", CROSS_VALIDATED)
    words = ["--splits", "5", "--maxiters", "9", "--seed", "3", "--net-type", "resnet_18"]
    code, out, _ = posecut("cross-validate", project, *words)
    assert (code, "mean 3.00 px" in out) == (0, True)
    expected = {"splits": 5, "leave_one_video_out": False, "maxiters": 9, "seed": 3, "net_type": "resnet_18"}
    assert {name: calls[0][name] for name in expected} == expected
    test = posecut_json("cross-validate", project, "--leave-one-video-out")[1]["test"]
    assert calls[1]["leave_one_video_out"]
    assert test == {"mean": 3.0, "sd": 1.0, "low": 1.5, "high": 4.5, "count": 2}


@pytest.mark.parametrize("verb", ["create-training-dataset", "train-network", "cross-validate"])
def test_a_project_without_labels_hears_so(posecut, project, verb):
    """The sentence names the labels, not a file of the network."""
    code, _, err = posecut(verb, project)
    assert (code, "label" in err.splitlines()[-1]) == (LabelError.exit_code, True)


def test_a_result_without_rows_is_json_too(posecut_json, step, project):
    """The object has the result's fields."""
    step("posecut_core.workflow.evaluate_network.evaluate_network", Evaluation((), Path("all.csv")))
    assert posecut_json("evaluate-network", project)[1] == {"rows": [], "combined_csv": "all.csv"}
