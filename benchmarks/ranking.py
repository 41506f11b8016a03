"""Ranked knowledge: which of the allowed answers a model holds to be likeliest, whatever it would say freely.

    score of a candidate  mean of ln p(token | picture, prompt, tokens before) over its tokens and the end

All candidates of a question stand in one forward pass, packed one after another behind the prompt; the mask
lets each see the prompt and itself only, and each counts positions on from the prompt. That is the same as
one pass for each candidate (tests/benchmarks/test_ranking.py).

Legend: B prompts of a batch, L positions of the longest one, P tokens of all candidates, C candidates.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from cvit_bench import plugins
from cvit_bench.models.adapter_files import load_adapter
from cvit_bench.models.loading import LoadedBase
from cvit_bench.records.form import AnswerForm
from cvit_bench.records.sample import Prompt, Sample
from cvit_bench.records.task import Task

LARGEST_SET = 200
YES_NO = ("yes", "no")
_BATCH = 32

Candidates = tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """A worded sample and the answers that are ranked."""

    sample: Sample
    prompt: Prompt
    candidates: Candidates


def candidate_sets(task: Task, test: Sequence[Sample], train: Sequence[Sample]) -> list[Candidates] | None:
    """Return the allowed answers of every test sample; None where the task's answer set is open.

    Letters of the sample's options; yes and no where one of them is right; else the task's classes, or, where
    it names none, all answers of its train split (at most 200, and all test samples must find theirs there).
    """
    if task.answer_form is AnswerForm.OPTION_LETTER:
        return [tuple(task.form.letters[: len(sample.choices) or None]) for sample in test]
    if task.answer_form in (AnswerForm.SENTENCE, AnswerForm.BOX):
        return None
    names = task.classes or tuple(sorted({answer for sample in train for answer in sample.answers}))
    sets = [YES_NO if set(sample.answers) & set(YES_NO) else names for sample in test]
    is_covered = all(set(sample.answers) & set(allowed) for sample, allowed in zip(test, sets, strict=True))
    return sets if is_covered and len(names) <= LARGEST_SET else None


def option_words(task: Task, test: Sequence[Sample]) -> list[Candidates] | None:
    """Return the options of every test sample in words; None where a task asks for no letters.

    A model that names letters no more may still hold the right option likeliest.
    """
    if task.answer_form is not AnswerForm.OPTION_LETTER or not all(sample.choices for sample in test):
        return None
    return [sample.choices for sample in test]


def ranked_right(task: Task, questions: Sequence[Question], best: Sequence[str]) -> list[bool]:
    """Tell for every question whether the candidate ranked first is right: the task's scorer says S = 1."""
    scorer = plugins.load(plugins.SCORERS, task.scorer)
    items = [
        (question.sample, _as_asked(task, question, text))
        for question, text in zip(questions, best, strict=True)
    ]
    return [score.strict == 1.0 for score in scorer.score(task, items)]


def _as_asked(task: Task, question: Question, text: str) -> str:
    """Return the letter of an option that was ranked in words; anything else as it is."""
    if task.answer_form is AnswerForm.OPTION_LETTER and question.candidates == question.sample.choices:
        return task.form.letters[question.candidates.index(text)]
    return text


@dataclass
class Ranker:
    """A base whose adapters are swapped in place, and that ranks candidates."""

    base: LoadedBase
    adapted: Any = None

    def use(self, name: str, folder: Path) -> None:
        """Put a stage's adapter in place."""
        self.adapted = load_adapter(self.base.model, self.adapted, folder, name).eval()

    def best(self, questions: Sequence[Question]) -> list[str]:
        """Return the likeliest candidate of every question, in order."""
        found = [""] * len(questions)
        model = self.base.model if self.adapted is None else self.adapted
        for places in _batches(questions):
            candidates = questions[places[0]].candidates
            prompts = [questions[at].prompt for at in places]
            first = log_likelihoods(model, self.base, prompts, candidates).argmax(dim=1).tolist()
            for at, choice in zip(places, first, strict=True):
                found[at] = candidates[choice]
        return found


def _batches(questions: Sequence[Question]) -> Iterator[list[int]]:
    """Cut places of questions into batches with the same candidates and prompts of similar length."""

    def kind(at: int) -> tuple[Candidates, int]:
        return questions[at].candidates, len(questions[at].prompt.text)

    batch: list[int] = []
    for at in sorted(range(len(questions)), key=kind):
        if batch and (len(batch) == _BATCH or kind(at)[0] != kind(batch[0])[0]):
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


@torch.inference_mode()
def log_likelihoods(
    model: Any, base: LoadedBase, prompts: Sequence[Prompt], candidates: Sequence[str]
) -> torch.Tensor:
    """Return the length-normalised log-likelihood of every candidate after every prompt, [B, C]."""
    batch = base.encoder.prompts(prompts)
    tokenizer = base.processor.tokenizer
    said = [list(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in candidates]
    packed = _packed(said, int(tokenizer.eos_token_id), base.device)
    real = batch.pop("attention_mask").bool()
    ids = batch.pop("input_ids")
    logits = model(
        **batch,
        input_ids=torch.cat([ids, packed.tokens.expand(len(ids), -1)], dim=1),
        attention_mask=_mask(real, packed, base.dtype),
        position_ids=_positions(real, packed),
        use_cache=False,
    ).logits[:, ids.shape[1] - 1 :]
    found = logits.float().log_softmax(dim=-1)[:, packed.sources, packed.targets]
    sums = found.new_zeros(len(ids), len(said)).index_add_(1, packed.owners, found)
    return sums / torch.bincount(packed.owners, minlength=len(said))


@dataclass(frozen=True)
class _Packed:
    """Candidates one after another.

    Attributes:
        tokens: [P] without the end tokens.
        homes: [P] the candidate of each token.
        offsets: [P] its place in its candidate.
        sources: [P + C] where each predicted token is read: 0 is the end of the prompt, 1 + p packed token p.
        targets: [P + C] the predicted tokens, end tokens among them.
        owners: [P + C] their candidates.
    """

    tokens: torch.Tensor
    homes: torch.Tensor
    offsets: torch.Tensor
    sources: torch.Tensor
    targets: torch.Tensor
    owners: torch.Tensor


def _packed(said: Sequence[Sequence[int]], end: int, device: torch.device) -> _Packed:
    starts = [sum(map(len, said[:at])) for at in range(len(said))]
    columns = (
        [token for tokens in said for token in tokens],
        [at for at, tokens in enumerate(said) for _ in tokens],
        [place for tokens in said for place in range(len(tokens))],
        [place for start, tokens in zip(starts, said, strict=True)
         for place in (0, *range(start + 1, start + len(tokens) + 1))],
        [token for tokens in said for token in (*tokens, end)],
        [at for at, tokens in enumerate(said) for _ in range(len(tokens) + 1)],
    )  # fmt: skip
    return _Packed(*(torch.tensor(column, device=device) for column in columns))


def _mask(real: torch.Tensor, packed: _Packed, dtype: torch.dtype) -> torch.Tensor:
    """Return what is added to attention, [B, 1, L + P, L + P]: 0 where a position may look."""
    length, count = real.shape[1], len(packed.tokens)
    allowed = torch.ones(length + count, length + count, dtype=torch.bool, device=real.device).tril()
    allowed[length:, length:] &= packed.homes[:, None] == packed.homes[None, :]
    keys = torch.cat([real, real.new_ones(len(real), count)], dim=1)
    itself = torch.eye(length + count, dtype=torch.bool, device=real.device)
    seen = (allowed[None] & keys[:, None, :]) | itself
    return torch.zeros(seen.shape, dtype=dtype, device=real.device).masked_fill(
        ~seen, torch.finfo(dtype).min
    )[:, None]


def _positions(real: torch.Tensor, packed: _Packed) -> torch.Tensor:
    """Return positions [B, L + P]: padding does not count, every candidate goes on from the prompt."""
    prompt = (real.long().cumsum(dim=1) - 1).clamp(min=0)
    return torch.cat([prompt, prompt[:, -1:] + 1 + packed.offsets], dim=1)
