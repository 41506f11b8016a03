"""How likely a model holds each allowed answer of a sample to be, kept so that scoring needs no model."""

from collections.abc import Sequence

from pydantic import Field, model_validator
from typing_extensions import Self

from cvit_bench.records.base import FileRecord, Record, Sha256

_DIGITS = 4
_LEAST = -1e6


class Ranking(Record):
    """Log-likelihoods of the spellings of all allowed answers, one after another.

    Attributes:
        key: under which they may be used again: weights, picture, wording, allowed answers, settings.
        candidates: hash of the allowed answers.
        plain: Σ ln p of each spelling over its tokens and the end.
        tokens: how many these are; plain / tokens is the length-normalised log-likelihood.
    """

    key: Sha256
    candidates: Sha256
    plain: tuple[float, ...] = Field(min_length=1)
    tokens: tuple[int, ...]

    @model_validator(mode="after")
    def _paired(self) -> Self:
        if len(self.plain) != len(self.tokens) or min(self.tokens) < 1:
            raise ValueError("tokens: one count from 1 on for each spelling")
        return self

    @property
    def normalised(self) -> tuple[float, ...]:
        """Mean of ln p over the tokens of each spelling and its end."""
        return tuple(value / count for value, count in zip(self.plain, self.tokens, strict=True))


def ranking(key: str, candidates: str, plain: Sequence[float], tokens: Sequence[int]) -> Ranking:
    """Make a ranking, rounded to what matters; minus infinity becomes the smallest number kept."""
    rounded = (round(max(value, _LEAST), _DIGITS) for value in plain)
    return Ranking(key=key, candidates=candidates, plain=tuple(rounded), tokens=tuple(tokens))


def first_of(values: Sequence[float]) -> int | None:
    """Return the place of the largest value, None where two share it."""
    top = max(values)
    return values.index(top) if values.count(top) == 1 else None


class BlankRanking(Record):
    """A ranking on the blank picture, for every sample that asks so and has these allowed answers."""

    prompt: str
    ranking: Ranking


class BlankRankings(FileRecord):
    """What `blank.json` holds: a task at a stage, asked in its first wording on a blank picture."""

    rankings: tuple[BlankRanking, ...]
