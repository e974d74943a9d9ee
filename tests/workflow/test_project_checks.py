"""Settings, videos, datasets and networks are looked at, and damage is named."""

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from posecut_core.evaluation.errors import MeanErrors
from posecut_core.evaluation.reliability import Calibration
from posecut_core.evaluation.tables import put_row, result_row
from posecut_core.health import Findings
from posecut_core.health.doctor import doctor
from posecut_core.health.project import (
    KnownNetwork,
    check_config,
    check_datasets,
    check_disk,
    check_jobs,
    check_networks,
    check_results,
    check_settings,
    check_sums,
    check_tree,
    check_videos,
)
from posecut_core.poses.files import filtered_path, prediction_path, write_predictions
from posecut_core.poses.predictions import AnalysisOrigin, Origin, Predictions, file_fingerprint
from posecut_core.project.config import edit_config
from posecut_core.project.opening import frame_folders, open_project
from posecut_core.project.paths import Project
from posecut_core.types import Crop
from posecut_core.video.writer import VideoWriter


@pytest.fixture
def project(trainable):
    return open_project(trainable)


def problems(check, *arguments):
    found = Findings()
    check(*arguments, found)
    return [finding.problem for finding in found.wrong]


def test_a_sound_project_has_no_finding(project):
    """Nothing is wrong with what was just made."""
    assert [problems(check, project) for check in (check_videos, check_datasets, check_networks)] == [[], [], []]
    assert problems(check_sums, project.root) == []


def test_what_lies_in_an_images_place_stops_no_check(project):
    """Kind: a pipe, a folder or a link to nowhere in the place of an image. Each is told once, and steps go on."""
    folder, words = (
        project.frame_folder("dots"),
        ("is not a file, expected an image", "is a link to a missing file"),
    )
    (os.mkfifo if hasattr(os, "mkfifo") else os.mkdir)(folder / "img007.png")
    (folder / "img008.png").mkdir()
    (folder / "img009.png").symlink_to(project.root.parent / "nowhere.png")
    told = [finding.problem for finding in doctor(project.root).findings]
    assert [sum(word in problem for problem in told) for word in words] == [2, 1]
    assert len(told) == 3
    assert open_project(project.root) == project


def test_config_yaml_is_parsed(project):
    """A moved project is no finding; a malformed file is."""
    assert check_config(project.config_path, Findings()) == project.config
    project.config_path.write_text("Task: x\nbodypart: []\n")
    assert "rename it to 'bodyparts'" in problems(check_config, project.config_path)[0]


def test_config_yaml_without_its_end_is_not_harmless(project):
    """Kind: a finding called harmless although steps fail by it: settings that were cut off."""
    text = project.config_path.read_text()
    for left, harmless in ((text.rstrip(), True), (text[: text.index("skeleton:") - 3], False)):
        project.config_path.write_text(left)
        found = Findings()
        check_config(project.config_path, found)
        assert [(finding.harmless, "ends within a line" in finding.problem) for finding in found.wrong] == [
            (harmless, True)
        ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"default_net_type": "resnet_5O"}, r"default_net_type is 'resnet_5O', expected one of resnet_18"),
        ({"snapshotindex": 3}, r"snapshotindex in config\.yaml is 3, but .* holds 1 snapshots"),
        (
            {"training_fractions": (0.5,)},
            r"network of training fraction 0\.95, which TrainingFraction .* does not list",
        ),
        ({"skeleton": (("white", "gray"),)}, r"skeleton in .* names 'gray', expected bodyparts"),
        ({"odd_bones": ("['white']",)}, r"skeleton in .* holds \['white'\], expected pairs"),
        (
            {"colormap": "jett"},
            r"'jett' is not a colormap that matplotlib knows; write jet, rainbow, viridis or tab20 as",
        ),
        ({"colormap": "Virdis"}, r"write viridis, .*as colormap"),
        ({"skeleton_color": "blak"}, r"'blak' is not a color that matplotlib knows; write one of black"),
        ({"snapshotindex": -1}, None),
    ],
)
def test_settings_that_would_stop_a_later_step_are_found(project, change, words):
    """A misspelled network, a snapshot that is not there, a fraction whose network is out of reach, odd bones."""
    (project.training(1).folder / "snapshot-000010").mkdir()
    found = problems(check_settings, replace(project, config=replace(project.config, **change)))
    assert len(found) == (words is not None)
    assert all(re.search(words, problem) for problem in found)


@pytest.mark.parametrize(
    ("crop", "window", "words"),
    [
        (Crop(0, 65, 0, 64), None, r"The crop of .*dots\.mp4 .* x 0 to 65.* within the frame of 64 x 64 pixels"),
        (None, Crop(10, 110, 0, 90), r"The crop x 10 to 110, y 0 to 90 does not fit into dots\.mp4, .* 64 x 64"),
        (Crop(0, 64, 0, 64), Crop(0, 64, 0, 64), None),
    ],
)
def test_a_crop_beyond_the_frame_is_found(project, crop, window, words):
    """Kind: a number that is right by itself and wrong for a video: of extraction, and of analysis."""
    config = replace(project.config, video_sets=dict.fromkeys(project.config.video_sets, crop), crop=window)
    found = problems(check_videos, replace(project, config=config))
    assert len(found) == (words is not None)
    assert all(re.search(words, problem) for problem in found)


def test_videos_that_cannot_be_told_apart_are_found(project, tmp_path):
    """Two of one name, one twice, a labeled video and a macOS metadata file."""
    video = Path(next(iter(project.config.video_sets)))
    others = [tmp_path / name for name in ("x/dots.avi", "again.mp4", "dots_labeled.mp4", "._dots.mp4")]
    others[0].parent.mkdir()
    for path in others:
        path.write_bytes(video.read_bytes() + (b"" if path.name == "again.mp4" else path.name.encode()))
    config = replace(project.config, video_sets=dict.fromkeys(map(str, [video, *others])))
    project.settings_path.unlink()
    found = problems(check_videos, replace(project, config=config))
    for words in (
        "dots.avi, expected different names",
        "one recording twice",
        "a labeled video",
        "macOS metadata file",
    ):
        assert sum(words in problem for problem in found) == 1


def test_advice_about_videos_names_what_is_there(project):
    """Kind: advice about a line that config.yaml does not have: words there stand for all videos of the folder."""
    words = {"WILL BE AUTOMATICALLY UPDATED": {"crop": "0, 64, 0, 64"}}
    (project.videos / "again.mp4").write_bytes((project.videos / "dots.mp4").read_bytes())
    edit_config(project.config_path, {"video_sets": words})
    (told,) = (finding.problem for finding in doctor(project.config_path).findings)
    assert f"again.mp4 has no entry of its own there, but a pattern matches it; move it out of {project.videos}" in told
    (project.videos / "again.mp4").rename(project.root / "again.mp4")
    assert doctor(project.config_path).findings == ()


def test_words_are_replaced_by_what_they_stand_for(project):
    """Kind: advice that takes folders away: through the words in DeepLabCut's example, folders without a video count.

    The advised entry is pasted as it is told, and all folders still count when another video is listed.
    """
    shutil.copytree(project.frame_folder("dots"), project.frame_folder('m4 "s1'))
    edit_config(project.config_path, {"video_sets": {"WILL BE UPDATED": {"crop": "0, 64, 0, 64"}}})
    before = {folder.name for folder in frame_folders(open_project(project.root))}
    (told,) = (one.problem for one in doctor(project.root).findings if "is not a file name" in one.problem)
    lines = re.findall(r"`([^`]+)`", told)
    text = project.config_path.read_text()
    entry = re.search(r"(?m)^( *)WILL BE UPDATED:\n.*\n", text)
    project.config_path.write_text(text.replace(entry[0], "".join(f"{entry[1]}{line}\n" for line in lines)))
    assert {folder.name for folder in frame_folders(open_project(project.root))} == before == {"dots", 'm4 "s1'}
    left, copied = (finding.problem for finding in doctor(project.root).findings)
    assert "holds rows of 'dots' only" in copied
    assert left.startswith(f"Video {project.videos / 'm4 '}")
    assert "is missing; put it into" in left


def test_a_video_that_ends_too_early_or_goes_on_is_told(project):
    """Kind: a video that is another than its file's size says; a project of DeepLabCut has no record of its own."""
    project.settings_path.unlink()
    video = project.videos / "dots.mp4"
    video.write_bytes(video.read_bytes() * 2)
    (told,) = problems(check_videos, project)
    assert told.startswith(f"{video}: the file contains another recording after frame 0, the last one")


def test_results_of_an_earlier_network_or_video_are_named(project):
    """Kind: derived files that no longer fit what is there: they say what they came from, and a name does not."""
    scorer, video = "PoseCut_resnet18_DotsNov28shuffle1_4", project.videos / "dots.mp4"
    networks = {scorer: KnownNetwork("new", {"shuffle": 1, "trainingsetindex": 0, "snapshot": 4})}
    target, parts = prediction_path(video, scorer), ("white", "black")
    predictions = Predictions(scorer, parts, np.zeros((1, 2, 2)), np.ones((1, 2)))
    project.training(1).evaluation("").folder.mkdir(parents=True)
    table = project.training(1).evaluation("").folder / f"{scorer}-results.csv"
    errors = MeanErrors(train=1.0, test=1.0, train_pcutoff=1.0, test_pcutoff=1.0, train_pairs=1, test_pairs=1)
    judged = Calibration(5.0, 1, 1, expected_error=0.0, suggested_pcutoff=0.5, bins=())

    def make(network: str, fingerprint: str) -> list[str]:
        analysis = AnalysisOrigin(scorer, network, parts, fingerprint, 1, (0, 64, 0, 64), "x")
        write_predictions(target, predictions, origin=Origin(analysis))
        write_predictions(filtered_path(target), predictions, origin=Origin(analysis, "hash"))
        labeled = target.with_name(f"{target.stem}_labeled.mp4")
        with VideoWriter(labeled, fps=10, width=64, height=64, comment=Origin(analysis, "hash").text) as writer:
            writer.write(np.zeros((64, 64, 3), np.uint8))
        numbers = {"step": 4, "percent": 95, "shuffle": 1, "pcutoff": 0.6, "bodyparts": None}
        put_row(table, result_row(errors, judged, **numbers, network=network))
        return problems(check_results, project, networks)

    assert make("new", file_fingerprint(video)) == []
    found = make("old", file_fingerprint(video))
    assert sum("which has been trained again; make it again" in problem for problem in found) == 4
    findings = Findings()
    check_results(project, networks, findings)
    again = {remedy.step: remedy.arguments for finding in findings.wrong for remedy in finding.remedies}
    for step in ("analyze_videos", "filterpredictions", "create_labeled_video"):
        assert again[step].items() >= {"config": str(project.root), "videos": [str(video)], "shuffle": 1}.items()
    assert again["evaluate_network"].items() >= {"shuffle": 1, "snapshots": 4}.items()
    assert sum("came from another video than" in problem for problem in make("new", "other")) == 3


def test_what_no_file_can_be_is_found(project):
    """Kind: a name that leads to no file; a pipe would be waited for for ever, so that nothing else is read."""
    (project.root / "posecut-sums.json").symlink_to("nowhere")
    (project.training(1).log).mkdir()
    (project.root / ".config-ab12cd_x.partial.yaml").write_text("half")
    kinds = ("leads|is a link to nowhere", "is a folder, expected a file", "leftover of a program that was killed")
    assert all(re.search(kind, " ".join(problems(check_tree, project.root))) for kind in kinds)
    if hasattr(os, "mkfifo"):
        os.mkfifo(project.root / "labels.jsonl")
        (project.root / "config.yaml").write_text("not looked at")
        assert "a device or a pipe" in " ".join(finding.problem for finding in doctor(project.config_path).findings)


def test_a_dataset_without_its_pictures_labels_or_settings_is_found(project):
    """Kind: what a step needs and another step made: it is told before a training starts."""
    for path in project.frame_store("dots").iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    project.frame_store("dots").rmdir()
    assert "Frames 0,1,2,3 of dots are labeled but were never extracted" in problems(check_datasets, project)[0]
    split = project.training(1).split
    split.write_text(split.read_text().replace("dots: [0", "dots: [7"))
    assert re.search(
        r"names frame 7 of dots, of which labels-.*csv .* has no labels", problems(check_datasets, project)[0]
    )
    settings = project.training(1).settings
    settings.write_text("".join(settings.read_text().splitlines(keepends=True)[:9]))
    assert "lacks the setting seed" in problems(check_networks, project)[0]
    settings.unlink()
    split.write_text(split.read_text().replace("dots: [7", "dots: [0"))
    assert problems(check_datasets, project)[0].startswith(f"There is no {settings}; take it from a backup")


def test_results_that_are_torn_are_found(project):
    """Kind: a file of ours that is cut off, empty or something else, of whatever suffix."""
    folder = project.training(1).evaluation("").folder
    folder.mkdir(parents=True)
    broken = {
        "PoseCut_resnet18_x_1.csv": b"",
        "PoseCut_resnet18_x_2.csv": b"a,b\n1,",
        "PoseCut_resnet18_x_3.csv": bytes(range(256)),
        "PoseCut_resnet18_x_4.png": b"\x89PNG",
        "report.html": b"<html>",
        "PoseCut_resnet18_x_1_labeled.mp4": b"no video",
    }
    for name, content in broken.items():
        (folder / name).write_bytes(content)
    (folder / "PoseCut_resnet18_x_5.csv").write_text("ä,b\n1,2\n", encoding="utf-8")
    (folder / "notes of mine.csv").write_bytes(b"")
    found = problems(check_results, project, {})
    assert all(
        any(f"{folder / name} is not a readable" in problem for problem in found)
        for name in broken
        if name != "report.html"
    )
    assert len(found) == len(broken) - 1


def test_a_full_disk_and_proposals_that_cannot_be_read_are_found(project, monkeypatch):
    """Kind: what would stop the next step although all files are well."""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=5 * 2**20))
    assert "has 5 MB left, expected at least 200 MB; free some space" in problems(check_disk, project.root)[0]
    project.proposals.parent.mkdir()
    project.proposals.write_text("{}")
    assert "delete it and let a network make new ones" in problems(check_jobs, project)[0]


def test_another_video_is_recognized(project):
    """Size and both ends are compared; posecut.yaml itself must be readable."""
    video = next(iter(project.config.video_sets))
    Path(video).unlink()
    Path(video).write_bytes(b"another")
    assert "is not the file that was added" in problems(check_videos, project)[0]
    project.settings_path.write_text("schema: no")
    assert ["schema is" in problem for problem in problems(check_videos, project)] == [True, False]


def test_damaged_labels_of_a_dataset_are_found(project):
    """They have a hash in their name."""
    next(project.training_datasets.glob("labels-*.csv")).write_text("x")
    assert "has changed since it was written" in problems(check_datasets, project)[0]


def test_damaged_snapshots_and_settings_are_found(project):
    """Snapshots by their SHA-256."""
    folder = project.training(1).folder
    (folder / "snapshot-000010").mkdir()
    (folder / "settings.yaml").write_text("nothing: 1")
    assert ["is damaged: snapshot.json" in problem for problem in problems(check_networks, project)] == [False, True]
    (folder / "settings.yaml").unlink()
    project.training(1).split.unlink()
    missing = [problem.split(" is missing")[0] for problem in problems(check_networks, project)][:2]
    assert missing == [str(folder / "settings.yaml"), str(project.training(1).split)]
    elsewhere = Project(project.root / "nowhere", replace(project.config, iteration=3))
    assert problems(check_networks, elsewhere) == []


def test_results_that_cannot_be_opened_are_found(project):
    """One that was cut off is named; labels have a check of their own."""
    whole = project.videos / "whole.h5"
    with h5py.File(whole, "w") as file:
        file["x"] = list(range(1000))
    cut, (labels,) = project.root / "evaluation-results" / "cut.h5", project.labeled_data.glob("*/*.h5")
    cut.parent.mkdir()
    for path in (cut, labels):
        path.write_bytes(whole.read_bytes()[:1000])
    (problem,) = problems(check_results, project, {})
    assert problem.startswith(f"{cut} is not a readable .h5")
