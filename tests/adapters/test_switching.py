"""Adapters are switched off, take turns, are copied and removed; what a routed one cannot do is refused."""

import copy

import pytest
import torch
from peft import PeftConfig

from cvit_bench.adapters.peft_bridge import RoutedLinear, routing_of

METHODS = ("smolora", "branchlora", "moelora", "hydralora", "olora")


@pytest.mark.parametrize("method", METHODS)
def test_a_disabled_adapter_is_the_base(logits, load, make_base, batch, method):
    adapted, wanted = load(method), logits(make_base(), batch)
    before = logits(adapted, batch)
    with adapted.disable_adapter():
        assert torch.equal(logits(adapted, batch), wanted)
    assert torch.equal(logits(adapted, batch), before)
    assert not torch.equal(before, wanted)


@pytest.mark.parametrize(("one", "other"), [("smolora", "branchlora"), ("branchlora", "moelora")])
def test_adapters_take_turns(saved, logits, load, batch, one, other):
    wanted = {method: torch.load(saved / f"{method}.pt") for method in (one, other)}
    adapted = load(one)
    adapted.load_adapter(saved / other, "second")
    assert torch.equal(logits(adapted, batch), wanted[one])
    for name, method in (("second", other), ("default", one), ("second", other)):
        adapted.set_adapter(name)
        assert torch.equal(logits(adapted, batch), wanted[method])
    adapted.delete_adapter("default")
    assert torch.equal(logits(adapted, batch), wanted[other])


def test_two_adapters_at_once_are_refused(saved, load):
    adapted = load("moelora")
    adapted.load_adapter(saved / "hydralora", "second")
    with pytest.raises(ValueError, match="one routed adapter at a time"):
        adapted.base_model.set_adapter(["default", "second"])


@pytest.mark.parametrize("method", METHODS)
def test_merging_is_refused(logits, load, batch, method):
    adapted = load(method)
    before = logits(adapted, batch)
    for merge in (adapted.merge_and_unload, adapted.merge_adapter):
        with pytest.raises(ValueError, match="cannot be merged into its base"):
            merge()
    assert torch.equal(logits(adapted, batch), before)


@pytest.mark.parametrize("method", METHODS)
def test_layers_without_their_tuner_are_refused(saved, make_base, logits, batch, method):
    base = make_base()
    wanted = logits(base, batch)
    for put_in in (
        lambda: base.load_adapter(saved / method),
        lambda: base.add_adapter(PeftConfig.from_pretrained(saved / method)),
    ):
        with pytest.raises(ValueError, match="uses shared state"):
            put_in()
    assert not any(isinstance(module, RoutedLinear) for module in base.modules())
    assert torch.equal(logits(base, batch), wanted)


@pytest.mark.parametrize("method", METHODS)
def test_unloading_gives_back_the_base_as_it_was(logits, load, make_base, batch, method):
    adapted, base = load(method), make_base()
    names = [name for name, _ in base.named_modules()]
    unloaded = adapted.unload()
    assert [name for name, _ in unloaded.named_modules()] == names
    assert not any(isinstance(module, RoutedLinear) for module in unloaded.modules())
    for module in unloaded.modules():
        assert not module._forward_pre_hooks
        assert not module._forward_hooks
    assert torch.equal(logits(unloaded, batch), logits(base, batch))


@pytest.mark.parametrize("method", METHODS)
def test_a_copy_looks_at_its_own_passes(load, logits, batch, method):
    adapted = load(method)
    wanted = logits(adapted, batch)
    other, passes = copy.deepcopy(adapted), routing_of(adapted).passes
    routing_of(adapted).instructions = routing_of(adapted).tasks = None
    assert torch.equal(logits(other, batch), wanted)
    other.generate(input_ids=batch["input_ids"][:, :1], max_new_tokens=1, do_sample=False)
    assert routing_of(adapted).passes == passes
