"""MoELoRA and HydraLoRA equal the sums over experts that their papers write."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cvit_bench.adapters import hydralora, moelora
from cvit_bench.adapters.core import History, Place

SEEDS = st.integers(0, 2**32 - 1)
STREAMS = st.sampled_from(["text", "vision"])
SIZES = st.integers(1, 5)
MIXTURES = {moelora: "num_experts", hydralora: "num_heads"}


@pytest.mark.parametrize("module", MIXTURES, ids=lambda module: module.TITLE)
@settings(max_examples=50)
@given(SEEDS, STREAMS, SIZES, SIZES, st.integers(1, 4), st.integers(1, 3), st.floats(0.5, 8), st.data())
def test_a_mixture_is_a_gated_sum_of_its_experts(
    draw_batch, fill, agree, softmax, module, seed, modality, width_in, width_out, experts, rank, alpha, data
):
    config = module.Config(rank=experts * rank, alpha=alpha, **{MIXTURES[module]: experts})
    update = module.Update(Place("l", modality, width_in, width_out), config, History()).eval()
    fill(update, seed)
    batch = draw_batch(data, modality, width_in)

    def written_out(at, weights):
        x_t, total = batch.flat[at], torch.zeros(width_out, dtype=torch.float64)
        gates = softmax([row @ x_t for row in weights["router"]])
        for n in range(experts):
            block = slice(n * rank, (n + 1) * rank)
            A_n = weights["down"] if module is hydralora else weights["down"][block]
            total = total + alpha / (experts * rank) * gates[n] * (weights["up"][:, block] @ (A_n @ x_t))
        return total

    assert len(update.down) == (rank if module is hydralora else experts * rank)
    agree(update, batch, width_out, written_out, ("down", "up", "router"))
