"""Tables as CSV, Markdown, LaTeX and terminal text: the same input gives the same bytes.

CSV is for programs: full precision, value, error and reason in columns of their own. The others are for people.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import rich.box
import rich.markup
import rich.table

from hitforge.provenance import read_json, write_json, write_text
from hitforge.reporting.chapter import Cell, Column, Measured, Table
from hitforge.reporting.numbers import GROUP, MINUS, NO_VALUE, PLUS_MINUS, cell_text

_TEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    PLUS_MINUS: r"$\pm$", MINUS: "$-$", GROUP: r"\,", NO_VALUE: "---", "–": "--", "…": r"\dots{}", "±": r"$\pm$",
    "×": r"$\times$", "µ": r"$\mu$", "μ": r"$\mu$", "σ": r"$\sigma$", "Δ": r"$\Delta$", "²": r"$^2$", "√": r"$\surd$",
    "≤": r"$\leq$", "≥": r"$\geq$", "β": r"$\beta$", "₁": r"$_1$", "·": r"$\cdot$", "→": r"$\to$",
}  # fmt: skip


@dataclass(frozen=True)
class Rendered:
    """A table as text: cells with the marks of their footnotes, and the footnotes in order of their marks."""

    header: list[str]
    rows: list[list[tuple[str, str]]]
    footnotes: list[tuple[str, str]]


def mark(number: int) -> str:
    """Return the mark of a footnote: a, b, … z, aa, ab, …"""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("a") + rest) + letters
    return letters


def render(table: Table) -> Rendered:
    """Format the cells of a table; equal reasons share a footnote."""
    reasons: list[str] = []
    rows = []
    for row in table.rows:
        cells = []
        for cell in row:
            reason = cell.reason if isinstance(cell, Measured) else None
            if reason and reason not in reasons:
                reasons.append(reason)
            cells.append((cell_text(cell), mark(reasons.index(reason)) if reason else ""))
        rows.append(cells)
    return Rendered([heading(c) for c in table.columns], rows, [(mark(i), reason) for i, reason in enumerate(reasons)])


def heading(column: Column) -> str:
    """Return label and unit of a column."""
    return f"{column.label} [{column.unit}]" if column.unit else column.label


def to_csv(table: Table) -> str:
    """Return the table as CSV with full precision."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    kinds = [_kinds([row[i] for row in table.rows]) for i in range(len(table.columns))]
    header: list[str] = []
    for column, (error, reason) in zip(table.columns, kinds, strict=True):
        unit = f" [{column.unit}]" if column.unit else ""
        header += [column.key + unit]
        header += [f"{column.key}_error{unit}"] * error + [f"{column.key}_reason"] * reason
    writer.writerow(header)
    for row in table.rows:
        fields: list[str] = []
        for cell, (error, reason) in zip(row, kinds, strict=True):
            number = cell if isinstance(cell, Measured) else None
            fields.append(_exact(number.value if number else cell))
            fields += [_exact(number.error if number else None)] * error
            fields += [(number.reason or "") if number else ""] * reason
        writer.writerow(fields)
    return out.getvalue()


def _kinds(cells: list[Cell]) -> tuple[bool, bool]:
    """Whether a column has errors, and reasons."""
    numbers = [cell for cell in cells if isinstance(cell, Measured)]
    return any(n.error is not None for n in numbers), any(n.reason for n in numbers)


def _exact(value: Cell) -> str:
    # 10 digits: beyond any error here, and free of binary tails such as 15.310000000000002
    return "" if value is None else f"{value:.10g}" if isinstance(value, float) else str(value)


def to_markdown(table: Table) -> str:
    """Return the table as GitHub Markdown with heading, caption and footnotes."""
    rendered = render(table)
    lines = [f"## {table.title}", "", table.caption, ""]
    if table.rows:
        body = [[text + (f" [{m}]" if m else "") for text, m in row] for row in rendered.rows]
        grid = [[_md(text) for text in row] for row in [rendered.header, *body]]
        widths = [max(3, *(len(row[i]) for row in grid)) for i in range(len(table.columns))]

        def line(row: list[str]) -> str:
            cells = (
                text.ljust(width) if column.align == "left" else text.rjust(width)
                for text, width, column in zip(row, widths, table.columns, strict=True)
            )
            return f"| {' | '.join(cells)} |"

        rule = [
            "-" * width if column.align == "left" else "-" * (width - 1) + ":"
            for width, column in zip(widths, table.columns, strict=True)
        ]
        lines += [line(grid[0]), f"| {' | '.join(rule)} |", *map(line, grid[1:]), ""]
    else:
        lines += [f"*{table.empty or 'empty'}*", ""]
    notes = [f"- [{m}] {reason}" for m, reason in rendered.footnotes] + [f"- {note}" for note in table.notes]
    return "\n".join(lines + notes).rstrip() + "\n"


def _md(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def to_latex(table: Table) -> str:
    """Return the table as a LaTeX float with booktabs rules; the document needs ``\\usepackage{booktabs}``."""
    rendered = render(table)
    spec = "".join(
        "p{0.3\\linewidth}" if column.wide else "l" if column.align == "left" else "r" for column in table.columns
    )
    lines = [
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{tex(table.title)}. {tex(table.caption)}}}",
        rf"  \label{{tab:{table.name}}}",
        rf"  \begin{{tabular}}{{{spec}}}",
        r"    \toprule",
        rf"    {' & '.join(map(tex, rendered.header))} \\",
        r"    \midrule",
    ]
    for row in rendered.rows:
        cells = (tex(text) + (rf"\textsuperscript{{{m}}}" if m else "") for text, m in row)
        lines.append(rf"    {' & '.join(cells)} \\")
    if not table.rows:
        lines.append(rf"    \multicolumn{{{len(table.columns)}}}{{l}}{{{tex(table.empty or 'empty')}}} \\")
    lines += [r"    \bottomrule", r"  \end{tabular}"]
    notes = [rf"\textsuperscript{{{m}}}~{tex(reason)}" for m, reason in rendered.footnotes]
    notes += [tex(note) for note in table.notes]
    if notes:
        lines += [rf"  \par\smallskip\footnotesize {' '.join(note.rstrip('.') + '.' for note in notes)}"]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def tex(text: str) -> str:
    """Escape text for LaTeX, signs of physics included."""
    return "".join(_TEX.get(character, character) for character in text)


def to_terminal(table: Table, width: int) -> rich.table.Table:
    """Return the table for a terminal, without the columns that are details, and without those that do not fit."""
    shown = [i for i, column in enumerate(table.columns) if not column.detail]
    rendered = render(table)
    # headings may wrap between words, numbers may not; what has nothing to wrap is not narrowed either
    needs = {i: _needed_width(table.columns[i], rendered.header[i], [row[i] for row in rendered.rows]) for i in shown}
    fitting = [i for k, i in enumerate(shown) if sum(needs[j] + _GAP for j in shown[: k + 1]) <= width]
    left_out = [rendered.header[i] for i in shown if i not in fitting]
    marks = {mark for row in rendered.rows for i in fitting for mark in [row[i][1]]}
    notes = [f"[{mark}] {reason}" for mark, reason in rendered.footnotes if mark in marks] + list(table.notes)
    if left_out:
        notes.append(f"Further columns are in {table.name}.md: {', '.join(left_out)}.")
    if not table.rows:
        notes.insert(0, table.empty or "empty")
    view = rich.table.Table(
        title=table.title, title_justify="left", title_style="bold", box=rich.box.SIMPLE_HEAD, pad_edge=False,
        caption=rich.markup.escape("\n".join(notes)) or None, caption_justify="left", caption_style="dim",
    )  # fmt: skip
    for i in fitting:
        head, wide = rendered.header[i], table.columns[i].wide
        view.add_column(
            rich.markup.escape(head), justify=table.columns[i].align, overflow="fold", min_width=needs[i],
            no_wrap=len(head) <= needs[i] and not wide,
        )  # fmt: skip
    for k, row in enumerate(rendered.rows):
        cells = [rich.markup.escape(row[i][0] + (f" [{row[i][1]}]" if row[i][1] else "")) for i in fitting]
        view.add_row(*cells, style="bold" if k in table.highlight else None)
    return view


_GAP = 3
"""Columns of the terminal between two of a table."""


def _needed_width(column: Column, head: str, cells: Sequence[tuple[str, str]]) -> int:
    """Return the width below which a column would be broken within a word of its heading or a number."""
    words = max(map(len, head.split()), default=0)
    return max(10 if column.wide else max([4, *(len(text) + 4 * bool(mark) for text, mark in cells)]), words)


def write_table(table: Table, folder: Path) -> None:
    """Write a table as ``<name>.{csv,md,tex,json}``, each atomically."""
    write_text(folder / f"{table.name}.csv", to_csv(table))
    write_text(folder / f"{table.name}.md", to_markdown(table))
    write_text(folder / f"{table.name}.tex", to_latex(table))
    write_json(folder / f"{table.name}.json", table.model_dump(mode="json"))


def read_table(folder: Path, name: str) -> Table:
    """Read a table back from its JSON."""
    return Table.model_validate(read_json(folder / f"{name}.json"))
