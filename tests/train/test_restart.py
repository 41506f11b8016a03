"""Training that is killed for real, again and again, ends with the bytes of an undisturbed run."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cvit_bench.cli.train import run_training
from cvit_bench.errors import CvitBenchError

pytestmark = pytest.mark.slow
ALL_HOOKS = ("replay", "ewc", "lwf")
RUNS = {"branchlora": (), "lora": ALL_HOOKS}
FEWER = ("hooks.ewc.num_samples=4",)


def train(method: str, suite: str, run_dir: Path, *more: str) -> Path:
    overrides = [*more, *(FEWER if RUNS.get(method) else ())]
    hooks = RUNS.get(method, ())
    run_training(method, suite, run_dir, overrides=overrides, hooks=hooks, limit=12, device="cpu")
    return run_dir


@pytest.fixture(scope="module", params=sorted(RUNS))
def method(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def undisturbed(method, pair, tmp_path_factory) -> Path:
    return train(method, pair, tmp_path_factory.mktemp("runs") / "run")


def command(method: str, suite: str, run_dir: Path) -> list[str]:
    words = [sys.executable, "-m", "cvit_bench", "train", "--method", method, "--suite", suite]
    words += ["--run-dir", str(run_dir), "--limit", "12", "--device", "cpu"]
    for name in RUNS[method]:
        words += ["--hook", name]
    for word in FEWER if RUNS[method] else ():
        words += ["--set", word]
    return words


def kill_when(path: Path, words: list[str]) -> None:
    """Run a command and kill it as soon as a file exists."""
    with subprocess.Popen(
        words, env={**os.environ, "OMP_NUM_THREADS": "1"}, stderr=subprocess.PIPE
    ) as process:
        deadline = time.monotonic() + 240
        while not path.exists():
            assert process.poll() is None, process.stderr.read().decode()
            assert time.monotonic() < deadline
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)


def bytes_of(run_dir: Path) -> dict[str, bytes]:
    """Everything that later stages and evaluation read."""
    names = ("*.safetensors", "adapter_config.json", "routing.json", "training.json")
    paths = [path for name in names for path in run_dir.glob(f"stages/[0-9f]*/{name}")]
    return {str(path.relative_to(run_dir)): path.read_bytes() for path in paths}


def test_a_run_killed_inside_three_stages_ends_with_the_same_bytes(method, pair, undisturbed, tmp_path):
    run_dir = tmp_path / "run"
    words = command(method, pair, run_dir)
    stages = run_dir / "stages"
    kill_when(stages / ".01-mini_geo.steps" / "000002-0", words)
    kill_when(stages / ".02-mini_read.steps" / "000004-0", words)
    kill_when(stages / ".few-mini_places-01.steps" / "000002-0", words)
    done = subprocess.run(words, capture_output=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert b"few-mini_places-01: goes on from step" in done.stderr
    assert bytes_of(run_dir) == bytes_of(undisturbed)
    assert not list(stages.glob(".*"))


def interrupted(method: str, suite: str, run_dir: Path) -> Path:
    """A run killed in its first stage after two stops; returns the folder of the stops."""
    stops = run_dir / "stages" / ".01-mini_geo.steps"
    kill_when(stops / "000004-0", command(method, suite, run_dir))
    return stops


def test_a_damaged_save_is_passed_over(pair, tmp_path, capsys, undisturbed, method):
    stops = interrupted(method, pair, tmp_path / "run")
    state = stops / "000004-0" / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-40])
    train(method, pair, tmp_path / "run")
    said = capsys.readouterr().err
    assert "000004-0: is damaged (its tensors differ from their hash): passed over" in said
    assert "01-mini_geo: goes on from step 2" in said
    assert bytes_of(tmp_path / "run") == bytes_of(undisturbed)


def test_a_save_of_other_settings_is_passed_over(pair, tmp_path, capsys):
    interrupted("lora", pair, tmp_path / "run")
    train("lora", pair, tmp_path / "run", "training.learning_rate=0.001")
    said = capsys.readouterr().err
    assert "is of other settings, data or number of processes: passed over" in said
    assert "goes on" not in said


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs to mount a small disk")
def test_a_full_disk_loses_the_steps_since_the_last_save_and_says_so(pair, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1500k", "none", str(disk)], check=False)
    if mounted.returncode:
        pytest.skip("this machine mounts no small disk")
    try:
        with pytest.raises(CvitBenchError) as caught:
            train("smolora", pair, disk / "run")
        assert "No space left on device" in str(caught.value)
        assert "the same command goes on from step" in str(caught.value)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_damaged_finished_stage_is_named(pair, tmp_path):
    run_dir = train("lora", pair, tmp_path / "run")
    path = run_dir / "stages" / "01-mini_geo" / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(CvitBenchError, match=r"01-mini_geo: its adapter is damaged \(the hash differs"):
        train("lora", pair, run_dir)
