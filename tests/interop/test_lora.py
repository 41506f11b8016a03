"""Export as a plain LoRA: what folds gives the same logits without our package, what does not is refused."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from cvit_bench.cli.train import run_training
from cvit_bench.errors import CvitBenchError
from cvit_bench.interop.lora import export_lora
from cvit_bench.models.family import Placement
from cvit_bench.records.load import save_json
from cvit_bench.records.manifest import MANIFEST, BaseModelRef, Manifest, Stage
from cvit_bench.resources import embedded_base

pytestmark = pytest.mark.slow
SMALL = ["training.steps=2", "training.batch_size=4", "adapter.rank=16", "training.precision=float32"]
LOAD = """
import sys, torch
from peft import PeftModel
from transformers import AutoModelForImageTextToText
base = AutoModelForImageTextToText.from_pretrained(sys.argv[1], dtype=torch.float32)
model = PeftModel.from_pretrained(base, sys.argv[2])
assert "cvit_bench" not in sys.modules
logits = model(input_ids=torch.tensor([[1, 5, 6]])).logits
print(type(model.active_peft_config).__name__, logits.isfinite().all().item())
"""


def train(method: str, suite: str, run_dir: Path, *more: str) -> Path:
    run_training(method, suite, run_dir, overrides=[*SMALL, *more], limit=8, device="cpu")
    return run_dir


@pytest.fixture(scope="module")
def branches(triple, tmp_path_factory) -> Path:
    return train("branchlora", triple, tmp_path_factory.mktemp("runs") / "branchlora")


@pytest.mark.parametrize("task", ["mini_geo", "mini_read"])
def test_branchlora_folds_for_a_task(branches, task, tmp_path):
    said = export_lora(branches, "02-mini_read", task, tmp_path / "out", Placement())
    assert "rank 2" in said
    command = [sys.executable, "-c", LOAD, str(embedded_base()), str(tmp_path / "out")]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    assert found.stdout.split()[-2:] == ["LoraConfig", "True"]


@pytest.mark.parametrize(
    ("stage", "task", "message"),
    [
        ("02-mini_read", None, r"--task: 02-mini_read folds for one task at a time"),
        ("02-mini_read", "mini_shapes", r"--task: .*mini_shapes"),
        ("07-more", "mini_geo", r"--stage: .*07-more"),
    ],
)
def test_what_cannot_be_named_is_refused(branches, stage, task, message, tmp_path):
    with pytest.raises(CvitBenchError, match=message):
        export_lora(branches, stage, task, tmp_path / "out", Placement())
    assert not (tmp_path / "out").exists()


def test_an_existing_folder_is_left_alone(branches, tmp_path):
    with pytest.raises(CvitBenchError, match="is there already"):
        export_lora(branches, "02-mini_read", "mini_geo", tmp_path, Placement())


def test_olora_is_a_lora_of_all_its_stages_bit_for_bit(triple, tmp_path):
    run_dir = train("olora", triple, tmp_path / "olora")
    said = export_lora(run_dir, "03-mini_shapes", None, tmp_path / "out", Placement())
    assert "rank 48" in said
    command = [sys.executable, "-c", LOAD, str(embedded_base()), str(tmp_path / "out")]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    assert found.stdout.split()[-2:] == ["LoraConfig", "True"]
    plain = load_file(tmp_path / "out" / "adapter_model.safetensors")
    own = load_file(run_dir / "stages" / "03-mini_shapes" / "adapter_model.safetensors")
    layers = {key.partition(".lora_")[0] for key in plain}
    assert len(own) == 3 * len(plain) == 6 * len(layers)
    for layer in layers:
        downs, ups = ([own[f"{layer}.routed.loras.{i}.{name}"] for i in range(3)] for name in ("down", "up"))
        assert torch.equal(plain[f"{layer}.lora_A.weight"], torch.cat(downs))
        assert torch.equal(plain[f"{layer}.lora_B.weight"], torch.cat(ups, 1))


def test_a_place_that_cannot_be_written_is_named(pair, tmp_path):
    run_dir = train("lora", pair, tmp_path / "lora")
    (tmp_path / "file").write_text("")
    with pytest.raises(CvitBenchError, match="file/out: cannot be written"):
        export_lora(run_dir, "01-mini_geo", None, tmp_path / "file" / "out", Placement())


def test_methods_that_choose_by_sample_do_not_fold(pair, tmp_path):
    run_dir = train("smolora", pair, tmp_path / "smolora")
    with pytest.raises(CvitBenchError, match="does not fold: it chooses by sample"):
        export_lora(run_dir, "01-mini_geo", "mini_geo", tmp_path / "out", Placement())


def test_a_lora_is_copied(pair, tmp_path):
    run_dir = train("lora", pair, tmp_path / "lora")
    said = export_lora(run_dir, "01-mini_geo", None, tmp_path / "out", Placement())
    assert "copied" in said
    assert [path.name for path in tmp_path.glob("*out*")] == ["out"]
    name = "adapter_model.safetensors"
    assert (tmp_path / "out" / name).read_bytes() == (run_dir / "stages/01-mini_geo" / name).read_bytes()


@pytest.mark.parametrize(
    ("text", "said"),
    [("[]", "got list"), ("{", "not valid JSON"), ("{}", "peft_type"), ('{"peft_type": "X"}', "PEFT knows")],
)
def test_a_folder_that_is_no_adapter_is_named(tmp_path, text, said):
    (tmp_path / "found").mkdir()
    (tmp_path / "found" / "adapter_config.json").write_text(text)
    (tmp_path / "found" / "adapter_model.safetensors").write_bytes(b"")
    stage = Stage(name="01-mini_geo", tasks=("mini_geo",), checkpoint="found")
    base = BaseModelRef(path="embedded:mini")
    save_json(tmp_path / MANIFEST, Manifest(run="x", suite="mini", method="x", base=base, stages=(stage,)))
    with pytest.raises(CvitBenchError, match=said):
        export_lora(tmp_path, "01-mini_geo", None, tmp_path / "out", Placement())
    assert not (tmp_path / "out").exists()
