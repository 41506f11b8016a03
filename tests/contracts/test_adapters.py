"""What every adapter owes: a file in adapters/ that defines `Config` is tested the day it appears.

Each is put on the embedded base with its defaults, learns a few samples of three tasks for some steps, and is
saved, loaded and gone on from, all through the same calls as in training and evaluation.
"""

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file

from cvit_bench import plugins
from cvit_bench.adapters.peft_bridge import tuner_of
from cvit_bench.adapters.sites import AdapterConfig
from cvit_bench.data.library import open_library
from cvit_bench.models.adapter_files import load_adapter, save_adapter
from cvit_bench.models.conditioning import condition
from cvit_bench.models.family import Placement
from cvit_bench.models.folders import base_sha256
from cvit_bench.models.inputs import prompt_batch, training_batch
from cvit_bench.models.loading import load_base
from cvit_bench.records.training import TrainingBudget
from cvit_bench.resources import embedded_base
from cvit_bench.train.adapted import StageStart, attach
from cvit_bench.train.examples import load_examples
from cvit_bench.train.settings import TrainSettings

NAMES = plugins.names(plugins.ADAPTERS)
FIRST, SECOND = ("mini_geo", "mini_caption", "mini_shapes"), ("mini_read",)
PROJECTOR, STEPS = "model.multi_modal_projector", 5
every_adapter = pytest.mark.parametrize("name", NAMES)


def module_of(name):
    return plugins.load(plugins.ADAPTERS, name)


def put_on(base, name, tasks, parent=None):
    settings = TrainSettings.model_construct(adapter=name, adapter_config={}, training=TrainingBudget())
    start = StageStart(tasks, 0, base_sha256(embedded_base()))
    return attach(base, PROJECTOR, settings, parent, start)


@pytest.fixture(scope="module")
def fresh():
    """Return a function that loads the embedded base."""
    return partial(load_base, embedded_base(), Placement())


@pytest.fixture(scope="module")
def prompts():
    """A prompt with its answers of each task."""
    return load_examples(open_library(), FIRST, "single", 0, limit=1)


@pytest.fixture(scope="module")
def plain(fresh):
    """The base without an adapter."""
    return fresh()


@dataclass
class Learned:
    """An adapter after a few steps: its folder, the losses, and the logits of the start and the end."""

    adapted: Any
    base: Any
    folder: Path
    losses: list[float]
    start: torch.Tensor
    end: torch.Tensor
    grads: dict[str, torch.Tensor | None]


def logits(model, base, prompts):
    """The logits [B, L, words] of prompts, and which positions are real [B, L]."""
    asked = [example.prompt for example in prompts]
    condition(model, asked)
    batch = prompt_batch(base.processor, asked)
    with torch.no_grad():
        return model.eval()(**batch).logits, batch["attention_mask"].bool()


def learn(adapted, base, prompts):
    """Take some steps; return the loss of each and the gradients of the first."""
    asked, answers = [example.prompt for example in prompts], [example.answers[0] for example in prompts]
    batch = training_batch(base.processor, asked, answers)
    condition(adapted, asked, training=True)
    tuner, losses, grads = tuner_of(adapted), [], None
    weights = [weight for weight in adapted.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=2e-3)
    torch.manual_seed(0)
    adapted.train()
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = adapted(**batch).loss
        (loss + (tuner.extra_loss() if tuner is not None else 0.0)).backward()
        losses.append(loss.item())
        grads = grads or {name: weight.grad for name, weight in adapted.named_parameters()}
        optimizer.step()
    return losses, grads


@pytest.fixture(scope="module")
def learned(fresh, prompts, tmp_path_factory):
    """Return a function that trains an adapter of that name once."""
    kept = {}

    def get(name):
        if name not in kept:
            base, folder = fresh(), tmp_path_factory.mktemp(name)
            adapted = put_on(base, name, FIRST)
            start = logits(adapted, base, prompts)[0]
            losses, grads = learn(adapted, base, prompts)
            if tuner_of(adapted) is not None:
                tuner_of(adapted).close_stage()
            save_adapter(adapted, folder, "embedded:mini", base_sha256(embedded_base()))
            end = logits(adapted, base, prompts)[0]
            kept[name] = Learned(adapted, base, folder, losses, start, end, grads)
        return kept[name]

    return get


def test_the_adapters_are_found():
    assert {"lora", "moelora", "hydralora", "smolora", "branchlora"} <= set(NAMES)
    assert {"core", "dense", "routing", "selector", "sites", "branches"}.isdisjoint(NAMES)
    titles = [module_of(name).TITLE for name in NAMES]
    assert len(set(titles)) == len(titles)


@every_adapter
def test_it_says_what_it_is_and_whose(name):
    module = module_of(name)
    assert module.TITLE.strip() == module.TITLE != ""
    assert module.TITLE.casefold() in module.__doc__.casefold()
    assert re.search(r"et al\., \d{4}", module.__doc__)
    assert hasattr(module, "Update") != hasattr(module, "peft_config")


@every_adapter
def test_its_settings_have_defaults_and_survive_a_file(name):
    module = module_of(name)
    config = module.Config()
    assert isinstance(config, AdapterConfig)
    assert module.Config.__doc__ != AdapterConfig.__doc__
    assert module.Config.model_validate_json(config.model_dump_json()) == config


@every_adapter
def test_a_fresh_one_changes_nothing(learned, plain, prompts, name):
    assert torch.equal(learned(name).start, logits(plain.model, plain, prompts)[0])


@every_adapter
def test_it_learns(learned, name):
    found = learned(name)
    assert found.losses[-1] < 0.9 * found.losses[0]
    assert not torch.equal(found.start, found.end)


@every_adapter
def test_gradients_go_to_its_own_weights_alone(learned, plain, name):
    found, base = learned(name), dict(plain.model.named_parameters())
    own, of_base = {}, {}
    for key, weight in found.adapted.named_parameters():
        in_base = key.removeprefix("base_model.model.").replace(".base_layer.", ".")
        (of_base if in_base in base else own)[key] = weight
        if in_base in base:
            assert not weight.requires_grad
            assert found.grads[key] is None
            assert torch.equal(weight, base[in_base])
    assert len(of_base) == len(base)
    with_grad = {key for key in own if found.grads[key] is not None}
    assert all(found.grads[key].isfinite().all() for key in with_grad)
    assert any(found.grads[key].any() for key in with_grad)


@every_adapter
def test_a_saved_one_gives_the_same_bits(learned, fresh, prompts, name):
    found, base = learned(name), fresh()
    adapted = load_adapter(base.model, None, found.folder, "stage", embedded_base())
    assert torch.equal(logits(adapted, base, prompts)[0], found.end)
    assert not any(weight.requires_grad for weight in adapted.parameters())


@every_adapter
def test_switched_off_it_is_the_base(learned, prompts, name):
    found = learned(name)
    with found.adapted.disable_adapter():
        assert torch.equal(logits(found.adapted, found.base, prompts)[0], found.start)
    assert torch.equal(logits(found.adapted, found.base, prompts)[0], found.end)


@every_adapter
def test_a_batch_answers_like_its_samples(learned, prompts, name):
    found = learned(name)
    together, real = logits(found.adapted, found.base, prompts)
    for number, prompt in enumerate(prompts):
        alone, _ = logits(found.adapted, found.base, [prompt])
        wanted = together[number][real[number]].log_softmax(-1)
        torch.testing.assert_close(alone[0].log_softmax(-1), wanted, rtol=1e-3, atol=1e-3)


@every_adapter
def test_a_next_stage_goes_on_from_its_folder(learned, fresh, name):
    folder = learned(name).folder
    adapted = put_on(fresh(), name, SECOND, folder)
    before, after = load_file(folder / "adapter_model.safetensors"), get_peft_model_state_dict(adapted)
    assert before
    assert [key for key, value in before.items() if not torch.equal(after[key], value)] == []
    assert any(weight.requires_grad for weight in adapted.parameters())
