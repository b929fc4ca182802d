"""YAML files of users: nothing is dropped without a word, and every error names file, line and key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hitforge.settings_base import Settings
from hitforge.studies.calo_muon.data.geometry import SHIPPED, load_geometry
from hitforge.yaml_files import ConfigError, read_as, read_yaml

PACKAGE = Path(__file__).parents[2] / "src/hitforge"


def written(tmp_path: Path, content: str | bytes, name: str = "my.yaml") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "my.yaml, line 3: the key 'a' stands in line 1 already"),
        ("a:\n  b: {c: 1, d: 2}\n  b: {c: 3}\n", "my.yaml, line 3: the key 'b' stands in line 2 already"),
        ("a: [{b: 1, b: 2}]\n", "my.yaml, line 1: the key 'b'"),
        ("on: 1\n", "my.yaml, line 1: the key 'on' is read as True; put it into quotes"),
        ("~: 1\n", "my.yaml, line 1: the key '~' is read as None"),
        ("a: &a\n  b: *a\n", r"my.yaml, line 2: the alias \*a stands inside its own anchor"),
        ("a: 1\n\tb: 2\n", "my.yaml, line 2: not valid YAML"),
        ("a: 1\n---\na: 2\n", "my.yaml, line 2: not valid YAML"),
        ("a: !!python/object:os.system {}\n", "my.yaml, line 1: not valid YAML"),
        ("a: 2026-13-45\n", "my.yaml: not valid YAML"),
        ("- a\n- b\n", "my.yaml: expected a mapping at the top"),
        ("word\n", "my.yaml: expected a mapping at the top"),
        ('{"a": 1,\n\t"a": 2}', "my.yaml: the key 'a' stands twice"),
        (b'a: 1\nb: "10 \xb5m"\n', "my.yaml, line 2: byte 0xb5 is not UTF-8; save the file as UTF-8"),
        ("a: 1\n".encode("utf-16"), "my.yaml: the text is UTF-16; save the file as UTF-8"),
    ],
)
def test_what_would_be_dropped_is_an_error(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_yaml(written(tmp_path, content))


@pytest.mark.parametrize(
    ("content", "read"),
    [
        (b"\xef\xbb\xbfa: 1\n", {"a": 1}),
        ("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
        ("", {}),
        ("# all commented out\n", {}),
        ('{\n\t"a": {"b": 1}\n}\n', {"a": {"b": 1}}),
        ("a: &a {b: 1}\nc:\n  <<: *a\n  b: 2\n", {"a": {"b": 1}, "c": {"b": 2}}),
        ("größe: 1\n", {"größe": 1}),
        ("a:\n#  b: 1\nc: ''\nd: null\n", {"c": "", "d": None}),
    ],
)
def test_what_is_harmless_is_read(tmp_path: Path, content: str | bytes, read: dict[str, object]) -> None:
    assert read_yaml(written(tmp_path, content)) == read


def test_a_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"{tmp_path}: is a directory")):
        read_yaml(tmp_path)
    written(tmp_path, "a: 1", "small.yaml")
    with pytest.raises(ConfigError, match=r"big\.yaml: no such file; .* has: small"):
        read_yaml(tmp_path / "big.yaml")


class Inner(Settings):
    depth: int = 3
    name: str | None = None
    loud: bool = False
    edges: tuple[float, ...] = ()


class Outer(Settings):
    inner: Inner = Inner()
    count: int = 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("inner:\n  dept: 4\n", r"inner\.dept: unknown key; did you mean depth\? \(.*my\.yaml, line 2\)"),
        ("inner:\n\n  depth: deep\n", r"inner\.depth: .*valid integer.*\(.*my\.yaml, line 3\)"),
        ("count: true\n", "count: .*true and false are no values here"),
        ("inner: {depth: yes}\n", "depth: .*true and false are no values here"),
        ("inner: {edges: [1, off]}\n", "edges: .*true and false are no values here"),
        ("inner: {edges: [1.0, .inf]}\n", r"inner\.edges\.1: .*finite number.*line 1"),
        ("inner: {edges: [.nan]}\n", r"inner\.edges\.0: .*finite number"),
        ("inner: null\n", r"inner: .*valid dictionary.*line 1"),
        ("count: null\n", r"count: .*valid integer.*line 1"),
    ],
)
def test_a_value_that_makes_no_sense_is_named_with_its_line(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_as(Outer, written(tmp_path, content))


def test_an_empty_block_has_the_defaults(tmp_path: Path) -> None:
    for text in ("inner:\ncount:\n", "inner:\n  name:\n  depth:\n"):
        assert read_as(Outer, written(tmp_path, text)) == Outer()


def test_geometry_of_the_user_is_read_as_strictly(tmp_path: Path) -> None:
    text = (SHIPPED / "pbwo4_40.64mm.yaml").read_text(encoding="utf-8")
    assert load_geometry(str(written(tmp_path, text))) == load_geometry("pbwo4_40.64mm")
    with pytest.raises(ConfigError, match=r"my\.yaml, line \d+: the key 'n_z' stands in line"):
        load_geometry(str(written(tmp_path, text + "n_z: 3\n")))
    with pytest.raises(ConfigError, match=r"my\.yaml: not valid:\n.*n_z: .*true and false"):
        load_geometry(str(written(tmp_path, re.sub("n_z: .*", "n_z: true", text))))


def test_no_other_module_reads_yaml() -> None:
    """All but the fingerprint, which hashes what files hold and judges nothing."""
    readers = {path.name for path in PACKAGE.rglob("*.py") if "yaml.safe_load" in path.read_text(encoding="utf-8")}
    assert readers <= {"fingerprint.py"}
