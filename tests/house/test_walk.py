"""A newcomer's walk: what CONTRIBUTING says is enough to add a task, a template, a method and a metric.

A copy of the checkout gets one file for each, as its table says, and nothing else is touched; then the new
method is trained on a suite of the new task, and the new metric stands in the report.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("cvit_bench/mini/data", "cvit_bench/mini/base", "cvit_bench/data/embeddings")


def wordings(letter: str, split: str, *texts: str) -> list[dict[str, str]]:
    rows = [(f"{letter}{at}", f"{{{{ question }}}}\n{text}") for at, text in enumerate(texts)]
    return [{"id": name, "split": split, "text": text} for name, text in rows]


TEMPLATE = {
    "schema_version": 1,
    "name": "garment_name",
    "answer_form": "class_name",
    "variants": [
        *wordings("v", "train", "Name it.", "Its name.", "The name only.", "A name, please.", "Say it."),
        *wordings("h", "heldout", "What name?", "Write down the name.", "Which name has it?"),
    ],
}
SUITE = {
    "schema_version": 1, "name": "mine", "version": 1, "title": "Mine", "description": "Two tasks.",
    "train": ["mini_garments", "my_garments"], "base": "embedded:mini",
    "training": {"steps": 2, "batch_size": 4, "learning_rate": 0.002},
    "adapter": {"rank": 4, "alpha": 8, "dropout": 0, "a_init": "kaiming"},
}  # fmt: skip
METHOD = {
    "schema_version": 1, "name": "my_lora", "title": "My LoRA", "description": "LoRA under another name.",
    "adapter": "lora", "schedule": "sequential",
}  # fmt: skip
METRIC = '''"""The lowest score after the last stage."""

from cvit_bench.records.matrix import Array, ScoreMatrix

LABEL = "Lowest"
DESCRIPTION = "The lowest score of a train task after the last stage."
FORMULA = "min of R[T, j] over train tasks j"
SOURCE = "this test"
HIGHER_IS_BETTER = True
MATRIX = "S"
ORDER = 99


def compute(matrix: ScoreMatrix) -> Array:
    """Return the lowest score in percent."""
    return matrix.row(matrix.last, matrix.train_tasks).min(axis=-1)
'''


@pytest.fixture
def checkout(tmp_path):
    """Copy the checkout; what is heavy is linked."""
    heavy = {str(ROOT / name) for name in HEAVY}

    def skipped(folder: str, names: list[str]) -> set[str]:
        return {name for name in names if name == "__pycache__" or str(Path(folder, name)) in heavy}

    for name in ("cvit_bench", "tasks", "instruction_templates"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=skipped)
    for name in HEAVY:
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


@pytest.fixture
def call(checkout):
    """Return a function that calls the command of the copy."""
    environment = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1", "COLUMNS": "200"}

    def run(*words: object) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "cvit_bench", *map(str, words)], cwd=checkout, env=environment,
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def as_yaml(path: Path, content: dict[str, object]) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False))


@pytest.mark.slow
def test_one_file_adds_one_thing(checkout, call):
    task = yaml.safe_load((checkout / "tasks" / "mini_garments.yaml").read_text())
    task |= {"name": "my_garments", "title": "Mine", "template": "garment_name"}
    as_yaml(checkout / "tasks" / "my_garments.yaml", task)
    as_yaml(checkout / "instruction_templates" / "garment_name.yaml", TEMPLATE)
    as_yaml(checkout / "tasks" / "suites" / "mine.yaml", SUITE)
    as_yaml(checkout / "cvit_bench" / "train" / "methods" / "my_lora.yaml", METHOD)
    (checkout / "cvit_bench" / "metrics" / "lowest.py").write_text(METRIC)

    for kind, name in (("tasks", "my_garments"), ("suites", "mine"), ("templates", "garment_name"),
                       ("methods", "my_lora"), ("metrics", "lowest")):  # fmt: skip
        assert name in call("list", kind)
    assert "0 findings" in call(
        "validate", "instruction_templates/garment_name.yaml", "tasks/suites/mine.yaml"
    )

    call("train", "--method", "my_lora", "--suite", "mine", "--limit", 8)
    call("evaluate", "--run-dir", "runs/my_lora", "--limit", 4)
    found = {
        one["id"]: one for one in json.loads((checkout / "runs/my_lora/results.json").read_text())["metrics"]
    }
    assert found["lowest"]["value"] is not None
    assert found["lowest"]["ci_low"] <= found["lowest"]["value"] <= found["lowest"]["ci_high"]
    call("report", "--run-dir", "runs/my_lora")
    assert "The lowest score of a train task" in (checkout / "runs/my_lora/report.html").read_text()
    call("leaderboard", "--add", "runs/my_lora", "--out", "leaderboards")
    assert (checkout / "leaderboards" / "mine" / "index.html").exists()
