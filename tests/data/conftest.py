"""Pictures in many formats, and annotation files made from rows."""

import json
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from cvit_bench.records.sample import Sample
from cvit_bench.records.task import Task


@pytest.fixture
def encoded():
    """Return a function that encodes an image."""

    def encode(image: Image.Image, kind: str = "PNG", **options) -> bytes:
        stream = BytesIO()
        image.save(stream, kind, **options)
        return stream.getvalue()

    return encode


@pytest.fixture
def row():
    """Return a function that makes the row of a sample, some fields changed or (None) left out."""

    def make(name: str = "a", **changes) -> dict:
        fields = {"id": name, "question": "What is it?", "answers": ["cat"], **changes}
        return {key: value for key, value in fields.items() if value is not None}

    return make


@pytest.fixture
def jsonl(tmp_path: Path):
    """Return a function that writes rows (or raw lines) as a JSONL file and returns its path."""

    def write(*rows: dict | bytes, name: str = "test.jsonl") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        return path

    return write


@pytest.fixture
def task():
    """Return a function that makes a task on `test.jsonl`, some keys changed."""

    def make(test: dict | None = None, **changes) -> Task:
        fields = {
            "name": "pets",
            "title": "Pets",
            "description": "d",
            "answer_form": "short_answer",
            "scorer": "exact",
            "template": "pets",
            "reader": "jsonl",
            "splits": {"test": {"file": "test.jsonl", **(test or {})}},
            "licence": "CC0-1.0",
            "citation": "none",
        }
        return Task.model_validate({**fields, **changes})

    return make


@pytest.fixture
def sample():
    """A sample with choices."""
    return Sample("a", "What is it?", ("cat",), ("cat", "dog"))
