"""Every command that the documentation shows, held against the parser of its program."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hitforge.cli import build_parser
from hitforge.config import study_files
from tests.doc_commands import NOT_RUN, PAGES, REPOSITORY, Block, blocks, commands

SHELL = {"cd", "echo", "mkdir", "set"}
YOURS = {"my.yaml", "two.yaml", "paper-data.yaml"}
"""Files of the reader that pages name."""


def all_commands() -> Iterator[tuple[Block, list[str]]]:
    for page in PAGES:
        for block in blocks(page, "sh"):
            for command in commands(block):
                yield block, command


def called(*programs: str) -> list[tuple[Block, list[str]]]:
    """Return where a program is called, with its arguments."""
    found = []
    for block, command in all_commands():
        for program in programs:
            words = program.split()
            if command[: len(words)] == words:
                found.append((block, command[len(words) :]))
    return found


def test_a_block_is_taken_apart_as_a_shell_does() -> None:
    text = 'S="--study a --preset b"\nfor i in 0 1; do run $S --out x_$i.h5 \\\n  "a b"; done && cd there # why\n'
    block = Block(Path("page"), "sh", text, 1)
    assert list(commands(block)) == [
        ["run", "--study", "a", "--preset", "b", "--out", "x_0.h5", "a b"],
        ["cd", "there"],
    ]


def test_commands_of_the_package_are_understood() -> None:
    wrong = []
    calls = called("python -m hitforge", "hitforge")
    assert len(calls) > 25
    for block, arguments in calls:
        with contextlib.redirect_stderr(io.StringIO()) as message:
            try:
                build_parser().parse_args(arguments)
            except SystemExit:
                wrong.append(f"{block}: {' '.join(arguments)}: {message.getvalue().splitlines()[-1]}")
    assert wrong == []


def test_commands_within_sentences_exist() -> None:
    known = build_parser().commands()
    for page in PAGES:
        for name in re.findall(r"`(?:python -m )?hitforge ([a-z][a-z-]*)[ `]", page.read_text(encoding="utf-8")):
            assert name in known, f"{page.name}: {name}"


def test_calls_of_snakemake_are_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    from snakemake.cli import parse_args

    monkeypatch.chdir(REPOSITORY)
    rules = "".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "workflow/rules").glob("*.smk"))
    names = {*re.findall(r"^ *rule (\w+):", rules, re.MULTILINE), *study_files()}
    calls = called("snakemake")
    assert len(calls) > 15
    for block, arguments in calls:
        _, options = parse_args(arguments)
        if "wrong" in block.text and options.configfile and "shards" in map(str, options.configfile):
            continue  # what the page warns of
        for target in options.targets:
            assert target in names or target.startswith("results/"), f"{block}: no target {target}"
        for file in options.configfile or ():
            assert file.is_file() or str(file) in YOURS, f"{block}: no file {file}"


def test_targets_of_make_are_there() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    calls = called("make")
    assert len(calls) > 8
    for block, arguments in calls:
        for argument in arguments:
            name, given, _ = argument.partition("=")
            assert name in targets or (given and f"({name})" in makefile), f"{block}: make {argument}"
    mentioned = {name for page in PAGES for name in re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8"))}
    assert mentioned <= targets


def test_every_other_program_is_known() -> None:
    checked = {"snakemake", "hitforge", *NOT_RUN, *SHELL}
    for block, command in all_commands():
        if command[:2] == ["python", "-m"]:
            assert importlib.util.find_spec(command[2]), f"{block}: no module {command[2]}"
        else:
            assert command[0] in checked, f"{block}: {command[0]} is neither checked nor listed in NOT_RUN"
