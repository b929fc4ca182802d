"""The help of the command line: every command in a group, its example can be parsed, its page is there."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from hitforge.cli import build_parser, main
from hitforge.cli_help import DOCS, MORE, TOPICS, grouped

COMMANDS = sorted(build_parser().commands())
PAGES = Path(__file__).parents[2] / DOCS


def test_every_command_has_a_topic_and_every_topic_a_command() -> None:
    assert MORE not in dict(grouped(COMMANDS))
    assert sorted(TOPICS) == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_an_example_is_a_call_of_its_command(name: str) -> None:
    words = shlex.split(TOPICS[name].example)
    assert words[0] == name
    build_parser().parse_args(words)
    assert (PAGES / TOPICS[name].page).is_file()


def test_help_lists_choices_an_example_and_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train-bdt", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "study: calo_muon, csc_muon, object_id, scouting_egamma" in text
    assert "preset to start from: demo, medium" in text
    assert "hitforge train-bdt --study calo_muon --model bdt --out bdt part.h5 read: docs/command-line.md" in text
    assert "None" not in text


def test_without_arguments_all_commands_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    text = capsys.readouterr().out
    assert all(f"\n  {name} " in text for name in COMMANDS)
    assert max(map(len, text.splitlines())) <= 120
