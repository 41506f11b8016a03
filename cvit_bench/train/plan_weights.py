"""Count the weights of a base with its adapter on the meta device: exact shapes, no memory, no download."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from cvit_bench.adapters.core import History
from cvit_bench.adapters.peft_bridge import tuner_of
from cvit_bench.adapters.sites import chosen_linears
from cvit_bench.models.shapes import empty_base
from cvit_bench.records.training_plan import WeightCount
from cvit_bench.train.adapted import StageStart, adaptable_sites, adapter_settings, put_on, stage_history
from cvit_bench.train.plan_memory import Shapes
from cvit_bench.train.schedules import StagePlan
from cvit_bench.train.settings import TrainSettings


@dataclass(frozen=True)
class Base:
    """A base without weights: file of its configuration, path of its projector, type of its weights."""

    config: Path
    projector: str
    dtype: torch.dtype


def count_weights(
    base: Base, settings: TrainSettings, stages: Sequence[StagePlan], number: int
) -> WeightCount:
    """Return the weights at a stage, its adapter attached as training does after the stages before it.

    What depends on weights is left out: branches that were frozen or grew in earlier stages.
    """
    from accelerate import init_empty_weights

    model = empty_base(base.config, base.dtype)
    own = {id(weight) for weight in model.parameters()}
    total = sum(weight.numel() for weight in model.parameters())
    past = _before(settings, stages, number)
    with init_empty_weights():
        start = StageStart(stages[number].tasks, 0, "0" * 64)
        adapted = put_on(model, base.projector, settings, past, {}, start)
    tuner = tuner_of(adapted)
    if tuner is not None:
        tuner.begin_stage(len(past.tasks))
    added = [weight for weight in adapted.parameters() if id(weight) not in own]
    added += [buffer for name, buffer in adapted.named_buffers() if name.endswith("_router")]
    return WeightCount(
        base=total,
        adapter=sum(weight.numel() for weight in added),
        learning=sum(weight.numel() for weight in added if weight.requires_grad),
        adapter_bytes=sum(weight.numel() * _size(weight) for weight in added),
    )


def _size(weight: torch.Tensor) -> int:
    """Return the bytes a value: what learns does so in float32, whatever the base's type."""
    return 4 if weight.requires_grad else weight.element_size()


def base_shapes(base: Base, settings: TrainSettings) -> Shapes:
    """Return the sizes of a base that a memory estimate needs."""
    model: Any = empty_base(base.config, base.dtype)
    text = model.config.get_text_config()
    heads = text.num_attention_heads
    key_heads = getattr(text, "num_key_value_heads", None) or heads
    head = getattr(text, "head_dim", None) or text.hidden_size // heads
    sites = adaptable_sites(model, base.projector)
    adapted = set(chosen_linears(adapter_settings(settings), sites)) & set(sites.language)
    return Shapes(
        width=text.hidden_size,
        inner=text.intermediate_size,
        query_width=heads * head,
        key_width=key_heads * head,
        layers=text.num_hidden_layers,
        vocabulary=text.vocab_size,
        image_tokens=int(getattr(model.config, "image_seq_length", None) or 0),
        adapted_inputs=sum(model.get_submodule(name).in_features for name in adapted),
    )


def _before(settings: TrainSettings, stages: Sequence[StagePlan], number: int) -> History:
    """Return what the stages before one have behind them, following its parents."""
    parent = stages[number].parent
    at = next((place for place, stage in enumerate(stages) if stage.name == parent), None)
    if at is None:
        return History()
    return stage_history(settings, _before(settings, stages, at), {}, stages[at].tasks)
