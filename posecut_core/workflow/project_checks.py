"""What `posecut doctor` looks at beside labels: configuration, videos, training datasets, snapshots of networks."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import h5py

from posecut_core.dataset.revision import read_revision
from posecut_core.dataset.settings import read_settings as read_training_settings
from posecut_core.dataset.split import read_split
from posecut_core.errors import PosecutError, StorageError
from posecut_core.model.snapshots import read_info, snapshot_folder, snapshot_steps
from posecut_core.project.config import ProjectConfig, parse_config
from posecut_core.project.layout import Project
from posecut_core.project.repair import repairs, video_stem
from posecut_core.project.settings import VideoRecord, read_settings
from posecut_core.project.yaml_text import load_mapping, read_text
from posecut_core.workflow.arguments import chosen_steps
from posecut_core.workflow.datasets import check_net_type
from posecut_core.workflow.file_sums import compare_sums, missing_files, read_sums, sums_of, sums_path, write_sums
from posecut_core.workflow.findings import Findings
from posecut_core.workflow.opening import project_videos, refuse_other_video


def check_config(path: Path, found: Findings) -> ProjectConfig | None:
    """Look at config.yaml, and return it with paths repaired in memory; None where it cannot be used."""
    found.count("settings files")
    with found.about(path):
        values = load_mapping(read_text(path), path)
        return parse_config({**values, **repairs(values, path.parent)}, path)
    return None


def check_settings(project: Project, found: Findings) -> None:
    """Look for values in config.yaml that it may have, but that will stop a step later on."""
    with found.about(project.config_path):
        check_net_type(project)
    folders = sorted(path.parent for path in project.model_folder(1).parent.glob("*/settings.yaml"))
    with found.about(project.config_path):
        for folder in folders:
            if snapshot_steps(folder):
                chosen_steps(folder, None, snapshotindex=project.config.snapshotindex)
    _check_crops(project, found)


def _check_crops(project: Project, found: Findings) -> None:
    path = project.config_path
    records: Mapping[str, VideoRecord] = {}
    with suppress(PosecutError):  # told when videos are looked at
        records = read_settings(project.settings_path).videos
    for video, crop in project.config.video_sets.items():
        record = records.get(video_stem(video))
        if record and crop and (crop.x2 > record.width or crop.y2 > record.height):
            found.add(
                path,
                f"The crop of {video} in {path} is x {crop.x1} to {crop.x2}, y {crop.y1} to {crop.y2}, expected it "
                f"within the frame of {record.width} x {record.height} pixels; correct it there.",
            )


def check_videos(project: Project, found: Findings) -> None:
    """Look at posecut.yaml, and whether each video is there and is the one that was added."""
    found.count("settings files", int(project.settings_path.exists()))
    records = {}
    with found.about(project.settings_path):
        records = dict(read_settings(project.settings_path).videos)
    for video, path in project_videos(project).items():
        found.count("videos")
        if not path.is_file():
            found.add(path, f"Video {path} is missing; put it into {project.videos} under the same name.")
            continue
        with found.about(path):
            refuse_other_video(project, path, records.get(video))


def check_datasets(project: Project, found: Findings) -> None:
    """Look at the splits and label revisions of all iterations."""
    for path in sorted((project.root / "training-datasets").glob("iteration-*/*.yaml")):
        found.count("training datasets")
        with found.about(path):
            read_revision(path.parent / read_split(path).labels)


def check_networks(project: Project, found: Findings) -> None:
    """Look at the settings, the split and every file of every snapshot, by its SHA-256."""
    for folder in sorted(path for path in (project.root / "posecut-models").glob("iteration-*/*") if path.is_dir()):
        steps, settings = snapshot_steps(folder), folder / "settings.yaml"
        split = project.root / "training-datasets" / folder.parent.name / f"{folder.name}.yaml"
        if settings.exists():
            found.count("settings files")
            with found.about(settings):
                read_training_settings(settings)
        for path in (settings, split):
            if steps and not path.exists():
                found.add(path, f"{path} is missing, with which a network was trained; restore it from a copy.")
        for step in steps:
            found.count("network snapshots")
            with found.about(snapshot_folder(folder, step)):
                read_info(snapshot_folder(folder, step))


def check_results(project: Project, found: Findings) -> None:
    """Look whether predictions and results of evaluations can be opened."""
    for path in sorted(project.root.rglob("*.h5")):
        if path.is_relative_to(project.labeled_data):
            continue
        found.count("results")
        try:
            h5py.File(path, "r").close()
        except OSError:
            advice = "delete it and make it again, as by posecut analyze-videos"
            found.add(path, f"{path} is not a readable .h5 (it may be cut off); {advice}.")


def check_sums(root: Path, found: Findings) -> None:
    """Hold every file against its sum of the last check, and keep the sums for the next one where that is possible."""
    try:
        new = sums_of(root)
    except OSError as error:
        found.add(error.filename or root, f"Cannot read {error.filename} ({error.strerror}); check the disk.")
        return
    found.count("files", len(new))
    old = {}
    try:
        old = read_sums(root)
    except PosecutError as error:
        found.add(sums_path(root), str(error))
    changed = compare_sums(old, new)
    for name in changed:
        found.add(
            root / name,
            f"{root / name} changed since the last check although nobody wrote to it, as on a failing disk; restore it "
            "from a copy.",
        )
    missing = missing_files(old, new)
    for name in missing:
        found.add(
            root / name,
            f"{root / name} was there at the last check and is gone; restore it from a copy, or delete "
            f"{sums_path(root)} if it was meant to go.",
        )
    told = {name: old[name] for name in old if name in changed or name.startswith(missing)}
    try:
        write_sums(root, {**new, **told})
    except StorageError:
        return  # the project may only be read
