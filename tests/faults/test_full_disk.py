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
    subprocess.run(["umount", "--lazy", str(disk)], check=True)  # a table may still be mapped


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


def fill(disk):
    """Take all the room that is left; return the file to be removed."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"0" * 512):
                pass
        except OSError:
            return filler


def files(folder):
    """All files that a command wrote, with their bytes."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


MADE = {"score": ("scores", "items", "results.json"), "report": ("report.html",), "leaderboard": ("boards",)}


@pytest.mark.parametrize("verb", MADE)
def test_a_full_disk_leaves_nothing_half_written(toy, inside, small_disk, verb):
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    run_dir = shutil.copytree(toy.run_dir, small_disk / "scripted")
    inside("evaluate", "--run-dir", run_dir, "--data-root", toy.data)
    words = {
        "score": ["--run-dir", run_dir, "--data-root", toy.data],
        "report": ["--run-dir", run_dir],
        "leaderboard": ["--add", run_dir, "--out", run_dir / "boards"],
    }[verb]
    inside(verb, *words)
    calm = files(small_disk)
    for name in MADE[verb]:
        made = run_dir / name
        shutil.rmtree(made) if made.is_dir() else made.unlink()
    spared, filler = files(small_disk), fill(small_disk)
    _, err = inside(verb, *words, code=2)
    assert "No space left on device" in err
    filler.unlink()
    left = files(small_disk)
    assert spared.items() <= left.items()
    assert left.items() <= calm.items()
    inside(verb, *words)
    assert files(small_disk) == calm


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


@pytest.mark.parametrize("verb", ["evaluate", "score", "report", "leaderboard", "train"])
def test_a_read_only_folder_is_named(toy, inside, read_only, verb):
    inside("evaluate", "--run-dir", toy.run_dir, "--data-root", toy.data)
    for name in MADE.get(verb, ("results.json",)):
        made = toy.run_dir / name
        if made.exists():
            shutil.rmtree(made) if made.is_dir() else made.unlink()
    before = files(toy.run_dir)
    read_only(toy.run_dir)
    words = {
        "evaluate": ["--run-dir", toy.run_dir, "--data-root", toy.data],
        "score": ["--run-dir", toy.run_dir, "--data-root", toy.data],
        "report": ["--run-dir", toy.run_dir],
        "leaderboard": ["--add", toy.run_dir, "--out", toy.run_dir / "boards"],
        "train": ["--method", "lora", "--run-dir", toy.run_dir / "new"],
    }[verb]
    _, err = inside(verb, *words, code=2)
    assert "cannot be written (" in err
    assert str(toy.run_dir) in err
    assert files(toy.run_dir) == before
    if verb == "evaluate":
        inside("evaluate", "--run-dir", toy.run_dir, "--data-root", toy.data, "--plan")
