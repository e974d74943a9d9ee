"""Give a project its calibrated cameras (`calibrate_cameras`)."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from posecut_core.cameras.camera import Camera, checked_cameras
from posecut_core.cameras.files import read_cameras, write_cameras
from posecut_core.cameras.views import OtherViews
from posecut_core.errors import CameraError, Remedy
from posecut_core.progress import Notice, Report, silent
from posecut_core.project.given import forgiving, given_path, named_few
from posecut_core.project.opening import open_project
from posecut_core.results import Summary, counted


@dataclass(frozen=True)
class CalibratedCameras:
    """The cameras that a project has now."""

    config_path: Path
    path: Path  # cameras.yaml
    cameras: tuple[Camera, ...]
    views: int  # videos of the project that are views of them

    def summary(self) -> Summary:
        """Say which cameras there are, and where they stand."""
        names = ", ".join(camera.name for camera in self.cameras)
        apart = [
            (float(np.linalg.norm(one.center - other.center)), f"{one.name} and {other.name}")
            for place, one in enumerate(self.cameras)
            for other in self.cameras[place + 1 :]
        ]
        lines = (
            f"The farthest two, {max(apart)[1]}, are {max(apart)[0]:.4g} apart, in the unit that points will have.",
            f"{counted(self.views, 'video')} of the project {'is a view' if self.views == 1 else 'are views'} of them.",
        )
        return Summary(f"{counted(len(self.cameras), 'camera')} in {self.path}: {names}.", lines, _NEXT)


_NEXT = (Remedy("extract_frames", views="{session}_{camera}"), Remedy("triangulate"))


@forgiving
def calibrate_cameras(
    config: str | os.PathLike[str],
    source: str | os.PathLike[str],
    *,
    rename: Mapping[str, str] | None = None,
    report: Report = silent,
) -> CalibratedCameras:
    """Give a project calibrated cameras from a file of PoseCut or of another program.

    They are kept in its cameras.yaml. What is read: cameras.yaml, OpenCV's and ROS's .yaml, the .toml of Anipose
    and caliscope, the .mat of DANNCE, Label3D and Bouguet's toolbox; or a folder with a file for each camera.

    Args:
        config: path of config.yaml.
        source: the file, or the folder.
        rename: other names for cameras, as A:left,B:right; videos are told by the names of their cameras.
        report: told where cameras are replaced, or no video of the project is a view of one.

    Raises:
        CameraError: the file is missing, holds no cameras, fewer than two, or some that cannot be; or none of them has
            a name that is to be changed.
        StorageError: the project cannot be written.
    """
    project = open_project(config)
    cameras, others = read_cameras(given_path(source)), dict(rename or {})
    names = [camera.name for camera in cameras]
    if strange := [name for name in others if name not in names]:
        raise CameraError(
            f"No camera in {given_path(source)} is called {named_few(strange)}, expected one of {named_few(names)}."
        )
    renamed = [replace(camera, name=others.get(camera.name, camera.name)) for camera in cameras]
    checked = checked_cameras(renamed, at_least=2)
    if project.cameras.is_file():
        report(Notice(f"{project.cameras} is replaced; points in space that were made with it are out of date"))
    write_cameras(project.cameras, checked)
    views = len(OtherViews.of(project).places)
    if not views:
        expected = f"NAME_{checked[0].name}.mp4"
        report(Notice(f"No video of the project is a view of these cameras, expected names such as {expected}"))
    return CalibratedCameras(project.config_path, project.cameras, checked, views)
