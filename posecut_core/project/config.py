"""config.yaml: DeepLabCut's keys, read into a frozen value and edited in place, comments and order kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Crop:
    """A window of the full frame in pixels: columns x1 to x2 - 1, rows y1 to y2 - 1."""

    x1: int
    x2: int
    y1: int
    y2: int


@dataclass(frozen=True)
class ProjectConfig:
    """What config.yaml says (paper, Box 1), validated; see `deeplabcut` for the meaning of each key."""

    task: str
    scorer: str
    date: str  # "Oct30"
    bodyparts: tuple[str, ...]
    video_sets: Mapping[str, Crop | None] = field(default_factory=dict)  # path as written -> crop of extraction
    skeleton: tuple[tuple[str, str], ...] = ()
    skeleton_color: str = "black"
    start: float = 0.0
    stop: float = 1.0
    numframes2pick: int = 20
    pcutoff: float = 0.6
    dotsize: int = 12
    alphavalue: float = 0.7
    colormap: str = "rainbow"
    training_fractions: tuple[float, ...] = (0.95,)
    iteration: int = 0
    default_net_type: str = "resnet_50"
    snapshotindex: int | str = -1  # or "all"
    batch_size: int = 8
    crop: Crop | None = None  # x1..y2 where `cropping` is true: the window of analysis
