"""Which networks have analysed a video: told by the names of the files beside it, without opening any."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from posecut_core.project.disk import ending_after

_FILTERED = "_filtered"
_NETWORKS = ("PoseCut_", "DLC_", "DeepCut_")  # how the scorers of networks begin, ours and DeepLabCut's
_OURS = re.compile(
    r"PoseCut_resnet\d+_.+?(?:trainset(?P<percent>\d+))?(?:iteration(?P<iteration>\d+))?shuffle(?P<shuffle>\d+)_(?P<step>\d+)"
)
USUAL_PERCENT = 95  # training fraction of new projects; names leave it out


@dataclass(frozen=True)
class NetworkName:
    """What the name of one of our networks says."""

    iteration: int
    shuffle: int
    step: int  # training steps of its snapshot
    percent: int = USUAL_PERCENT  # its training fraction


@dataclass(frozen=True)
class FoundPredictions:
    """One file with the predictions of a video."""

    video: Path
    table: Path  # the .h5
    scorer: str  # the network
    filtered: bool


def network_name(scorer: str) -> NetworkName | None:
    """Read the name of a network; None if it is not one of ours."""
    found = _OURS.fullmatch(scorer)
    if found is None:
        return None
    numbers = (int(found["iteration"] or 0), int(found["shuffle"]), int(found["step"]))
    return NetworkName(*numbers, int(found["percent"] or USUAL_PERCENT))


def find_predictions(
    video: str | os.PathLike[str], folder: str | os.PathLike[str] | None = None
) -> tuple[FoundPredictions, ...]:
    """List the predictions of a video by any network, the newest files first.

    Args:
        video: the video's file, which need not exist.
        folder: where to look; by default beside the video.
    """
    path = Path(video)
    place = Path(folder or path.parent)
    try:
        named = [entry for entry in place.iterdir() if entry.suffix == ".h5"]
        dated = sorted((-entry.stat().st_mtime, entry) for entry in named if ending_after(path.stem, entry.stem))
    except OSError:  # nothing is found in a folder that is missing or may not be read
        return ()
    names = [(entry, ending_after(path.stem, entry.stem) or "") for _, entry in dated]
    return tuple(
        FoundPredictions(path, entry, name.removesuffix(_FILTERED), name.endswith(_FILTERED))
        for entry, name in names
        if name.startswith(_NETWORKS)
    )
