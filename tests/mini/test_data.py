"""The embedded data is what its task files say it is."""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from PIL import Image

from cvit_bench.mini.build import PLANS

ROOT = Path(__file__).parents[2]
DATA = ROOT / "cvit_bench" / "mini" / "data"
COLUMNS = ["id", "image", "question", "choices", "answers"]
TASKS = sorted(path.stem for path in (ROOT / "tasks").glob("mini_*.yaml"))
FILES = [(name, split) for name in TASKS for split in ("train", "test")]


def task(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "tasks" / f"{name}.yaml").read_text()))


def frame(name: str, split: str) -> pd.DataFrame:
    return pd.read_parquet(DATA / task(name)["splits"][split]["file"])


def test_every_task_has_a_plan_and_a_folder() -> None:
    assert len(TASKS) == 11
    assert set(TASKS) == set(PLANS) == {path.name for path in DATA.iterdir() if path.is_dir()}


def test_the_data_stays_small() -> None:
    assert sum(path.stat().st_size for path in DATA.rglob("*") if path.is_file()) < 25e6


@pytest.mark.parametrize(("name", "split"), FILES)
def test_file_matches_the_task(name: str, split: str) -> None:
    said = task(name)["splits"][split]
    rows = frame(name, split)
    assert list(rows.columns) == COLUMNS
    assert len(rows) == said["count"]
    assert hashlib.sha256((DATA / said["file"]).read_bytes()).hexdigest() == said["sha256"]
    assert len(rows) == {"train": PLANS[name].train, "test": PLANS[name].test}[split]
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


@pytest.mark.parametrize("split", ["train", "test"])
def test_no_answer_about_a_scene_is_common(split: str) -> None:
    answers = frame("mini_scene", split)["answers"].map(lambda references: references[0])
    assert answers.value_counts(normalize=True).iloc[0] <= 0.2
    assert answers.str.split().map(len).max() <= 2


@pytest.mark.parametrize(("name", "most"), [("mini_geo", 1.25), ("mini_read", 1.25), ("mini_places", 1.1)])
def test_a_closed_set_is_evenly_used(name: str, most: float) -> None:
    for split in ("train", "test"):
        counts = frame(name, split)["answers"].map(lambda references: references[0]).value_counts()
        assert counts.max() <= most * counts.min()


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_fifth_of_the_spoilt_pictures_is_unanswerable(split: str) -> None:
    answers = frame("mini_blur", split)["answers"].map(lambda references: references[0])
    shares = answers.value_counts(normalize=True)
    assert shares["unanswerable"] == pytest.approx(0.2)
    assert shares.drop("unanswerable").max() < 0.05


@pytest.mark.parametrize("split", ["train", "test"])
def test_boxes_lie_in_the_picture(split: str) -> None:
    for answers in frame("mini_ground", split)["answers"]:
        (answer,) = answers
        edges = re.fullmatch(r"\[(\d\.\d\d), (\d\.\d\d), (\d\.\d\d), (\d\.\d\d)\]", answer)
        assert edges, answer
        left, top, right, bottom = map(float, edges.groups())
        assert 0 <= left < right <= 1, answer
        assert 0 <= top < bottom <= 1, answer


@pytest.mark.parametrize("name", ["mini_geo"])
def test_letters_point_at_their_options(name: str) -> None:
    for split in ("train", "test"):
        for row in frame(name, split).itertuples():
            assert "ABCD".index(row.answers[0]) < len(row.choices)


def test_no_picture_and_no_id_is_shared() -> None:
    frames = [frame(*file) for file in FILES]
    ids = pd.concat([rows["id"] for rows in frames])
    assert ids.is_unique
    pictures = [set(rows["image"]) for rows in frames]
    assert len(set().union(*pictures)) == sum(len(held) for held in pictures) == len(ids)
