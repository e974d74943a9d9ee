"""Tables of text with a header, as csv files that people open in spreadsheets and save again."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from posecut_core.errors import AnalysisError
from posecut_core.labels.kept_copies import keep_copy
from posecut_core.progress import Progress, Report
from posecut_core.project.atomic import write_text
from posecut_core.project.reading import read_text


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read the rows of a table as column -> cell; there are none where there is no file.

    Raises:
        AnalysisError: it is no table.
    """
    try:
        return list(csv.DictReader(io.StringIO(read_text(path, errors="replace"))))
    except FileNotFoundError:
        return []
    except (OSError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise AnalysisError(
            f"{path} is no table of comma-separated values ({reason}); delete it, and it is made anew."
        ) from error


def own_rows(path: Path, columns: Sequence[str], *, report: Report) -> list[dict[str, str]]:
    """Read a table that is about to be replaced; one that lacks any of `columns` is kept under another name.

    Args:
        path: the table.
        columns: those without which its rows say nothing.
        report: told where a table was kept.

    Raises:
        StorageError: the copy cannot be written.
    """
    rows = read_rows(path)
    missing = [name for name in columns if rows and name not in rows[0]]
    if not missing:
        return rows
    kept = keep_copy(path.with_name(f"{path.stem}-other-format{path.suffix}"), path.read_bytes())
    text = (
        f"{path} has no column {missing[0]!r}, as when a spreadsheet has saved it with semicolons; it is kept as "
        f"{kept.name} and a new table begins; to go on with the old rows, save them with commas under the old name"
    )
    report(Progress(text, 0, 0))
    return []


def write_rows(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    """Replace a table; cells that a row lacks are empty, and those of other columns are left out.

    Raises:
        StorageError: the folder cannot be written.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())
