"""What doctor checks beside labels: configuration, videos, datasets, networks, results, disk, and sums of all files."""

import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import h5py
from PIL import Image

from posecut_core.assistant.proposals import read_proposals
from posecut_core.dataset.settings import read_settings as read_training_settings
from posecut_core.dataset.split import Split, read_revision, read_split
from posecut_core.errors import AnalysisError, PosecutError, Remedy, StorageError
from posecut_core.evaluation.tables import is_present, read_results
from posecut_core.formats.deeplabcut.frames import frame_name, image_paths, never_extracted
from posecut_core.formats.deeplabcut.images import is_image, read_size
from posecut_core.health import Findings
from posecut_core.inference.view import analyzed_window
from posecut_core.labels.images import frame_window
from posecut_core.labels.notices import odd_skeleton
from posecut_core.labels.table import LabelTable
from posecut_core.model.snapshots import SnapshotInfo, ensemble_scorer, read_info
from posecut_core.plots.colors import colors_of, named_color
from posecut_core.poses.files import prediction_path
from posecut_core.poses.predictions import file_fingerprint, origin_from, read_origin
from posecut_core.project.config import (
    ProjectConfig,
    bones_between,
    entry_of,
    is_placeholder,
    parse_config,
    repairs,
    video_entry,
    video_stem,
)
from posecut_core.project.opening import frame_folders, holds_frames, project_videos, refuse_other_video
from posecut_core.project.paths import Project, Training, jobs_folder, refuse_links
from posecut_core.project.state import VideoRecord, read_state
from posecut_core.storage.files import file_sha256, fingerprint, parse_json, read_text, write_text
from posecut_core.storage.yaml_files import load_mapping, read_yaml
from posecut_core.training.dataset import check_net_type
from posecut_core.types import Crop
from posecut_core.video.frame_store import numbers_in
from posecut_core.video.index import VideoIndex, gap_sentences, index_video
from posecut_core.video.writer import comment_of

# --- file sums --------------------------------------------------------------------------------------------------------
# SHA-256 sums of a project's files, kept from one check to the next: a file that changed although nobody wrote to it.
#
# `posecut-sums.json` has each file's size, time of writing and sum. A file whose size and time are as before and whose
# content is not was changed by the disk, not by a program. What was written since is taken as it is.


SCHEMA = 1
_KEPT = re.compile(r"labeled-data/[^/]+/(labels\.jsonl|CollectedData_[^/]+)$|posecut\.yaml$")
_PASSING = (".lock", ".lock-holder.json")


@dataclass(frozen=True)
class FileSum:
    """One file as it was at the last check."""

    size: int  # bytes
    written: int  # nanoseconds
    sha256: str


def compare_sums(old: dict[str, FileSum], new: dict[str, FileSum]) -> tuple[str, ...]:
    """Return the files whose content changed while size and time of writing did not."""
    return tuple(
        name
        for name, now in new.items()
        if (before := old.get(name))
        and (before.size, before.written) == (now.size, now.written)
        and before.sha256 != now.sha256
    )


def missing_files(old: dict[str, FileSum], new: dict[str, FileSum]) -> tuple[str, ...]:
    """Return what is gone of labels and settings since the last check, and nothing that is left could tell or restore.

    That is a video's folder, a journal without a snapshot beside it, a CollectedData file without a journal, or
    posecut.yaml.
    """
    gone = [name for name in old if name not in new and _KEPT.match(name)]
    found = []
    for name in gone:
        folder, _, file = name.rpartition("/")
        if not folder:
            found.append(name)
            continue
        left = [other.removeprefix(f"{folder}/") for other in new if other.startswith(f"{folder}/")]
        if not left:
            found.append(folder)
        elif not any(other.startswith("labels-0" if file == "labels.jsonl" else "labels.jsonl") for other in left):
            found.append(name)
    return tuple(dict.fromkeys(found))


def sums_of(root: Path) -> dict[str, FileSum]:
    """Return path below `root` -> sum of all files in a project; links, locks and what jobs write are left out.

    Raises:
        OSError: a file cannot be read.
    """
    found, jobs = {}, jobs_folder(root)
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_relative_to(jobs) or path.is_symlink() or not path.is_file():
            continue
        if name.endswith(_PASSING) or path == sums_path(root):
            continue
        status = path.stat()
        found[name] = FileSum(status.st_size, status.st_mtime_ns, file_sha256(path))
    return found


def read_sums(root: Path) -> dict[str, FileSum]:
    """Read the sums of the last check; none where there was none.

    Raises:
        PosecutError: the file has changed since it was written.
    """
    path = sums_path(root)
    if not path.exists():
        return {}
    try:
        text = read_text(path)
        content = parse_json(text)
        files = {name: FileSum(*values) for name, values in content["files"].items()}
        if text != _signed(files):
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PosecutError(
            f"{path} has changed since it was written; delete it, and the next check starts over."
        ) from error
    return files


def write_sums(root: Path, sums: dict[str, FileSum]) -> None:
    """Keep the sums for the next check.

    Raises:
        StorageError: the disk refuses.
    """
    write_text(sums_path(root), _signed(sums))


def sums_path(root: Path) -> Path:
    """Return where the sums of a project are kept."""
    return root / "posecut-sums.json"


def _signed(files: dict[str, FileSum]) -> str:
    values = {name: [one.size, one.written, one.sha256] for name, one in files.items()}
    body = json.dumps({"schema": SCHEMA, "files": values}, indent=0)
    return f'{body[:-2]},\n"sha256": "{hashlib.sha256(body.encode()).hexdigest()}"\n}}\n'


# --- project checks ---------------------------------------------------------------------------------------------------
# What `doctor` looks at beside labels: configuration, videos, training datasets, networks, results, disk.


_LAST_KEY = "move2corner"  # of config.yaml, as DeepLabCut writes it too
_ROOM = 200 * 2**20  # bytes on the disk that steps need at least
_FILES = re.compile(
    r".+\.(csv|h5|html|json|jsonl|png|yaml|mp4|lock)"
)  # names that PoseCut gives to files, never folders
_LEFT = re.compile(r"\..+-[a-z0-9_]{8}\.partial(\.\w+)?|\.snapshot-\d+\.partial")  # of writing that was killed
_OWN = re.compile(r".*PoseCut_[a-z][a-z0-9]*_.+|CombinedEvaluation-results\.csv|report\.html|log\.csv")  # of results
_HEAD = 2**16  # bytes of a table that are looked at


def check_tree(root: Path, found: Findings) -> bool:
    """Look for what no file of a project can be; tell whether steps would wait for it forever, or be led elsewhere."""
    waits = True
    with found.about(root):
        refuse_links(root)
        waits = False
        for path in _everything(root):
            mode = path.lstat().st_mode
            if path.parent.parent == root / "labeled-data" and is_image(path.name):
                if not path.is_file():
                    with found.about(path):
                        read_size(path)  # says what is in the image's place; steps leave it out
            elif stat.S_ISLNK(mode) and not path.exists():
                _tell_dead_link(path, found)
            elif stat.S_ISDIR(mode) and _FILES.fullmatch(path.name) and path.parent.name not in _FOLDERS_OF_VIDEOS:
                found.add(path, f"{path} is a folder, expected a file; delete it, and restore the file from a copy.")
            elif not (stat.S_ISREG(path.stat().st_mode) or stat.S_ISDIR(path.stat().st_mode)):
                waits = True
                found.add(path, f"{path} is a device or a pipe, expected a file; delete it.")
            if _LEFT.fullmatch(path.name) and path.parent.parent.name != "labeled-data":  # else told with the labels
                problem = f"{path} is a leftover of a program that was killed, unless one is writing it now"
                found.add(path, f"{problem}; delete it.", harmless=True)
    return waits


_FOLDERS_OF_VIDEOS = ("labeled-data", "plot-poses")  # whose folders are named after videos, whatever these are called


def _tell_dead_link(path: Path, found: Findings) -> None:
    problem = f"{path} is a link to {os.readlink(path)}, which does not exist"
    found.add(path, f"{problem}; delete it, and restore its target if it is needed.")


def _everything(root: Path) -> Iterator[Path]:
    """Go through all entries of a project, but not into frame stores and jobs, whose insides are checked by others."""
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        yield from (here / name for name in sorted([*folders, *files]))
        folders[:] = [name for name in folders if not name.endswith(".zarr") and here / name != jobs_folder(root)]


def check_config(path: Path, found: Findings) -> ProjectConfig | None:
    """Look at config.yaml, and return it with paths repaired in memory; None where it cannot be used."""
    found.count("settings files")
    with found.about(path):
        text = read_yaml(path)
        values = load_mapping(text, path)
        config = parse_config({**values, **repairs(values, path.parent)}, path)
        _check_end(path, text, found, whole=_LAST_KEY in values)
        return config
    return None


def _check_end(path: Path, text: str, found: Findings, *, whole: bool = True) -> None:
    """Tell of settings that may be cut off: what they leave out has its default, which nobody chose."""
    if text.strip() and not text.endswith(("\n", "\r")):
        found.add(
            path,
            f"{path} ends within a line, so it may be truncated; restore it from a copy if lines are missing, else "
            "end its last line with a line break.",
            harmless=whole,
        )


def check_settings(project: Project, found: Findings) -> None:
    """Look for values in config.yaml that it may have, but that will stop a step later on."""
    path, config = project.config_path, project.config
    with found.about(path):
        check_net_type(project)
    with found.about(path):
        colors_of(config.colormap, 1)
    with found.about(path):
        named_color(config.skeleton_color)
    odd = odd_skeleton(project)
    if odd:
        found.add(path, f"{odd}.", harmless=bool(bones_between(config.bodyparts, config.skeleton)))
    with found.about(path):
        for training in project.trainings():
            if training.settings.exists() and training.snapshots:
                training.chosen_steps(None)
    _check_fractions(project, found)


def _check_fractions(project: Project, found: Findings) -> None:
    """Name networks of training fractions that config.yaml no longer lists: no step can be told of them."""
    trainings = [one for one in project.trainings() if one.shuffle and one.settings.exists() and one.snapshots]
    unlisted = [one for one in trainings if project.trainingsetindex(one.percent) is None]
    for training in unlisted:
        fraction = training.percent / 100
        found.add(
            project.config_path,
            f"{training.folder} holds a network of training fraction {fraction:g}, which TrainingFraction in "
            f"{project.config_path} does not list; add {fraction:g} there again to use that network.",
            harmless=len(unlisted) < len(trainings),
        )


def check_videos(project: Project, found: Findings) -> None:
    """Look at posecut.yaml, and whether each video is there, can be read, and is the one that was added."""
    found.count("settings files", int(project.settings_path.exists()))
    records: dict[str, VideoRecord] = {}
    with found.about(project.settings_path):
        records = dict(read_state(project.settings_path).videos)
        if project.settings_path.exists():
            _check_end(project.settings_path, read_yaml(project.settings_path), found)
    _check_doubles(project, found)
    for video, crop in project.config.video_sets.items():
        found.count("videos")
        path, record = Path(video), records.get(video_stem(video))
        index = None
        if not os.path.isfile(path):
            found.add(path, _missing_video(project, path))
        else:
            with found.about(path):
                refuse_other_video(project, path, record)
                index = index_video(path)
                for sentence in gap_sentences(tuple(gap for gap in index.gaps if not gap.empty)):
                    found.add(path, f"{path}: {sentence}.", harmless=True)
        size = (index.width, index.height) if index else (record.width, record.height) if record else None
        if size:
            _check_crop(project, video, crop, size, found)
        if index and project.config.crop:
            _check_window(project, project.config.crop, index, found)


def _missing_video(project: Project, path: Path) -> str:
    if is_placeholder(str(path)):  # as DeepLabCut's demonstration has them
        return f"video_sets in {project.config_path} lists {path}, which is not a file name; {_in_place(project)}."
    there = project.videos / path.name
    if os.path.islink(there):  # putting a file there would follow the link; a name may be too long for a file
        return f"Video {path} is missing, and the link {there} is broken; delete the link, and put the video there."
    return f"Video {path} is missing; put it into {project.videos} under the same name."


def _in_place(project: Project) -> str:
    """Say what to do about words among videos: folders of frames count through them, and would not without."""
    listed = {video_stem(video) for video in project.config.video_sets}
    waiting = [folder for folder in frame_folders(project) if folder.name not in listed and holds_frames(folder)]
    if not waiting:
        return f"put the recording into {project.videos}, or remove that entry there"
    names = ", ".join(folder.name for folder in waiting)
    values = load_mapping(read_yaml(project.config_path), project.config_path)
    stood_for = (
        (video, crop)
        for video, crop in project.config.video_sets.items()
        if os.path.isfile(video) and entry_of(video, values, project.root) is None
    )
    missing = ((str(project.videos / f"{one.name}.mp4"), frame_window(project, one.name)) for one in waiting)
    lines = [
        f"{json.dumps(video, ensure_ascii=False)}: {json.dumps(video_entry(crop))}"
        for video, crop in (*stood_for, *missing)
    ]
    written = "` and, below it, `".join(lines)
    return (
        f"the labels and frames of {names} are used only as long as that entry exists; put the recording into "
        f"{project.videos} under the name of that folder, or write in place of that entry `{written}`"
    )


def _check_doubles(project: Project, found: Findings) -> None:
    """Name videos whose frames and labels would share a folder, recordings listed twice, and what is no recording."""
    by_stem: dict[str, str] = {}
    by_content: dict[tuple[int, str], str] = {}
    path = project.config_path
    for video in project.config.video_sets:
        stem = video_stem(video)
        if stem.startswith(".") or stem.endswith("_labeled"):
            kind = "a macOS metadata file" if stem.startswith(".") else "a labeled video"
            found.add(path, f"video_sets in {path} lists {video}, {kind}, expected recordings; remove its entry there.")
        if stem in by_stem:
            advice = _remedy(project, "rename one of the files, and its entry there, or remove that entry", video)
            found.add(
                path,
                f"video_sets in {path} lists {by_stem[stem]} and {video}, expected different names, because the "
                f"frames and labels of both would be in {project.frame_folder(stem)}; {advice}.",
            )
        by_stem.setdefault(stem, video)
        with suppress(OSError):  # told as missing
            other = by_content.setdefault(fingerprint(Path(video)), video)
            if video_stem(other) != stem:
                problem = f"video_sets in {path} lists one recording twice, as {other} and {video}"
                advice = _remedy(project, "remove one of the two entries there", video, other)
                found.add(
                    path,
                    f"{problem}: the same frames would be used for training and for testing; {advice}.",
                    harmless=True,
                )


def _remedy(project: Project, about_entries: str, *videos: str) -> str:
    """Say what to do about entries of config.yaml, or about files that have none, as words in it stand for them."""
    values = load_mapping(read_yaml(project.config_path), project.config_path)
    unlisted = [video for video in videos if entry_of(video, values, project.root) is None]
    if not unlisted:
        return about_entries
    video = min(unlisted, key=lambda one: holds_frames(project.frame_folder(video_stem(one))))
    return f"{video} has no entry of its own there, but a pattern matches it; move it out of {project.videos}"


def _check_crop(project: Project, video: str, crop: Crop | None, size: tuple[int, int], found: Findings) -> None:
    width, height = size
    if crop and not crop.lies_in(width, height):
        path = project.config_path
        found.add(
            path,
            f"The crop of {video} in {path} is x {crop.x1} to {crop.x2}, y {crop.y1} to {crop.y2}, expected it within "
            f"the frame of {width} x {height} pixels; correct it there.",
        )


def _check_window(project: Project, crop: Crop, index: VideoIndex, found: Findings) -> None:
    try:
        analyzed_window(crop, index, index.path)
    except AnalysisError as error:
        found.add(project.config_path, error)


def check_datasets(project: Project, found: Findings) -> None:
    """Look at the splits of all iterations, their label revisions, settings and pictures."""
    for training in (training for each in project.iterations() for training in each.trainings()):
        path = training.split
        if not path.exists():
            continue
        found.count("training datasets")
        with found.about(path):
            split = read_split(path)
            with found.about(path.parent / split.labels):
                tables = read_revision(path.parent / split.labels)
                if training.project == project:  # what earlier iterations used may have gone
                    _check_dataset(training, split, tables, found)


def _check_dataset(training: Training, split: Split, tables: Mapping[str, LabelTable], found: Findings) -> None:
    project, path = training.project, training.split
    frames = (*split.train, *split.test)
    lost = [ref for ref in frames if ref.video not in tables or ref.number not in tables[ref.video].numbers]
    if lost:
        found.add(
            path,
            f"{path} names {frame_name(project, lost[0])}, of which {split.labels} beside it has no labels; restore it "
            "from a copy.",
        )
        return
    if not training.settings.exists() and not training.snapshots:  # else told with the network
        with found.about(training.settings):
            read_training_settings(training.settings)
    for video in sorted({ref.video for ref in frames}):
        with found.about(project.frame_store(video)):
            store = project.frame_store(video)
            stored = {*image_paths(project, video)}  # every step takes them over
            stored |= {*numbers_in(store)}
            absent = sorted(ref.number for ref in frames if ref.video == video and ref.number not in stored)
            if absent and all(finding.path != store for finding in found.wrong):  # else told with the labels
                found.add(store, never_extracted(project, video, absent))


@dataclass(frozen=True)
class KnownNetwork:
    """A network that is there, for results that name it."""

    sha256: str  # of the snapshot's manifest
    arguments: Mapping[str, int | bool] | None  # that tell a step of it; none where it is of another iteration


def check_networks(project: Project, found: Findings) -> dict[str, KnownNetwork]:
    """Look at the settings, the split and every file of every snapshot, by its SHA-256; return networks by scorer."""
    networks: dict[str, KnownNetwork] = {}
    first = (training for each in project.iterations() for training in each.trainings())
    for training in (network for one in first for network in one.networks()):
        steps, settings = training.snapshots, training.settings
        if settings.exists():
            found.count("settings files")
            with found.about(settings):
                read_training_settings(settings)
                _check_whole(settings, found)
        for path in (settings, training.split):
            if not path.exists() and (steps or settings.exists()):
                used = "with which a network was trained" if steps else f"with which {training.name} is to be trained"
                found.add(path, f"{path} is missing, {used}; restore it from a copy.")
        for step in steps:
            found.count("network snapshots")
            with found.about(training.snapshot(step)):
                info = read_info(training.snapshot(step))
                if training.network == 1:
                    networks |= _known_networks(project, training, info)
    return networks


def _known_networks(project: Project, training: Training, info: SnapshotInfo) -> dict[str, KnownNetwork]:
    """Return the network of a snapshot, and the ensemble that it is part of."""
    step, arguments = info.step, _arguments(project, training, info.step)
    known = {info.scorer: KnownNetwork(training.sha256(step), arguments)}
    with suppress(PosecutError, OSError):
        together = None if arguments is None else {**arguments, "ensemble": True}
        sha256 = training.sha256(step, ensemble=True)
        known[ensemble_scorer(info, training)] = KnownNetwork(sha256, together)
    return known


def _arguments(project: Project, training: Training, step: int) -> dict[str, int] | None:
    index = project.trainingsetindex(training.percent)
    if training.project != project or not training.shuffle or index is None:
        return None
    return {"shuffle": training.shuffle, "trainingsetindex": index, "snapshot": step}


def _check_whole(settings: Path, found: Findings) -> None:
    """Name settings whose last lines are gone: what they leave out has its default, which nobody chose."""
    if "seed" not in load_mapping(read_yaml(settings), settings):
        found.add(settings, f"{settings} lacks the setting seed, so it may be truncated; restore it from a copy.")


def check_results(project: Project, networks: Mapping[str, KnownNetwork], found: Findings) -> None:
    """Look whether predictions, evaluations and figures can be opened, and came from the networks that are there."""
    known = {path.resolve() for path in project_videos(project).values()}
    for path in _everything(project.root):
        inside = path.is_relative_to(project.labeled_data) or path.is_relative_to(project.training_datasets.parent)
        if inside or not os.path.isfile(path) or path.resolve() in known or path.name.startswith("."):
            continue
        if path.suffix == ".h5" or _OWN.fullmatch(path.name):
            found.count("results")
            with found.about(path):
                problem = _unreadable(path)
                if problem:
                    again = _made_again(project, path, networks)
                    advice = "delete it and make it again" if again else "delete it"
                    found.add(path, f"{path} is not a readable {path.suffix} ({problem}); {advice}.", *again)
                else:
                    _check_origin(project, path, networks, found)


def _check_origin(project: Project, path: Path, networks: Mapping[str, KnownNetwork], found: Findings) -> None:
    """Name results of an earlier network of the same name, or of another video of the name."""
    if path.name.endswith("-results.csv"):
        scorer, rows = path.name.removesuffix("-results.csv"), read_results(path)
        network = networks.get(scorer)
        if rows and network and not is_present(rows[-1], network.sha256):
            again = _made_again(project, path, networks)
            advice = "make it again" if again else "delete it"
            found.add(path, f"{path} has the errors of {_EARLIER}; {advice}.", *again, harmless=True)
        return
    drawn = path.suffix == ".mp4"
    origin = origin_from(comment_of(path)) if drawn else read_origin(path) if path.suffix == ".h5" else None
    analysis = origin.analysis if origin else None
    network = networks.get(analysis.scorer) if analysis else None
    if origin is None or analysis is None or network is None:
        return
    video = _video_of(project, path, analysis.scorer)
    why = _EARLIER if network.sha256 != analysis.network else ""
    if not why and video and analysis.video != file_fingerprint(video):
        why = f"another video than {video}, or an earlier version of it"
    if why:
        again = _made_again(project, path, networks)
        advice = "make it again" if again else "delete it"
        found.add(path, f"{path} came from {why}; {advice}.", *again, harmless=drawn)


_EARLIER = "an earlier state of that network, which has been trained again"


def _video_of(project: Project, path: Path, scorer: str) -> Path | None:
    """Return the project's video of which a file holds results; None where it is of another."""
    videos = (video for video in project_videos(project).values() if os.path.isfile(video))
    return next((one for one in videos if path.name.startswith(prediction_path(one, scorer).stem)), None)


def _made_again(project: Project, path: Path, networks: Mapping[str, KnownNetwork]) -> tuple[Remedy, ...]:
    """Return the step that makes a result again; none where its network or its video is not there."""
    drawn = path.suffix == ".png" and path.parent.parent.name == "plot-poses"
    made = path.parent if drawn else path  # figures are in a folder of the name that else the file has
    scorer = max((name for name in networks if name in made.name), key=len, default="")
    evaluated = path.relative_to(project.root).parts[0].startswith("evaluation-results")
    arguments = networks[scorer].arguments if scorer else {} if evaluated else None
    if arguments is None:
        return ()
    named: dict[str, object] = dict(arguments)
    if evaluated:
        named |= {"snapshots": named.pop("snapshot")} if named else {}
        return (Remedy("evaluate_network", config=project.root, **named),)
    video, folder = _video_of(project, made, scorer), made.parent.parent if drawn else made.parent
    if video is None:
        return ()
    filtered = "_filtered" in made.stem.removeprefix(f"{video.stem}{scorer}")
    step = "filterpredictions" if filtered else "analyze_videos"
    if made.name.endswith("_outliers.csv"):
        step = "extract_outlier_frames"
    elif drawn or path.suffix == ".mp4" or path.stem.endswith("_skeleton"):
        step = "plot_trajectories" if drawn else "create_labeled_video" if path.suffix == ".mp4" else "analyzeskeleton"
        named |= {"filtered": True} if filtered else {}
    named |= {} if folder == video.parent else {"destfolder": folder}
    named |= {"save_as_csv": True} if step.startswith("analyze") and path.suffix == ".csv" else {}
    return (Remedy(step, config=project.root, videos=[os.fspath(video)], **named),)


def _unreadable(path: Path) -> str:
    """Say why a result cannot be read, as far as a look at it tells; "" where it can."""
    try:
        if path.suffix == ".h5":
            h5py.File(path, "r").close()
        elif path.suffix == ".png":
            with Image.open(path) as image:
                image.load()
        elif path.suffix in (".csv", ".html"):
            return _torn_text(path)
        elif path.suffix == ".mp4":
            index_video(path)
    except (OSError, ValueError, SyntaxError, PosecutError):
        return "it may be truncated"
    return ""


def _torn_text(path: Path) -> str:
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
        stream.seek(max(0, size - 1))
        ends = stream.read(1)
    if not head.strip():
        return "it is empty"
    if b"\0" in head or "\ufffd" in head[: _HEAD // 2].decode("utf-8", errors="replace").rstrip("\ufffd"):
        return "it is not UTF-8 text"
    return "" if ends in (b"\n", b"\r", b">") else "it ends within a line"


def check_jobs(project: Project, found: Findings) -> None:
    """Look at what a window's jobs left to be read: the proposals of labels."""
    if project.proposals.is_symlink() and not project.proposals.exists():
        _tell_dead_link(project.proposals, found)
    elif project.proposals.exists():
        with found.about(project.proposals):
            read_proposals(project.proposals)


def check_disk(root: Path, found: Findings) -> None:
    """Look whether the disk has room, and folders may be written to."""
    with found.about(root):
        free = shutil.disk_usage(root).free
        if free < _ROOM:
            found.add(
                root,
                f"The disk of {root} has {free // 2**20} MB left, expected at least {_ROOM // 2**20} MB; free some "
                "space.",
            )
        if not os.access(root, os.W_OK):
            found.add(
                root,
                f"{root} is read-only; change its permissions.",
                harmless=True,
            )
            return
        for path in _everything(root):
            if path.is_dir() and not os.access(path, os.W_OK | os.X_OK):
                found.add(path, f"{path} is read-only, but PoseCut must write to it; change its permissions.")


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
        found.add(sums_path(root), error)
    changed = compare_sums(old, new)
    for name in changed:
        found.add(
            root / name,
            f"{root / name} changed since the last check although no program wrote to it; the disk may be failing; "
            "restore it from a copy.",
        )
    missing = missing_files(old, new)
    for name in missing:
        found.add(
            root / name,
            f"{root / name} has disappeared since the last check; restore it from a copy, or delete {sums_path(root)} "
            "if that was intended.",
        )
    told = {name: old[name] for name in old if name in changed or name.startswith(missing)}
    try:
        write_sums(root, {**new, **told})
    except StorageError:
        return  # the project may only be read
