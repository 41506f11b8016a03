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
from cvit_bench.models.decoding import Ending, begin, go_on
from cvit_bench.models.family import Checkpoint, Likelihoods, OutOfMemoryError, Placement, family_of
from cvit_bench.models.live import Untouched, check_adapter
from cvit_bench.models.loading import LoadedBase, load_base
from cvit_bench.models.merging import Merged, can_merge
from cvit_bench.models.passes import Asked, Rules, cut_passes
from cvit_bench.models.prefix import Prefix, Tokens, first_pass
from cvit_bench.models.ranking import likelihoods
from cvit_bench.models.ranking_packed import packed_room
from cvit_bench.records.sample import Prompt

_CPU_TOKENS = 4096
"""Tokens of one pass on a processor: more leave its caches."""
NOTHING = Likelihoods((), ())
"""What is known of answers where none are given."""


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

    def generate(self, prompts: Sequence[Prompt]) -> list[str]:
        """Answer greedily, each prompt within its own budget of tokens."""
        return [text for text, _ in self._replies(prompts, [[] for _ in prompts])]

    def rank(self, prompts: Sequence[Prompt], answers: Sequence[Sequence[str]]) -> list[Likelihoods]:
        """Say how likely each of the given answers to each prompt is."""
        return [found for _, found in self._replies(prompts, answers, speaks=False)]

    def answer_and_rank(
        self, prompts: Sequence[Prompt], answers: Sequence[Sequence[str]]
    ) -> list[tuple[str, Likelihoods]]:
        """Answer, and rank behind what was read to answer."""
        return self._replies(prompts, answers)

    @torch.inference_mode()
    def generate_plainly(self, prompts: Sequence[Prompt]) -> list[str]:
        """Answer one prompt after the other through transformers, the adapter beside its base."""
        self._unmerge()
        with self._without_adapter():
            return [text for one in prompts for text, _ in self._generated([one], one.max_new_tokens, [[]])]

    @torch.inference_mode()
    def _replies(
        self, prompts: Sequence[Prompt], answers: Sequence[Sequence[str]], speaks: bool = True
    ) -> list[tuple[str, Likelihoods]]:
        """Answer prompts (`speaks`) and rank the answers given behind them."""
        self._merge()
        said = self._cut_up(answers)
        try:
            with self._without_adapter():
                if self._reads_itself:
                    return self._by_passes(prompts, said, speaks)
                return self._by_transformers(prompts, said, speaks)
        except torch.OutOfMemoryError as error:
            raise OutOfMemoryError(str(error)) from error

    def _by_passes(
        self, prompts: Sequence[Prompt], answers: Sequence[Sequence[Tokens]], speaks: bool
    ) -> list[tuple[str, Likelihoods]]:
        """Reply in passes of like prompts, what they share read once where the method allows."""
        encoder = self._base.encoder
        encoded = encoder.encode(prompts)
        asked = [
            Asked(at, row.ids, prompt.picture.sha256 if prompt.picture else None, prompt.max_new_tokens)
            for at, (row, prompt) in enumerate(zip(encoded, prompts, strict=True))
        ]
        said: dict[int, list[int]] = {}
        ranked: dict[int, Likelihoods] = {}
        for groups in cut_passes(asked, self._rules):
            rows = [row for group in groups for row in group.rows]
            given = [answers[row.at] for row in rows]
            self._tell([prompts[row.at] for row in rows])
            shown = [group.rows[0] for group in groups] if groups[0].shared else rows
            pictures = encoder.announce([encoded[row.at] for row in shown])
            room = packed_room(given, len(rows) * self._vocabulary)
            reader, logits = begin(self._model, groups, self._ending.padding, pictures, room)
            found = self._ranked(reader.prefix(logits), given) if any(given) else [NOTHING for _ in given]
            ranked |= {row.at: one for row, one in zip(rows, found, strict=True)}
            said |= go_on(reader, logits, rows, self._ending) if speaks else {}
        texts = self._texts([said.get(at, []) for at in range(len(prompts))])
        return [(text, ranked[at]) for at, text in enumerate(texts)]

    def _by_transformers(
        self, prompts: Sequence[Prompt], answers: Sequence[Sequence[Tokens]], speaks: bool
    ) -> list[tuple[str, Likelihoods]]:
        """Reply through `generate`, a batch for each budget of tokens; of one token where only to rank.

        Prompts go one by one where that is asked for or the adapter in place does not bear padding.
        """
        if self._rules.equal and len(prompts) > 1:
            pairs = zip(prompts, answers, strict=True)
            return [self._by_transformers([one], [said], speaks)[0] for one, said in pairs]
        budgets = [prompt.max_new_tokens if speaks else 1 for prompt in prompts]
        replies: dict[int, tuple[str, Likelihoods]] = {}
        for budget in sorted(set(budgets)):
            places = [at for at, own in enumerate(budgets) if own == budget]
            found = self._generated([prompts[at] for at in places], budget, [answers[at] for at in places])
            replies |= dict(zip(places, found, strict=True))
        return [replies[at] for at in range(len(prompts))]

    def _generated(
        self, prompts: Sequence[Prompt], budget: int, answers: Sequence[Sequence[Tokens]]
    ) -> list[tuple[str, Likelihoods]]:
        batch = self._base.encoder.prompts(prompts)
        self._tell(prompts)
        settings = {"max_new_tokens": budget, "pad_token_id": self._ending.padding}
        with first_pass(self._model, batch, wanted=any(answers)) as first:
            ids = self._model.generate(**batch, do_sample=False, num_beams=1, **settings)
        texts = self._texts(ids[:, batch["input_ids"].shape[1] :])
        found = self._ranked(first[0], answers) if first else [NOTHING for _ in answers]
        return list(zip(texts, found, strict=True))

    def _ranked(self, prefix: Prefix, answers: Sequence[Sequence[Tokens]]) -> list[Likelihoods]:
        end, tuner = self._base.processor.tokenizer.eos_token_id, tuner_of(self._adapted)
        return likelihoods(self._model, prefix, answers, int(end), None if self._plain else tuner)

    def _cut_up(self, answers: Sequence[Sequence[str]]) -> list[list[Tokens]]:
        """Return the tokens of each answer, without its end; every text is cut up once."""
        texts = sorted({text for row in answers for text in row})
        ids = self._base.processor.tokenizer(texts, add_special_tokens=False)["input_ids"] if texts else []
        known: dict[str, Tokens] = dict(zip(texts, ids, strict=True))
        return [[known[text] for text in row] for row in answers]

    def _merge(self) -> None:
        """Add a plain adapter to the weights, before its first answer."""
        if self._plain or self._placement.one_by_one or self._merged is not None:
            return
        if can_merge(self._adapted):
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
        self._reads_itself = (
            family_of(self._loaded).causal
            and base.encoder.reads_apart
            and is_plain_greedy(generation)
            and not self._placement.one_by_one
        )
        self._rules = Rules(
            share=tokenwise,
            equal=self._placement.one_by_one or (adapted is not None and not is_padding_safe(adapted)),
            max_tokens=_CPU_TOKENS if base.device.type == "cpu" else None,
            image_token=image_token(base.model),
        )
        self._vocabulary = int(base.model.config.get_text_config().vocab_size)
        stops, padding = generation.eos_token_id, base.processor.tokenizer.pad_token_id
        stops = stops if isinstance(stops, list) else [] if stops is None else [stops]
        padding = padding if padding is not None else base.processor.tokenizer.eos_token_id
        self._ending = Ending(frozenset(stops), padding, may_leave=tokenwise)

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
