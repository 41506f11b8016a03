"""A toy suite and a scripted run with known forgetting, as real files in a temporary folder.

Three train tasks and an unseen one, four samples each. RIGHT says how many of the four answers are right
at each stage, BROKEN how many of the wrong ones also break the form asked for.
"""

import json
import os
import shutil
import signal
import sys
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
import yaml
from hypothesis import settings
from PIL import Image

from cvit_bench import progress
from cvit_bench.cli import main

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

STAGES = ("00-base", "01-fruit", "02-pick", "03-count")
TASKS = ("fruit", "pick", "count", "yesno")
RIGHT = {
    "00-base": (1, 0, 0, 2),
    "01-fruit": (4, 1, 0, 2),
    "02-pick": (2, 4, 1, 1),
    "03-count": (1, 3, 4, 0),
}
BROKEN = {
    "00-base": (1, 4, 2, 0),
    "01-fruit": (0, 1, 4, 0),
    "02-pick": (1, 0, 1, 1),
    "03-count": (3, 1, 0, 2),
}
FORMS = {"fruit": "class_name", "pick": "option_letter", "count": "number", "yesno": "yes_no"}
SCORERS = {name: name for name in ("option_letter", "number", "yes_no")}
ANSWERS = {
    "fruit": ("apple", "pear", "plum", "fig"),
    "pick": ("A", "B", "A", "B"),
    "count": ("1", "2", "3", "4"),
    "yesno": ("yes", "no", "yes", "no"),
}
NUM_SAMPLES = 4

LONGEST = ("train", "benchmarks", "evaluate", "faults", "cli", "packaging", "house", "report")
"""Folders whose files take minutes; with them first, no process is left alone with one of them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first."""
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.parent.name, len(order)))


@dataclass(frozen=True)
class Toy:
    """Where the toy suite and its run lie."""

    root: Path

    @property
    def suite(self) -> str:
        return str(self.root / "tasks" / "suites" / "toy.yaml")

    @property
    def run_dir(self) -> Path:
        return self.root / "runs" / "scripted"

    @property
    def data(self) -> Path:
        return self.root / "data"

    def edit(self, file: str, **changes: object) -> Path:
        """Change top-level keys of a yaml file."""
        path = self.root / file
        content = yaml.safe_load(path.read_text())
        content.update(changes)
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path

    def script(self, stage: str) -> Path:
        """Return the script of a stage."""
        return (
            self.root / "base" / "scripted.json"
            if stage == STAGES[0]
            else self.run_dir / stage / "scripted.json"
        )

    def edit_script(self, stage: str, **changes: object) -> None:
        """Change keys of a stage's script."""
        path = self.script(stage)
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.fixture(autouse=True)
def heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test silence those after it, as a worker of a replay does with its process."""
    monkeypatch.setattr(progress, "_silent", False)
    monkeypatch.setattr(progress, "_lines_only", False)


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    """Write the toy suite, its data, a scripted base and a run of three scripted stages."""
    return make_toy(tmp_path / "toy")


def make_toy(root: Path) -> Toy:
    """Write the toy suite and its run below a folder."""
    found = Toy(root)
    for number, task in enumerate(TASKS):
        _write_task(found.root, task, number)
    _write_suite(found.root)
    for stage in STAGES:
        _write_script(found, stage)
    _write_manifest(found)
    return found


def _write_task(root: Path, task: str, number: int) -> None:
    form = FORMS[task]
    _yaml(
        root / "tasks" / f"{task}.yaml",
        name=task,
        title=task.title(),
        description=f"A toy task about {task}.",
        answer_form=form,
        scorer=SCORERS.get(form, "exact"),
        template=task,
        reader="jsonl",
        splits={split: {"file": f"{task}/{split}.jsonl"} for split in ("train", "test")},
        **({"classes": list(ANSWERS[task])} if form == "class_name" else {}),
        form={"letters": "AB"} if form == "option_letter" else {"max_words": 2},
        max_new_tokens=4,
        licence="CC0-1.0",
        citation="none",
    )
    _yaml(
        root / "instruction_templates" / f"{task}.yaml",
        name=task,
        answer_form=form,
        variants=[
            {"id": "v0", "split": "train", "text": "{{ question }}\nAnswer shortly."},
            {"id": "v1", "split": "train", "text": "Say only the answer. {{ question }}"},
            {"id": "h0", "split": "heldout", "text": "{{ question }} (briefly)"},
        ],
    )
    for at, split in enumerate(("train", "test")):
        _write_split(root / "data" / task, task, split, 60 * number + 10 * at)


def _write_split(folder: Path, task: str, split: str, first: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for at, answer in enumerate(ANSWERS[task]):
        image = f"{split}-{at}.png"
        (folder / image).write_bytes(png((first + at, 50, 200)))
        row = {
            "id": f"{task}-{split}-{at}",
            "image": image,
            "question": f"What is it, {task} {at}?",
            "answers": [answer],
        }
        rows.append({**row, "choices": ["left", "right"]} if task == "pick" else row)
    (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def png(colour: tuple[int, int, int], size: int = 8) -> bytes:
    """Return a one-coloured PNG."""
    stream = BytesIO()
    Image.new("RGB", (size, size), colour).save(stream, "PNG")
    return stream.getvalue()


def _write_suite(root: Path) -> None:
    _yaml(
        root / "tasks" / "suites" / "toy.yaml",
        name="toy",
        version=1,
        title="Toy",
        description="Three toy tasks and an unseen one.",
        train=list(TASKS[:3]),
        unseen=[TASKS[3]],
        base=str(root / "base"),
    )


def _write_script(toy: Toy, stage: str) -> None:
    answers = {}
    for task, right, broken in zip(TASKS, RIGHT[stage], BROKEN[stage], strict=True):
        for at, answer in enumerate(ANSWERS[task]):
            answers[f"{task}/{task}-test-{at}"] = _said(task, answer, at, right, broken)
    path = toy.script(stage)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"schema_version": 1, "answers": answers}))


def _said(task: str, answer: str, at: int, right: int, broken: int) -> str:
    if at < right:
        return answer
    if at >= NUM_SAMPLES - broken:
        return "I would rather not say"
    return {"fruit": "melon", "pick": "B" if answer == "A" else "A", "count": "9"}.get(
        task, "no" if answer == "yes" else "yes"
    )


def _write_manifest(toy: Toy) -> None:
    stages = [
        {"name": stage, "tasks": [task], "checkpoint": stage}
        for stage, task in zip(STAGES[1:], TASKS[:3], strict=True)
    ]
    manifest = {
        "schema_version": 1,
        "run": "scripted",
        "suite": toy.suite,
        "method": "scripted",
        "title": "Scripted",
        "base": {"path": str(toy.root / "base")},
        "stages": stages,
    }
    toy.run_dir.mkdir(parents=True, exist_ok=True)
    (toy.run_dir / "manifest.json").write_text(json.dumps(manifest))


def _yaml(path: Path, **content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"schema_version": 1, **content}, sort_keys=False))


@pytest.fixture
def copy_toy(toy: Toy, tmp_path: Path):
    """Return a function that copies the toy run to another name beside it."""

    def copy(name: str) -> Path:
        target = toy.run_dir.parent / name
        shutil.copytree(toy.run_dir, target)
        return target

    return copy


PAIR = """schema_version: 1
name: pair
version: 1
title: Pair
description: Two stages of the embedded suite, and a few samples of an unseen task.
train: [mini_geo, mini_read]
unseen: [mini_places]
few_shot: {mini_places: [1]}
base: embedded:mini
training: {steps: 6, batch_size: 4, learning_rate: 0.002, save_steps: 2, precision: float32}
adapter: {rank: 16, alpha: 32, dropout: 0.1, a_init: kaiming}
"""


TRIPLE = PAIR.replace("pair", "triple").replace("[mini_geo, mini_read]", "[mini_geo, mini_read, mini_shapes]")


@pytest.fixture(scope="session")
def pair(tmp_path_factory) -> str:
    """The path of the yaml of a suite of two stages, so that training end to end stays short."""
    return _suite_file(tmp_path_factory.mktemp("pair"), "pair", PAIR)


@pytest.fixture(scope="session")
def triple(tmp_path_factory) -> str:
    """The path of the yaml of a suite of three stages."""
    return _suite_file(tmp_path_factory.mktemp("triple"), "triple", TRIPLE)


def _suite_file(folder: Path, name: str, text: str) -> str:
    path = folder / "tasks" / "suites" / f"{name}.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.fixture
def inside(tmp_path, monkeypatch, capsys):
    """Return the like of `call` without a process of its own; an error that escapes fails the test."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CVIT_BENCH_DATA", raising=False)

    def run(*words, code: int = 0) -> tuple[str, str]:
        monkeypatch.setattr(sys, "argv", ["cvit-bench", *map(str, words)])
        with pytest.raises(SystemExit) as caught:
            main.run()
        found = capsys.readouterr()
        assert (caught.value.code or 0) == code, found.err
        return found.out, found.err

    yield run
    for number, answer in before.items():
        signal.signal(number, answer)
