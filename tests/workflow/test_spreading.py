"""An analysis by several processes gives what one gives."""

import psutil

from posecut_core.progress import Progress
from posecut_core.workflow.analyze_videos import analyze_videos
from tests.benchmarks.spread import make_project, make_videos


def test_processes_give_the_bytes_that_one_gives_though_one_is_killed(tmp_path):
    """Every table is the serial one, byte for byte; a process that dies is replaced."""
    config, videos = make_project(tmp_path), make_videos(tmp_path / "many", 4)
    killed = []

    def kill_once(told):
        alive = (one for one in psutil.Process().children() if one.status() != psutil.STATUS_ZOMBIE)
        served = [one for one in alive if "spawn_main" in " ".join(one.cmdline())]
        if isinstance(told, Progress) and served and not killed:
            killed.append(served[0].pid)
            served[0].kill()

    serial = analyze_videos(config, videos, destfolder=tmp_path / "serial", engine="xla")
    spread = analyze_videos(
        config, videos, destfolder=tmp_path / "spread", engine="xla", cluster="local:2", report=kill_once
    )
    assert killed
    assert [one.video for one in spread.videos] == [one.video for one in serial.videos] == videos
    pairs = zip(serial.files, spread.files, strict=True)
    assert [path.read_bytes() == other.read_bytes() for path, other in pairs] == [True] * 4
