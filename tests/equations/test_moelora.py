"""MoELoRA and HydraLoRA equal the sums over experts that their papers write."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cvit_bench.adapters import hydralora, moelora
from cvit_bench.adapters.core import History, Place

SEEDS = st.integers(0, 2**32 - 1)
STREAMS = st.sampled_from(["text", "vision"])
SIZES = st.integers(1, 5)


def gates_at(x_t, router):
    """g(x) = softmax(R x), written out."""
    raised = [(row @ x_t).exp() for row in router]
    return [value / sum(raised) for value in raised]


@settings(max_examples=50)
@given(SEEDS, STREAMS, SIZES, SIZES, st.integers(1, 4), st.integers(1, 3), st.floats(0.5, 8), st.data())
def test_moelora_is_a_gated_sum_of_whole_loras(
    draw_batch, fill, agree, seed, stream, width_in, width_out, experts, rank, alpha, data
):
    config = moelora.Config(rank=experts * rank, alpha=alpha, num_experts=experts)
    update = moelora.Update(Place("l", stream, width_in, width_out), config, History()).eval()
    fill(update, seed)
    batch = draw_batch(data, stream, width_in)

    def written_out(at, weights):
        x_t, total = batch.flat[at], torch.zeros(width_out, dtype=torch.float64)
        gates = gates_at(x_t, weights["router"])
        for n in range(experts):
            A_n = weights["down"][n * rank : (n + 1) * rank]
            B_n = weights["up"][:, n * rank : (n + 1) * rank]
            total = total + alpha / (experts * rank) * gates[n] * (B_n @ (A_n @ x_t))
        return total

    agree(update, batch, width_out, written_out, ("down", "up", "router"))


@settings(max_examples=50)
@given(SEEDS, STREAMS, SIZES, SIZES, st.integers(1, 4), st.integers(1, 3), st.floats(0.5, 8), st.data())
def test_hydralora_is_a_gated_sum_of_heads_on_one_shared_projection(
    draw_batch, fill, agree, seed, stream, width_in, width_out, heads, rank, alpha, data
):
    config = hydralora.Config(rank=heads * rank, alpha=alpha, num_heads=heads)
    update = hydralora.Update(Place("l", stream, width_in, width_out), config, History()).eval()
    fill(update, seed)
    batch = draw_batch(data, stream, width_in)

    def written_out(at, weights):
        x_t, total = batch.flat[at], torch.zeros(width_out, dtype=torch.float64)
        gates = gates_at(x_t, weights["router"])
        for n in range(heads):
            B_n = weights["up"][:, n * rank : (n + 1) * rank]
            total = total + alpha / (heads * rank) * gates[n] * (B_n @ (weights["down"] @ x_t))
        return total

    agree(update, batch, width_out, written_out, ("down", "up", "router"))
