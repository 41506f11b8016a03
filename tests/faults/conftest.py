"""Real processes that are really killed."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.fixture
def command():
    """Return a function that makes a `cvit-bench` command line for subprocess."""
    return lambda *words: [sys.executable, "-m", "cvit_bench", *map(str, words)]


@pytest.fixture
def kill_midway(command):
    """Return a function that starts a command and kills it, with all its children, while it is at work.

    Work is seen by a file that grows: `watched` gives its size. The kill comes at a random moment after the
    size has changed once more, so that something is done and something is left.
    """

    def kill(words: list[object], watched, generator: random.Random) -> None:
        process = subprocess.Popen(
            command(*words), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )
        began = watched()
        _wait(lambda: watched() > began or process.poll() is not None)
        time.sleep(generator.uniform(0, 0.2))
        assert process.poll() is None, f"ended before it could be killed: {process.stderr.read().decode()}"
        os.killpg(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        process.stderr.close()

    return kill


def _wait(ready, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.01)


@pytest.fixture
def bytes_under():
    """Return a function that counts the bytes of all files below a folder."""

    def count(folder: Path) -> int:
        return sum(path.stat().st_size for path in folder.rglob("*.jsonl")) if folder.exists() else 0

    return count
