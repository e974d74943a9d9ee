"""Hold the formats against the programs that they are of, on files of ours and on real ones.

    python tests/benchmarks/interchange.py [--slp FOLDER] [--movement PYTHON]

Every .slp of FOLDER is read by PoseCut and by sleap-io, and each point is compared, NaN for NaN. Files that PoseCut
writes are read by sleap-io, validated by pynwb, inspected by nwbinspector (which misses the subject alone), and read by
movement with an interpreter that has it. Prints JSON, and ends with 1 where anything differs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import sleap_io
from nwbinspector import Importance, inspect_nwbfile
from pynwb import validate

from posecut_core.interchange.registry import FORMATS, VideoPoses
from posecut_core.poses.files import write_predictions
from posecut_core.poses.predictions import Predictions

PARTS = ("nose", "tail")
_GRAVE = (Importance.CRITICAL, Importance.PYNWB_VALIDATION, Importance.ERROR)
_READ = (
    "import sys, json, numpy as np; from movement.io import load_poses, load_dataset;"
    "import xarray as xr;"
    "a = xr.open_dataset(sys.argv[1]); b = load_poses.from_dlc_file(sys.argv[2], fps=25);"
    "c = load_poses.from_dlc_file(sys.argv[3], fps=25); d = load_poses.from_sleap_file(sys.argv[4], fps=25);"
    "same = lambda x, y: np.array_equal(x.position.values, y.position.values, equal_nan=True);"
    "print(json.dumps({'dims': list(a.position.dims), 'theirs': list(b.position.dims), 'same': same(a, b),"
    " 'csv': same(b, c), 'sleap': same(b, d), 'attributes': sorted(set(b.attrs) - set(a.attrs))}))"
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slp", type=Path, help="folder of .slp files")
    parser.add_argument("--movement", help="an interpreter that has movement")
    arguments = parser.parse_args()
    found: dict[str, object] = {}
    if arguments.slp:
        found["slp"] = {path.name: compared(path) for path in sorted(arguments.slp.glob("*.slp"))}
    with tempfile.TemporaryDirectory() as folder:
        found |= written(Path(folder), arguments.movement)
    print(json.dumps(found))
    return 0 if all(_right(one) for one in found.values()) else 1


def _right(value: object) -> bool:
    if isinstance(value, dict):
        return all(_right(one) for one in value.values())
    return value not in (False,) and not (isinstance(value, list) and value and str(value[0]).startswith("CRITICAL"))


def compared(path: Path) -> dict[str, object]:
    """Compare every point of a file with sleap-io's own reading."""
    labels = FORMATS["sleap"].function("read_labels")(path)
    frames = labels.videos[0].frames
    points = different = 0
    for number, animal, part, xy in _theirs(sleap_io.load_slp(str(path), open_videos=False)):
        points += 1
        own = frames[number][animal if len(labels.animals) > 1 else ""].get(part)
        mine = own.xy if own is not None and own.xy else (np.nan, np.nan)
        different += not np.array_equal(mine, xy, equal_nan=True)
    return {"points": points, "equal": different == 0, "animals": len(labels.animals)}


def _theirs(labels: sleap_io.Labels) -> Iterator[tuple[int, str, str, np.ndarray]]:
    for frame in labels.labeled_frames:
        for place, instance in enumerate(frame.instances):
            name = instance.track.name if instance.track else str(place)
            for row in instance.points:
                yield int(frame.frame_idx), name, str(row["name"]), row["xy"]


def written(folder: Path, movement: str | None) -> dict[str, object]:
    """Write poses in each format, and have the program that it is of read them."""
    rng = np.random.default_rng(0)
    xy = rng.uniform(0, 500, (40, 2, 2)).astype(np.float32).astype(np.float64)
    xy[7, 1] = np.nan
    video = folder / "clip.mp4"
    video.touch()
    poses = VideoPoses(str(video), {"": Predictions("Net", PARTS, xy, rng.uniform(0, 1, (40, 2)))}, 25.0)
    for name, one in FORMATS.items():
        if "w" in one.poses:
            one.function("write_poses")(folder / f"{name}{one.suffixes[0]}", poses)
    write_predictions(folder / "deeplabcut.h5", poses.animals[""], csv=True)
    analysis = sleap_io.load_analysis_h5(str(folder / "sleap-analysis.analysis.h5")).numpy()
    slp = sleap_io.load_slp(str(folder / "sleap.slp"), open_videos=False).numpy()
    nwb = folder / "nwb.nwb"
    told = [message for message in inspect_nwbfile(nwbfile_path=nwb) if message.importance in _GRAVE]
    found: dict[str, object] = {
        "sleap-io reads analysis": bool(np.array_equal(analysis[:, 0], xy, equal_nan=True)),
        "sleap-io reads slp": bool(np.array_equal(slp[:, 0], xy, equal_nan=True)),
        "pynwb": len(validate(path=str(nwb))) == 0,
        "nwbinspector": [f"CRITICAL {one.check_function_name}" for one in told if "subject" not in one.message.lower()],
    }
    if movement:
        names = ("movement.nc", "deeplabcut.h5", "deeplabcut.csv", "sleap-analysis.analysis.h5")
        files = [str(folder / name) for name in names]
        done = subprocess.run([movement, "-c", _READ, *files], capture_output=True, text=True, check=False)
        found["movement"] = json.loads(done.stdout) if done.returncode == 0 else {"error": done.stderr[-800:]}
    return found


if __name__ == "__main__":
    sys.exit(main())
