"""Which positions of a batch, and which rows of vision features, belong to what; made once a pass.

Legend: B samples, L positions of the longest, N rows of vision features.
"""

from __future__ import annotations

from functools import cached_property

import torch

from cvit_bench.errors import CvitBenchError


class Positions:
    """Some positions of each sample: `mask`, bool [B, L]."""

    def __init__(self, mask: torch.Tensor) -> None:
        self.mask = mask

    @cached_property
    def outside(self) -> torch.Tensor:
        """All others, bool [B, L, 1]."""
        return ~self.mask.unsqueeze(-1)

    @cached_property
    def counts(self) -> torch.Tensor:
        """How many a sample has, at least 1, long [B, 1]."""
        return self.mask.sum(1, keepdim=True).clamp(min=1)

    @cached_property
    def first(self) -> torch.Tensor:
        """The first of each sample, long [B, 1, 1]."""
        return self.mask.int().argmax(1).view(-1, 1, 1)


class Rows:
    """Rows of vision features, in sample order.

    Attributes:
        owner: which sample each belongs to, long [N].
        counts: how many each sample has, long [B].
    """

    def __init__(self, owner: torch.Tensor, counts: torch.Tensor) -> None:
        self.owner, self.counts = owner, counts

    @cached_property
    def divisors(self) -> torch.Tensor:
        """How many a sample has, at least 1, long [B, 1]."""
        return self.counts.clamp(min=1).unsqueeze(1)

    @cached_property
    def first(self) -> torch.Tensor:
        """The first of each sample, long [B]; a sample without any has another's."""
        return (self.counts.cumsum(0) - self.counts).clamp(max=len(self.owner) - 1)


def deal_out(num_rows: int, visual: torch.Tensor, tiles: torch.Tensor | None = None) -> Rows:
    """Return whose each of `num_rows` is: each sample has a share in proportion to its picture positions.

    `visual` says where these are, bool [B, L]. A projector may have merged patches or not yet merged them.
    Where rows are dropped behind the projector, shares follow the number of `tiles` of each picture instead,
    long [pictures], one picture a sample that has any.
    """
    counts = visual.sum(1)
    if tiles is not None:
        counts = torch.zeros_like(counts).masked_scatter(counts > 0, tiles.to(counts))
    positions = counts.tolist()
    total = sum(positions)
    if total == 0 or any(count * num_rows % total for count in positions):
        raise CvitBenchError(f"{num_rows} rows of vision features for {total} picture positions")
    share = counts * num_rows // total
    return Rows(torch.repeat_interleave(share, output_size=num_rows), share)
