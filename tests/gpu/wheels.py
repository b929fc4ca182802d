"""Wheels for a machine that has Python, torch, numba, numpy and h5py but no network (make gpu-wheels).

They are collected here, for each Python version, and unpacked there by the check itself: nothing is installed. This
module needs the standard library only.
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import zipfile
from pathlib import Path

FOLDER = Path(__file__).parent / "wheels"
LOCK = Path(__file__).parents[2] / "requirements" / "cpu.lock"
PYTHONS = ("3.11", "3.12")
MOST_MB = 40
# what hitforge's stages import, and what these import; scipy, which xgboost needs, is large and mostly there
PACKAGES = (
    *("annotated-types", "awkward", "awkward_cpp", "cramjam", "fsspec", "hdf5plugin", "packaging", "pydantic"),
    *("pydantic_core", "PyYAML", "safetensors", "typing-inspection", "typing_extensions", "uproot", "xgboost-cpu"),
    "xxhash",
)
# compressions that shards and predictions use; the whole of hdf5plugin is larger than all other wheels together
FILTERS = ("blosc", "zstd")


def collect(folder: Path) -> None:
    """Download the wheels of all Python versions, in the versions of the lock file, into ``folder``."""
    pins = dict(line.split("==") for line in LOCK.read_text().splitlines() if "==" in line)
    wanted = [f"{name}=={pins[name]}" for name in PACKAGES]
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.whl"):
        old.unlink()
    # pip matches the number of a platform exactly
    platforms = [f"manylinux_2_{n}_{platform.machine()}" for n in (34, 31, 28, 27, 24, 17, 12, 5)]
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(folder)]
    options += [f"--platform={name}" for name in [*platforms, f"manylinux2014_{platform.machine()}"]]
    for version in PYTHONS:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", *options, f"--python-version={version}", *wanted], check=True
        )
    for wheel in folder.glob("hdf5plugin-*.whl"):
        slim(wheel)
    size = sum(wheel.stat().st_size for wheel in folder.glob("*.whl")) / 1e6
    sys.stdout.write(f"{len(list(folder.glob('*.whl')))} wheels, {size:.1f} MB, in {folder}\n")
    if size > MOST_MB:
        raise SystemExit(f"more than {MOST_MB} MB: take a package out of PACKAGES in {__file__}")


def slim(wheel: Path) -> None:
    """Leave only the compressions of `FILTERS` in a wheel of hdf5plugin."""
    kept = {f"libh5{name}.so" for name in FILTERS}

    def wanted(name: str) -> bool:
        path = Path(name)
        return path.name in kept if path.parent.name == "plugins" else path.name != "test.py"

    small = wheel.with_suffix(".small")
    with zipfile.ZipFile(wheel) as whole, zipfile.ZipFile(small, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as into:
        for name in filter(wanted, whole.namelist()):
            content = whole.read(name)
            if name == "hdf5plugin/_config.py":
                # it lists what it registers, and complains about what is not there
                text, changed = re.subn(r"('embedded_filters': )\([^)]*\)", rf"\1{FILTERS!r}", content.decode())
                if changed != 1:
                    raise SystemExit(f"{wheel.name}: {name} does not list its filters as before; correct slim()")
                content = text.encode()
            into.writestr(name, content)
    small.replace(wheel)


def unpack(folder: Path, into: Path) -> list[str]:
    """Unpack the wheels that fit this Python, and return their names without tags; none if there is no folder."""
    names = []
    for wheel in sorted(folder.glob("*.whl")):
        if fits(wheel.name, sys.version_info[:2], platform.machine()):
            with zipfile.ZipFile(wheel) as content:
                content.extractall(into)
            names.append("-".join(wheel.name.split("-")[:2]))
    return names


def fits(wheel: str, version: tuple[int, int], machine: str) -> bool:
    """Return whether a wheel, by its name, is for a Python version (major, minor) on Linux machines of a kind."""
    python, abi, system = wheel.removesuffix(".whl").split("-")[-3:]
    if system != "any" and not all(name.endswith(machine) for name in system.split(".")):
        return False
    own = f"cp{version[0]}{version[1]}"
    if own in python.split(".") or "py3" in python.split("."):
        return True
    # the stable interface: for this minor version and all later ones
    return abi == "abi3" and python.startswith(f"cp{version[0]}") and int(python[3:]) <= version[1]


if __name__ == "__main__":
    collect(FOLDER)
