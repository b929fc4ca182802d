"""The report page: one HTML file with everything inside, readable offline."""

from __future__ import annotations

import base64
import gzip
import io
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
import yaml
from markupsafe import Markup, escape
from PIL import Image

import hitforge
from hitforge.provenance import read_json
from hitforge.reporting.chapter import Chapter, FigureText
from hitforge.reporting.numbers import MINUS, fixed
from hitforge.reporting.page_tables import change_table, cost_table, front_table, gains, result_of, training_table
from hitforge.reporting.run_info import RunInfo
from hitforge.reporting.tables import heading, read_table, render

_INDEX = re.compile(r"\b([σEm])_([^\W_]+)\b|\b(p)(T)\b")
_EXPONENT = re.compile(rf"\^([-{MINUS}]?\d+(?:\.\d+)?)")
FIRST_ROWS, LONG_TABLE = 10, 20
"""Of a table with more rows than the second, so many show before a reader asks for all."""
MAX_DRAWING = 150_000
"""Letters of a drawing; a larger one is shown as pixels."""
_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_TABLE_TYPES = {"csv": "text/csv", "md": "text/markdown", "tex": "application/x-tex"}
_FIGURE_TYPES = {"svg": "image/svg+xml", "csv": "text/csv"}

PRESET_NOTES = {
    "demo": (
        "Preset demo: this report demonstrates function, not physics.",
        "Samples are small and trainings short: none of the numbers says anything about the method.",
    ),
    "small": (
        "Preset small: reduced samples and short trainings.",
        "The numbers measure this run and are not what the full data would give.",
    ),
}


def templates() -> jinja2.Environment:
    """Return the environment of the templates, with what every page has: its style and the functions for tables."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hitforge", "reporting"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals |= {"render": render, "heading": heading, "FIRST_ROWS": FIRST_ROWS, "LONG_TABLE": LONG_TABLE}
    style = files("hitforge.reporting").joinpath("page.css").read_text(encoding="utf-8")
    # our own file, not data
    environment.globals |= {"style": Markup(style), "version": hitforge.__version__}
    environment.filters["grouped"] = lambda value: fixed(float(value), 0)
    environment.filters["typeset"] = typeset
    # a long name of a setting over a narrow column
    environment.filters["breakable"] = lambda heading: heading.replace("_", Markup("_<wbr>"))
    return environment


def render_page(folders: Sequence[Path], run: RunInfo) -> str:
    """Return the page of some studies, each in a folder with ``tables`` and ``figures``.

    The page has no link to any other file or host, so it can be mailed or archived; tables and figures, with their
    values, can be saved from it.
    """
    chapters = [Chapter.model_validate(read_json(folder / "tables" / "chapter.json")) for folder in folders]
    many = len(chapters) > 1
    template = templates().get_template("page.html.j2")
    return template.render(
        chapters=[_shown(chapter, folder) for chapter, folder in zip(chapters, folders, strict=True)],
        front_table=front_table(chapters) if many else None,
        gains=gains(chapters) if many else (),
        authors=", ".join(dict.fromkeys(filter(None, (chapter.author for chapter in chapters)))),
        run=run,
        preset_note=PRESET_NOTES.get(run.preset),
        cost_tables=[table for table in (cost_table(run.stages), training_table(run.trainings)) if table],
        change_table=None if run.changes is None else change_table(run.changes),
    )


def typeset(text: str) -> Markup:
    """Return words with the indices and exponents of physics set as such: σ_eff, E_MC, pT, 1/pT^2, pT^-4."""
    words = _INDEX.sub(lambda found: "{}<sub>{}</sub>".format(*filter(None, found.groups())), str(escape(text)))
    return Markup(_EXPONENT.sub(lambda found: f"<sup>{found[1].replace('-', MINUS)}</sup>", words))


def _shown(chapter: Chapter, folder: Path) -> dict[str, Any]:
    """Return a chapter with its tables and figures by name, as the template takes them.

    What is empty is left out, with its reason in ``absent``; the figures of the opening stand there and nowhere else.
    """
    ready = {"table": _table, "figure": picture}
    made = {
        (item.kind, item.name): ready[item.kind](folder / f"{item.kind}s", item.name)
        for section in chapter.sections
        for item in section.items
    }
    filled = {key: block for key, block in made.items() if not block["empty"]}
    sections = []
    for section in chapter.sections:
        items = [item for item in section.items if (item.kind, item.name) in filled]
        below = [item for item in items if item.kind == "table" or item.name not in chapter.opening]
        if items or section.text:
            sections.append({"section": section, "items": below})
    return {
        "chapter": chapter,
        "result": result_of(chapter),
        "sections": sections,
        "opening": [name for name in chapter.opening if ("figure", name) in filled],
        "blocks": {f"{kind}-{name}": block for (kind, name), block in filled.items()},
        "absent": [block for key, block in made.items() if key not in filled],
        "configuration": yaml.safe_dump(dict(chapter.settings), sort_keys=False, allow_unicode=True, width=110),
    }


def _table(folder: Path, name: str) -> dict[str, Any]:
    table = read_table(folder, name)
    downloads = {
        suffix: f"data:{kind};charset=utf-8,{quote((folder / f'{name}.{suffix}').read_text(encoding='utf-8'))}"
        for suffix, kind in _TABLE_TYPES.items()
    }
    return {
        "table": table,
        "title": table.title,
        "empty": None if table.rows else table.empty or "nothing to show",
        "downloads": downloads.items(),
    }


def picture(folder: Path, name: str) -> dict[str, Any]:
    """Return a figure with its picture, a drawing unless that is large, and with the other forms to be saved.

    The picture is an image of its own, not inline: ids of different drawings cannot collide, and browsers decode it
    when needed. The form that is shown is not there twice; what is plain text is packed, and unpacked when saved.
    """
    text = FigureText.model_validate(read_json(folder / f"{name}.json"))
    drawing = _drawing((folder / f"{name}.svg").read_text(encoding="utf-8"))
    is_drawing = len(drawing) <= MAX_DRAWING
    source = drawing if is_drawing else f"data:image/webp;base64,{_encoded(_small_picture(folder / f'{name}.png'))}"
    return {
        "text": text,
        "title": text.title,
        "empty": text.empty,
        "source": source,
        "is_drawing": is_drawing,
        "pdf": f"data:application/pdf;base64,{_encoded((folder / f'{name}.pdf').read_bytes())}",
        "packed": {
            suffix: (_FIGURE_TYPES[suffix], _packed(folder / f"{name}.{suffix}"))
            for suffix in (("csv",) if is_drawing else ("svg", "csv"))
        },
    }


def _small_picture(path: Path) -> bytes:
    """Return a picture without loss as WebP, which takes a third of the room of PNG."""
    out = io.BytesIO()
    with Image.open(path) as picture:
        picture.convert("RGB").save(out, "WEBP", lossless=True, quality=60)
    return out.getvalue()


def _drawing(svg: str) -> Markup:
    """Return an SVG as the address of an image: escaped as little as that allows, a third less than in base 64."""
    svg = " ".join(_METADATA.sub("", svg[svg.index("<svg") :]).split())
    address = svg.replace("%", "%25").replace("#", "%23").replace("'", "%27").replace('"', "'")
    return Markup("data:image/svg+xml," + address.replace("&", "&amp;"))  # it holds no quotation mark


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _packed(path: Path) -> str:
    # without the time, so that the bytes repeat
    return _encoded(gzip.compress(path.read_bytes(), mtime=0))
