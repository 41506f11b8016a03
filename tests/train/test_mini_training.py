"""Training on the embedded base: the same bytes for the same seed, and stages that survive a kill."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from cvit_bench.cli.train import run_training
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.load import load_json
from cvit_bench.records.manifest import load_manifest
from cvit_bench.train.stage_files import StageTraining

pytestmark = pytest.mark.slow
SMALL = ["training.steps=2", "training.batch_size=2", "adapter.rank=4"]
STAGES = (
    "01-mini_geo",
    "02-mini_read",
    "03-mini_caption",
    "04-mini_garments",
    "05-mini_scene",
    "06-mini_shapes",
)
FEW = ("few-mini_places-05", "few-mini_places-10")


def train(run_dir: Path, seed: int = 0, overrides: list[str] = SMALL, **more) -> Path:
    run_training("lora", "mini", run_dir, seed=seed, overrides=overrides, limit=8, device="cpu", **more)
    return run_dir


def weights(run_dir: Path) -> dict[str, bytes]:
    return {
        path.parent.name: path.read_bytes() for path in run_dir.glob("stages/*/adapter_model.safetensors")
    }


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    return train(tmp_path_factory.mktemp("runs") / "lora")


def test_same_seed_gives_the_same_adapter_bytes(trained, tmp_path):
    assert tuple(sorted(weights(trained))) == (*STAGES, *FEW)
    assert weights(train(tmp_path / "again")) == weights(trained)


def test_another_seed_gives_other_adapters(trained, tmp_path):
    other = weights(train(tmp_path / "other", seed=1, stages=2))
    assert tuple(sorted(other)) == STAGES[:2]
    assert all(other[stage] != weights(trained)[stage] for stage in other)


def test_only_language_model_and_projector_are_adapted(trained):
    names = load_file(trained / "stages" / STAGES[0] / "adapter_model.safetensors")
    assert {"language_model" if "language_model" in name else "projector" for name in names} == {
        "language_model",
        "projector",
    }
    assert not [name for name in names if "vision" in name or "lm_head" in name]


def test_a_stage_starts_where_its_parent_ended(trained):
    stages = {stage.name: stage for stage in load_manifest(trained).stages}
    assert stages[STAGES[0]].parent is None
    assert [stages[name].parent for name in STAGES[1:]] == list(STAGES[:-1])
    assert [(stages[name].parent, stages[name].shots) for name in FEW] == [(STAGES[-1], 5), (STAGES[-1], 10)]


def test_nothing_in_the_run_names_a_folder_of_this_machine(trained):
    home = str(trained.parents[1])
    texts = [path for path in trained.rglob("*") if path.suffix in (".json", ".md")]
    assert len(texts) > len(STAGES)
    assert [path for path in texts if home in path.read_text()] == []


def test_a_second_call_trains_nothing(trained):
    before = {path: path.stat().st_mtime_ns for path in trained.glob("stages/*/*")}
    train(trained)
    assert {path: path.stat().st_mtime_ns for path in trained.glob("stages/*/*")} == before


def test_a_finished_run_may_be_saved_more_often(trained):
    before = {path: path.stat().st_mtime_ns for path in trained.glob("stages/*/*")}
    train(trained, overrides=[*SMALL, "training.save_steps=7"])
    assert {path: path.stat().st_mtime_ns for path in trained.glob("stages/*/*")} == before
    train(trained)


def test_other_settings_are_refused_and_nothing_is_lost(trained):
    before = weights(trained)
    with pytest.raises(CvitBenchError, match="--fresh"):
        train(trained, overrides=[*SMALL, "training.steps=3"])
    assert weights(trained) == before
    assert load_manifest(trained).stages


def test_a_folder_with_another_runs_manifest_is_refused(trained):
    before = (trained / "manifest.json").read_bytes()
    with pytest.raises(CvitBenchError, match=r"manifest\.json: is the manifest of another run; --fresh"):
        run_training("zero_shot", "mini", trained, device="cpu")
    assert (trained / "manifest.json").read_bytes() == before


def test_fresh_trains_anew(trained, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(trained, copy)
    train(copy, overrides=[*SMALL, "training.steps=1"], fresh=True, stages=2)
    assert load_json(copy / "stages" / STAGES[0] / "training.json", StageTraining).steps == 1


def test_loss_falls(tmp_path):
    settings = ["training.steps=20", "training.batch_size=8", "adapter.rank=8"]
    run_dir = train(tmp_path / "run", overrides=settings, stages=1)
    losses = load_json(run_dir / "stages" / STAGES[0] / "training.json", StageTraining).losses
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])


def test_killed_training_ends_with_the_same_bytes(trained, tmp_path):
    run_dir = tmp_path / "killed"
    words = ["train", "--method", "lora", "--run-dir", run_dir, "--limit", 8, "--stages", 2]
    words += ["--device", "cpu"]
    words += [word for setting in SMALL for word in ("--set", setting)]
    command = [sys.executable, "-m", "cvit_bench", *map(str, words)]
    process = subprocess.Popen(
        command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 120
    while not (run_dir / "stages" / STAGES[0]).exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    time.sleep(random.Random(0).uniform(0, 0.1))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (run_dir / "manifest.json").exists()
    first = (run_dir / "stages" / STAGES[0] / "adapter_model.safetensors").stat().st_mtime_ns
    subprocess.run(command, check=True, capture_output=True)
    assert (run_dir / "stages" / STAGES[0] / "adapter_model.safetensors").stat().st_mtime_ns == first
    assert weights(run_dir) == {name: weights(trained)[name] for name in STAGES[:2]}


def test_the_first_stages_of_a_shortened_run_learn_from_what_is_not_held_out(tmp_path):
    run_dir = train(tmp_path / "part", stages=2, holdout=0.5)
    manifest = load_manifest(run_dir)
    assert tuple(stage.name for stage in manifest.stages) == STAGES[:2]
    assert (manifest.config["stages"], manifest.config["holdout"]) == (2, 0.5)
    assert [stage.samples for stage in manifest.stages] == [8, 8]
    with pytest.raises(CvitBenchError, match="is the manifest of another run; --fresh"):
        train(run_dir, stages=2)
    joint = run_training(
        "multitask", "mini", tmp_path / "joint", overrides=SMALL, limit=8, stages=2, device="cpu"
    )
    assert [stage.tasks for stage in joint.stages] == [("mini_geo", "mini_read")]
