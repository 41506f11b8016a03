"""Which way samples go is the same however many of them share a pass."""

import pandas as pd
import pytest
import torch

from cvit_bench.adapters.peft_bridge import tuner_of
from cvit_bench.data.library import open_suite
from cvit_bench.models.family import Placement
from cvit_bench.models.loading import load_base
from cvit_bench.records.method import load_method
from cvit_bench.resources import embedded_base
from cvit_bench.train.adapted import StageStart, attach
from cvit_bench.train.examples import load_examples
from cvit_bench.train.settings import resolve
from cvit_bench.train.watching import watch_stage

TASKS = ("mini_geo", "mini_caption")


@pytest.fixture(scope="module")
def prompts():
    library, _ = open_suite("mini")
    return {
        task: [example.prompt for example in load_examples(library, [task], "single", 0, limit=5)]
        for task in TASKS
    }


@pytest.mark.parametrize("method", ["smolora", "branchlora"])
def test_samples_go_the_same_way_in_small_passes(prompts, method):
    base = load_base(embedded_base(), Placement())
    settings = resolve(load_method(method), open_suite("mini")[1], ["adapter.rank=16", "adapter.alpha=32"])
    adapted = attach(base, "model.multi_modal_projector", settings, None, StageStart(TASKS, 0, "0" * 64))
    tuner = tuner_of(adapted)
    generator = torch.Generator().manual_seed(1)
    for key in tuner.selector.keys if tuner.selector else ():
        key.text.normal_(generator=generator)
    sizes = []
    adapted.register_forward_pre_hook(
        lambda _, args, given: sizes.append(len(given["input_ids"])), with_kwargs=True
    )
    (whole, wanted), (parts, found) = (
        watch_stage(adapted, tuner, base, prompts, at_once) for at_once in (None, 2)
    )
    assert sizes == [5, 5, 2, 2, 1, 2, 2, 1]
    assert parts.branches == whole.branches
    for task, said in whole.tasks.items():
        assert (parts.tasks[task].samples, parts.tasks[task].selected) == (5, said.selected)
        assert parts.tasks[task].alpha == pytest.approx(said.alpha)
    assert found["share"].nunique() > 2
    pd.testing.assert_frame_equal(found, wanted, rtol=1e-4, atol=1e-6)
