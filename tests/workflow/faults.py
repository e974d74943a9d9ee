"""A small project with whatever an earlier step leaves, and each way to break it."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from PIL import Image

from posecut_core.assistant.proposals import Proposals, write_proposals
from posecut_core.backbones.resnet import ResNetSpec
from posecut_core.dataset.settings import read_settings
from posecut_core.health.doctor import doctor
from posecut_core.labels.store import read_labels, write_labels
from posecut_core.labels.table import LabelTable
from posecut_core.model.pose_net import NetworkSpec
from posecut_core.model.snapshots import SnapshotInfo, save_snapshot
from posecut_core.model.step import initial_state
from posecut_core.poses.files import prediction_path, write_predictions
from posecut_core.poses.predictions import Predictions
from posecut_core.project.config import edit_config
from posecut_core.project.opening import open_project
from posecut_core.storage.locks import note_path
from posecut_core.video.frame_store import FrameStore
from posecut_core.video.writer import VideoWriter
from posecut_core.workflow.create_project import create_new_project
from posecut_core.workflow.create_training_dataset import create_training_dataset
from posecut_core.workflow.extract_frames import extract_frames

NAMES = ("white", "black")
PARAMETERS = {"w": jnp.zeros(2)}  # of a network that is none
FAR = 40  # a frame beyond the video's end, of which there is an image


def picture(number):
    image = np.full((64, 64, 3), 128, np.uint8)
    image[8:16, 4 * number % 48 : 4 * number % 48 + 8] = 255
    return image


def make_project(folder):
    """Make a project with frames, labels, images, a snapshot, results and proposals, and return where it is."""
    with VideoWriter(folder / "dots.mp4", fps=10, width=64, height=64) as writer:
        for number in range(6):
            writer.write(picture(number))
    config = create_new_project(
        "Dots", "me", [folder / "dots.mp4"], folder, bodyparts=NAMES, skeleton=[NAMES], copy_videos=True
    ).config_path
    project = open_project(config)
    extract_frames(config, frames=[0, 1, 2, 3], videos=["dots"])
    Image.fromarray(picture(FAR)).save(project.frame_folder("dots") / f"img{FAR}.png")
    numbers = np.array([0, 1, 2, 3, FAR])
    xy = np.random.default_rng(0).integers(12, 52, size=(5, 2, 2)).astype(float)
    write_labels(project, LabelTable("dots", NAMES, numbers, xy))
    settings = {"maxiters": 4, "net_type": "resnet_18", "init_weights": "random", "global_scale": 1.0}
    create_training_dataset(config, train_indices=[[0, 1, 2, 4]], test_indices=[[3]], settings=settings)
    write_labels(project, LabelTable("dots", NAMES, numbers[:1], xy[:1] + 1))
    state = initial_state(PARAMETERS, read_settings(project.training(1).settings))
    state = state._replace(step=jnp.asarray(4, jnp.int32))
    info = SnapshotInfo(4, str(project.training(1).run), NetworkSpec(ResNetSpec(18), NAMES), 1.0)
    save_snapshot(project.training(1).folder, info, state)
    scorer = info.scorer
    found = Predictions(scorer, NAMES, np.zeros((6, 2, 2)), np.ones((6, 2)))
    write_predictions(prediction_path(project.videos / "dots.mp4", scorer), found, csv=True)
    project.training(1).evaluation("").folder.mkdir(parents=True)
    (project.training(1).evaluation("").folder / f"{scorer}-results.csv").write_text("a,b\n1,2345\n")
    write_proposals(project.proposals, Proposals("x", 4, NAMES, {}))
    root = config.parent.rename(folder / "moved")  # each copy's video is its own
    (folder / "dots.mp4").unlink()
    assert [finding.problem for finding in wrong(root)] == []
    return root


def wrong(root):
    return [finding for finding in doctor(root).findings if not finding.harmless]


def write(name, content):
    """Return what puts other content, or nothing, in the place of a file."""

    def change(root):
        path = next(root.glob(name))
        path.unlink() if content is None else path.write_bytes(content)

    return change


def swap(name, old, new):
    """Return what changes the text of a file."""

    def change(root):
        (path,) = root.glob(name)
        text = path.read_text(encoding="utf-8")
        assert re.search(old, text), text
        path.write_text(re.sub(old, new, text, count=1), encoding="utf-8")

    return change


def halve(name):
    """Return what cuts a file in the middle."""

    def change(root):
        path = sorted(root.glob(name))[0]
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return change


def add(name, content=b"x"):
    """Return what makes a file."""

    def change(root):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)

    return change


def append(name, content):
    """Return what adds bytes at a file's end."""

    def change(root):
        (root / name).write_bytes((root / name).read_bytes() + content)

    return change


def gone(name):
    """Return what deletes a file or folder."""

    def change(root):
        for path in [*root.glob(name)]:
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return change


def listed(name, **crop):
    """Return what lists another video in config.yaml, a copy of the first with one byte more."""

    def change(root):
        (root / "videos" / name).parent.mkdir(exist_ok=True)
        shutil.copy2(root / "videos/dots.mp4", root / "videos" / name)
        videos = open_project(root).config.video_sets
        if not crop:
            with (root / "videos" / name).open("ab") as stream:
                stream.write(b"\0")
        edit_config(root / "config.yaml", {"video_sets": {**dict.fromkeys(videos), str(root / "videos" / name): None}})

    return change


def labels_elsewhere(root):
    project = open_project(root)
    table = read_labels(project, "dots")
    write_labels(project, LabelTable("dots", NAMES, table.numbers[:1], np.full((1, 2, 2), 66.0)))


def other_picture(root):
    path = root / "labeled-data/dots/frames.zarr"
    store = FrameStore.open(path)
    store.remove([1])
    store.append([(1, picture(5), (0, 0))])


def by_another_program(root):
    for suffix in (".csv", ".h5"):
        path = root / f"labeled-data/dots/CollectedData_me{suffix}"
        if suffix == ".csv":
            lines = path.read_text().splitlines()
            path.write_text("\n".join([*lines[:3], re.sub(r"\d+\.\d+", "7.5", lines[3], count=1), *lines[4:], ""]))


def flipped(name):
    """Return what changes a file as a failing disk does: neither its size nor its time."""

    def change(root):
        path, status = next(root.glob(name)), next(root.glob(name)).stat()
        path.write_bytes(path.read_bytes().replace(b"1", b"3"))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    return change


MODELS, SETS = "posecut-models/iteration-0", "training-datasets/iteration-0"
DOTS, MODEL = "labeled-data/dots", f"{MODELS}/*shuffle1"

FAULTS: dict[str, Callable[[Path], object]] = {
    "tree: link": lambda root: (root / "videos/x.mp4").symlink_to("nowhere"),
    "tree: folder": lambda root: (gone("posecut*.*")(root), (root / "posecut.yaml").mkdir()),
    "tree: pipe": lambda root: os.mkfifo(root / "labels.jsonl"),
    "tree: left": add(".config-ab12cd_x.partial.yaml"),
    "tree: leads out": lambda root: (
        shutil.move(root / DOTS, root.parent / "out"),
        (root / DOTS).symlink_to(root.parent / "out"),
    ),
    "config: no text": write("config.yaml", b"\xff\xfe"),
    "config: empty": write("config.yaml", b""),
    "config: no YAML": write("config.yaml", b"Task: [\n"),
    "config: a list": write("config.yaml", b"- a\n"),
    "config: key": swap("config.yaml", "bodyparts:", "bodypart:"),
    "config: unknown key": swap("config.yaml", "bodyparts:", "zebra: 3\nbodyparts:"),
    "config: cut": halve("config.yaml"),
    "job: link": lambda root: (
        gone("posecut-jobs/proposals.json")(root),
        (root / "posecut-jobs/proposals.json").symlink_to("nowhere"),
    ),
    "config: value": swap("config.yaml", "pcutoff: .*", "pcutoff: high"),
    "config: twice": swap("config.yaml", r"- black", "- white"),
    "config: new bodypart": swap("config.yaml", r"- black", "- gray"),
    "config: bodypart gone": swap("config.yaml", r"\n *- black", ""),
    "config: net_type": swap("config.yaml", "default_net_type: .*", "default_net_type: resnet_5O"),
    "config: bone": swap("config.yaml", r"skeleton:\n([ -].*\n)*", "skeleton: [[white, gray]]\n"),
    "config: snapshotindex": swap("config.yaml", "snapshotindex: .*", "snapshotindex: 3"),
    "config: fraction": swap("config.yaml", "0\\.95", "0.5"),
    "config: window": lambda root: edit_config(root / "config.yaml", {"cropping": True, "x2": 90, "y1": 0, "y2": 60}),
    "config: crop": swap("config.yaml", r"crop: .*", "crop: 0, 90, 0, 64"),
    "video: record": write("posecut.yaml", b"schema: no"),
    "video: entry": swap("posecut.yaml", "frames: .*", "frames: many"),
    "video: gone": gone("videos/dots.mp4"),
    "video: unreadable": lambda root: (gone("posecut*.*")(root), add("videos/dots.mp4", b"noise")(root)),
    "video: other": append("videos/dots.mp4", b"\0"),
    "video: words": lambda root: (
        gone("videos/dots.mp4")(root),
        edit_config(root / "config.yaml", {"video_sets": {"WILL BE AUTOMATICALLY UPDATED": None}}),
    ),
    "video: labeled": listed("dots_labeled.mp4"),
    "video: macOS": listed("._dots.mp4"),
    "video: one name": lambda root: (listed("x/dots.mp4")(root), gone("posecut*.*")(root)),
    "video: twice": listed("again.mp4", same=True),
    "dataset: torn": halve(f"{SETS}/*.yaml"),
    "dataset: gone": gone(f"{SETS}/*.yaml"),
    "dataset: frames": swap(f"{SETS}/*.yaml", r"\[0,", "[17,"),
    "dataset: labels": halve(f"{SETS}/labels-*.csv"),
    "dataset: no labels": gone(f"{SETS}/labels-*.csv"),
    "network: settings gone": gone(f"{MODEL}/settings.yaml"),
    "network: settings empty": write(f"{MODEL}/settings.yaml", b""),
    "network: settings cut": swap(f"{MODEL}/settings.yaml", r"seed: .*\n", ""),
    "network: settings noise": write(f"{MODEL}/settings.yaml", b"\xff"),
    "network: setting": swap(f"{MODEL}/settings.yaml", "maxiters: .*", "maxiters: many"),
    "network: snapshot": halve(f"{MODEL}/snapshot-*/snapshot.json"),
    "network: snapshot moved": lambda root: [
        path.rename(path.with_name("snapshot-000009")) for path in root.glob(f"{MODEL}/snapshot-*")
    ],
    "result: h5": halve("videos/*_4.h5"),
    "result: csv": halve("videos/*_4.csv"),
    "result: evaluation": write("evaluation-results*/**/*-results.csv", b""),
    "job: proposals": lambda root: open_project(root).proposals.write_text("{}"),
    "sums: torn": halve("posecut-sums.json"),
    "sums: gone": gone("posecut.yaml"),
    "names: noise": write("bodyparts.jsonl", b"noise\n"),
    "names: gone": gone("bodyparts.jsonl"),
    "labels: noise": write(f"{DOTS}/labels.jsonl", b"noise\n"),
    "labels: half a line": append(f"{DOTS}/labels.jsonl", b"half"),
    "labels: gone": gone(f"{DOTS}/labels.jsonl"),
    "labels: snapshot": halve(f"{DOTS}/labels-0*.json"),
    "labels: left": add(f"{DOTS}/.labels-x.partial.json"),
    "labels: lock": lambda root: note_path(open_project(root).label_lock("dots")).write_text(
        json.dumps({"host": "far", "pid": 1})
    ),
    "labels: .h5": write(f"{DOTS}/CollectedData_me.h5", b"noise"),
    "labels: .csv": write(f"{DOTS}/CollectedData_me.csv", b"noise"),
    "labels: .h5 gone": gone(f"{DOTS}/CollectedData_me.h5"),
    "labels: other program": by_another_program,
    "labels: outside": labels_elsewhere,
    "sums: changed": flipped("evaluation-results*/**/*-results.csv"),
    "labels: no video": lambda root: shutil.copytree(root / DOTS, root / "labeled-data/other"),
    "labels: folder gone": gone(DOTS),
    "frames: store": write(f"{DOTS}/frames.zarr/zarr.json", b"9"),
    "frames: one": halve(f"{DOTS}/frames.zarr/frames/c/1/0/0/0"),
    "frames: gone": gone(f"{DOTS}/frames.zarr"),
    "frames: other picture": other_picture,
    "frames: image": lambda root: (gone(f"{DOTS}/frames.zarr")(root), halve(f"{DOTS}/*.png")(root)),
    "frames: image list": add(f"{DOTS}/images.json", b"noise"),
}
