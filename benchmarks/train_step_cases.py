"""The stages that train_step.py times: on the embedded base, and at the shapes of LLaVA-1.5-7B."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch

from cvit_bench.data.library import open_suite
from cvit_bench.models.encoder import Encoder
from cvit_bench.models.family import Placement, family_of
from cvit_bench.models.inputs import IGNORED, Batch
from cvit_bench.models.loading import LoadedBase, load_base
from cvit_bench.records.method import load_method
from cvit_bench.records.sample import Prompt
from cvit_bench.resources import PACKAGE, embedded_base
from cvit_bench.train.adapted import StageStart, attach
from cvit_bench.train.attention import suit_attention
from cvit_bench.train.examples import Draw, Example, draw_batches, load_examples
from cvit_bench.train.live_stage import LiveStage
from cvit_bench.train.loop import Tuning
from cvit_bench.train.settings import resolve
from cvit_bench.train.stage_run import make_hook

TASK, PAST = "mini_caption", "mini_geo"
MANY = 10_000


@dataclass(frozen=True)
class Case:
    """A stage with its batches."""

    stage: LiveStage
    draws: Iterator[Draw]

    def start(self) -> Tuning:
        """Return the stage ready for its first step, in training mode."""
        self.stage.adapted.train()
        for hook in self.stage.hooks.values():
            hook.before_stage(self.stage, {})
        return Tuning(self.stage)


def embedded_case(method: str, given: argparse.Namespace) -> Case:
    """Return a method's stage on captions, with the budget of the suite `mini`."""
    library, suite = open_suite("mini")
    settings = resolve(load_method(method), suite, [])
    examples = load_examples(library, [TASK], settings.templates, 0)
    base = load_base(embedded_base(), Placement(given.device, "float32", given.threads))
    if given.attention == "suited":
        suit_attention(base)
    projector = family_of(embedded_base()).projector
    return _case(base, projector, settings, examples)


def random_case(method: str, given: argparse.Namespace) -> Case:
    """Return a method's stage at the shapes of LLaVA-1.5-7B, random weights in bf16."""
    from transformers import AutoConfig, AutoModelForImageTextToText

    config = AutoConfig.from_pretrained(PACKAGE / "train" / "recipes" / "llava-1.5-7b.json")
    config.text_config.num_hidden_layers = given.layers
    dtype = torch.bfloat16 if given.device.startswith("cuda") else torch.float32
    with torch.device(given.device):
        model = AutoModelForImageTextToText.from_config(config, dtype=dtype)
    library, suite = open_suite("mini")
    words = ["training.micro_batch=null", f"training.batch_size={given.batch}"]
    settings = resolve(load_method(method), suite, words, recipe="coin")
    examples = load_examples(library, [TASK], settings.templates, 0, limit=64)
    device = torch.device(given.device)
    encoder = RandomInput(config, device, dtype, given.length)
    base = LoadedBase(model.eval(), None, cast(Encoder, encoder), device, dtype)
    return _case(base, "model.multi_modal_projector", settings, examples)


def _case(base: LoadedBase, projector: str, settings: Any, examples: Sequence[Example]) -> Case:
    start = StageStart((TASK,), 0, "0" * 64)
    stage = LiveStage(
        name=f"02-{TASK}",
        tasks=(TASK,),
        past=(PAST,),
        seed="0",
        adapted=attach(base, projector, settings, None, start),
        base=base,
        projector=projector,
        budget=settings.training,
        examples=examples,
        examples_of=lambda _: examples,
        num_steps=MANY,
        hooks={name: make_hook(name, config) for name, config in settings.hooks.items()},
    )
    return Case(stage, draw_batches(examples, settings.training.batch_size, MANY, "0"))


class RandomInput:
    """Stands in for an encoder: random ids with a picture's positions, the last 16 of a sample its answer."""

    ANSWER = 16

    def __init__(self, config: Any, device: torch.device, dtype: torch.dtype, length: int) -> None:
        self._config, self._device, self._dtype, self._length = config, device, dtype, length

    def num_answer_tokens(self, answers: Sequence[str]) -> int:
        """Return how many labels a batch has."""
        return self.ANSWER * len(answers)

    def lesson(self, prompts: Sequence[Prompt], answers: Sequence[str]) -> Batch:
        """Return a batch of full length."""
        config, size = self._config, len(prompts)
        ids = torch.randint(5, 31_000, (size, self._length), device=self._device)
        ids[:, 5 : 5 + config.image_seq_length] = config.image_token_index
        labels = torch.full_like(ids, IGNORED)
        labels[:, -self.ANSWER :] = ids[:, -self.ANSWER :]
        side = config.vision_config.image_size
        pixels = torch.randn(size, 3, side, side, device=self._device, dtype=self._dtype)
        mask = torch.ones_like(ids)
        return {"input_ids": ids, "attention_mask": mask, "labels": labels, "pixel_values": pixels}


def matmul_ceiling(given: argparse.Namespace) -> float:
    """Return the floating-point operations a second of a large matrix product on the device."""
    device = torch.device(given.device)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    size = 8192 if device.type == "cuda" else 1024
    left = torch.randn(size, size, device=device, dtype=dtype)
    best = float("inf")
    for _ in range(5):
        _wait(device)
        began = time.perf_counter()
        for _ in range(5):
            left @ left
        _wait(device)
        best = min(best, (time.perf_counter() - began) / 5)
    return 2 * size**3 / best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def model_flops(tokens: int) -> float:
    """Return what a step on a frozen 7B language model needs: forward twice (checkpointing), and backward."""
    return 3 * 2 * 6.74e9 * tokens
