"""A page of HTML that needs nothing beside itself: tables and sentences, and pictures inside the file.

Every text is escaped: names of bodyparts, videos and projects are the user's.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 0.15rem 1.1rem 0.15rem 0; border-bottom: 1px solid #ddd; overflow-wrap: anywhere; }
th { font-weight: 600; } figure { margin: 1rem 0; } img { max-width: 100%; } figcaption { color: #555; }
"""


@dataclass(frozen=True)
class Words:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Table:
    """Cells under a header."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Picture:
    """A PNG with the words below it."""

    png: bytes
    caption: str


Part = Words | Table | Picture


@dataclass(frozen=True)
class Section:
    """Parts under a heading."""

    heading: str
    parts: tuple[Part, ...]


def page(title: str, sections: Sequence[Section]) -> str:
    """Write a page as one HTML document."""
    body = "\n".join(map(_section, sections))
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


def _section(section: Section) -> str:
    parts = "\n".join(map(_part, section.parts))
    return f"<h2>{escape(section.heading)}</h2>\n{parts}"


def _part(part: Part) -> str:
    match part:
        case Words(text):
            return f"<p>{escape(text)}</p>"
        case Table(header, rows):
            body = "\n".join(_row(row, "td") for row in rows)
            return f"<table>\n{_row(header, 'th')}\n{body}\n</table>"
        case Picture(png, caption):
            data = base64.b64encode(png).decode("ascii")
            words = escape(caption)
            picture = f'<img src="data:image/png;base64,{data}" alt="{words}">'
            return f"<figure>\n{picture}\n<figcaption>{words}</figcaption>\n</figure>"


def _row(cells: tuple[str, ...], kind: str) -> str:
    return "<tr>" + "".join(f"<{kind}>{escape(cell)}</{kind}>" for cell in cells) + "</tr>"
