"""A base that is loaded once and answers for every stage: adapters are swapped in place."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch

from cvit_bench.adapters.peft_bridge import tuner_of
from cvit_bench.errors import CvitBenchError
from cvit_bench.models.adapter_files import load_adapter
from cvit_bench.models.conditioning import condition
from cvit_bench.models.family import Checkpoint, Likelihoods, OutOfMemoryError, Placement
from cvit_bench.models.loading import LoadedBase, load_base
from cvit_bench.models.ranking import likelihoods
from cvit_bench.records.sample import Prompt


class ReplayModel:
    """The transformers side of `Model`."""

    def __init__(self, folder: Path, placement: Placement) -> None:
        self._folder = folder
        self._placement = placement
        self._loaded = folder
        self._base: LoadedBase = load_base(folder, placement)
        self._adapted: Any = None
        self._plain = True

    def use(self, checkpoint: Checkpoint) -> None:
        """Put a checkpoint in place: base alone, base and adapter, or another full model."""
        folder = checkpoint.folder
        self._ensure_base(folder if checkpoint.kind == "full" and folder else self._folder)
        self._plain = checkpoint.kind != "adapter"
        if checkpoint.kind == "adapter":
            if folder is None:
                raise CvitBenchError(f"stage {checkpoint.name}: an adapter needs a folder")
            self._adapted = load_adapter(
                self._base.model, self._adapted, folder, checkpoint.name, self._loaded
            )
            self._adapted.eval()

    @torch.inference_mode()
    def generate(self, prompts: Sequence[Prompt]) -> list[str]:
        """Answer greedily; the longest budget of the batch holds for all."""
        base = self._base
        batch = base.encoder.prompts(prompts)
        if not self._plain:
            condition(self._adapted, prompts)
        try:
            with self._without_adapter():
                ids = self._model.generate(
                    **batch,
                    max_new_tokens=max(prompt.max_new_tokens for prompt in prompts),
                    do_sample=False,
                    num_beams=1,
                    pad_token_id=base.processor.tokenizer.pad_token_id,
                )
        except torch.OutOfMemoryError as error:
            raise OutOfMemoryError(str(error)) from error
        new = ids[:, batch["input_ids"].shape[1] :]
        return [text.strip() for text in base.processor.batch_decode(new, skip_special_tokens=True)]

    @torch.inference_mode()
    def rank(self, prompts: Sequence[Prompt], answers: Sequence[Sequence[str]]) -> list[Likelihoods]:
        """Say how likely each of the given answers to each prompt is."""
        base = self._base
        batch = base.encoder.prompts(prompts)
        if not self._plain:
            condition(self._adapted, prompts)
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
            self.__dict__.pop("_base", None)  # two bases at a time may not fit
            self._base = load_base(folder, self._placement, processor_from=self._folder)
            self._loaded = folder
