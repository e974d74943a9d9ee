"""SLEAP's .slp and .pkg.slp, labels and predictions, through sleap-io.

SLEAP says of a point where it is and whether it is visible: an invisible point with a place is hidden, one without is
absent. What a network predicted is an instance of its own, whose points are drafts where the person's instance of the
same animal has none. Positions are from the center of the top-left pixel, as since version 1.1 of the format.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from posecut_core.errors import AnalysisError, VideoError
from posecut_core.interchange.registry import FormatError, Labels, VideoLabels, VideoPoses, reading
from posecut_core.labels.state import LabelOrigin, Point
from posecut_core.poses.predictions import Predictions
from posecut_core.project.given import named_few
from posecut_core.storage.files import atomic_path
from posecut_core.storage.hdf import open_hdf

_TITLE = "SLEAP"
_ANIMAL = "animal"


def read_labels(path: Path) -> Labels:
    """Read the labels, and the predictions as drafts, of a .slp or .pkg.slp.

    An animal is a track, or, where instances have none, the place of an instance within its frame.

    Raises:
        LabelError: it is no such file.
    """
    with reading(path, _TITLE):
        found = _load(path)
        several = _several(found.labeled_frames)
        frames: dict[int, dict[int, dict[str, dict[str, Point]]]] = {place: {} for place in range(len(found.videos))}
        places = {id(video): place for place, video in enumerate(found.videos)}
        for frame in found.labeled_frames:
            animals: dict[str, dict[str, Point]] = {}
            for name, instance in _named(frame.instances, several):
                points = animals.setdefault(name, {})
                points.update(_points(instance, points))
            frames[places[id(frame.video)]][int(frame.frame_idx)] = animals
        videos = tuple(
            VideoLabels(_video_name(video), frames[place])  # type: ignore[arg-type]
            for place, video in enumerate(found.videos)
        )
        skeleton = [tuple(edge) for one in found.skeletons for edge in one.edge_names]
        symmetries = [tuple(pair) for one in found.skeletons for pair in one.symmetry_names]
        left_out = (f"{len(found.suggestions)} suggested frames",) if found.suggestions else ()
        return Labels(_nodes(found), videos, tuple(skeleton), tuple(symmetries), left_out)


def _load(path: Path) -> Any:
    import sleap_io

    with open_hdf(path, foreign=True):  # which refuses what sleap-io would go through for hours
        return sleap_io.load_slp(str(path), open_videos=False)


def _nodes(labels: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(name) for one in labels.skeletons for name in one.node_names))


def _video_name(video: Any) -> str:
    """Return the path of a video; of images that a package holds, that of the video they came from."""
    while getattr(video, "source_video", None) is not None:
        video = video.source_video
    name = video.filename
    return str(Path(name[0].replace("\\", "/")).parent) if isinstance(name, list) else str(name).replace("\\", "/")


def _several(frames: Iterable[Any]) -> bool:
    """Tell whether there is more than one animal: tracks, or instances of one kind in a frame."""
    tracks = set()
    for frame in frames:
        kinds = [type(one) for one in frame.instances]
        tracks |= {one.track.name for one in frame.instances if one.track is not None}
        if any(kinds.count(kind) > 1 for kind in set(kinds)):
            return True
    return len(tracks) > 1


def _named(instances: Iterable[Any], several: bool) -> list[tuple[str, Any]]:
    """Return the instances of a frame with their animals, those of persons before those of networks."""
    counts: dict[type, int] = {}
    named = []
    for one in sorted(instances, key=lambda one: hasattr(one, "score")):
        place = counts[type(one)] = counts.get(type(one), -1) + 1
        named.append((("" if not several else str(one.track.name) if one.track else str(place)), one))
    return named


def _points(instance: Any, known: Mapping[str, Point]) -> dict[str, Point]:
    """Return the points of an instance; those of a network only where `known` has no label with a place."""
    rows = instance.points
    scores = rows["score"].tolist() if hasattr(instance, "score") else None
    found = {}
    for place, (name, (x, y), visible) in enumerate(
        zip(rows["name"].tolist(), rows["xy"].tolist(), rows["visible"].tolist(), strict=True)
    ):
        missing = x != x or y != y
        if scores is None:
            found[name] = Point("absent") if missing else Point("placed" if visible else "occluded", (x, y))
        elif not missing and (name not in known or known[name].xy is None):
            likelihood = float(np.clip(np.nan_to_num(scores[place]), 0.0, 1.0))
            found[name] = Point("proposed", (x, y), LabelOrigin("machine", likelihood))
    return found


def write_labels(path: Path, labels: Labels, *, scorer: str, name: str) -> None:
    """Write labels, and drafts as predictions; a .pkg.slp holds the images of the frames as well.

    Args:
        path: the .slp or .pkg.slp.
        labels: of videos, whose names are paths.
        scorer: who labeled.
        name: of the format.

    Raises:
        VideoError: a video is missing, of which a .pkg.slp is to hold images.
        StorageError: the disk refuses.
    """
    import sleap_io

    missing = [video.video for video in labels.videos if video.frames and not Path(video.video).is_file()]
    if missing and name == "sleap-package":
        raise VideoError(
            f"A package holds images of the labeled frames, but {named_few(missing)} is not there; put it there, or "
            "choose the format sleap, which holds none."
        )
    skeleton, videos, frames = _skeleton(labels.bodyparts, labels.skeleton, labels.symmetries), [], []
    for video in labels.videos:
        videos.append(sleap_io.Video(filename=video.video))
        for number, animals in video.frames.items():
            points = animals.get("", {})
            kinds: list[Any] = []
            if any(point.is_label for point in points.values()):
                kinds.append(_instance(points, skeleton))
            if any(not point.is_label for point in points.values()):
                kinds.append(_prediction(points, skeleton))
            frames.append(sleap_io.LabeledFrame(video=videos[-1], frame_idx=number, instances=kinds))
    content = sleap_io.Labels(labeled_frames=frames, videos=videos, skeletons=[skeleton])
    content.provenance["scorer"] = scorer
    _save(path, content, embed=name == "sleap-package")


def _save(path: Path, content: Any, *, embed: bool = False) -> None:
    """Write a file whole or not at all; sleap-io goes by suffixes."""
    import sleap_io

    ending = ".pkg.slp" if embed else ".slp"
    with atomic_path(path) as temporary:
        whole = temporary.with_name(f"{temporary.name}{ending}")
        try:
            sleap_io.save_slp(content, str(whole), embed="all" if embed else False, verbose=False)
            whole.replace(temporary)
        finally:
            whole.unlink(missing_ok=True)


def _skeleton(
    bodyparts: tuple[str, ...], edges: Iterable[tuple[str, str]], symmetries: Iterable[tuple[str, str]]
) -> Any:
    import sleap_io

    return sleap_io.Skeleton(
        nodes=list(bodyparts),
        edges=[list(edge) for edge in edges],
        symmetries=[list(pair) for pair in symmetries],
        name=_ANIMAL,
    )


def _instance(points: Mapping[str, Point], skeleton: Any) -> Any:
    import sleap_io

    instance = sleap_io.Instance.empty(skeleton=skeleton)
    for row, name in zip(instance.points, skeleton.node_names, strict=True):
        point = points.get(name)
        xy = point.xy if point is not None and point.is_label else None
        row["xy"], row["complete"] = xy or (np.nan, np.nan), xy is not None
        row["visible"] = xy is not None and point is not None and point.state == "placed"
    return instance


def _prediction(points: Mapping[str, Point], skeleton: Any) -> Any:
    import sleap_io

    drafts = [points.get(name) for name in skeleton.node_names]
    pairs = [(one.xy, one.origin.likelihood or 0.0) if one and not one.is_label else None for one in drafts]
    xy = np.array([pair[0] if pair else (np.nan, np.nan) for pair in pairs], dtype=np.float64)
    scores = np.array([pair[1] if pair else 0.0 for pair in pairs])
    return sleap_io.PredictedInstance.from_numpy(points_data=xy, point_scores=scores, score=1.0, skeleton=skeleton)


def read_poses(path: Path) -> VideoPoses:
    """Read the instances of a .slp with one video as predictions; labels of persons have the likelihood 1.

    Raises:
        LabelError: it is no such file.
        AnalysisError: it is of several videos.
    """
    with reading(path, _TITLE):
        found = _load(path)
        if len(found.videos) != 1:
            raise AnalysisError(f"{path} has {len(found.videos)} videos, expected one; split the file by video.")
        several = _several(found.labeled_frames)
        nodes = _nodes(found)
        numbers = [int(frame.frame_idx) for frame in found.labeled_frames]
        shape = found.videos[0].shape
        length = max([*numbers, int(shape[0]) - 1 if shape and shape[0] else -1]) + 1
        if length > 100 * (len(numbers) + 1_000_000):
            raise FormatError(f"its last frame is number {length - 1}, with {len(numbers)} labeled ones")
        animals: dict[str, Predictions] = {}
        for number, frame in zip(numbers, found.labeled_frames, strict=True):
            for name, instance in reversed(_named(frame.instances, several)):  # what a person said comes last
                poses = animals.setdefault(name, _nothing(nodes, length))
                columns = [nodes.index(node) for node in instance.points["name"].tolist()]
                poses.xy[number, columns] = instance.points["xy"]
                is_predicted = hasattr(instance, "score")
                poses.likelihood[number, columns] = instance.points["score"] if is_predicted else 1.0
        size = (int(shape[2]), int(shape[1])) if shape else None
        edges = tuple((str(a), str(b)) for a, b in found.skeletons[0].edge_names) if found.skeletons else ()
        return VideoPoses(_video_name(found.videos[0]), animals, size=size, skeleton=edges)


def _nothing(nodes: tuple[str, ...], length: int) -> Predictions:
    return Predictions("SLEAP", nodes, np.full((length, len(nodes), 2), np.nan), np.zeros((length, len(nodes))))


def write_poses(path: Path, poses: VideoPoses) -> None:
    """Write predictions of a video as predicted instances; frames without any position have none.

    Raises:
        StorageError: the disk refuses.
    """
    import sleap_io

    video = sleap_io.Video(filename=poses.video)
    frames: dict[int, list[Any]] = {}
    parts = next(iter(poses.animals.values())).bodyparts
    skeleton = _skeleton(parts, poses.skeleton, ())
    tracks = {name: sleap_io.Track(name or _ANIMAL) for name in poses.animals}
    for name, one in poses.animals.items():
        for number in np.flatnonzero(np.isfinite(one.xy).all(axis=2).any(axis=1)).tolist():
            instance = sleap_io.PredictedInstance.from_numpy(
                points_data=one.xy[number].astype(np.float64),
                point_scores=one.likelihood[number],
                score=float(np.nanmean(one.likelihood[number])),
                skeleton=skeleton,
                track=tracks[name],
            )
            frames.setdefault(number, []).append(instance)
    labeled = [
        sleap_io.LabeledFrame(video=video, frame_idx=number, instances=frames[number]) for number in sorted(frames)
    ]
    content = sleap_io.Labels(
        labeled_frames=labeled, videos=[video], skeletons=[skeleton], tracks=list(tracks.values())
    )
    content.provenance["scorer"] = next(iter(poses.animals.values())).scorer
    _save(path, content)
