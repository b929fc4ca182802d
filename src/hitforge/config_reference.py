"""The page docs/configuration.md, made from the settings classes, and beside it the schemas for editors.

``python -m hitforge.config_reference`` writes both.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hitforge.apply_settings import ApplySettings
from hitforge.config import RunSettings, config_folder, study_settings_type
from hitforge.config_schema import first_paragraph, schemas, shipped_studies
from hitforge.provenance import write_text

Schema = Mapping[str, Any]

INTRODUCTION = """\
# Every configuration key

Made by `python -m hitforge.config_reference` from the settings classes; do not edit it. The same command writes
`config/schema.json`, with which an editor completes and checks YAML files that begin with
`# yaml-language-server: $schema=<path to config/schema.json>`.

Layers, later wins: `config/studies/<study>.yaml`, `config/presets/<preset>.yaml`, `config/config.yaml`,
`--configfile` files, `--config` values. The defaults below are those of the code; the YAML files may set others.
An unknown key, a key that stands twice, a wrong type or a value out of range is an error that names file, line and
key. A key without a value changes nothing. Write `"off"` with quotes: a plain `off` is *false* in YAML, and *true* and
*false* are no numbers.

## Keys that choose the layers

| key | type | default | description |
| --- | --- | --- | --- |
| `studies` | list of text | `[calo_muon]` | studies to run; also `a,b` on the command line |
| `preset` | text | `demo` | name of a file in `config/presets` |
| `samples` | path | not set | sample sheet that replaces the samples of the studies it names |

## Keys that shape a layer

| key | where | meaning |
| --- | --- | --- |
| `replace: true` | in a block of a study | this block replaces that of the layers below; without it they merge |
| `model_defaults` | in a study | a block like `models.<name>`, laid under every model |
| `base: other` | in a model | start from the model `other` and state only what differs |
"""

COLUMNS = "| key | type | default | description |\n| --- | --- | --- | --- |"

BOUNDS = {"exclusiveMinimum": ">", "minimum": ">=", "exclusiveMaximum": "<", "maximum": "<="}


SHARED = """\
## Blocks that studies share

Each key as most studies have it. The section of a study has what is its own: further keys, and keys with another type
or default.
"""


@dataclass(frozen=True)
class Block:
    """A block of settings: its description, the row of each key, or an earlier block with the same keys."""

    description: str
    rows: Mapping[str, str]
    same_as: str | None = None


def reference() -> str:
    """Return the page as Markdown: one table for each block; what studies share is written once."""
    general = RunSettings.model_json_schema()
    keys = {key: row for key, row in _rows(general).items() if key != "studies"}
    studies = {study: dict(blocks_of(study_settings_type(study).model_json_schema())) for study in shipped_studies()}
    shared = _shared(list(studies.values()))
    sections = [INTRODUCTION, f"## General keys\n\n{_table(keys.values())}\n"]
    sections += [_section("## `apply`", block) for _, block in blocks_of(ApplySettings.model_json_schema())]
    sections += [SHARED, *(_section(f"### `{path or '<study>'}`", block) for path, block in shared.items())]
    for study, blocks in studies.items():
        sections += _of_study(study, blocks, shared)
    return "\n".join(sections)


def blocks_of(
    schema: Schema, definitions: Mapping[str, Schema] | None = None, path: str = "", seen: dict[str, str] | None = None
) -> Iterator[tuple[str, Block]]:
    """Yield a block and those in it with their paths (``models.<name>.trees``); one of known content names that one."""
    definitions = schema.get("$defs", {}) if definitions is None else definitions
    seen = {} if seen is None else seen
    yield path, Block(first_paragraph(schema.get("description", "")), _rows(schema))
    inner: dict[str, list[str]] = {}
    for key, value in schema["properties"].items():
        name = _block_name(value)
        if name is not None:
            inner.setdefault(name, []).append(f"{key}.<name>" if "additionalProperties" in value else key)
    for name, keys in inner.items():
        block = definitions[name]
        place = ".".join(filter(None, (path, keys[0] if len(keys) == 1 else "<key>")))
        content = json.dumps(block, sort_keys=True)
        if content in seen:
            yield place, Block("", {}, same_as=seen[content])
        else:
            seen[content] = place
            yield from blocks_of(block, definitions, place, seen)


def _shared(studies: Sequence[Mapping[str, Block]]) -> dict[str, Block]:
    """Return the blocks of several studies, with the rows that at least two have alike."""
    found = {}
    for path in dict.fromkeys(path for blocks in studies for path in blocks):
        alike = [blocks[path] for blocks in studies if path in blocks]
        rows = {}
        for key in dict.fromkeys(key for block in alike for key in block.rows):
            row, count = Counter(block.rows[key] for block in alike if key in block.rows).most_common(1)[0]
            if count > 1:
                rows[key] = row
        if rows:
            description = Counter(block.description for block in alike).most_common(1)[0][0]
            found[path] = Block(description, rows)
    return found


def _of_study(study: str, blocks: Mapping[str, Block], shared: Mapping[str, Block]) -> Iterator[str]:
    """Yield the sections of a study: what differs from the shared blocks, and where those are."""
    same = []
    own = []
    for path, block in blocks.items():
        common = shared.get(path, Block("", {}))
        rows = {key: row for key, row in block.rows.items() if common.rows.get(key) != row}
        absent = [f"`{key}`" for key in common.rows if key not in block.rows and block.same_as is None]
        if common.rows and not rows and not absent and block.same_as is None:
            same.append(_link(path))
        elif path:
            note = f"Beside the keys of {_link(path)}" if common.rows else ""
            note += f", without {', '.join(absent)}" if absent else ""
            own.append(_section(f"### `{study}.{path}`", Block(block.description, rows, block.same_as), note))
    whole = blocks[""]
    rows = {key: row for key, row in whole.rows.items() if shared[""].rows.get(key) != row}
    links = f"Beside the keys of {_link('')}. Shared blocks: {', '.join(same)}"
    yield _section(f"## `{study}`", Block(whole.description, rows), links)
    yield from own


def _link(path: str) -> str:
    name = path or "<study>"
    return f"[`{name}`](#{re.sub(r'[^a-z_]', '', name)})"


def _section(heading: str, block: Block, note: str = "") -> str:
    parts = [heading, block.description, note and f"{note}.", _table(block.rows.values()) if block.rows else ""]
    if block.same_as is not None:
        parts.append(f"The same keys as `{block.same_as}`.")
    return "\n\n".join(filter(None, parts)) + "\n"


def _block_name(value: Schema) -> str | None:
    """Return the name of the block that a key holds (alone, or null, or one for each name), None for plain values."""
    options = [value, value.get("additionalProperties") or {}, *value.get("anyOf", ())]
    found = [option["$ref"].rpartition("/")[2] for option in options if isinstance(option, dict) and "$ref" in option]
    return found[0] if found else None


def _table(rows: Iterable[str]) -> str:
    return "\n".join([COLUMNS, *rows])


def _rows(schema: Schema) -> dict[str, str]:
    """Return the line of each key of a block."""
    required = schema.get("required", ())
    return {key: _row(key, value, key in required) for key, value in schema["properties"].items()}


def _row(key: str, value: Schema, required: bool) -> str:
    kind = _kind(value)
    a_block = kind in ("block", "block for each name")
    default = "required" if required else "" if a_block else f"`{json.dumps(value.get('default'))}`"
    cells = (f"`{key}`", kind, default, str(value.get("description", "")))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _kind(value: Schema) -> str:
    """Return the type of a key in words."""
    if "$ref" in value:
        return "block"
    if "anyOf" in value:
        return " or ".join(_kind(option) for option in value["anyOf"])
    if "enum" in value or "const" in value:
        return " or ".join(f"`{word}`" for word in value.get("enum", [value.get("const")]))
    if value["type"] == "array":
        pair = value.get("prefixItems")
        return f"{len(pair)} times {_kind(pair[0])}" if pair else f"list of {_kind(value['items'])}"
    if value["type"] == "object":
        inner = value.get("additionalProperties", {})
        return f"{_kind(inner)} for each name" if isinstance(inner, dict) and inner else "block for each name"
    words = {"string": "text", "boolean": "true or false", "number": "number", "integer": "integer", "null": "null"}
    bounds = [f"{sign} {value[bound]:g}" for bound, sign in BOUNDS.items() if bound in value]
    return " ".join([words[value["type"]], *bounds])


if __name__ == "__main__":
    write_text(config_folder().resolve().parent / "docs" / "configuration.md", reference())
    for file, text in schemas().items():
        write_text(config_folder() / file, text)
