"""Ask a model about a batch; on failure narrow it down, so that one broken sample costs only itself.

Answers and rankings that are both wanted come from one reading of the prompts. Where that fails, each is
asked for on its own: what breaks the one need not break the other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cvit_bench.data.candidates import Candidates
from cvit_bench.models.family import Likelihoods, Model, OutOfMemoryError
from cvit_bench.progress import say
from cvit_bench.records.ranking import Ranking, ranking
from cvit_bench.records.sample import Prompt

Found = TypeVar("Found")


@dataclass(frozen=True)
class Ask:
    """A prompt, the allowed answers that are ranked behind it, their hash, and the key of the ranking."""

    prompt: Prompt
    candidates: Candidates
    sha256: str
    key: str

    @property
    def answers(self) -> list[str]:
        """All spellings, one answer after another."""
        return [spelling for spellings in self.candidates for spelling in spellings]

    def made(self, found: Likelihoods) -> Ranking:
        """Return the ranking that these likelihoods give."""
        return ranking(self.key, self.sha256, found.plain, found.tokens)


@dataclass(frozen=True)
class Reply:
    """What a model said to a prompt and how it ranked, or why it did not; None where it was not asked."""

    text: str | Exception | None = None
    ranking: Ranking | Exception | None = None


Tell = Callable[[int], None]
"""Hears how many prompts were too many for the memory."""


def _nobody(count: int) -> None:
    """Hear it and do nothing."""


def answered(model: Model, prompts: Sequence[Prompt], tell: Tell = _nobody) -> list[str | Exception]:
    """Answer a batch."""
    return _narrowed(model.generate, prompts, "a batch", tell)


def ranked(model: Model, asks: Sequence[Ask], tell: Tell = _nobody) -> list[Ranking | Exception]:
    """Rank the allowed answers of a batch."""

    def rank(part: Sequence[Ask]) -> list[Ranking]:
        found = model.rank([ask.prompt for ask in part], [ask.answers for ask in part])
        return [ask.made(one) for ask, one in zip(part, found, strict=True)]

    return _narrowed(rank, asks, "ranking a batch", tell)


def replies(
    model: Model, prompts: Sequence[Prompt], asks: Sequence[Ask | None], tell: Tell = _nobody
) -> list[Reply]:
    """Answer a batch, and rank behind the prompts that have something to rank."""
    try:
        return _from_one_reading(model, prompts, asks)
    except OutOfMemoryError:
        if len(prompts) > 1:
            _halved("a batch", len(prompts), tell)
            middle = len(prompts) // 2
            first = replies(model, prompts[:middle], asks[:middle], tell)
            return first + replies(model, prompts[middle:], asks[middle:], tell)
    except Exception as error:
        del error  # asked apart, the half that fails says why
    return _apart(model, prompts, asks, tell)


def _from_one_reading(model: Model, prompts: Sequence[Prompt], asks: Sequence[Ask | None]) -> list[Reply]:
    found = model.answer_and_rank(prompts, [ask.answers if ask is not None else () for ask in asks])
    return [
        Reply(text, ask.made(said) if ask is not None else None)
        for ask, (text, said) in zip(asks, found, strict=True)
    ]


def _apart(model: Model, prompts: Sequence[Prompt], asks: Sequence[Ask | None], tell: Tell) -> list[Reply]:
    """Answer first, then rank behind the prompts that could be answered."""
    texts = answered(model, prompts, tell)
    wanted = {
        at: ask
        for at, (ask, text) in enumerate(zip(asks, texts, strict=True))
        if ask is not None and isinstance(text, str)
    }
    found = dict(zip(wanted, ranked(model, list(wanted.values()), tell), strict=True)) if wanted else {}
    return [Reply(text, found.get(at)) for at, text in enumerate(texts)]


Row = TypeVar("Row")


def _narrowed(
    ask: Callable[[Sequence[Row]], Sequence[Found]], rows: Sequence[Row], what: str, tell: Tell
) -> list[Found | Exception]:
    """Ask about rows, and about each half of them where that fails."""
    try:
        return list(ask(rows))
    except Exception as error:
        if len(rows) == 1:
            return [error]
        if isinstance(error, OutOfMemoryError):
            _halved(what, len(rows), tell)
    middle = len(rows) // 2
    return _narrowed(ask, rows[:middle], what, tell) + _narrowed(ask, rows[middle:], what, tell)


def _halved(what: str, count: int, tell: Tell) -> None:
    say(f"out of memory with {what} of {count}: halved")
    tell(count)
