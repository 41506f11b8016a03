"""Likelihoods of given answers, packed or step by step, are those that generation gives these tokens."""

import pytest
import torch

from cvit_bench.models import ranking_packed
from cvit_bench.models.prefix import first_pass
from cvit_bench.models.ranking_packed import packed_sums
from cvit_bench.models.ranking_stepwise import stepwise_sums

END = 2
ANSWERS = [
    [[5], [7, 9, 11], [7, 9], [], [44, 4, 6]],
    [[12, 13], [30]],
    [[8, 8, 8, 8], [5], [21, 22]],
]
CASES = {
    "smolora": {},
    "smolora-cached": {"vu_pooling": "visual", "decode_route": "cached"},
    "smolora-sequence": {"decode_route": "cached"},
    "branchlora": {},
    "branchlora-token": {"router_input": "token"},
    "branchlora-projectors": {"per_task_projector": True},
    "moelora": {},
    "hydralora": {},
    "olora": {},
}


@torch.inference_mode()
def generated(model, batch, row, answer):
    """Return Σ ln p of an answer and its end in a generation that is made to say them."""
    one = {name: values[row : row + 1] for name, values in batch.items() if name != "pixel_values"}
    with_picture = (batch["input_ids"] == 3).any(1)
    if with_picture[row]:
        at = int(with_picture[:row].sum())
        one["pixel_values"] = batch["pixel_values"][at : at + 1]
    said, length = [*answer, END], one["input_ids"].shape[1]
    out = model.generate(
        **one,
        max_new_tokens=len(said),
        do_sample=False,
        prefix_allowed_tokens_fn=lambda _, ids: [said[min(len(ids) - length, len(said) - 1)]],
        return_dict_in_generate=True,
        output_logits=True,
    )
    assert out.sequences[0, length:].tolist() == said
    steps = zip(out.logits, said, strict=True)
    return sum(logits[0].log_softmax(-1)[token].item() for logits, token in steps)


def read(model, batch):
    """Read prompts as a generation does."""
    with first_pass(model, batch) as found:
        model.generate(**batch, max_new_tokens=1, do_sample=False)
    return found[0]


def told(tell, adapted, rows):
    routing = tell(adapted, [0, 1, 1])
    routing.tasks, routing.instructions = routing.tasks[rows], routing.instructions[rows]


@pytest.mark.parametrize("case", CASES)
def test_as_generation_has_it(adapt, shake, make_rows, make_batch, tell, case):
    adapted = shake(adapt(case.partition("-")[0], **CASES[case]))
    tuner, batch = adapted.base_model, make_batch(make_rows(), left=True)
    assert tuner.prefix_shareable
    wanted = []
    for row, answers in enumerate(ANSWERS):
        told(tell, adapted, [row])
        wanted.append([generated(adapted, batch, row, answer) for answer in answers])
    told(tell, adapted, [0, 1, 2])
    ways = {
        "stepwise": lambda read_: stepwise_sums(adapted, read_, ANSWERS, END, tuner.routing),
        "packed": lambda read_: packed_sums(adapted, read_, ANSWERS, END),
    }
    for name, way in ways.items():
        with torch.inference_mode():
            found = way(read(adapted, batch))
        for row, values in enumerate(wanted):
            assert found[row] == pytest.approx(values, abs=1e-3), name


def test_large_sets_are_cut(make_base, make_rows, make_batch, monkeypatch):
    base, batch = make_base(), make_batch(make_rows(), left=True)
    with torch.inference_mode():
        whole = packed_sums(base, read(base, batch), ANSWERS, END)
        monkeypatch.setattr(ranking_packed, "_ROOM", 4 * read(base, batch).first.numel())
        calls = []
        base.register_forward_hook(lambda *_: calls.append(1))
        pieces = packed_sums(base, read(base, batch), ANSWERS, END)
    assert len(calls) == 1 + 2
    for one, other in zip(whole, pieces, strict=True):
        assert one == pytest.approx(other, abs=1e-4)


def test_what_answers_begin_with_alike_is_read_once(make_base, make_rows, make_batch):
    base, batch = make_base(), make_batch(make_rows(), left=True)
    with torch.inference_mode():
        prefix, widths = read(base, batch), []
        base.register_forward_pre_hook(
            lambda _, args, kwargs: widths.append(kwargs["input_ids"].shape[1]), with_kwargs=True
        )
        packed_sums(base, prefix, ANSWERS, END)
        packed_sums(base, prefix, [[[7, 9, 11], [7, 9], [7, 9, 4], [7]], [[7]], []], END)
    assert widths == [7, 4]


def test_the_batch_stays_told_after_rows_of_their_own(adapt, shake, make_rows, make_batch, tell):
    adapted = shake(adapt("smolora"))
    told(tell, adapted, [0, 1, 2])
    routing = adapted.base_model.routing
    before, tasks = routing.instructions, routing.tasks
    with torch.inference_mode():
        prefix = read(adapted, make_batch(make_rows(), left=True))
        kept = dict(routing.kept)
        stepwise_sums(adapted, prefix, ANSWERS, END, routing)
    assert routing.instructions is before
    assert routing.tasks is tasks
    assert routing.kept == kept
