"""NWB files with ndx-pose: poses as PoseEstimation with its Skeleton, labels as PoseTraining.

Points in space are MultiCameraPoseEstimation, with the PoseEstimation of each view and its CalibratedCamera.

Source: ndx-pose 0.4. A file says nothing of the animal and the session but what a video tells: its name, and when its
file was last written. Add the subject with pynwb before you publish.
"""

import datetime
import math
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from posecut_core import __version__
from posecut_core.cameras.camera import Camera
from posecut_core.errors import LabelError
from posecut_core.interchange.registry import Labels, SessionPoses, VideoLabels, VideoPoses, reading
from posecut_core.labels.state import Point
from posecut_core.poses.points import Points3D
from posecut_core.poses.predictions import Predictions
from posecut_core.storage.files import atomic_path
from posecut_core.storage.hdf import open_hdf

_TITLE = "NWB with ndx-pose"
_ANIMAL = "animal"
_SPANS = "Frame numbers of the video are times its frame rate, from 0."
_UNIT = "unit of the calibration (of the side of the board's squares)"  # mostly millimeters; no file says it
_SOFTWARE = {"source_software": "PoseCut", "source_software_version": __version__}


def write_poses(path: Path, poses: VideoPoses) -> None:
    """Write predictions of a video: a PoseEstimation for each animal, in the processing module "behavior".

    Raises:
        StorageError: the disk refuses.
    """
    from ndx_pose import PoseEstimation, Skeletons

    first = next(iter(poses.animals.values()))
    with _writing(path, poses.video) as (nwb, behavior):
        video = _source_video(path, poses.video, len(first.xy), poses)
        nwb.add_acquisition(video)
        skeletons = []
        for name, one in poses.animals.items():
            skeletons.append(_skeleton(name, one.bodyparts, poses.skeleton))
            pose = PoseEstimation(
                name=f"PoseEstimation_{_name(name)}" if name else "PoseEstimation",
                pose_estimation_series=_series_in_frames(one, poses.fps),
                description=f"Positions of bodyparts. {_SPANS}",
                scorer=first.scorer,
                skeleton=skeletons[-1],
                source_video=video,
                **_SOFTWARE,
            )
            behavior.add(pose)
        behavior.add(Skeletons(skeletons=skeletons))


def write_points(path: Path, poses: SessionPoses) -> None:
    """Write points of a session in space as MultiCameraPoseEstimation, with each view and its CalibratedCamera.

    Raises:
        StorageError: the disk refuses.
    """
    from ndx_pose import MultiCameraPoseEstimation, PoseEstimation, Skeletons

    points, first = poses.points, poses.views[0]
    with _writing(path, first.video) as (nwb, behavior):
        skeleton = _skeleton("", points.bodyparts, first.skeleton)
        views = []
        for camera, view in zip(poses.cameras, poses.views, strict=True):
            device = nwb.add_device(_device(camera))
            seen = view.animals[""]
            video = _source_video(path, view.video, len(seen.xy), view)
            nwb.add_acquisition(video)
            pose = PoseEstimation(
                name=f"PoseEstimation_{_name(camera.name)}",
                pose_estimation_series=_series_in_frames(seen, view.fps),
                description=f"Positions of bodyparts in the frames of {camera.name}. {_SPANS}",
                scorer=seen.scorer,
                device=device,
                skeleton=skeleton,
                source_video=video,
                **_SOFTWARE,
            )
            views.append(pose)
        behavior.add(
            MultiCameraPoseEstimation(
                pose_estimation_series=_series_in_space(points, first.fps),
                pose_estimations=views,
                description=f"Positions of bodyparts in space, triangulated from the views. {_SPANS}",
                scorer=points.scorer,
                skeleton=skeleton,
                **_SOFTWARE,
            )
        )
        behavior.add(Skeletons(skeletons=[skeleton]))


def _device(camera: Camera) -> Any:
    from ndx_pose import CalibratedCamera

    model = f"OpenCV's {camera.model} model" + (" (k1, k2, p1, p2, k3, ...)" if camera.model == "pinhole" else "")
    return CalibratedCamera(
        name=_name(camera.name),
        description=f"Camera {camera.name}, calibrated. The distortion is that of {model}.",
        intrinsic_matrix=camera.matrix,
        rotation_matrix=camera.rotation,
        translation_vector=camera.translation,
        distortion_coefficients=camera.distortion if len(camera.distortion) else np.zeros(4),
    )


def _skeleton(name: str, bodyparts: tuple[str, ...], bones: tuple[tuple[str, str], ...]) -> Any:
    from ndx_pose import Skeleton

    return Skeleton(name=f"skeleton_{_name(name) or _ANIMAL}", nodes=list(bodyparts), edges=_edges(bodyparts, bones))


def _series_in_frames(one: Predictions, fps: float | None) -> list[Any]:
    """Return the positions of each bodypart in the frames of a video."""
    from ndx_pose import PoseEstimationSeries

    return [
        PoseEstimationSeries(
            name=_name(part),
            description=f"{part} by {one.scorer}",
            data=one.xy[:, place],
            unit="pixels",
            reference_frame="(0, 0) is the center of the top-left pixel; x right, y down.",
            confidence=one.likelihood[:, place],
            confidence_definition="Likelihood, 0 to 1.",
            starting_time=0.0,
            rate=float(fps or 1.0),
        )
        for place, part in enumerate(one.bodyparts)
    ]


def _series_in_space(points: Points3D, fps: float | None) -> list[Any]:
    """Return the positions of each bodypart in space."""
    from ndx_pose import PoseEstimationSeries

    return [
        PoseEstimationSeries(
            name=_name(part),
            description=f"{part} in space, from views analyzed by {points.scorer}",
            data=points.xyz[:, place],
            unit=_UNIT,
            reference_frame="The world of the calibrated cameras: a camera sees a point where its rotation and "
            "translation take it.",
            confidence=points.likelihood[:, place],
            confidence_definition="Mean likelihood of the views used, 0 to 1.",
            starting_time=0.0,
            rate=float(fps or 1.0),
        )
        for place, part in enumerate(points.bodyparts)
    ]


def write_labels(path: Path, labels: Labels, *, scorer: str, name: str) -> None:
    """Write labels of persons as PoseTraining: a training frame for each.

    Args:
        path: the .nwb.
        labels: of videos, whose names are paths.
        scorer: who labeled.
        name: of the format.
    """
    from ndx_pose import PoseTraining, Skeletons, SourceVideos, TrainingFrame, TrainingFrames

    with _writing(path, labels.videos[0].video if labels.videos else "") as (_, behavior):
        skeleton = _skeleton("", labels.bodyparts, labels.skeleton)
        videos: list[Any] = []
        frames: list[Any] = []
        for video in labels.videos:
            videos.append(_source_video(path, video.video, max(map(int, video.frames), default=-1) + 1))
            for number, animals in video.frames.items():
                frame = TrainingFrame(
                    name=f"frame_{len(frames)}",
                    annotator=scorer,
                    skeleton_instances=_instances(animals.get("", {}), labels.bodyparts, skeleton),
                    source_video=videos[-1],
                    source_video_frame_index=np.uint64(number),
                )
                frames.append(frame)
        behavior.add(Skeletons(skeletons=[skeleton]))
        behavior.add(
            PoseTraining(
                training_frames=TrainingFrames(training_frames=frames),
                source_videos=SourceVideos(image_series=videos),
            )
        )


def _instances(points: Mapping[str, Point], bodyparts: tuple[str, ...], skeleton: Any) -> Any:
    from ndx_pose import SkeletonInstance, SkeletonInstances

    known = [points.get(part) for part in bodyparts]
    labels = [one if one is not None and one.is_label and one.xy is not None else None for one in known]
    instance = SkeletonInstance(
        name="skeleton_instance",
        id=np.uint(0),
        node_locations=np.array([one.xy if one else (math.nan, math.nan) for one in labels], dtype=np.float64),
        node_visibility=np.array([one is not None and one.state == "placed" for one in labels]),
        skeleton=skeleton,
    )
    return SkeletonInstances(skeleton_instances=[instance])


def _edges(bodyparts: tuple[str, ...], skeleton: tuple[tuple[str, str], ...]) -> np.ndarray:
    pairs = [[bodyparts.index(part) for part in bone] for bone in skeleton]
    return np.array(pairs, dtype=np.uint16).reshape(-1, 2)


def _name(text: str) -> str:
    """Return a text as NWB allows the name of an object: it is part of a path in the file."""
    return re.sub("[/:]", "_", text)


def _source_video(path: Path, video: str, frames: int, poses: VideoPoses | None = None) -> Any:
    from pynwb.image import ImageSeries

    return ImageSeries(
        name=_name(Path(video).stem) or "video",
        description="The recording.",
        unit="n.a.",
        format="external",
        external_file=[os.path.relpath(video, path.parent) if Path(video).exists() else video],
        dimension=list(poses.size) if poses and poses.size else None,
        starting_frame=[0],
        rate=float((poses and poses.fps) or 1.0),
        num_samples=frames,
    )


@contextmanager
def _writing(path: Path, video: str) -> Iterator[tuple[Any, Any]]:
    """Begin a file, and write it whole or not at all when what belongs in it has been added."""
    from pynwb import NWBHDF5IO, NWBFile

    there = Path(video)
    began = there.stat().st_mtime if there.is_file() else 0.0
    nwb = NWBFile(
        session_description=f"Poses of an animal in {there.name or 'videos'}.",
        identifier=f"posecut {__version__} {there.name} {path.stem}",
        session_start_time=datetime.datetime.fromtimestamp(began, tz=datetime.UTC),
    )
    behavior = nwb.create_processing_module("behavior", "Positions of bodyparts in videos.")
    yield nwb, behavior
    with atomic_path(path) as temporary, NWBHDF5IO(temporary, "w") as file:
        file.write(nwb)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a file for reading; its own copy of the rules is not used, so that a file cannot bring rules of its own."""
    import ndx_pose  # noqa: F401 - registers the types
    from pynwb import NWBHDF5IO

    with open_hdf(path, foreign=True) as hdf, NWBHDF5IO(file=hdf, mode="r", load_namespaces=False) as file:
        yield file.read()


def read_poses(path: Path) -> VideoPoses:
    """Read the PoseEstimation objects of a file, one animal each.

    Raises:
        LabelError: it is no such file, has none, or those of several cameras.
    """
    from ndx_pose import MultiCameraPoseEstimation, PoseEstimation

    with reading(path, _TITLE), _opened(path) as nwb:
        if any(isinstance(one, MultiCameraPoseEstimation) for one in nwb.objects.values()):
            raise LabelError(f"{path} has views of several cameras, expected poses of one video; give a file of one.")
        found = [one for one in nwb.objects.values() if isinstance(one, PoseEstimation)]
        if not found:
            raise LabelError(f"{path} has no PoseEstimation, expected {_TITLE}; give another file.")
        animals, rates, video = {}, [], ""
        skeleton: tuple[tuple[str, str], ...] = ()
        for one in found:
            series = one.pose_estimation_series
            parts = list(map(str, one.skeleton.nodes[:])) if one.skeleton is not None else [*series]
            ordered = [series[_name(part)] for part in parts]
            xy = np.stack([each.data[:, :2] for each in ordered], axis=1).astype(np.float64)
            marks = [each.confidence[:] if each.confidence is not None else np.ones(len(xy)) for each in ordered]
            likelihood = np.nan_to_num(np.stack(marks, axis=1).astype(np.float64))
            name = one.name.removeprefix("PoseEstimation").removeprefix("_") if len(found) > 1 else ""
            animals[name] = Predictions(str(one.scorer or one.source_software or "NWB"), tuple(parts), xy, likelihood)
            rates += [each.rate for each in ordered if each.rate]
            if one.source_video is not None and one.source_video.external_file is not None:
                video = str(one.source_video.external_file[0])
            if one.skeleton is not None and one.skeleton.edges is not None:
                skeleton = tuple((parts[a], parts[b]) for a, b in one.skeleton.edges[:].tolist())
        return VideoPoses(video, animals, fps=float(rates[0]) if rates else None, skeleton=skeleton)


def read_labels(path: Path) -> Labels:
    """Read the training frames of a file; of several instances in one, each is an animal.

    Raises:
        LabelError: it is no such file, or has none.
    """
    from ndx_pose import PoseTraining, TrainingFrame

    with reading(path, _TITLE), _opened(path) as nwb:
        found = [one for one in nwb.objects.values() if isinstance(one, TrainingFrame)]
        if not found and not any(isinstance(one, PoseTraining) for one in nwb.objects.values()):
            raise LabelError(f"{path} has no training frames, expected {_TITLE}; give another file.")
        several = any(len(one.skeleton_instances.skeleton_instances) > 1 for one in found)
        videos: dict[str, dict[int | str, dict[str, dict[str, Point]]]] = {}
        parts: dict[str, None] = {}
        edges: dict[tuple[str, str], None] = {}
        for one in found:
            source = one.source_video
            video = str(source.external_file[0]) if source is not None and source.external_file is not None else ""
            animals = videos.setdefault(video, {}).setdefault(int(one.source_video_frame_index), {})
            for place, instance in enumerate(one.skeleton_instances.skeleton_instances.values()):
                nodes = [str(node) for node in instance.skeleton.nodes[:]]
                parts.update(dict.fromkeys(nodes))
                pairs = [] if instance.skeleton.edges is None else instance.skeleton.edges[:].tolist()
                edges.update(dict.fromkeys((nodes[a], nodes[b]) for a, b in pairs))
                animals[str(place) if several else ""] = _points(instance, nodes)
        listed = tuple(VideoLabels(video, frames) for video, frames in videos.items())
        return Labels(tuple(parts), listed, tuple(edges))


def _points(instance: Any, nodes: list[str]) -> dict[str, Point]:
    places = np.asarray(instance.node_locations[:], dtype=np.float64)[:, :2].tolist()
    seen = [True] * len(nodes) if instance.node_visibility is None else instance.node_visibility[:].tolist()
    return {
        part: Point("placed" if visible else "occluded", (x, y))
        for part, (x, y), visible in zip(nodes, places, seen, strict=True)
        if math.isfinite(x) and math.isfinite(y)
    }
