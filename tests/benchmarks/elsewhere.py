"""Read a video from stores of objects that run on this computer, and count the bytes that they send.

    python tests/benchmarks/elsewhere.py [--gcs PROGRAM] [--s3 PROGRAM] [--frames 1000]

PROGRAM is fake-gcs-server for `--gcs` and moto_server for `--s3`. The video has no compression, so that its length is
known. Prints JSON: for each store, the bytes of the video, those sent for the numbers of all frames (`index`), those
sent for one frame in the middle (`frame`), and whether numbers, times and that frame are as of the file here (`equal`).
Ends with 1 where they are not, or where a frame took a quarter of the video or more.
"""

import argparse
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import av
import numpy as np
from fsspec.config import conf

from posecut_core.video.index import index_video
from posecut_core.video.reader import VideoReader

WIDTH, HEIGHT = 320, 240
BUCKET = "recordings"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gcs", help="the program fake-gcs-server")
    parser.add_argument("--s3", help="the program moto_server")
    parser.add_argument("--frames", type=int, default=1000)
    given = parser.parse_args()
    os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"  # or gcsfs asks by gRPC too
    os.environ |= {"AWS_ACCESS_KEY_ID": "me", "AWS_SECRET_ACCESS_KEY": "secret"}
    found = {}
    with tempfile.TemporaryDirectory(prefix="posecut-elsewhere-") as name:
        video = make_video(Path(name) / BUCKET / "long.avi", given.frames)
        for scheme, program, serve in (("gs", given.gcs, google), ("s3", given.s3, amazon)):
            if program:
                with serve(program, video) as port, counted(port) as (address, sent):
                    conf[scheme] = {"endpoint_url": address} | ({"token": "anon"} if scheme == "gs" else {})
                    found[scheme] = measured(video, f"{scheme}://{BUCKET}/{video.name}", sent)
    print(json.dumps(found))
    return 0 if all(one["equal"] and one["frame"] < one["bytes"] / 4 for one in found.values()) else 1


def make_video(path: Path, frames: int) -> Path:
    """Write frames that tell their number, without compression."""
    path.parent.mkdir()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("rawvideo", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "bgr24"
        for number in range(frames):
            image = np.full((HEIGHT, WIDTH, 3), number % 251, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    return path


def measured(video: Path, address: str, sent: list[int]) -> dict[str, int | bool]:
    here, before = index_video(video), sent[0]
    there = index_video(address)
    indexed = sent[0] - before
    middle = here.frame_count // 2
    with VideoReader(address) as reader, VideoReader(video) as own:
        before = sent[0]
        same = bool(np.array_equal(reader.read(middle), own.read(middle)))
        frame = sent[0] - before
    equal = same and np.array_equal(here.times, there.times) and here.frame_count == there.frame_count
    return {"bytes": video.stat().st_size, "index": indexed, "frame": frame, "equal": bool(equal)}


@contextmanager
def google(program: str, video: Path) -> Iterator[int]:
    """Run fake-gcs-server with the folder of the video as its bucket."""
    port, folder = free_port(), video.parent.parent
    data = folder / "data"
    shutil.copytree(video.parent, data / BUCKET)
    words = ("-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory", "-data", str(data))
    with running(program, *words, port=port):
        yield port


@contextmanager
def amazon(program: str, video: Path) -> Iterator[int]:
    """Run moto's server, and put the video into a bucket of it."""
    import s3fs

    port = free_port()
    with running(program, "-H", "127.0.0.1", "-p", str(port), port=port):
        store = s3fs.S3FileSystem(endpoint_url=f"http://127.0.0.1:{port}")
        store.mkdir(BUCKET)
        store.put(str(video), f"{BUCKET}/{video.name}")
        yield port


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def running(program: str, *words: str, port: int) -> Iterator[None]:
    """Run a server until the block ends."""
    process = subprocess.Popen((program, *words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def counted(port: int) -> Iterator[tuple[str, list[int]]]:
    """Stand before a server; the list has one number, of the bytes that it has sent."""
    sent = [0]

    def hear(count: int) -> None:
        sent[0] += count

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_accept, args=(listening, port, hear), daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", sent


def _accept(listening: socket.socket, port: int, hear: Callable[[int], None]) -> None:
    with suppress(OSError):
        while True:
            asking, _ = listening.accept()
            threading.Thread(target=_pass_on, args=(asking, port, hear), daemon=True).start()


def _pass_on(asking: socket.socket, port: int, hear: Callable[[int], None]) -> None:
    with suppress(OSError), asking, socket.create_connection(("127.0.0.1", port)) as server:
        while True:
            for one in select.select([asking, server], [], [])[0]:
                part = one.recv(1 << 16)
                if not part:
                    return
                (asking if one is server else server).sendall(part)
                hear(len(part) if one is server else 0)


if __name__ == "__main__":
    sys.exit(main())
