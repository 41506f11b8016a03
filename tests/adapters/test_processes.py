"""Fresh processes load the same adapter, and two that learn together learn what one would."""

import subprocess
import sys

import pytest
import torch

METHODS = ("smolora", "branchlora", "moelora", "hydralora", "olora")

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


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1], ids=["peft-first", "cvit_bench-first"])
@pytest.mark.parametrize("method", METHODS)
def test_a_fresh_process_gives_the_same_bits(saved, elsewhere, method, rank):
    assert torch.equal(elsewhere[rank]["logits"][method], torch.load(saved / f"{method}.pt"))


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_two_processes_learn_what_one_does(grads, same, elsewhere, load, batch, method):
    adapted = load(method, learns=True)
    adapted.base_model.begin_stage(1)
    wanted = grads(adapted, batch)
    for found in elsewhere:
        told = {name: found["grads"][method].get(name, torch.zeros_like(w)) for name, w in wanted.items()}
        assert found["grads"][method].keys() <= wanted.keys()
        same(told, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_two_processes_count_usage_and_keys_together(grads, elsewhere, load, batch):
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
