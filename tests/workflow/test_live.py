"""live and benchmark."""

import json
import socket

import pytest

from posecut_core.errors import PosecutError, VideoError
from posecut_core.progress import Notice
from posecut_core.workflow.live import benchmark, live


def test_a_video_is_followed_and_its_poses_are_sent(spot_project, spot_video):
    """Each pose is a line for whoever has connected; frames are either predicted or counted as dropped."""
    clients = []

    def listen(said):
        if isinstance(said, Notice) and "port" in said.text:
            clients.append(socket.create_connection(("127.0.0.1", int(said.text.split()[-1]))))

    result = live(spot_project, source=str(spot_video), port=0, show=True, report=listen)
    with clients[0] as client, client.makefile() as lines:
        received = list(lines)
    assert result.frame_count + result.dropped == 11
    assert result.latency.p50_ms > 0
    assert len(received) == result.frame_count
    assert set(json.loads(received[0])["bodyparts"]) == {"spot", "beside"}


def test_live_ends_after_some_frames_or_by_ctrl_c(spot_project):
    """The name of a project video will do; Ctrl-C is the usual end and no error."""
    assert live(spot_project, source="spot", number_of_frames=2).frame_count == 2

    def interrupt(said):
        raise KeyboardInterrupt

    assert live(spot_project, source="spot", report=interrupt).frame_count == 0


def test_single_frames_are_timed(spot_project):
    """The first frames are not counted; without a video the first of the project is used."""
    result = benchmark(spot_project, dynamic=(True, 0.2, 4))
    assert (result.frame_count, result.width, result.height) == (1, 64, 48)
    assert result.latency.p95_ms > 0
    assert benchmark(spot_project, number_of_frames=1, video="spot").frame_count == 1


@pytest.mark.parametrize("wrong", [{"source": "nothing.mp4"}, {"snapshot": 11}, {"source": "spot", "dynamic": "soon"}])
def test_wrong_arguments_are_one_sentence(spot_project, wrong):
    """Nothing begins."""
    with pytest.raises(PosecutError):
        live(spot_project, **{"source": "spot", **wrong})


def test_without_a_video_nothing_can_be_timed(spot_project):
    """The message names the video that is missing."""
    with pytest.raises(VideoError, match="other"):
        benchmark(spot_project, video="other.mp4")
