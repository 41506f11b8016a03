"""The pieces all methods share equal loops over samples, positions and experts."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cvit_bench.adapters.core import down, expand, first, per_position, pooled, summed, top_k_gates, up
from cvit_bench.adapters.routing import Routing
from cvit_bench.errors import CvitBenchError

SEEDS = st.integers(0, 2**32 - 1)
STREAMS = st.sampled_from(["text", "vision"])
PICTURE = 3


def random(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def largest(values, k):
    return sorted(range(len(values)), key=lambda at: -float(values[at]))[:k]


def saw(counts, length=8):
    """A context after a batch whose samples have so many picture positions."""
    ids = torch.full((len(counts), length), 7)
    for sample, count in enumerate(counts):
        ids[sample, 1 : 1 + count] = PICTURE
    routing = Routing()
    routing.observe(ids, None, None, PICTURE, False)
    return routing


@settings(max_examples=40)
@given(SEEDS, st.integers(1, 4), st.integers(1, 6), st.data())
def test_gates_are_a_softmax_over_the_kept_scores_or_a_cut_softmax_over_all(
    softmax, seed, rows, experts, data
):
    k = data.draw(st.integers(1, experts))
    scores = random(seed, rows, experts)
    for row, renorm, mask in zip(
        scores, top_k_gates(scores, k, "renorm"), top_k_gates(scores, k, "mask"), strict=True
    ):
        kept = largest(row, k)
        among_kept = dict(zip(kept, softmax([row[at] for at in kept]), strict=True))
        among_all = softmax(list(row))
        for expert in range(experts):
            assert renorm[expert] == pytest.approx(float(among_kept.get(expert, 0.0)), abs=1e-6)
            assert mask[expert] == pytest.approx(
                float(among_all[expert]) if expert in kept else 0.0, abs=1e-6
            )


@given(SEEDS, st.integers(1, 6))
def test_one_kept_gate_is_exactly_one_with_a_gradient_or_without(seed, experts):
    scores = 1e4 * random(seed, 5, experts).round()
    gates = top_k_gates(scores, 1, "renorm")
    assert gates.tolist() == [[float(at == largest(row, 1)[0]) for at in range(experts)] for row in scores]
    learning = top_k_gates(scores.clone().requires_grad_(), 1, "renorm")
    assert torch.equal(learning, gates)
    assert learning.requires_grad


def test_closed_scores_get_no_gate_even_where_too_few_are_open():
    scores = torch.tensor([[float("-inf"), 1.0, float("-inf")]])
    for norm in ("renorm", "mask"):
        assert top_k_gates(scores, 2, norm).tolist() == [[0.0, 1.0, 0.0]]


def test_scores_left_out_have_a_gradient_under_mask_and_none_under_renorm():
    for norm, learns in (("renorm", False), ("mask", True)):
        scores = torch.tensor([0.3, 2.0, -1.0, 1.0], requires_grad=True)
        (top_k_gates(scores, 2, norm) * torch.tensor([1.0, 2.0, 3.0, 5.0])).sum().backward()
        assert [bool(scores.grad[at] != 0) for at in (0, 2)] == [learns, learns]
        assert all(scores.grad[at] != 0 for at in (1, 3))


@given(SEEDS, st.integers(1, 4), st.integers(1, 4))
def test_each_gate_stands_on_the_diagonal_as_often_as_its_expert_has_ranks(seed, experts, rank):
    gates = random(seed, 2, 3, experts)
    wide = expand(gates, rank)
    assert wide.shape == (2, 3, experts * rank)
    for at in range(experts * rank):
        assert torch.equal(wide[..., at], gates[..., at // rank])


@settings(max_examples=40)
@given(STREAMS, st.integers(1, 4), st.data())
def test_pooled_is_the_mean_of_a_sample_own_positions(draw_batch, modality, width, data):
    batch = draw_batch(data, modality, width)
    routing = batch.routing
    looked_at = [seen or asked for seen, asked in zip(batch.seen, batch.prompt, strict=True)]
    for where, positions in (("real", batch.real), ("prompt", batch.prompt), ("seen", looked_at)):
        found = pooled(batch.x, routing, modality, where)
        assert found.dtype == torch.float32
        for sample, row in enumerate(found):
            torch.testing.assert_close(row.double(), batch.mean(positions, sample))


@given(STREAMS, st.data())
def test_summed_is_pooled_times_the_number_of_positions(draw_batch, modality, data):
    batch = draw_batch(data, modality, 2)
    counts = torch.tensor([[len(positions)] for positions in batch.real])
    found, mean = summed(batch.x, batch.routing, modality), pooled(batch.x, batch.routing, modality)
    torch.testing.assert_close(found, mean * counts)


@pytest.mark.parametrize("padded", [False, True])
def test_the_mean_of_half_precision_inputs_is_taken_in_full_precision(padded):
    x = torch.full((1, 4097, 1), 1.0, dtype=torch.bfloat16)
    x[:, :4096:2] = 0.0078125
    mask = torch.ones(1, 4097, dtype=torch.long)
    mask[:, 4096] = 0
    given = (x, mask) if padded else (x[:, :4096], mask[:, :4096])
    routing = Routing()
    routing.observe(None, given[1], None, None, False)
    assert float(pooled(given[0], routing, "text")) == pytest.approx(0.50390625, abs=1e-6)


@settings(max_examples=40)
@given(STREAMS, st.integers(1, 4), st.data())
def test_first_is_the_input_at_the_first_position_that_is_not_padding(draw_batch, modality, width, data):
    batch = draw_batch(data, modality, width)
    found = first(batch.x, batch.routing, modality)
    for sample, positions in enumerate(batch.real):
        if positions:
            assert torch.equal(found[sample].double(), batch.flat[positions[0]])


@settings(max_examples=40)
@given(st.data())
def test_rows_of_vision_features_are_dealt_out_in_order(draw_batch, data):
    batch = draw_batch(data, "vision", 1)
    assert batch.routing.rows(len(batch.owner)).owner.tolist() == batch.owner


def test_merged_patches_are_dealt_out_in_proportion():
    assert saw([4, 0, 2]).rows(3).owner.tolist() == [0, 0, 2]


@pytest.mark.parametrize(("counts", "rows"), [([4, 2], 4), ([0, 0], 2), ([3, 3], 5), ([4, 1, 1], 3)])
def test_rows_that_do_not_fit_the_pictures_are_refused(counts, rows):
    with pytest.raises(CvitBenchError, match=f"{rows} rows of vision features for {sum(counts)} picture"):
        saw(counts).rows(rows)


def test_rows_cannot_be_dealt_out_without_ids():
    routing = Routing()
    routing.observe(None, torch.ones(2, 3), None, PICTURE, False)
    with pytest.raises(CvitBenchError, match="no input_ids"):
        routing.rows(4)


@given(STREAMS, st.integers(1, 3), st.data())
def test_gates_of_samples_are_given_to_each_of_their_positions(draw_batch, modality, experts, data):
    batch = draw_batch(data, modality, 2)
    gates = random(5, len(batch.real), experts)
    found = per_position(gates, batch.x, batch.routing, modality).expand(*batch.x.shape[:-1], experts)
    for row, sample in zip(found.reshape(-1, experts), batch.owner, strict=True):
        assert torch.equal(row, gates[sample])


@given(SEEDS, st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_down_and_up_are_two_matrix_products(seed, width_in, rank, width_out):
    x, A, B = random(seed, 2, 3, width_in), random(seed, rank, width_in), random(seed, width_out, rank)
    output = random(seed + 1, 2, 3, width_out)
    found = up(output, down(x, A, 0.0, True), B)
    for sample in range(2):
        for at in range(3):
            torch.testing.assert_close(found[sample, at], output[sample, at] + B @ (A @ x[sample, at]))


def test_a_half_precision_output_stays_half_precision_and_the_update_is_full():
    x = random(0, 1, 2, 3).bfloat16()
    h = down(x, random(1, 2, 3), 0.0, False)
    assert h.dtype == torch.float32
    assert up(torch.zeros(1, 2, 4, dtype=torch.bfloat16), h, random(2, 4, 2)).dtype == torch.bfloat16


def test_dropout_zeroes_a_share_of_the_input_in_training_only():
    x, eye = torch.ones(64, 64), torch.eye(64)
    dropped = down(x, eye, 0.25, True)
    assert 0.2 < float((dropped == 0).float().mean()) < 0.3
    assert dropped.unique().tolist() == pytest.approx([0.0, 1 / 0.75])
    assert torch.equal(down(x, eye, 0.25, False), x)
