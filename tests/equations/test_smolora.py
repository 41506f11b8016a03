"""SMoLoRA equals its equations: two routed groups of blocks, fused token by token, in every variant."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cvit_bench.adapters.core import History, Place
from cvit_bench.adapters.routing import Routing
from cvit_bench.adapters.smolora import Config, Update
from cvit_bench.resources import INSTRUCTION_WIDTH

SEEDS = st.integers(0, 2**32 - 1)
STREAMS = st.sampled_from(["text", "vision"])
SIZES = st.integers(1, 5)
WAYS = ("none", "softmax_weight", "straight_through")


@st.composite
def configs(draw, **fixed):
    group, rank = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    pooling = draw(st.sampled_from(["sequence", "prompt_only", "visual"]))
    route = "cached" if pooling == "prompt_only" else draw(st.sampled_from(["per_token", "cached"]))
    values = {
        "rank": 2 * group * rank,
        "alpha": draw(st.floats(0.5, 8)),
        "num_experts": 2 * group,
        "top_k": draw(st.integers(1, group)),
        "router_grad": draw(st.sampled_from(WAYS)),
        "vu_pooling": pooling,
        "decode_route": route,
        "fusion": draw(st.sampled_from(["adaptive", "sum", "mean"])),
    }
    return Config(**{**values, **fixed})


def prepared(config, batch, sizes, fill, seed):
    update = Update(Place("l", batch.modality, *sizes), config, History()).eval()
    fill(update, seed)
    generator = torch.Generator().manual_seed(seed)
    batch.routing.instructions = torch.randn(len(batch.real), INSTRUCTION_WIDTH, generator=generator)
    return update


def gates_of(config, scores, softmax):
    """g = softmax over the k largest scores; with softmax_weight the softmax over all of them, cut."""
    kept = sorted(range(len(scores)), key=lambda at: -scores[at].item())[: config.top_k]
    if config.router_grad == "softmax_weight":
        weights = softmax(scores)
        return [weights[e] if e in kept else 0.0 for e in range(len(scores))]
    weights = dict(zip(kept, softmax([scores[e] for e in kept]), strict=True))
    return [weights.get(e, 0.0) for e in range(len(scores))]


def looked_at(config, batch, sample):
    """The positions of which the VU router takes the mean."""
    if config.vu_pooling == "sequence":
        return batch.real[sample]
    if config.vu_pooling == "visual" and batch.seen[sample]:
        return batch.seen[sample]
    return batch.prompt[sample]


def scores_of(update, batch, sample):
    """R_vu · mean(x) and R_if · q of a sample, in double precision."""
    positions = looked_at(update.config, batch, sample)
    mean = batch.mean({sample: positions}, sample)
    q = batch.routing.instructions[sample].double()
    vu, by_instruction = update.vu_router.detach().double(), update.if_router.detach().double()
    return [row @ mean for row in vu], [row @ q for row in by_instruction]


def output_at(config, x_t, weights, gates, softmax):
    """α U + β F at one position, expert after expert."""
    group, rank = config.num_experts // 2, config.rank // config.num_experts
    parts = []
    for first, chosen in zip((0, group), gates, strict=True):
        total = torch.zeros(len(weights["up"]), dtype=torch.float64)
        for n in range(group):
            block = slice((first + n) * rank, (first + n + 1) * rank)
            E = config.alpha / config.rank * (weights["up"][:, block] @ (weights["down"][block] @ x_t))
            total = total + chosen[n] * E
        parts.append(total)
    U, F = parts
    alpha, beta = {"sum": (1.0, 1.0), "mean": (0.5, 0.5)}.get(config.fusion) or softmax(
        [weights["fusion"][0] @ U, weights["fusion"][1] @ F]
    )
    return alpha * U + beta * F


@settings(max_examples=80)
@given(SEEDS, configs(), STREAMS, SIZES, SIZES, st.data())
def test_the_layer_is_its_equations(
    draw_batch, fill, agree, softmax, seed, config, modality, width_in, width_out, data
):
    batch = draw_batch(data, modality, width_in)
    update = prepared(config, batch, (width_in, width_out), fill, seed)

    def written_out(at, weights):
        scores = scores_of(update, batch, batch.owner[at])
        gates = [gates_of(config, group, softmax) for group in scores]
        return output_at(config, batch.flat[at], weights, gates, softmax)

    agree(update, batch, width_out, written_out, ("down", "up", "fusion"))


@settings(max_examples=40)
@given(SEEDS, st.data())
def test_routers_learn_as_their_setting_says(draw_batch, fill, softmax, seed, data):
    way = data.draw(st.sampled_from(WAYS[1:]))
    config = data.draw(configs(router_grad=way))
    batch = draw_batch(data, data.draw(STREAMS), 3)
    update = prepared(config, batch, (3, 4), fill, seed)
    scores = [scores_of(update, batch, sample) for sample in range(len(batch.real))]
    gates = [[torch.stack(group) for group in pair] for pair in scores]
    gates = [
        [torch.tensor(gates_of(config, list(g), softmax)).double().requires_grad_() for g in pair]
        for pair in gates
    ]
    weights = {name: weight.detach().double() for name, weight in update.named_parameters()}
    rows = [
        output_at(config, batch.flat[at], weights, gates[sample], softmax)
        for at, sample in enumerate(batch.owner)
    ]
    pull = torch.randn(len(rows), 4, generator=torch.Generator().manual_seed(seed))
    (torch.stack(rows) * pull.double()).sum().backward()
    output = update.add_to(torch.zeros(*batch.x.shape[:-1], 4), batch.x, batch.routing)
    (output.reshape(-1, 4) * pull).sum().backward()
    means = [batch.mean({s: looked_at(config, batch, s)}, s) for s in range(len(scores))]
    queries = batch.routing.instructions.double()
    for group, (router, inputs) in enumerate([(update.vu_router, means), (update.if_router, queries)]):
        wanted = torch.zeros_like(router, dtype=torch.float64)
        for sample, pair in enumerate(gates):
            p = torch.stack(softmax(scores[sample][group]))
            pulled = pair[group].grad if pair[group].grad is not None else torch.zeros_like(p)
            if way == "softmax_weight":
                pulled = pulled * (pair[group] > 0)
            wanted += torch.outer(p * (pulled - (p * pulled).sum()), inputs[sample])
        torch.testing.assert_close(router.grad.double(), wanted, rtol=1e-4, atol=1e-4)


@settings(max_examples=40)
@given(SEEDS, configs(), st.data())
def test_a_decoded_token_takes_the_route_of_its_setting(
    draw_batch, fill, decode, softmax, seed, config, data
):
    batch = draw_batch(data, "text", 4)
    update = prepared(config, batch, (4, 5), fill, seed)
    tokens, found = decode(update, batch, 5, seed)
    weights = {name: weight.detach().double() for name, weight in update.named_parameters()}
    for sample, x_t in enumerate(tokens):
        vu, by_instruction = scores_of(update, batch, sample)
        if config.decode_route == "per_token":
            vu = [row @ x_t for row in update.vu_router.detach().double()]
        gates = [gates_of(config, group, softmax) for group in (vu, by_instruction)]
        wanted = output_at(config, x_t, weights, gates, softmax)
        torch.testing.assert_close(found[sample], wanted, rtol=1e-5, atol=1e-5)


def test_the_groups_drop_inputs_of_their_own_and_only_in_training():
    config = Config(rank=2, alpha=2.0, num_experts=2, dropout=0.5, fusion="sum")
    update = Update(Place("l", "text", 64, 2), config, History())
    routing = Routing(instructions=torch.ones(1, INSTRUCTION_WIDTH))
    routing.observe(torch.full((1, 500), 7), None, None, None, False)
    update.start(None)
    with torch.no_grad():
        update.down.copy_(torch.eye(64)[:1].expand(2, 64))
        update.up.copy_(torch.eye(2))
    added = update.train().add_to(torch.zeros(1, 500, 2), torch.ones(1, 500, 64), routing)[0]
    assert not torch.equal(added[:, 0], added[:, 1])
    assert all(0.4 < (added[:, group] == 0).float().mean().item() < 0.6 for group in range(2))
    assert torch.equal(
        update.eval().add_to(torch.zeros(1, 500, 2), torch.ones(1, 500, 64), routing), torch.ones(1, 500, 2)
    )
