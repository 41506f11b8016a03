"""Rules of the house that a reader relies on."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "cvit_bench"
BANNED = {
    "scenario",
    "experience",
    "stream",
    "manager",
    "handler",
    "helper",
    "util",
    "utils",
    "common",
    "misc",
}
HEAVY = ("torch", "transformers", "peft", "datasets", "sklearn")

PROBE = """
import sys
sys.argv = ["cvit-bench", *{words!r}]
from cvit_bench.cli.main import run
try:
    run()
except SystemExit as end:
    assert not end.code, end.code
print("LOADED", *[name for name in {heavy!r} if name in sys.modules])
"""


def loaded_by(*words: object, cwd: Path = ROOT) -> list[str]:
    """Return which heavy packages a command has loaded when it ends."""
    code = PROBE.format(words=[str(word) for word in words], heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()[1:]


@pytest.mark.parametrize(
    "words",
    [["--help"], ["train", "--help"], ["evaluate", "--help"], ["list", "metrics"], ["list", "families"]],
    ids=" ".join,
)
def test_verbs_that_need_no_model_load_no_torch(words):
    assert loaded_by(*words) == []


def test_help_loads_neither_numpy_nor_pandas():
    code = PROBE.format(words=["--help"], heavy=("numpy", "pandas", "pyarrow", "altair"))
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED"


def test_score_report_and_an_unchanged_evaluate_load_no_torch(toy):
    places = ("--run-dir", toy.run_dir, "--data-root", toy.data)
    loaded_by("evaluate", *places)
    assert loaded_by("evaluate", *places) == []
    assert loaded_by("score", *places) == []
    assert loaded_by("report", "--run-dir", toy.run_dir) == []
    assert loaded_by("compare", toy.run_dir, toy.run_dir) == []


def test_layers_are_kept():
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(program), "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_file_has_a_grab_bag_name():
    found = [path for path in PACKAGE.rglob("*.py") if BANNED & set(re.split(r"[^a-z]+", path.stem.lower()))]
    assert found == []


def test_importing_the_package_does_nothing():
    code = "import cvit_bench, sys; print(sorted({'torch', 'numpy', 'pydantic'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_code_sets_environment_variables():
    setters = re.compile(r"os\.environ\[[^\]]+\]\s*=|os\.environ\.(setdefault|update)|os\.putenv")
    assert [path for path in PACKAGE.rglob("*.py") if setters.search(path.read_text())] == []
