"""Functions that are declared by name, ``module:function``, and imported when they are called."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any


def module_named(study: str, module: str) -> str:
    """Return the full name of a module that is named from a study's folder or, from ``hitforge.`` on, whole."""
    return module if module.startswith("hitforge.") else f"hitforge.studies.{study}.{module}"


def load_function(study: str, function: str) -> Callable[..., Any]:
    """Import ``module:function``; an AttributeError says that the module has no such function."""
    module, _, name = function.partition(":")
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module_named(study, module)), name)
    except AttributeError as error:
        raise AttributeError(
            f"study {study}: module {module_named(study, module)} has no function {name!r}; write it, or correct the "
            "declaration that names it"
        ) from error
    return found
