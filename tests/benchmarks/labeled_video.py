"""Time a labeled video of 2,330 frames of 640x480 and 4 bodyparts, alone or beside DeepLabCut.

    python tests/benchmarks/labeled_video.py [--video m3v1mp4.mp4] [--peer PYTHON] [--repeats N] [--slow]

The same positions are drawn on the same video, as discs only (`fps`), and with skeleton and trails of 5 (`trails_fps`);
decoding and encoding count, importing does not. With `--peer`, an interpreter that has DeepLabCut 3.0.2, its
create_labeled_video does the same in turn with ours (`peer_fps`, `peer_trails_fps`, and the ratios). `--slow` adds
opacity by likelihood, for which it uses matplotlib (`alpha_fps`, `peer_alpha_fps`; takes minutes). Medians of the
repeats. `decoding_fps` and `encoding_fps` are the limits: reading the video alone, and writing its pictures alone.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from posecut_core import VideoReader, VideoWriter
from posecut_core.dataset.frames import made_ahead
from posecut_core.plots.colors import bytes_of, colors_of
from posecut_core.plots.labeled_video import PoseStyle, draw_pose, layers_of
from posecut_core.video.demux import HALF_THE_CORES
from tests.benchmarks.openfield import PROJECT, VIDEO, parser, print_result, working_copy

PARTS, BONES = ("snout", "leftear", "rightear", "tailbase"), ((0, 1), (0, 2), (1, 3))
STYLE = PoseStyle(bytes_of(colors_of("rainbow", 4)), dotsize=12, alphavalue=0.7, pcutoff=0.1)
KINDS = {
    "fps": STYLE,
    "trails_fps": PoseStyle(**{**vars(STYLE), "bones": BONES, "trailpoints": 5}),
    "alpha_fps": PoseStyle(**{**vars(STYLE), "confidence_to_alpha": True}),
}
PEER = """
import os, pickle, sys, time
from pathlib import Path
os.environ["DLClight"] = "True"
import numpy as np, pandas as pd, deeplabcut
from deeplabcut.utils.auxiliaryfunctions import edit_config, get_scorer_name, read_config
config, video, poses, kinds = sys.argv[1], Path(sys.argv[2]), np.load(sys.argv[3]), sys.argv[4].split(",")
parts = ["snout", "leftear", "rightear", "tailbase"]
skeleton = [[parts[0], parts[1]], [parts[0], parts[2]], [parts[1], parts[3]]]
edit_config(config, {"project_path": str(Path(config).parent), "skeleton": skeleton, "dotsize": 12, "alphavalue": 0.7,
                     "video_sets": {str(video): {"crop": "0, 640, 0, 480"}}, "TrainingFraction": [0.95]})
deeplabcut.create_training_dataset(config, num_shuffles=1, net_type="resnet_50", engine=deeplabcut.Engine.PYTORCH,
                                   userfeedback=False)
(next(Path(config).parent.glob("dlc-models-pytorch/**/train")) / "snapshot-100.pt").write_bytes(b"")
scorer = get_scorer_name(read_config(config), 1, 0.95)[0]
columns = pd.MultiIndex.from_product([[scorer], parts, ["x", "y", "likelihood"]],
                                     names=["scorer", "bodyparts", "coords"])
table = pd.DataFrame(poses.reshape(len(poses), -1), columns=columns)
base = str(video.with_suffix("")) + scorer
table.to_hdf(base + ".h5", key="df_with_missing", format="table")
meta = {"Scorer": scorer, "cropping": False, "cropping_parameters": [0, 640, 0, 480], "nframes": len(poses), "fps": 30}
Path(base + "_meta.pickle").write_bytes(pickle.dumps({"data": meta}))
options = {"fps": {}, "trails_fps": {"draw_skeleton": True, "trailpoints": 5},
           "alpha_fps": {"confidence_to_alpha": True, "fastmode": False}}
for kind in kinds:
    start = time.perf_counter()
    done = deeplabcut.create_labeled_video(config, [str(video)], pcutoff=0.1, overwrite=True, max_workers=1,
                                           **options[kind])
    seconds = time.perf_counter() - start
    assert done == [True], done
    print("MEASURED", kind, len(poses) / seconds, flush=True)
"""


def main() -> int:
    made = parser(__doc__ or "")
    made.add_argument("--video", type=Path, help="a video of 640x480 pixels (default: that of the example)")
    made.add_argument("--peer", metavar="PYTHON", help="interpreter that has DeepLabCut, to run beside")
    made.add_argument("--repeats", type=int, default=3)
    made.add_argument("--slow", action="store_true", help="also opacity by likelihood")
    arguments = made.parse_args()
    video = arguments.video or arguments.data / PROJECT / "videos" / VIDEO
    kinds = [kind for kind in KINDS if kind != "alpha_fps" or arguments.slow]
    ours: dict[str, list[float]] = {kind: [] for kind in kinds}
    theirs: dict[str, list[float]] = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory(prefix="posecut-benchmark-") as folder:
        values = poses(video)
        for _ in range(arguments.repeats):
            for kind in kinds:
                ours[kind].append(drawing_fps(video, Path(folder) / "ours.mp4", values, KINDS[kind]))
            if arguments.peer:
                for kind, fps in peer_fps(arguments.peer, arguments.data, video, values, kinds).items():
                    theirs[kind].append(fps)
        result = limits(video, Path(folder) / "limit.mp4")
    result |= {kind: round(statistics.median(fps), 1) for kind, fps in ours.items()}
    if arguments.peer:
        result |= {f"peer_{kind}": round(statistics.median(fps), 1) for kind, fps in theirs.items()}
        result |= {f"ratio_{kind[:-4] or 'discs'}": round(result[kind] / result[f"peer_{kind}"], 2) for kind in kinds}
    print_result(result)
    return 0


def poses(video: Path) -> np.ndarray:
    """Make x, y and likelihood of 4 bodyparts that go round in the frame, [T, K, 3]."""
    with VideoReader(video) as reader:
        time_, part = np.arange(reader.index.frame_count)[:, None], np.arange(len(PARTS))
    x = 320 + 150 * np.cos(time_ / 40) + 20 * part
    y = 240 + 100 * np.sin(time_ / 30) + 15 * part**1.3
    return np.stack([x, y, np.random.default_rng(0).uniform(0.05, 1, x.shape)], axis=-1)


def drawing_fps(video: Path, target: Path, values: np.ndarray, style: PoseStyle) -> float:
    """Draw the video as create_labeled_video does, and return frames per second."""
    xy, likelihood = values[..., :2], values[..., 2]
    start = time.perf_counter()
    with (
        VideoReader(video, threads=HALF_THE_CORES) as reader,
        VideoWriter(target, fps=30, width=reader.index.width, height=reader.index.height, fast=True) as writer,
        made_ahead(reader.encodable(), name="decoding") as pictures,
    ):
        for number, picture in pictures:
            past = slice(max(0, number - style.trailpoints), number + 1)
            draw_pose(layers_of(picture, style), xy[past], likelihood[past], style)
            writer.write_picture(picture)
    return len(values) / (time.perf_counter() - start)


def limits(video: Path, target: Path) -> dict[str, float]:
    """Measure decoding alone, and encoding 300 pictures alone."""
    start = time.perf_counter()
    with VideoReader(video) as reader:
        count = sum(1 for _ in reader.pictures())
        decoding = count / (time.perf_counter() - start)
        pictures = [picture for _, picture in zip(range(300), (each for _, each in reader.encodable()), strict=False)]
        start = time.perf_counter()
        size = {"width": reader.index.width, "height": reader.index.height}
        with VideoWriter(target, fps=30, **size, fast=True) as writer:
            for picture in pictures:
                writer.write_picture(picture)
        encoding = len(pictures) / (time.perf_counter() - start)
    return {"decoding_fps": round(decoding, 1), "encoding_fps": round(encoding, 1)}


def peer_fps(python: str, data: Path, video: Path, values: np.ndarray, kinds: list[str]) -> dict[str, float]:
    """Let DeepLabCut draw the same in a copy of the example project."""
    with working_copy(data) as config:
        copied = config.parent / "videos" / VIDEO
        copied.write_bytes(video.read_bytes())
        table = config.parent / "poses.npy"
        np.save(table, values)
        command = [python, "-c", PEER, str(config), str(copied), str(table), ",".join(kinds)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("MEASURED")]
    return {kind: float(fps) for kind, fps in found}


if __name__ == "__main__":
    sys.exit(main())
