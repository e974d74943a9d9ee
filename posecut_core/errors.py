"""The errors a user can meet, one tree, each with the exit code of `posecut`.

    PosecutError (1)
    ├── ArgumentError (2)     an argument that no project, file or video could make right
    ├── ProjectError (3)      a project folder or its config.yaml
    ├── VideoError (4)        a video file or a stored frame
    ├── LabelError (5)        label tables
    ├── DatasetError (6)      training datasets, splits
    ├── ModelError (7)        weights, snapshots, training
    ├── AnalysisError (8)     predictions and evaluation
    └── StorageError (9)      the disk: full, read-only, not writable

A message says in one sentence what was found, what was expected and what to do next.
Subclasses also inherit the builtin exception that Python users would catch.
"""


class PosecutError(Exception):
    """Base of every error that PoseCut raises on purpose."""

    exit_code = 1


class ArgumentError(PosecutError, ValueError):
    """An argument is out of range or of the wrong kind."""

    exit_code = 2


class ProjectError(PosecutError, ValueError):
    """A project folder or its config.yaml is missing, malformed or contradicts itself."""

    exit_code = 3


class VideoError(PosecutError, ValueError):
    """A video or a stored frame cannot be found or decoded."""

    exit_code = 4


class LabelError(PosecutError, ValueError):
    """A label table is missing, malformed or does not fit the project."""

    exit_code = 5


class DatasetError(PosecutError, ValueError):
    """A training dataset is missing or cannot work."""

    exit_code = 6


class ModelError(PosecutError, ValueError):
    """Weights or a snapshot are missing, damaged or of another network."""

    exit_code = 7


class AnalysisError(PosecutError, ValueError):
    """Predictions are missing or do not fit the project."""

    exit_code = 8


class StorageError(PosecutError, OSError):
    """The disk refused: full, read-only or not writable."""

    exit_code = 9
