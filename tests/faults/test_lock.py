"""Two runners on one run directory: the second says who is there; a dead one's lock is taken over."""

import os
import random
import signal
import subprocess
import time

from cvit_bench.records.lock import LOCK, at_work


def words(toy):
    return ["evaluate", "--run-dir", toy.run_dir, "--data-root", toy.data, "--batch-size", 1]


def slow_down(toy, delay):
    for stage in ("00-base", "01-fruit", "02-pick", "03-count"):
        toy.edit_script(stage, delay=delay)


def test_the_second_runner_says_who_is_there_and_changes_nothing(toy, command, bytes_under):
    slow_down(toy, 1.0)
    first = subprocess.Popen(command(*words(toy)), stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        deadline = time.monotonic() + 120
        while not bytes_under(toy.run_dir / "predictions"):
            assert time.monotonic() < deadline
            assert first.poll() is None
            time.sleep(0.02)
        second = subprocess.run(command(*words(toy)), capture_output=True, text=True, check=False)
        assert second.returncode == 2
        assert f"`evaluate` is at work here (process {first.pid} on" in second.stderr
        assert "Traceback" not in second.stderr
        assert first.poll() is None
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()


def test_training_waits_for_no_one_and_changes_nothing(tmp_path, inside):
    run_dir = tmp_path / "run"
    words = ["train", "--method", "lora", "--suite", "mini", "--run-dir", run_dir, "--limit", 1, "--fresh"]
    stage = run_dir / "stages" / "01-mini_geo" / "training.json"
    with at_work(run_dir, "train"):
        stage.parent.mkdir(parents=True)
        stage.write_text("{}")
        _, err = inside(*words, code=2)
    assert f"{run_dir}: `train` is at work here (process {os.getpid()} on" in err
    assert stage.read_text() == "{}"
    assert not (run_dir / "manifest.json").exists()


def test_the_lock_of_a_killed_runner_is_taken_over(toy, command, kill_midway, bytes_under):
    slow_down(toy, 0.06)
    kill_midway(words(toy), lambda: bytes_under(toy.run_dir / "predictions"), random.Random(5))
    assert "evaluate" in (toy.run_dir / LOCK).read_text()
    done = subprocess.run(command(*words(toy)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not (toy.run_dir / LOCK).read_text()
