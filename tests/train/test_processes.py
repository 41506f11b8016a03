"""Two processes on the same batches learn what one learns; sums over samples are sums over both."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from cvit_bench.cli.train import run_training
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.load import load_json
from cvit_bench.train.processes import Processes
from cvit_bench.train.stage_files import StageTraining

RUNS = {
    "branchlora": ["--set", "adapter.dropout=0"],
    "smolora": ["--set", "adapter.dropout=0", "--set", "training.micro_batch=1"],
    "lora": [
        *("--set", "adapter.dropout=0", "--set", "hooks.ewc.num_samples=4"),
        *("--hook", "ewc", "--hook", "lwf", "--hook", "replay"),
    ],
}


def torchrun(words: list[str]) -> subprocess.CompletedProcess[str]:
    """Run the command in two processes that talk over gloo."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*launch, "-m", "cvit_bench", *words],
        capture_output=True,
        text=True,
        env=env,
        check=False,
        timeout=400,
    )


def words(method: str, suite: str, run_dir: Path) -> list[str]:
    line = ["train", "--method", method, "--suite", suite, "--run-dir", str(run_dir)]
    return [*line, "--limit", "12", "--device", "cpu", *RUNS[method]]


@pytest.mark.slow
@pytest.mark.parametrize("method", sorted(RUNS))
def test_two_processes_learn_what_one_learns(method, pair, tmp_path):
    one, two = tmp_path / "one" / "run", tmp_path / "two" / "run"
    subprocess.run([sys.executable, "-m", "cvit_bench", *words(method, pair, one)], check=True)
    done = torchrun(words(method, pair, two))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("manifest.json") == 1
    assert_same_stages(one, two)


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
def test_a_base_cut_over_two_processes_learns_the_same(pair, tmp_path):
    one, two = tmp_path / "one" / "run", tmp_path / "two" / "run"
    subprocess.run([sys.executable, "-m", "cvit_bench", *words("smolora", pair, one)], check=True)
    done = torchrun([*words("smolora", pair, two), "--shard"])
    assert done.returncode == 0, done.stderr
    assert_same_stages(one, two)


def test_one_process_has_nothing_to_cut_a_base_over(pair, tmp_path):
    with pytest.raises(CvitBenchError, match="--shard: needs several processes"):
        run_training("lora", pair, tmp_path / "run", limit=4, shard=True, device="cpu")


@pytest.mark.slow
def test_a_batch_that_cannot_be_shared_is_refused(pair, tmp_path):
    done = torchrun([*words("smolora", pair, tmp_path / "run"), "--set", "training.batch_size=3"])
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
