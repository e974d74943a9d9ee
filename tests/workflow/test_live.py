"""live and benchmark."""

import json
import socket

import numpy as np
import pytest

from posecut_core.errors import PosecutError, VideoError
from posecut_core.inference.live import LiveFrame, LiveSource
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
    assert result.tracking.frames == 11
    assert benchmark(spot_project, number_of_frames=1, video="spot").frame_count == 1


def test_what_was_done_is_told_where_a_source_fails(spot_project, monkeypatch):
    """Kind: a frame of another size, or a camera that stops, threw away how many poses there were until then."""
    sent = [LiveFrame(number, 0.1 * number, np.zeros((rows, 64, 3), np.uint8)) for number, rows in enumerate((48, 40))]
    monkeypatch.setattr(LiveSource, "__iter__", lambda source: iter(sent))
    with pytest.raises(VideoError, match="64x40 pixels, expected 64x48 as before; begin another stream") as ended:
        live(spot_project, source="spot", dynamic=(True, 0.2, 4))
    done = ended.value.done
    assert (done.frame_count, done.dropped, done.tracking.full_frames) == (1, 0, 1)
    (line,) = done.summary().lines
    assert line.startswith("Tracking crop: 100.0% of the frames were analyzed whole, the animal was lost 0 times")


WRONG = [{"source": "nothing.mp4"}, {"dynamic": "soon"}, {"port": -1}]


@pytest.mark.parametrize("wrong", [{"snapshot": 11}, *WRONG])
def test_wrong_arguments_are_one_sentence(spot_project, wrong):
    """Nothing begins."""
    with pytest.raises(PosecutError):
        live(spot_project, **{"source": "spot", **wrong})


@pytest.mark.parametrize("wrong", WRONG)
def test_what_cannot_work_is_refused_before_the_network_is_loaded(spot_project, monkeypatch, wrong):
    """Kind: what a moment could tell was told after twenty seconds."""
    monkeypatch.setattr("posecut_core.workflow.live.Predictor", None)
    with pytest.raises(PosecutError):
        live(spot_project, **{"source": "spot", **wrong})


def test_without_a_video_nothing_can_be_timed(spot_project):
    """The message names the video that is missing."""
    with pytest.raises(VideoError, match="other"):
        benchmark(spot_project, video="other.mp4")
