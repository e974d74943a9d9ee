"""Whatever `doctor` advises is done here to the letter, each alternative of it, until nothing is wrong."""

import inspect
import itertools
import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import jax
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

import napari_posecut
import posecut_core
from posecut_core.errors import PosecutError, ProjectError, Remedy
from posecut_core.health import Finding
from posecut_core.health.doctor import doctor
from posecut_core.inference import predictor
from posecut_core.inference.engine import XlaEngine
from posecut_core.inference.predictor import ImageScoremaps, Predictor
from posecut_core.labels.edits import Place as PlaceLabel
from posecut_core.labels.store import write_labels
from posecut_core.labels.table import LabelTable
from posecut_core.model import initialization
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project
from posecut_core.storage.yaml_files import load_mapping
from posecut_core.training import run
from posecut_core.video.frame_store import FrameStore
from posecut_core.workflow import analyze_videos, export_model, live
from posecut_core.workflow.create_training_dataset import create_training_dataset
from tests.workflow.faults import DOTS, FAULTS, MODEL, MODELS, NAMES, PARAMETERS, SETS, append, swap


@dataclass(frozen=True)
class Place:
    """Where somebody follows advice: the project, a copy from before the fault, and what was said about which path."""

    root: Path
    copy: Path
    about: Path

    def delete(self, path: Path) -> None:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)

    def restore(self, *paths: Path) -> None:
        for path in paths:
            kept = self.copy / path.relative_to(self.root)
            if not kept.exists():
                raise LookupError("nobody has a copy")
            self.delete(path)
            path.parent.mkdir(exist_ok=True)
            shutil.copytree(kept, path) if kept.is_dir() else shutil.copy2(kept, path)

    def call(self, remedy: Remedy) -> None:
        """Do what a remedy says, to the letter; one that needs more arguments is no whole advice."""
        step = getattr(posecut_core, remedy.step)
        try:
            inspect.signature(step).bind(**remedy.arguments)
        except TypeError as error:
            raise LookupError(str(remedy)) from error
        step(**remedy.arguments)

    def shuffle(self, *splits: Path) -> None:
        """Create another shuffle, and delete those that are damaged, with their networks."""
        create_training_dataset(self.root)
        for path in splits:
            self.delete(path)
            self.delete(self.root / MODELS / path.stem)

    def images(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        store = FrameStore.open(self.copy / DOTS / "frames.zarr")
        for number in store.numbers.tolist():
            Image.fromarray(store.read(number)).save(folder / f"img{number:02d}.png")

    def config(self, **changes: object) -> None:
        edit_config(self.root / "config.yaml", changes)

    def without_video(self, unwanted: str) -> None:
        videos = load_mapping((self.root / "config.yaml").read_text(), self.root)["video_sets"]
        self.config(video_sets={path: None for path in videos if path != unwanted})

    def without_entry(self) -> None:
        path = self.root / "posecut.yaml"
        path.write_text(re.sub(r"(?m)^  dots:\n(    .*\n)*", "", path.read_text()))

    def without_line(self, number: int) -> None:
        lines = self.about.read_bytes().splitlines(keepends=True)
        self.about.write_bytes(b"".join(lines[: number - 1] + lines[number:]))

    def labels(self, xy: float) -> None:
        project = open_project(self.root)
        write_labels(project, LabelTable("dots", NAMES, np.arange(1), np.full((1, 2, 2), xy)))


# What advice says -> how somebody does it; of a sentence with several, each is an alternative.
ACTS: dict[str, Callable[[Place, re.Match[str]], object]] = {
    r"delete it, and restore its target|is a folder.*delete it, and restore": lambda at, _: (
        at.delete(at.about),
        (at.copy / at.about.relative_to(at.root)).exists() and at.restore(at.about),
    ),
    r"restore the video and the frame store from a copy": lambda at, _: at.restore(
        at.root / "videos/dots.mp4", at.root / DOTS / "frames.zarr"
    ),
    r"restore (it|them)\b(?! the file)|take it from a backup|copy it again from|copy the video again": lambda at, _: (
        at.restore(at.about)
    ),
    r"delete the folder and extract again|(?<!and )delete it\b|delete this snapshot"
    r"|image.*or remove it\.$|delete the file if": lambda at, _: at.delete(at.about),
    r"delete (\S+posecut-sums.json) if": lambda at, found: at.delete(Path(found[1])),
    r"replace the link by the folder itself": lambda at, _: (
        shutil.copytree(at.about.resolve(), at.root / "x"),
        at.about.unlink(),
        (at.root / "x").rename(at.about),
    ),
    r"put (\S+\.png) \(no frame of the video\) back into": lambda at, found: at.restore(at.root / DOTS / found[1]),
    r"put images into (\S+?);?(?= |\.$)": lambda at, found: at.images(Path(found[1].rstrip("."))),
    r"(?:create another shuffle|train a new shuffle).*delete this one": lambda at, _: at.shuffle(
        *(at.root / SETS).glob("*shuffle1.yaml")
    ),
    r"create another shuffle.*delete the training datasets that name it": lambda at, _: at.shuffle(
        *(path for path in (at.root / SETS).glob("*.yaml") if "labels-" in path.read_text())
    ),
    r"rename it to '(\w+)' if you": lambda at, found: swap("config.yaml", "bodypart:", f"{found[1]}:")(at.root),
    r"line (\d+): found the key 'zebra'.*; remove it": lambda at, found: at.without_line(int(found[1])),
    r"else end its last line": lambda at, _: append(at.about.name, b"\n")(at.root),
    r"pcutoff is .* correct it there": lambda at, _: swap("config.yaml", "pcutoff: .*", "pcutoff: 0.5")(at.root),
    r"line (\d+).*rename or remove one of the two": (
        lambda at, _: swap("config.yaml", "- white\n", "- black\n")(at.root)
    ),
    r"line (\d+) is not valid YAML|should hold lines": lambda at, _: at.restore(at.about),
    r"add it there again": lambda at, _: at.config(bodyparts=list(NAMES)),
    r"default_net_type is .*, expected one of (\w+)": lambda at, found: at.config(default_net_type=found[1]),
    r"these lines are not drawn; correct or remove": lambda at, _: at.config(skeleton=[]),
    r"set it to -1": lambda at, _: at.config(snapshotindex=-1),
    r"add (0\.\d+) there again": lambda at, found: at.config(TrainingFraction=[float(found[1])]),
    r"correct x1, x2, y1, y2 in config.yaml": lambda at, _: at.config(x2=64),
    r"or set cropping to false": lambda at, _: at.config(cropping=False),
    r"The crop of .* correct it there": lambda at, _: swap("config.yaml", "crop: .*", "crop: 0, 64, 0, 64")(at.root),
    r"schema is .* correct it there": lambda at, _: at.restore(at.about),
    r"remove the entry": lambda at, _: at.without_entry(),
    r"put it into (\S+) under the same name": lambda at, found: shutil.copy2(at.copy / "videos/dots.mp4", found[1]),
    r"put the recording into (\S+)(?:,| under the name of that folder,) or": lambda at, found: shutil.copy2(
        at.copy / "videos/dots.mp4", found[1]
    ),
    r"lists ([^,]*), which is not a file name.*or write in place of that entry `([^`]*)`": lambda at, found: swap(
        "config.yaml", f"{found[1]}:.*", found[2]
    )(at.root),
    r"lists ([^,]*), which is not a file name.*or remove that entry there": lambda at, found: at.without_video(
        found[1]
    ),
    r"lists ([^,]*), .*; remove its entry there": lambda at, found: at.without_video(found[1]),
    r"lists \S+ and ([^,]*), .*or remove that entry": lambda at, found: at.without_video(found[1]),
    r"as \S+ and (.*): .*remove one of the two entries": lambda at, found: at.without_video(found[1]),
    r"line (\d+);.*or remove that line": lambda at, found: at.without_line(int(found[1])),
    r"Setting maxiters .*correct it": lambda at, _: swap(f"{MODEL}/settings.yaml", "maxiters: .*", "maxiters: 4")(
        at.root
    ),
    r"is not readable YAML.*; correct it": lambda at, _: at.restore(at.about),
    r"rename it to (snapshot-\d+)": lambda at, found: at.about.rename(at.about.with_name(found[1])),
    r"labels outside their frame.*correct or remove": lambda at, _: at.labels(30.0),
    r"else move (?:it|them) out of labeled-data": lambda at, _: at.delete(at.root / "labeled-data/other"),
    r"drop the frame's labels": lambda at, _: None,
}


LOOKS = ("check_labels", "label_frames")  # what is for a person's eyes mends nothing by itself


def alternatives(finding: Finding) -> list[tuple[str, Callable[[Place], object]]]:
    """List what a sentence advises, each as its words and as what is done."""
    found = [(said, act) for words, act in ACTS.items() for said in re.finditer(words, finding.problem)]
    acts = [(said[0], partial(lambda act, said, at: act(at, said), act, said)) for said, act in found]
    part = re.search("create .*shuffle.*delete|delete it and make", finding.problem)
    whole = () if part else finding.remedies
    mending = (remedy for remedy in whole if remedy.step not in LOOKS and set(remedy.arguments) != {"config"})
    return [*acts, *((str(remedy), partial(lambda remedy, at: at.call(remedy), remedy)) for remedy in mending)]


@pytest.fixture
def copied(whole, tmp_path):
    """A function that returns the folder of a fresh copy of that project."""

    def copy() -> Path:
        shutil.rmtree(tmp_path)
        return Path(shutil.copytree(whole, tmp_path / "p", symlinks=True))

    return copy


@pytest.mark.skipif(os.name == "nt", reason="commands and paths are found in sentences by their slashes")
@pytest.mark.parametrize("fault", FAULTS)
def test_advice_that_is_followed_literally_mends(copied, whole, fault):
    """Kind: advice that nobody has tried: each alternative of each sentence, and of what is told after it."""
    root = copied()
    FAULTS[fault](root)
    findings = doctor(root).findings
    assert findings
    for finding in findings:
        followed = 0
        for said, act in alternatives(finding):
            if root is None:
                root = copied()
                FAULTS[fault](root)
            with suppress(LookupError):
                act(Place(root, whole, finding.path))
                assert until_sound(root, whole, finding) == [], (said, finding.problem)
                followed += 1
            root = None
        assert followed, finding.problem


def until_sound(root: Path, whole: Path, first: Finding) -> list[str]:
    """Follow what is told next, up to eight times; return what is still wrong then."""
    for _ in range(8):
        findings = doctor(root).findings
        left = [one for one in findings if not one.harmless]
        if not left:
            return [one.problem for one in findings if one.problem == first.problem]
        for _, act in alternatives(left[0]):
            with suppress(LookupError):
                act(Place(root, whole, left[0].path))
                break
    return [one.problem for one in left]


BREAKING: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "noise": lambda path: path.write_bytes(np.random.default_rng(0).bytes(64)),
    "folder": lambda path: (path.unlink(), path.mkdir()),
    "link": lambda path: (path.unlink(), path.symlink_to("nowhere")),
}


def breakable(root: Path) -> list[Path]:
    """List the files of a project, of frame stores and snapshots the first of each folder and kind.

    Images are left out that are in the frame store, locks, and the note of images that were read, made anew if damaged.
    """
    kinds: dict[tuple[Path, str], Path] = {}
    for path in sorted(path.relative_to(root) for path in root.rglob("*") if path.is_file()):
        inside = any(parent.suffix == ".zarr" or "snapshot-" in parent.name for parent in path.parents)
        if path.suffix not in (".lock", ".png") and path.name != "images-read.json":
            kinds.setdefault((path.parent, path.suffix if inside else path.name), path)
    return [*kinds.values()]


def label(root: Path) -> None:
    with posecut_core.LabelSession.open(open_project(root), "dots") as session:
        session.apply(PlaceLabel(0, session.identity("white"), (30.0, 31.0)))


# Steps that only read come first: what one of the others changes may mend what is broken.
STEPS: dict[str, Callable[[Path], object]] = {
    "open_project": open_project,
    "evaluate_network": posecut_core.evaluate_network,
    "analyze_videos": lambda root: posecut_core.analyze_videos(root, ["dots"], save_as_csv=True),
    "analyze_videos, overwrite": lambda root: posecut_core.analyze_videos(root, ["dots"], overwrite=True),
    "analyze_videos, tracking crop": lambda root: posecut_core.analyze_videos(
        root, ["dots"], dynamic=(True, 0.5, 4), overwrite=True
    ),
    "live": lambda root: posecut_core.live(root, source="dots", number_of_frames=1),
    "benchmark": posecut_core.benchmark,
    "export_model": posecut_core.export_model,
    "export_model, safetensors": lambda root: posecut_core.export_model(root, format="safetensors"),
    "filterpredictions": lambda root: posecut_core.filterpredictions(root, ["dots"]),
    "filterpredictions, spline": lambda root: posecut_core.filterpredictions(root, ["dots"], filtertype="spline"),
    "filterpredictions, kalman": lambda root: posecut_core.filterpredictions(root, ["dots"], filtertype="kalman"),
    "analyzeskeleton": lambda root: posecut_core.analyzeskeleton(root, ["dots"], save_as_csv=True),
    "analyzeskeleton, filtered": lambda root: posecut_core.analyzeskeleton(root, ["dots"], filtered=True),
    "plot_trajectories": lambda root: posecut_core.plot_trajectories(root, ["dots"]),
    "create_labeled_video": lambda root: posecut_core.create_labeled_video(root, ["dots"], draw_skeleton=True),
    "frame_scoremaps": lambda root: posecut_core.frame_scoremaps(root, "dots", 1, root.parent / "maps.npy"),
    "find_outlier_frames": lambda root: posecut_core.find_outlier_frames(root, ["dots"], epsilon=1),
    "propose_labels": posecut_core.propose_labels,
    "read_labels": lambda root: posecut_core.read_labels(open_project(root), "dots"),
    "check_labels": posecut_core.check_labels,
    "merge_labels": posecut_core.merge_labels,
    "export_deeplabcut": lambda root: posecut_core.export_deeplabcut(root, results=["dots"], metadata=True),
    "undo_labels": lambda root: posecut_core.undo_labels(root, "dots"),
    "redo_labels": lambda root: posecut_core.redo_labels(root, "dots"),
    "label": label,
    "extract_frames": lambda root: posecut_core.extract_frames(root, frames=[4], videos=["dots"]),
    "extract_outlier_frames": lambda root: posecut_core.extract_outlier_frames(root, ["dots"], "list", frames=[5]),
    "train_network": lambda root: posecut_core.train_network(root, maxiters=5),
    "create_training_dataset": posecut_core.create_training_dataset,
    "cross_validate": lambda root: posecut_core.cross_validate(
        root, splits=2, maxiters=2, weights="random", settings={"net_type": "resnet_18"}
    ),
    "add_new_videos": lambda root: posecut_core.add_new_videos(root, [root / "videos/dots.mp4"]),
    "edit_bodyparts": lambda root: posecut_core.edit_bodyparts(root, rename={"white": "snow"}),
    "merge_datasets": lambda root: posecut_core.merge_datasets(root, unreviewed="accept"),
}


@pytest.fixture
def no_network(monkeypatch, quick_steps):
    """Networks without layers, whose files are read and checked all the same."""
    shapes = jax.eval_shape(lambda: PARAMETERS)
    for module in (predictor, run):
        monkeypatch.setattr(module, "parameter_shapes", lambda spec: shapes)
    for module in (analyze_videos, live):
        monkeypatch.setattr(module, "chosen_engine", lambda predictor, *_, **options: predictor)
    monkeypatch.setattr(
        export_model,
        "write_onnx",
        lambda target, info, parameters, images, measure: measure(XlaEngine(info.network, parameters)),
    )
    monkeypatch.setattr(initialization, "initial_parameters", lambda seed, spec: PARAMETERS)
    monkeypatch.setattr(Figure, "savefig", lambda self, target, **options: Image.new("RGB", (1, 1)).save(target, "PNG"))

    def poses(shape):
        return np.ones((*shape, 2)), np.ones(shape)

    monkeypatch.setattr(Predictor, "start", lambda self, images: partial(poses, (len(images), len(self.bodyparts))))
    maps = ImageScoremaps(np.zeros((8, 8, 2), np.float32), np.full(2, 8.0), np.full(2, 3.5))
    monkeypatch.setattr(Predictor, "scoremaps", lambda self, image: maps)


WHOLE = bool(os.environ.get("SWEEP"))
PARTS = [*BREAKING, *dict.fromkeys(name.partition(":")[0] for name in FAULTS)] if WHOLE else ["each in one way"]


@pytest.mark.parametrize("part", PARTS)
def test_whatever_is_broken_doctor_names_it_and_why_steps_fail(copied, whole, no_network, part):
    """Kind: a check that is silent about what stops somebody, or advises what nobody can do.

    Each file is broken in one of the ways, all ways in turn, and met by some of the steps, all steps in turn. With the
    environment variable SWEEP, every file is broken in every way, and each fault above too, and met by every step.
    """
    names, ways = breakable(whole), itertools.repeat(part) if WHOLE else itertools.cycle(BREAKING)
    faults = {f"{name} {way}": partial(put, name, way) for name, way in zip(names, ways, strict=False)}
    if part not in BREAKING and WHOLE:
        faults = {name: change for name, change in FAULTS.items() if name.startswith(f"{part}:")}
    count, turns, wrongs = len(STEPS) if WHOLE else 3, itertools.cycle(STEPS), list[tuple[str, ...]]()
    for fault, change in faults.items():
        root = copied()
        change(root)
        about = root / fault.partition(" ")[0] if fault not in FAULTS else None
        findings, told = told_of(root)
        wrongs += [(fault, "silent", told)] if about and not is_named(about, findings, told) else []
        wrongs += [
            (fault, "no call", str(remedy)) for one in findings for remedy in one.remedies if not callable_as(remedy)
        ]
        stops = [one for one in findings if not one.harmless]
        for name in sorted(itertools.islice(turns, count), key=[*STEPS].index):
            error = failure_of(STEPS[name], root)
            wrongs += [(fault, name, error)] if error and not told and not stops else []
    print(f"{part}: {len(faults)} faults x {count} steps", *wrongs, sep="\n")
    assert wrongs == []
    assert len(faults) > 25 or part not in PARTS[:5]


def put(name: Path, way: str, root: Path) -> None:
    BREAKING[way](root / name)


def told_of(root: Path) -> tuple[tuple[Finding, ...], str]:
    """Return what doctor finds, and says where there is no project to look at."""
    try:
        return doctor(root).findings, ""
    except ProjectError as error:
        return (), str(error)


def is_named(path: Path, findings: tuple[Finding, ...], told: str) -> bool:
    """Tell whether what doctor says is about a file, or the folder that it is a part of."""
    parts = [path, *(one for one in path.parents if one.suffix == ".zarr" or "snapshot-" in one.name)]
    return str(path) in told or any(one.path in parts or str(path) in one.problem for one in findings)


def callable_as(remedy: Remedy) -> bool:
    """Tell whether a remedy has all arguments that its step needs."""
    function = getattr(napari_posecut if remedy.step == "label_frames" else posecut_core, remedy.step)
    with suppress(TypeError):
        inspect.signature(function).bind(**remedy.arguments)
        return True
    return False


def failure_of(step: Callable[[Path], object], root: Path) -> str:
    """Return the sentence with which a step fails; "" where it does not."""
    try:
        step(root)
    except PosecutError as error:
        return str(error)
    return ""
