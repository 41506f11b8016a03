"""How likely given answers are: the prompts are read once, then all answers behind them.

    plain log-likelihood of an answer   Σ ln p(token | picture, prompt, tokens before), its end included

Answers of a prompt share one pass (`ranking_packed.py`) unless the adapter in place routes the positions of a
pass together (`RoutedUpdate.prefix_shareable`) or attention takes no mask of ours (`ranking_stepwise.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cvit_bench.adapters.peft_bridge import RoutedModel
from cvit_bench.models.family import Likelihoods
from cvit_bench.models.inputs import Batch
from cvit_bench.models.prefix import Tokens, read
from cvit_bench.models.ranking_packed import packed_sums
from cvit_bench.models.ranking_stepwise import stepwise_sums

_TAKE_MASKS = ("eager", "sdpa")


def likelihoods(
    model: Any, batch: Batch, answers: Sequence[Sequence[str]], tokenizer: Any, tuner: RoutedModel | None
) -> list[Likelihoods]:
    """Return the likelihoods of the given answers to each prompt of a batch, padded on the left.

    `tuner` is the routed adapter in place, already told about the batch.
    """
    end = int(tokenizer.eos_token_id)
    tokens = _tokens(tokenizer, answers)
    prefix = read(model, batch)
    if _packs(model, tuner):
        sums = packed_sums(model, prefix, tokens, end)
    else:
        sums = stepwise_sums(model, prefix, tokens, end, tuner.routing if tuner is not None else None)
    return [
        Likelihoods(tuple(row), tuple(len(answer) + 1 for answer in said))
        for row, said in zip(sums, tokens, strict=True)
    ]


def _tokens(tokenizer: Any, answers: Sequence[Sequence[str]]) -> list[list[Tokens]]:
    """Return the tokens of each answer, without its end; every text is cut up once."""
    texts = sorted({text for row in answers for text in row})
    ids = tokenizer(texts, add_special_tokens=False)["input_ids"]
    known: dict[str, Tokens] = dict(zip(texts, ids, strict=True))
    return [[known[text] for text in row] for row in answers]


def _packs(model: Any, tuner: RoutedModel | None) -> bool:
    if model.config.get_text_config()._attn_implementation not in _TAKE_MASKS:
        return False
    return tuner is None or tuner.prefix_shareable
