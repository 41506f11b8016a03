"""A stage goes on from the folder of the one before, with more tasks and perhaps more branches."""

import torch

from cvit_bench.adapters.peft_bridge import routing_of
from cvit_bench.models.adapter_files import save_adapter
from cvit_bench.models.encoder import Encoder
from cvit_bench.models.loading import LoadedBase
from cvit_bench.records.training import TrainingBudget
from cvit_bench.train.adapted import StageStart, attach
from cvit_bench.train.settings import TrainSettings

CPU, PROJECTOR, LANGUAGE = torch.device("cpu"), "model.multi_modal_projector", "language_model"


def attached(base, parent, task, **settings):
    config = {"rank": 8, "dropout": 0.0, "num_branches": 4, "top_k": 4, **settings}
    asked = TrainSettings.model_construct(
        adapter="branchlora", adapter_config=config, training=TrainingBudget()
    )
    loaded = LoadedBase(base, None, Encoder(None, CPU, torch.float32), CPU, torch.float32)
    return attach(loaded, PROJECTOR, asked, parent, StageStart((task,), 0, "0" * 64))


def test_branches_grow_from_one_stage_to_the_next(logits, make_base, shake, tell, batch, tmp_path):
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


def test_a_next_stage_goes_on_from_the_weights_of_the_one_before(
    logits, make_base, shake, tell, batch, tmp_path
):
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
