"""Let real programs read what PoseCut writes, each in an environment of its own, and print what they found as JSON.

    python tests/benchmarks/downstream.py --peer PYTHON --movement PYTHON [--sleap PYTHON]

PYTHON is the interpreter of an environment with `deeplabcut==3.0.2`, with `movement`, or with `sleap-io`. A project
with a short video is made, whose predictions are drawn, not computed, so that no network is trained. Its results are
exported as `posecut export-deeplabcut --results --metadata` does it. Each function of the others that finds nothing, or
other numbers than were written, is an error. No test runs this: the environments are large.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from posecut_core.formats.deeplabcut.results import (
    VideoMetadata,
    metadata_path,
    results_scorer,
    write_metadata,
    write_placeholder,
)
from posecut_core.poses.files import filtered_path, prediction_path, write_predictions
from posecut_core.poses.predictions import Predictions
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project
from posecut_core.project.paths import Project
from posecut_core.video.writer import VideoWriter
from posecut_core.workflow.create_project import create_new_project

FRAMES, FPS, WIDTH, HEIGHT = 60, 30, 160, 120
SCORER = "PoseCut_resnet50_reachJan31shuffle1_720"
PARTS = ("nose", "tail", "paw")

_PEER = r"""
import json, sys, traceback
from pathlib import Path
import deeplabcut
import pandas as pd
config, video = sys.argv[1], sys.argv[2]
folder, stem = Path(video).parent, Path(video).stem
report = {"version": deeplabcut.__version__}

def files():
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}

def tried(name, call, *endings):
    before = files()
    try:
        call()
    except Exception as error:
        report[name] = {"error": f"{type(error).__name__}: {error}"[:300]}
        return
    now = files()
    made = sorted(path for path in now if before.get(path) != now[path])
    missing = [ending for ending in endings if not any(path.endswith(ending) for path in made)]
    report[name] = {"made": made, **({"error": f"made no {missing}"} if missing else {})}

(folder / "kept.csv").write_text((next(folder.glob(stem + "DLC*_720.csv"))).read_text())
csv = next(folder.glob(stem + "DLC*_720.csv"))
csv.unlink()
tried("analyze_videos_converth5_to_csv",
      lambda: deeplabcut.analyze_videos_converth5_to_csv(str(folder), ".mp4"), "_720.csv")
report["csv_equal"] = csv.is_file() and csv.read_bytes() == (folder / "kept.csv").read_bytes()
tried("plot_trajectories", lambda: deeplabcut.plot_trajectories(config, [video]), "trajectory.png", "plot.png")
tried("create_labeled_video",
      lambda: deeplabcut.create_labeled_video(config, [video], draw_skeleton=True), "_labeled.mp4")
tried("analyzeskeleton", lambda: deeplabcut.analyzeskeleton(config, [video], save_as_csv=True), "_skeleton.h5")
tried("filterpredictions", lambda: deeplabcut.filterpredictions(config, [video], save_as_csv=True), "_filtered.h5")
tried("create_labeled_video(filtered)", lambda: deeplabcut.create_labeled_video(config, [video], filtered=True),
      "filtered_p60_labeled.mp4")
root = Path(config).parent
before = set(root.rglob("*"))
try:
    deeplabcut.extract_outlier_frames(config, [video], outlieralgorithm="jump", epsilon=15, automatic=True,
                                      extractionalgorithm="uniform")
    made = sorted(str(path.relative_to(root)) for path in set(root.rglob("*")) - before if path.is_file())
    report["extract_outlier_frames"] = {"made": made, **({} if any("machinelabels" in path for path in made)
                                                         else {"error": "made no machinelabels"})}
except Exception as error:
    traceback.print_exc()
    report["extract_outlier_frames"] = {"error": f"{type(error).__name__}: {error}"[:300]}
print("REPORT " + json.dumps(report))
"""
_MOVEMENT = r"""
import json, sys
import movement
from movement.io import load_poses
import numpy as np
report = {"version": movement.__version__}
for path in sys.argv[1:]:
    try:
        data = load_poses.from_dlc_file(path, fps=30)
        report[path.rsplit("/", 1)[-1]] = {
            "shape": [int(size) for size in data.position.shape],
            "sum": round(float(np.nansum(data.position.values)), 6),
            "confidence": round(float(np.nansum(data.confidence.values)), 6),
        }
    except Exception as error:
        report[path.rsplit("/", 1)[-1]] = {"error": f"{type(error).__name__}: {error}"[:300]}
print("REPORT " + json.dumps(report))
"""
_SLEAP = r"""
import json, sys
import sleap_io
report = {"version": sleap_io.__version__}
for path in sys.argv[1:]:
    try:
        labels = sleap_io.load_file(path)
        report[path.rsplit("/", 1)[-1]] = {"frames": len(labels.labeled_frames)}
    except Exception as error:
        report[path.rsplit("/", 1)[-1]] = {"error": f"{type(error).__name__}: {error}"[:300]}
print("REPORT " + json.dumps(report))
"""


def drawn_predictions(scorer: str) -> Predictions:
    """Return three bodyparts that go around in circles, with one jump in frame 30.

    None is missing: DeepLabCut's analyzeskeleton refuses tables with NaN, its own too.
    """
    angle = np.linspace(0, 2 * np.pi, FRAMES)[:, None] + np.arange(len(PARTS))
    xy = np.stack([80 + 40 * np.cos(angle), 60 + 30 * np.sin(angle)], axis=-1)
    xy[30, 0] += 35
    likelihood = np.full((FRAMES, len(PARTS)), 0.95)
    return Predictions(scorer, PARTS, xy, likelihood)


def make_project(work: Path) -> tuple[Project, Path]:
    """Create a project and its video."""
    video = work / "videos" / "mouse 1.mp4"
    video.parent.mkdir()
    with VideoWriter(video, fps=FPS, width=WIDTH, height=HEIGHT) as writer:
        for number in range(FRAMES):
            writer.write(np.full((HEIGHT, WIDTH, 3), 4 * number, np.uint8))
    config = create_new_project("reach", "me", [video], work, bodyparts=PARTS, skeleton=[("nose", "tail")]).config_path
    edit_config(config, {"TrainingFraction": [0.95], "numframes2pick": 2})
    return open_project(config), video


def export(project: Project, video: Path) -> tuple[list[Path], Predictions]:
    """Write results under both names, and what DeepLabCut wants beside them; return the tables."""
    ours = prediction_path(video, SCORER)
    write_predictions(ours, drawn_predictions(SCORER), csv=True)
    write_predictions(filtered_path(ours), drawn_predictions(SCORER), csv=True)
    named = drawn_predictions(results_scorer(project.training(1, 0), SCORER))
    target = prediction_path(video, named.scorer)
    write_predictions(target, named, csv=True)
    described = VideoMetadata(named.scorer, PARTS, FRAMES, FPS, WIDTH, HEIGHT, 0, project.training_fraction(0))
    write_metadata(metadata_path(target), described)
    write_placeholder(project.training(1, 0), SCORER)
    tables = [ours, filtered_path(ours), target]
    return [path for table in tables for path in (table, table.with_suffix(".csv"))], named


def ask(python: str, script: str, *words: object) -> dict[str, object]:
    """Run a script in another environment and return its report."""
    environment = {**os.environ, "DLClight": "True", "MPLBACKEND": "Agg"}
    command = [python, "-c", script, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=900)
    lines = [line.removeprefix("REPORT ") for line in done.stdout.splitlines() if line.startswith("REPORT ")]
    if not lines:
        return {"error": done.stderr[-1000:]}
    found: dict[str, object] = json.loads(lines[-1])
    return found


def main() -> int:
    """Ask each program that is given, print the reports, and return 1 where one found something wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("peer", "movement", "sleap"):
        parser.add_argument(f"--{name}", metavar="PYTHON")
    options = parser.parse_args()
    report: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory(prefix="posecut-downstream-") as folder:
        project, video = make_project(Path(folder))
        tables, named = export(project, video)
        if options.movement:
            report["movement"] = ask(options.movement, _MOVEMENT, *tables)
            expected = {"shape": [FRAMES, 2, len(PARTS), 1], "sum": round(float(np.nansum(named.xy)), 6)}
            for path in tables:
                found = report["movement"].get(path.name)
                if not isinstance(found, dict) or any(found.get(key) != value for key, value in expected.items()):
                    report["movement"]["error"] = f"{path.name}: {found}, expected {expected}"
        if options.sleap:
            report["sleap-io"] = ask(options.sleap, _SLEAP, *tables, project.config_path)
        if options.peer:
            report["deeplabcut"] = ask(options.peer, _PEER, project.config_path, video)
    print(json.dumps(report, indent=1))
    checked = [report[name] for name in ("movement", "deeplabcut") if name in report]
    wrong = [entry for found in checked for entry in [found, *found.values()] if isinstance(entry, dict)]
    return int(any("error" in entry for entry in wrong))


if __name__ == "__main__":
    sys.exit(main())
