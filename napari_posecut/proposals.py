"""Poses that are shown and not stored: a network's, and those of other frames; what a person waves away is gone."""

from collections.abc import Mapping

from napari_posecut.browser import FrameKey
from napari_posecut.marks import Proposal
from posecut_core.labels.edits import Accept, Edit, Place, Propose

Pose = Mapping[str, Proposal]  # identity of a bodypart -> where it might be


class ProposedPoses:
    """What is proposed for the frames of a project."""

    def __init__(self) -> None:
        self._network: Mapping[FrameKey, Pose] = {}
        self._own: dict[FrameKey, dict[str, Proposal | None]] = {}  # copied ones; None where one was waved away

    def take(self, network: Mapping[FrameKey, Pose]) -> None:
        """Replace what the network proposes; copies, and what was waved away, stay."""
        self._network = network

    def copy(self, frame: FrameKey, pose: Pose) -> None:
        """Propose the pose of another frame."""
        self._own.setdefault(frame, {}).update(pose)

    def wave_away(self, frame: FrameKey, bodypart: str) -> None:
        """Propose nothing for a bodypart of a frame any more."""
        self._own.setdefault(frame, {})[bodypart] = None

    def of(self, frame: FrameKey) -> Pose:
        """Return what is proposed for a frame."""
        known = {**self._network.get(frame, {}), **self._own.get(frame, {})}
        return {part: proposal for part, proposal in known.items() if proposal is not None}

    def has(self, frame: FrameKey) -> bool:
        """Tell whether anything is proposed for a frame."""
        return bool(self.of(frame) if frame in self._own else self._network.get(frame))


def stored(frame: FrameKey, bodypart: str, proposal: Proposal) -> Edit:
    """Return the edit that writes a proposal down as it is: a network's as a draft, a copied one as a label."""
    if proposal.likelihood is None:
        return Place(frame.number, bodypart, proposal.xy)
    return Propose(frame.number, bodypart, proposal.xy, proposal.likelihood, proposal.model, proposal.snapshot)


def accepted(frame: FrameKey, bodypart: str, proposal: Proposal | None) -> tuple[Edit, ...]:
    """Return the edits that make a label of a proposal, or, where it is None, of the draft that is stored."""
    edit = Accept(frame.number, bodypart)
    if proposal is None:
        return (edit,)
    written = stored(frame, bodypart, proposal)
    return (written,) if isinstance(written, Place) else (written, edit)
