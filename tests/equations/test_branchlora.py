"""BranchLoRA equals its equations: a router for each task, k branches, one shared projection before them."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cvit_bench.adapters.branchlora import Config, Update
from cvit_bench.adapters.core import History, Place
from cvit_bench.adapters.routing import Routing

SEEDS = st.integers(0, 2**32 - 1)
STREAMS = st.sampled_from(["text", "vision"])
SIZES = st.integers(1, 5)


@st.composite
def cases(draw):
    """A configuration and, by task, how many branches there were and which of them are closed."""
    first, rank = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    config = Config(
        rank=first * rank,
        alpha=draw(st.floats(0.5, 8)),
        num_branches=first,
        top_k=draw(st.integers(1, first)),
        gate_norm=draw(st.sampled_from(["mask", "renorm"])),
        router_input=draw(st.sampled_from(["first", "mean", "token"])),
    )
    grown = draw(st.lists(st.integers(0, 2), max_size=2))
    widths = [first + sum(grown[:at]) for at in range(len(grown) + 1)]
    closed = [draw(st.sets(st.integers(0, width - 1), max_size=width - 1)) for width in widths]
    return config, widths, closed


def gates_of(config, scores, closed, softmax):
    """w_n: softmax over the branches that are open, kept for the k largest; renorm: over those k only."""
    open_ = [n for n in range(len(scores)) if n not in closed]
    kept = sorted(open_, key=lambda n: -scores[n].item())[: config.top_k]
    among = kept if config.gate_norm == "renorm" else open_
    weights = dict(zip(among, softmax([scores[n] for n in among]), strict=True))
    return {n: weights[n] for n in kept}


def routed_by(config, batch, at):
    """The router's input for a position: first token of its sample, mean of its prompt, or itself."""
    sample = batch.owner[at]
    if config.router_input == "token":
        return batch.flat[at]
    if config.router_input == "mean":
        return batch.mean(batch.prompt, sample)
    return batch.flat[batch.real[sample][0]]


def prepared(case, batch, sizes, fill, seed, data):
    config, widths, closed = case
    tasks = tuple(f"t{number}" for number in range(len(widths)))
    place = Place("l", batch.modality, *sizes)
    update = Update(place, config, History(tasks, tuple(widths))).eval()
    fill(update, seed)
    for router, shut in zip(update.tasks, closed, strict=True):
        router.mass.zero_()
        for branch in shut:
            router.closed[branch] = True
    size = len(batch.real)
    chosen = data.draw(st.lists(st.integers(0, len(widths) - 1), min_size=size, max_size=size), "tasks")
    batch.routing.tasks = torch.tensor(chosen)
    return update


def update_at(config, x_t, weights, gates):
    total = torch.zeros(weights["branches.0.up"].shape[0], dtype=torch.float64)
    for n, w_n in gates.items():
        B_n = weights[f"branches.{n}.up"]
        total = total + config.alpha / config.rank * w_n * (B_n @ (weights["down"] @ x_t))
    return total


@settings(max_examples=120)
@given(SEEDS, cases(), STREAMS, SIZES, SIZES, st.data())
def test_the_layer_is_its_equations(
    draw_batch, fill, agree, softmax, seed, case, modality, width_in, width_out, data
):
    config, widths, closed = case
    batch = draw_batch(data, modality, width_in)
    update = prepared(case, batch, (width_in, width_out), fill, seed, data)

    def written_out(at, weights):
        task = int(batch.routing.tasks[batch.owner[at]])
        source = routed_by(config, batch, at)
        scores = [row @ source for row in weights[f"tasks.{task}.router"]]
        assert len(scores) == widths[task]
        return update_at(config, batch.flat[at], weights, gates_of(config, scores, closed[task], softmax))

    agree(update, batch, width_out, written_out, tuple(dict(update.named_parameters())))


@settings(max_examples=40)
@given(SEEDS, cases(), st.data())
def test_a_decoded_token_keeps_the_route_of_its_prompt(draw_batch, fill, decode, softmax, seed, case, data):
    config, _, closed = case
    batch = draw_batch(data, "text", 4)
    update = prepared(case, batch, (4, 3), fill, seed, data)
    tokens, found = decode(update, batch, 3, seed)
    weights = {name: weight.detach().double() for name, weight in update.named_parameters()}
    for sample, x_t in enumerate(tokens):
        task = int(batch.routing.tasks[sample])
        source = x_t if config.router_input == "token" else routed_by(config, batch, batch.real[sample][0])
        scores = [row @ source for row in weights[f"tasks.{task}.router"]]
        wanted = update_at(config, x_t, weights, gates_of(config, scores, closed[task], softmax))
        torch.testing.assert_close(found[sample], wanted, rtol=1e-5, atol=1e-5)


def test_one_task_of_one_branch_is_plain_lora():
    config = Config(rank=3, alpha=6.0, num_branches=1, top_k=1, gate_norm="renorm", a_init="kaiming")
    update = Update(Place("l", "text", 4, 5), config, History()).eval()
    update.start(None)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        update.branches[0].up.copy_(torch.randn(5, 3, generator=generator))
    x, W = torch.randn(2, 6, 4, generator=generator), torch.randn(5, 4, generator=generator)
    routing = Routing(tasks=torch.tensor([0, 0]))
    routing.observe(torch.full((2, 6), 7), None, None, 3, False)
    wanted = x @ W.t() + 2.0 * (x @ update.down.t()) @ update.branches[0].up.t()
    torch.testing.assert_close(update.add_to(x @ W.t(), x, routing), wanted)
