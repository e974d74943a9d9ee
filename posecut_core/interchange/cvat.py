"""CVAT for images 1.1: an element per image, with skeletons of points, or points of their own labels.

CVAT for video 1.1 is read as well: an element per track, with the shapes of its frames. Only those that somebody drew
are labels; CVAT puts the frames between them where a straight line leads.

`occluded` and `outside` of a point are hidden and absent; a point that is both is hidden without a place. Source:
docs.cvat.ai, "XML annotation format". CVAT measures from the corner of the top-left pixel: half a pixel is taken off.
"""

import math
import xml.etree.ElementTree as ET
import xml.parsers.expat
from collections.abc import Iterator, Mapping
from pathlib import Path

from posecut_core.errors import LabelError
from posecut_core.formats.deeplabcut.images import last_part
from posecut_core.interchange.registry import FormatError, Labels, VideoLabels, reading
from posecut_core.labels.state import Point, Position
from posecut_core.storage.files import read_bytes, write_bytes

_TITLE = "CVAT for images"
_CORNER = 0.5  # pixels from the corner of the top-left pixel to its center
_ANIMAL = "animal"


def read_labels(path: Path) -> Labels:
    """Read points and skeletons of an XML file of CVAT; the folder of an image names its video.

    Raises:
        LabelError: it is no such file, or it declares entities, which CVAT never does.
    """
    with reading(path, _TITLE):
        content = read_bytes(path)
        _refuse_entities(path, content)
        root = ET.fromstring(content)
        if root.tag != "annotations":
            raise LabelError(f"{path} is no file of annotations of CVAT, expected CVAT for images or for video.")
        if root.find("track") is not None:
            return _of_tracks(root)
        videos: dict[str, dict[int | str, dict[str, dict[str, Point]]]] = {}
        sizes: dict[str, dict[int | str, tuple[int, int]]] = {}
        ignored = 0
        for image in root.iter("image"):
            name = image.attrib["name"].replace("\\", "/")
            folder, key = last_part(name.rpartition("/")[0]), last_part(name)
            size = int(image.attrib.get("width", 0)), int(image.attrib.get("height", 0))
            sizes.setdefault(folder, {})[key] = size
            videos.setdefault(folder, {})[key] = _animals(image)
            ignored += sum(shape.tag not in ("skeleton", "points") for shape in image)
        listed = _listed(root)
    found = tuple(VideoLabels(video, frames, sizes[video]) for video, frames in videos.items())
    used = [part for video in found for one in video.frames.values() for points in one.values() for part in points]
    left_out = (f"{ignored} shapes that are neither points nor skeletons",) if ignored else ()
    return Labels(tuple(dict.fromkeys([*listed, *used])), found, left_out=left_out)


def _listed(root: ET.Element) -> list[str]:
    """Return the names of points that a task lists."""
    return [label.findtext("name") or "" for label in root.iter("label") if label.findtext("type") == "points"]


def _of_tracks(root: ET.Element) -> Labels:
    """Read the tracks of a video: skeletons, one animal each, or points, all of one animal."""
    tracks = root.findall("track")
    skeletons = [track for track in tracks if track.find("skeleton") is not None]
    frames: dict[int | str, dict[str, dict[str, Point]]] = {}
    between: set[int] = set()
    ignored = 0
    for track in tracks:
        animal = track.attrib.get("id", "") if len(skeletons) > 1 and track in skeletons else ""
        for shape in track:
            number = int(shape.attrib["frame"])
            if shape.tag not in ("skeleton", "points"):
                ignored += 1
            elif _is_drawn(shape):
                points = _points(shape) if shape.tag == "skeleton" else [_point(shape, track.attrib["label"])]
                frames.setdefault(number, {}).setdefault(animal, {}).update(points)
            else:
                between.add(number)
    source = next(filter(None, (root.findtext(f"meta/{place}source") for place in ("task/", "job/", ""))), "")
    used = [part for animals in frames.values() for points in animals.values() for part in points]
    rest = len(between - frames.keys())
    left_out = [f"{rest} frames that CVAT filled in between those that were drawn"] if rest else []
    left_out += [f"{ignored} shapes that are neither points nor skeletons"] if ignored else []
    parts = tuple(dict.fromkeys([*_listed(root), *used]))
    return Labels(parts, (VideoLabels(last_part(source), frames),), left_out=tuple(left_out))


def _is_drawn(shape: ET.Element) -> bool:
    """Tell whether somebody drew a shape of a track; CVAT fills in the frames between."""
    return shape.attrib.get("keyframe", "1") == "1"


def _refuse_entities(path: Path, content: bytes) -> None:
    """Refuse a document type: entities in it could stand for gigabytes, or for other files."""

    def refuse(*_: object) -> None:
        raise LabelError(f"{path} declares a document type, which CVAT never writes; give another file.")

    parser = xml.parsers.expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(content, True)


def _animals(image: ET.Element) -> dict[str, dict[str, Point]]:
    """Return the skeletons of an image, one animal each, or its loose points, all of one animal."""
    skeletons = image.findall("skeleton")
    loose = dict(_points(image))
    animals = {str(place) if len(skeletons) > 1 else "": dict(_points(one)) for place, one in enumerate(skeletons)}
    return {"": {**loose, **animals.get("", {})}} if loose and len(skeletons) < 2 else animals


def _points(parent: ET.Element) -> Iterator[tuple[str, Point]]:
    yield from (_point(one, one.attrib["label"]) for one in parent.findall("points") if _is_drawn(one))


def _point(one: ET.Element, part: str) -> tuple[str, Point]:
    occluded, outside = (one.attrib.get(name, "0") == "1" for name in ("occluded", "outside"))
    if outside:
        return part, Point("occluded") if occluded else Point("absent")
    x, y = (float(value) - _CORNER for value in one.attrib["points"].split(";")[0].split(","))
    if not (math.isfinite(x) and math.isfinite(y)):
        raise FormatError(f"{part} lies at {x}, {y}, expected numbers")
    return part, Point("occluded" if occluded else "placed", (x, y))


def write_labels(path: Path, labels: Labels, *, scorer: str, name: str) -> None:
    """Write skeletons of one animal; images are named from the project's folder.

    Args:
        path: the .xml.
        labels: of images.
        scorer: who labeled.
        name: of the format.
    """
    root = ET.Element("annotations")
    ET.SubElement(root, "version").text = "1.1"
    listed = ET.SubElement(ET.SubElement(ET.SubElement(root, "meta"), "task"), "labels")
    for label, kind, parent in ((_ANIMAL, "skeleton", ""), *((part, "points", _ANIMAL) for part in labels.bodyparts)):
        one = ET.SubElement(listed, "label")
        ET.SubElement(one, "name").text = label
        ET.SubElement(one, "type").text = kind
        if parent:
            ET.SubElement(one, "parent").text = parent
    for video in labels.videos:
        for key, animals in video.frames.items():
            width, height = video.sizes.get(key, (0, 0))
            file = f"labeled-data/{video.video}/{key}"
            image = ET.SubElement(root, "image", id=str(len(root) - 2), name=file, width=str(width), height=str(height))
            _write_skeleton(image, animals.get("", {}), labels.bodyparts)
    ET.indent(root)
    write_bytes(path, ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _write_skeleton(image: ET.Element, points: Mapping[str, Point], bodyparts: tuple[str, ...]) -> None:
    labeled = [(part, points[part]) for part in bodyparts if part in points and points[part].is_label]
    skeleton = ET.SubElement(image, "skeleton", label=_ANIMAL, source="manual", z_order="0") if labeled else image
    for part, point in labeled:
        ET.SubElement(
            skeleton,
            "points",
            label=part,
            source="manual",
            occluded=str(int(point.state == "occluded")),
            outside=str(int(point.xy is None)),
            points=_written(point.xy or (0.0, 0.0)),
        )


def _written(xy: Position) -> str:
    return ",".join(repr(value + _CORNER) for value in xy)
