"""JSON schemas of the configuration, for editors: written by ``python -m hitforge.config_reference``.

``config/schema.json`` is of what a user's file, a preset and ``config/config.yaml`` may hold: general keys, and a block
for each study, every key optional, for files are layers. ``config/studies/<study>.schema.json`` is of a study's file.
What a schema cannot say (known models, enough folds) only the run itself checks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from hitforge.apply_settings import ApplySettings
from hitforge.config import RunSettings, config_folder, study_settings_type
from hitforge.report_settings import LabelSettings

Schema = dict[str, Any]

DIALECT = "http://json-schema.org/draft-07/schema#"
REPLACE = {"type": "boolean", "description": "true: this block replaces that of the layers below; else they merge"}
LAYERS = {
    "studies": {
        "anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}],
        "description": "studies to run; also a,b",
    },
    "preset": {"type": "string", "description": "name of a file in config/presets: demo, small, medium, paper"},
    "samples": {"type": "string", "description": "sample sheet that replaces the samples of the studies it names"},
}
"""Keys that choose the layers; they are gone before settings are validated."""
SCHEMAS_INSIDE = frozenset({"items", "prefixItems", "anyOf", "additionalProperties"})
"""Keys of a schema that hold others."""


def shipped_studies() -> list[str]:
    """Return the studies that have a file in the configuration's folder."""
    return sorted(path.stem for path in (config_folder() / "studies").glob("*.yaml"))


def first_paragraph(description: str) -> str:
    """Return what a schema says in one line: a class's description there is its docstring."""
    return " ".join(description.partition("\n\n")[0].split()).replace("``", "`")


def schemas() -> dict[str, str]:
    """Return the schemas as text, by their path in the configuration's folder."""
    run, label = RunSettings.model_json_schema(), LabelSettings.__name__
    # its one block beside the studies
    general = run["properties"] | {"report": {"$ref": f"#/definitions/{label}"}}
    studies = shipped_studies()
    whole = {
        "$schema": DIALECT,
        "title": "hitforge configuration",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **LAYERS,
            **{key: value for key, value in general.items() if key not in ("studies", "apply")},
            "apply": _layer(ApplySettings.model_json_schema(), {}),
            **{study: {"$ref": f"#/definitions/{study}"} for study in studies},
        },
        "definitions": _definitions(studies) | {label: _layer(run["$defs"][label], {})},
    }
    files: dict[str, Any] = {"schema.json": whole}
    for study in studies:
        files[f"studies/{study}.schema.json"] = {"$schema": DIALECT, "$ref": f"../schema.json#/definitions/{study}"}
    return {path: json.dumps(content, indent=1, ensure_ascii=False) + "\n" for path, content in files.items()}


def _definitions(studies: list[str]) -> dict[str, Schema]:
    """Return the blocks of all studies by name; one that studies have in common stands there once."""
    found: dict[str, Schema] = {}
    own: dict[str, dict[str, Schema]] = {}
    for study in studies:
        schema = study_settings_type(study).model_json_schema()
        own[study] = schema.pop("$defs") | {study: schema}
        # laid under every model
        own[study][study]["properties"]["model_defaults"] = {
            **own[study][study]["properties"]["models"]["additionalProperties"],
            "description": "a block like models.<name>, laid under every model",
        }
    for study, blocks in own.items():
        names = {name: name if _is_shared(name, study, own) else f"{study}.{name}" for name in blocks} | {study: study}
        found |= {names[name]: _layer(block, names) for name, block in blocks.items()}
    return dict(sorted(found.items()))


def _is_shared(name: str, study: str, own: Mapping[str, Mapping[str, Schema]]) -> bool:
    """Whether a block is the same, down to the blocks in it, in every study that has one of this name."""
    mine = _inlined(own[study][name], own[study])
    return all(_inlined(blocks[name], blocks) == mine for blocks in own.values() if name in blocks)


def _inlined(schema: Any, blocks: Mapping[str, Schema]) -> Any:
    """Return a schema with the blocks it names in their places."""
    if isinstance(schema, Mapping):
        if "$ref" in schema:
            return {**schema, "$ref": _inlined(blocks[_named(schema["$ref"])], blocks)}
        return {key: _inlined(value, blocks) for key, value in schema.items()}
    return [_inlined(value, blocks) for value in schema] if isinstance(schema, list) else schema


def _named(reference: str) -> str:
    return reference.rpartition("/")[2]


def _layer(schema: Any, names: Mapping[str, str]) -> Any:
    """Return a schema of a layer: no key is required, and every block may replace the one below it."""
    if isinstance(schema, list):
        return [_layer(value, names) for value in schema]
    if not isinstance(schema, Mapping):
        return schema
    layer = dict(_entries(schema, names))
    if "properties" in layer or isinstance(layer.get("additionalProperties"), Mapping):
        layer["properties"] = {**layer.get("properties", {}), "replace": REPLACE}
    return layer


def _entries(schema: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for key, value in schema.items():
        if key == "$ref":
            # beside a reference, draft 7 hears nothing else
            reference = {"$ref": f"#/definitions/{names[_named(value)]}"}
            yield from reference.items() if len(schema) == 1 else {"allOf": [reference]}.items()
        elif key == "description":
            yield key, first_paragraph(value)
        elif key == "properties":
            yield key, {name: _layer(inner, names) for name, inner in value.items()}
        # titles say the key again; defaults of blocks are those of their keys
        elif key not in {"required", "title"} and not (key == "default" and isinstance(value, Mapping)):
            yield key, _layer(value, names) if key in SCHEMAS_INSIDE else value
