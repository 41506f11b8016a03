"""Files of suites, tasks and runs that a benchmark makes up: folders as needed, nothing fsynced."""

import json
from collections.abc import Iterable
from pathlib import Path

import yaml


def write_lines(path: Path, rows: Iterable[object]) -> None:
    """Write rows as JSON lines, one at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def write_json(path: Path, **content: object) -> None:
    """Write a record of version 1 as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"schema_version": 1, **content}), encoding="utf-8")


def write_yaml(path: Path, **content: object) -> None:
    """Write a record of version 1 as yaml."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"schema_version": 1, **content}, sort_keys=False), encoding="utf-8")
