"""DoRA trains stage after stage like the others, is PEFT's own, and computes what its equation says."""

import json

import pytest
import torch
import yaml
from peft import PeftModel
from safetensors.torch import load_file

from cvit_bench.cli.train import run_training
from cvit_bench.data.library import open_suite
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.models.family import Placement
from cvit_bench.models.loading import load_base
from cvit_bench.records.method import load_method
from cvit_bench.resources import embedded_base
from cvit_bench.train.adapted import StageStart, attach
from cvit_bench.train.settings import resolve

SMALL = ["training.steps=3", "training.batch_size=2", "adapter.rank=4", "training.precision=float32"]
STAGES = ("01-mini_geo", "02-mini_garments")
PROJECTOR = "model.multi_modal_projector"
LAYER = "model.language_model.layers.1.mlp.up_proj"


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """A run of two stages."""
    root = tmp_path_factory.mktemp("dora")
    suite = root / "tasks" / "suites" / "two.yaml"
    suite.parent.mkdir(parents=True)
    said = {"name": "two", "version": 1, "title": "Two", "description": "Two tasks.", "base": "embedded:mini"}
    suite.write_text(yaml.safe_dump({**said, "train": [stage[3:] for stage in STAGES]}))
    run_training("dora", str(suite), root / "run", overrides=SMALL, limit=6, device="cpu")
    return root / "run"


def tensors(run_dir, stage):
    return load_file(run_dir / "stages" / stage / "adapter_model.safetensors")


@pytest.mark.slow
def test_both_stages_move_directions_and_magnitudes(run_dir):
    before, after = (tensors(run_dir, stage) for stage in STAGES)
    assert before.keys() == after.keys()
    for part in ("lora_A", "lora_B", "lora_magnitude_vector"):
        keys = [key for key in before if part in key]
        assert len(keys) == len(before) / 3
        assert not any(before[key].equal(after[key]) for key in keys)


@pytest.mark.slow
def test_a_stage_is_loaded_by_peft_alone_and_replayed(run_dir):
    folder = run_dir / "stages" / STAGES[-1]
    assert json.loads((folder / "adapter_config.json").read_text())["use_dora"] is True
    model = PeftModel.from_pretrained(load_base(embedded_base(), Placement()).model, folder)
    held = model.get_submodule(f"base_model.model.{LAYER}").lora_magnitude_vector["default"].weight
    key = next(key for key in tensors(run_dir, STAGES[-1]) if LAYER in key and "magnitude" in key)
    assert torch.equal(held, tensors(run_dir, STAGES[-1])[key])
    results = evaluate(run_dir, EvaluateOptions(limit=2, batch_size=8))
    assert all(value is not None for row in results.matrices.S for value in row)


def test_a_layer_is_its_equation_and_changes_nothing_at_the_start():
    base = load_base(embedded_base(), Placement())
    weight = base.model.get_submodule(LAYER).weight.detach().clone()
    words = ["adapter.rank=4", "adapter.alpha=8", "adapter.dropout=0"]
    settings = resolve(load_method("dora"), open_suite("mini")[1], words)
    adapted = attach(base, PROJECTOR, settings, None, StageStart(("mini_geo",), 0, "0" * 64)).eval()
    layer = adapted.get_submodule(f"base_model.model.{LAYER}")
    x = torch.randn(3, weight.shape[1], generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(layer(x), x @ weight.T)
    with torch.no_grad():
        up = layer.lora_B["default"].weight.normal_(generator=torch.Generator().manual_seed(1))
        m = layer.lora_magnitude_vector["default"].weight.mul_(1.5)
        V = weight + 8 / 4 * up @ layer.lora_A["default"].weight
        torch.testing.assert_close(layer(x), x @ (m / V.norm(dim=1)).unsqueeze(1).mul(V).T)
