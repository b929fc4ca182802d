"""Settings of an application of a model package to files: what the target ``friends`` makes."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field, PositiveInt

from hitforge.settings_base import Settings

FriendFormat = Literal["ttree", "rntuple", "parquet"]

PREFIX: Final = r"^[A-Za-z_][A-Za-z0-9_]*$"
"""What ROOT takes for the beginning of a name."""


class ApplySettings(Settings):
    """What the target ``friends`` makes: a friend file for each file, with what a model says of its entries."""

    package: str = Field(description="model package, made by the target `packages` or the command `pack`")
    source: str | tuple[str, ...] = Field(description="paths, globs, root:// URLs of the files")
    out: str = Field("friends", description="folder of the friend files")
    format: FriendFormat = Field("ttree", description="format of the friend files")
    prefix: str = Field(
        "hf_", pattern=PREFIX, description="how names of tree and columns begin; another for each model of one file"
    )
    blocks: PositiveInt = Field(72, description="at most so many jobs")
