"""A model hub on the loopback address: one file, answered as the real one does, or as the test wants it."""

import hashlib
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PAGE = b"<html><body>Please log in to the guests' network.</body></html>"


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


def _handler(hub):
    class Handler(BaseHTTPRequestHandler):
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

        def _answer(self, status, headers):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, str(value))
            self.end_headers()

        def log_message(self, *_):
            """Keep the tests' output to themselves."""

    return Handler


@contextmanager
def serving(hub):
    """Answer at `hub.endpoint` until the block ends."""
    with HTTPServer(("127.0.0.1", 0), _handler(hub)) as server:
        hub.endpoint = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
