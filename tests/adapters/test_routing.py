"""What routed layers are told about a pass: real, prompt and picture positions, and what outlives a pass."""

from types import SimpleNamespace

import pytest
import torch

from cvit_bench.adapters.routing import IGNORED, Routing
from cvit_bench.errors import CvitBenchError

PICTURE = 3
IDS = torch.tensor([[0, 0, 1, 3, 3, 8], [1, 3, 3, 8, 9, 9]])
MASK = torch.tensor([[0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]])
WHERE = ("real", "prompt", "seen")
LABELS = torch.tensor([[IGNORED] * 5 + [8], [IGNORED] * 4 + [9, 9]])


def observed(ids=IDS, mask=MASK, labels=LABELS, decoding=False, routing=None):
    routing = routing or Routing()
    routing.observe(ids, mask, labels, PICTURE, decoding)
    return routing


def chosen(tasks):
    """A selector, as the routing context knows one, that always says the same."""
    return SimpleNamespace(select=lambda routing: torch.tensor(tasks))


def test_positions_are_told_apart():
    routing = observed()
    assert torch.equal(routing.real, MASK.bool())
    assert torch.equal(routing.prompt, MASK.bool() & (LABELS == IGNORED))
    assert torch.equal(routing.visual, IDS == PICTURE)
    assert (routing.num_samples, routing.ragged) == (2, True)


def test_without_labels_everything_real_is_prompt_and_without_a_mask_everything_is_real():
    routing = observed(mask=None, labels=None)
    assert routing.real.all()
    assert routing.prompt.all()
    assert not routing.ragged


def test_picture_tokens_under_padding_are_no_pictures():
    routing = observed(mask=torch.zeros_like(MASK))
    assert not routing.visual.any()


def test_while_decoding_the_mask_covers_the_cache():
    routing = observed()
    mask = torch.cat([MASK, torch.ones(2, 1, dtype=torch.long)], 1)
    observed(torch.full((2, 1), 8), mask, None, True, routing)
    assert routing.real.tolist() == [[True], [True]]


def test_a_new_prompt_forgets_the_last_one_and_a_decoded_token_does_not():
    routing = observed()
    for decoding in (True, False):
        routing.kept["l", "gates"] = routing.image_embeddings = torch.ones(2, 2)
        routing.extra_loss.append(torch.ones(()))
        observed(decoding=decoding, routing=routing)
        assert bool(routing.kept) == decoding
        assert (routing.image_embeddings is not None) == decoding
        assert routing.extra_loss == []
    assert routing.passes == 3


def test_a_generation_that_failed_leaves_nothing_to_the_next_one():
    routing = Routing(selector=chosen([1, 0]))
    routing.observe_ahead(IDS, MASK, PICTURE)
    assert routing.task_rows().tolist() == [1, 0]
    routing.selector = chosen([0, 1])
    routing.observe_ahead(IDS, MASK, PICTURE)
    assert routing.task_rows().tolist() == [0, 1]


def test_what_was_decided_ahead_is_kept_by_all_passes_of_a_generation():
    routing = Routing(selector=chosen([1, 0]))
    routing.observe_ahead(IDS, MASK, PICTURE)
    routing.task_rows()
    routing.selector = chosen([0, 1])
    assert observed(routing=routing).task_rows().tolist() == [1, 0]
    assert observed(routing=routing).task_rows().tolist() == [1, 0]
    routing.generating = False
    assert observed(routing=routing).task_rows().tolist() == [0, 1]


def test_tasks_are_selected_once_a_prompt():
    routing = observed(routing=Routing(selector=chosen([1, 1])))
    assert routing.task_rows().tolist() == [1, 1]
    routing.selector = chosen([0, 0])
    observed(IDS[:, :1], MASK, None, True, routing)
    assert routing.task_rows().tolist() == [1, 1]
    routing.tasks = torch.tensor([0, 1])
    assert routing.task_rows().tolist() == [0, 1]


def test_positions_and_rows_are_made_once_a_pass():
    routing = observed()
    first = [routing.positions("prompt"), routing.rows(8), routing.with_picture]
    again = [routing.positions("prompt"), routing.rows(8), routing.with_picture]
    assert all(one is other for one, other in zip(first, again, strict=True))
    observed(IDS[:, 2:], MASK[:, 2:], LABELS[:, 2:], routing=routing)
    assert routing.positions("prompt").mask.tolist() == [
        [True, True, True, False],
        [True, True, False, False],
    ]
    assert routing.rows(6).owner.tolist() == [0] * 4 + [1] * 2
    assert routing.with_picture.tolist() == [True, True]


def test_all_positions_are_taken_where_none_is_padding_or_answer():
    taken = {
        (mask is None, labels is None): [observed(IDS, mask, labels).takes_all(where) for where in WHERE]
        for mask in (MASK, None)
        for labels in (LABELS, None)
    }
    assert taken[True, True] == [True, True, False]
    assert taken[True, False] == [True, False, False]
    assert taken[False, True] == taken[False, False] == [False, False, False]


def test_a_prompt_without_a_picture_is_looked_at_whole():
    ids = torch.tensor([[1, 3, 8, 9], [1, 8, 8, 9]])
    routing = observed(ids, None, torch.tensor([[IGNORED] * 3 + [9]] * 2))
    assert routing.positions("seen").mask.tolist() == [[False, True, False, False], [True, True, True, False]]


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: Routing().num_samples, "before its model told it about the batch"),
        (lambda: observed().task_rows(), "no task is set and this adapter has no selector"),
        (lambda: observed(routing=Routing(tasks=torch.zeros(3))).task_rows(), "3 tasks for 2 samples"),
        (lambda: observed().instruction_rows(), "no instruction embeddings"),
        (lambda: observed(routing=Routing(torch.zeros(1, 4))).instruction_rows(), "1 instruction embeddings"),
        (lambda: observed(None, None, None), "need input_ids"),
        (lambda: observed(mask=torch.ones(2, 1, 6, 6)), "a mask of one row a sample"),
    ],
)
def test_what_is_missing_is_named(ask, message):
    with pytest.raises(CvitBenchError, match=message):
        ask()
