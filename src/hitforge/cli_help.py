"""What ``hitforge`` and ``hitforge COMMAND --help`` say: commands by purpose, choices, an example, the page to read."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hitforge.config import config_folder, study_files
from hitforge.yaml_files import ConfigError

DOCS = "docs"
MORE = "More"


@dataclass(frozen=True)
class Topic:
    """What the help of a command says beside its options: purpose, example without ``hitforge``, page of the docs."""

    group: str
    example: str
    page: str = "command-line.md"


_START, _STAGES, _MODELS = "Start and watch", "Stages, one by one", "Models that leave the house"
_S = "--study calo_muon"
TOPICS = {
    "new": Topic(_START, 'new "/data/train/*.root" --test "/data/test/*.root" --out my.yaml', "your-own-ntuples.md"),
    "check": Topic(_START, "check --profile slurm --configfile my.yaml", "cluster.md"),
    "status": Topic(_START, "status --watch", "run-it.md"),
    "validate": Topic(_START, f"validate {_S} part.root", "your-own-ntuples.md"),
    "describe": Topic(_START, f"describe {_S} --model bdt"),
    "compare": Topic(_START, "compare before/results results --out compare.html"),
    "completion": Topic(_START, "completion bash"),
    "simulate": Topic(_STAGES, f"simulate {_S} --events 500 --out part.root", "simulation.md"),
    "build-shard": Topic(_STAGES, f"build-shard {_S} --out part.h5 part.root"),
    "fit-scaling": Topic(_STAGES, f"fit-scaling {_S} --out scaling.json part.h5"),
    "train-bdt": Topic(_STAGES, f"train-bdt {_S} --model bdt --out bdt part.h5"),
    "train-member": Topic(
        _STAGES, f"train-member {_S} --model layers --scaling scaling.json --out layers/member_0.safetensors part.h5"
    ),
    "assemble": Topic(_STAGES, f"assemble {_S} --model layers --out layers/model.json layers/member_0.safetensors"),
    "predict": Topic(_STAGES, f"predict {_S} --manifest bdt/model.json --out predictions.h5 part.h5"),
    "calibrate": Topic(_STAGES, f"calibrate {_S} --out calibration.json predictions.h5"),
    "evaluate": Topic(
        _STAGES,
        f"evaluate {_S} --model bdt --manifest bdt/model.json --calibration calibration.json --heldout predictions.h5 "
        "--out metrics.json",
    ),
    "report": Topic(_STAGES, f"report {_S} --out page"),
    "pack": Topic(_MODELS, f"pack results {_S} --model bdt --out bdt.hitforge.zip"),
    "card": Topic(_MODELS, "card bdt.hitforge.zip"),
    "export": Topic(_MODELS, "export bdt.hitforge.zip --out bdt.onnx", "use-a-model.md"),
    "apply": Topic(_MODELS, 'apply bdt.hitforge.zip "/data/*.root" --out friends', "apply.md"),
    "resolution": Topic(_MODELS, "resolution --package bdt.hitforge.zip --energies 100 1000"),
    "hepdata": Topic(_MODELS, f"hepdata {_S} --out submission"),
}


class Help(argparse.ArgumentDefaultsHelpFormatter):
    """Shows defaults that say something, and keeps lines of the example."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default in (None, [], False):
            return action.help
        return super()._get_help_string(action)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        # an example is copied: it stays in one line
        return "\n".join(
            line if line.startswith("  ") else super(Help, self)._fill_text(line, width, indent)
            for line in text.splitlines()
        )


class Overview(argparse.ArgumentParser):
    """The parser of all commands; its help lists them by purpose."""

    def commands(self) -> dict[str, tuple[argparse.ArgumentParser, str]]:
        """Return the parser and the summary of each command."""
        action = next(each for each in self._actions if isinstance(each, argparse._SubParsersAction))
        summaries = {each.dest: each.help or "" for each in action._choices_actions}
        return {name: (parser, summaries[name]) for name, parser in action.choices.items()}

    def format_help(self) -> str:
        """Return all commands by purpose, and where to begin."""
        commands = self.commands()
        lines = [self.description or "", "", "usage: hitforge COMMAND ...    (or: python -m hitforge COMMAND ...)"]
        for group, names in grouped(commands):
            lines += ["", f"{group}:", *(f"  {name:<14}{commands[name][1]}" for name in names)]
        lines += [
            "",
            "hitforge COMMAND --help shows options and an example; hitforge --version the version.",
            "A whole production is run by snakemake: `snakemake -n` shows the plan, `snakemake --cores 2` runs it.",
            f"Read: {DOCS}/run-it.md; for your own files {DOCS}/your-own-ntuples.md; on a cluster {DOCS}/cluster.md.",
        ]
        return "\n".join(lines) + "\n"


def grouped(commands: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield groups with their commands, in the order of the topics; a command without a topic comes last."""
    groups: dict[str, list[str]] = {}
    names = list(commands)
    for name in [*(name for name in TOPICS if name in names), *(name for name in names if name not in TOPICS)]:
        groups.setdefault(TOPICS[name].group if name in TOPICS else MORE, []).append(name)
    yield from groups.items()


def explained(parser: Overview) -> Overview:
    """Add choices, examples and pages to the help of all commands."""
    try:
        studies = ", ".join(sorted(study_files()))
        presets = ", ".join(sorted(path.stem for path in (config_folder() / "presets").glob("*.yaml")))
    except ConfigError:
        studies = presets = ""
    for name, (command, _) in parser.commands().items():
        command.formatter_class = Help
        for action in command._actions:
            choices = {"study": studies, "preset": presets}.get(action.dest)
            if choices:
                action.help = f"{action.help.partition(',')[0].partition(' (')[0] if action.help else ''}: {choices}"
        if name in TOPICS:
            topic = TOPICS[name]
            command.epilog = f"example:\n  hitforge {topic.example}\nread: {DOCS}/{topic.page}"
    return parser
