"""What a loaded base says about given answers equals one plain pass for each of them."""

import pytest
import torch

from cvit_bench.data.library import open_library
from cvit_bench.data.prompts import build_prompts
from cvit_bench.data.samples import load_samples
from cvit_bench.models.family import Checkpoint, Placement, family_of
from cvit_bench.models.inputs import IGNORED, training_batch
from cvit_bench.models.loading import load_base
from cvit_bench.resources import embedded_base

SETS = (("red", "yellow", "a red circle", "t-shirt", "no"), ("A", "Spain", "B", "Somalia"), ("yes", "no"))
LIBRARY = open_library()


@pytest.fixture(scope="module")
def model():
    found = family_of(embedded_base()).load(embedded_base(), Placement())
    found.use(Checkpoint("00-base", None, "base"))
    return found


def prompts_of(name, count):
    task = LIBRARY.task(name)
    template = LIBRARY.template(task.template)
    return build_prompts(task, template, template.variants[0], load_samples(task, "test", limit=count))


@torch.inference_mode()
def plainly(base, prompt, answer):
    """Return Σ ln p of an answer and its end, and how many tokens that is."""
    batch = training_batch(base.processor, [prompt], [answer])
    labels = batch.pop("labels")[0, 1:]
    logp = base.model(**batch).logits[0, :-1].log_softmax(-1)
    said = labels != IGNORED
    return logp[said].gather(1, labels[said][:, None]).sum().item(), int(said.sum())


def test_as_one_pass_for_each_answer(model):
    prompts = [*prompts_of("mini_shapes", 3), *prompts_of("mini_garments", 3)]
    assert len({len(prompt.text) for prompt in prompts}) > 1
    sets = [SETS[at % len(SETS)] for at in range(len(prompts))]
    base = load_base(embedded_base(), Placement())
    for prompt, answers, found in zip(prompts, sets, model.rank(prompts, sets), strict=True):
        wanted = [plainly(base, prompt, answer) for answer in answers]
        assert found.plain == pytest.approx([value for value, _ in wanted], abs=1e-3)
        assert found.tokens == tuple(count for _, count in wanted)


def test_neighbours_do_not_matter(model):
    prompts = prompts_of("mini_shapes", 4)
    together = model.rank(prompts, [SETS[0]] * 4)
    for prompt, found in zip(prompts, together, strict=True):
        assert model.rank([prompt], [SETS[0]])[0].plain == pytest.approx(found.plain, abs=1e-3)
