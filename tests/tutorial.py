"""The tutorial as a program: runs the blocks of docs/tutorial.md in a folder, and renders the pictures of the pages.

``python -m tests.tutorial FOLDER --results RESULTS`` also writes ``docs/pictures``; RESULTS is that of a demo.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

from PIL import Image

from tests.doc_commands import REPOSITORY, blocks, runnable

PAGE = REPOSITORY / "docs/tutorial.md"
PICTURES = REPOSITORY / "docs/pictures"
WIDTH, COLOURS = 900, 128


def run_tutorial(folder: Path, timeout: float = 3600) -> list[tuple[str, str]]:
    """Run the blocks of the tutorial in ``folder``; return what each printed, with what the page shows of it.

    The folder gets links to what a clone has. Blocks of Python run as scripts.
    """
    for name in ("Snakefile", "workflow", "config", "profiles", "src"):
        (folder / name).symlink_to(REPOSITORY / name)
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder / "src"),
        "NO_COLOR": "1",
        "MPLBACKEND": "agg",
    }
    printed: list[tuple[str, str]] = []
    for block in blocks(PAGE, "sh", "python", "text"):
        if block.language == "text":
            printed[-1] = (printed[-1][0], block.text)
            continue
        command = ["bash", "-ec", runnable(block)] if block.language == "sh" else [sys.executable, "-c", block.text]
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, f"{block}:\n{done.stdout[-6000:]}"
        printed.append((done.stdout, ""))
    return printed


def without_numbers(text: str) -> list[str]:
    """Return the lines of an output without what differs from run to run: numbers, times, rulers and spaces."""
    lines = (re.sub(r"[\d.,:−±<-]+|\b(h|min|s)\b|[─\s]+", "", line) for line in text.splitlines())
    return [line for line in lines if line]


def shrink(picture: Path, out: Path) -> None:
    """Write a picture with the width and few colours of a page."""
    with Image.open(picture) as image:
        rgb = image.convert("RGB")
        height = round(rgb.height * WIDTH / rgb.width)
        small = rgb.resize((WIDTH, height), Image.Resampling.LANCZOS)
        out.parent.mkdir(exist_ok=True)
        small.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(out, optimize=True)


def render(tutorial: Path, results: Path) -> None:
    """Write all pictures of the pages from a finished tutorial and the results of a demo."""
    figure = "calo_muon/figures/information.png"
    shrink(results / figure, PICTURES / "demo.png")
    shrink(tutorial / "results" / figure, PICTURES / "tutorial.png")
    shrink(tutorial / "curve.png", PICTURES / "curve.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a new folder for the tutorial's run")
    parser.add_argument("--results", type=Path, default=Path("results"), help="results of make demo")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True)
    run_tutorial(chosen.folder.resolve())
    render(chosen.folder, chosen.results)
