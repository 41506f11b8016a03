"""Adapters of PEFT's other kinds and ours take turns on one base, and leave it as it was."""

import io

import peft
import pytest
import torch
from PIL import Image

from cvit_bench.errors import CvitBenchError
from cvit_bench.models.adapter_files import load_adapter, take_off
from cvit_bench.models.family import Placement
from cvit_bench.models.loading import load_base
from cvit_bench.records.sample import Picture, Prompt
from cvit_bench.resources import embedded_base

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::UserWarning")]
LAYERS = r".*language_model.*\.(q_proj|v_proj)"
PROJECTOR = "model.multi_modal_projector"
KINDS = {
    "lora": lambda: peft.LoraConfig(r=2, target_modules=LAYERS),
    "lora-and-projector": lambda: peft.LoraConfig(r=2, target_modules=LAYERS, modules_to_save=[PROJECTOR]),
    "vera": lambda: peft.VeraConfig(r=4, target_modules=LAYERS),
    "dora": lambda: peft.LoraConfig(r=2, target_modules=LAYERS, use_dora=True),
    "ia3": lambda: peft.IA3Config(
        target_modules=r".*language_model.*\.(k_proj|down_proj)", feedforward_modules=r".*\.down_proj"
    ),
    "loha": lambda: peft.LoHaConfig(r=2, target_modules=LAYERS),
    "vera-again": lambda: peft.VeraConfig(r=8, target_modules=LAYERS, projection_prng_key=7),
    "lokr": lambda: peft.LoKrConfig(r=2, target_modules=LAYERS),
    "adalora": lambda: peft.AdaLoraConfig(init_r=2, target_r=2, total_step=10, target_modules=LAYERS),
    "oft": lambda: peft.OFTConfig(oft_block_size=32, target_modules=LAYERS),
    "layer-norms": lambda: peft.LNTuningConfig(target_modules=r".*language_model.*norm"),
    "lora-once-more": lambda: peft.LoraConfig(r=3, target_modules=LAYERS),
}
REFUSED = {
    "PROMPT_TUNING": lambda: peft.PromptTuningConfig(
        task_type="CAUSAL_LM", num_virtual_tokens=2, token_dim=192, num_layers=4, num_attention_heads=3
    ),
    "PREFIX_TUNING": lambda: peft.PrefixTuningConfig(
        task_type="CAUSAL_LM", num_virtual_tokens=2, token_dim=192, num_layers=4, num_attention_heads=3
    ),
    "POLY": lambda: peft.PolyConfig(r=2, n_tasks=2, target_modules=LAYERS),
}


def shown():
    made = io.BytesIO()
    Image.effect_noise((64, 64), 90).convert("RGB").save(made, "PNG")
    return [Prompt("1", "toy", "v0", "What is it?", Picture("1.png", made.getvalue()), 4)]


PROMPTS = shown()


@torch.inference_mode()
def logits(base, model):
    model.eval()
    return model(**base.encoder.prompts(PROMPTS)).logits[:, -1]


def trained(make):
    """A base with an adapter of a kind that has learned something."""
    base = load_base(embedded_base(), Placement())
    adapted = peft.get_peft_model(base.model, make())
    torch.manual_seed(3)
    for weight in adapted.parameters():
        if weight.requires_grad:
            weight.data.add_(0.05 * torch.randn_like(weight))
    return base, adapted


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A folder and the logits of every kind."""
    made = {}
    for name, make in KINDS.items():
        base, adapted = trained(make)
        folder = tmp_path_factory.mktemp(name)
        adapted.save_pretrained(folder)
        made[name] = folder, logits(base, adapted)
    return made


def test_all_kinds_take_turns_on_one_base(folders):
    base = load_base(embedded_base(), Placement())
    plain = logits(base, base.model)
    adapted = None
    for name in (*KINDS, "lora-and-projector", "lora"):
        folder, wanted = folders[name]
        assert not torch.allclose(wanted, plain, atol=1e-3)
        adapted = load_adapter(base.model, adapted, folder, name)
        assert torch.equal(logits(base, adapted), wanted), name
    with adapted.disable_adapter():
        assert torch.equal(logits(base, adapted), plain)


@pytest.mark.parametrize("name", KINDS)
def test_a_base_is_whole_again_when_an_adapter_is_taken_off(name, folders):
    base = load_base(embedded_base(), Placement())
    names = list(base.model.state_dict())
    plain = logits(base, base.model)
    adapted = load_adapter(base.model, None, folders[name][0], name)
    back = take_off(adapted)
    assert back is base.model
    assert torch.equal(logits(base, back), plain)
    assert list(back.state_dict()) == names


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_change_of_weights_is_refused_with_the_reason(kind, tmp_path):
    trained(REFUSED[kind])[1].save_pretrained(tmp_path)
    base = load_base(embedded_base(), Placement())
    with pytest.raises(CvitBenchError, match=rf"peft_type: {kind} cannot be swapped on a base: it "):
        load_adapter(base.model, None, tmp_path, "01")
