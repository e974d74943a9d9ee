"""Networks that see the frames around each (`context`) beside networks that do not, after as many steps.

    python tests/benchmarks/context.py [--sets hidden,absent,flies] [--contexts 0,2] [--seeds N] [--steps N]
        [--weights FILE] [--set NAME=VALUE] [--results FILE.jsonl]

`hidden`: two thirds of the videos of two drawn mice train, the last third tests; in half of these frames bodyparts lie
under the board. They are labeled where they are, as a person does who has seen the animal walk under it. `absent`: the
same frames, labeled as by a person who sees one frame: what is under the board is nowhere. `flies`: one fly of each
frame of one recording trains, flies of others test. Every training is a line of `--results`; what is there already is
not trained again. Errors are pixels of the full frames.
"""

import importlib.util
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from generalisation import Subject, evaluated
from openfield import all_rows, print_result, row_parser, settings_given

from posecut_core import create_new_project, extract_frames
from posecut_core.demo.sample import VIDEOS, create, film_all
from posecut_core.demo.scene import TO_LABEL, Truth, human_labels, prepare
from posecut_core.labels.table import LabelTable
from posecut_core.progress import silent
from posecut_core.project.opening import open_project
from posecut_core.video.frame_store import FrameStore
from posecut_core.video.reader import VideoReader
from posecut_core.workflow.check_labels import write_labels

_ANYWHERE, _UNDER = 25, 25  # frames of each third of a drawn video, at random, and of those with a hidden bodypart
_FLIES = {"a": 120, "b": 100, "c_two": 60}  # recording -> frames; the first trains
_SIDE = 192  # pixels of a crop around a fly


@dataclass(frozen=True)
class Film:
    """A subject, and which of its points lie under the board."""

    subject: Subject
    hidden: Mapping[str, np.ndarray]  # video -> frames x bodyparts, of all frames


@contextmanager
def drawn(data: Path, seeds: int, *, labels_hidden: bool) -> Iterator[Film]:
    """Draw mice and label them: the first two thirds of their videos for training, the last to test on."""
    with tempfile.TemporaryDirectory(prefix="posecut-drawn-") as folder:
        config = create(Path(folder), film_all(TO_LABEL, Path(folder) / VIDEOS, silent), silent)
        trains, hidden = [], {}
        for scene in sorted(TO_LABEL, key=lambda scene: scene.name):  # as the labeled frames are sorted
            rng, truth = np.random.default_rng([scene.seed, 3]), prepare(scene).truth
            first, last = (_chosen(rng, truth, part) for part in _parts(scene.frames))
            numbers = extract_frames(config, "manual", videos=[scene.name], frames=[*first, *last]).videos[0].frames
            hidden[scene.name] = truth.hidden
            known = replace(truth, hidden=np.zeros_like(truth.hidden)) if labels_hidden else truth
            write_labels(config, human_labels(rng, known, scene.name, numbers, jitter=0.7))
            trains += [number in first for number in numbers]
        train, test = (np.flatnonzero(np.array(trains) == side).tolist() for side in (True, False))
        yield Film(Subject(config, ((train, test),) * seeds, {}), hidden)


def _parts(frames: int) -> tuple[range, range]:
    """Return the frames that train and those that test, with some between them that do neither."""
    return range(2 * frames // 3 - 5), range(2 * frames // 3 + 5, frames)


def _chosen(rng: np.random.Generator, truth: Truth, part: range) -> set[int]:
    under = [number for number in part if truth.hidden[number].any()]
    anywhere = rng.choice(np.array(part), _ANYWHERE, replace=False)
    return {*anywhere.tolist(), *rng.permutation(under)[:_UNDER].tolist()}


@contextmanager
def flies(data: Path, seeds: int) -> Iterator[Film]:
    """Label one fly of each of some frames, in a window around it, as a frame store keeps windows of frames."""
    given = importlib.util.spec_from_file_location("flies_project", data.parent / "tools" / "flies_project.py")
    tool = importlib.util.module_from_spec(given)
    given.loader.exec_module(tool)
    with tempfile.TemporaryDirectory(prefix="posecut-flies-") as folder:
        videos = [data / "flies" / f"{name}.mp4" for name in _FLIES]
        config = create_new_project("flies", "me", videos, folder, bodyparts=tool.PARTS).config_path
        rows = {name: _one_fly_of_each(config, tool, name, count) for name, count in _FLIES.items()}
        yield Film(_subject(config, rows, ["a"], seeds), {})


def _one_fly_of_each(config: Path, tool, name: str, count: int) -> int:
    project, rng = open_project(config), np.random.default_rng(0)
    path = tool.DATA / f"{name}.mp4"
    frames = [(number, seen) for number, seen in tool.read_slp(tool.DATA / f"{name}.slp") if len(seen)]
    chosen, images = {}, []
    with VideoReader(path) as reader:
        sides = np.array([reader.index.width, reader.index.height])
        for place in np.linspace(0, len(frames) - 1, count).round().astype(int):
            number, seen = frames[place]
            xy = seen[rng.integers(len(seen))]
            if np.isnan(xy).mean() > 0.3:
                continue
            shift = rng.uniform(-tool.PAD, tool.PAD, 2) - _SIDE / 2
            x, y = np.clip(np.nanmean(xy, axis=0) + shift, 0, sides - _SIDE).round().astype(int).tolist()
            local = xy - (x, y)
            chosen[number] = np.where(((local < 0) | (local > _SIDE - 1)).any(axis=1, keepdims=True), np.nan, xy)
            images.append((number, reader.read(number)[y : y + _SIDE, x : x + _SIDE], (x, y)))
    FrameStore.open(project.frame_store(name), create=True).append(images)
    numbers = sorted(chosen)
    table = LabelTable(name, tuple(tool.PARTS), np.array(numbers), np.stack([chosen[number] for number in numbers]))
    write_labels(config, table)
    return len(numbers)


def _subject(config: Path, rows: Mapping[str, int], training: list[str], seeds: int) -> Subject:
    places, first = {}, 0
    for name in sorted(rows):  # as the labeled frames are sorted
        places[name], first = list(range(first, first + rows[name])), first + rows[name]
    train, test = (
        [row for name in places if (name in training) is side for row in places[name]] for side in (True, False)
    )
    return Subject(config, ((train, test),) * seeds, {name: places[name] for name in rows if name not in training})


SETS = {
    "hidden": lambda data, seeds: drawn(data, seeds, labels_hidden=True),
    "absent": lambda data, seeds: drawn(data, seeds, labels_hidden=False),
    "flies": flies,
}


def run(arguments, known: list[dict[str, object]]) -> Iterator[dict[str, object]]:
    """Train what is not known yet, and yield a row for each."""
    given, shuffle = settings_given(arguments.set), 0
    for name in arguments.sets.split(","):
        wanted = [
            {"set": name, "context": int(context), "seed": seed, "steps": arguments.steps, "asked": given}
            for seed in range(arguments.seeds)
            for context in arguments.contexts.split(",")
        ]
        wanted = [row for row in wanted if not any(one | row == one for one in known)]
        if not wanted:
            continue
        with SETS[name](arguments.data, arguments.seeds) as film:
            for row in wanted:
                shuffle += 1
                train, test = film.subject.splits[row["seed"]]
                settings = {"seed": row["seed"], "context": row["context"], "maxiters": arguments.steps, **given}
                found, minutes = evaluated(film.subject, shuffle, train, test, arguments.weights, settings)
                yield {**row, **_figures(found, film), "processor_minutes": round(minutes, 2)}


def _figures(found, film: Film) -> dict[str, float | None]:
    """Sum up test frames: errors of what is in view and what is hidden, and likelihoods of both."""
    hidden = np.concatenate(
        [film.hidden[video.video][video.numbers] if film.hidden else np.zeros(video.xy.shape[:2], bool)
         for video in found.frames]
    )[found.is_test]  # fmt: skip
    errors, likelihood = found.errors[found.is_test], found.likelihood[found.is_test]
    return {
        "view_px": _mean(errors[~hidden]),
        "view_p95_px": _percentile(errors[~hidden], 95),
        "hidden_px": _mean(errors[hidden]),
        "view_below_half": _mean(likelihood[~hidden] < 0.5),
        "hidden_below_half": _mean(likelihood[hidden] < 0.5),
        "hidden_points": int(hidden.sum()),
    }


def _mean(values: np.ndarray) -> float | None:
    known = values[~np.isnan(values)]
    return round(float(known.mean()), 3) if len(known) else None


def _percentile(values: np.ndarray, share: float) -> float:
    return round(float(np.nanpercentile(values, share)), 2)


def table(rows: list[dict[str, object]]) -> dict[str, dict[str, object]]:
    """Average over seeds."""
    found: dict[str, dict[str, object]] = {}
    for key in dict.fromkeys((row["set"], row["context"]) for row in rows):
        own = [row for row in rows if (row["set"], row["context"]) == key]
        figures = ("view_px", "view_p95_px", "hidden_px", "view_below_half", "hidden_below_half", "processor_minutes")
        values = {name: [row[name] for row in own if row[name] is not None] for name in figures}
        means = {name: [round(float(np.mean(each)), 3), *each] for name, each in values.items() if each}
        found[f"{key[0]}, context {key[1]}"] = {"seeds": len(own), **means}
    return found


def main():
    """Train what is missing, print one JSON object: the mean of each figure, and what it was with each seed."""
    options = row_parser(__doc__)
    options.add_argument("--sets", default=",".join(SETS), help="(default: %(default)s)")
    options.add_argument("--contexts", default="0,2", help="(default: %(default)s)")
    options.add_argument("--seeds", type=int, default=2, help="(default: %(default)s)")
    options.add_argument("--steps", type=int, default=400, help="of each training (default: %(default)s)")
    options.add_argument("--weights", default="random", help="imagenet, random or a .safetensors file")
    arguments = options.parse_args()
    rows = all_rows(arguments.results, lambda known: run(arguments, known))
    print_result({"table": table(rows)})


if __name__ == "__main__":
    main()
