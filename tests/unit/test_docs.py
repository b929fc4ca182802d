"""The documentation against the code: generated page, links, commands, reasons."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from hitforge.cli import build_parser
from hitforge.config import study_settings_type
from hitforge.config_reference import blocks_of, reference
from hitforge.config_schema import shipped_studies
from tests.doc_commands import PAGES, REPOSITORY

DOCS = REPOSITORY / "docs"


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings as GitHub makes them."""
    headings = re.findall(r"^#+ +(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_configuration_page_is_up_to_date() -> None:
    written = (DOCS / "configuration.md").read_text(encoding="utf-8")
    assert written == reference(), "run `python -m hitforge.config_reference`"


def test_shared_and_own_keys_make_up_each_study() -> None:
    page = (DOCS / "configuration.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^##+ `([^`]+)`\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL))
    rows = {name: set(re.findall(r"^\| `.*$", text, re.MULTILINE)) for name, text in sections.items()}
    for study in shipped_studies():
        for path, block in blocks_of(study_settings_type(study).model_json_schema()):
            own, shared = rows.get(f"{study}.{path}" if path else study, set()), rows.get(path or "<study>", set())
            assert set(block.rows.values()) <= own | shared, f"{study}.{path}"
            assert not own & shared, f"{study}.{path}: written twice"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_relative_links_resolve(page: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", link):
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                broken.append(link)
    assert broken == []


def test_every_page_is_in_the_index() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    assert [page.name for page in DOCS.glob("*.md") if page.name != "index.md" and f"({page.name})" not in index] == []


def test_pictures_are_small_and_shown() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    pictures = sorted((DOCS / "pictures").iterdir())
    assert pictures
    for picture in pictures:
        assert picture.stat().st_size < 80_000, picture.name
        assert f"pictures/{picture.name})" in pages, picture.name


def test_every_command_is_documented() -> None:
    (stages,) = [a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction)]
    page = (DOCS / "command-line.md").read_text(encoding="utf-8")
    assert [stage for stage in stages.choices if f"python -m hitforge {stage}" not in page] == []


def test_every_reason_of_a_verdict_is_documented() -> None:
    from hitforge.studies.calo_muon.data.decode import FAULTS

    call = r'(?:Problem|append|_error)\(\(?\s*(?:[\w.{}"/ ]+,\s*)?"([a-z]+_[a-z_]+|unreadable|truncated)"'
    sources = [REPOSITORY / "src/hitforge/ntuple.py", *(REPOSITORY / "src/hitforge/studies/calo_muon").rglob("*.py")]
    reasons = {reason for path in sources for reason in re.findall(call, path.read_text(encoding="utf-8"))}
    assert len(reasons) > 10
    page = (DOCS / "your-own-ntuples.md").read_text(encoding="utf-8")
    assert sorted(reason for reason in reasons | set(FAULTS) if f"| `{reason}` |" not in page) == []


def test_every_file_that_answers_a_newcomer_is_there() -> None:
    page = (DOCS / "design.md").read_text(encoding="utf-8").partition("ten questions")[2].partition("\n## ")[0]
    named = re.findall(r"`((?:workflow/|profiles/)?)([\w/]+(?:\.py|\.yaml|/))`", page)
    assert len(named) > 15
    for root, path in named:
        base = REPOSITORY / root if root else REPOSITORY / "src/hitforge"
        for study in ("calo_muon", "csc_muon", "object_id", "scouting_egamma") if "/X/" in path else ("",):
            assert (base / path.replace("X", study)).exists(), f"{root}{path} of {study}"
