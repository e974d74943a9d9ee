"""A new config.yaml says what it was asked to say, under DeepLabCut's keys."""

from pathlib import Path

from posecut_core.project.config import DEEPLABCUT_KEYS, new_config_text, parse_config
from posecut_core.storage.yaml_files import load_mapping
from posecut_core.types import Crop

GOLDEN = Path(__file__).parents[2] / "golden"


def test_a_new_config_is_read_back():
    """Values come back, every key is DeepLabCut's, and comments explain them."""
    root = Path("/data/reach-Ann-2018-10-30")
    text = new_config_text(
        task="reach",
        scorer="Ann",
        date="Oct30",
        root=root,
        bodyparts=["hand", "7"],
        skeleton=[("hand", "7")],
        videos={root / "videos" / "a: b.mp4": Crop(0, 64, 0, 48)},
    )
    values = load_mapping(text, Path("config.yaml"))
    config = parse_config(values, Path("config.yaml"))
    assert set(values) <= DEEPLABCUT_KEYS
    assert (config.task, config.bodyparts, config.skeleton) == ("reach", ("hand", "7"), (("hand", "7"),))
    assert config.video_sets == {str(root / "videos" / "a: b.mp4"): Crop(0, 64, 0, 48)}
    assert values["video_sets"][str(root / "videos" / "a: b.mp4")] == {"crop": "0, 64, 0, 48"}
    assert text.count("# ") >= 8


def test_a_new_file_is_as_ever():
    """Its bytes are those that 0.1.0 wrote."""
    root = Path("/data/reach-Ann-2018-10-30")
    text = new_config_text(
        task="reach",
        scorer="Ann",
        date="Oct30",
        root=root,
        bodyparts=["hand", "7", "a: b"],
        skeleton=[("hand", "7")],
        videos={root / "videos" / "a: b.mp4": Crop(0, 64, 0, 48), root / "videos" / "c.mp4": Crop(1, 2, 3, 4)},
    )
    assert text == (GOLDEN / "config.yaml").read_text()
