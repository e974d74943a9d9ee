"""COCO keypoints: images, one annotation per animal, and keypoints as x, y, v.

v is 0 for not labeled, 1 for labeled but not visible, 2 for labeled and visible (cocodataset.org, "Data format").
Positions are taken as they are, (0, 0) the center of the top-left pixel, as most programs write them.
"""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from posecut_core.errors import LabelError
from posecut_core.formats.deeplabcut.images import last_part
from posecut_core.interchange.registry import FormatError, Key, Labels, VideoLabels, reading
from posecut_core.labels.state import Point
from posecut_core.storage.files import read_json, write_text

_TITLE = "COCO keypoints"


def read_labels(path: Path) -> Labels:
    """Read a file of COCO keypoints; the folder of an image names its video.

    Raises:
        LabelError: it is no such file.
    """
    with reading(path, _TITLE):
        content = read_json(path)
        categories = {one["id"]: one for one in content["categories"] if one.get("keypoints")}
        if not categories:
            raise LabelError(f"{path} has no category with keypoints, expected COCO keypoints; give another file.")
        images = {one["id"]: (_folder(one["file_name"]), last_part(one["file_name"])) for one in content["images"]}
        sizes = {one["id"]: (int(one.get("width") or 0), int(one.get("height") or 0)) for one in content["images"]}
        videos: dict[str, dict[int | str, dict[str, dict[str, Point]]]] = {}
        several = _several(content["annotations"])
        places: dict[Any, int] = {}
        ignored = 0
        for one in content["annotations"]:
            category = categories.get(one.get("category_id"))
            if category is None or "keypoints" not in one:
                ignored += 1
                continue
            folder, name = images[one["image_id"]]
            places[one["image_id"]] = places.get(one["image_id"], -1) + 1
            animal = str(one.get("track_id", places[one["image_id"]])) if several else ""
            points = dict(_points(category["keypoints"], one["keypoints"]))
            videos.setdefault(folder, {}).setdefault(name, {}).setdefault(animal, {}).update(points)
        names = [str(name) for one in categories.values() for name in one["keypoints"]]
        skeleton = [edge for one in categories.values() for edge in _edges(one)]
    by_folder: dict[str, dict[Key, tuple[int, int]]] = {
        folder: {key: sizes[one] for one, (its, key) in images.items() if its == folder} for folder in videos
    }
    found = tuple(VideoLabels(video, frames, by_folder[video]) for video, frames in videos.items())
    left_out = (f"{ignored} annotations without keypoints",) if ignored else ()
    return Labels(tuple(dict.fromkeys(names)), found, tuple(skeleton), left_out=left_out)


def _folder(name: str) -> str:
    return last_part(name.replace("\\", "/").rpartition("/")[0])


def _several(annotations: list[Mapping[str, Any]]) -> bool:
    """Tell whether any image has more than one animal."""
    images = [one["image_id"] for one in annotations if "keypoints" in one]
    return len({*images}) < len(images)


def _points(names: list[str], values: list[float]) -> Iterator[tuple[str, Point]]:
    if len(values) != 3 * len(names):
        raise FormatError(f"{len(names)} keypoints have {len(values)} numbers, expected three for each")
    for place, name in enumerate(names):
        x, y, visible = values[3 * place : 3 * place + 3]
        if visible not in (0, 1, 2):
            raise FormatError(f"a visibility is {visible!r}, expected 0, 1 or 2")
        if visible:
            if not (math.isfinite(x) and math.isfinite(y)):
                raise FormatError(f"{name} is labeled at {x}, {y}, expected numbers")
            yield str(name), Point("placed" if visible == 2 else "occluded", (float(x), float(y)))


def _edges(category: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return bones, which COCO counts from 1."""
    names = category["keypoints"]
    return [(str(names[a - 1]), str(names[b - 1])) for a, b in category.get("skeleton") or () if min(a, b) > 0]


def write_labels(path: Path, labels: Labels, *, scorer: str, name: str) -> None:
    """Write COCO keypoints of one animal; images are named from the project's folder.

    Args:
        path: the .json.
        labels: of images.
        scorer: who labeled.
        name: of the format.
    """
    bones = [[labels.bodyparts.index(a) + 1, labels.bodyparts.index(b) + 1] for a, b in labels.skeleton]
    category = {"id": 1, "name": "animal", "supercategory": "animal", "keypoints": labels.bodyparts, "skeleton": bones}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for video in labels.videos:
        for key, animals in video.frames.items():
            number = len(images) + 1
            width, height = video.sizes.get(key, (0, 0))
            file = f"labeled-data/{video.video}/{key}"
            images.append({"id": number, "file_name": file, "width": width, "height": height})
            annotations.append({"id": number, **_annotation(labels.bodyparts, animals.get("", {}), number)})
    info = {"description": f"labels of {scorer}", "version": "1.0"}
    content = {"info": info, "images": images, "annotations": annotations, "categories": [category]}
    write_text(path, json.dumps(content))


def _annotation(bodyparts: tuple[str, ...], points: Mapping[str, Point], image: int) -> dict[str, Any]:
    values: list[float] = []
    placed = []
    for part in bodyparts:
        point = points.get(part)
        if point is None or point.xy is None or not point.is_label:
            values += [0.0, 0.0, 0]
            continue
        placed.append(point.xy)
        values += [*point.xy, 2 if point.state == "placed" else 1]
    left, top = (min((xy[axis] for xy in placed), default=0.0) for axis in (0, 1))
    right, bottom = (max((xy[axis] for xy in placed), default=0.0) for axis in (0, 1))
    box = [left, top, right - left, bottom - top]
    common = {"image_id": image, "category_id": 1, "iscrowd": 0, "bbox": box, "area": box[2] * box[3]}
    return {**common, "num_keypoints": len(placed), "keypoints": values}
