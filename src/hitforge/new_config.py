"""``hitforge new``: a commented configuration for files that somebody has, with the study found out from the files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py

from hitforge.config import SampleSettings, config_folder, load_settings, study_files
from hitforge.provenance import atomic_path
from hitforge.samples import Part, list_parts
from hitforge.stages.validate import validate_part
from hitforge.studies.base import load_study
from hitforge.validation import Verdict, describe
from hitforge.yaml_files import ConfigError, parse_yaml, read_yaml

LIKELY = "demo"
EVENTS_A_FOLD = 200
FOLD_COUNTS = (10, 8, 6, 5, 4)

_TEXT = """\
# yaml-language-server: $schema={schema}
# Written by `hitforge new` from files of study {study}, layout {layout}.
# About {train} events to train with, {test} to test.
# Every key: docs/configuration.md. What your files need to hold: docs/your-own-ntuples.md.
preset: {preset}            # models and settings; by size: {sizes}
studies: [{study}]
{study}:
  samples:
    replace: true          # your files alone, none of the generated samples of the preset
    train: {{role: train, source: {train_source}{train_parts}}}
    test: {{role: test, source: {test_source}{test_parts}}}
  folds: {{count: {folds}}}       # one is held out for calibration and validation; about {a_fold} events each
  # run_models: [{models}]
"""


@dataclass(frozen=True)
class Sample:
    """Files of a sample: source as the configuration has it, the parts, and about how many events they hold."""

    source: str
    parts: int | None
    files: list[Part]
    events: int


def write_new(train: Sequence[str], test: Sequence[str], out: Path, study: str | None = None) -> list[str]:
    """Write a configuration for files and return sentences about it, with the commands to go on with.

    Raises
    ------
    ConfigError
        ``out`` is there already, files are missing, or no study can read the first of them; says why for each study.
    """
    if out.exists():
        raise ConfigError(f"{out} is there already; give another name with --out, or remove it")
    first = _parts(train)[2][0]
    name, verdict = _study_of(first, study)
    samples = {role: _sample(files, first, verdict) for role, files in (("train", train), ("test", test))}
    other = _judged(name, samples["test"].files[0])
    if not other.good:
        raise ConfigError(f"{other.source}: study {name} cannot use it: {describe(other.problems[0])}")
    preset, sizes = _preset(name, samples["train"].events)
    count = _fold_count(name, preset, samples["train"].events)
    text = _filled(name, verdict, samples, preset, sizes, count)
    # what is written is read as any other configuration
    for sample, about in load_settings(parse_yaml(text, out)).studies[name].samples.items():
        list_parts(sample, about)
    with atomic_path(out) as temporary:
        temporary.write_text(text, encoding="utf-8")
    files = {role: f"{len(sample.files)} files, about {sample.events:,} events" for role, sample in samples.items()}
    return [
        f"{out}: study {name}, layout {verdict.layout}; train {files['train']}; test {files['test']}; preset {preset}.",
        "Next:",
        f"  snakemake -n --configfile {out}                # the plan, and about how long it takes",
        f"  snakemake --cores 2 --configfile {out}         # all of it, to results/report/index.html",
    ]


def _parts(files: Sequence[str]) -> tuple[str | list[str], int | None, list[Part]]:
    """Return source, number of folds and parts of files; all files of a kind in a folder are one pattern."""
    source: str | list[str] = files[0] if len(files) == 1 else sorted(files)
    folders = {Path(file).parent for file in files}
    suffixes = {Path(file).suffix for file in files}
    if len(files) > 1 and len(folders) == len(suffixes) == 1:
        pattern = next(iter(folders)) / f"*{next(iter(suffixes))}"
        if sorted(map(str, pattern.parent.glob(pattern.name))) == sorted(str(Path(file)) for file in files):
            source = str(pattern)
    parts = None
    if Path(files[0]).suffix in (".h5", ".hdf5") and Path(files[0]).is_file():
        with h5py.File(files[0]) as file:
            parts = sum(name.startswith("fold_") for name in file) or None
    sources = source if isinstance(source, str) else tuple(source)
    found = list_parts("train", SampleSettings(role="train", source=sources, parts=parts))
    for part in found:
        if part.is_local and not Path(part.local_path).is_file():
            raise ConfigError(f"{part.local_path}: no such file")
    return source, parts, found


def _judged(study: str, part: Part) -> Verdict:
    settings = load_settings({"studies": [study], "preset": LIKELY})
    return validate_part(load_study(study, settings.studies[study]), part.id, part.source or "")


def _study_of(part: Part, asked: str | None) -> tuple[str, Verdict]:
    """Return the study that can read a part, and its verdict."""
    why = []
    for study in [asked] if asked else sorted(study_files()):
        verdict = _judged(study, part)
        if verdict.good:
            return study, verdict
        why.append(f"  {study}: {describe(verdict.problems[0])}")
    raise ConfigError(f"{part.source}: no study can use this file:\n" + "\n".join(why))


def _sample(files: Sequence[str], first: Part, verdict: Verdict) -> Sample:
    """Return a sample; its events are those of the first part, scaled by size."""
    source, parts, found = _parts(files)
    # a path with a colon or a hash would be another thing to YAML
    text = f'"{source}"' if isinstance(source, str) else "[" + ", ".join(f'"{each}"' for each in source) + "]"
    if parts is not None:
        return Sample(text, parts, found, verdict.n_events * len(found))
    sizes = [Path(part.local_path).stat().st_size for part in found if part.is_local]
    one = Path(first.local_path).stat().st_size if first.is_local else 0
    events = round(verdict.n_events * sum(sizes) / one) if one and len(sizes) == len(found) else verdict.n_events
    return Sample(text, parts, found, events)


def _preset(study: str, events: int) -> tuple[str, str]:
    """Return the preset whose generated train sample is of the most similar size, and the sizes of all."""
    sizes: dict[str, int] = {}
    for path in sorted((config_folder() / "presets").glob("*.yaml")):
        content = read_yaml(path)
        # one of another name is laid over a preset
        if content.get("preset") == path.stem and study in content:
            samples = load_settings({"studies": [study], "preset": path.stem}).studies[study].samples.values()
            sizes[path.stem] = sum(
                (one.parts or 0) * (one.events_per_part or 0) for one in samples if one.role == "train"
            )
    sizes = {name: size for name, size in sizes.items() if size}
    if not sizes:
        return LIKELY, LIKELY
    order = sorted(sizes, key=lambda name: sizes[name])
    best = min(order, key=lambda name: abs(math.log(sizes[name] / max(events, 1))))
    return best, ", ".join(f"{name} {sizes[name]:,}" for name in order)


def _fold_count(study: str, preset: str, events: int) -> int:
    """Return the preset's number of folds, or fewer that its models can work with where events would be few in each."""

    def works(count: int) -> bool:
        try:
            load_settings({"studies": [study], "preset": preset, study: {"folds": {"count": count}}})
        except ConfigError:
            return False
        return True

    own = load_settings({"studies": [study], "preset": preset}).studies[study].folds.count
    able = [own, *(count for count in FOLD_COUNTS if count < own and works(count))]
    return next((count for count in able if events >= count * EVENTS_A_FOLD), able[-1])


def _filled(study: str, verdict: Verdict, samples: Mapping[str, Sample], preset: str, sizes: str, count: int) -> str:
    reported = load_settings({"studies": [study], "preset": preset}).studies[study].run_models
    parts = {role: f", parts: {sample.parts}" if sample.parts else "" for role, sample in samples.items()}
    return _TEXT.format(
        schema="config/schema.json",
        study=study,
        layout=verdict.layout or "unnamed",
        train=f"{samples['train'].events:,}",
        test=f"{samples['test'].events:,}",
        preset=preset,
        sizes=sizes,
        train_source=samples["train"].source,
        test_source=samples["test"].source,
        train_parts=parts["train"],
        test_parts=parts["test"],
        folds=count,
        a_fold=f"{samples['train'].events // count:,}",
        models=", ".join(reported),
    )
