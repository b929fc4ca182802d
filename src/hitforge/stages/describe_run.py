"""Stage rocrate: what a run read, what it was made with and what came out, as the metadata of an RO-Crate.

The results folder becomes the crate: ``ro-crate-metadata.json`` stands in it, after the profile Process Run Crate.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import hitforge
from hitforge.provenance import read_json, write_json
from hitforge.reporting.chapter import Chapter
from hitforge.reporting.run_info import RunInfo
from hitforge.stages.bind_report import COMMAND, git_revision
from hitforge.validation import read_inventory

METADATA = "ro-crate-metadata.json"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_TYPES = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".pdf": "application/pdf",
    ".svg": "image/svg+xml",
}


def describe_run(results: Path, studies: Sequence[str], page: Path) -> None:
    """Write the metadata of the crate into the results folder: inputs with checksums, software, settings and results.

    A ValueError says that the library is absent.
    """
    try:
        from rocrate.model.contextentity import ContextEntity
        from rocrate.model.file import File
        from rocrate.rocrate import ROCrate
    except ModuleNotFoundError as error:
        raise ValueError("the target rocrate needs the package rocrate: pip install 'hitforge[rocrate]'") from error

    crate = ROCrate()
    chapters = [Chapter.model_validate(read_json(results / study / "tables" / "chapter.json")) for study in studies]
    root = crate.root_dataset
    root["name"] = f"hitforge: {', '.join(studies)}"
    root["description"] = "; ".join(chapter.title for chapter in chapters)
    root["license"] = "none stated"
    root["conformsTo"] = crate.add(
        ContextEntity(crate, PROFILE, {"@type": "CreativeWork", "name": "Process Run Crate"})
    )

    def file(identifier: str, about: Mapping[str, Any]) -> Any:
        # a file of the crate is named by its place in it; the library would take it for one to copy otherwise
        place = (identifier,) if "://" in identifier else (None, identifier)
        return crate.add(File(crate, *place, properties=dict(about)))

    software = crate.add(ContextEntity(crate, "#hitforge", properties=_software()))
    software["softwareRequirements"] = [
        crate.add(
            ContextEntity(crate, f"#{name}", {"@type": "SoftwareApplication", "name": name, "softwareVersion": version})
        )
        for name, version in RunInfo.installed_versions().items()
        if name != "hitforge"
    ]
    inputs = [file(*part) for chapter in chapters for part in _parts(results, chapter)]
    settings = [file(*each) for each in map(_settings, chapters)]
    made = [file(*each) for chapter in chapters for each in _results(results, chapter)]
    made.append(file(page.relative_to(results).as_posix(), {"name": "Report", "encodingFormat": "text/html"}))
    run = {"name": root["name"], "description": os.environ.get(COMMAND, shlex.join(sys.argv))}
    root["mentions"] = crate.add_action(software, "#run", object=[*inputs, *settings], result=made, properties=run)
    write_json(results / METADATA, crate.metadata.generate())


def _software() -> dict[str, Any]:
    revision = git_revision()
    return {
        "@type": "SoftwareApplication",
        "name": "hitforge",
        "softwareVersion": hitforge.__version__ + (f" ({revision})" if revision else ""),
    }


def _parts(results: Path, chapter: Chapter) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the parts that the study used, in the crate or elsewhere, with the checksum of their decoded content."""
    for sample in chapter.parts:
        inventory = read_inventory(results / chapter.study / "inventory" / f"{sample}.json")
        for name in inventory.good:
            part = inventory.parts[name]
            yield (
                _identifier(str(part.source), results),
                {
                    "name": f"{chapter.study}, {sample}: {name}",
                    "description": f"{part.n_events} events; identifier: xxh3_128 of the decoded values",
                    "identifier": part.content_checksum,
                },
            )


def _identifier(source: str, results: Path) -> str:
    """Return the address of a part: within the crate, or absolute."""
    if "://" in source:
        return source
    place, member = source.partition("#")[::2]
    path, folder = Path(place).resolve(), results.resolve()
    if path.is_relative_to(folder):
        return path.relative_to(folder).as_posix()
    return path.as_uri() + (f"#{member}" if member else "")


def _settings(chapter: Chapter) -> tuple[str, dict[str, Any]]:
    about = {"name": f"Settings of {chapter.study}, with all defaults", "encodingFormat": "application/json"}
    return f"{chapter.study}/tables/chapter.json", about


def _results(results: Path, chapter: Chapter) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield models and metrics, then tables and figures in reading order, each in the form that programs read."""
    folder = results / chapter.study
    for kind, pattern in (("Model", "models/*/model.json"), ("Metrics of", "metrics/*.json")):
        for path in sorted(folder.glob(pattern)):
            name = path.parent.name if kind == "Model" else path.stem
            yield _described(path, results, f"{kind} {name} ({chapter.study})")
    for item in (item for section in chapter.sections for item in section.items):
        place = folder / f"{item.kind}s"
        text = read_json(place / f"{item.name}.json")
        for suffix in (".csv", ".svg", ".pdf") if item.kind == "figure" else (".csv",):
            yield _described(place / f"{item.name}{suffix}", results, text["title"], text["caption"])


def _described(path: Path, results: Path, name: str, description: str = "") -> tuple[str, dict[str, Any]]:
    about = {"name": name, "encodingFormat": _TYPES[path.suffix], "contentSize": str(path.stat().st_size)}
    return path.relative_to(results).as_posix(), about | ({"description": description} if description else {})
