"""What is counted on the meta device is what training makes; the memory estimate is near what is kept."""

import json
from dataclasses import replace

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from cvit_bench.adapters.peft_bridge import tuner_of
from cvit_bench.data.library import open_suite
from cvit_bench.models.family import Placement
from cvit_bench.models.loading import load_base
from cvit_bench.models.shapes import empty_base
from cvit_bench.records.method import load_method, method_files
from cvit_bench.records.recipe import recipe_files
from cvit_bench.resources import embedded_base
from cvit_bench.train.adapted import StageStart, attach
from cvit_bench.train.plan_memory import Computing, activations
from cvit_bench.train.plan_weights import Base, base_shapes, count_weights
from cvit_bench.train.schedules import plan_stages
from cvit_bench.train.settings import resolve

PROJECTOR = "model.multi_modal_projector"
MINI = Base(embedded_base() / "config.json", PROJECTOR, torch.float32)
TASKS = ("a", "b", "c")
ADAPTING = sorted(name for name in method_files() if load_method(name).adapter)


def settings_of(method, *words):
    return resolve(load_method(method), open_suite("mini")[1], list(words))


def counted(method, number, *words):
    stages = plan_stages(load_method(method).schedule, TASKS)
    return count_weights(MINI, settings_of(method, *words), stages, min(number, len(stages) - 1))


def attached(method, *words):
    base = load_base(embedded_base(), Placement())
    return attach(base, PROJECTOR, settings_of(method, *words), None, StageStart(("a",), 0, "0" * 64))


@pytest.mark.parametrize("projector", ["adapt", "train", "frozen"])
@pytest.mark.parametrize("method", ADAPTING)
def test_the_first_stage_has_the_weights_that_training_gives_it(method, projector):
    adapted = attached(method, f"adapter.projector={projector}")
    found = counted(method, 0, f"adapter.projector={projector}")
    learning = sum(weight.numel() for weight in adapted.parameters() if weight.requires_grad)
    routers = sum(b.numel() for name, b in adapted.named_buffers() if name.endswith("_router"))
    assert (found.learning, found.adapter) == (learning, learning + routers)
    assert found.base == sum(
        weight.numel() for weight in load_base(embedded_base(), Placement()).model.parameters()
    )
    assert found.adapter_bytes == 4 * found.adapter


def test_a_projector_trained_in_full_is_counted_in_the_float32_it_learns_in():
    settings = settings_of("lora", "adapter.projector=train")
    stages = plan_stages(load_method("lora").schedule, TASKS)
    half = count_weights(replace(MINI, dtype=torch.bfloat16), settings, stages, 0)
    assert half.adapter_bytes == 4 * half.adapter


def test_heads_may_be_wider_than_their_share(tmp_path):
    config = json.loads(MINI.config.read_text())
    config["text_config"] |= {"head_dim": 48, "num_attention_heads": 6, "num_key_value_heads": 2}
    (tmp_path / "config.json").write_text(json.dumps(config))
    shapes = base_shapes(replace(MINI, config=tmp_path / "config.json"), settings_of("lora"))
    assert (shapes.width, shapes.query_width, shapes.key_width) == (192, 288, 96)


def test_later_stages_have_what_earlier_ones_left():
    first, second, third = (counted("olora", number) for number in range(3))
    assert [count.adapter for count in (second, third)] == [2 * first.adapter, 3 * first.adapter]
    assert first.learning == second.learning == third.learning == first.adapter
    first, third = (counted("branchlora", number) for number in (0, 2))
    routers = 8 * base_shapes(MINI, settings_of("branchlora")).adapted_inputs
    assert third.adapter - first.adapter == 2 * routers
    assert third.learning == first.learning
    assert counted("per_task", 0) == counted("per_task", 2)


def kept_by_a_pass(method):
    """Return the bytes that autograd keeps of a pass over 2 × 100 positions, weights not counted."""
    adapted = attached(method, "adapter.dropout=0", "adapter.projector=frozen").train()
    tuner = tuner_of(adapted)
    if tuner is not None:
        tuner.routing.instructions = torch.zeros(2, 384)
        tuner.routing.tasks = torch.zeros(2, dtype=torch.long)
    weights = {weight.untyped_storage().data_ptr() for weight in adapted.parameters()}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        adapted(input_ids=torch.full((2, 100), 9))
    return sum(size for size, _ in kept.values())


@pytest.mark.parametrize("method", ADAPTING)
def test_the_estimate_is_near_what_a_pass_keeps(method):
    settings = settings_of(method, "adapter.dropout=0", "adapter.projector=frozen")
    computing = Computing(4, 4, False, bool(settings.adapter_config.get("dora")))
    found = activations(base_shapes(MINI, settings), 200, False, computing)
    assert 0.7 < found / kept_by_a_pass(method) < 1.6


@pytest.mark.parametrize("name", sorted(recipe_files()))
def test_the_shapes_beside_a_recipe_are_llava_7b(name):
    path = recipe_files()[name].parent / "llava-1.5-7b.json"
    model = empty_base(path, torch.bfloat16)
    assert sum(weight.numel() for weight in model.parameters()) == 7_063_427_072
    assert {weight.device.type for weight in model.parameters()} == {"meta"}
