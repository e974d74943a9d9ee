"""Where everything of a project lies on disk. No other module joins project paths.

<Task>-<scorer>-<YYYY-MM-DD>/
config.yaml  posecut.yaml  bodyparts.jsonl  videos/
labeled-data/<video>/{frames.zarr, labels.jsonl, labels-<revision>.json, CollectedData_<scorer>.csv/.h5, img*.png,
    images.json, images-read.json}
training-datasets/iteration-<k>/
posecut-models/iteration-<k>/<Task><date>-trainset<pct>shuffle<s>/
posecut-models/assistant/
posecut-jobs/proposals.json
evaluation-results-posecut/iteration-<k>/<Task><date>-trainset<pct>shuffle<s>/
posecut-jobs/<job>/    work that a window has started in processes of their own
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from posecut_core.errors import ArgumentError, ProjectError
from posecut_core.project.config import ProjectConfig, training_percent
from posecut_core.storage.disk import fitting_name

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif", ".webp")  # of frames in labeled-data
_WRITTEN = ("labeled-data", "training-datasets", "posecut-models", "evaluation-results-posecut", "posecut-jobs")
_LEVELS = 4  # of folders within them: labeled-data/<video>/frames.zarr/<array>

_SNAPSHOT = re.compile(r"snapshot-(\d{6,})")


def jobs_folder(root: Path) -> Path:
    """Return `Project.jobs` of a project that need not be opened: what runs is there also if config.yaml is damaged."""
    return root / "posecut-jobs"


def refuse_links(root: Path) -> None:
    """Refuse a project that would write elsewhere: one of its folders is a link that leads out of it.

    Videos and images may lie anywhere; they are only read.

    Raises:
        ProjectError: there is such a link.
    """
    real = os.path.realpath(root)
    for top in _WRITTEN:
        for link in _links(root / top, levels=_LEVELS):
            leads = os.path.realpath(link)
            if not leads.startswith(real + os.sep):
                raise ProjectError(f"{link} is a link to {leads}, {_led_out(link)}")


def _led_out(link: Path) -> str:
    """Say what is wrong with a link out of the project, and what to put in its place."""
    if link.exists():
        return (
            "outside the project, expected a folder in it, because PoseCut would write there; put the folder itself in "
            "the place of the link."
        )
    return (
        "which is not there and outside the project, expected a file or folder in it, because PoseCut would write "
        "there; put what it led to in the place of the link, or remove the link if that is not needed."
    )


def _links(folder: Path, *, levels: int) -> Iterator[Path]:
    """Yield a folder and those below it that are links to folders or lead nowhere; images of frames do not count."""
    if folder.is_symlink():
        yield folder
    elif levels and folder.is_dir():
        with os.scandir(folder) as entries:
            inner = [Path(entry.path) for entry in entries if entry.is_symlink() or entry.is_dir(follow_symlinks=False)]
        for path in inner:
            if levels < _LEVELS and path.name.strip().lower().endswith(IMAGE_SUFFIXES):
                continue
            if path.is_dir() or not path.exists():
                yield from _links(path, levels=levels - 1)


@dataclass(frozen=True)
class Project:
    """An opened project: its folder and what config.yaml says."""

    root: Path
    config: ProjectConfig

    def __fspath__(self) -> str:
        """Return the path of config.yaml, so that a project can be given to every step."""
        return str(self.config_path)

    @property
    def config_path(self) -> Path:
        """Return the path of config.yaml."""
        return self.root / "config.yaml"

    @property
    def settings_path(self) -> Path:
        """Return the path of posecut.yaml."""
        return self.root / "posecut.yaml"

    @property
    def settings_lock(self) -> Path:
        """Return the path of the lock of posecut.yaml."""
        return self.root / "posecut.lock"

    @property
    def bodypart_journal(self) -> Path:
        """Return the path of the journal of bodyparts' names."""
        return self.root / "bodyparts.jsonl"

    @property
    def bodypart_lock(self) -> Path:
        """Return the path of the lock of bodyparts' names."""
        return self.root / "bodyparts.lock"

    @property
    def videos(self) -> Path:
        """Return the folder of links to videos, or of copies."""
        return self.root / "videos"

    @property
    def jobs(self) -> Path:
        """Return the folder that holds one folder per job of a window."""
        return jobs_folder(self.root)

    @property
    def labeled_data(self) -> Path:
        """Return the folder that holds one folder per video."""
        return self.root / "labeled-data"

    def frame_folder(self, video: str) -> Path:
        """Folder of a video's extracted frames; `video` is the file's stem."""
        return self.labeled_data / video

    def frame_store(self, video: str) -> Path:
        """Return the path of a video's extracted frames."""
        return self.frame_folder(video) / "frames.zarr"

    def collected_data(self, video: str, suffix: str = ".h5") -> Path:
        """Return the path of a video's labels in DeepLabCut's layout."""
        return self.frame_folder(video) / f"CollectedData_{self.config.scorer}{suffix}"

    def label_journal(self, video: str) -> Path:
        """Return the path of the journal of a video's labels."""
        return self.frame_folder(video) / "labels.jsonl"

    def label_lock(self, video: str) -> Path:
        """Return the path of the lock of a video's labels."""
        return self.frame_folder(video) / "labels.lock"

    def checked_labels(self, video: str) -> Path:
        """Return the folder of a video's check images."""
        return self.labeled_data / fitting_name(video, "_labeled")

    @property
    def training_datasets(self) -> Path:
        """Return the folder of this iteration's splits."""
        return self.root / "training-datasets" / f"iteration-{self.config.iteration}"

    @property
    def unfinished_datasets(self) -> Path:
        """Return the path of what a creation of training datasets keeps until it is done."""
        return self.training_datasets / "unfinished.json"

    @property
    def unfinished_outliers(self) -> Path:
        """Return the path of what an extraction of outliers keeps until it is done."""
        return self.root / "posecut-unfinished-outliers.json"

    def training_fraction(self, trainingsetindex: int) -> float:
        """Return the entry of TrainingFraction that an index stands for.

        Raises:
            ArgumentError: config.yaml has no such training fraction.
        """
        fractions = self.config.training_fractions
        if not 0 <= trainingsetindex < len(fractions):
            known = ", ".join(f"{index} for {fraction:g}" for index, fraction in enumerate(fractions))
            raise ArgumentError(
                f"trainingsetindex is {trainingsetindex}, expected {known}, as TrainingFraction in {self.config_path} "
                "lists them; give one of these or add a fraction there."
            )
        return fractions[trainingsetindex]

    def training_percent(self, trainingsetindex: int) -> int:
        """Return a training fraction as it stands in names: DeepLabCut's truncated percentage.

        Raises:
            ArgumentError: config.yaml has no such training fraction.
        """
        return training_percent(self.training_fraction(trainingsetindex))

    def dataset_name(self, shuffle: int, trainingsetindex: int = 0) -> str:
        """Return `<Task><date>-trainset<pct>shuffle<s>`.

        Raises:
            ArgumentError: config.yaml has no such training fraction.
        """
        percent = self.training_percent(trainingsetindex)
        return f"{self.config.task}{self.config.date}-trainset{percent}shuffle{shuffle}"

    def split_path(self, shuffle: int, trainingsetindex: int = 0) -> Path:
        """Return the path of a shuffle's split."""
        return self.training_datasets / f"{self.dataset_name(shuffle, trainingsetindex)}.yaml"

    @property
    def models(self) -> Path:
        """Return the folder of this iteration's networks, which holds one folder per shuffle."""
        return self.root / "posecut-models" / f"iteration-{self.config.iteration}"

    def model_folder(self, shuffle: int, trainingsetindex: int = 0) -> Path:
        """Return the folder of a shuffle's settings, snapshots and log."""
        return self.models / self.dataset_name(shuffle, trainingsetindex)

    def snapshot_manifest(self, shuffle: int, step: int, trainingsetindex: int = 0) -> Path:
        """Return the file with the hashes of a snapshot: its own hash tells the network from others of its name."""
        return snapshot_folder(self.model_folder(shuffle, trainingsetindex), step) / "snapshot.json"

    def earlier_iterations(self) -> "Iterator[Project]":
        """Give the project as it was in each earlier iteration, the last one first."""
        for iteration in range(self.config.iteration - 1, -1, -1):
            yield replace(self, config=replace(self.config, iteration=iteration))

    @property
    def assistant(self) -> Path:
        """Return the folder of the network that learns while somebody labels."""
        return self.root / "posecut-models" / "assistant"

    @property
    def proposals(self) -> Path:
        """Return the path of what a network proposes for frames that nobody has labelled yet."""
        return self.root / "posecut-jobs" / "proposals.json"

    @property
    def evaluation_results(self) -> Path:
        """Return the folder of this iteration's evaluations."""
        return self.root / "evaluation-results-posecut" / f"iteration-{self.config.iteration}"

    def evaluation_folder(self, shuffle: int, trainingsetindex: int = 0) -> Path:
        """Return the folder of a shuffle's evaluation."""
        return self.evaluation_results / self.dataset_name(shuffle, trainingsetindex)


def snapshot_steps(model_folder: Path) -> tuple[int, ...]:
    """List the steps of the snapshots in `model_folder`, ascending."""
    if not model_folder.is_dir():
        return ()
    matches = (_SNAPSHOT.fullmatch(entry.name) for entry in model_folder.iterdir() if entry.is_dir())
    return tuple(sorted(int(match[1]) for match in matches if match))


def snapshot_folder(model_folder: Path, step: int) -> Path:
    """Return where the snapshot of `step` lies."""
    return model_folder / f"snapshot-{step:06d}"
