"""Parts of self-contained HTML pages, to be opened offline."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class TextTable:
    """A table of texts, as they are to be read.

    Attributes
    ----------
    headings
        One for each column after the first.
    rows
        Name of the row, then one text for each heading.

    Examples
    --------
    >>> TextTable(("hybrid", "plain MD"), [("wall time", "60 s", "60 s")]).headings
    ('hybrid', 'plain MD')
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __post_init__(self) -> None:
        """Check that every row is complete.

        Raises
        ------
        ValueError
            If a row has not one text for each heading and its name.
        """
        for row in self.rows:
            if len(row) != len(self.headings) + 1:
                raise ValueError(
                    f"expected {len(self.headings) + 1} texts in the row {row[0]!r}, got {len(row)}"
                )


def page(title: str, parts: Sequence[str], *, head: str = "") -> str:
    """A whole page as HTML text, without any reference to other files.

    Parameters
    ----------
    title
        Of the page.
    parts
        Its body, HTML.
    head
        More for its head, HTML.
    """
    return _PAGE.format(title=escape(title), style=_STYLE, head=head, body="\n".join(parts))


def notes_section(notes: Sequence[str]) -> str:
    """Sentences that a reader should know before quoting a number, or nothing."""
    if not notes:
        return ""
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return section("Before you quote a number", f"<ul>{items}</ul>")


def section(heading: str, content: str) -> str:
    """A box with a heading; the content is HTML."""
    return f"<section><h2>{escape(heading)}</h2>{content}</section>"


def html_table(table: TextTable) -> str:
    """A table as HTML; its texts are escaped."""
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in table.headings)
    lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{escape(text)}</td>" for text in texts)
        + "</tr>"
        for name, *texts in table.rows
    )
    top = f"<thead><tr><td></td>{head}</tr></thead>" if any(table.headings) else ""
    return f"<table>{top}<tbody>{lines}</tbody></table>"


def image(png: bytes, description: str) -> str:
    """A PNG file within the page, with its caption."""
    data = base64.b64encode(png).decode("ascii")
    text = escape(description, quote=True)
    return (
        f'<figure><img alt="{text}" src="data:image/png;base64,{data}">'
        f"<figcaption>{text}</figcaption></figure>"
    )


_STYLE = """
:root { color-scheme: light; }
body { font: 1rem/1.55 system-ui, sans-serif; color: #1b1f24; background: #f5f6f8; margin: 0; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem; }
section { background: #fff; border: 1px solid #d7dce2; border-radius: .6rem;
  padding: 0 1.4rem 1.2rem; margin: 1.2rem 0; }
h1 { font-size: 1.7rem; margin: .4rem 0; }
h2 { font-size: 1.2rem; padding-top: .9rem; margin: 0 0 .6rem; }
.grade { padding: .8rem 1.1rem; border-left: .4rem solid #0072b2; background: #e8f2f9; }
.grade.exploratory { border-color: #b54000; background: #fdeee4; }
table { border-collapse: collapse; width: 100%; margin: .6rem 0; }
h3 { font-size: 1rem; margin: 1rem 0 0; }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0;
  border-top: 1px solid #e4e8ec; font-variant-numeric: tabular-nums; }
tbody th { font-weight: 500; color: #48515b; } thead th { border-top: 0; }
thead td { border-top: 0; }
figure { margin: .8rem 0; } img { max-width: 100%; height: auto; }
figcaption { color: #48515b; font-size: .9rem; }
"""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
{head}<title>{title}</title><style>{style}</style></head>
<body><main>
{body}
</main></body></html>
"""
