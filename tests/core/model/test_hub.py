"""ImageNet weights come from a hub on the loopback address whole and as it promised, once, or not at all."""

import errno
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from posecut_core.backbones import backbone_of
from posecut_core.errors import ModelError, StorageError
from posecut_core.model.hub import _FILE, fetch_weights
from tests.web_server import COMMIT, Hub, serving_hub

REPOSITORY = "timm/resnet18.tv_in1k"
CONTENT = bytes(range(256)) * 8000  # two megabytes and a bit
BOTH_WAYS = r"connect to the internet once .* model\.safetensors .* train from that file"


@pytest.fixture
def hub():
    """A hub that has CONTENT."""
    with serving_hub(Hub(CONTENT)) as hub:
        yield hub


@pytest.fixture
def fetch(hub, tmp_path):
    """A function that fetches from the hub into a cache of its own."""
    return lambda **options: fetch_weights(REPOSITORY, endpoint=hub.endpoint, cache=tmp_path / "cache", **options)


def contents(tmp_path):
    """List the files of the cache that hold more than a name."""
    return [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.stat().st_size > 1000]


@pytest.mark.parametrize(
    ("depth", "norm", "repository"),
    [
        (50, "auto", "timm/resnet50.tv_in1k"),
        (50, "group", "timm/resnet50_gn.a1h_in1k"),
        (50, "frozen_batch", "timm/resnet50.tv_in1k"),
        (18, "auto", "timm/resnet18.tv_in1k"),
        (152, "group", "timm/resnet152.tv_in1k"),
    ],
)
def test_repositories_follow_from_the_network(depth, norm, repository):
    """ResNet-50 has weights for GroupNorm; all have torchvision's for frozen BatchNorm."""
    assert backbone_of(f"resnet_{depth}").repository(norm) == repository


def test_a_file_comes_once(hub, fetch):
    """It is whole, and called by commit and SHA-256; a second time nobody is asked for it."""
    seen = []
    found = fetch(report=seen.append)
    assert found.path.read_bytes() == CONTENT
    assert (found.repository, found.revision, found.sha256) == (REPOSITORY, COMMIT, hub.sha256)
    assert (seen[-1].done, seen[-1].total) == (3, 3)
    assert {path for _, path in hub.requests} == {f"/{REPOSITORY}/resolve/main/{_FILE}"}
    hub.requests.clear()
    assert fetch() == fetch(revision=COMMIT, sha256=hub.sha256) == found
    assert hub.requests == []


def test_the_cache_is_enough_without_a_network(hub, tmp_path):
    """When the hub has gone, what was fetched is still there, also in a copy of the cache."""
    found = fetch_weights(REPOSITORY, endpoint=hub.endpoint, cache=tmp_path / "cache")
    shutil.copytree(tmp_path / "cache", tmp_path / "copy", symlinks=True)
    for folder in ("cache", "copy"):
        again = fetch_weights(REPOSITORY, endpoint="http://127.0.0.1:9", cache=tmp_path / folder)
        assert (again.revision, again.sha256, again.path.read_bytes()) == (COMMIT, found.sha256, CONTENT)


def test_its_own_variables_name_hub_and_cache(hub, tmp_path):
    """HF_ENDPOINT and HF_HUB_CACHE, which huggingface_hub documents, hold without any argument."""
    code = f"from posecut_core.model.hub import fetch_weights; print(fetch_weights({REPOSITORY!r}).path.resolve())"
    environment = {**os.environ, "HF_ENDPOINT": hub.endpoint, "HF_HUB_CACHE": str(tmp_path / "elsewhere")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    path = Path(done.stdout.strip())
    assert path.is_relative_to(tmp_path / "elsewhere")
    assert path.read_bytes() == CONTENT


def test_a_recorded_revision_is_asked_for(hub, fetch):
    """A training that names a commit gets that one, whatever is newest."""
    hub.commit = "f" * 40
    assert fetch(revision=hub.commit).revision == hub.commit
    assert {path for _, path in hub.requests} == {f"/{REPOSITORY}/resolve/{hub.commit}/{_FILE}"}


def test_another_file_than_the_recorded_one_is_refused(fetch):
    """What a training began with is not exchanged behind its back, neither from the hub nor from the cache."""
    for _ in range(2):
        with pytest.raises(ModelError, match=r"SHA-256 .*started from 0000.*set init_origin and init_sha256 to null"):
            fetch(sha256="0" * 64)


def test_a_line_that_breaks_is_taken_up_again(hub, fetch, monkeypatch):
    """A download that breaks off in its middle goes on from there."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    hub.cuts = 2
    assert fetch().path.read_bytes() == CONTENT
    assert [method for method, _ in hub.requests].count("GET") == 3


def test_a_line_that_breaks_is_begun_anew_where_the_hub_has_no_middle(hub, fetch, monkeypatch):
    """A hub that always begins at the first byte is asked again, and the file is whole."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    hub.cuts, hub.ranges = 2, False
    assert fetch().path.read_bytes() == CONTENT


def test_a_hub_that_never_sends_the_end_is_given_up(hub, fetch, tmp_path, monkeypatch, caplog):
    """A hub that begins anew each time and always breaks off is not asked without end, nor is each time told."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 2**16)  # some arrive before each break
    hub.cuts, hub.ranges = 100, False
    with pytest.raises(ModelError, match=f"was lost repeatedly.*{BOTH_WAYS}"):
        fetch()
    assert [method for method, _ in hub.requests].count("GET") < 10
    assert caplog.text == ""
    assert not contents(tmp_path)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (CONTENT[:-9], "should be of size 2048000 but has size 2047991"),
        (b"", "should be of size 2048000 but has size 0"),
        (CONTENT[:-1] + b"?", "the file's SHA-256 is .*, expected"),
        (b"<html>busy</html>", "should be of size 2048000"),
    ],
)
def test_another_content_is_refused_and_forgotten(hub, fetch, tmp_path, sent, words):
    """A file that is cut short, of another content or a page leaves nothing behind; later the right one comes."""
    hub.sent = sent
    with pytest.raises(ModelError, match=f"{REPOSITORY} are not on this computer.*{words}.*{BOTH_WAYS}") as raised:
        fetch()
    assert "\n" not in str(raised.value)
    assert not contents(tmp_path)
    hub.sent = None
    assert fetch().sha256 == hub.sha256


@pytest.mark.parametrize("status", [200, 401, 404, 503])
def test_a_page_in_place_of_an_answer_is_refused(hub, fetch, status):
    """The log-in page of a guests' network, or an error's, is no hub: one sentence names the ways out."""
    hub.page = status
    with pytest.raises(ModelError, match=BOTH_WAYS) as raised:
        fetch()
    assert "\n" not in str(raised.value)
    assert [method for method, _ in hub.requests] == ["HEAD"]


def test_a_hub_that_has_gone_is_said_at_once(hub, tmp_path):
    """Without a network the sentence names both ways out, and random weights for those who ask for them."""
    with pytest.raises(ModelError, match=rf"{BOTH_WAYS}, or start from random weights"):
        fetch_weights(REPOSITORY, endpoint="http://127.0.0.1:9", cache=tmp_path / "cache")
    assert hub.requests == []


def test_a_hub_that_goes_in_the_middle_is_one_sentence(hub, fetch, monkeypatch):
    """A line that breaks again and again is given up."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    hub.cuts = 100
    with pytest.raises(ModelError, match=BOTH_WAYS):
        fetch()


def test_a_damaged_file_in_the_cache_is_fetched_again(hub, fetch):
    """What was damaged on the disk is noticed, told, and replaced where there is a network."""
    path, seen = fetch().path, []
    path.resolve().write_bytes(CONTENT[:-1] + b"?")
    assert fetch(report=seen.append).path.read_bytes() == CONTENT
    assert seen[0].text == f"The ImageNet weights in {path} were damaged and are downloaded again"
    path.resolve().write_bytes(b"")
    hub.page = 503
    with pytest.raises(ModelError, match=BOTH_WAYS):
        fetch()


def test_systems_without_links_have_a_cache_too(hub, fetch):
    """Where the cache holds files in place of links, they are taken by their own SHA-256."""
    path = fetch().path
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    hub.requests.clear()
    assert fetch().sha256 == hashlib.sha256(content).hexdigest()
    assert hub.requests == []


def test_a_disk_that_refuses_is_named(hub, tmp_path):
    """A cache that cannot be written is the disk's fault, not the network's."""
    (tmp_path / "cache").write_text("a file in the way")
    with pytest.raises(StorageError, match=r"Cannot write .*cache"):
        fetch_weights(REPOSITORY, endpoint=hub.endpoint, cache=tmp_path / "cache")


def test_a_full_disk_leaves_nothing_half_written(fetch, tmp_path):
    """When the disk is full in the middle of the download, the sentence says so, and no part of the file stays."""

    def fill(progress):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StorageError, match="the disk is full"):
        fetch(report=fill)
    assert not contents(tmp_path)


def test_canceling_leaves_nothing_half_written(hub, fetch, tmp_path):
    """An interruption in the middle of the download is passed on, and the next one begins anew."""

    def cancel(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(report=cancel)
    assert not contents(tmp_path)
    assert fetch().sha256 == hub.sha256
