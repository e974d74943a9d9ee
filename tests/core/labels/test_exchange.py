"""Labels in DeepLabCut's files lie in the stored images, ours in the full frame."""

import numpy as np
import pandas as pd

from posecut_core.labels.exchange import collected_files, collected_hashes, export_table, import_table, read_images
from posecut_core.labels.table import LabelTable
from posecut_core.project.hashing import file_sha256

XY = np.array([[[41.25, 62.5], [np.nan, np.nan]], [[45.0, 66.0], [47.0, 68.0]]])
TABLE = LabelTable("m1", ("nose", "tail"), np.array([3, 20], dtype=np.int64), XY)


def test_labels_round_trip_in_the_full_frame(project):
    """What is written is read back; the files hold positions inside each stored image."""
    export_table(project, TABLE)
    found = import_table(project, "m1")
    assert found.numbers.tolist() == [3, 20]
    np.testing.assert_array_equal(found.xy, XY)
    frame = pd.read_hdf(project.collected_data("m1"))
    np.testing.assert_array_equal(frame.to_numpy(), [[1.25, 2.5, np.nan, np.nan], [40, 60, 42, 62]])
    csv = read_images(project, "m1", suffix=".csv")
    np.testing.assert_array_equal(csv.xy.reshape(2, 4), frame.to_numpy())


def test_a_video_without_files_has_no_labels(project):
    """That is no error."""
    assert import_table(project, "m1").xy.shape == (0, 2, 2)
    assert (read_images(project, "m1"), collected_hashes(project, "m1")) == (None, {})


def test_files_are_known_by_their_hashes(project):
    """Those that are there, the .h5 first."""
    export_table(project, TABLE)
    files = collected_files(project, "m1")
    assert list(files) == ["CollectedData_Ann.h5", "CollectedData_Ann.csv"]
    assert collected_hashes(project, "m1") == {name: file_sha256(path) for name, path in files.items()}
