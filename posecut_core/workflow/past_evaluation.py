"""The evaluation that a project holds already, read from its tables; no network is looked at, and JAX is not needed."""

from dataclasses import dataclass
from pathlib import Path

from posecut_core.analysis.evaluation import MeanErrors
from posecut_core.analysis.evaluation_files import (
    FrameError,
    ResultRow,
    is_present,
    read_bodypart_errors,
    read_frame_errors,
    read_results,
)
from posecut_core.project.hashing import file_sha256
from posecut_core.project.layout import Project

_ENDING = "-results.csv"
_OTHERS = ("-keypoint-results.csv", "-frame-results.csv")


@dataclass(frozen=True)
class PastEvaluation:
    """What is known of an evaluated network."""

    scorer: str
    row: ResultRow
    bodyparts: dict[str, MeanErrors]
    frames: tuple[FrameError, ...]  # the worst first
    report: Path  # .html; of the snapshot that was evaluated last
    is_present: bool = True  # False: of an earlier network of that name, which was trained again since


def newest_evaluation(project: Project) -> PastEvaluation | None:
    """Read the evaluation of the present iteration that was written last; None where there is none."""
    tables = [path for path in project.evaluation_results.glob(f"*/*{_ENDING}") if not path.name.endswith(_OTHERS)]
    for table in sorted(tables, key=_written, reverse=True):
        rows, stem = read_results(table), table.name.removesuffix(_ENDING)
        if rows:
            return PastEvaluation(
                scorer=stem,
                row=rows[-1],
                bodyparts=read_bodypart_errors(table.with_name(f"{stem}-keypoint-results.csv")),
                frames=read_frame_errors(table.with_name(f"{stem}-frame-results.csv")),
                report=table.with_name("report.html"),
                is_present=is_present(rows[-1], _network(project, rows[-1])),
            )
    return None


def _network(project: Project, row: ResultRow) -> str:
    """Return the hash of the snapshot that a row names; nothing where there is none any more."""
    percents = [project.training_percent(index) for index in range(len(project.config.training_fractions))]
    if row.percent not in percents:
        return ""
    manifest = project.snapshot_manifest(row.shuffle, row.step, percents.index(row.percent))
    return file_sha256(manifest) if manifest.is_file() else ""


def _written(path: Path) -> float:
    return path.stat().st_mtime
