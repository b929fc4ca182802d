"""The one reader of YAML files: what would be dropped without a word is an error with file, line and key."""

from __future__ import annotations

import difflib
import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

_Model = TypeVar("_Model", bound=BaseModel)

_SAVE_AS_UTF8 = "save the file as UTF-8"


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names the key and the fix."""


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """Refuses keys that stand twice, or that YAML does not read as text or a number."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: dict[Any, int] = {}
        # before merge keys (<<) are resolved: a key that overrides one of them stands once
        for key_node, _ in node.value:
            line = key_node.start_mark.line + 1
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if key is None or isinstance(key, bool):
                raise _Refused(line, f"the key {key_node.value!r} is read as {key!r}; put it into quotes")
            if not isinstance(key, Hashable):
                raise _Refused(line, "a key has to be a word")
            if key in seen:
                raise _Refused(line, f"the key {key!r} stands in line {seen[key]} already; join the two blocks")
            seen[key] = line
        # a key without a value, as that of a block whose lines are all commented out, says nothing; null says none
        node.value = [(key, value) for key, value in node.value if not _is_empty(value)]
        content: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return content

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            node = self.anchors.get(event.anchor)
            # a mapping or list is complete once its end is known
            if node is not None and node.end_mark is None:
                raise _Refused(event.start_mark.line + 1, f"the alias *{event.anchor} stands inside its own anchor")
        return super().compose_node(parent, index)


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value == "" and node.style is None


class _Refused(Exception):
    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        # JSON's reader tells no line
        self.place = f", line {line}" if line else ""


def decode(content: bytes, path: Path) -> str:
    """Return the text of a UTF-8 file, with or without a byte order mark.

    Raises
    ------
    ConfigError
        Another encoding; the message names file and line.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ConfigError(f"{path}: the text is UTF-16; {_SAVE_AS_UTF8}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path}, line {line}: byte {content[error.start]:#04x} is not UTF-8; {_SAVE_AS_UTF8}"
        ) from error


def read_text(path: Path) -> str:
    """Read a UTF-8 file of the user.

    Raises
    ------
    ConfigError
        No such file, a folder, no permission, or another encoding.
    """
    try:
        return decode(path.read_bytes(), path)
    except OSError as error:
        words = "no such file" if isinstance(error, FileNotFoundError) else (error.strerror or str(error)).lower()
        raise ConfigError(f"{path}: {words}") from error


def parse_yaml(text: str, path: Path) -> dict[str, Any]:
    """Return the mapping that a YAML text holds; an empty text is an empty mapping.

    Raises
    ------
    ConfigError
        Not YAML, not a mapping, a key twice or one that is not a word; the message names file, line and key.
    """
    try:
        content = _load(text)
    except _Refused as error:
        raise ConfigError(f"{path}{error.place}: {error}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f", line {mark.line + 1}" if mark is not None else ""
        raise ConfigError(f"{path}{place}: not valid YAML: {' '.join(str(error).split())}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # a ValueError is that of a number or a date that cannot be
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected a mapping at the top, of the form key: value")
    return content


def _load(text: str) -> Any:
    """Load JSON as such, which may have tabs, and anything else as YAML: the order of the workflow engine."""
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError:
        return yaml.load(text, Loader=_Loader)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key, value in pairs:
        if key in content:
            raise _Refused(0, f"the key {key!r} stands twice in one block; join the two")
        content[key] = value
    return content


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping; an empty file is an empty mapping.

    Raises
    ------
    ConfigError
        See :func:`read_text` and :func:`parse_yaml`; for a file that is not there it names those that are.
    """
    try:
        text = read_text(path)
    except ConfigError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise
        known = sorted(p.stem for p in path.parent.glob("*.yaml"))
        near = "".join(f"did you mean {name}? " for name in difflib.get_close_matches(path.stem, known, 1))
        has = f"{path.parent.name or 'this folder'} has: {', '.join(known) or 'none'}"
        raise ConfigError(f"{error}; {near}{has}") from error
    return parse_yaml(text, path)


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """Return ``did you mean ...?`` for a word that is nearly a known one, otherwise what is known."""
    names = sorted(known)
    near = difflib.get_close_matches(str(word), names, 1)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(names)}"


def place_of(keys: Sequence[object], files: Sequence[Path]) -> tuple[str, bool]:
    """Return ``file, line n`` of nested keys in the last of the files that has them, and whether it has them all.

    The last key may lack, and then also those above it; empty if hardly anything of it is there.
    """
    for path in reversed(files):
        try:
            node = yaml.compose(read_text(path), Loader=yaml.SafeLoader)
        except yaml.YAMLError:
            continue  # JSON with tabs
        depth, line = 0, 0
        for key in keys:
            if isinstance(node, yaml.MappingNode):
                below = [(k.start_mark.line, v) for k, v in node.value if k.value == str(key)]
            elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
                below = [(node.value[key].start_mark.line, node.value[key])]
            else:
                break
            if not below:
                break
            line, node = below[0]
            depth += 1
        if depth and depth >= min(len(keys), max(len(keys) - 1, 2)):
            return f"{path}, line {line + 1}", depth == len(keys)
    return "", False


def _written_keys(kind: Any, where: Sequence[str | int]) -> tuple[tuple[str | int, ...], tuple[str, ...]]:
    """Return the keys of an error's place without the names of types in it, and the fields of the block it is in."""
    keys: list[str | int] = []
    fields: tuple[str, ...] = ()
    for word in where:
        inner = [kind, *get_args(kind)]
        blocks = [each for each in inner if isinstance(each, type) and issubclass(each, BaseModel)]
        maps = [get_args(each)[1] for each in inner if get_origin(each) in (dict, Mapping)]
        if blocks and not maps:
            fields = tuple(blocks[0].model_fields)
            kind = blocks[0].model_fields[str(word)].annotation if word in fields else None
        elif maps:
            kind, fields = maps[0], ()
        elif isinstance(word, int):
            kind = next((each for each in get_args(kind) if each is not Ellipsis), None)
        else:
            break
        keys.append(word)
        if kind is None:
            break
    return tuple(keys), fields


def complaints(
    error: ValidationError, kind: type[BaseModel], files: Sequence[Path], block: Sequence[str | int] = ()
) -> str:
    """Return a line for each thing that is wrong with a block of settings: key, reason and, if a file has it, place.

    A mistake that reaches many models, by their defaults or by inheritance, is one line.
    """
    reasons: dict[tuple[str | int, ...], list[str]] = {}
    for item in error.errors():
        keys, fields = _written_keys(kind, item["loc"])
        unknown = item["type"] == "extra_forbidden"
        reason = (
            f"unknown key; {did_you_mean(keys[-1], fields)}" if unknown else item["msg"].removeprefix("Value error, ")
        )
        own = reasons.setdefault((*block, *keys), [])
        if reason not in own:
            own.append(reason)
    alike: dict[tuple[object, ...], list[tuple[str | int, ...]]] = {}
    for keys, words in reasons.items():
        at = keys.index("models") if "models" in keys[:-2] else len(keys)
        alike.setdefault((keys[:at], keys[at + 2 :], *words), []).append(keys)
    lines = []
    for group in alike.values():
        written = [keys for keys in group if place_of(keys, files)[1]] or group[:1]
        if len(group) > 1:
            at = group[0].index("models")
            defaults = (*group[0][:at], "model_defaults", *group[0][at + 2 :])
            written = [defaults] if place_of(defaults, files)[1] else written
        for keys in written:
            where = place_of(keys, files)[0]
            place = ".".join(map(str, keys))
            lines.append(f"  {place}: {' or '.join(reasons[group[0]])}" + (f" ({where})" if where else ""))
    return "\n".join(lines)


def read_as(kind: type[_Model], path: Path) -> _Model:
    """Read a YAML file that holds one block of settings.

    Raises
    ------
    ConfigError
        As :func:`read_yaml`, and for a key that is unknown, missing or of the wrong type.
    """
    content = read_yaml(path)
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise ConfigError(f"{path}: not valid:\n{complaints(error, kind, [path])}") from error
