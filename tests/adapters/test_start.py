"""A fresh adapter changes nothing, and routers come from a seed of their own."""

import pytest
import torch

from cvit_bench.adapters.peft_bridge import routing_of
from cvit_bench.errors import CvitBenchError

METHODS = ("smolora", "branchlora", "moelora", "hydralora", "olora")


@pytest.mark.parametrize("projector", ["adapt", "train", "frozen"])
@pytest.mark.parametrize("method", METHODS)
def test_at_the_start_the_output_is_that_of_the_base(
    adapt, make_base, make_rows, make_batch, tell, logits, method, projector
):
    adapted, batch = adapt(method, projector=projector), make_batch(make_rows(), left=True)
    tell(adapted, [0, 1, 0])
    assert torch.equal(logits(adapted, batch), logits(make_base(), batch))


@pytest.mark.parametrize("method", METHODS)
def test_random_weights_do_change_the_output(
    adapt, shake, make_base, make_rows, make_batch, tell, logits, method
):
    adapted, batch = shake(adapt(method)), make_batch(make_rows())
    tell(adapted, [0, 1, 0])
    assert (logits(adapted, batch) - logits(make_base(), batch)).abs().max() > 0.1


def test_both_groups_of_smolora_start_with_equal_weight(adapt, make_rows, make_batch, tell, listen, logits):
    adapted = adapt("smolora")
    tell(adapted, [0, 0, 0])
    notes = listen(adapted)
    logits(adapted, make_batch(make_rows((True, True, True))))
    alphas = [values for (_, name), values in notes.items() if name == "alpha"]
    assert len(alphas) == len(adapted.base_model.updates)
    assert all(torch.equal(values, torch.full((3,), 0.5)) for values in alphas)


def routers(adapted):
    updates = adapted.base_model.updates
    return {layer: (update.vu_router, update.if_router) for layer, update in updates.items()}


def test_router_seed_alone_decides_the_routers(adapt):
    one, same = routers(adapt("smolora", seed=1)), routers(adapt("smolora", seed=9))
    other = routers(adapt("smolora", seed=1, router_seed=5))
    for layer, pair in one.items():
        assert all(torch.equal(a, b) for a, b in zip(pair, same[layer], strict=True))
        assert not any(torch.equal(a, b) for a, b in zip(pair, other[layer], strict=True))


def test_layers_of_one_seed_have_routers_of_their_own(adapt):
    found = list(routers(adapt("smolora")).values())
    same = [(a, b) for a in range(len(found)) for b in range(a) if torch.equal(found[a][1], found[b][1])]
    assert same == []


def test_routers_are_as_wide_spread_as_those_of_a_linear_layer(adapt):
    for vu, by_instruction in routers(adapt("smolora")).values():
        for router in (vu, by_instruction):
            bound = router.shape[1] ** -0.5
            assert 0.8 * bound < router.abs().max() <= bound


def test_projections_down_start_small_or_as_in_plain_lora(adapt):
    normal = adapt("moelora").base_model.updates
    kaiming = adapt("moelora", a_init="kaiming").base_model.updates
    down = torch.cat([u.down.flatten() for name, u in normal.items() if "projector" not in name])
    assert 0.009 < down.std().item() < 0.011
    for name, update in kaiming.items():
        if "projector" not in name:
            assert 0.9 < update.down.abs().max().item() * update.down.shape[1] ** 0.5 <= 1


def test_routers_of_branchlora_that_start_at_zero_take_the_first_branches_everywhere(
    adapt, make_rows, make_batch, tell, logits
):
    adapted = adapt("branchlora", router_init="zeros")
    routing = tell(adapted, [0, 1, 0])
    logits(adapted, make_batch(make_rows()))
    kept = [values for (layer, name), values in routing.kept.items() if name == "gates"]
    assert len(kept) == 14
    assert all(torch.equal(values, torch.tensor([[0.25, 0.25, 0.0, 0.0]] * 3)) for values in kept)


def test_routers_of_branchlora_start_apart_in_each_task(adapt):
    for layer, update in adapt("branchlora").base_model.updates.items():
        if "projector" not in layer:
            assert not torch.equal(update.tasks[0].router, update.tasks[1].router)


def test_a_new_router_may_start_from_the_last_one(adapt, shake):
    adapted = shake(adapt("branchlora", router_init="previous"))
    adapted.base_model.begin_stage(1)
    for layer, update in adapted.base_model.updates.items():
        if "projector" not in layer:
            assert torch.equal(update.tasks[0].router, update.tasks[1].router)


def test_layers_know_what_they_see(adapt):
    for layer, update in adapt("smolora").base_model.updates.items():
        assert update.modality == ("vision" if "projector" in layer else "text")


def test_a_pass_without_instructions_says_what_to_set(adapt, make_rows, make_batch):
    adapted = adapt("smolora")
    with pytest.raises(CvitBenchError, match=r"routing_of\(model\)\.instructions"):
        adapted(**make_batch(make_rows()))
    routing_of(adapted).instructions = torch.zeros(2, 384)
    with pytest.raises(CvitBenchError, match="2 instruction embeddings for 3 samples"):
        adapted(**make_batch(make_rows()))
