"""The napari plugin is found, however PoseCut is installed; napari itself is not needed for that.

npe2 runs in processes of its own, because it warns while it is imported.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.structure.source import ROOT

_BUILD = "import sys; from setuptools import build_meta; print(getattr(build_meta, sys.argv[1])(sys.argv[2]))"
_FIND = """
import site, sys
sys.path.insert(0, sys.argv[1])
site.addsitedir(sys.argv[1])
from npe2 import PluginManifest
manifest = PluginManifest.from_distribution("posecut")
print(manifest.name, manifest.display_name, manifest.package_version)
print(*sorted(key for key, value in manifest.contributions if value))
"""
_KEYS = "commands configurations menus readers sample_data widgets writers"


def _python(code: str, *arguments: str, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=cwd, capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what a build needs, so that it leaves nothing in the working tree."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("posecut_core", "napari_posecut"):
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def _install(checkout: Path, target: Path, *, kind: str) -> zipfile.ZipFile:
    """Build a wheel and unpack it as an installer does."""
    target.mkdir()
    wheels = checkout.parent / f"{checkout.name}-{kind}"
    wheels.mkdir()
    name = _python(_BUILD, kind, str(wheels), cwd=checkout).splitlines()[-1]
    wheel = zipfile.ZipFile(wheels / name)
    wheel.extractall(target)
    return wheel


def _check_found(site: Path) -> None:
    """Check that npe2 finds the plugin in a place of installation, with everything that it contributes."""
    named, contributed = _python(_FIND, str(site), cwd=site.parent).splitlines()
    assert named.startswith("posecut PoseCut 0.")
    assert contributed == _KEYS


def test_both_manifests_are_the_same() -> None:
    """`napari.yaml` at the root reads as the one inside the package."""
    assert (ROOT / "napari.yaml").read_bytes() == (ROOT / "napari_posecut" / "napari.yaml").read_bytes()


def test_manifest_is_valid() -> None:
    """npe2 accepts the manifest and everything that it names."""
    done = subprocess.run(
        [sys.executable, "-m", "npe2", "validate", "--imports", str(ROOT / "napari_posecut" / "napari.yaml")],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_manifest_is_found_in_a_wheel(checkout: Path, tmp_path: Path) -> None:
    """An ordinary installation registers the plugin and holds no tests."""
    with _install(checkout, tmp_path / "site", kind="build_wheel") as wheel:
        names = wheel.namelist()
        shipped = wheel.read("napari_posecut/napari.yaml")
        metadata = wheel.read(next(name for name in names if name.endswith("METADATA"))).decode()
    _check_found(tmp_path / "site")
    assert shipped == (ROOT / "napari.yaml").read_bytes()
    assert {"posecut_core/py.typed", "napari_posecut/py.typed"} <= set(names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"posecut_core", "napari_posecut", "posecut"}
    core = [line for line in metadata.splitlines() if line.startswith("Requires-Dist") and "extra ==" not in line]
    assert core
    assert not [line for line in core if any(word in line.lower() for word in ("napari", "qt", "torch", "opencv"))]


def test_manifest_is_found_in_an_editable_install(checkout: Path, tmp_path: Path) -> None:
    """A developer's installation registers the plugin too."""
    _install(checkout, tmp_path / "site", kind="build_editable").close()
    _check_found(tmp_path / "site")
