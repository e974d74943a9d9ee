"""What cannot be meant does not enter a journal."""

import pytest

from posecut_core.errors import LabelError
from posecut_core.labels.bodypart_ids import Identities, match_names
from posecut_core.labels.edits import Delete, DropFrame, Move, Place, Propose, Together, Undo
from posecut_core.labels.validation import FrameImages, refuse_far, refuse_foreign

NAMING = match_names(Identities({"nose": ("nose", "snout"), "tail": ("tail",)}), ("snout",))


def test_identities_are_known_also_of_bodyparts_that_went():
    """Names are none, and neither is what never was."""
    for step in (Delete(3, "nose"), Delete(3, "tail"), Together((DropFrame(3),)), Undo()):
        refuse_foreign(step, NAMING)
    with pytest.raises(LabelError, match="'snout', expected the identity of one of snout"):
        refuse_foreign(Together((Delete(3, "tail"), Delete(3, "snout"))), NAMING)


def test_far_places_are_refused(project):
    """Not those of drafts, nor in frames that nobody can judge; present names are told."""
    images = FrameImages(project, "m1")
    for step in (Propose(3, "nose", (1e9, 0.0), 0.5), Place(9, "nose", (1e9, 0.0)), Place(3, "nose", (40.0, 60.0))):
        refuse_far(step, "m1", NAMING, images)
    with pytest.raises(LabelError, match=r"\(frame 3 snout, 1 in all\)"):
        refuse_far(Together((Move(3, "nose", (1e9, 0.0)),)), "m1", NAMING, images)
    refuse_far(Place(3, "nose", (1e9, 0.0)), "m2", NAMING, FrameImages(project, "m2"))
