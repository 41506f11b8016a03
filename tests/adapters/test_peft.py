"""A routed adapter is an ordinary PEFT adapter: saved, loaded elsewhere, switched, trained in parallel."""

import json
import subprocess
import sys
import warnings

import pytest
import torch
from peft import PeftModel

from cvit_bench.adapters.peft_bridge import RoutedLinear, routing_of
from cvit_bench.models.adapter_files import save_adapter
from cvit_bench.models.loading import LoadedBase
from cvit_bench.train.adapted import StageStart, attach
from cvit_bench.train.settings import TrainSettings

METHODS = ("smolora", "branchlora", "moelora", "hydralora", "olora")
CPU, PROJECTOR, LANGUAGE = torch.device("cpu"), "model.multi_modal_projector", "language_model"
TASKS = [1, 1, 1, 1]

ELSEWHERE = """
import sys
root, rank = sys.argv[1], int(sys.argv[2])
if rank == 0:
    import peft
import cvit_bench
import torch
import torch.distributed as dist
from peft import PeftModel
from transformers import LlavaForConditionalGeneration

torch.set_num_threads(1)
said = torch.load(f"{root}/said.pt")
found = {"logits": {}, "grads": {}, "state": {}}

def loaded(method, learns, at):
    base = LlavaForConditionalGeneration.from_pretrained(f"{root}/base").eval()
    model = PeftModel.from_pretrained(base, f"{root}/{method}", is_trainable=learns)
    routing = model.base_model.routing
    routing.instructions, routing.tasks = said["instructions"][at], said["tasks"][at]
    return model

for method in said["methods"]:
    with torch.no_grad():
        found["logits"][method] = loaded(method, False, slice(None))(**said["batch"]).logits
dist.init_process_group("gloo", init_method=f"file://{root}/meet", rank=rank, world_size=2)
for method in said["methods"]:
    part = slice(2 * rank, 2 * rank + 2)
    model = loaded(method, True, part).train()
    model.base_model.begin_stage(1)
    spread = torch.nn.parallel.DistributedDataParallel(model, find_unused_parameters=True)
    batch = {name: value[part] for name, value in said["batch"].items()}
    (spread(**batch).loss + model.base_model.extra_loss()).backward()
    model.base_model.close_stage()
    found["grads"][method] = {name: w.grad for name, w in model.named_parameters() if w.grad is not None}
    found["state"][method] = {name: w for name, w in model.state_dict().items() if ".routed." in name}
torch.save(found, f"{root}/found-{rank}.pt")
dist.destroy_process_group()
"""


def logits(model, batch):
    with torch.no_grad():
        return model(**batch).logits


def grads(adapted, batch):
    """Gradients by name after a backward pass in training; those that are absent count as zero."""
    adapted.train()
    adapted.zero_grad()
    (adapted(**batch).loss + adapted.base_model.extra_loss()).backward()
    return {
        name: torch.zeros_like(weight) if weight.grad is None else weight.grad.clone()
        for name, weight in adapted.named_parameters()
        if weight.requires_grad
    }


def same(found, wanted, **how):
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        torch.testing.assert_close(found[name], value, **how, msg=lambda said, name=name: f"{name}: {said}")


@pytest.fixture(scope="module")
def batch(make_rows, make_batch):
    """Four samples with pictures and answers of one length, so that halves weigh the same."""
    return make_batch(make_rows((True,) * 4, (2, 6, 4, 3), (2,) * 4), labels=True)


@pytest.fixture(scope="module")
def saved(adapt, shake, make_base, tell, batch, tmp_path_factory):
    """A folder with the base and an adapter of each method; BranchLoRA's has a task behind it."""
    root = tmp_path_factory.mktemp("saved")
    make_base().save_pretrained(root / "base")
    for method in METHODS:
        adapted = shake(adapt(method, **({"frozen_routes": "avoid"} if method == "branchlora" else {})))
        adapted.base_model.begin_stage(0)
        tell(adapted, [0] * 4)
        adapted.train()
        adapted(**batch)
        adapted.base_model.close_stage()
        adapted.base_model.begin_stage(1)
        routing = tell(adapted, TASKS)
        adapted.eval()
        torch.save(logits(adapted, batch), root / f"{method}.pt")
        adapted.save_pretrained(root / method)
        torch.save(adapted.base_model.state_dict(), root / f"{method}-state.pt")
    said = {"methods": METHODS, "batch": batch, "instructions": routing.instructions}
    torch.save({**said, "tasks": routing.tasks}, root / "said.pt")
    return root


@pytest.fixture(scope="module")
def elsewhere(saved):
    """What two fresh processes found: logits of each, then gradients and state of a step done together."""
    command = [sys.executable, "-W", "ignore", "-c", ELSEWHERE, str(saved)]
    running = [
        subprocess.Popen([*command, str(rank)], stderr=subprocess.PIPE, text=True) for rank in range(2)
    ]
    for process in running:
        _, error = process.communicate(timeout=1200)
        assert process.returncode == 0, error
    return [torch.load(saved / f"found-{rank}.pt") for rank in range(2)]


@pytest.fixture
def load(saved, make_base, tell):
    """Return a function that loads a saved adapter onto a new base."""

    def read(method, learns=False):
        adapted = PeftModel.from_pretrained(make_base(), saved / method, is_trainable=learns)
        tell(adapted, TASKS)
        return adapted

    return read


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1], ids=["peft-first", "cvit_bench-first"])
@pytest.mark.parametrize("method", METHODS)
def test_a_fresh_process_gives_the_same_bits(saved, elsewhere, method, rank):
    assert torch.equal(elsewhere[rank]["logits"][method], torch.load(saved / f"{method}.pt"))


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_two_processes_learn_what_one_does(elsewhere, load, batch, method):
    adapted = load(method, learns=True)
    adapted.base_model.begin_stage(1)
    wanted = grads(adapted, batch)
    for found in elsewhere:
        told = {name: found["grads"][method].get(name, torch.zeros_like(w)) for name, w in wanted.items()}
        assert found["grads"][method].keys() <= wanted.keys()
        same(told, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_two_processes_count_usage_and_keys_together(elsewhere, load, batch):
    adapted = load("branchlora", learns=True)
    tuner = adapted.base_model
    tuner.begin_stage(1)
    grads(adapted, batch)
    tuner.close_stage()
    wanted = {name: value for name, value in adapted.state_dict().items() if ".routed." in name}
    settled = [name for name in wanted if name.endswith((".counts", ".mass", ".frozen", ".image", ".text"))]
    assert any(name.endswith(".tasks.1.counts") and wanted[name].sum() == 8 for name in settled)
    assert any(name.endswith(".keys.1.image") for name in settled)
    for found in elsewhere:
        for name in settled:
            torch.testing.assert_close(found["state"]["branchlora"][name], wanted[name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_all_state_comes_back(saved, load, batch, method):
    adapted, before = load(method), torch.load(saved / f"{method}-state.pt")
    after = adapted.base_model.state_dict()
    assert after.keys() == before.keys()
    assert [name for name, value in before.items() if not torch.equal(after[name], value)] == []
    assert torch.equal(logits(adapted, batch), torch.load(saved / f"{method}.pt"))


def test_what_comes_back_of_branchlora_is_worth_keeping(load):
    tuner = load("branchlora").base_model
    for name, update in tuner.updates.items():
        if LANGUAGE in name:
            assert int(update.frozen.sum()) == 2
            assert update.tasks[0].counts.sum() == 8
            assert torch.equal(update.tasks[1].closed, update.frozen)
    assert [bool(key.image.any() and key.text.any()) for key in tuner.selector.keys] == [True, False]


def test_a_saved_folder_says_what_it_is(saved):
    said = json.loads((saved / "branchlora" / "adapter_config.json").read_text())
    assert (said["peft_type"], said["method"]) == ("CVIT_BENCH", "branchlora")
    assert (said["tasks"], said["branches"]) == (["a", "b"], [4, 4])
    assert said["settings"]["num_branches"] == 4


@pytest.mark.parametrize("method", METHODS)
def test_a_disabled_adapter_is_the_base(load, make_base, batch, method):
    adapted, wanted = load(method), logits(make_base(), batch)
    before = logits(adapted, batch)
    with adapted.disable_adapter():
        assert torch.equal(logits(adapted, batch), wanted)
    assert torch.equal(logits(adapted, batch), before)
    assert not torch.equal(before, wanted)


@pytest.mark.parametrize(("one", "other"), [("smolora", "branchlora"), ("branchlora", "moelora")])
def test_adapters_take_turns(saved, load, batch, one, other):
    wanted = {method: torch.load(saved / f"{method}.pt") for method in (one, other)}
    adapted = load(one)
    adapted.load_adapter(saved / other, "second")
    assert torch.equal(logits(adapted, batch), wanted[one])
    for name, method in (("second", other), ("default", one), ("second", other)):
        adapted.set_adapter(name)
        assert torch.equal(logits(adapted, batch), wanted[method])
    adapted.delete_adapter("default")
    assert torch.equal(logits(adapted, batch), wanted[other])


def test_two_adapters_at_once_are_refused(saved, load):
    adapted = load("moelora")
    adapted.load_adapter(saved / "hydralora", "second")
    with pytest.raises(ValueError, match="one routed adapter at a time"):
        adapted.base_model.set_adapter(["default", "second"])


@pytest.mark.parametrize("method", METHODS)
def test_merging_is_refused(load, batch, method):
    adapted = load(method)
    before = logits(adapted, batch)
    for merge in (adapted.merge_and_unload, adapted.merge_adapter):
        with pytest.raises(ValueError, match="cannot be merged into its base"):
            merge()
    assert torch.equal(logits(adapted, batch), before)


@pytest.mark.parametrize("method", METHODS)
def test_unloading_gives_back_the_base_as_it_was(load, make_base, batch, method):
    adapted, base = load(method), make_base()
    names = [name for name, _ in base.named_modules()]
    unloaded = adapted.unload()
    assert [name for name, _ in unloaded.named_modules()] == names
    assert not any(isinstance(module, RoutedLinear) for module in unloaded.modules())
    for module in unloaded.modules():
        assert not module._forward_pre_hooks
        assert not module._forward_hooks
    assert torch.equal(logits(unloaded, batch), logits(base, batch))


@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_checkpointing_changes_no_gradient_and_no_count(load, batch, method, reentrant):
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


def test_the_cost_of_frozen_branches_has_its_gradient_under_checkpointing(adapt, shake, tell, batch):
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
def test_half_precision_is_close(adapt, shake, tell, batch, method, way):
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


def attached(base, parent, task, **settings):
    config = {"rank": 8, "dropout": 0.0, "num_branches": 4, "top_k": 4, **settings}
    asked = TrainSettings.model_construct(adapter="branchlora", adapter_config=config)
    loaded = LoadedBase(base, None, CPU, torch.float32)
    return attach(loaded, PROJECTOR, asked, parent, StageStart((task,), 0, "0" * 64))


def test_branches_grow_from_one_stage_to_the_next(make_base, shake, tell, batch, tmp_path):
    first = shake(attached(make_base(), None, "a", on_exhausted="grow"), size=0.05)
    tell(first, [0] * 4)
    first.train()(**batch)
    first.base_model.close_stage()
    wanted = logits(first.eval(), batch)
    before = {name: update.state_dict() for name, update in first.base_model.updates.items()}
    save_adapter(first, tmp_path, "base", "0" * 64)
    second = attached(first.unload(), tmp_path, "b", on_exhausted="grow")
    config = second.peft_config["default"]
    assert (config.tasks, config.branches) == (["a", "b"], [4, 8])
    tell(second, [0] * 4)
    torch.testing.assert_close(logits(second.eval(), batch), wanted, rtol=1e-5, atol=1e-5)
    for name, update in second.base_model.updates.items():
        after = update.state_dict()
        assert [key for key, value in before[name].items() if not torch.equal(after[key], value)] == []
        if LANGUAGE in name:
            assert update.frozen.tolist() == [True] * 4 + [False] * 4
            assert [len(task.router) for task in update.tasks] == [4, 8]
            assert not any(branch.up.any() for branch in update.branches[4:])
            assert [branch.up.requires_grad for branch in update.branches] == [False] * 4 + [True] * 4


def test_a_next_stage_goes_on_from_the_weights_of_the_one_before(make_base, shake, tell, batch, tmp_path):
    first = shake(attached(make_base(), None, "a", top_k=2, per_task_projector=True))
    tell(first, [0] * 4)
    first.train()(**batch)
    first.base_model.close_stage()
    wanted = logits(first.eval(), batch)
    save_adapter(first, tmp_path, "base", "0" * 64)
    second = attached(first.unload(), tmp_path, "b", top_k=2, per_task_projector=True)
    routing = tell(second, [0] * 4)
    torch.testing.assert_close(logits(second.eval(), batch), wanted, rtol=1e-5, atol=1e-5)
    routing.tasks = torch.ones(4, dtype=torch.long)
    assert not torch.equal(logits(second, batch), wanted)
    assert routing_of(second) is routing
