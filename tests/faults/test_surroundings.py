"""The same bytes in any locale and time zone, one message where the system allows too little."""

import os
import subprocess
import sys

import pytest

from tests.conftest import make_toy
from tests.faults.surroundings import SURROUNDINGS

LITTLE_MEMORY = """
import resource, sys
import pandas, pyarrow.parquet, scipy.stats, PIL.Image, jinja2
import cvit_bench.cli.evaluate, cvit_bench.evaluate.sequence
from cvit_bench.cli.main import run
pages = int(open("/proc/self/statm").read().split()[0])
most = pages * resource.getpagesize() + (64 << 20)
resource.setrlimit(resource.RLIMIT_AS, (most, most))
sys.argv = ["cvit-bench", *sys.argv[1:]]
run()
"""


@pytest.fixture(scope="module")
def evaluate(tmp_path_factory):
    """Return a function that evaluates a toy run whose answers hold more than ASCII."""
    toy = make_toy(tmp_path_factory.mktemp("surroundings") / "toy")
    toy.edit_script("01-fruit", answers={"fruit/fruit-test-0": "ÄPPLE \u0130 \u2013 \u82f9\u679c"})
    toy.edit("tasks/fruit.yaml", title="Früchte \u2013 \u679c")
    results = toy.run_dir / "results.json"

    def run(variables=(), limit=None):
        results.unlink(missing_ok=True)
        for path in toy.run_dir.glob("predictions/*/*/*"):
            path.unlink()
        words = ["evaluate", "--run-dir", toy.run_dir, "--data-root", toy.data, "--cells", "lower"]
        done = subprocess.run(
            [sys.executable, "-m", "cvit_bench", *map(str, words)],
            env={**os.environ, **dict(variables)}, preexec_fn=limit, capture_output=True, check=False,
        )  # fmt: skip
        return done, results.read_bytes() if results.exists() else None

    return run


@pytest.fixture(scope="module")
def usual(evaluate):
    """What an evaluation in the usual surroundings writes."""
    done, written = evaluate()
    assert done.returncode == 0, done.stderr.decode()
    return written


@pytest.mark.parametrize("one", SURROUNDINGS, ids=lambda one: one.kind)
def test_the_same_bytes_or_one_message(evaluate, usual, one):
    done, written = evaluate(one.variables, one.limit)
    said = done.stderr.decode(errors="replace")
    assert done.returncode == one.code, said
    assert one.says in said
    assert "Traceback" not in said
    assert written == (usual if one.whole or not one.code else None)


def test_a_file_that_the_memory_cannot_hold_gets_one_message(tmp_path):
    toy = make_toy(tmp_path / "toy")
    with (toy.data / "fruit" / "test.jsonl").open("r+b") as stream:
        stream.truncate(300 << 20)
    words = ["evaluate", "--run-dir", str(toy.run_dir), "--data-root", str(toy.data)]
    done = subprocess.run(
        [sys.executable, "-c", LITTLE_MEMORY, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "cvit-bench: out of memory; what is finished stays, and the same command goes on\n"
