"""Where an adapter sits: which linear layers of language model and projector it changes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.base import Record

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj", "out_proj", "qkv_proj")
FEED_FORWARD = ("gate_proj", "up_proj", "down_proj", "gate_up_proj", "fc1", "fc2")


@dataclass(frozen=True)
class Sites:
    """The linear layers of a base by full name, of language model and projector, and the latter's name.

    `image_width` is the width of the features that enter the projector, None where nobody said.
    """

    language: tuple[str, ...]
    projector: tuple[str, ...]
    projector_module: str
    image_width: int | None = None


MOST_RANK = 1 << 14
"""A higher one is a mistake, or is meant to fill the memory."""


class AdapterConfig(Record):
    """Settings that every adapter has; `--set adapter.KEY=…` overrides.

    `projector` adapts its layers like the others, trains its weights in full, or leaves them alone. A mixture
    names in `PARTS` its setting that says among how many the rank is divided.
    """

    PARTS: ClassVar[str | None] = None

    rank: int = Field(default=128, ge=1, le=MOST_RANK, description="total rank")
    alpha: float = Field(default=256.0, gt=0, description="scale is alpha / rank")
    dropout: float = Field(default=0.05, ge=0, lt=1)
    a_init: Literal["normal", "kaiming"] = "normal"
    sites: Literal["all", "attention", "feed_forward"] = "all"
    projector: Literal["adapt", "train", "frozen"] = "adapt"

    @property
    def scale(self) -> float:
        """Return s = alpha / total rank."""
        return self.alpha / self.rank

    @property
    def part_rank(self) -> int:
        """Rank of one expert, head or branch."""
        return self.rank if self.PARTS is None else self.rank // int(getattr(self, self.PARTS))

    @model_validator(mode="after")
    def _parts_divide_the_rank(self) -> Self:
        if self.PARTS is not None and self.rank % getattr(self, self.PARTS):
            raise ValueError(f"{self.PARTS}: {getattr(self, self.PARTS)} must divide the rank {self.rank}")
        return self


def chosen_linears(config: AdapterConfig, sites: Sites) -> tuple[str, ...]:
    """Return the names of the layers that a configuration adapts by low rank.

    Raises CvitBenchError when the base has none of that kind.
    """
    wanted = {"attention": ATTENTION, "feed_forward": FEED_FORWARD}.get(config.sites)
    language = tuple(name for name in sites.language if wanted is None or name.rpartition(".")[2] in wanted)
    if not language:
        raise CvitBenchError(f"adapter.sites: the base has no {config.sites} layers (known: {wanted})")
    return language + (sites.projector if config.projector == "adapt" else ())


def one_pattern(linears: tuple[str, ...]) -> str:
    """Return one regular expression that matches the given module names, their layer numbers folded."""
    folded = {re.sub(r"(?<=\\\.)\d+(?=\\\.)", r"\\d+", re.escape(name)) for name in linears}
    return "|".join(sorted(folded))
