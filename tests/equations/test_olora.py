"""O-LoRA equals the sum of its stages' LoRAs, and its penalty the sums over entries that it is written as."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cvit_bench.adapters.core import History, Place
from cvit_bench.adapters.olora import Config, Update
from cvit_bench.adapters.routing import Routing

SEEDS = st.integers(0, 2**32 - 1)
STREAMS = st.sampled_from(["text", "vision"])
SIZES = st.integers(1, 5)
STAGES = st.integers(1, 4)


def built(stages, modality="text", widths=(4, 3), **config):
    tasks = tuple(f"t{number}" for number in range(stages))
    place = Place("l", modality, *widths)
    return Update(place, Config(**config), History(tasks, tuple(range(1, stages + 1))))


def passing(update, times=1):
    """A context after so many calls of the layer within one pass, in training."""
    routing = Routing()
    routing.observe(torch.full((1, 2), 7), None, None, 3, False)
    x = torch.randn(1, 2, update.loras[0].down.shape[1])
    for _ in range(times):
        update.train().add_to(torch.zeros(1, 2, len(update.loras[0].up)), x, routing)
    return routing


@settings(max_examples=50)
@given(SEEDS, STREAMS, SIZES, SIZES, STAGES, st.integers(1, 3), st.floats(0.5, 8), st.data())
def test_the_layer_is_the_sum_of_its_loras(
    draw_batch, fill, agree, seed, modality, width_in, width_out, stages, rank, alpha, data
):
    update = built(stages, modality, (width_in, width_out), rank=rank, alpha=alpha).eval()
    fill(update, seed)
    batch = draw_batch(data, modality, width_in)

    def written_out(at, weights):
        x_t, total = batch.flat[at], torch.zeros(width_out, dtype=torch.float64)
        for i in range(stages):
            A_i, B_i = weights[f"loras.{i}.down"], weights[f"loras.{i}.up"]
            total = total + alpha / rank * (B_i @ (A_i @ x_t))
        return total

    agree(update, batch, width_out, written_out, tuple(dict(update.named_parameters())))


@settings(max_examples=50)
@given(SEEDS, STAGES, st.integers(1, 3), st.floats(0, 3), st.floats(0, 3))
def test_the_penalty_is_a_sum_over_entries_and_norms(fill, seed, stages, rank, orthogonal, l2):
    update = built(stages, rank=rank, orthogonal_weight=orthogonal, l2_weight=l2)
    fill(update, seed)
    last = update.loras[-1]
    wanted = 0.0
    for earlier in list(update.loras)[:-1]:
        for a_i in earlier.down.tolist():
            for a_t in last.down.tolist():
                wanted += orthogonal * abs(sum(p * q for p, q in zip(a_i, a_t, strict=True)))
    for weight in (last.down, last.up):
        wanted += l2 * sum(value**2 for row in weight.tolist() for value in row) ** 0.5
    assert sum(term.item() for term in passing(update).extra_loss) == pytest.approx(wanted, rel=1e-4)


def test_the_penalty_of_known_matrices():
    update = built(2, rank=2, widths=(2, 1), orthogonal_weight=0.5)
    with torch.no_grad():
        update.loras[0].down.copy_(torch.tensor([[1.0, 0.0], [0.0, 2.0]]))
        update.loras[1].down.copy_(torch.tensor([[3.0, -1.0], [0.0, 4.0]]))
    # A_1 A_2ᵀ = [[3, 0], [-2, 8]]
    assert update.penalty().item() == 0.5 * (3 + 0 + 2 + 8)
    update.penalty().backward()
    assert torch.equal(update.loras[1].down.grad, torch.tensor([[0.5, -1.0], [0.0, 1.0]]))
    assert update.loras[0].down.grad is None


def test_the_first_stage_has_nothing_to_be_orthogonal_to():
    assert built(1).penalty() is None
    assert passing(built(1)).extra_loss == []


def test_a_layer_adds_its_penalty_once_a_pass_and_in_training_only():
    update = built(3)
    update.start(None)
    assert len(passing(update, times=3).extra_loss) == 1
    update.eval()
    routing = Routing()
    routing.observe(torch.full((1, 2), 7), None, None, 3, False)
    update.add_to(torch.zeros(1, 2, 3), torch.randn(1, 2, 4), routing)
    assert routing.extra_loss == []


def test_only_the_last_stage_learns_and_each_next_one_adds_a_lora():
    history = History()
    for number in range(1, 4):
        history = Update.next_history(Config(), history, {}, (f"t{number}",))
        update = Update(Place("l", "text", 4, 3), Config(), history)
        update.keep_fixed()
        learns = [weight.requires_grad for lora in update.loras for weight in lora.parameters()]
        assert learns == [False] * 2 * (number - 1) + [True, True]
    assert history == History(("t1", "t2", "t3"), (1, 2, 3))


def test_tasks_that_are_mixed_share_a_lora():
    history = Update.next_history(Config(), History(("a",), (1,)), {}, ("b", "c"))
    assert history == History(("a", "b", "c"), (1, 2, 2))
    assert len(Update(Place("l", "text", 4, 3), Config(), history).loras) == 2
