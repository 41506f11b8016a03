"""Answers with a cache equal answers without one where routes are fixed by the prompt."""

import pytest
import torch

STEPS, PICTURE = 5, 3
SAME = {
    "smolora": {"vu_pooling": "visual", "decode_route": "cached"},
    "branchlora": {},
    "branchlora-token": {"router_input": "token"},
    "branchlora-adapt": {"projector": "adapt", "per_task_projector": False},
    "branchlora-projectors": {"per_task_projector": True},
    "moelora": {},
    "hydralora": {},
}


def answer(adapted, batch, use_cache=True):
    """Return the new tokens [B, STEPS], none of them a picture's, and their scores [STEPS, B, words]."""
    out = adapted.generate(
        **batch,
        max_new_tokens=STEPS,
        min_new_tokens=STEPS,
        do_sample=False,
        suppress_tokens=[PICTURE],
        use_cache=use_cache,
        return_dict_in_generate=True,
        output_logits=True,
    )
    return out.sequences[:, batch["input_ids"].shape[1] :], torch.stack(out.logits)


@pytest.mark.parametrize("case", SAME)
def test_with_a_cache_as_without(adapt, shake, make_rows, make_batch, tell, case):
    adapted = shake(adapt(case.partition("-")[0], **SAME[case]))
    tell(adapted, [0, 1, 1])
    batch = make_batch(make_rows((True, True, True)), left=True)
    (cached, scores), (whole, wanted) = answer(adapted, batch), answer(adapted, batch, use_cache=False)
    assert cached.tolist() == whole.tolist()
    torch.testing.assert_close(scores, wanted, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("weights", [(1.0, 1.0), (1.0, 0.0), (0.0, 1.0)], ids=["both", "image", "text"])
def test_a_selected_task_is_kept_while_decoding(adapt, shake, make_rows, make_batch, tell, weights):
    settings = dict(zip(("image_weight", "text_weight"), weights, strict=True))
    adapted = shake(adapt("branchlora", per_task_projector=True, **settings))
    tuner, tasks = adapted.base_model, [1, 0, 1]
    routing = tell(adapted, tasks)
    batch = make_batch(make_rows((True, True, True)), left=True)
    adapted.train()
    adapted(**batch)
    tuner.close_stage()
    adapted.eval()
    told = answer(adapted, batch)
    routing.tasks = None
    for use_cache in (True, False):
        found = answer(adapted, batch, use_cache)
        assert routing.task_rows().tolist() == tasks
        assert found[0].tolist() == told[0].tolist()


def test_decode_routes_agree_on_the_first_token_and_part_afterwards(
    adapt, shake, make_rows, make_batch, tell
):
    batch = make_batch(make_rows(), left=True)
    found = {}
    for route in ("per_token", "cached"):
        adapted = shake(adapt("smolora", decode_route=route))
        tell(adapted, [0, 0, 0])
        found[route] = answer(adapted, batch)[1]
    gap = (found["per_token"] - found["cached"]).abs().amax((1, 2))
    assert gap[0] == 0
    assert gap[1] > 1e-2


@pytest.mark.parametrize("pooling", ["sequence", "prompt_only"])
def test_without_a_cache_a_route_sees_prompt_and_answer_so_far(
    adapt, shake, make_rows, make_batch, tell, pooling
):
    batch = make_batch(make_rows((True, True, True)), left=True)
    routes = ("cached", "per_token") if pooling == "sequence" else ("cached",)
    found, cached = {}, {}
    for route in routes:
        adapted = shake(adapt("smolora", decode_route=route, vu_pooling=pooling))
        tell(adapted, [0, 0, 0])
        cached[route], found[route] = answer(adapted, batch)[1], answer(adapted, batch, use_cache=False)[1]
    for route in routes:
        assert torch.equal(found[route], found["cached"])
        gap = (found[route] - cached[route]).abs().amax((1, 2))
        assert gap[0] < 1e-4
        assert gap[1:].max() > 1e-2


def test_without_a_cache_the_mean_that_branchlora_may_look_at_takes_in_the_answer(
    adapt, shake, make_rows, make_batch, tell
):
    adapted = shake(adapt("branchlora", router_input="mean"))
    tell(adapted, [0, 1, 1])
    batch = make_batch(make_rows((True, True, True)), left=True)
    gap = (answer(adapted, batch)[1] - answer(adapted, batch, use_cache=False)[1]).abs().amax((1, 2))
    assert gap[0] < 1e-4
    assert gap[1:].max() > 1e-2


@pytest.mark.parametrize("case", ["smolora-per_token", "smolora-cached", "branchlora", "moelora"])
def test_a_batch_answers_like_its_samples(adapt, shake, make_rows, make_batch, tell, case):
    method, _, route = case.partition("-")
    adapted = shake(adapt(method, **({"decode_route": route} if route else {})))
    routing = tell(adapted, [0, 1, 1])
    instructions, tasks = routing.instructions, routing.tasks
    rows = make_rows()
    together = answer(adapted, make_batch(rows, left=True))[0]
    for number, row in enumerate(rows):
        routing.instructions, routing.tasks = instructions[[number]], tasks[[number]]
        assert answer(adapted, make_batch([row]))[0].tolist() == together[[number]].tolist()


def test_a_second_prompt_is_routed_anew(adapt, shake, make_rows, make_batch, tell):
    adapted = shake(adapt("smolora", decode_route="cached"))
    tell(adapted, [0, 0, 0])
    one, other = (make_batch(make_rows(seed=seed), left=True) for seed in (3, 8))
    wanted = answer(adapted, other)[1]
    answer(adapted, one)
    assert torch.equal(answer(adapted, other)[1], wanted)
