"""Web servers on the loopback address, which answer as real ones do, or as the test wants it.

One gives the files of a folder, in parts if it is asked for these. Folders in it are buckets: S3's by their paths,
Google Cloud Storage's by the addresses of its JSON API. The other is a model hub with one file.
"""

import hashlib
import json
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PAGE = b"<html><body>Please log in to the guests' network.</body></html>"
_GOOGLE = re.compile(r"(?P<download>/download)?/storage/v1/b/(?P<bucket>[^/]+)/o/(?P<name>[^?]+)")


class _Handler(BaseHTTPRequestHandler):
    disable_nagle_algorithm = True  # or a body waits for 40 ms, until the other side has said that it got the headers

    def _answer(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()

    def log_message(self, *_):
        """Keep the tests' output to themselves."""


@contextmanager
def _answering(handler):
    """Answer at the address that this yields until the block ends."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads, server.block_on_close = True, False
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


# --- files ------------------------------------------------------------------------------------------------------------
# In folders and buckets.


@dataclass
class Files:
    """What the server has, and what it was asked."""

    folder: Path
    address: str = ""
    ranges: bool = True  # whether it gives parts
    sizes: bool = True  # whether it says how large files are
    left: int | None = None  # bytes that it still sends: then the connection breaks, every time
    sent: list = field(default_factory=list)  # bytes of each answer


def _handler_of_files(files):
    class Handler(_Handler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self):
            path = files.folder / self.path.lstrip("/")
            if not path.is_file():
                self._answer(404, {"Content-Length": 0})
                return
            size = {"Content-Length": path.stat().st_size} if files.sizes else {"Transfer-Encoding": "chunked"}
            self._answer(200, {"Accept-Ranges": "bytes" if files.ranges else "none", **size})

        def do_GET(self):
            google = _GOOGLE.match(self.path)
            asked = f"{google['bucket']}/{unquote(google['name'])}" if google else self.path
            path = files.folder / asked.lstrip("/")
            if not path.is_file():
                self._answer(404, {"Content-Length": 0})
                return
            body = path.read_bytes()
            if google and not google["download"]:
                about = {"bucket": google["bucket"], "name": unquote(google["name"]), "size": str(len(body))}
                told = json.dumps({**about, "updated": "2026-01-01T00:00:00Z"}).encode()
                self._answer(200, {"Content-Length": len(told), "Content-Type": "application/json"})
                self.wfile.write(told)
                return
            asked = self.headers.get("Range") if files.ranges else None
            begin, _, end = (asked or "bytes=0-").removeprefix("bytes=").partition("-")
            part = body[int(begin) : int(end) + 1 if end else None]
            extra = {"Content-Range": f"bytes {begin}-{int(begin) + len(part) - 1}/{len(body)}"} if asked else {}
            self._answer(206 if asked else 200, {"Content-Length": len(part), **extra})
            if files.left is not None:
                whole, part = part, part[: files.left]
                files.left -= len(part)
                self.close_connection = len(part) < len(whole)
            files.sent.append(len(part))
            self.wfile.write(part)

    return Handler


@contextmanager
def serving_files(folder):
    """Serve a folder at `address` of what this yields until the block ends."""
    files = Files(folder)
    with _answering(_handler_of_files(files)) as files.address:
        yield files


# --- a model hub ------------------------------------------------------------------------------------------------------
# Which has one file.


@dataclass
class Hub:
    """What the hub has, and what it was asked."""

    content: bytes
    endpoint: str = ""
    commit: str = COMMIT
    sent: bytes | None = None  # what comes in place of the content
    cuts: int = 0  # so many answers break off in their middle
    ranges: bool = True  # whether an answer begins in the middle if that is asked for
    page: int | None = None  # status of a page of the web that comes instead of any answer
    requests: list = field(default_factory=list)  # (method, path)

    @property
    def sha256(self):
        return hashlib.sha256(self.content).hexdigest()


def _handler_of_hub(hub):
    class Handler(_Handler):
        def do_HEAD(self):
            hub.requests.append(("HEAD", self.path))
            if hub.page:
                self._answer(hub.page, {"Content-Length": len(PAGE), "Content-Type": "text/html"})
                return
            headers = {"X-Repo-Commit": hub.commit, "X-Linked-Etag": f'"{hub.sha256}"', "ETag": f'"{hub.sha256}"'}
            self._answer(200, {**headers, "X-Linked-Size": len(hub.content), "Content-Length": len(hub.content)})

        def do_GET(self):
            hub.requests.append(("GET", self.path))
            body = hub.content if hub.sent is None else hub.sent
            asked = self.headers.get("Range", "bytes=0-") if hub.ranges else "bytes=0-"
            begin = int(asked.removeprefix("bytes=").rstrip("-"))
            extra = {"Content-Range": f"bytes {begin}-{len(body) - 1}/{len(body)}"} if begin else {}
            self._answer(206 if begin else 200, {"Content-Length": len(body) - begin, **extra})
            end = len(body)
            if hub.cuts:
                hub.cuts, end = hub.cuts - 1, (begin + end) // 2
            self.wfile.write(body[begin:end])

    return Handler


@contextmanager
def serving_hub(hub):
    """Answer at `hub.endpoint` until the block ends."""
    with _answering(_handler_of_hub(hub)) as hub.endpoint:
        yield hub
