"""Read yaml and json into records: every problem of a file at once, each with line and key."""

import json
import math
import stat
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.base import FileRecord
from cvit_bench.records.files import write_text
from cvit_bench.text import refuse_half_pairs, unknown_name

R = TypeVar("R", bound=BaseModel)
F = TypeVar("F", bound=FileRecord)

Lines = dict[tuple[str | int, ...], int]
_DEEPEST = 200


def load_yaml(path: Path, kind: type[F]) -> F:
    """Read one yaml file as a record; raise with every problem, each as `file:line: key: what`."""
    data, lines = _parse_yaml(path)
    return _validated(path, data, kind, lines)


def load_json(path: Path, kind: type[F]) -> F:
    """Read one json file as a record; raise with every problem, each as `file: key: what`."""
    return _validated(path, _parse_json(path, parse_constant=_refuse_constant, parse_float=_finite), kind, {})


def load_object(path: Path) -> dict[str, Any]:
    """Read a json file of another tool, whose keys are its own; raise when it holds no object."""
    data = _parse_json(path)
    if not isinstance(data, dict):
        raise CvitBenchError(f"{path}: expected keys and values, got {type(data).__name__}")
    return data


def yaml_line(path: Path, place: tuple[str | int, ...]) -> int:
    """Return the line of a key in a yaml file, or of the innermost key around it that is there."""
    return _line(place, _parse_yaml(path)[1]) or 1


def save_json(path: Path, record: BaseModel) -> None:
    """Write a record as indented JSON, atomically."""
    write_text(path, record.model_dump_json(indent=1) + "\n")


def read_text(path: Path) -> str:
    """Read UTF-8 text (a byte-order mark is dropped)."""
    try:
        if stat.S_ISFIFO(path.stat().st_mode):  # one that nobody writes to would be waited for
            raise CvitBenchError(f"{path}: a pipe, not a file")
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise CvitBenchError(f"{path}: no such file") from error
    except UnicodeDecodeError as error:
        raise CvitBenchError(f"{path}: not UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise CvitBenchError(f"{path}: cannot be read ({error.strerror})") from error


def _parse_json(path: Path, **options: Any) -> Any:
    text = read_text(path)
    try:
        value = json.loads(text, **options)
        refuse_half_pairs(text, value)
        _refuse_depth(value, _DEEPEST)
    except (ValueError, RecursionError) as error:
        raise CvitBenchError(f"{path}: not valid JSON: {error}") from error
    return value


def _refuse_depth(value: Any, left: int) -> None:
    """Raise ValueError where lists and objects stand deeper in one another than can be written again."""
    if not left:
        raise ValueError("nested too deeply")
    inner = value.values() if isinstance(value, dict) else value
    for one in inner if isinstance(value, dict | list) else ():
        if isinstance(one, dict | list):
            _refuse_depth(one, left - 1)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number that can be kept")


def _finite(number: str) -> float:
    found = float(number)
    if math.isinf(found):
        raise ValueError(f"{number} is too large a number")
    return found


def _validated(path: Path, data: Any, kind: type[F], lines: Lines) -> F:
    if not isinstance(data, dict):
        raise CvitBenchError(f"{path}: expected keys and values, got {type(data).__name__}")
    version = data.get("schema_version", kind.SCHEMA)
    if version != kind.SCHEMA:
        raise CvitBenchError(
            f"{path}: schema_version: this is a file of version {version!r}; "
            f"this cvit-bench reads {kind.__name__} files of version {kind.SCHEMA}"
        )
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise CvitBenchError("\n".join(problems(path, error, kind, lines))) from error


def problems(path: Path | str, error: ValidationError, kind: type[BaseModel], lines: Lines) -> list[str]:
    """Turn pydantic's findings into lines `file:line: key: what is wrong`."""
    return [_problem(path, dict(found), kind, lines) for found in error.errors(include_url=False)]


def _problem(path: Path | str, found: Mapping[str, Any], kind: type[BaseModel], lines: Lines) -> str:
    place = tuple(found["loc"])
    key = ".".join(str(part) for part in place)
    line = _line(place, lines)
    where = f"{path}:{line}" if line else str(path)
    if found["type"] == "value_error":
        return ": ".join(filter(None, (where, key, str(found["ctx"]["error"]))))
    key = key or "(file)"
    if found["type"] == "extra_forbidden":
        return f"{where}: {key}: {unknown_name('key', str(place[-1]), _keys(kind, place[:-1]))}"
    if found["type"] == "missing":
        return f"{where}: {key}: this key is required"
    got = found.get("input")
    shown = f" (got {got!r})" if isinstance(got, str | int | float | bool) else ""
    return f"{where}: {key}: {found['msg']}{shown}"


def _line(place: tuple[str | int, ...], lines: Lines) -> int | None:
    for end in range(len(place), -1, -1):
        if place[:end] in lines:
            return lines[place[:end]]
    return None


def _keys(kind: type[BaseModel], place: tuple[str | int, ...]) -> list[str]:
    """Return the keys known at a place inside a record."""
    current: Any = kind
    for part in place:
        if isinstance(part, str) and part in getattr(current, "model_fields", {}):
            current = _inner_record(current.model_fields[part].annotation)
    return sorted(getattr(current, "model_fields", {}))


def _inner_record(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _inner_record(part)
        if found is not None:
            return found
    return None


class _PlainLoader(yaml.SafeLoader):
    """Yaml without aliases: a few of them can expand to gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed here", mark)
        return super().compose_node(parent, index)


def _parse_yaml(path: Path) -> tuple[Any, Lines]:
    return _parsed(path, read_text(path))


@lru_cache(maxsize=256)
def _parsed(path: Path, text: str) -> tuple[Any, Lines]:
    """Parse a file's text, once while it stays the same; what is returned is not to be changed."""
    try:
        node = yaml.compose(text, Loader=_PlainLoader)
        if node is None:
            raise CvitBenchError(f"{path}: the file is empty")
        lines: Lines = {(): node.start_mark.line + 1}
        return _plain(path, node, (), lines), lines
    except RecursionError as error:
        raise CvitBenchError(f"{path}: not valid yaml: nested too deeply") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise CvitBenchError(f"{path}{line}: not valid yaml: {getattr(error, 'problem', error)}") from error


def _plain(path: Path, node: yaml.Node, place: tuple[str | int, ...], lines: Lines) -> Any:
    """Turn a yaml node into plain values, noting the line of every key."""
    if isinstance(node, yaml.MappingNode):
        plain: dict[str, Any] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in plain:
                raise CvitBenchError(f"{path}:{line}: {name}: this key stands twice")
            lines[(*place, name)] = line
            plain[name] = _plain(path, value, (*place, name), lines)
        return plain
    if isinstance(node, yaml.SequenceNode):
        for at, item in enumerate(node.value):
            lines[(*place, at)] = item.start_mark.line + 1
        return [_plain(path, item, (*place, at), lines) for at, item in enumerate(node.value)]
    return _scalar(path, node)


def _scalar(path: Path, node: yaml.Node) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node)
    except (ValueError, LookupError, AttributeError) as error:
        line, kind = node.start_mark.line + 1, node.tag.rpartition(":")[2]
        raise CvitBenchError(f"{path}:{line}: not valid yaml: {node.value!r} is no {kind}") from error
    finally:
        loader.dispose()
