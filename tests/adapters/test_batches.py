"""A sample goes the same way and gets the same answer alone, in a batch, and with padding on either side."""

import pytest
import torch

CASES = {
    "smolora": {},
    "smolora-visual": {"vu_pooling": "visual"},
    "smolora-prompt": {"vu_pooling": "prompt_only", "decode_route": "cached"},
    "branchlora": {},
    "branchlora-mean": {"router_input": "mean"},
    "branchlora-token": {"router_input": "token", "gate_norm": "renorm"},
    "branchlora-projector": {"projector": "adapt"},
    "branchlora-projectors": {"per_task_projector": True},
    "moelora": {"projector": "adapt"},
    "hydralora": {},
    "olora": {},
}
TASKS = [1, 0, 1]


@pytest.fixture(scope="module", params=CASES)
def adapted(request, adapt, shake):
    return shake(adapt(request.param.partition("-")[0], **CASES[request.param]))


def passed(adapted, batch, routing, notes):
    """Return each sample's log-probabilities at its real positions, and what was recorded."""
    notes.clear()
    with torch.no_grad():
        found = adapted(**batch).logits.log_softmax(-1)
    at = batch["attention_mask"].bool()
    return [row[mask] for row, mask in zip(found, at, strict=True)], dict(notes)


def test_alone_and_in_a_batch_padded_left_or_right(adapted, make_rows, make_batch, tell, listen):
    rows = make_rows()
    routing = tell(adapted, TASKS)
    instructions, tasks = routing.instructions, routing.tasks
    notes = listen(adapted)
    together = {left: passed(adapted, make_batch(rows, left, True), routing, notes) for left in (False, True)}
    for number, row in enumerate(rows):
        routing.instructions, routing.tasks = instructions[[number]], tasks[[number]]
        (alone,), said = passed(adapted, make_batch([row], labels=True), routing, notes)
        for found, told in together.values():
            torch.testing.assert_close(found[number], alone, rtol=1e-4, atol=1e-4)
            assert said or not told
            for place, values in said.items():
                torch.testing.assert_close(told[place][[number]], values, rtol=1e-4, atol=1e-5)


def test_other_samples_of_a_batch_make_no_difference(adapted, make_rows, make_batch, tell, listen):
    tell(adapted, TASKS)
    notes, rows = listen(adapted), make_rows()
    others = [rows[0], *make_rows(seed=8)[1:]]
    (one, *_), (other, *_) = (
        passed(adapted, make_batch(batch, True), None, notes)[0] for batch in (rows, others)
    )
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_what_stands_at_padding_makes_no_difference(adapted, make_rows, make_batch, tell, listen):
    tell(adapted, TASKS)
    notes, batch = listen(adapted), make_batch(make_rows(), left=True)
    noisy = dict(batch, input_ids=torch.where(batch["attention_mask"].bool(), batch["input_ids"], 11))
    one, other = (passed(adapted, given, None, notes)[0] for given in (batch, noisy))
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def test_a_mixed_batch_gives_each_sample_its_own_task(adapt, shake, make_rows, make_batch, tell):
    adapted = shake(adapt("branchlora", per_task_projector=True))
    batch = make_batch(make_rows(), left=True)
    found = {}
    for tasks in ([0, 0, 0], [1, 1, 1], [1, 0, 1]):
        tell(adapted, tasks)
        with torch.no_grad():
            found[tuple(tasks)] = adapted(**batch).logits
    for sample, task in enumerate([1, 0, 1]):
        torch.testing.assert_close(found[1, 0, 1][sample], found[(task,) * 3][sample], rtol=1e-4, atol=1e-4)
        assert (found[1, 0, 1][sample] - found[(1 - task,) * 3][sample]).abs().max() > 0.01


def test_the_first_token_router_says_the_same_for_all_prompts_of_a_task(
    adapt, shake, make_rows, make_batch, tell
):
    adapted = shake(adapt("branchlora"))
    routing = tell(adapted, [1, 1, 1])
    with torch.no_grad():
        adapted(**make_batch(make_rows((True, True, False)), left=True))
    gates = [values for (_, name), values in routing.kept.items() if name == "gates"]
    assert len(gates) == 14
    for values in gates:
        torch.testing.assert_close(values, values[:1].expand(3, -1), rtol=1e-4, atol=1e-6)
