"""A disk that fills up during an evaluation: one message, nothing lost, and with room again it goes on."""

import json
import os
import shutil
import subprocess

import pytest

ROOM = 160


@pytest.fixture
def small_disk(tmp_path):
    """A disk of its own of so many kilobytes; skips where none can be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}k", "none", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this machine mounts no small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def answers(run_dir):
    """The answers that stand in whole lines, rankings left out."""
    found = {}
    for path in (run_dir / "predictions").rglob("*.jsonl"):
        for line in path.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                row = json.loads(line)
                found[path, row["id"]] = (row["key"], row["text"])
    return found


def test_a_full_disk_stops_cleanly_and_the_same_command_goes_on(toy, copy_toy, command, small_disk):
    calm = copy_toy("calm")
    run_dir = shutil.copytree(calm, small_disk / "calm")

    def evaluate(folder):
        words = ["--run-dir", folder, "--data-root", toy.data, "--batch-size", 1, "--variants", "all"]
        return subprocess.run(
            command("evaluate", *words), capture_output=True, text=True, check=False
        )  # fmt: skip

    done = evaluate(run_dir)
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    kept = answers(run_dir)
    assert kept
    assert not (run_dir / "results.json").exists()
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    assert evaluate(run_dir).returncode == 0
    assert kept.items() <= answers(run_dir).items()
    assert evaluate(calm).returncode == 0
    assert (run_dir / "results.json").read_bytes() == (calm / "results.json").read_bytes()


@pytest.fixture
def read_only(tmp_path):
    """Return a function that makes a folder read-only, root or not; skips where that cannot be done."""
    mounted = set()

    def close(folder):
        folder.chmod(0o555)
        if os.geteuid():
            return
        words = [["mount", "--bind", folder, folder], ["mount", "-o", "remount,bind,ro", folder]]
        for line in words:
            if subprocess.run(line, check=False, capture_output=True).returncode:
                pytest.skip("this machine makes no folder read-only")
            mounted.add(folder)

    yield close
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_read_only_folder_is_named(toy, inside, read_only):
    read_only(toy.run_dir)
    _, err = inside("evaluate", "--run-dir", toy.run_dir, "--data-root", toy.data, code=2)
    assert f"{toy.run_dir}/.lock: cannot be written (" in err
    inside("evaluate", "--run-dir", toy.run_dir, "--data-root", toy.data, "--plan")
