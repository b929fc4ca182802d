"""Write cpu.lock, gpu.lock and the pins of envs/*.yaml from the installed versions (make lock)."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
CONDA_NAMES = {"torch": "pytorch", "xgboost-cpu": "py-xgboost", "matplotlib": "matplotlib-base"}


def main() -> None:
    """Freeze the environment."""
    freeze = subprocess.run(
        [sys.executable, "-m", "pip", "freeze", "--exclude-editable"], capture_output=True, text=True, check=True
    )
    # a local version label such as +cpu names one machine's build, not a release
    pins = [re.sub(r"\+.*", "", line) for line in freeze.stdout.splitlines() if "==" in line]
    header = "# Exact versions of everything, {} build of XGBoost. Made by: make lock\n"
    (HERE / "cpu.lock").write_text(header.format("CPU") + "\n".join(pins) + "\n")
    gpu = [pin.replace("xgboost-cpu==", "xgboost==") for pin in pins]
    (HERE / "gpu.lock").write_text(header.format("CUDA") + "\n".join(gpu) + "\n")
    versions = {CONDA_NAMES.get(n, n).lower(): v for n, v in (pin.split("==") for pin in pins)}
    for path in (HERE.parent / "envs").glob("*.yaml"):
        text = path.read_text()
        for name in re.findall(r"- (\S+) =", text):
            if name != "python":
                text = re.sub(rf"- {re.escape(name)} =\S+", f"- {name} ={versions[name]}", text)
        path.write_text(text)


if __name__ == "__main__":
    main()
