"""What computes is what the files say, and it is noticed when not."""

import shutil

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file

from cvit_bench.errors import CvitBenchError
from cvit_bench.models.adapter_files import save_adapter
from cvit_bench.models.family import Checkpoint, Placement
from cvit_bench.models.folders import adapter_sha256
from cvit_bench.models.live import check_adapter
from cvit_bench.models.loading import load_base
from cvit_bench.models.replay import ReplayModel
from cvit_bench.records.sample import Prompt
from cvit_bench.resources import embedded_base


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A LoRA on attention, with the projector trained beside it."""
    base = load_base(embedded_base(), Placement()).model
    config = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], modules_to_save=["multi_modal_projector"])
    found = tmp_path_factory.mktemp("adapters") / "01"
    save_adapter(get_peft_model(base, config), found, "embedded:mini", "0" * 64)
    return found


@pytest.fixture
def model():
    return ReplayModel(embedded_base(), Placement())


def test_a_base_that_was_written_to_is_noticed_at_the_next_swap(model, folder):
    stages = Checkpoint("01", folder, "adapter"), Checkpoint("00-base", None, "base")
    for stage in stages * 2:
        model.use(stage)
    with torch.no_grad():
        layer = model._base.model.model.language_model.layers[1].self_attn.q_proj
        layer.base_layer.weight[0, 0] += 1e-3
    with pytest.raises(CvitBenchError, match=r"written to: .*layers\.1\.self_attn\.q_proj.*\(1 tensors"):
        model.use(stages[0])


@pytest.mark.parametrize("part", ["lora_A", "modules_to_save"])
def test_an_adapter_that_is_not_in_place_whole_is_noticed(model, folder, part):
    checkpoint = Checkpoint("01", folder, "adapter")
    model.use(checkpoint)
    weight = next(weight for name, weight in model._adapted.named_parameters() if part in name)
    with torch.no_grad():
        weight.view(-1)[0] += 1e-3
    with pytest.raises(CvitBenchError, match="is not what computes"):
        check_adapter(model._adapted, checkpoint, folder)


def with_value(folder, copy, value):
    """Copy an adapter folder, its last tensors full of one value."""
    shutil.copytree(folder, copy)
    tensors = load_file(copy / "adapter_model.safetensors")
    for name in tensors:
        if ".layers.3." in name and "language_model" in name:
            tensors[name].fill_(value)
    save_file(tensors, copy / "adapter_model.safetensors")
    return Checkpoint("01", copy, "adapter")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_adapter_whose_training_went_astray_is_named(model, folder, tmp_path, value):
    with pytest.raises(CvitBenchError, match=r"layers\.3\..* holds values that are not finite"):
        model.use(with_value(folder, tmp_path / "astray", value))


def test_an_update_that_is_too_large_is_an_error_and_leaves_the_base_as_it_was(tmp_path):
    made = load_base(embedded_base(), Placement()).model
    config = LoraConfig(r=2, target_modules=["q_proj", "v_proj"])
    save_adapter(get_peft_model(made, config), tmp_path / "plain", "embedded:mini", "0" * 64)
    model = ReplayModel(embedded_base(), Placement())
    prompt = Prompt("1", "toy", "v0", "What is it?", None, 2)
    wanted = model.generate([prompt])
    model.use(with_value(tmp_path / "plain", tmp_path / "large", 1e30))
    for _ in range(2):
        with pytest.raises(CvitBenchError, match="the adapter cannot be added to its base"):
            model.generate([prompt])
    model.use(Checkpoint("00-base", None, "base"))
    assert model.generate([prompt]) == wanted


def test_weights_replaced_between_planning_and_swap_are_noticed(model, folder, tmp_path):
    mine = shutil.copytree(folder, tmp_path / "mine")
    planned = Checkpoint("01", mine, "adapter", adapter_sha256(mine))
    model.use(planned)
    data = bytearray((mine / "adapter_model.safetensors").read_bytes())
    data[-1] ^= 1
    (mine / "adapter_model.safetensors").write_bytes(bytes(data))
    with pytest.raises(CvitBenchError, match="was changed while it was being evaluated"):
        model.use(planned)
