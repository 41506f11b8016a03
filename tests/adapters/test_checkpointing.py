"""Checkpointing changes no gradient and no count, and half precision is close."""

import warnings

import pytest
import torch

METHODS = ("smolora", "branchlora", "moelora", "hydralora", "olora")
LANGUAGE = "language_model"
TASKS = [1, 1, 1, 1]


@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_checkpointing_changes_no_gradient_and_no_count(grads, same, load, batch, method, reentrant):
    found = []
    for checkpointing in (False, True):
        adapted = load(method, learns=True)
        adapted.base_model.begin_stage(1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if checkpointing:
                adapted.enable_input_require_grads()
                adapted.gradient_checkpointing_enable({"use_reentrant": reentrant})
            found.append(grads(adapted, batch))
        adapted.base_model.close_stage()
        counts = [
            update.tasks[1].counts.sum().item()
            for name, update in adapted.base_model.updates.items()
            if method == "branchlora" and LANGUAGE in name
        ]
        assert set(counts) <= {8}
    same(found[1], found[0], rtol=1e-4, atol=1e-6)


def test_the_cost_of_frozen_branches_has_its_gradient_under_checkpointing(
    grads, same, adapt, shake, tell, batch
):
    found = []
    for checkpointing in (False, True):
        adapted = shake(adapt("branchlora", frozen_routes="penalise", frozen_penalty=50.0))
        tell(adapted, TASKS)
        for name, update in adapted.base_model.updates.items():
            for branch in update.branches[:2] if LANGUAGE in name else []:
                branch.frozen.fill_(True)
        if checkpointing:
            adapted.gradient_checkpointing_enable({"use_reentrant": False})
        found.append(grads(adapted, batch))
    same(found[1], found[0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("way", ["autocast", "base"])
@pytest.mark.parametrize("method", METHODS)
def test_half_precision_is_close(logits, adapt, shake, tell, batch, method, way):
    adapted = shake(adapt(method), size=0.1)
    tell(adapted, TASKS)
    full = logits(adapted, batch)
    if way == "base":
        given = dict(batch, pixel_values=batch["pixel_values"].bfloat16())
        for name, weight in adapted.named_parameters():
            if ".routed." not in name:
                weight.data = weight.data.bfloat16()
        found = logits(adapted, given)
    else:
        with torch.autocast("cpu", torch.bfloat16):
            found = logits(adapted, batch)
    assert found.dtype == torch.bfloat16
    at = batch["attention_mask"].bool()
    gap = (found.float() - full)[at].norm() / full[at].norm()
    assert 0 < gap < 0.1
    adapted.train()
    with torch.autocast("cpu", torch.bfloat16, enabled=way == "autocast"):
        adapted(**(given if way == "base" else batch)).loss.backward()
    learned = [weight.grad for weight in adapted.parameters() if weight.grad is not None]
    assert learned
    assert all(grad.dtype == torch.float32 and grad.isfinite().all() for grad in learned)
