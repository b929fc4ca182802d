"""The page docs/configuration.md, made from the settings classes, and beside it the schemas for editors.

``python -m hitforge.config_reference`` writes both.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
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


def reference() -> str:
    """Return the page as Markdown: one table for each block of the configuration."""
    general = RunSettings.model_json_schema()
    keys = {key: value for key, value in general["properties"].items() if key != "studies"}
    sections = [INTRODUCTION, f"## General keys\n\n{_table({**general, 'properties': keys})}\n"]
    shown: dict[str, str] = {}
    sections += _blocks("apply", ApplySettings.model_json_schema(), {}, shown, "##")
    for study in shipped_studies():
        schema = study_settings_type(study).model_json_schema()
        sections += _blocks(study, schema, schema["$defs"], shown, "##")
    return "\n".join(sections)


def _blocks(
    path: str, schema: Schema, definitions: Mapping[str, Schema], shown: dict[str, str], level: str = "###"
) -> Iterator[str]:
    """Yield the section of a block and those of the blocks in it; one that was shown before is only named."""
    yield f"{level} `{path}`\n\n{first_paragraph(schema.get('description', ''))}\n\n{_table(schema)}\n"
    inner: dict[str, list[str]] = {}
    for key, value in schema["properties"].items():
        name = _block_name(value)
        if name is not None:
            inner.setdefault(name, []).append(f"{key}.<name>" if "additionalProperties" in value else key)
    for name, keys in inner.items():
        block = definitions[name]
        place = f"{path}.{keys[0] if len(keys) == 1 else '<key>'}"
        content = json.dumps(block, sort_keys=True)
        if content in shown:
            yield f"### `{place}`\n\nThe same keys as `{shown[content]}`.\n"
        else:
            shown[content] = place
            yield from _blocks(place, block, definitions, shown)


def _block_name(value: Schema) -> str | None:
    """Return the name of the block that a key holds (alone, or null, or one for each name), None for plain values."""
    options = [value, value.get("additionalProperties") or {}, *value.get("anyOf", ())]
    found = [option["$ref"].rpartition("/")[2] for option in options if isinstance(option, dict) and "$ref" in option]
    return found[0] if found else None


def _table(schema: Schema) -> str:
    required = schema.get("required", ())
    rows = [_row(key, value, key in required) for key, value in schema["properties"].items()]
    return "\n".join([COLUMNS, *rows])


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
