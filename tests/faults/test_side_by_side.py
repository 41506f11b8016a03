"""Processes side by side end with the one that began them, however that ends."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

PARENT = """
import signal
import time
from cvit_bench.side_by_side import processes

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    with processes(2) as pool:
        for _ in range(2):
            pool.submit(time.sleep, 600)
        print("begun", flush=True)
        time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_parent(number, tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    words = [sys.executable, str(script)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        assert parent.stdout.readline() == b"begun\n"
        wait_until(lambda: len(workers(parent.pid)) == 2)
        begun = workers(parent.pid)
        time.sleep(0.5)
        parent.send_signal(number)
        try:
            assert parent.wait(60) != 0
        finally:
            parent.kill()
    wait_until(lambda: not any(is_alive(pid) for pid in begun))


def wait_until(ready, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def workers(pid: int) -> list[int]:
    """Return the processes that a process has spawned, but for the one that watches shared resources."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            if parent == str(pid) and "spawn_main" in (folder / "cmdline").read_text():
                found.append(int(folder.name))
    return found


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
