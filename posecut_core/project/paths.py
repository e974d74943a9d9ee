"""Where everything of a project lies on disk. No other module joins project paths.

<Task>-<scorer>-<YYYY-MM-DD>/
config.yaml  posecut.yaml  cameras.yaml  cameras-replaced.yaml  bodyparts.jsonl  label-agreement.csv  videos/
labeled-data/<video>/{frames.zarr, labels.jsonl, labels-<revision>.json, CollectedData_<scorer>.csv/.h5, img*.png,
    images.json, images-read.json}
training-datasets/iteration-<k>/
posecut-models/iteration-<k>/<Task><date>-trainset<pct>shuffle<s>/{settings.yaml, log.csv, snapshot-<step>/}
posecut-models/iteration-<k>/<Task><date>-trainset<pct>shuffle<s>/network-<n>/    the same of further networks
posecut-models/assistant/
posecut-jobs/proposals.json
evaluation-results-posecut/iteration-<k>/<Task><date>-trainset<pct>shuffle<s>/
exported-models-posecut/    networks for use without the project
posecut-jobs/<job>/    work that a window has started in processes of their own
"""

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from posecut_core.errors import ArgumentError, ModelError, ProjectError, Remedy
from posecut_core.project.config import ProjectConfig, training_percent
from posecut_core.storage.disk import fitting_name
from posecut_core.storage.files import file_sha256
from posecut_core.types import RunName

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif", ".webp")  # of frames in labeled-data
_RESULTS = ("evaluation-results-posecut", "exported-models-posecut")
_WRITTEN = ("labeled-data", "training-datasets", "posecut-models", *_RESULTS, "posecut-jobs")
_USUAL_ENSEMBLE = 3  # networks
_DATASETS = ("*.yaml", "UnaugmentedDataSet*")  # our splits, DeepLabCut's folder
_LEVELS = 4  # of folders within them: labeled-data/<video>/frames.zarr/<array>

CREATED = ("videos", "labeled-data", "training-datasets")  # folders of a new project
MANIFEST = "snapshot.json"  # hashes of the files of a snapshot
ENGINES = "engines.json"  # in a snapshot: how far engines are from the reference
QUANTIZED = "int8.npz"  # in a snapshot: its network, quantized
RESULTS = "-results.csv"  # ends the names of tables of errors
_SNAPSHOT = re.compile(r"snapshot-(\d{6,})")
_FURTHER_NETWORK = re.compile(r"network-([2-9]|[1-9]\d+)")


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
            "outside the project, expected a folder inside it because PoseCut writes there; replace the link by the "
            "folder itself."
        )
    return (
        "which does not exist and is outside the project, expected a file or folder inside it because PoseCut writes "
        "there; replace the link by its target, or remove it if it is not needed."
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
    def cameras(self) -> Path:
        """Return the path of the calibrated cameras."""
        return self.root / "cameras.yaml"

    @property
    def replaced_cameras(self) -> Path:
        """Return the path of the cameras that others were put in the place of; earlier ones have numbers."""
        return self.root / "cameras-replaced.yaml"

    @property
    def calibration_picture(self) -> Path:
        """Return the path of the picture of the calibration's residuals."""
        return self.root / "cameras.png"

    @property
    def label_agreement(self) -> Path:
        """Return the path of the table of how far two people's labels lie apart."""
        return self.root / "label-agreement.csv"

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

    def frame_notes(self, video: str) -> Path:
        """Return the path of the journal of notes on a video's frames."""
        return self.frame_folder(video) / "notes.jsonl"

    def notes_lock(self, video: str) -> Path:
        """Return the path of the lock of these notes."""
        return self.frame_folder(video) / "notes.lock"

    def checked_labels(self, video: str) -> Path:
        """Return the folder of a video's check images."""
        return self.labeled_data / fitting_name(video, "_labeled")

    @property
    def training_datasets(self) -> Path:
        """Return the folder of this iteration's splits."""
        return self.root / "training-datasets" / f"iteration-{self.config.iteration}"

    @property
    def has_training_dataset(self) -> bool:
        """Tell whether this iteration has a training dataset, ours or DeepLabCut's."""
        return any(found for pattern in _DATASETS for found in self.training_datasets.glob(pattern))

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
                f"trainingsetindex is {trainingsetindex}, expected {known}, an index into TrainingFraction in "
                f"{self.config_path}; give one of these or add a fraction there."
            )
        return fractions[trainingsetindex]

    def training(self, shuffle: int = 1, trainingsetindex: int = 0) -> "Training":
        """Return where the training of a shuffle lies.

        Raises:
            ArgumentError: config.yaml has no such training fraction.
        """
        percent = training_percent(self.training_fraction(trainingsetindex))
        return Training(self, f"{self._training_prefix}{percent}shuffle{shuffle}", shuffle, percent)

    def trainings(self) -> "list[Training]":
        """List the trainings of this iteration that have a split or a folder, ordered by name."""
        folders = self.models.iterdir() if self.models.is_dir() else ()
        names = {path.name for path in folders if path.is_dir()}
        names |= {path.stem for path in self.training_datasets.glob("*.yaml")}
        return [Training(self, name, *self._numbers(name)) for name in sorted(names)]

    def trainingsetindex(self, percent: int) -> int | None:
        """Return the place of a training fraction, in percent, in TrainingFraction; None if it is not listed."""
        percents = [training_percent(fraction) for fraction in self.config.training_fractions]
        return percents.index(percent) if percent in percents else None

    @property
    def _training_prefix(self) -> str:
        return f"{self.config.task}{self.config.date}-trainset"

    def _numbers(self, name: str) -> tuple[int, int]:
        found = re.fullmatch(re.escape(self._training_prefix) + r"(\d+)shuffle([1-9]\d*)", name)
        return (int(found[2]), int(found[1])) if found else (0, 0)

    @property
    def models(self) -> Path:
        """Return the folder of this iteration's networks, which holds one folder per shuffle."""
        return self.root / "posecut-models" / f"iteration-{self.config.iteration}"

    def at_iteration(self, iteration: int) -> "Project":
        """Return the project as it was, or will be, in another iteration."""
        return replace(self, config=replace(self.config, iteration=iteration))

    def iterations(self) -> "list[Project]":
        """Return the project as it was in each iteration that has datasets or networks, the first one first."""
        found = [
            path.name for folder in (self.training_datasets, self.models) for path in folder.parent.glob("iteration-*")
        ]
        numbers = {
            int(name.removeprefix("iteration-")) for name in found if name.removeprefix("iteration-").isdecimal()
        }
        return [self.at_iteration(number) for number in sorted(numbers)]

    @property
    def assistant(self) -> Path:
        """Return the folder of the network that learns while somebody labels."""
        return self.root / "posecut-models" / "assistant"

    @property
    def proposals(self) -> Path:
        """Return the path of what a network proposes for frames that nobody has labeled yet."""
        return self.root / "posecut-jobs" / "proposals.json"

    @property
    def evaluation_results(self) -> Path:
        """Return the folder of this iteration's evaluations."""
        return self.root / "evaluation-results-posecut" / f"iteration-{self.config.iteration}"

    @property
    def exported_models(self) -> Path:
        """Return the folder of exported networks."""
        return self.root / "exported-models-posecut"

    @property
    def exports(self) -> Path:
        """Return the folder of files for other programs."""
        return self.root / "exports"

    @property
    def combined_evaluation(self) -> Path:
        """Return the table of all evaluations of this iteration."""
        return self.evaluation_results / "CombinedEvaluation-results.csv"


Snapshots = int | str | Sequence[int]  # steps, "last" or "all"


@dataclass(frozen=True)
class Training:
    """Where a training lies: its split, settings, log, snapshots and evaluation."""

    project: Project  # in the iteration of the training
    name: str  # <Task><date>-trainset<pct>shuffle<s>
    shuffle: int = 0  # 0: the folder has another name
    percent: int = 0  # of the training fraction, cut to a whole number
    network: int = 1  # which of several networks, that differ in their seeds

    @property
    def run(self) -> RunName:
        """Return its name in those of its networks."""
        config = self.project.config
        return RunName(f"{config.task}{config.date}", self.shuffle, config.iteration, self.percent)

    @property
    def split(self) -> Path:
        """Return the path of its split."""
        return self.project.training_datasets / f"{self.name}.yaml"

    @property
    def folder(self) -> Path:
        """Return the folder of settings, snapshots and log; further networks lie within that of the first one."""
        first = self.project.models / self.name
        return first if self.network == 1 else first / f"network-{self.network}"

    def of_network(self, network: int) -> "Training":
        """Return where another network of the same split lies; the first one is 1."""
        return replace(self, network=network)

    def networks(self) -> "tuple[Training, ...]":
        """List the networks of this split that have been begun, the first one first."""
        folder = self.of_network(1).folder
        entries = folder.iterdir() if folder.is_dir() else ()
        names = (_FURTHER_NETWORK.fullmatch(entry.name) for entry in entries if entry.is_dir())
        return tuple(self.of_network(number) for number in (1, *sorted(int(name[1]) for name in names if name)))

    def ensemble(self, step: int) -> "tuple[Training, ...]":
        """List the networks of this split that give one result together: all of them, each after `step` steps.

        Raises:
            ModelError: there is only one, or one has no snapshot of that step.
        """
        networks = self.networks()
        if len(networks) == 1:
            raise ModelError(
                f"{self.folder} holds one network, expected several for an ensemble; train more of them.",
                Remedy("train_network", shuffle=self.shuffle, seeds=_USUAL_ENSEMBLE),
            )
        lacking = [one.folder for one in networks if step not in one.snapshots]
        if lacking:
            raise ModelError(
                f"Found no snapshot of step {step} in {lacking[0]}, expected one of each of {len(networks)} networks; "
                "train all of them for as many steps, or choose another snapshot.",
                Remedy("train_network", shuffle=self.shuffle, seeds=len(networks)),
            )
        return networks

    @property
    def settings(self) -> Path:
        """Return the path of its settings."""
        return self.folder / "settings.yaml"

    @property
    def log(self) -> Path:
        """Return the path of the table of losses."""
        return self.folder / "log.csv"

    @property
    def snapshots(self) -> tuple[int, ...]:
        """List the training steps of its snapshots, ascending."""
        return snapshot_steps(self.folder)

    def snapshot(self, step: int) -> Path:
        """Return the folder of a snapshot."""
        return snapshot_folder(self.folder, step)

    def manifest(self, step: int) -> Path:
        """Return the file with the hashes of a snapshot: its own hash tells the network from others of its name."""
        return self.snapshot(step) / MANIFEST

    def sha256(self, step: int, *, ensemble: bool = False) -> str:
        """Tell the network of a step, or the ensemble, from others of its name, by the hashes of its weights.

        Raises:
            ModelError: there is no such ensemble.
            OSError: there is no such snapshot.
        """
        if not ensemble:
            return file_sha256(self.manifest(step))
        hashes = "".join(file_sha256(one.manifest(step)) for one in self.ensemble(step))
        return hashlib.sha256(hashes.encode()).hexdigest()

    def evaluation(self, scorer: str) -> "EvaluationFiles":
        """Return where the evaluation of one of its networks lies."""
        return EvaluationFiles(self.project.evaluation_results / self.name, scorer)

    def earlier(self) -> "Iterator[Training]":
        """Yield the training of the same name in each earlier iteration, the last one first."""
        for iteration in range(self.project.config.iteration - 1, -1, -1):
            yield replace(self, project=self.project.at_iteration(iteration))

    def chosen_steps(self, snapshots: Snapshots | None) -> tuple[int, ...]:
        """List the snapshots meant, as numbers of training steps.

        Args:
            snapshots: "last", "all", a number of steps or several; None leaves it to config.yaml's snapshotindex, a
                position in the list of snapshots (-1 is the last), or "all".

        Raises:
            ModelError: there is no such snapshot.
        """
        steps = self.snapshots
        if not steps:
            split = self.settings.exists()
            first = "train it" if split else "create its training dataset and train it"
            raise ModelError(
                f"Found no snapshot in {self.folder}; {first} first, or choose another shuffle.",
                Remedy("train_network" if split else "create_training_dataset"),
            )
        if snapshots is None:
            snapshots = self._by_index(steps)
        if snapshots == "all":
            return steps
        if snapshots == "last":
            return steps[-1:]
        wanted = [snapshots] if isinstance(snapshots, int | str) else list(snapshots)
        chosen = tuple(step for step in wanted if isinstance(step, int) and step in steps)
        if len(chosen) < len(wanted) or not wanted:
            missing = ", ".join(str(step) for step in wanted if step not in chosen) or "(none was given)"
            available = ", ".join(map(str, steps))
            raise ModelError(
                f"Found no snapshot {missing} in {self.folder}; choose among {available}, 'last' and 'all'."
            )
        return chosen

    def _by_index(self, steps: tuple[int, ...]) -> Snapshots:
        if self.project.config.snapshotindex == "all":
            return "all"
        index = int(self.project.config.snapshotindex)
        if not -len(steps) <= index < len(steps):
            raise ModelError(
                f"snapshotindex in config.yaml is {index}, but {self.folder} holds {len(steps)} snapshots; "
                "set it to -1 for the last one."
            )
        return steps[index]


@dataclass(frozen=True)
class EvaluationFiles:
    """Where the results of one evaluated network are."""

    folder: Path
    scorer: str

    @property
    def results(self) -> Path:
        """Return the table of mean errors."""
        return self.folder / f"{self.scorer}{RESULTS}"

    @property
    def bodyparts(self) -> Path:
        """Return the table of errors of each bodypart."""
        return self.folder / f"{self.scorer}-keypoint-results.csv"

    @property
    def frames(self) -> Path:
        """Return the table of errors of each frame."""
        return self.folder / f"{self.scorer}-frame-results.csv"

    @property
    def calibration(self) -> Path:
        """Return the table of how often predictions of a likelihood are right."""
        return self.folder / f"{self.scorer}-calibration.csv"

    @property
    def diagram(self) -> Path:
        """Return the drawing of the same."""
        return self.folder / f"{self.scorer}-calibration.png"

    @property
    def predictions(self) -> Path:
        """Return the predictions of the labeled frames, an .h5."""
        return self.folder / f"{self.scorer}.h5"

    @property
    def report(self) -> Path:
        """Return the page about the network of the training that was evaluated last."""
        return self.folder / "report.html"


def snapshot_steps(model_folder: Path) -> tuple[int, ...]:
    """List the steps of the snapshots in `model_folder`, ascending."""
    if not model_folder.is_dir():
        return ()
    matches = (_SNAPSHOT.fullmatch(entry.name) for entry in model_folder.iterdir() if entry.is_dir())
    return tuple(sorted(int(match[1]) for match in matches if match))


def snapshot_folder(model_folder: Path, step: int) -> Path:
    """Return where the snapshot of `step` lies."""
    return model_folder / f"snapshot-{step:06d}"
