"""Several processes write the bytes of one; one that dies ends the replay, and the next call goes on."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from cvit_bench.evaluate.processes import own_place
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.models.family import Placement


@pytest.fixture
def options(toy):
    return EvaluateOptions(batch_size=3, data_root=toy.data, variants=None)


def written(run_dir):
    found = {
        path.relative_to(run_dir): path.read_bytes() for path in (run_dir / "predictions").rglob("*.json*")
    }
    return {**found, "results": (run_dir / "results.json").read_bytes()}


def test_two_processes_write_the_bytes_of_one(toy, copy_toy, options):
    other = copy_toy("other")
    evaluate(toy.run_dir, options)
    evaluate(other, replace(options, processes=2))
    assert written(other) == written(toy.run_dir)


def test_a_process_that_is_killed_ends_the_replay_and_the_next_call_goes_on(toy, copy_toy, options):
    for stage in ("00-base", "01-fruit", "02-pick", "03-count"):
        toy.edit_script(stage, delay=0.1)
    other = copy_toy("other")
    words = ["evaluate", "--run-dir", other, "--data-root", toy.data, "--variants", "all", "--batch-size", 3]
    command = [sys.executable, "-m", "cvit_bench", *map(str, words), "--processes", "2"]
    parent = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 200
    while not list((other / "predictions").rglob("*.jsonl")):
        assert time.monotonic() < deadline
        assert parent.poll() is None
        time.sleep(0.02)
    os.kill(_children(parent.pid)[-1], signal.SIGKILL)
    said = parent.communicate(timeout=120)[1]
    assert parent.returncode == 2
    assert "ended (exit code -9)" in said
    assert "Traceback" not in said
    evaluate(other, options)
    evaluate(toy.run_dir, options)
    assert written(other)["results"] == written(toy.run_dir)["results"]


def _children(pid):
    """Return the workers of a process, but for the one that watches shared resources."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (folder / "cmdline").read_text()
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            if parent == str(pid) and "spawn_main" in words:
                found.append(int(folder.name))
    return found


def test_each_process_has_a_gpu_of_its_own():
    place = Placement(device="cuda")
    assert [own_place(place, at).device for at in range(2)] == ["cuda:0", "cuda:1"]
    assert own_place(Placement(), 1) == Placement()
