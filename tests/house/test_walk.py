"""A newcomer's walk: CONTRIBUTING's own steps add a task, a template, a suite, a method and a metric.

A copy of the checkout gets the files that stand in the text, and nothing else is touched; then the commands
of the text are called, up to the page of a leaderboard. Replaying is cut to a few samples (`LESS`).
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import png
from tests.house.documents import CONTRIBUTING, ROOT, commands_below, files_below

WALK = "A walk: one of each"
FILES = files_below(CONTRIBUTING, WALK)
HEAVY = ("cvit_bench/mini/data", "cvit_bench/mini/base", "cvit_bench/data/embeddings")
LESS = {"evaluate": ("--limit", "4")}


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


@pytest.fixture
def written(checkout):
    """Write the files of the text, and for every row that names a picture one of a colour of its own."""
    for name, text in FILES.items():
        path = checkout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        assert not path.exists(), f"{name} is there already"
        path.write_text(text)
    rows = [(name, line) for name in FILES if name.endswith(".jsonl") for line in FILES[name].splitlines()]
    for at, (name, line) in enumerate(rows):
        (checkout / name).with_name(json.loads(line)["image"]).write_bytes(png((60 * at, 120, 40)))
    return checkout


def test_the_text_has_one_file_for_each_thing():
    kinds = {str(Path(name).parent) for name in FILES}
    assert kinds == {
        "data/fruit", "tasks", "tasks/suites", "instruction_templates", "cvit_bench/train/methods",
        "cvit_bench/metrics",
    }  # fmt: skip


@pytest.mark.slow
def test_following_the_text_ends_on_a_leaderboard(written, call):
    for kind, name in (("tasks", "fruit"), ("suites", "market"), ("templates", "fruit_name"),
                       ("methods", "small_memory"), ("metrics", "lowest")):  # fmt: skip
        assert name in call("list", kind)
    said = {}
    for line in commands_below(CONTRIBUTING, WALK):
        program, verb, *words = line.split()
        assert program == "cvit-bench"
        said[verb] = call(verb, *words, *LESS.get(verb, ()))
    assert "0 findings" in said["validate"]
    found = json.loads((written / "runs/small_memory/results.json").read_text())
    assert found["suite"] == "market"
    lowest = next(one for one in found["metrics"] if one["id"] == "lowest")
    assert lowest["ci_low"] <= lowest["value"] <= lowest["ci_high"]
    assert "Lowest score of a train task" in (written / "runs/small_memory/report.html").read_text()
    assert "Small memory" in (written / "leaderboards/market/index.html").read_text()
    assert "market" in (written / "leaderboards/index.html").read_text()


@pytest.mark.proof
def test_contract_tests_cover_what_was_added(written):
    for name in ("tests", "README.md", "CONTRIBUTING.md", "pyproject.toml", "Makefile"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, written / name)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/contracts", "-p", "no:cacheprovider",
         "-k", "fruit or market or lowest or small_memory or resolves_on_every_suite"],
        cwd=written, env={**os.environ, "PYTHONPATH": str(written), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert int(done.stdout.rpartition(" passed")[0].split()[-1]) > 20
