"""Which branches are frozen: most used ones, by count or mass, by layer or model; how fast they run out."""

from itertools import combinations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cvit_bench.adapters.branchlora import Config, Update
from cvit_bench.adapters.core import History, Place
from cvit_bench.adapters.freezing import branches_to_freeze
from cvit_bench.adapters.routing import Routing
from cvit_bench.errors import CvitBenchError

TABLE = {
    2: (2.00, 0.54, 0.43, 0.04),
    3: (3.50, 0.29, 0.55, 0.16),
    4: (4.63, 0.15, 0.54, 0.31),
    5: (5.47, 0.08, 0.47, 0.45),
    6: (6.10, 0.04, 0.39, 0.57),
    7: (6.58, 0.02, 0.31, 0.67),
    8: (6.93, 0.01, 0.24, 0.75),
}


def used(counts, mass=None, frozen=()):
    """A layer's usage."""
    shut = torch.tensor([n in frozen for n in range(len(counts))])
    return torch.tensor(counts).double(), torch.tensor(mass or counts).double(), shut


def frozen_by(usage, k=2, stat="count", scope="linear", new_only=False):
    found = branches_to_freeze({"l": usage} if isinstance(usage, tuple) else usage, k, stat, scope, new_only)
    return {name: sorted(branches) for name, branches in found.items()}


def test_branches_run_out_as_the_exact_chain_says():
    chances = {0: 1.0}
    for task in range(1, 9):
        kinds, after = [0.0, 0.0, 0.0], {}
        for count, chance in chances.items():
            before = set(range(count))
            for pair in combinations(range(8), 2):
                kinds[len(before & set(pair))] += chance / 28
                usage = used([5 if n in pair else 0 for n in range(8)], frozen=before)
                union = before | set(frozen_by(usage)["l"])
                after[len(union)] = after.get(len(union), 0.0) + chance / 28
        mean = sum(count * chance for count, chance in chances.items())
        if task > 1:
            assert (mean, *kinds) == pytest.approx(TABLE[task], abs=0.0051)
        chances = after


def test_the_most_used_ones_are_frozen():
    assert frozen_by(used([3, 9, 0, 7])) == {"l": [1, 3]}
    assert frozen_by(used([3, 9, 0, 7]), k=1) == {"l": [1]}


def test_ties_fall_to_the_other_statistic_and_then_to_the_lower_number():
    assert frozen_by(used([5, 5, 5, 5], [0.1, 0.4, 0.2, 0.4]), k=1) == {"l": [1]}
    assert frozen_by(used([5, 5, 5, 5], [0.1, 0.4, 0.2, 0.4]), k=3) == {"l": [1, 2, 3]}
    assert frozen_by(used([1, 3, 2, 9], [1.0, 1.0, 1.0, 0.5]), k=1, stat="mass") == {"l": [1]}


def test_mass_may_decide():
    assert frozen_by(used([9, 1, 1], [0.1, 0.5, 0.9]), stat="mass") == {"l": [1, 2]}


def test_what_was_never_used_is_not_frozen():
    assert frozen_by(used([0, 4, 0])) == {"l": [1]}
    assert frozen_by(used([0, 0, 0])) == {"l": []}


def test_new_ones_only_pass_over_what_is_frozen():
    assert frozen_by(used([9, 8, 7, 6], frozen=[0, 2])) == {"l": [0, 1]}
    assert frozen_by(used([9, 8, 7, 6], frozen=[0, 2]), new_only=True) == {"l": [1, 3]}


def test_usage_is_summed_over_a_decoder_layer_or_the_model():
    usage = {
        "m.layers.0.mlp.up_proj": used([9, 0, 4]),
        "m.layers.0.mlp.down_proj": used([0, 8, 5]),
        "m.layers.1.mlp.up_proj": used([1, 20, 2]),
    }
    up, down, other = usage
    assert frozen_by(usage, k=1) == {up: [0], down: [1], other: [1]}
    assert frozen_by(usage, k=2, scope="layer") == {up: [0, 2], down: [0, 2], other: [1, 2]}
    assert frozen_by(usage, k=1, scope="global") == {up: [1], down: [1], other: [1]}


@given(st.lists(st.integers(0, 9), min_size=1, max_size=6), st.integers(1, 6))
def test_no_branch_left_over_was_used_more_than_a_frozen_one(counts, k):
    taken = frozen_by(used(counts), k=k)["l"]
    left = [counts[n] for n in range(len(counts)) if n not in taken]
    assert len(taken) == min(k, sum(count > 0 for count in counts))
    assert not taken or not left or min(counts[n] for n in taken) >= max(left)


def layer(name="m.layers.0.up", tasks=("a", "b"), **settings):
    """A layer in training whose routers say p = softmax of the input's first entries."""
    config = Config(**{"rank": 4, "num_branches": 4, "top_k": 2, "dropout": 0.0, **settings})
    update = Update(Place(name, "text", 4, 3), config, History(tuple(tasks), (4,) * len(tasks)))
    update.start(None)
    with torch.no_grad():
        for task in update.tasks:
            task.router.copy_(torch.eye(4))
    update.begin(0)
    return update.train()


def pass_through(updates, first, tasks, **changes):
    """One pass: `first` [samples, 4] is the input at each sample's first token."""
    routing = changes.pop("routing", Routing())
    routing.tasks = torch.tensor(tasks)
    routing.observe(torch.full((len(tasks), 5), 7), None, None, 3, False)
    for name, value in changes.items():
        setattr(routing, name, value)
    for update in updates:
        update.add_to(
            torch.zeros(len(tasks), 5, 3), torch.tensor(first).float().unsqueeze(1).expand(-1, 5, -1), routing
        )
    return routing


def closed(*updates):
    Update.close_stage({update.layer: update for update in updates})
    return [update.frozen.nonzero().flatten().tolist() for update in updates]


def test_usage_counts_how_often_a_task_took_a_branch():
    update = layer()
    routing = Routing()
    pass_through([update], [[4, 3, 0, 0], [4, 0, 3, 0], [0, 0, 3, 9]], [0, 0, 1], routing=routing)
    pass_through([update], [[4, 0, 3, 0]], [0], routing=routing)
    assert closed(update) == [[0, 2]]
    assert update.tasks[0].counts.tolist() == [3, 1, 2, 0]
    assert update.tasks[1].counts.tolist() == [0, 0, 1, 1]
    p = torch.tensor([4.0, 3.0, 0.0, 0.0]).softmax(0)[:2]
    assert update.tasks[0].mass[1].item() == pytest.approx(p[1].item(), rel=1e-6)
    assert update.tasks[0].mass[0].item() == pytest.approx(3 * p[0].item(), rel=1e-6)


def test_a_layer_that_runs_again_in_the_same_pass_counts_once():
    update = layer()
    routing = pass_through([update], [[4, 3, 0, 0]], [0])
    update.add_to(torch.zeros(1, 5, 3), torch.ones(1, 5, 4), routing)
    closed(update)
    assert update.tasks[0].counts.tolist() == [1, 1, 0, 0]


def test_passes_that_do_not_count_and_evaluation_leave_no_trace():
    update, routing = layer(), Routing()
    pass_through([update], [[4, 3, 0, 0]], [0], routing=routing, counts_usage=False)
    routing.counts_usage = True
    pass_through([update.eval()], [[4, 3, 0, 0]], [0], routing=routing)
    assert closed(update) == [[]]
    assert update.tasks[0].counts.tolist() == [0, 0, 0, 0]


def test_a_later_stage_counts_its_own_tasks_only_and_freezing_adds_up():
    update, routing = layer(), Routing()
    pass_through([update], [[4, 3, 0, 0]], [0], routing=routing)
    assert closed(update) == [[0, 1]]
    update.begin(1)
    pass_through([update], [[0, 4, 3, 0]], [1], routing=routing)
    assert closed(update) == [[0, 1, 2]]
    assert update.tasks[0].counts.tolist() == [1, 1, 0, 0]
    assert [branch.up.requires_grad for branch in update.branches] == [False, False, False, True]


def test_a_sample_without_a_picture_uses_no_branch_of_the_projector():
    config = Config(rank=4, num_branches=4, top_k=2, dropout=0.0, projector="adapt")
    update = Update(Place("p", "vision", 4, 3), config, History(("a",), (4,)))
    update.start(None)
    update.begin(0)
    with torch.no_grad():
        update.tasks[0].router.copy_(torch.eye(4))
    routing = Routing(tasks=torch.tensor([0, 0, 0]))
    routing.observe(torch.tensor([[1, 3, 3], [1, 8, 8], [1, 8, 8]]), None, None, 3, False)
    update.train().add_to(torch.zeros(2, 3), torch.tensor([[4.0, 3, 0, 0]]).expand(2, -1), routing)
    assert closed(update) == [[0, 1]]
    assert update.tasks[0].counts.tolist() == [1, 1, 0, 0]


def test_layers_freeze_apart_or_together():
    first = [[4, 3, 0, 0]]
    for scope, wanted in (("linear", [[0, 1], [0, 3]]), ("layer", [[0, 1], [0, 1]])):
        one, other = layer("m.layers.0.up", freeze_scope=scope), layer("m.layers.0.down", freeze_scope=scope)
        with torch.no_grad():
            other.tasks[0].router.copy_(torch.eye(4)[[0, 2, 3, 1]])
        routing = Routing()
        pass_through([one, other], first, [0], routing=routing)
        pass_through([one], first, [0], routing=routing)
        assert closed(one, other) == wanted


HISTORY = History(("a", "b"), (4, 4))
SPENT = {f"l.{n}.branches.{b}.frozen": torch.tensor(True) for n in range(2) for b in range(4)}
HALF = {**SPENT, "l.1.branches.2.frozen": torch.tensor(False), "l.0.branches.0.frozen": torch.tensor(False)}


def grown(state, **settings):
    config = Config(rank=8, num_branches=4, top_k=3, **settings)
    return Update.next_history(config, HISTORY, state, ["c"])


def test_the_first_stage_has_as_many_branches_as_its_setting_says():
    config = Config(rank=8, num_branches=4)
    assert Update.next_history(config, History(), {}, ["x", "y"]) == History(("x", "y"), (4, 4))


def test_branches_grow_only_where_wanted_and_where_a_layer_has_none_left(capsys):
    assert grown(HALF, on_exhausted="grow").branches == (4, 4, 4)
    assert capsys.readouterr() == ("", "")
    assert grown(SPENT, on_exhausted="grow") == History(("a", "b", "c"), (4, 4, 7))
    assert grown(SPENT, on_exhausted="reuse").branches == (4, 4, 4)
    assert "all branches of 2 layers are frozen" in "".join(capsys.readouterr())


def test_no_branch_left_may_be_an_error():
    with pytest.raises(CvitBenchError, match=r"on_exhausted: error: all 4 branches of 2 layers"):
        grown(SPENT, on_exhausted="error")
    assert grown(HALF, on_exhausted="error").branches == (4, 4, 4)


def test_a_task_is_learned_once():
    with pytest.raises(CvitBenchError, match="'b' has a router already"):
        Update.next_history(Config(), HISTORY, {}, ["b"])
