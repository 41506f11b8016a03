"""The command as a user calls it: a process with an exit status, stdout and stderr."""

import os
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "cvit_bench"]
SETTINGS = {
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "COLUMNS": "200",
    "PYTHONWARNINGS": "error::ResourceWarning",
}


@pytest.fixture
def start(tmp_path):
    """Return a function that starts `cvit-bench WORDS` in an empty folder."""
    work = tmp_path / "work"
    work.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "CVIT_BENCH_DATA"}

    def begin(*words) -> subprocess.Popen:
        return subprocess.Popen(
            [*COMMAND, *map(str, words)],
            cwd=work,
            env={**environment, **SETTINGS},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return begin


@pytest.fixture
def call(start):
    """Return a function that calls `cvit-bench WORDS`: exit status, stdout and stderr; no trace allowed."""

    def run(*words, code: int = 0) -> tuple[str, str]:
        with start(*words) as process:
            out, err = process.communicate(timeout=60)
        assert process.returncode == code, err
        assert "Traceback" not in err
        return out, err

    return run


@pytest.fixture
def on_toy(toy):
    """The words that name the toy run and its data."""
    return ("--run-dir", toy.run_dir, "--data-root", toy.data)
