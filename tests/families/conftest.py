"""A suite of two small tasks whose pictures have all shapes, and a tiny base of every family."""

import io
import json
from pathlib import Path

import pytest
import yaml
from PIL import Image

from tests.families import tiny

SHAPES = ((24, 24), (40, 16), (16, 44), (33, 30), (20, 28))
ANSWERS = {"class_name": ("red", "green", "blue"), "short_answer": ("ice", "sun", "tea")}


def png(number: int) -> bytes:
    """Return a picture of noise; sizes take turns."""
    made = io.BytesIO()
    size = SHAPES[number % len(SHAPES)]
    noise = Image.effect_noise(size, 90)
    Image.merge("RGB", (noise, noise.rotate(90), noise.transpose(0))).save(made, "PNG")
    return made.getvalue()


@pytest.fixture(scope="session")
def pictures() -> list[bytes]:
    """A picture of every shape."""
    return [png(at) for at in range(len(SHAPES))]


@pytest.fixture(scope="session")
def families():
    """The builders of tiny models by family."""
    return tiny.FAMILIES


@pytest.fixture(scope="session")
def two_tasks(tmp_path_factory) -> Path:
    """The yaml of a suite of two tasks with five train and five test samples each."""
    root = tmp_path_factory.mktemp("two")
    for template, answers in ANSWERS.items():
        for split in ("train", "test"):
            _split(root / "data" / template, split, answers)
        _yaml(
            root / "tasks" / f"{template}s.yaml",
            name=f"{template}s", title=template, description="A small task.",
            answer_form=template, scorer="exact", template=template, reader="jsonl",
            splits={split: {"file": f"{template}/{split}.jsonl"} for split in ("train", "test")},
            classes=list(answers), form={"max_words": 1}, max_new_tokens=4, licence="CC0-1.0",
            citation="none",
        )  # fmt: skip
    return _yaml(
        root / "tasks" / "suites" / "two.yaml",
        name="two", version=1, title="Two", description="Two small tasks.",
        train=[f"{template}s" for template in ANSWERS], unseen=[], base="embedded:mini",
        training={"steps": 3, "batch_size": 3, "learning_rate": 0.003, "precision": "float32"},
        adapter={"rank": 8, "alpha": 16, "dropout": 0.0},
    )  # fmt: skip


def _split(folder: Path, split: str, answers: tuple[str, ...]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for at in range(len(SHAPES)):
        (folder / f"{split}-{at}.png").write_bytes(png(at))
        answer = answers[at % len(answers)]
        question = " ".join(["What is it?"] * (at % 3 + 1))
        rows.append(
            {"id": f"{split}-{at}", "image": f"{split}-{at}.png", "question": question, "answers": [answer]}
        )
    (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def _yaml(path: Path, **content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"schema_version": 1, **content}, sort_keys=False))
    return path


@pytest.fixture(scope="session")
def base_of(tmp_path_factory):
    """Return a function that builds the base folder of a family, once."""
    root = tmp_path_factory.mktemp("bases")

    def build(name: str) -> Path:
        return root / name if (root / name).exists() else tiny.save(name, root / name)

    return build
