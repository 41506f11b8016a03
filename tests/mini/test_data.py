"""The embedded data is what its task files say it is."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from PIL import Image

ROOT = Path(__file__).parents[2]
DATA = ROOT / "cvit_bench" / "mini" / "data"
COLUMNS = ["id", "image", "question", "choices", "answers"]
SUITE = yaml.safe_load((ROOT / "tasks" / "suites" / "mini.yaml").read_text())
TASKS = [*SUITE["train"], *SUITE["unseen"]]
FILES = [(name, split) for name in TASKS for split in ("train", "test")]


def task(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "tasks" / f"{name}.yaml").read_text()))


def frame(name: str, split: str) -> pd.DataFrame:
    return pd.read_parquet(DATA / task(name)["splits"][split]["file"])


@pytest.mark.parametrize(("name", "split"), FILES)
def test_file_matches_the_task(name: str, split: str) -> None:
    said = task(name)["splits"][split]
    rows = frame(name, split)
    assert list(rows.columns) == COLUMNS
    assert len(rows) == said["count"]
    assert hashlib.sha256((DATA / said["file"]).read_bytes()).hexdigest() == said["sha256"]
    assert said["sha256"] in (DATA / name / "card.md").read_text()


@pytest.mark.parametrize(("name", "split"), FILES)
def test_rows_are_complete(name: str, split: str) -> None:
    rows = frame(name, split)
    assert rows["question"].str.len().min() > 0
    assert rows["answers"].map(len).min() >= (3 if task(name)["scorer"] == "cider" else 1)
    sizes = {Image.open(io.BytesIO(data)).size for data in rows["image"]}
    modes = {Image.open(io.BytesIO(data)).mode for data in rows["image"]}
    assert (sizes, modes) == ({(64, 64)}, {"RGB"})


@pytest.mark.parametrize(("name", "split"), FILES)
def test_answers_are_in_the_closed_set_and_balanced(name: str, split: str) -> None:
    answers = frame(name, split)["answers"].map(lambda references: references[0])
    classes = task(name).get("classes")
    assert classes is None or set(answers) == set(classes)
    assert answers.value_counts(normalize=True).iloc[0] < 0.3


def test_letters_point_at_their_options() -> None:
    for split in ("train", "test"):
        for row in frame("mini_choice", split).itertuples():
            assert "ABCD".index(row.answers[0]) < len(row.choices)


def test_no_picture_and_no_id_is_shared() -> None:
    frames = [frame(*file) for file in FILES]
    ids = pd.concat([rows["id"] for rows in frames])
    assert ids.is_unique
    pictures = [set(rows["image"]) for rows in frames]
    assert len(set().union(*pictures)) == sum(len(held) for held in pictures) == len(ids)
