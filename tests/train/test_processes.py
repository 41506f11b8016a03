"""Two processes on the same batches learn what one learns; sums over samples are sums over both."""

import contextlib
import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from cvit_bench.cli.train import run_training
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.load import load_json
from cvit_bench.train.processes import Processes
from cvit_bench.train.stage_files import StageTraining

RUNS: dict[str, tuple[list[str], list[str]]] = {
    "branchlora": (["adapter.dropout=0"], []),
    "smolora": (["adapter.dropout=0", "training.micro_batch=1"], []),
    "lora": (["adapter.dropout=0", "hooks.ewc.num_samples=4"], ["ewc", "lwf", "replay"]),
}
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def launch(method: str, suite: str, run_dir: Path, *more: str) -> list[str]:
    """The command that trains in two processes, which talk over gloo."""
    overrides, hooks = RUNS[method]
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    words += ["-m", "cvit_bench", "train", "--method", method, "--suite", suite, "--run-dir", str(run_dir)]
    words += ["--limit", "12", "--device", "cpu", *more]
    words += [word for override in overrides for word in ("--set", override)]
    return words + [word for hook in hooks for word in ("--hook", hook)]


def kill_all_that_name(folder: Path) -> None:
    """Kill the launcher and its workers, which live in sessions of their own."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str(folder) in (entry / "cmdline").read_text():
                os.kill(int(entry.name), signal.SIGKILL)


def torchrun(words: list[str]) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(words, capture_output=True, text=True, env=ENVIRONMENT, check=False, timeout=400)


@pytest.fixture(scope="module")
def alone(pair, tmp_path_factory):
    """The run of a method in one process, made once."""

    @functools.cache
    def make(method: str) -> Path:
        overrides, hooks = RUNS[method]
        run_dir = tmp_path_factory.mktemp(method) / "run"
        run_training(method, pair, run_dir, overrides=overrides, hooks=hooks, limit=12, device="cpu")
        return run_dir

    return make


@pytest.fixture(scope="module")
def shared(pair, tmp_path_factory):
    """The run of a method in two processes, made once."""

    @functools.cache
    def make(method: str) -> Path:
        run_dir = tmp_path_factory.mktemp(method) / "run"
        done = torchrun(launch(method, pair, run_dir))
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("manifest.json") == 1
        return run_dir

    return make


@pytest.mark.slow
@pytest.mark.parametrize("method", ["branchlora", "lora", pytest.param("smolora", marks=pytest.mark.proof)])
def test_two_processes_learn_what_one_learns(method, alone, shared):
    assert_same_stages(alone(method), shared(method))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
def test_two_killed_processes_end_with_the_bytes_of_two_undisturbed_ones(shared, pair, tmp_path):
    run_dir = tmp_path / "run"
    words = launch("branchlora", pair, run_dir)
    saved = [run_dir / "stages" / ".02-mini_read.steps" / f"000002-{rank}" for rank in (0, 1)]
    with subprocess.Popen(words, env=ENVIRONMENT, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 300
        while not all(path.exists() for path in saved):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.002)
        kill_all_that_name(run_dir)
    done = torchrun(words)
    assert "02-mini_read: goes on from step" in done.stderr
    for path in shared("branchlora").glob("stages/*/adapter_model.safetensors"):
        again = run_dir / "stages" / path.parent.name / path.name
        assert again.read_bytes() == path.read_bytes(), path.parent.name


def assert_same_stages(one: Path, two: Path) -> None:
    """Losses and tensors of two runs are equal up to the order of sums."""
    for stage in sorted(path.name for path in (one / "stages").iterdir()):
        losses = [
            load_json(run / "stages" / stage / "training.json", StageTraining).losses for run in (one, two)
        ]
        assert losses[1] == pytest.approx(losses[0], rel=2e-3, abs=2e-4)
        for file in (one / "stages" / stage).glob("*.safetensors"):
            alone, shared = load_file(file), load_file(two / "stages" / stage / file.name)
            assert alone.keys() == shared.keys()
            for name, values in alone.items():
                if values.is_floating_point():
                    torch.testing.assert_close(shared[name], values, rtol=2e-2, atol=2e-3, msg=name)
                else:
                    assert torch.equal(shared[name], values), name


@pytest.mark.slow
def test_a_base_cut_over_two_processes_learns_the_same(alone, pair, tmp_path):
    done = torchrun(launch("smolora", pair, tmp_path / "run", "--shard"))
    assert done.returncode == 0, done.stderr
    assert_same_stages(alone("smolora"), tmp_path / "run")


def test_one_process_has_nothing_to_cut_a_base_over(pair, tmp_path):
    with pytest.raises(CvitBenchError, match="--shard: needs several processes"):
        run_training("lora", pair, tmp_path / "run", limit=4, shard=True, device="cpu")


@pytest.mark.slow
def test_a_batch_that_cannot_be_shared_is_refused(pair, tmp_path):
    done = torchrun(launch("smolora", pair, tmp_path / "run", "--set", "training.batch_size=3"))
    assert done.returncode != 0
    assert "training.batch_size: 3 samples cannot be shared by 2 processes" in done.stderr


def test_shares_are_disjoint_and_complete():
    batch = list(range(6))
    shares = [Processes(rank, 3).share(batch) for rank in range(3)]
    assert sorted(at for share in shares for at in share) == batch
    assert {len(share) for share in shares} == {2}
    with pytest.raises(CvitBenchError, match="cannot be shared by 4 processes"):
        Processes(0, 4).share(batch)


def test_one_process_leaves_gradients_alone():
    weight = torch.nn.Parameter(torch.ones(2))
    weight.grad = torch.tensor([1.0, 2.0])
    Processes().average_gradients([weight])
    assert weight.grad.tolist() == [1.0, 2.0]


def test_an_unknown_tracker_is_refused(pair, tmp_path):
    with pytest.raises(
        CvitBenchError, match=r"--track tensorbord: unknown tracker .* Did you mean 'tensorboard'"
    ):
        run_training("lora", pair, tmp_path / "run", limit=4, track=["tensorbord"], device="cpu")
