"""One step, however it is cut: whole or in micro-batches, with or without recomputed activations."""

import json

import pytest
import torch

from cvit_bench.data.library import open_suite
from cvit_bench.errors import CvitBenchError
from cvit_bench.models.conditioning import condition
from cvit_bench.models.family import Placement
from cvit_bench.models.inputs import answers_only
from cvit_bench.models.loading import load_base
from cvit_bench.progress import Meter
from cvit_bench.records.method import load_method
from cvit_bench.resources import embedded_base
from cvit_bench.train.adapted import StageStart, attach
from cvit_bench.train.examples import load_examples
from cvit_bench.train.live_stage import Hook, LiveStage
from cvit_bench.train.loop import train_stage
from cvit_bench.train.settings import resolve
from cvit_bench.train.step_log import StepLog

PROJECTOR = "model.multi_modal_projector"
SMALL = ["adapter.rank=16", "adapter.alpha=32", "training.batch_size=4", "training.precision=float32"]


@pytest.fixture(scope="module")
def base():
    return load_base(embedded_base(), Placement())


@pytest.fixture(scope="module")
def examples():
    return load_examples(open_suite("mini")[0], ["mini_caption"], "single", 0, limit=8)


def begin(base, examples, method, *words):
    """Return a stage that is about to begin."""
    settings = resolve(load_method(method), open_suite("mini")[1], [*SMALL, *words])
    adapted = attach(base, PROJECTOR, settings, None, StageStart(("mini_caption",), 0, "0" * 64))
    return LiveStage(
        name="01-x", tasks=("mini_caption",), past=(), seed="0", adapted=adapted, base=base,
        projector=PROJECTOR, budget=settings.training, examples=examples,
        examples_of=lambda _: examples, num_steps=3,
    )  # fmt: skip


def learned(base, examples, method, *words, log=None):
    """Train three steps; return the losses and the weights."""
    stage = begin(base, examples, method, *words)
    losses = train_stage(stage, Meter("x", 12), log or StepLog(None, "01-x"))
    weights = {name: weight.detach().clone() for name, weight in stage.weights.items()}
    base.model = stage.adapted.unload()
    return losses, weights


@pytest.mark.parametrize("method", ["lora", "smolora", "branchlora"])
@pytest.mark.parametrize("words", [["training.micro_batch=1"], ["training.checkpointing=true"]], ids=str)
def test_a_step_is_the_same_however_it_is_computed(base, examples, method, words):
    losses, weights = learned(base, examples, method)
    found, others = learned(base, examples, method, *words)
    assert found == pytest.approx(losses, rel=1e-4)
    for name, weight in weights.items():
        torch.testing.assert_close(others[name], weight, rtol=1e-2, atol=5e-4)


def test_the_loss_is_the_mean_over_all_answer_tokens(base, examples):
    batch = base.encoder.lesson([e.prompt for e in examples[:4]], [e.answers[0] for e in examples[:4]])
    num = base.encoder.num_answer_tokens([e.answers[0] for e in examples[:4]])
    assert num == int((batch["labels"] >= 0).sum())
    with torch.no_grad():
        whole = base.model(**batch).loss
        other = base.model(**batch, num_items_in_batch=2 * num).loss
    torch.testing.assert_close(other, whole / 2)


@pytest.mark.parametrize("method", ["lora", "smolora", "branchlora"])
def test_what_is_said_before_the_answers_is_not_computed(base, examples, method):
    stage = begin(base, examples, method)
    prompts = [e.prompt for e in examples[:4]]
    batch = base.encoder.lesson(prompts, [e.answers[0] for e in examples[:4]])
    stage.adapted.eval()
    found = []
    for given in (batch, answers_only(batch, base.model)):
        condition(stage.adapted, prompts, training=True)
        with torch.no_grad():
            found.append(stage.adapted(**given))
    base.model = stage.adapted.unload()
    whole, cut = found
    length, num = batch["labels"].shape[1], cut.logits.shape[1]
    first = int((batch["labels"] >= 0).any(0).nonzero()[0])
    assert num == length - first + 1 < length
    torch.testing.assert_close(cut.logits, whole.logits[:, -num:])
    torch.testing.assert_close(cut.loss, whole.loss)


def test_the_projector_may_have_a_rate_of_its_own(base, examples):
    slow = ["training.projector_learning_rate=1e-9", "training.warmup_share=0"]
    start = learned(base, examples, "lora", "training.learning_rate=1e-9", "training.warmup_share=0")[1]
    found = learned(base, examples, "lora", *slow)[1]
    for name, weight in found.items():
        moved = (weight - start[name]).abs().max().item()
        assert (moved < 1e-6) == (PROJECTOR in name), name


@pytest.mark.parametrize("method", ["lora", "branchlora", "dora"])
def test_on_a_base_in_bfloat16_all_that_learns_is_float32(examples, method):
    half = load_base(embedded_base(), Placement(dtype="bfloat16"))
    words = ["training.precision=bfloat16", "adapter.projector=train"]
    losses, weights = learned(half, examples, method, *words)
    assert {weight.dtype for weight in weights.values()} == {torch.float32}
    assert losses[-1] < losses[0] + 0.5


def test_every_step_is_a_line(base, examples, tmp_path):
    path = tmp_path / "steps.jsonl"
    losses, _ = learned(base, examples, "lora", log=StepLog(path, "01-x"))
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(row["stage"], row["step"]) for row in rows] == [("01-x", step) for step in (1, 2, 3)]
    assert [row["loss"] for row in rows] == losses
    assert all(row["tokens"] > row["answer_tokens"] > 0 and row["norm"] > 0 for row in rows)
    assert rows[-1]["rate"] < 0.002


class Steep(Hook):
    """Adds nothing to the loss, and a slope that is no number."""

    def penalty(self, stage, batch, output):
        return sum((0 * weight).sum() for weight in stage.weights.values()).sqrt()


def test_a_gradient_that_is_no_number_stops_the_stage_before_it_spoils_weights(base, examples):
    stage = begin(base, examples, "lora")
    stage.hooks = {"steep": Steep(None)}
    before = {name: weight.detach().clone() for name, weight in stage.weights.items()}
    with pytest.raises(CvitBenchError, match="the norm of the gradient became nan: the stage is not saved"):
        train_stage(stage, Meter("x", 12), StepLog(None, "01-x"))
    assert all(torch.equal(weight, before[name]) for name, weight in stage.weights.items())
    base.model = stage.adapted.unload()


def test_a_loss_that_is_no_number_stops_the_stage(base, examples):
    with pytest.raises(CvitBenchError, match="the loss became"):
        learned(base, examples, "lora", "training.learning_rate=1e30", "training.warmup_share=0")
