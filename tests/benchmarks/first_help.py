"""Time to first help: how good a network's proposals are some minutes after a person has begun to label.

    python tests/benchmarks/first_help.py [--seconds 300] [--frames 10]

A scripted annotator labels 10 of openfield's 116 frames at once, while the assistant runs in a process of its own and
begins by itself. After the first time the proposals on all other frames are held against their labels; then 10 more
frames are labeled, and after the same time again. The window is not open.
"""

import multiprocessing
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import psutil
from openfield import parser, print_result, working_copy

from posecut_core.assistant.proposals import read_proposals
from posecut_core.evaluation.errors import pixel_errors
from posecut_core.labels.edits import MarkAbsent, Place, Together
from posecut_core.labels.session import LabelSession
from posecut_core.labels.store import read_labels
from posecut_core.project.opening import open_project
from posecut_core.workflow.propose_labels import assist

VIDEO = "m4s1"


def help_out(config):
    """Run the assistant until the process is asked to end."""
    with suppress(KeyboardInterrupt):
        assist(config)


@contextmanager
def assistant(config):
    """Run the assistant in a process of its own; yield that process."""
    process = multiprocessing.get_context("spawn").Process(target=help_out, args=(config,))
    process.start()
    try:
        yield process
    finally:
        process.terminate()
        process.join()


def forget_labels(config):
    """Take all labels away from the example project, and return them; the frames stay."""
    project = open_project(config)
    truth = read_labels(project, VIDEO)
    for suffix in (".h5", ".csv"):
        project.collected_data(VIDEO, suffix).unlink(missing_ok=True)
    return project, truth


def label(project, truth, numbers):
    """Label frames as the truth has them, as a window does."""
    rows = np.searchsorted(truth.numbers, numbers)
    with LabelSession.open(project, VIDEO) as session:
        for number, row in zip(numbers, rows.tolist(), strict=True):
            parts = [(session.identity(name), xy) for name, xy in zip(truth.bodyparts, truth.xy[row], strict=True)]
            edits = (
                MarkAbsent(number, part) if np.isnan(xy[0]) else Place(number, part, tuple(xy)) for part, xy in parts
            )
            session.apply(Together(tuple(edits)))


def errors(project, truth, labeled):
    """Measure the proposals of the frames that were never labeled; return their step and the errors in pixels."""
    proposals = read_proposals(project.proposals)
    found = proposals.videos[VIDEO]
    unseen = ~np.isin(found.numbers, labeled)
    rows = np.searchsorted(truth.numbers, found.numbers[unseen])
    distances = pixel_errors(found.xy[unseen], truth.xy[rows])
    return proposals.step, distances[~np.isnan(distances)]


def follow(project, truth, labeled, *, begin, end):
    """Tell of every new file of proposals until `end`; return when the first was there, or None."""
    first, seen = None, None
    while time.perf_counter() < end:
        time.sleep(0.5)
        written = project.proposals.stat().st_mtime_ns if project.proposals.exists() else None
        if written != seen:
            now, seen = round(time.perf_counter() - begin, 1), written
            first = first or now
            step, distances = errors(project, truth, labeled)
            print(f"{now} s, step {step}: {summary(distances)}", flush=True)
    return first


def summary(distances):
    """Sum up errors in pixels."""
    return {
        "median_px": round(float(np.median(distances)), 2),
        "mean_px": round(float(np.mean(distances)), 2),
        "p90_px": round(float(np.percentile(distances, 90)), 2),
    }


def main():
    """Label twice, measure twice, and print one JSON object."""
    options = parser(__doc__)
    options.add_argument("--seconds", type=float, default=300, help="from labels to measurement (default: %(default)s)")
    options.add_argument("--frames", type=int, default=10, help="frames labeled each time (default: %(default)s)")
    options.add_argument("--keep", type=Path, help="an empty folder for the project (default: none)")
    arguments = options.parse_args()
    result = {}
    with working_copy(arguments.data, keep=arguments.keep) as config:
        project, truth = forget_labels(config)
        every = len(truth.numbers) // arguments.frames + 1
        with assistant(config) as process:
            labeled, begin = [], time.perf_counter()
            for number in (1, 2):
                labeled += truth.numbers[(number - 1) * (every // 2) :: every][: arguments.frames].tolist()
                label(project, truth, labeled[-arguments.frames :])
                end = begin + number * arguments.seconds
                first = follow(project, truth, labeled, begin=begin, end=end)
                result.setdefault("first_proposals_s", first)
                step, distances = errors(project, truth, labeled)
                times = psutil.Process(process.pid).cpu_times()
                result[f"{len(labeled)} frames"] = {
                    "seconds": number * arguments.seconds,
                    "step": step,
                    "process_s": round(times.user + times.system, 1),
                    **summary(distances),
                }
    print_result(result)


if __name__ == "__main__":
    main()
