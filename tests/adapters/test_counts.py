"""Numbers of parameters on LLaVA-1.5's shapes, counted without memory for them."""

import pytest
import torch

from cvit_bench.adapters import branchlora, moelora, smolora
from cvit_bench.adapters.core import History, Place
from cvit_bench.adapters.dense import DenseUpdate

SHAPES = {"7B": (32, 4096, 11008), "13B": (40, 5120, 13824)}
VISION = 1024


def places(size, attention):
    """The linear layers of language model and projector; without attention the feed-forward ones only."""
    layers, hidden, inner = SHAPES[size]
    wanted = [(hidden, hidden)] * (4 if attention else 0) + [(hidden, inner)] * 2 + [(inner, hidden)]
    text = [Place(f"{n}.{at}", "text", *shape) for n in range(layers) for at, shape in enumerate(wanted)]
    shapes = ((VISION, hidden), (hidden, hidden))
    vision = [Place(f"p.{at}", "vision", *shape, True) for at, shape in enumerate(shapes)]
    return text, vision


def count(updates):
    return sum(weight.numel() for update in updates for weight in update.parameters())


def built(module, size, history=None):
    """Updates of all seven layers, and of the projector in full."""
    text, vision = places(size, attention=True)
    with torch.device("meta"):
        routed = [module.Update(place, module.Config(), history or History()) for place in text]
        return routed + [DenseUpdate(place) for place in vision]


@pytest.mark.parametrize(("size", "wanted"), [("7B", 349_904_896), ("13B", 546_416_640)])
def test_moelora(size, wanted):
    assert count(built(moelora, size)) == wanted


@pytest.mark.parametrize(("size", "wanted"), [("7B", 222_371_840), ("13B", 346_859_520)])
def test_branchlora_with_the_router_of_one_task(size, wanted):
    assert count(built(branchlora, size, History(("a",), (8,)))) == wanted


def test_a_further_task_costs_branchlora_one_more_router_a_layer():
    one, two = (built(branchlora, "7B", History(("a", "b")[:n], (8, 8)[:n])) for n in (1, 2))
    assert count(two) - count(one) == 9_109_504


def test_smolora_in_all_and_what_really_learns():
    text, vision = places("7B", attention=False)
    with torch.device("meta"):
        updates = [smolora.Update(place, smolora.Config(), History()) for place in text + vision]
    assert len(updates) == 98
    buffers = sum(buffer.numel() for update in updates for buffer in update.buffers())
    assert count(updates) == 188_989_440
    assert count(updates) + buffers == 191_618_048
    parts = {name: sum(getattr(update, name).numel() for update in updates) for name in ("down", "up")}
    assert sum(parts.values()) == 187_301_888
    assert sum(update.fusion.numel() for update in updates) == 1_687_552
    assert sum(update.vu_router.numel() for update in updates) == 2_478_080
    assert sum(update.if_router.numel() for update in updates) == 150_528


def test_smolora_whose_routers_learn_has_as_many_in_all():
    text, vision = places("7B", attention=False)
    config = smolora.Config(router_grad="softmax_weight")
    with torch.device("meta"):
        updates = [smolora.Update(place, config, History()) for place in text + vision]
    assert count(updates) == 191_618_048


def test_the_scale_is_alpha_over_the_total_rank():
    assert {module.Config().scale for module in (smolora, moelora, branchlora)} == {2.0}
