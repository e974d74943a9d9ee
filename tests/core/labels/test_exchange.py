"""Labels in DeepLabCut's files lie in the stored images, ours in the full frame."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from posecut_core.labels.exchange import _read_images, collected_files, collected_hashes, export_table, import_table
from posecut_core.labels.table import LabelTable
from posecut_core.project.config import ProjectConfig
from posecut_core.project.paths import Project
from posecut_core.storage.files import file_sha256
from posecut_core.types import Crop
from posecut_core.video.frame_store import FrameStore
from tests.core.labels.conftest import IMAGE

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
    csv = _read_images(project, "m1", suffix=".csv")
    np.testing.assert_array_equal(csv.xy.reshape(2, 4), frame.to_numpy())


def test_a_video_without_files_has_no_labels(project):
    """That is no error."""
    assert import_table(project, "m1").xy.shape == (0, 2, 2)
    assert (_read_images(project, "m1"), collected_hashes(project, "m1")) == (None, {})


def test_files_are_known_by_their_hashes(project):
    """Those that are there, the .h5 first."""
    export_table(project, TABLE)
    files = collected_files(project, "m1")
    assert list(files) == ["CollectedData_Ann.h5", "CollectedData_Ann.csv"]
    assert collected_hashes(project, "m1") == {name: file_sha256(path) for name, path in files.items()}


@settings(max_examples=5)
@given(st.dictionaries(st.integers(0, 30), st.sampled_from([(0, 0), (5, 6), (40, 60)]), max_size=6), st.data())
def test_crops_come_back_where_they_were(tmp_path_factory, places, data):
    """Labels of windows of the frame, of whole frames, and of pictures that are gone: on disk and back, bit for bit."""
    sets = {"/data/m1.mp4": Crop(40, 50, 60, 68)}
    project = Project(tmp_path_factory.mktemp("crops"), ProjectConfig("reach", "Ann", "Oct30", ("nose",), sets))
    numbers = sorted(places)
    store = FrameStore.open(project.frame_store("m1"), create=True)
    store.append((number, IMAGE, places[number]) for number in numbers)
    halves = st.integers(0, 2**12).map(lambda value: value / 8)  # sums with origins are exact
    xy = np.array([[[data.draw(halves), data.draw(halves)]] for _ in numbers]).reshape(-1, 1, 2)
    export_table(project, LabelTable("m1", ("nose",), np.array(numbers, dtype=np.int64), xy))
    gone = data.draw(st.sets(st.sampled_from(numbers))) if numbers else set()
    store.remove(gone)
    stored = _read_images(project, "m1")
    found = import_table(project, "m1")
    kept = ~np.isin(numbers, [*gone])
    np.testing.assert_array_equal(found.xy[kept], xy[kept])
    export_table(project, found)
    np.testing.assert_array_equal(_read_images(project, "m1").xy, stored.xy)
