"""The optimizer loop of one stage: loss on the answer only, over the shares of all processes.

The loss of a batch is the mean over all its answer tokens, however it is cut into processes and
micro-batches; penalties are means over samples.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

from cvit_bench.errors import CvitBenchError
from cvit_bench.models.conditioning import condition
from cvit_bench.models.inputs import answers_only
from cvit_bench.progress import Meter
from cvit_bench.train.examples import Draw, draw_batches
from cvit_bench.train.live_stage import LiveStage
from cvit_bench.train.optimizing import make_optimizer, rate_factor, set_rates
from cvit_bench.train.precision import computing
from cvit_bench.train.step_log import StepLog, StepRecord
from cvit_bench.train.stops import Stop, StopFiles


@dataclass
class Tuning:
    """The optimizer of a stage, and how far it has come."""

    stage: LiveStage
    losses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        stage = self.stage
        self.optimizer = make_optimizer(stage.weights, stage.budget, stage.projector)

    @property
    def step(self) -> int:
        """How many steps are done."""
        return len(self.losses)


def train_stage(stage: LiveStage, meter: Meter, log: StepLog, stops: StopFiles | None = None) -> list[float]:
    """Tune the weights of a stage; return the loss of every step (nats per answer token).

    `stops` keeps the state from time to time and gives back the last one, from which the stage goes on.
    """
    tuning = Tuning(stage)
    _resume(tuning, stops, meter)
    budget = stage.budget
    stage.adapted.train()
    with _checkpointing(stage):
        for number, draw in enumerate(_draws(stage)):
            if number < tuning.step:
                continue
            _watch_usage(stage, stage.num_steps - number <= stage.epoch)
            batch = _as_hooks_say(stage, draw, number)
            record = learn_batch(tuning, batch)
            log.add(record)
            speed = f"{record.tokens_per_second:.0f} tokens/s"
            meter.advance(len(batch.prompts), f"loss {record.loss:.3f} · {speed}")
            if stops is not None and tuning.step % budget.save_steps == 0 and tuning.step < stage.num_steps:
                stops.save(Stop.of(tuning))
    return tuning.losses


def _draws(stage: LiveStage) -> Iterator[Draw]:
    budget = stage.budget
    return draw_batches(
        stage.examples, budget.batch_size, stage.num_steps, stage.seed, budget.group_by_length
    )


def _as_hooks_say(stage: LiveStage, draw: Draw, step: int) -> Draw:
    """Return what is learned at a step, once every hook has had its say."""
    for hook in stage.hooks.values():
        draw = hook.samples(stage, draw, step)
    return draw


def _resume(tuning: Tuning, stops: StopFiles | None, meter: Meter) -> None:
    stop = stops.last() if stops is not None else None
    if stop is not None:
        stop.restore(tuning)
        meter.skip(tuning.step * tuning.stage.budget.batch_size)


def _watch_usage(stage: LiveStage, in_last_epoch: bool) -> None:
    """Have a routed adapter count which branches it uses, where its settings do so already."""
    if stage.tuner is not None:
        window = getattr(stage.tuner.settings, "usage_window", "stage")
        stage.tuner.routing.counts_usage = in_last_epoch or window == "stage"


def learn_batch(tuning: Tuning, draw: Draw) -> StepRecord:
    """Take one optimizer step on a batch, the whole one of all processes."""
    stage, began = tuning.stage, time.monotonic()
    encoder, budget = stage.base.encoder, stage.budget
    num_tokens = encoder.num_answer_tokens(draw.answers)
    mine = stage.processes.share(list(zip(draw.prompts, draw.answers, strict=True)))
    size = budget.micro_batch or len(mine)
    tuning.optimizer.zero_grad(set_to_none=True)
    sums = torch.zeros(2, device=stage.base.device, dtype=torch.float64)
    for start in range(0, len(mine), size):
        prompts, answers = zip(*mine[start : start + size], strict=True)
        part = Draw(list(prompts), list(answers))
        sums += _backward(stage, part, num_tokens, len(part.prompts) / len(mine))
    loss, tokens = stage.processes.total(sums).tolist()
    loss /= stage.processes.count
    _refuse_unless_finite("loss", loss)
    weights = list(stage.weights.values())
    stage.processes.average_gradients(weights)
    norm = float(torch.nn.utils.clip_grad_norm_(weights, budget.clip))
    _refuse_unless_finite("norm of the gradient", norm)
    factor = rate_factor(budget, tuning.step, stage.num_steps)
    set_rates(tuning.optimizer, factor)
    tuning.optimizer.step()
    tuning.losses.append(loss)
    seconds = time.monotonic() - began
    rate = factor * budget.learning_rate
    return StepRecord(tuning.step, loss, rate, norm, num_tokens, int(tokens), seconds)


def _refuse_unless_finite(what: str, value: float) -> None:
    """Raise before weights are spoilt for good."""
    if not math.isfinite(value):
        raise CvitBenchError(
            f"the {what} became {value}: the stage is not saved; "
            "a lower --set training.learning_rate may help"
        )


def _backward(stage: LiveStage, part: Draw, num_tokens: int, share: float) -> torch.Tensor:
    """Add the gradients of a part of a process's batch; return its part of the loss and its tokens, [2]."""
    batch = answers_only(stage.base.encoder.lesson(part.prompts, part.answers), stage.base.model)
    condition(stage.adapted, part.prompts, training=True)
    with computing(stage.budget.precision, stage.base.device):
        output = stage.adapted(**batch, num_items_in_batch=num_tokens / stage.processes.count)
        loss: torch.Tensor = output.loss
        if stage.tuner is not None:
            loss = loss + share * stage.tuner.extra_loss()
        for hook in stage.hooks.values():
            loss = loss + share * hook.penalty(stage, batch, output)
    loss.backward()  # type: ignore[no-untyped-call]
    return torch.stack([loss.detach(), batch["attention_mask"].sum()]).double()


@contextmanager
def _checkpointing(stage: LiveStage) -> Iterator[None]:
    """Recompute activations in the backward pass where the budget asks for it."""
    if not stage.budget.checkpointing:
        yield
        return
    model = stage.base.model
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    try:
        yield
    finally:
        model.gradient_checkpointing_disable()
