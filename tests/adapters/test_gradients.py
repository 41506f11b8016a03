"""Gradients reach what may learn and nothing else; what is frozen keeps its bits under AdamW."""

import pytest
import torch

METHODS = ("smolora", "branchlora", "moelora", "hydralora", "olora")
LANGUAGE = "language_model"


def learn(adapted, batch):
    """Backward pass of one training step; return gradients by name of parameter."""
    adapted.train()
    for weight in adapted.parameters():
        weight.grad = None
    loss = adapted(**batch).loss + adapted.base_model.extra_loss()
    loss.backward()
    return {name: weight.grad for name, weight in adapted.named_parameters()}


def one_step(adapted, batch, steps=3):
    weights = [weight for weight in adapted.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=0.1, weight_decay=0.5)
    for _ in range(steps):
        learn(adapted, batch)
        optimizer.step()


def state(module):
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


@pytest.mark.parametrize("projector", ["adapt", "train"])
@pytest.mark.parametrize("method", METHODS)
def test_nothing_of_the_base_has_a_gradient(adapt, shake, make_rows, make_batch, tell, method, projector):
    adapted = shake(adapt(method, projector=projector))
    tell(adapted, [0, 1, 0])
    grads = learn(adapted, make_batch(make_rows(), labels=True))
    assert all(("routed" in name) or grad is None for name, grad in grads.items())
    assert not any(w.requires_grad for name, w in adapted.named_parameters() if ".routed." not in name)


@pytest.mark.parametrize("method", ["smolora", "moelora", "hydralora"])
def test_every_weight_of_the_adapter_has_a_gradient(adapt, shake, make_rows, make_batch, tell, method):
    adapted = shake(adapt(method, **({"top_k": 2} if method == "smolora" else {})))
    tell(adapted, [0, 1, 0])
    grads = learn(adapted, make_batch(make_rows(), labels=True))
    own = {name: grad for name, grad in grads.items() if ".routed." in name}
    assert own
    assert [name for name, grad in own.items() if grad is None or not grad.any()] == []


@pytest.mark.parametrize("method", METHODS)
def test_at_the_start_only_what_follows_the_routers_has_a_gradient(
    adapt, make_rows, make_batch, tell, method
):
    adapted = adapt(method, **({"orthogonal_weight": 0.0} if method == "olora" else {}))
    tell(adapted, [0, 1, 0])
    grads = learn(adapted, make_batch(make_rows(), labels=True))
    for name, grad in grads.items():
        if name.endswith((".down", ".router", ".fusion")):
            assert grad is None or not grad.any(), name
        elif name.endswith(".default.up"):
            assert grad.any(), name


def test_routers_of_smolora_are_no_parameters(adapt):
    adapted = adapt("smolora")
    assert not [name for name, _ in adapted.named_parameters() if "router" in name]
    learning = adapt("smolora", router_grad="softmax_weight")
    routers = [name for name, _ in learning.named_parameters() if "router" in name]
    assert len(routers) == 2 * len(learning.base_model.updates)


def test_blocks_that_smolora_did_not_take_have_a_gradient_of_exactly_zero(
    adapt, shake, make_rows, make_batch, tell, listen
):
    adapted = shake(adapt("smolora"))
    tell(adapted, [0, 0])
    notes = listen(adapted)
    learn(adapted, make_batch(make_rows((True, True), (2, 6), (1, 3)), labels=True))
    idle = 0
    for layer, update in adapted.base_model.updates.items():
        blocks = update.up.grad.unflatten(1, (4, 2)), update.down.grad.unflatten(0, (4, 2))
        for group, name in enumerate(("vu", "if")):
            for n in range(2):
                used = bool((notes[layer, name] == n).any())
                idle += not used
                assert bool(blocks[0][:, 2 * group + n].any()) == used
                assert bool(blocks[1][2 * group + n].any()) == used
        assert update.fusion.grad.any()
    assert idle > 0


@pytest.mark.parametrize("norm", ["mask", "renorm"])
def test_branches_that_were_not_taken_have_a_gradient_of_exactly_zero(
    adapt, shake, make_rows, make_batch, tell, norm
):
    adapted = shake(adapt("branchlora", gate_norm=norm))
    routing = tell(adapted, [0, 0, 0])
    learn(adapted, make_batch(make_rows(), labels=True))
    for layer, update in adapted.base_model.updates.items():
        if LANGUAGE not in layer:
            continue
        used = routing.kept[layer, "gates"].sum(0) > 0
        assert int(used.sum()) < 4
        for n, branch in enumerate(update.branches):
            assert bool(branch.up.grad.any()) == bool(used[n])
        assert update.tasks[1].router.grad is None or not update.tasks[1].router.grad.any()
        rows = update.tasks[0].router.grad.abs().sum(1) > 0
        assert rows.tolist() == (used if norm == "renorm" else torch.ones(4, dtype=torch.bool)).tolist()


def test_frozen_branches_and_earlier_tasks_keep_their_bits(adapt, shake, make_rows, make_batch, tell):
    adapted = shake(adapt("branchlora", per_task_projector=True))
    tuner = adapted.base_model
    tuner.begin_stage(0)
    batch = make_batch(make_rows(), labels=True)
    tell(adapted, [0, 0, 0])
    one_step(adapted, batch)
    tuner.close_stage()
    tuner.begin_stage(1)
    before = {layer: state(update) for layer, update in tuner.updates.items()}
    tell(adapted, [1, 1, 1])
    one_step(adapted, batch)
    for layer, update in tuner.updates.items():
        after = state(update)
        changed = {name for name, value in after.items() if not torch.equal(value, before[layer][name])}
        if LANGUAGE not in layer:
            assert {name.split(".")[1] for name in changed} == {"1"}
            continue
        assert int(update.frozen.sum()) == 2
        still = {f"branches.{n}.up" for n in range(4) if update.frozen[n]} | {"tasks.0.router"}
        assert still & changed == set()
        assert {"down", "tasks.1.router"} <= changed


def test_frozen_branches_stay_selectable(adapt, shake, make_rows, make_batch, tell):
    adapted = shake(adapt("branchlora"))
    routing = tell(adapted, [0, 1, 0])
    batch = make_batch(make_rows())
    with torch.no_grad():
        before = adapted(**batch).logits
        for update in adapted.base_model.updates.values():
            for branch in getattr(update, "branches", ()):
                branch.frozen.fill_(True)
        assert torch.equal(adapted(**batch).logits, before)
    assert routing.kept


@pytest.mark.parametrize(("after", "learns"), [(None, True), (1, False), (2, True)])
def test_the_shared_projection_learns_until_its_setting_says_stop(adapt, after, learns):
    adapted = adapt("branchlora", freeze_a_after=after)
    adapted.base_model.begin_stage(1)
    found = {
        update.down.requires_grad for name, update in adapted.base_model.updates.items() if LANGUAGE in name
    }
    assert found == {learns}


def test_choosing_an_adapter_does_not_wake_what_is_frozen(adapt):
    adapted = adapt("branchlora")
    tuner = adapted.base_model
    for name, update in tuner.updates.items():
        if LANGUAGE in name:
            update.branches[1].frozen.fill_(True)
    tuner.begin_stage(1)
    adapted.set_adapter("default")
    adapted.enable_adapter_layers()
    for name, update in tuner.updates.items():
        if LANGUAGE in name:
            assert [branch.up.requires_grad for branch in update.branches] == [True, False, True, True]
            assert [task.router.requires_grad for task in update.tasks] == [False, True]


def test_mass_on_frozen_branches_costs_what_its_weight_says(adapt, shake, make_rows, make_batch, tell):
    adapted = shake(adapt("branchlora", frozen_routes="penalise", frozen_penalty=3.0, image_weight=0.0))
    routing = tell(adapted, [0, 1, 0])
    layers = {name: update for name, update in adapted.base_model.updates.items() if LANGUAGE in name}
    for update in layers.values():
        update.branches[0].frozen.fill_(True)
    adapted.train()
    adapted(**make_batch(make_rows(), labels=True))
    wanted = sum(3.0 * routing.kept[layer, "gates"][:, 0].mean() for layer in layers)
    torch.testing.assert_close(adapted.base_model.extra_loss(), wanted)
    assert wanted > 0


@pytest.mark.parametrize("frozen", [[0], [0, 1, 3]])
def test_a_task_may_avoid_what_was_frozen_before_it(adapt, shake, make_rows, make_batch, tell, frozen):
    adapted = shake(adapt("branchlora", frozen_routes="avoid"))
    for name, update in adapted.base_model.updates.items():
        for n in frozen if LANGUAGE in name else []:
            update.branches[n].frozen.fill_(True)
    adapted.base_model.begin_stage(1)
    routing = tell(adapted, [1, 1, 1])
    adapted(**make_batch(make_rows()))
    gates = [values for (_, name), values in routing.kept.items() if name == "gates"]
    assert all(not values[:, frozen].any() for values in gates)
    assert all((values > 0).sum(1).tolist() == [min(2, 4 - len(frozen))] * 3 for values in gates)


def test_loras_of_earlier_stages_keep_their_bits(adapt, shake, make_rows, make_batch, tell):
    adapted = shake(adapt("olora"))
    tuner = adapted.base_model
    tuner.begin_stage(1)
    before = {layer: state(update) for layer, update in tuner.updates.items()}
    tell(adapted, [1, 1, 1])
    one_step(adapted, make_batch(make_rows(), labels=True))
    for layer, update in tuner.updates.items():
        changed = {name for name, value in state(update).items() if not value.equal(before[layer][name])}
        assert changed == {"loras.1.down", "loras.1.up"}
    assert all(".loras.1." in name for name, weight in adapted.named_parameters() if weight.requires_grad)


def test_every_weight_of_the_last_lora_has_a_gradient(adapt, shake, make_rows, make_batch, tell):
    adapted = shake(adapt("olora"))
    tell(adapted, [0, 1, 0])
    grads = learn(adapted, make_batch(make_rows(), labels=True))
    found = {name: grad is not None and bool(grad.any()) for name, grad in grads.items()}
    assert all(any_ == (".loras.1." in name) for name, any_ in found.items())


def test_every_layer_of_olora_adds_its_penalty_once(adapt, shake, make_rows, make_batch, tell):
    adapted = shake(adapt("olora", orthogonal_weight=2.0, l2_weight=3.0))
    tell(adapted, [0, 1, 0])
    adapted.train()
    adapted(**make_batch(make_rows(), labels=True))
    wanted = 0.0
    for update in adapted.base_model.updates.values():
        (old, _), (new, up) = [(lora.down.detach(), lora.up.detach()) for lora in update.loras]
        wanted += 2.0 * (old @ new.T).abs().sum() + 3.0 * (new.norm() + up.norm())
    torch.testing.assert_close(adapted.base_model.extra_loss().detach(), wanted)
