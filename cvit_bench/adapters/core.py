"""The routed low-rank update, y = W x + s · Σ_k g_k B_k A_k x, without a loop over experts.

Stack the A's into one matmul down, multiply by the gates, stack the B's into one matmul up: routing is a
diagonal between A and B. A shared A is one A in front of many B's.

Legend: B samples, L positions, d and o widths of the adapted linear layer, K experts of rank r, R = K·r.
Gate logits are float32 whatever the model computes in: near ties must fall the same way everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn
from torch.nn.functional import dropout, linear

from cvit_bench.adapters.prepared import PreparingModule
from cvit_bench.adapters.routing import Routing, Where

if TYPE_CHECKING:
    from typing_extensions import Self

Modality = Literal["text", "vision"]
GateNorm = Literal["mask", "renorm"]


@dataclass(frozen=True)
class History:
    """The tasks an adapter has a router or a key for, and how many branches there were at each of them."""

    tasks: tuple[str, ...] = ()
    branches: tuple[int, ...] = ()


@dataclass(frozen=True)
class Place:
    """The linear layer that an update belongs to: its name, what it sees, its widths d and o."""

    layer: str
    modality: Modality
    width_in: int
    width_out: int
    has_bias: bool = False


class RoutedUpdate(PreparingModule):
    """What one adapted linear layer adds to its output; a method's layer is one subclass.

    Attributes:
        layer: name of the linear layer, under which choices are kept and recorded.
        modality: whether the layer sees text positions [B, L, d] or rows of vision features [..., d].
        prefix_shareable: whether, while decoding, the update of a position depends on that position and on
            what was kept of the prompt alone, so that several answers may continue one prompt in a pass.
        tokenwise: whether the update of any position, of the prompt too, depends on that position alone, so
            that what several prompts begin with may be read once.
        padding_safe: whether prompts of several lengths may share a batch.
    """

    prefix_shareable: bool = False
    tokenwise: bool = False
    padding_safe: bool = True

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.layer = place.layer
        self.modality: Modality = place.modality
        self._last_pass = -1

    def add_to(self, output: torch.Tensor, x: torch.Tensor, routing: Routing) -> torch.Tensor:
        """Return `output` [..., o] plus the update of the input `x` [..., d]."""
        raise NotImplementedError

    def start(self, routers: torch.Generator | None) -> None:
        """Initialise all weights, so that the update is zero; routers draw from their own generator."""
        raise NotImplementedError

    def made_of(
        self, name: str, weights: Sequence[torch.Tensor], routing: Routing, make: Callable[[], torch.Tensor]
    ) -> torch.Tensor:
        """Return what `make` makes of weights alone: anew in training, else kept while it may be."""
        if self.training or (torch.is_grad_enabled() and any(weight.requires_grad for weight in weights)):
            return make()
        place = (self.layer, name)
        if routing.decoding and place in routing.made:
            return routing.made[place]
        made = self.prepared.get(name, weights, make)
        if routing.generating:
            routing.made[place] = made
        return made

    def runs_first(self, routing: Routing) -> bool:
        """Whether the layer has not run in this pass yet: checkpointing runs it again."""
        first, self._last_pass = routing.passes != self._last_pass, routing.passes
        return first

    def begin(self, num_tasks_before: int) -> None:
        """Get ready for the stage that follows so many tasks."""

    def running_state(self) -> dict[str, torch.Tensor]:
        """Return the sums that a stage has gathered so far and that are settled when it closes."""
        return {}

    def resume_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """Go on from such sums."""

    def keep_fixed(self) -> None:
        """Take gradients from what must not learn; PEFT hands them out to everything it finds."""

    @classmethod
    def next_history(
        cls, config: Any, past: History, state: Mapping[str, torch.Tensor], tasks: Sequence[str]
    ) -> History:
        """Return the history of a stage on `tasks`, from that of the checkpoint before and its state."""
        return History()

    @classmethod
    def close_stage(cls, updates: Mapping[str, Self]) -> None:
        """Take note that a stage is over; `updates` are all layers of the model by name."""


def empty(*shape: int) -> nn.Parameter:
    """Return an uninitialised float32 parameter: adapters learn in full precision on any base."""
    return nn.Parameter(torch.empty(*shape, dtype=torch.float32))


def start_down(weight: torch.Tensor, how: str) -> None:
    """Initialise A: `normal` is N(0, 0.01²) (CoIN, SMoLoRA), `kaiming` uniform with a = √5 (PEFT's LoRA)."""
    if how == "normal":
        nn.init.normal_(weight, std=0.01)
    else:
        nn.init.kaiming_uniform_(weight, a=5**0.5)


def down(x: torch.Tensor, weight: torch.Tensor, share: float, training: bool) -> torch.Tensor:
    """Return A·drop(x): [..., R] for an input [..., d] and A [R, d]."""
    x = x if torch.is_autocast_enabled(x.device.type) else x.to(weight.dtype)
    return flat_linear(dropout(x, share, training) if share else x, weight)


def flat_linear(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return weight·x for x [..., d] as one matrix product.

    On inputs of more axes torch chooses its algorithm by whether a gradient is asked for, and so do the bits.
    """
    return linear(x.reshape(-1, x.shape[-1]), weight).view(*x.shape[:-1], len(weight))


def up(output: torch.Tensor, h: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return output + h·Bᵀ for h [..., R], already gated and scaled, and B [o, R]."""
    flat = output.reshape(-1, output.shape[-1])
    if h.dtype != output.dtype or torch.is_autocast_enabled(h.device.type):
        return output + flat_linear(h, weight).to(output.dtype)
    return torch.addmm(flat, h.reshape(-1, h.shape[-1]), weight.t()).view_as(output)


def expand(gates: torch.Tensor, rank: int) -> torch.Tensor:
    """Return the diagonal between A and B, [..., K·r], of gates [..., K]: each one r times."""
    return gates.repeat_interleave(rank, -1, output_size=gates.shape[-1] * rank)


def logits(x: torch.Tensor, router: torch.Tensor) -> torch.Tensor:
    """Return router·x in float32, [..., K]."""
    if not torch.is_autocast_enabled(x.device.type):
        return flat_linear(x.float(), router.float())
    with torch.autocast(x.device.type, enabled=False):
        return flat_linear(x.float(), router.float())


def top_k_gates(scores: torch.Tensor, k: int, norm: GateNorm) -> torch.Tensor:
    """Return gates that are zero outside the k largest scores of the last axis.

    renorm: softmax over the k kept ones (k = 1: exactly 1). mask: softmax over all, the others set to zero
    afterwards, so that every score has a gradient. Of equal scores the first ones are kept.
    """
    if k == 1 and norm == "renorm" and not scores.requires_grad:
        return torch.zeros_like(scores).scatter(-1, scores.argmax(-1, keepdim=True), 1.0)
    kept = scores.sort(dim=-1, descending=True, stable=True).indices[..., :k]
    if norm == "renorm":
        closed = torch.full_like(scores, float("-inf")).scatter(-1, kept, 0.0)
        return (scores + closed).softmax(-1)
    return scores.softmax(-1) * torch.zeros_like(scores).scatter(-1, kept, 1.0)


def pooled(x: torch.Tensor, routing: Routing, modality: Modality, where: Where = "real") -> torch.Tensor:
    """Return the mean input of each sample, float32 [B, d]; 0 where it has no such position.

    Vision: over all rows of a sample, whatever `where` says.
    """
    if modality == "vision":
        return summed(x, routing, modality) / routing.rows(_num_rows(x)).divisors
    if routing.takes_all(where):
        return x.mean(1, dtype=torch.float32)
    return summed(x, routing, modality, where) / routing.positions(where).counts


def summed(x: torch.Tensor, routing: Routing, modality: Modality, where: Where = "real") -> torch.Tensor:
    """Return the sum over each sample's positions, or rows of vision features, float32 [B, d]."""
    if modality == "text":
        return x.masked_fill(routing.positions(where).outside, 0.0).sum(1, dtype=torch.float32)
    flat = x.reshape(-1, x.shape[-1])
    sums = flat.new_zeros(routing.num_samples, flat.shape[-1], dtype=torch.float32)
    return sums.index_add(0, routing.rows(len(flat)).owner, flat.float())


def _num_rows(x: torch.Tensor) -> int:
    return x.shape[:-1].numel()


def first(x: torch.Tensor, routing: Routing, modality: Modality) -> torch.Tensor:
    """Return the input at each sample's first real position, or first row of vision features, [B, d]."""
    if modality == "vision":
        return x.reshape(-1, x.shape[-1])[routing.rows(_num_rows(x)).first]
    if not routing.ragged:
        return x[:, 0]
    return x.gather(1, routing.positions("real").first.expand(-1, 1, x.shape[-1])).squeeze(1)


def per_position(gates: torch.Tensor, x: torch.Tensor, routing: Routing, modality: Modality) -> torch.Tensor:
    """Return gates of samples [B, K] in a shape that multiplies [..., K] of every position of x."""
    if modality == "text":
        return gates.unsqueeze(1)
    return gates[routing.rows(_num_rows(x)).owner].view(*x.shape[:-1], -1)


def record_mean(update: RoutedUpdate, gates: torch.Tensor, routing: Routing) -> None:
    """Tell the recorder, if there is one, each sample's mean gates [B, K] of a per-position gate."""
    if routing.recorder is not None and not routing.decoding:
        routing.recorder.record(update.layer, "gates", pooled(gates, routing, update.modality))
