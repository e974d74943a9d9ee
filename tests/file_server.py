"""A web server on the loopback address that gives the files of a folder, in parts if it is asked for these.

Folders in it are buckets: S3's by their paths, Google Cloud Storage's by the addresses of its JSON API.
"""

import json
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

_GOOGLE = re.compile(r"(?P<download>/download)?/storage/v1/b/(?P<bucket>[^/]+)/o/(?P<name>[^?]+)")


@dataclass
class Files:
    """What the server has, and what it was asked."""

    folder: Path
    address: str = ""
    ranges: bool = True  # whether it gives parts
    sizes: bool = True  # whether it says how large files are
    left: int | None = None  # bytes that it still sends: then the connection breaks, every time
    sent: list = field(default_factory=list)  # bytes of each answer


def _handler(files):
    class Handler(BaseHTTPRequestHandler):
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

        def _answer(self, status, headers):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, str(value))
            self.end_headers()

        def log_message(self, *_):
            """Keep the tests' output to themselves."""

    return Handler


@contextmanager
def serving_files(folder):
    """Serve a folder at `address` of what this yields until the block ends."""
    files = Files(folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(files)) as server:
        server.daemon_threads, server.block_on_close = True, False
        files.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield files
        finally:
            server.shutdown()
            thread.join()
