"""Files to be read, written where a test can break them."""

from pathlib import Path

import pytest

TASK = """\
schema_version: 1
name: fruit
title: Fruit
description: A toy task.
answer_form: class_name
scorer: exact
template: fruit
reader: jsonl
splits:
  train: {file: fruit/train.jsonl}
  test:
    file: fruit/test.jsonl
    count: 4
classes: [apple, pear]
form: {max_words: 1}
licence: CC0-1.0
citation: none
"""


@pytest.fixture
def task_text() -> str:
    """A sound task file."""
    return TASK


@pytest.fixture
def write(tmp_path: Path):
    """Return a function that writes text or bytes to a file and returns its path."""

    def write_file(content: str | bytes, name: str = "fruit.yaml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return path

    return write_file
