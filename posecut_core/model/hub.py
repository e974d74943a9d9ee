"""ImageNet weights from the model hub: fetched once by `huggingface_hub`, checked by SHA-256, offline afterwards.

They lie in its cache, which its variables HF_HOME and HF_HUB_CACHE move; HF_ENDPOINT names a mirror of the hub.
In the cache a file is a link to a blob that is called by its SHA-256.
"""

import logging
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from posecut_core.errors import ModelError, PosecutError, Remedy
from posecut_core.progress import Notice, Progress, Report, quieted, silent
from posecut_core.storage.files import file_sha256, storage_error

_FILE = "model.safetensors"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MEGABYTE = 10**6
_TIMES_OVER = 3  # a file that has come so many times and is still not whole never will be


@dataclass(frozen=True)
class HubFile:
    """Weights of the hub that lie on this computer."""

    path: Path
    repository: str
    revision: str  # the commit
    sha256: str


def fetch_weights(
    repository: str,
    *,
    revision: str | None = None,
    sha256: str | None = None,
    endpoint: str | None = None,
    cache: Path | None = None,
    report: Report = silent,
) -> HubFile:
    """Return the weights of a repository, from the cache without any request, else from the hub.

    Args:
        repository: owner and name at the hub.
        revision: the commit; by default the one in the cache, else the newest.
        sha256: of the file, where it is known from an earlier time; by default what the hub says.
        endpoint: address of the hub; by default that of `huggingface_hub`.
        cache: folder of the cache; by default that of `huggingface_hub`.
        report: notified of the megabytes that have come.

    Raises:
        ModelError: the hub cannot be reached, or the file is not as the hub or `sha256` says.
        StorageError: the disk refuses.
    """
    from huggingface_hub.errors import HTTPError

    try:
        found = _cached(repository, revision, cache, report) or _download(repository, revision, endpoint, cache, report)
    except (HTTPError, OSError, RuntimeError) as error:  # RuntimeError: of the hub's own way to send large files
        raise _refused(repository, error) from error
    if sha256 not in (None, found.sha256):
        raise ModelError(
            f"{_FILE} of {repository} has the SHA-256 {found.sha256}, but this training started from {sha256}; set "
            "init_origin and init_sha256 to null to start from the current file of the hub."
        )
    return found


def _cached(repository: str, revision: str | None, cache: Path | None, report: Report) -> HubFile | None:
    """Find the file in the cache; a damaged one is reported and removed, so that it is fetched again."""
    from huggingface_hub import try_to_load_from_cache

    name = try_to_load_from_cache(repository, _FILE, cache_dir=cache, revision=revision)
    if not isinstance(name, str):
        return None
    path = Path(name)
    digest = file_sha256(path)
    if digest == (_blob_name(path) or digest):
        return HubFile(path, repository, path.parent.name, digest)
    report(Notice(f"The ImageNet weights in {path} were damaged and are downloaded again"))
    _remove(path)
    return None


def _download(
    repository: str, revision: str | None, endpoint: str | None, cache: Path | None, report: Report
) -> HubFile:
    from huggingface_hub import hf_hub_download

    with quieted("huggingface_hub", below=logging.ERROR):  # it warns of every download that it goes on with
        promised = _promised_sha256(repository, revision, endpoint)
        path = Path(
            hf_hub_download(
                repository,
                _FILE,
                revision=revision,
                endpoint=endpoint,
                cache_dir=cache,
                token=False,  # these weights are public: no account's key leaves the computer for them
                tqdm_class=_bar(report),
            )
        )
    digest = file_sha256(path)
    if digest != promised:
        _remove(path)
        raise _no_weights(repository, f"the file's SHA-256 is {digest}, expected {promised}")
    return HubFile(path, repository, path.parent.name, digest)


def _promised_sha256(repository: str, revision: str | None, endpoint: str | None) -> str:
    """Ask the hub what it has, without the retries that would keep a computer off the network waiting."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    url = hf_hub_url(repository, _FILE, revision=revision, endpoint=endpoint)
    etag = get_hf_file_metadata(url, token=False, endpoint=endpoint).etag
    if etag is None or not _SHA256.fullmatch(etag):
        raise _no_weights(repository, "the server answered with a web page instead of the file")
    return etag


def _refused(repository: str, error: Exception) -> PosecutError:
    if isinstance(error, OSError) and error.errno is not None:  # what the network refuses comes without a number
        return storage_error(Path(error.filename or _FILE), error)
    return _no_weights(repository, str(error).strip().partition("\n")[0].rstrip(".")[:200])


def _no_weights(repository: str, reason: str) -> ModelError:
    return ModelError(
        f"The ImageNet weights {repository} are not on this computer and could not be downloaded ({reason}); connect "
        f"to the internet once and train again, or copy their {_FILE} to this computer and train from that file, or "
        "start from random weights.",
        Remedy("train_network", weights=_FILE),
        Remedy("train_network", weights="random"),
    )


def _blob_name(path: Path) -> str | None:
    """Return the SHA-256 under which the cache keeps a file; None on systems without links."""
    name = path.readlink().name if path.is_symlink() else ""
    return name if _SHA256.fullmatch(name) else None


def _remove(path: Path) -> None:
    """Take a file out of the cache, with all that its links lead to."""
    behind = [path.resolve(), path.parent / path.readlink()] if path.is_symlink() else []
    for each in (*behind, path):
        each.unlink(missing_ok=True)


def _bar(report: Report) -> Any:
    """Make the class of a progress bar, as `huggingface_hub` wants it, that hands on megabytes to `report`."""

    class Bar:
        def __init__(self, *, total: int | None = None, initial: float = 0, **_: Any) -> None:
            self.n, self.total, self.came = initial, total, 0.0

        def update(self, count: float) -> None:
            self.n += count  # below zero where the hub cannot go on in the middle and begins anew
            self.came += max(count, 0)
            if self.total and self.came > _TIMES_OVER * self.total:  # the hub's own library would try without end
                raise OSError("the connection was lost repeatedly before the download was complete")
            total = None if self.total is None else math.ceil(self.total / _MEGABYTE)
            report(Progress("downloading ImageNet weights, MB", math.ceil(self.n / _MEGABYTE), total))

        def __enter__(self) -> "Bar":
            return self

        def __exit__(self, *_: object) -> None:
            """End as a bar does: there is nothing to tidy up."""

        # What comes over the network in parts is counted when it is put together.
        update_transfer = set_postfix_str = set_transfer_postfix_str = lambda self, *_, **__: None

    return Bar
