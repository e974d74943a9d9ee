"""Files elsewhere, behind an address such as s3://bucket/mouse7.mp4: read in parts by fsspec, and never written.

As a path, an address has the names, suffixes and neighbors of any path, and is shown with both slashes behind its
scheme, of which pathlib alone would leave one.
"""

import errno
import importlib.util
import io
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from posecut_core.errors import ArgumentError, VideoError

_PACKAGES = {"http": "aiohttp", "https": "aiohttp", "s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs"}  # by scheme
_ADDRESS = re.compile(rf"({'|'.join(_PACKAGES)}):/+(?=[^/])", re.IGNORECASE)
_BLOCK, _KEPT = 4 * 2**20, 8  # bytes that are asked for at once; parts that are kept, as headers lie at both ends
_TRIES = 3
if TYPE_CHECKING:
    _LocalPath = Path
else:
    _LocalPath = type(Path())  # as Python 3.11 has no subclasses of Path itself


def address_of(path: str | os.PathLike[str]) -> str:
    """Return the address that a path stands for; "" for a path of this computer."""
    text = os.fspath(path).replace(os.sep, "/")
    found = _ADDRESS.match(text)
    return f"{found[1].lower()}://{text[found.end() :]}" if found else ""


class _RemotePath(_LocalPath):
    """A path that stands for an address."""

    def __str__(self) -> str:
        """Return the address."""
        return address_of(super().__str__())


def remote_path(given: str | os.PathLike[str]) -> Path | None:
    """Return the path that stands for an address that somebody gives; None where it is none that can be read.

    Raises:
        ArgumentError: the packages that read it are not installed, or it has a query, which no path could hold.
    """
    address = address_of(os.fsdecode(given).strip())
    if not address:
        return None
    scheme, _, rest = address.partition("://")
    missing = [name for name in ("fsspec", _PACKAGES[scheme]) if importlib.util.find_spec(name) is None]
    if missing:
        raise ArgumentError(
            f"Reading {address} needs {' and '.join(missing)}, which is not installed here; install it with: pip "
            "install 'posecut[remote]'"
        )
    if any(sign in rest for sign in ("?", "#", "//", "::")):
        raise ArgumentError(
            f"{address} has a query or an empty part, expected the plain address of a file, by which results are "
            "named; give that, or download the file."
        )
    return _RemotePath(address)


class RemoteFile(io.RawIOBase):
    """A file elsewhere, opened for reading in parts.

    What reads it may take an error for the end of the file. So it fails for good once it has failed, and keeps why.
    """

    def __init__(self, address: str, file: Any) -> None:
        self._address, self._file = address, file
        self.failed: VideoError | None = None

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read from anywhere."""
        return True

    def tell(self) -> int:
        """Return where it is read next."""
        return int(self._file.tell())

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go elsewhere in the file."""
        return int(self._file.seek(offset, whence))

    def readinto(self, buffer: Any, /) -> int:
        """Read on; the connection may break now and then.

        Raises:
            VideoError: it could not be read, or not in parts.
        """
        place = self.tell()
        cause: Exception | None = None
        for _ in range(0 if self.failed else _TRIES):
            try:
                self._file.seek(place)
                found = self._file.read(len(buffer))
            except Exception as error:  # of whichever library reads it
                cause = error
            else:
                buffer[: len(found)] = found
                return len(found)
        self.failed = self.failed or VideoError(
            f"{self._address} could not be read any more at byte {place}; check the connection, and whether the server "
            "gives parts of files, and try again."
        )
        raise self.failed from cause

    def close(self) -> None:
        """Let go of it."""
        if not self.closed:
            self._file.close()
        super().close()


def open_remote(address: str) -> RemoteFile:
    """Open a file elsewhere.

    Raises:
        OSError: there is none, or it must not be read.
    """
    try:
        from fsspec.core import url_to_fs

        system, path = url_to_fs(address)
        kept = {"maxblocks": _KEPT}
        file = system.open(path, "rb", block_size=_BLOCK, cache_type="blockcache", cache_options=kept)
    except FileNotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, "there is no such file", address) from error
    except PermissionError as error:
        raise PermissionError(errno.EACCES, "the server does not let you read it", address) from error
    except Exception as error:  # of whichever library reads it
        raise OSError(errno.EIO, "the server does not answer, or not as expected", address) from error
    if file.size is None:
        file.close()
        raise OSError(errno.EIO, "the server does not say how large it is, or does not give parts of it", address)
    return RemoteFile(address, file)
