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

import numpy as np
import pytest
from PIL import Image

import posecut_core
from posecut_core.errors import ProjectError, Remedy
from posecut_core.health import Finding
from posecut_core.health.doctor import doctor
from posecut_core.health.project import sums_path
from posecut_core.labels.store import write_labels
from posecut_core.labels.table import LabelTable
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project
from posecut_core.storage.yaml_files import load_mapping
from posecut_core.video.frame_store import FrameStore
from posecut_core.workflow.create_training_dataset import create_training_dataset
from tests.workflow.faults import DOTS, FAULTS, MODEL, MODELS, NAMES, SETS, append, swap, wrong


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
    whole = () if re.search("create .*shuffle.*delete", finding.problem) else finding.remedies  # else a part of it
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


def unnamed(root: Path, name: Path) -> list[str] | None:
    """Return what doctor says where none of it is about a file; None where it names it, or the folder it is in."""
    try:
        findings = doctor(root).findings
    except ProjectError as error:  # there is no config.yaml
        return None if str(root / name) in str(error) else [str(error)]
    about = [
        root / name,
        *(path for path in (root / name).parents if path.suffix == ".zarr" or "snapshot-" in path.name),
    ]
    named = any(finding.path in about or str(root / name) in finding.problem for finding in findings)
    return None if named else [finding.problem for finding in findings]


def test_whatever_is_broken_doctor_ends_and_names_it(copied, whole):
    """Kind: a check that what it checks can break. Each file is broken in one of the ways, all ways in turn."""
    root, names, found = copied(), breakable(whole), []
    for name, way in zip(names, itertools.cycle(BREAKING), strict=False):
        BREAKING[way](root / name)
        said = unnamed(root, name)
        found += [(str(name), way, said)] if said is not None else []
        shutil.rmtree(root / name) if (root / name).is_dir() else (root / name).unlink()
        shutil.copy2(whole / name, root / name)
        shutil.copy2(sums_path(whole), sums_path(root))
    assert found == []
    assert len(names) > 25
    assert wrong(root) == []
