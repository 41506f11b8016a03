"""What routers look at besides the input of their own layer: one object, shared by all layers of a model.

It is filled before a forward pass and left in place afterwards: gradient checkpointing runs layers again in
the backward pass, and `generate` refuses arguments that it does not know.

Legend: B samples, L positions of the longest, N rows of vision features, T tasks, D an embedding's width.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from typing import Literal, Protocol

import torch

from cvit_bench.adapters.positions import Positions, Rows, deal_out
from cvit_bench.errors import CvitBenchError

IGNORED = -100
Where = Literal["real", "prompt", "seen"]
"""Positions to look at: those with a token, those of the prompt, or its picture (without one, the prompt)."""


class Recorder(Protocol):
    """Who wants to know which way samples went."""

    def record(self, layer: str, name: str, values: torch.Tensor) -> None:
        """Take the values [B, …] of one layer for the samples of the current pass."""


class Selector(Protocol):
    """Who tells the task of each sample."""

    def select(self, routing: Routing) -> torch.Tensor:
        """Return task indices, long [B]."""


@dataclass
class Routing:
    """State of one forward pass.

    Set from outside, before the pass:
        instructions: embedding of each sample's instruction, float [B, D]; None where no method asks.
        tasks: index of the task whose router each sample takes, long [B]; None: a selector decides.
        recorder: is told of routes; None: nobody asks.
        counts_usage: whether the pass counts for a branch's usage.

    Set by the model's own hook (`observe`):
        real: which positions hold a token, bool [B, L].
        prompt: those of them that are not answer, bool [B, L].
        visual: those that hold a picture, bool [B, L]; None when unknown.
        tiles: how many tiles each picture has, long [pictures]; None where positions tell its share of rows.
        decoding: whether the pass continues a cached one.
        passes: how many passes there were, so that a layer run again by checkpointing counts once.
        generating: whether passes belong to one generation, which keeps vision features and tasks.
        ragged: whether some position holds no token.
        kept: what a layer decided at prefill, a row for each sample, by layer and name.
        made: what a layer made of its weights alone, for one generation.
        image_embeddings: mean vision feature of each sample before the projector, float32 [B, d], zero for a
            sample without a picture; None before the projector ran, or where nobody asks.

    selector: decides about tasks where they are not set. extra_loss: terms that layers add to the loss.
    """

    instructions: torch.Tensor | None = None
    tasks: torch.Tensor | None = None
    recorder: Recorder | None = None
    counts_usage: bool = True

    real: torch.Tensor | None = None
    prompt: torch.Tensor | None = None
    visual: torch.Tensor | None = None
    tiles: torch.Tensor | None = None
    decoding: bool = False
    passes: int = 0
    generating: bool = False
    ragged: bool = False
    kept: dict[tuple[str, str], torch.Tensor] = field(default_factory=dict)
    made: dict[tuple[str, str], torch.Tensor] = field(default_factory=dict)

    image_embeddings: torch.Tensor | None = None
    selector: Selector | None = None
    extra_loss: list[torch.Tensor] = field(default_factory=list)
    _positions: dict[Where, Positions] = field(default_factory=dict)
    _rows: dict[int, Rows] = field(default_factory=dict)
    _with_picture: torch.Tensor | None = None

    @property
    def num_samples(self) -> int:
        """B of the current pass."""
        return len(self._told(self.real))

    @property
    def device(self) -> torch.device:
        """Where the current pass runs."""
        return self._told(self.real).device

    def _told(self, mask: torch.Tensor | None) -> torch.Tensor:
        if mask is None:
            raise CvitBenchError("a routed layer ran before its model told it about the batch")
        return mask

    def observe_ahead(
        self, ids: torch.Tensor | None, mask: torch.Tensor | None, image_token: int | None
    ) -> None:
        """Take note of a generation: its vision features may be made before the first pass, and only once."""
        self.generating = False
        self.observe(ids, mask, None, image_token, decoding=False)
        self.generating = True

    def observe(
        self,
        ids: torch.Tensor | None,
        mask: torch.Tensor | None,
        labels: torch.Tensor | None,
        image_token: int | None,
        decoding: bool,
    ) -> None:
        """Take note of a pass that is about to begin; ids, mask and labels are [B, L] or None.

        While decoding, `mask` may cover the cache as well: its last positions belong to the pass; a mask of
        more axes says who sees whom, and nothing is padding.
        """
        known = ids if ids is not None else labels if labels is not None else mask
        if mask is not None and mask.ndim != 2 and decoding:
            mask = None  # several answers to one prompt, packed: every position holds a token
        if known is None or (mask is not None and mask.ndim != 2):
            raise CvitBenchError("routed layers need input_ids, and a mask of one row a sample if any")
        length = known.shape[1]
        self.real = torch.ones_like(known, dtype=torch.bool) if mask is None else mask[:, -length:].bool()
        self.ragged = mask is not None and not bool(self.real.all())
        self.prompt = self.real if labels is None else self.real & (labels == IGNORED)
        self.visual = None if ids is None or image_token is None else (ids == image_token) & self.real
        self.decoding = decoding
        self.passes += 1
        if not decoding and not self.generating:
            self.kept.clear()
            self.made.clear()
            self.image_embeddings = None
        self._positions.clear()
        self._rows.clear()
        self._with_picture = None
        self.extra_loss.clear()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let passes of the same batch happen that leave no trace, between a pass and its backward."""
        ours = ("kept", "extra_loss", "_positions", "_rows")
        before = {**self.__dict__, **{name: copy(getattr(self, name)) for name in ours}}
        try:
            yield
        finally:
            self.__dict__.update(before)

    @contextmanager
    def continuing(self, samples: torch.Tensor) -> Iterator[None]:
        """Have passes continue these samples of the prefilled batch, long [n], any of them several times."""
        with self.aside():
            self.kept = {place: values[samples] for place, values in self.kept.items()}
            for name in ("instructions", "tasks", "image_embeddings"):
                values = getattr(self, name)
                setattr(self, name, None if values is None else values[samples])
            yield

    def instruction_rows(self) -> torch.Tensor:
        """Return the instruction embeddings [B, D]; raise when they are missing or of another batch."""
        if self.instructions is None:
            raise CvitBenchError(
                "no instruction embeddings: this adapter routes by instruction; "
                "set routing_of(model).instructions, one row a sample, before the forward pass"
            )
        if len(self.instructions) != self.num_samples:
            raise CvitBenchError(
                f"{len(self.instructions)} instruction embeddings for {self.num_samples} samples"
            )
        return self.instructions

    def task_rows(self) -> torch.Tensor:
        """Return the task index of each sample, long [B]: as set, else as selected at prefill."""
        place = ("", "tasks")
        if self.tasks is not None:
            if len(self.tasks) != self.num_samples:
                raise CvitBenchError(f"{len(self.tasks)} tasks for {self.num_samples} samples")
            return self.tasks
        if place not in self.kept:
            if self.selector is None:
                raise CvitBenchError("no task is set and this adapter has no selector")
            self.kept[place] = self.selector.select(self)
        return self.kept[place]

    def takes_all(self, where: Where) -> bool:
        """Whether these are all positions of the batch."""
        return not self.ragged and self.positions(where).mask is self.real

    def positions(self, where: Where) -> Positions:
        """Return the positions to look at, made once a pass."""
        if where not in self._positions:
            self._positions[where] = Positions(self._mask(where))
        return self._positions[where]

    def _mask(self, where: Where) -> torch.Tensor:
        mask = self._told(self.real if where == "real" else self.prompt)
        if where == "seen" and self.visual is not None:
            return torch.where(self.with_picture.unsqueeze(1), self.visual, mask)
        return mask

    @property
    def with_picture(self) -> torch.Tensor:
        """Which samples have a picture, bool [B]; the pass must have input_ids."""
        if self._with_picture is None:
            if self.visual is None:
                raise CvitBenchError("vision features cannot be told apart: the pass has no input_ids")
            self._with_picture = self.visual.any(1)
        return self._with_picture

    def rows(self, num_rows: int) -> Rows:
        """Return whose each row of vision features is, made once a pass."""
        if num_rows not in self._rows:
            if self.visual is None:
                raise CvitBenchError("vision features cannot be told apart: the pass has no input_ids")
            self._rows[num_rows] = deal_out(num_rows, self.visual, self.tiles)
        return self._rows[num_rows]
