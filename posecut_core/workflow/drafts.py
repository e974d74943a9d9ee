"""Drafts of labels as a table: what networks have proposed and no person has looked at yet."""

import numpy as np

from posecut_core.labels.identities import match_names, read_identities
from posecut_core.labels.store import read_state
from posecut_core.labels.table import LabelTable
from posecut_core.project.layout import Project


def read_drafts(project: Project, video: str) -> LabelTable:
    """Read the drafts of a video, in columns of the project's bodyparts; frames without any have no row.

    Raises:
        LabelError: as for `read_labels`.
    """
    state, bodyparts = read_state(project, video), project.config.bodyparts
    names = match_names(read_identities(project), bodyparts, root=project.root).columns
    drafts = [(number, part) for number, part in state.unreviewed if part in names]
    numbers = sorted({number for number, _ in drafts})
    xy = np.full((len(numbers), len(bodyparts), 2), np.nan)
    for number, part in drafts:
        point = state.point(number, part)
        assert point is not None
        xy[numbers.index(number), bodyparts.index(names[part])] = point.xy
    return LabelTable(video, bodyparts, np.array(numbers, dtype=np.int64), xy)
