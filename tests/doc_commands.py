"""Commands in the documentation: blocks of shell in its pages, taken apart as a shell would."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [
    *(REPOSITORY / page for page in ("README.md", "CONTRIBUTING.md", "config/README.md")),
    *sorted((REPOSITORY / "docs").glob("*.md")),
]

NOT_RUN = {
    "make": "makes the environment that the tests run in, or takes minutes",
    "pip": "changes the environment that the tests run in",
    "pre-commit": "changes the checkout",
    "git": "needs the network",
    "source": "of the environment that the tests run in",
    "export": "of a folder with data that not everybody has",
    "$EDITOR": "waits for a person",
    "tail": "never ends",
    ".venv/bin/pytest": "is a test",
    "c++": "needs an unpacked archive of onnxruntime",
    "./apply_onnx": "needs an unpacked archive of onnxruntime",
}
"""Programs that a test of a page does not start, and why."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its language, text and first line."""

    page: Path
    language: str
    text: str
    line: int

    def __str__(self) -> str:
        return f"{self.page.relative_to(REPOSITORY)}:{self.line}"


def blocks(page: Path, *languages: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page that are in one of the languages."""
    text = page.read_text(encoding="utf-8")
    for found in re.finditer(r"^ *```(\w+)\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL):
        if found[1] in languages:
            yield Block(page, found[1], found[2], text.count("\n", 0, found.start(2)) + 1)


def commands(block: Block) -> Iterator[list[str]]:
    """Yield the words of each simple command of a block; variables that the block sets are put in, a loop's is 0."""
    variables: dict[str, str] = {}
    for line in re.sub(r"\\\n", " ", block.text).splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|<>")
        lexer.whitespace_split = True
        command: list[str] = []
        for word in [*lexer, ";"]:
            if re.fullmatch(r"[;&|]+", word):
                if command and command[0] == "for":
                    variables[command[1]] = "0"
                elif command and command != ["done"]:
                    yield command
                command = []
            elif not command and (assigned := re.fullmatch(r"(\w+)=(.*)", word)):
                variables[assigned[1]] = assigned[2]
            elif command or word != "do":
                whole = re.fullmatch(r"\$(\w+)", word)
                if whole and whole[1] in variables:
                    command += shlex.split(variables[whole[1]])
                else:
                    command.append(re.sub(r"\$(\w+)", lambda found: variables.get(found[1], found[0]), word))


def runnable(block: Block) -> str:
    """Return the script of a block without the lines whose program is not run."""
    lines = re.sub(r"\\\n", " ", block.text).splitlines()
    return "\n".join(line for line in lines if not line.split() or line.split()[0] not in NOT_RUN)
