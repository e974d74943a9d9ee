"""Steps that only read a project leave all of it as it was, but for their own results."""

import hashlib
import shutil
from pathlib import Path

import pytest

from posecut_core.health.doctor import doctor
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project
from posecut_core.workflow.analyze_videos import analyze_videos
from posecut_core.workflow.check_labels import check_labels
from posecut_core.workflow.evaluate_network import evaluate_network
from posecut_core.workflow.export_deeplabcut import export_deeplabcut
from posecut_core.workflow.filterpredictions import filterpredictions
from posecut_core.workflow.plot_trajectories import create_labeled_video, plot_trajectories

RESULTS = ("videos/spotFake_*", "videos/plot-poses", "evaluation-results-posecut")
DOCTORS = ("posecut-sums.json",)
STEPS = {
    "open_project": (lambda config, video: open_project(config), ()),
    "analyze_videos": (lambda config, video: analyze_videos(config, [video], overwrite=True), RESULTS),
    "filterpredictions": (lambda config, video: filterpredictions(config, [video]), RESULTS),
    "plot_trajectories": (lambda config, video: plot_trajectories(config, [video]), RESULTS),
    "create_labeled_video": (lambda config, video: create_labeled_video(config, [video]), RESULTS),
    "evaluate_network": (lambda config, video: evaluate_network(config), RESULTS),
    "doctor": (lambda config, video: doctor(config), DOCTORS),
}


def tree(root: Path, results: tuple[str, ...]) -> dict[str, str]:
    """Return path -> hash of every file and folder of a project, results left out."""
    found = {}
    for path in root.rglob("*"):
        name = path.relative_to(root)
        if not any(one.match(pattern) for one in (name, *name.parents) for pattern in results):
            found[str(name)] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    return found


@pytest.fixture(params=["moved", "from DeepLabCut"])
def unadopted(request, spot_project, tmp_path):
    """Root and video of an analyzed project that no step has written to since it was moved, or extracted elsewhere."""
    edit_config(spot_project, {"video_sets": {}})
    root = spot_project.parent
    video = Path(shutil.copyfile(next(tmp_path.glob("spot.*")), root / "videos" / "copy.mp4"))
    for path in (root / "videos").glob("spot*"):
        path.unlink()
    video = video.rename(video.with_name("spot.mp4"))
    edit_config(spot_project, {"video_sets": {str(video): {"crop": "0, 64, 0, 48"}}})
    analyze_videos(spot_project, [video])
    if request.param == "moved":
        root = Path(shutil.move(root, tmp_path / "elsewhere"))
    else:
        export_deeplabcut(spot_project)
        for path in (root / "bodyparts.jsonl", *(root / "labeled-data/spot").glob("labels*")):
            path.unlink()
        image = next((root / "labeled-data/spot").glob("img*.png"))
        image.with_name("img07.png").write_bytes(image.read_bytes())
        edit_config(spot_project, {"project_path": "D:\\\\lab\\\\spot"})
    return root, root / "videos" / "spot.mp4"


@pytest.mark.parametrize("name", STEPS)
def test_a_step_that_reads_changes_nothing(unadopted, name):
    """config.yaml keeps its old paths, and images from DeepLabCut stay outside the frame store."""
    (root, video), (step, results) = unadopted, STEPS[name]
    if name != "analyze_videos":
        analyze_videos(root, [video])
    before = tree(root, results)
    step(root, video)
    assert tree(root, results) == before


def test_a_step_that_writes_adopts_the_project(unadopted):
    """Drawing labels needs the frames, so that it corrects config.yaml and reads the images."""
    root, video = unadopted
    check_labels(root)
    assert str(video) in (root / "config.yaml").read_text()
