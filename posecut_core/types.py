"""Values that many rooms share: a frame, a window of it, and the names of trainings and networks."""

import re
from dataclasses import dataclass
from typing import Literal

_USUAL_PERCENT = 95  # training fraction of new projects; names leave it out
_NETWORK = re.compile(r"PoseCut_(?P<backbone>[a-z][a-z0-9]*)_(?P<run>.+)_(?P<step>\d+)")
_RUN = re.compile(
    r"(?P<project>.+?)(?:trainset(?P<percent>\d+))?(?:iteration(?P<iteration>\d+))?shuffle(?P<shuffle>\d+)"
    r"(?:ensemble(?P<networks>\d+))?"
)


PLACEHOLDERS = ("bodypart1", "bodypart2", "bodypart3", "objectA")  # bodyparts of a project for which none were named
Mode = Literal["automatic", "manual"]  # of extract_frames: who chooses the frames
Algorithm = Literal["kmeans", "uniform"]  # that chooses frames
OutlierAlgorithm = Literal[
    "jump", "uncertain", "fitting", "pca", "disagreement", "spread", "reprojection", "list", "manual"
]
EngineName = Literal["auto", "xla", "openvino", "openvino-int8"]  # what computes score maps
View = Literal["auto", "above", "side"]  # of the camera; auto: guessed from the labels
ExportFormat = Literal["onnx", "safetensors"]
# Of other programs; `interchange/registry.py` has what each holds.
ReadLabelFormat = Literal["sleap", "coco", "lightning-pose", "deeplabcut", "cvat", "nwb"]
WrittenLabelFormat = Literal["sleap", "sleap-package", "coco", "lightning-pose", "cvat", "nwb"]
ReadPoseFormat = Literal["sleap", "sleap-analysis", "deeplabcut", "nwb", "movement"]
WrittenPoseFormat = Literal["sleap", "sleap-analysis", "nwb", "movement"]
FilterType = Literal["median", "arima", "spline", "kalman"]
Unreviewed = Literal["refuse", "accept", "leave"]  # what becomes of drafts that no person has looked at


@dataclass(frozen=True, order=True)
class FrameRef:
    """A frame: the stem of its video's file name, and the frame's number in that video."""

    video: str
    number: int

    def __str__(self) -> str:
        """Write it as in a sentence; `frame_name` also knows images that are no frame of the video."""
        return f"frame {self.number} of {self.video}"


@dataclass(frozen=True)
class Crop:
    """A window of the full frame in pixels: columns x1 to x2 - 1, rows y1 to y2 - 1."""

    x1: int
    x2: int
    y1: int
    y2: int

    @classmethod
    def of_frame(cls, width: int, height: int) -> "Crop":
        """Return the window that is the whole frame."""
        return cls(0, width, 0, height)

    def lies_in(self, width: int, height: int) -> bool:
        """Tell whether the window holds pixels, and only such of a frame of this size."""
        return 0 <= self.x1 < self.x2 <= width and 0 <= self.y1 < self.y2 <= height


@dataclass(frozen=True)
class RunName:
    """The name of one training, unlike that of any other of its project.

    The training fraction stands in it in percent, not as an index: entries of TrainingFraction may change their places.
    """

    project: str  # <Task><date>
    shuffle: int
    iteration: int = 0
    percent: int = _USUAL_PERCENT
    networks: int = 1  # of the training that give one result together

    def __str__(self) -> str:
        """Write `<Task><date>[trainset<percent>][iteration<k>]shuffle<s>[ensemble<n>]`."""
        fraction = "" if self.percent == _USUAL_PERCENT else f"trainset{self.percent}"
        iteration = f"iteration{self.iteration}" if self.iteration else ""
        together = "" if self.networks == 1 else f"ensemble{self.networks}"
        return f"{self.project}{fraction}{iteration}shuffle{self.shuffle}{together}"

    @classmethod
    def parse(cls, text: str) -> "RunName | None":
        """Read a name; None if it is not that of a training of a project."""
        found = _RUN.fullmatch(text)
        if found is None:
            return None
        iteration, percent = int(found["iteration"] or 0), int(found["percent"] or _USUAL_PERCENT)
        return cls(found["project"], int(found["shuffle"]), iteration, percent, int(found["networks"] or 1))


@dataclass(frozen=True)
class NetworkName:
    """The name of a trained network: the scorer in the tables and names of its results."""

    backbone: str  # letters and digits of its net_type
    run: str  # str(RunName), or the name of a training that belongs to no shuffle
    step: int  # training steps of its checkpoint

    def __str__(self) -> str:
        """Write `PoseCut_<backbone>_<run>_<step>`."""
        return f"PoseCut_{self.backbone}_{self.run}_{self.step}"

    @classmethod
    def of(cls, net_type: str, run: str, step: int) -> "NetworkName":
        """Name a network by the `net_type` of its settings."""
        return cls("".join(filter(str.isalnum, net_type)), run, step)

    @property
    def of_project(self) -> RunName | None:
        """Return which training of a project made the network; None for one that belongs to no shuffle."""
        return RunName.parse(self.run)

    @classmethod
    def parse(cls, text: str) -> "NetworkName | None":
        """Read a scorer; None if it is not that of a network of PoseCut."""
        found = _NETWORK.fullmatch(text)
        return cls(found["backbone"], found["run"], int(found["step"])) if found else None
