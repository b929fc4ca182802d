"""The schemas for editors: up to date, and every configuration file of the repository and its pages is valid."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from hitforge.config_schema import schemas

REPOSITORY = Path(__file__).parents[2]
CONFIG = REPOSITORY / "config"
FILES = sorted(CONFIG.rglob("*.yaml"))
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
WHOLE = json.loads((CONFIG / "schema.json").read_text(encoding="utf-8"))


def faults(content: Any, study: str | None = None) -> list[str]:
    """Return what the schema of all layers, or that of a study's file, says of some content."""
    schema = WHOLE if study is None else {"$ref": f"#/definitions/{study}", "definitions": WHOLE["definitions"]}
    found = jsonschema.Draft7Validator(schema).iter_errors(content)
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in found]


def examples() -> dict[str, Any]:
    """Return the examples of user's files in the pages, by page and number."""
    found = {}
    for page in PAGES:
        for i, text in enumerate(re.findall(r"^```yaml\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)):
            content = yaml.safe_load(text)
            if isinstance(content, dict) and content.keys() & WHOLE["properties"].keys():
                found[f"{page.name}:{i}"] = content
    return found


EXAMPLES = examples()


def test_schemas_are_up_to_date() -> None:
    jsonschema.Draft7Validator.check_schema(WHOLE)
    for name, text in schemas().items():
        assert (CONFIG / name).read_text("utf-8") == text, f"{name}: run `python -m hitforge.config_reference`"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CONFIG)))
def test_every_file_names_its_schema_and_is_valid(path: Path) -> None:
    line = path.read_text("utf-8").partition("\n")[0]
    named = line.removeprefix("# yaml-language-server: $schema=")
    study = path.stem if path.parent.name == "studies" else None
    assert (path.parent / named).resolve() == CONFIG / (f"studies/{study}.schema.json" if study else "schema.json")
    assert faults(yaml.safe_load(path.read_text("utf-8")), study) == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_valid(example: str) -> None:
    assert faults(EXAMPLES[example]) == []


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ({"sed": 1}, "'sed' was unexpected"),
        ({"csc_muon": {"models": {"mine": {"training": {"batchsize": 5}}}}}, "'batchsize' was unexpected"),
        ({"csc_muon": {"model_defaults": {"training": {"members": 0}}}}, "members: 0 is less than or equal to"),
        ({"csc_muon": {"evaluation": {"bins_of_another_study": 1}}}, "'bins_of_another_study' was unexpected"),
        ({"on_bad_part": "ignore"}, "on_bad_part: 'ignore' is not one of"),
    ],
)
def test_faults_are_found(content: dict[str, Any], fault: str) -> None:
    (found,) = faults(content)
    assert fault in found


def test_blocks_may_replace_and_say_only_what_differs() -> None:
    block = {"replace": True, "samples": {"replace": True, "train": {"parts": 3}}, "models": {"mine": {"base": "ens5"}}}
    assert faults({"studies": "csc_muon,calo_muon", "csc_muon": block}) == []
