"""Replay on the embedded base: batched equals single, swapped adapters equal freshly loaded ones."""

import json
import random
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cvit_bench.cli.train import run_training
from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.models.family import Checkpoint, Placement
from cvit_bench.records.manifest import load_manifest
from cvit_bench.resources import embedded_base

pytestmark = pytest.mark.slow
OPTIONS = EvaluateOptions(limit=4, batch_size=4, placement=Placement())


@pytest.fixture(scope="module")
def trained(triple, tmp_path_factory) -> Path:
    """Return a run of four short stages; a high rate makes the stages answer differently."""
    run_dir = tmp_path_factory.mktemp("runs") / "lora"
    settings = ["training.steps=6", "training.batch_size=4", "training.learning_rate=0.01", "adapter.rank=4"]
    run_training("lora", triple, run_dir, overrides=settings, limit=16, device="cpu")
    return run_dir


@pytest.fixture
def run_dir(trained, tmp_path) -> Path:
    """Return a copy of the run without predictions."""
    return Path(shutil.copytree(trained, tmp_path / trained.name))


def answers(run_dir: Path) -> dict[str, dict[str, str]]:
    return {
        path.relative_to(run_dir).as_posix(): {
            row["id"]: row["text"] for row in map(json.loads, path.read_text().splitlines())
        }
        for path in (run_dir / "predictions").rglob("*.jsonl")
    }


def test_batched_equals_single(run_dir, tmp_path):
    single = Path(shutil.copytree(run_dir, tmp_path / "single"))
    evaluate(run_dir, OPTIONS)
    evaluate(single, replace(OPTIONS, batch_size=1))
    assert answers(run_dir) == answers(single)


def test_stages_answer_differently(run_dir):
    evaluate(run_dir, OPTIONS)
    found = answers(run_dir)
    texts = {name: list(rows.values()) for name, rows in found.items() if "mini_shapes" in name}
    assert len({tuple(rows) for rows in texts.values()}) > 1


def test_swapped_adapter_equals_a_freshly_loaded_one(run_dir):
    from peft import PeftModel

    from cvit_bench.data.library import open_library
    from cvit_bench.data.prompts import build_prompts
    from cvit_bench.data.samples import load_samples
    from cvit_bench.models.inputs import prompt_batch
    from cvit_bench.models.loading import load_base
    from cvit_bench.models.replay import ReplayModel

    library = open_library()
    task = library.task("mini_garments")
    template = library.template(task.template)
    prompts = build_prompts(task, template, template.variants[0], load_samples(task, "test", limit=4))
    replayed = ReplayModel(embedded_base(), Placement())
    for stage in (*load_manifest(run_dir).stages, load_manifest(run_dir).stages[0]):
        folder = run_dir / stage.checkpoint
        replayed.use(Checkpoint(stage.name, folder, "adapter"))
        fresh = load_base(embedded_base(), Placement())
        adapted = PeftModel.from_pretrained(fresh.model, str(folder)).eval()
        batch = prompt_batch(fresh.processor, prompts)
        assert (replayed._model(**batch).logits == adapted(**batch).logits).all()


def test_base_is_untouched_after_adapters(run_dir):
    before = evaluate(run_dir, OPTIONS).matrices.S[0]
    (run_dir / "predictions").rename(run_dir / "old")
    path = run_dir / "manifest.json"
    manifest = json.loads(path.read_text())
    base = {
        "name": "99-base-again",
        "tasks": ["mini_geo"],
        "checkpoint": str(embedded_base()),
        "kind": "full",
    }
    path.write_text(json.dumps({**manifest, "stages": [manifest["stages"][0], base]}))
    after = evaluate(run_dir, OPTIONS).matrices.S
    assert after[0] == before
    assert after[2] == before


def test_overwritten_adapter_recomputes_exactly_its_cells(run_dir):
    evaluate(run_dir, OPTIONS)
    before = {path: path.stat().st_mtime_ns for path in (run_dir / "predictions").rglob("*.jsonl")}
    stages = [stage.name for stage in load_manifest(run_dir).stages]
    name = "adapter_model.safetensors"
    shutil.copy(run_dir / "stages" / stages[0] / name, run_dir / "stages" / stages[2] / name)
    evaluate(run_dir, OPTIONS)
    changed = {path.parent.parent.name for path, time in before.items() if path.stat().st_mtime_ns != time}
    assert changed == {stages[2]}
    found = answers(run_dir)
    for task in ("mini_geo", "mini_shapes"):
        assert (
            found[f"predictions/{stages[0]}/{task}/v0.jsonl"]
            == found[f"predictions/{stages[2]}/{task}/v0.jsonl"]
        )


def test_adapter_of_another_shape_is_refused_with_its_file(run_dir):
    from safetensors.torch import load_file, save_file

    folder = run_dir / load_manifest(run_dir).stages[1].checkpoint
    tensors = load_file(folder / "adapter_model.safetensors")
    stray = "base_model.model.model.language_model.layers.99.self_attn.q_proj.lora_A.weight"
    tensors[stray] = tensors[next(iter(tensors))].clone()
    save_file(tensors, folder / "adapter_model.safetensors")
    with pytest.raises(CvitBenchError, match=r"adapter_model.safetensors: .*layers\.99.* has no place"):
        evaluate(run_dir, OPTIONS)


def test_another_base_is_refused(run_dir):
    path = run_dir / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["base"]["sha256"] = "0" * 64
    path.write_text(json.dumps(manifest))
    with pytest.raises(CvitBenchError, match=r"base\.sha256.*is not the base"):
        evaluate(run_dir, OPTIONS)


@pytest.mark.proof
def test_two_kills_on_the_real_model_give_the_bytes_of_an_undisturbed_run(run_dir, tmp_path):
    import os
    import signal
    import time

    calm = Path(shutil.copytree(run_dir, tmp_path / "calm" / run_dir.name))
    generator = random.Random(3)

    def command(folder: Path) -> list[str]:
        words = ["evaluate", "--run-dir", folder, "--limit", 12, "--batch-size", 4, "--device", "cpu"]
        return [sys.executable, "-m", "cvit_bench", *map(str, words)]

    def num_bytes() -> int:
        return sum(path.stat().st_size for path in (run_dir / "predictions").rglob("*.jsonl"))

    for _ in range(2):
        began = num_bytes()
        process = subprocess.Popen(command(run_dir), stderr=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 120
        while num_bytes() == began and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        time.sleep(generator.uniform(0, 0.3))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert not (run_dir / "results.json").exists()
    for folder in (run_dir, calm):
        subprocess.run(command(folder), check=True, capture_output=True)
    assert (run_dir / "results.json").read_bytes() == (calm / "results.json").read_bytes()


def test_adapters_of_plain_peft_run_from_a_hand_written_manifest(tmp_path):
    from peft import LoraConfig, get_peft_model

    from cvit_bench.models.loading import load_base

    base = load_base(embedded_base(), Placement())
    theirs = get_peft_model(base.model, LoraConfig(r=2, target_modules=["q_proj", "v_proj"]))
    theirs.save_pretrained(str(tmp_path / "somewhere" / "after-task-1"))
    manifest = {
        "run": "theirs",
        "suite": "mini",
        "method": "their-method",
        "base": {"path": str(embedded_base())},
        "stages": [{"name": "01", "tasks": ["mini_geo"], "checkpoint": "../somewhere/after-task-1"}],
    }
    run_dir = tmp_path / "theirs"
    run_dir.mkdir()
    (run_dir / "manifest.json").write_text(json.dumps(manifest))
    results = evaluate(run_dir, replace(OPTIONS, limit=2))
    assert results.matrices.S[0] == results.matrices.S[1], "an untrained adapter changes nothing"
    assert results.metric("bwt_tm1").reason == "the run has trained 1 of 6 tasks"
