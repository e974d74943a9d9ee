"""The steps that `kills.py` disturbs: how the project for each is made, and what a user does."""

import contextlib
import datetime
import hashlib
import os
import re
import shutil
import stat
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import imageio.v3 as iio
import numpy as np
import pandas as pd

from posecut_core.backbones import resnet
from posecut_core.cli.program import explain
from posecut_core.cli.program import run as posecut
from posecut_core.dataset.settings import read_settings, write_settings
from posecut_core.inference import predictor
from posecut_core.labels import edits, store
from posecut_core.labels.session import LabelSession
from posecut_core.labels.table import LabelTable
from posecut_core.model import snapshots
from posecut_core.model.pose_net import NetworkSpec
from posecut_core.model.step import TrainState
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project
from posecut_core.project.paths import Project
from posecut_core.storage import journal
from posecut_core.video.frame_store import FrameStore
from posecut_core.video.writer import VideoWriter
from posecut_core.workflow import analyze_videos, evaluate_network
from posecut_core.workflow.create_project import create_new_project

Tree = dict[str, tuple[str, ...]]  # path -> what is there
# By a kill, rightly; and the snapshot of the labels that there were when a full disk ended a session.
_LEFT = re.compile(r"labels-torn-\d+\.txt|labels\.lock-holder\.json|labels-\d{8}\.json")
DAY = datetime.date(2026, 1, 2)
SIDE, FRAMES = 40, 10
STORED = {0: (0, 0), 3: (0, 0), 5: (4, 2), 8: (0, 0)}  # frame -> origin of what is kept of it
BODYPARTS = ("spot", "beside")
VIDEOS = ("spot1", "spot2")
PARAMETERS = {"weight": np.zeros(3, np.float32)}  # of a network that is none


@dataclass(frozen=True)
class Home:
    """The folder in which a step is disturbed: videos, and the project beside them."""

    root: Path

    @property
    def videos(self) -> Path:
        """Return the folder of the videos that a user has."""
        return self.root / "films"

    @property
    def folder(self) -> Path:
        """Return the project's folder."""
        return self.root / f"Spot-me-{DAY.isoformat()}"

    def film(self, stem: str) -> Path:
        """Return the path of a video."""
        return self.videos / f"{stem}.mp4"

    def open(self) -> Project:
        """Open the project."""
        return open_project(self.folder)


@dataclass(frozen=True)
class Step:
    """Something that a user does."""

    prepare: Callable[[Home], None]
    act: Callable[[Home], int]  # returns the exit code
    slow: bool = False  # needs real networks


@dataclass(frozen=True)
class BrightSpot:
    """Stands for a trained network: finds the bright square, and a point 3 pixels to its right."""

    scorer: str
    step: int = 4
    bodyparts: tuple[str, ...] = BODYPARTS
    engine_name: str = "xla"
    context: int = 0

    @classmethod
    def load(cls, model_folder: Path, *, snapshot: str | int = "last") -> "BrightSpot":
        """Read a snapshot's name and nothing else of it."""
        step = snapshots.snapshot_steps(model_folder)[-1] if snapshot == "last" else int(snapshot)
        return cls(snapshots.read_info(snapshots.snapshot_folder(model_folder, step)).scorer, step)

    def start(self, images: np.ndarray) -> Callable[[], tuple[np.ndarray, np.ndarray]]:
        """Find positions and likelihoods when they are asked for."""
        return lambda: self.predict(images)

    def predict(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find positions and likelihoods."""
        bright = images.max(axis=3) > 128
        weight = np.maximum(bright.sum(axis=(1, 2)), 1)
        y, x = np.indices(images.shape[1:3], dtype=float)
        spot = np.stack([(bright * x).sum(axis=(1, 2)) / weight, (bright * y).sum(axis=(1, 2)) / weight], axis=-1)
        return np.stack([spot, spot + np.array([3.0, 0.0])], axis=1), np.repeat([[0.9, 0.3]], len(images), axis=0)


def without_networks() -> None:
    """Let this process find spots instead of loading networks, which takes seconds."""
    analyze_videos.chosen_engine = lambda predictor, *rest, **named: predictor  # type: ignore[assignment]
    analyze_videos.Predictor = evaluate_network.Predictor = BrightSpot  # type: ignore[assignment,misc]
    predictor.parameter_shapes = lambda spec: PARAMETERS  # type: ignore[assignment]


def tried(work: Callable[[], object]) -> int:
    """Do what no verb does, and end as a verb would."""
    try:
        work()
    except (Exception, KeyboardInterrupt) as error:
        failure = explain(error)
        print(failure.error, file=sys.stderr)
        return failure.exit_code
    return 0


def verb(name: str, *words: str, videos: Sequence[str] = ()) -> Callable[[Home], int]:
    """Return a step that runs `posecut NAME PROJECT VIDEOS WORDS`."""
    return lambda home: posecut([name, str(home.folder), *(str(home.film(stem)) for stem in videos), *words])


# How projects are made


def films(home: Home) -> None:
    """Draw videos in which a bright square jumps about."""
    home.videos.mkdir(parents=True)
    for seed, stem in enumerate((*VIDEOS, "spot3")):
        chance = np.random.default_rng(seed)
        with VideoWriter(home.film(stem), fps=10, width=SIDE, height=SIDE) as writer:
            for number in range(FRAMES):
                writer.write(spot_image(chance.integers(6, SIDE - 12, 2), number))


def spot_image(corner: np.ndarray, number: int) -> np.ndarray:
    """Draw a picture with a bright square."""
    image = np.full((SIDE, SIDE, 3), 3 * number, np.uint8)
    x, y = corner.tolist()
    image[y : y + 4, x : x + 4] = 255
    return image


def created(home: Home, videos: Sequence[str] = VIDEOS) -> None:
    """Make a project of two videos."""
    films(home)
    paths = [home.film(stem) for stem in videos]
    create_new_project("Spot", "me", paths, home.root, bodyparts=BODYPARTS, skeleton=[BODYPARTS], date=DAY)
    edit_config(home.folder / "config.yaml", {"batch_size": 2, "numframes2pick": 3, "TrainingFraction": [0.75]})


def extracted(home: Home) -> None:
    """Make a project with stored frames, some of them crops."""
    created(home)
    for stem in VIDEOS:
        frames = ((n, spot_image(np.array([8 + n, 9]), n)[y:, x:], (x, y)) for n, (x, y) in STORED.items())
        FrameStore.open(home.open().frame_store(stem), create=True).append(frames)


def labeled(home: Home) -> None:
    """Make a project with labels."""
    extracted(home)
    for stem in VIDEOS:
        store.write_labels(home.open(), table(stem))


def table(stem: str, shift: float = 0.0) -> LabelTable:
    """Return labels of the stored frames; one point is absent."""
    xy = np.array([[(9.5 + n + shift, 10.5), (12.5 + n, 10.5 + shift)] for n in STORED])
    xy[1, 1] = np.nan
    return LabelTable(stem, BODYPARTS, np.array(list(STORED), np.int64), xy)


def drafted(home: Home) -> None:
    """Make a project with a dataset, and drafts since."""
    labeled(home)
    posecut(["create-training-dataset", str(home.folder)])
    for stem in VIDEOS:
        frames = ((n, spot_image(np.array([7 + n, 12]), n), (0, 0)) for n in (1, 2))
        FrameStore.open(home.open().frame_store(stem)).append(frames)
        drafts = LabelTable(stem, BODYPARTS, np.array([1, 2]), np.full((2, 2, 2), 11.25))
        store.write_drafts(home.open(), drafts, np.full((2, 2), 0.75), model="network")


def trained(home: Home) -> None:
    """Make a project with something that counts as a network where only its name is read."""
    labeled(home)
    posecut(["create-training-dataset", str(home.folder)])
    project, state = home.open(), TrainState(np.int32(4), PARAMETERS, {"moment": np.zeros(3)})
    folder = project.training(1).folder
    spec = NetworkSpec(resnet.ResNetSpec(18, width=0.05), BODYPARTS)
    name = f"Spot{project.config.date}trainset75shuffle1"
    info = snapshots.SnapshotInfo(4, name, spec, 1.0)
    snapshots.save_snapshot(folder, info, state)


def analyzed(home: Home) -> None:
    """Make a project with predictions, also of a video that it lacks."""
    trained(home)
    posecut(["analyze-videos", str(home.folder), *(str(home.film(stem)) for stem in (*VIDEOS, "spot3"))])


def changed_outside(home: Home) -> None:
    """Make a project whose tables were edited by another program."""
    labeled(home)
    for stem in VIDEOS:
        path = home.open().collected_data(stem, ".csv")
        path.write_text(path.read_text().replace("9.5", "21.5", 1))


def foreign(home: Home) -> None:
    """Make a project as DeepLabCut leaves it, from another computer."""
    labeled(home)
    posecut(["export-deeplabcut", str(home.folder)])
    text = (home.folder / "config.yaml").read_text().replace(str(home.root), "/data/elsewhere")
    (home.folder / "config.yaml").write_text(text)
    for path in [path for path in home.folder.rglob("*") if _is_ours(path)]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def machine_labeled(home: Home) -> None:
    """Make a project with a dataset, in which DeepLabCut has extracted outliers since and left its predictions."""
    labeled(home)
    posecut(["create-training-dataset", str(home.folder)])
    columns = pd.MultiIndex.from_product([["DLC_resnet50"], BODYPARTS, ["x", "y", "likelihood"]])
    for stem in VIDEOS:
        folder = home.open().frame_folder(stem)
        images = {n: f"img{n:04d}.png" for n in (1, 2)}
        for number, name in images.items():
            iio.imwrite(folder / name, spot_image(np.array([7 + number, 12]), number))
        rows = pd.MultiIndex.from_tuples([("labeled-data", stem, name) for name in images.values()])
        frame = pd.DataFrame([[8.5, 13.5, 0.9, 11.5, 13.5, 0.4]] * len(images), index=rows, columns=columns)
        frame.to_hdf(folder / "machinelabels-iter0.h5", key="df_with_missing", mode="w")


def replaced(home: Home) -> None:
    """Make a project in whose folders other pictures have taken the place of images, labeled ones too."""
    extracted(home)
    for stem in VIDEOS:
        store.write_labels(home.open(), table(stem).rows(np.array([True, True, False, False])))
    posecut(["export-deeplabcut", str(home.folder)])
    for stem in VIDEOS:
        for path in sorted(home.open().frame_folder(stem).glob("img*.png"))[1:]:
            iio.imwrite(path, iio.imread(path)[::-1])


def earlier(home: Home) -> None:
    """Unpack the project of 0.1.0 that lies among the tests."""
    with zipfile.ZipFile(Path(__file__).parents[1] / "data/project_0_1_0.zip") as archive:
        archive.extractall(home.root)
    (home.root / "old").rename(home.folder)
    home.videos.mkdir()
    shutil.copy(home.folder / "videos/dots.mp4", home.film("dots"))


def moved(home: Home) -> None:
    """Make a project of ours that was moved here."""
    labeled(home)
    text = (home.folder / "config.yaml").read_text().replace(str(home.root), "/data/elsewhere")
    (home.folder / "config.yaml").write_text(text)


def torn(home: Home) -> None:
    """Make a project that lacks its snapshots of labels and the end of a journal."""
    labeled(home)
    for stem in VIDEOS:
        with home.open().label_journal(stem).open("ab") as stream:
            stream.write(b"\x00\x00half a line\n")


def _is_ours(path: Path) -> bool:
    names = ("frames.zarr", "posecut.yaml", "bodyparts.jsonl", "labels.jsonl")
    return path.name in names or path.suffix == ".lock" or path.name.startswith("labels-0")


# What users do


def create(home: Home, *, copy: bool) -> int:
    """Create the project."""
    paths = [home.film(stem) for stem in VIDEOS]
    return tried(lambda: create_new_project("Spot", "me", paths, home.root, copy, bodyparts=BODYPARTS, date=DAY))


EDITS: tuple[edits.JournalEntry, ...] = (
    edits.Place(0, "spot", (4.0, 5.0)),
    edits.Place(0, "beside", (7.0, 5.0)),
    edits.Move(0, "spot", (4.5, 5.5)),
    edits.Place(5, "spot", (9.0, 9.0)),
    edits.Undo(),
    edits.MarkAbsent(3, "beside"),
    edits.Propose(8, "spot", (6.0, 6.0), 0.5, "network", 4),
    edits.Accept(8, "spot"),
    edits.Delete(0, "beside"),
    edits.Undo(),
    edits.Redo(),
    edits.MarkOccluded(5, "spot", (10.0, 9.0)),
)


def label(home: Home, *, take_back: Sequence[int] = ()) -> int:
    """Go on labeling where the journal ends."""

    def work() -> None:
        for stem in VIDEOS:
            with LabelSession.open(home.open(), stem) as session:
                for edit in EDITS[edits_made(home, stem) :]:
                    session.apply(edit)
                    acknowledge(home, stem)

    return tried(work)


def edits_made(home: Home, stem: str) -> int:
    """Count the edits of a person that a journal has."""
    records = journal.read_journal(home.folder / "labeled-data" / stem / "labels.jsonl").records
    return sum(record["op"] not in ("begin", "identify") for _, record in records)


def acknowledge(home: Home, stem: str) -> None:
    """Note outside the project that an edit is durable."""
    handle = os.open(acknowledged_path(home, stem), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(handle, b"x")
    os.close(handle)


def acknowledged_path(home: Home, stem: str) -> Path:
    """Return where acknowledged edits are counted, beside the folder that is compared."""
    return home.root.with_name(f"{home.root.name}-told-{stem}")


def lost_edits(home: Home) -> int:
    """Count acknowledged edits that the journals lack, and begin to count anew."""
    lost = 0
    for stem in VIDEOS:
        path = acknowledged_path(home, stem)
        with contextlib.suppress(FileNotFoundError):
            lost += max(0, path.stat().st_size - edits_made(home, stem))
            path.unlink()
    return lost


def write_tables(home: Home) -> int:
    """Write whole tables of labels, as a notebook does."""
    return tried(lambda: [store.write_labels(home.open(), table(stem, shift=1.5)) for stem in VIDEOS])


def train_earlier(home: Home) -> int:
    """Train the network of 0.1.0 on."""
    resnet.BLOCKS[18] = (2, 2, 2, 2)  # whatever the others have
    return posecut(["train-network", str(home.folder), "--maxiters", "4", "--saveiters", "1"])


def trainable(home: Home) -> None:
    """Make a project whose tiny network trains in a few steps."""
    labeled(home)
    posecut(["create-training-dataset", str(home.folder), "--net-type", "resnet_18"])
    for path in home.open().models.glob("*/settings.yaml"):
        chosen = {"width": 0.25, "init_weights": "random", "maxiters": 4, "save_iters": 1, "display_iters": 1}
        chosen |= {"crop_size": 64, "batch_size": 2, "global_scale": 1.0}
        values = {**vars(read_settings(path)), **chosen}
        write_settings(path, type(read_settings(path))(**values))


def trained_really(home: Home) -> None:
    """Make a project with a tiny network."""
    trainable(home)
    posecut(["train-network", str(home.folder)])


THREE = (*VIDEOS, "spot3")
STEPS = {
    "create-new-project": Step(films, lambda home: create(home, copy=False)),
    "create-new-project-copies": Step(films, lambda home: create(home, copy=True)),
    "add-new-videos": Step(lambda home: created(home, ["spot1"]), verb("add-new-videos", videos=("spot2", "spot3"))),
    "add-new-videos-copies": Step(
        lambda home: created(home, ["spot1"]), verb("add-new-videos", "--copy-videos", videos=("spot2", "spot3"))
    ),
    "extract-frames": Step(created, verb("extract-frames")),
    "extract-frames-overwrite": Step(extracted, verb("extract-frames", "--overwrite", "--algo", "uniform")),
    "label": Step(extracted, label),
    "write-labels": Step(labeled, write_tables),
    "check-labels": Step(labeled, verb("check-labels")),
    "merge-labels-take": Step(changed_outside, verb("merge-labels", "--take")),
    "merge-labels-discard": Step(changed_outside, verb("merge-labels", "--discard")),
    "edit-bodyparts": Step(labeled, verb("edit-bodyparts", "--rename", "spot:snout", "--add", "ear")),
    "create-training-dataset": Step(labeled, verb("create-training-dataset", "--num-shuffles", "2")),
    "evaluate-network": Step(trained, verb("evaluate-network", "--plotting")),
    "analyze-videos-rows": Step(trained, verb("analyze-videos", "--save-as-csv", videos=THREE)),
    "analyze-videos-dynamic": Step(
        trained, verb("analyze-videos", "--dynamic", "True,0.5,4", "--batch-size", "1", videos=THREE)
    ),
    "filterpredictions": Step(analyzed, verb("filterpredictions", videos=THREE)),
    "filterpredictions-spline": Step(analyzed, verb("filterpredictions", "--filtertype", "spline", videos=THREE)),
    "filterpredictions-kalman": Step(analyzed, verb("filterpredictions", "--filtertype", "kalman", videos=THREE)),
    "analyzeskeleton": Step(analyzed, verb("analyzeskeleton", "--save-as-csv", videos=THREE)),
    "plot-trajectories": Step(analyzed, verb("plot-trajectories", videos=VIDEOS)),
    "create-labeled-video": Step(analyzed, verb("create-labeled-video", videos=VIDEOS)),
    "extract-outlier-frames": Step(analyzed, verb("extract-outlier-frames", "--yes", "--epsilon", "2", videos=THREE)),
    "merge-datasets": Step(drafted, verb("merge-datasets", "--unreviewed", "accept")),
    "export-model-safetensors": Step(trained, verb("export-model", "--format", "safetensors")),
    "export-deeplabcut": Step(labeled, verb("export-deeplabcut")),
    "adopt": Step(foreign, verb("create-training-dataset")),
    "adopt-machine-labels": Step(machine_labeled, verb("merge-datasets", "--unreviewed", "accept")),
    "replaced-images": Step(replaced, verb("check-labels")),
    "edit-0.1.0": Step(earlier, verb("edit-bodyparts", "--rename", "white:snout", "--add", "ear")),
    "analyze-0.1.0": Step(earlier, verb("analyze-videos", "--save-as-csv", videos=["dots"])),
    "open-moved": Step(moved, verb("check-labels")),
    "doctor": Step(torn, verb("doctor", "--mend")),
    "train-network": Step(trainable, verb("train-network"), slow=True),
    "train-0.1.0": Step(earlier, train_earlier, slow=True),
    "analyze-videos": Step(trained_really, verb("analyze-videos", "--save-as-csv", videos=THREE), slow=True),
    "export-model": Step(trained_really, verb("export-model"), slow=True),
    "benchmark": Step(trained_really, verb("benchmark"), slow=True),
}


# What is compared


def tree(root: Path) -> Tree:
    """Return what is below a folder: kind, rights and content of each file, but for what legitimately has times."""
    return dict(_entries(root, root))


def _entries(folder: Path, root: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    for entry in os.scandir(folder):
        name, path = os.path.relpath(entry.path, root), Path(entry.path)
        if entry.is_symlink():
            yield name, ("link", os.readlink(entry.path))
        elif entry.is_dir():
            yield name, ("folder",)
            yield from _snapshot(path, root) if path.name.startswith("snapshot-") else _entries(path, root)
        else:
            content = _timeless(path.name, path.read_bytes())
            yield name, ("file", oct(stat.S_IMODE(entry.stat().st_mode)), hashlib.sha256(content).hexdigest())


def _timeless(name: str, content: bytes) -> bytes:
    """Leave out what may differ: the speed in a training's log, and times of writing in notes of images and sums."""
    if name == "log.csv":
        rows = [line.split(b",") for line in content.splitlines()]
        return b"\n".join(b",".join(row[:3] + row[4:]) for row in rows)
    if name in ("posecut-sums.json", "images-read.json"):
        return b""
    return content


def _snapshot(folder: Path, root: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Return the numbers in a snapshot: Orbax names its files by chance and notes times."""
    from posecut_core.model import snapshots

    def numbers() -> str:
        import jax
        import numpy as np
        import orbax.checkpoint as ocp

        info = snapshots.read_info(folder)
        digest = hashlib.sha256(repr(info).encode())
        for part in sorted(path for path in folder.iterdir() if path.is_dir()):
            with ocp.StandardCheckpointer() as checkpointer:
                leaves = jax.tree.leaves(checkpointer.restore(part.absolute()))
            digest.update(b"".join(np.asarray(leaf).tobytes() for leaf in leaves))
        return digest.hexdigest()

    manifest = folder / snapshots.MANIFEST
    yield f"{folder.relative_to(root)}/numbers", (_remembered(manifest, numbers),)


_KNOWN: dict[bytes, str] = {}


def _remembered(manifest: Path, numbers: Callable[[], str]) -> str:
    """Read numbers in a child, as JAX starts threads, and once for each manifest, which has the files' hashes."""
    if not manifest.is_file():
        return "no manifest"
    content = manifest.read_bytes()
    if content not in _KNOWN:
        reading, writing = os.pipe()
        process = os.fork()
        if process == 0:
            try:
                os.write(writing, numbers().encode())
            except Exception as error:
                os.write(writing, repr(error).encode()[:200])
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            _KNOWN[content] = pipe.read()
        os.waitpid(process, 0)
    return _KNOWN[content]


def compared(found: Tree, wanted: Tree) -> list[tuple[str, str]]:
    """Return what is too much (+), gone (-), or other (~).

    Half a line of a journal that was set aside is neither, nor the note of a killed process that it holds a lock, which
    stays until somebody edits these labels, nor a further snapshot of labels.
    """
    marks = [("-", name) for name in wanted.keys() - found.keys()]
    marks += [("+", name) for name in found.keys() - wanted.keys() if not _LEFT.fullmatch(Path(name).name)]
    marks += [("~", name) for name in found.keys() & wanted.keys() if found[name] != wanted[name]]
    return sorted(marks)
