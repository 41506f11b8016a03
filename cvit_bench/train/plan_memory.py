"""How much memory a stage takes in one process: an estimate from shapes, nothing is measured.

Bytes, for T = b · L positions of a backward pass (b samples of length L), n decoder layers of width h,
feed-forward width f, widths h_q and h_kv of all queries and all keys, vocabulary V, widths d of the adapted
layers' inputs; w bytes a value of the base, c of the computing type (2 under bfloat16), m = 1 with dropout,
else 0:

    base         its weights · w
    adapter      its weights · 4 (float32)
    gradients    learning weights · 4
    optimizer    learning weights · 8 (AdamW: two float32 states)
    one layer    T · (8 h + c · (2 h_q + 2 h_kv + 3 f) + k · (c + m) · Σ d),  k = 2, with DoRA 4
    activations  n layers of them; with checkpointing n · T · h · w, and one layer
    logits       T · V · (c + 12): logits, float32 log-probabilities and two gradients of them

Two norms keep their input in float32, attention its queries, keys, values and output, the feed-forward part
three products. k says how often an adapter keeps the input of a layer: LoRA once, SMoLoRA twice, a router
for every token in float32 beside it. The vision tower is frozen and keeps nothing; what libraries and the
device itself take is left out.
"""

from dataclasses import dataclass

from cvit_bench.records.training import TrainingBudget
from cvit_bench.records.training_plan import MemoryEstimate, WeightCount

TEXT_TOKENS = 128
"""Length of instruction and answer that is assumed beside a picture's positions."""

_INPUTS_KEPT, _INPUTS_KEPT_DORA = 2, 4


@dataclass(frozen=True)
class Shapes:
    """The sizes of a language model that decide what a backward pass keeps.

    Attributes:
        query_width: number of heads · width of a head, which need not be `width`.
        key_width: the same for keys, of which there may be fewer.
        image_tokens: positions of a picture.
        adapted_inputs: sum of the input widths of all adapted layers of the language model.
    """

    width: int
    inner: int
    query_width: int
    key_width: int
    layers: int
    vocabulary: int
    image_tokens: int
    adapted_inputs: int


@dataclass(frozen=True)
class Computing:
    """Bytes of a value of the base and of the computing type; whether there is dropout, and DoRA."""

    base: int
    computing: int
    dropout: bool
    dora: bool


def estimate(
    weights: WeightCount, shapes: Shapes, budget: TrainingBudget, computing: Computing
) -> MemoryEstimate:
    """Return what a process takes whose backward passes have `micro_batch` samples, else the whole batch."""
    length = shapes.image_tokens + TEXT_TOKENS
    positions = min(budget.batch_size, budget.micro_batch or budget.batch_size) * length
    return MemoryEstimate(
        length=length,
        base=weights.base * computing.base,
        adapter=weights.adapter_bytes,
        gradients=4 * weights.learning,
        optimizer=8 * weights.learning,
        activations=activations(shapes, positions, budget.checkpointing, computing),
        logits=positions * shapes.vocabulary * (computing.computing + 12),
    )


def activations(shapes: Shapes, positions: int, checkpointing: bool, computing: Computing) -> int:
    """Return the bytes that the decoder layers keep for a backward pass over so many positions."""
    all_layers = positions * shapes.layers * _of_layer(shapes, computing)
    all_layers += positions * _of_adapter(shapes, computing)
    if not checkpointing:
        return all_layers
    return positions * shapes.layers * shapes.width * computing.base + all_layers // shapes.layers


def _of_layer(shapes: Shapes, computing: Computing) -> int:
    """Return what the base's own part of a layer keeps, bytes a position."""
    products = 2 * shapes.query_width + 2 * shapes.key_width + 3 * shapes.inner
    return 8 * shapes.width + computing.computing * products


def _of_adapter(shapes: Shapes, computing: Computing) -> int:
    """Return what the adapted layers together keep of their inputs, bytes a position."""
    times = _INPUTS_KEPT_DORA if computing.dora else _INPUTS_KEPT
    return times * (computing.computing + int(computing.dropout)) * shapes.adapted_inputs
