"""From prompts to tensors: chat template, image tokens, padding, labels.

Legend: B prompts of a batch, L positions of the longest one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

import torch

from cvit_bench.adapters.routing import IGNORED
from cvit_bench.data.images import open_picture
from cvit_bench.models.chat import chat_text, has_start
from cvit_bench.records.sample import Prompt

Batch = dict[str, torch.Tensor]
Row = dict[str, list[int]]
"""What a model is told about the positions of one prompt: `input_ids`, and the kinds it asks for."""
Rows = list[Row]


@dataclass(frozen=True)
class Kinds:
    """What a model is told about each position beside its token, such as `mm_token_type_ids`.

    Attributes:
        names: the inputs it takes.
        answer: what stands there for the positions of an answer that is learned.
    """

    names: tuple[str, ...] = ()
    answer: int = 0


KINDS = ("token_type_ids", "mm_token_type_ids")
_NO_KINDS = Kinds()


def prompt_batch(processor: Any, prompts: Sequence[Prompt]) -> Batch:
    """Encode prompts padded on the left: input_ids and attention_mask [B, L], pixel_values."""
    rows, rest = encode(processor, prompts)
    return {**pad_prompts(processor, rows), **rest}


def training_batch(processor: Any, prompts: Sequence[Prompt], answers: Sequence[str]) -> Batch:
    """Encode prompts with their answers, padded on the right; labels are the answer and its end only."""
    rows, rest = encode(processor, prompts)
    return {**pad_answers(processor, rows, answers), **rest}


def encode(processor: Any, prompts: Sequence[Prompt], kinds: Kinds = _NO_KINDS) -> tuple[Rows, Batch]:
    """Return what is said about the positions of each prompt, and all tensors of the pictures.

    Pictures come in as many tensors as the family has: pixels, their grid, their mask, their size.
    """
    pictures = [[open_picture(prompt.picture)] if prompt.picture is not None else [] for prompt in prompts]
    texts = [chat_text(processor, prompt) for prompt in prompts]
    encoded = processor(
        text=texts,
        images=pictures if any(pictures) else None,
        add_special_tokens=not has_start(processor, texts),
        padding=True,
        return_tensors="pt",
    )
    real = encoded["attention_mask"].bool()
    told = [name for name in ("input_ids", *kinds.names) if name in encoded]
    rows = [{name: encoded[name][at][real[at]].tolist() for name in told} for at in range(len(prompts))]
    return rows, {name: value for name, value in encoded.items() if name not in _OF_POSITIONS}


_OF_POSITIONS = ("input_ids", "attention_mask", "labels", *KINDS)


def pad_prompts(processor: Any, rows: Rows) -> Batch:
    """Return input_ids and attention_mask [B, L] of prompts, padded on the left."""
    return _padded([{**row, "attention_mask": [1] * len(row["input_ids"])} for row in rows], processor, True)


def pad_answers(processor: Any, rows: Rows, answers: Sequence[str], kinds: Kinds = _NO_KINDS) -> Batch:
    """Return input_ids, attention_mask and labels [B, L] of prompts with answers, padded on the right."""
    tokenizer = processor.tokenizer
    full: Rows = []
    for row, answer in zip(rows, answers, strict=True):
        said = [*tokenizer(answer, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        asked = row["input_ids"]
        full.append(
            {
                **{name: values + [kinds.answer] * len(said) for name, values in row.items()},
                "input_ids": [*asked, *said],
                "attention_mask": [1] * (len(asked) + len(said)),
                "labels": [IGNORED] * len(asked) + said,
            }
        )
    return _padded(full, processor, False)


def answers_only(batch: Batch, model: Any) -> Batch:
    """Have a model say logits [B, K, V] from the first answer token of a batch on, K of its L positions.

    The prompts before it take part as ever, but what the model would say there enters no loss, and with a
    large vocabulary it is most of the memory of a step. Labels are cut to [B, K] alike. A model that always
    gives all logits gets its batch as it was.
    """
    if not says_where_told(model):
        return batch
    labels = batch["labels"]
    first = int((labels != IGNORED).any(dim=0).int().argmax())
    kept = torch.arange(max(first - 1, 0), labels.shape[1], device=labels.device)
    return {**batch, "labels": labels[:, kept[0] :], "logits_to_keep": kept}


def says_where_told(model: Any) -> bool:
    """Tell whether a model can be told at which positions to give logits."""
    return "logits_to_keep" in signature(model.forward).parameters


def _pad_id(processor: Any) -> int:
    tokenizer = processor.tokenizer
    return int(tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id)


def _padded(rows: Rows, processor: Any, left: bool) -> Batch:
    longest = max(len(row["input_ids"]) for row in rows)
    fill = {"input_ids": _pad_id(processor), "labels": IGNORED}

    def pad_row(values: list[int], value: int) -> list[int]:
        padding = [value] * (longest - len(values))
        return [*padding, *values] if left else [*values, *padding]

    return {
        name: torch.tensor([pad_row(row[name], fill.get(name, 0)) for row in rows])
        for name in rows[0]
    }  # fmt: skip


def to_device(batch: Batch, device: torch.device, dtype: torch.dtype) -> Batch:
    """Move a batch; pixels take the model's type, ids stay integers."""
    return {
        name: value.to(device, dtype) if value.is_floating_point() else value.to(device)
        for name, value in batch.items()
    }
