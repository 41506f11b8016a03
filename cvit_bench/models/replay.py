"""A base that is loaded once and answers for every stage: adapters are swapped in place."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch

from cvit_bench.adapters.peft_bridge import tuner_of
from cvit_bench.adapters.peft_bridge.observer import image_token
from cvit_bench.errors import CvitBenchError
from cvit_bench.models.adapter_files import load_adapter
from cvit_bench.models.allowed import is_padding_safe, is_plain_greedy, is_tokenwise
from cvit_bench.models.conditioning import condition
from cvit_bench.models.decoding import Ending, answer
from cvit_bench.models.family import Checkpoint, Likelihoods, OutOfMemoryError, Placement, family_of
from cvit_bench.models.live import Untouched, check_adapter
from cvit_bench.models.loading import LoadedBase, load_base
from cvit_bench.models.merging import Merged, can_merge
from cvit_bench.models.passes import Asked, Rules, cut_passes
from cvit_bench.models.ranking import likelihoods
from cvit_bench.records.sample import Prompt

_CPU_TOKENS = 4096
"""Tokens of one pass on a processor: more leave its caches."""


class ReplayModel:
    """The transformers side of `Model`."""

    def __init__(self, folder: Path, placement: Placement) -> None:
        self._folder = folder
        self._placement = placement
        self._loaded = folder
        self._base: LoadedBase = load_base(folder, placement)
        self._untouched = Untouched(self._base.model)
        self._adapted: Any = None
        self._merged: Merged | None = None
        self._plain = True
        self._settle()

    def use(self, checkpoint: Checkpoint) -> None:
        """Put a checkpoint in place: base alone, base and adapter, or another full model."""
        folder = checkpoint.folder
        self._unmerge()
        self._ensure_base(folder if checkpoint.kind == "full" and folder else self._folder)
        self._plain = checkpoint.kind != "adapter"
        if checkpoint.kind == "adapter":
            if folder is None:
                raise CvitBenchError(f"stage {checkpoint.name}: an adapter needs a folder")
            self._adapted = load_adapter(
                self._base.model, self._adapted, folder, checkpoint.name, self._loaded
            )
            self._adapted.eval()
            check_adapter(self._adapted, checkpoint, folder)
        self._untouched.check()
        self._settle()

    def prepare(self, prompts: Sequence[Prompt]) -> None:
        """Make the inputs of prompts that come next in another thread."""
        self._base.encoder.prepare(prompts)

    def waited(self) -> float:
        """Return for how many seconds inputs were waited for."""
        return self._base.encoder.waited

    @torch.inference_mode()
    def generate(self, prompts: Sequence[Prompt]) -> list[str]:
        """Answer greedily, each prompt within its own budget of tokens."""
        self._merge()
        try:
            with self._without_adapter():
                return self._by_passes(prompts) if self._reads_itself else self._by_transformers(prompts)
        except torch.OutOfMemoryError as error:
            raise OutOfMemoryError(str(error)) from error

    @torch.inference_mode()
    def generate_plainly(self, prompts: Sequence[Prompt]) -> list[str]:
        """Answer one prompt after the other through transformers, the adapter beside its base."""
        self._unmerge()
        with self._without_adapter():
            return [text for one in prompts for text in self._generated([one], one.max_new_tokens)]

    def _by_passes(self, prompts: Sequence[Prompt]) -> list[str]:
        """Answer in passes of like prompts, what they share read once where the method allows."""
        encoder = self._base.encoder
        encoded = encoder.encode(prompts)
        asked = [
            Asked(at, row.ids, prompt.picture.sha256 if prompt.picture else None, prompt.max_new_tokens)
            for at, (row, prompt) in enumerate(zip(encoded, prompts, strict=True))
        ]
        said: dict[int, list[int]] = {}
        for groups in cut_passes(asked, self._rules):
            rows = [row.at for group in groups for row in group.rows]
            self._tell([prompts[at] for at in rows])
            shown = [group.rows[0].at for group in groups] if groups[0].shared else rows
            pictures = encoder.announce([encoded[at] for at in shown])
            said |= answer(self._model, groups, self._ending, pictures)
        return self._texts([said[at] for at in range(len(prompts))])

    def _by_transformers(self, prompts: Sequence[Prompt]) -> list[str]:
        """Answer through `generate`, a batch for each budget."""
        answers = [""] * len(prompts)
        for budget in sorted({prompt.max_new_tokens for prompt in prompts}):
            places = [at for at, prompt in enumerate(prompts) if prompt.max_new_tokens == budget]
            chosen = [prompts[at] for at in places]
            for at, text in zip(places, self._generated(chosen, budget), strict=True):
                answers[at] = text
        return answers

    def _generated(self, prompts: Sequence[Prompt], budget: int) -> list[str]:
        batch = self._base.encoder.prompts(prompts)
        self._tell(prompts)
        ids = self._model.generate(
            **batch, max_new_tokens=budget, do_sample=False, num_beams=1, pad_token_id=self._ending.padding
        )
        return self._texts(ids[:, batch["input_ids"].shape[1] :])

    def _merge(self) -> None:
        """Add a plain adapter to the weights, before its first answer."""
        if not self._plain and self._merged is None and can_merge(self._adapted):
            with torch.inference_mode(False), torch.no_grad():
                self._merged = Merged(self._adapted)

    def _unmerge(self) -> None:
        if self._merged is not None:
            self._merged.undo()
            self._merged = None

    def _tell(self, prompts: Sequence[Prompt]) -> None:
        if not self._plain:
            condition(self._adapted, prompts)

    def _texts(self, tokens: Any) -> list[str]:
        return [text.strip() for text in self._base.processor.batch_decode(tokens, skip_special_tokens=True)]

    def _settle(self) -> None:
        """Work out what base and adapter in place allow."""
        base, adapted = self._base, None if self._plain else self._adapted
        tokenwise = adapted is None or is_tokenwise(adapted)
        generation = base.model.generation_config
        self._learns_prompts = adapted is not None and adapted.active_peft_config.is_prompt_learning
        self._reads_itself = (
            family_of(self._loaded).causal
            and base.encoder.reads_apart
            and is_plain_greedy(generation)
            and not self._learns_prompts
        )
        self._rules = Rules(
            share=tokenwise,
            equal=adapted is not None and not is_padding_safe(adapted),
            max_tokens=_CPU_TOKENS if base.device.type == "cpu" else None,
            image_token=image_token(base.model),
        )
        stops, padding = generation.eos_token_id, base.processor.tokenizer.pad_token_id
        stops = stops if isinstance(stops, list) else [] if stops is None else [stops]
        padding = padding if padding is not None else base.processor.tokenizer.eos_token_id
        self._ending = Ending(frozenset(stops), padding, may_leave=tokenwise)

    @torch.inference_mode()
    def rank(self, prompts: Sequence[Prompt], answers: Sequence[Sequence[str]]) -> list[Likelihoods]:
        """Say how likely each of the given answers to each prompt is.

        Prompts go one by one where the adapter in place does not bear padding. Adapters that put tokens of
        their own before a prompt are not ranked: positions would have to count them.
        """
        if self._learns_prompts:
            raise CvitBenchError("answers cannot be ranked under an adapter of prompt tokens; --no-ranking")
        if self._rules.equal and len(prompts) > 1:
            return [self.rank([one], [said])[0] for one, said in zip(prompts, answers, strict=True)]
        base = self._base
        self._merge()
        batch = base.encoder.prompts(prompts)
        self._tell(prompts)
        tuner = None if self._plain else tuner_of(self._adapted)
        try:
            with self._without_adapter():
                return likelihoods(self._model, batch, answers, base.processor.tokenizer, tuner)
        except torch.OutOfMemoryError as error:
            raise OutOfMemoryError(str(error)) from error

    @property
    def _model(self) -> Any:
        return self._base.model if self._adapted is None else self._adapted

    def _without_adapter(self) -> AbstractContextManager[Any]:
        if self._plain and self._adapted is not None:
            context: AbstractContextManager[Any] = self._adapted.disable_adapter()
            return context
        return nullcontext()

    def _ensure_base(self, folder: Path) -> None:
        if folder != self._loaded:
            self._adapted = None
            self._loaded = Path()
            for name in ("_base", "_untouched"):
                self.__dict__.pop(name, None)  # two bases at a time may not fit
            self._base = load_base(folder, self._placement, processor_from=self._folder)
            self._loaded = folder
            self._untouched = Untouched(self._base.model)
