"""Time k-means extraction of 20 frames from the 2,330-frame openfield video, alone or beside DeepLabCut.

    python tests/benchmarks/extraction.py [--data FOLDER] [--peer PYTHON]

Decoding, choosing and storing count; importing does not. The last line is one JSON object: `kmeans_s` is the median of
three runs, `kmeans_best_s` the fastest; with `--peer`, an interpreter that has DeepLabCut 3.0.2, also `peer_kmeans_s`
(median of three runs taken in turn with ours) and `ratio`, theirs divided by ours.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
SHARED = Path(__file__).resolve().parents[3] / "shared"
VIDEO = Path("openfield-Pranav-2018-10-30") / "videos" / "m3v1mp4.mp4"
RUNS = 3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED / "data", help="folder that holds the openfield example")
    parser.add_argument("--peer", metavar="PYTHON", help="interpreter that has DeepLabCut, to run beside")
    arguments = parser.parse_args()
    video = arguments.data / VIDEO
    if not video.is_file():
        parser.error(f"there is no video at {video}; say with --data where the folder {VIDEO.parts[0]} lies")
    script = arguments.data.parent / "tools" / "peer_deeplabcut.py"
    ours, theirs = [], []
    for _ in range(RUNS):
        ours.append(kmeans_seconds(video))
        if arguments.peer:
            theirs.append(peer_seconds(arguments.peer, script))
    print(json.dumps(result(ours, theirs)))
    return 0


def kmeans_seconds(video: Path) -> float:
    """Extract into a new store and return the seconds it took."""
    from posecut_core.video.extraction import extract

    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        done = extract(video, Path(folder) / "frames.zarr", algorithm="kmeans", number_of_frames=20)
        seconds = time.perf_counter() - start
    assert done.added == 20
    return seconds


def peer_seconds(python: str, script: Path) -> float:
    """Run DeepLabCut's extraction through the script that is shared for comparisons."""
    run = subprocess.run([python, str(script), "extract"], capture_output=True, text=True, check=True)
    return float(json.loads(run.stdout.strip().splitlines()[-1])["kmeans_s"])


def result(ours: list[float], theirs: list[float]) -> dict[str, float]:
    """Summarize the runs."""
    summary = {"kmeans_s": round(statistics.median(ours), 2), "kmeans_best_s": round(min(ours), 2)}
    if theirs:
        peer = statistics.median(theirs)
        summary |= {"peer_kmeans_s": round(peer, 2), "ratio": round(peer / statistics.median(ours), 2)}
    return summary


if __name__ == "__main__":
    sys.exit(main())
