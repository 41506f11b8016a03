"""Random batches: prompts of different length, padded left or right, some with pictures and answers."""

from dataclasses import dataclass

import pytest
import torch
from hypothesis import strategies as st

from cvit_bench.adapters.routing import IGNORED, Routing

PICTURE, WORD, PAD = 3, 7, 0


@dataclass(frozen=True)
class Batch:
    """A layer's input and, by sample, the numbers of its positions in the flattened input.

    `owner` is the sample of each position. In the vision modality positions are rows of features, and `real`,
    `prompt` and `seen` are all the rows of a sample.
    """

    routing: Routing
    modality: str
    x: torch.Tensor
    owner: list[int]
    real: list[list[int]]
    prompt: list[list[int]]
    seen: list[list[int]]

    @property
    def flat(self) -> torch.Tensor:
        """The input in double precision, [positions, d]."""
        return self.x.detach().reshape(-1, self.x.shape[-1]).double()

    def mean(self, positions: list[list[int]], sample: int) -> torch.Tensor:
        """Return the mean input over a sample's positions, zero where it has none."""
        total = torch.zeros(self.x.shape[-1], dtype=torch.float64)
        for at in positions[sample]:
            total = total + self.flat[at] / len(positions[sample])
        return total


@pytest.fixture(scope="session")
def draw_batch():
    """Return a function that draws a batch of the given modality and width."""
    return _draw_batch


def _draw_batch(data, modality: str, width: int) -> Batch:
    size = data.draw(st.integers(1, 3), "samples")
    patches = data.draw(st.integers(1, 3), "positions of a picture")
    pictures = data.draw(st.lists(st.integers(0, 2), min_size=size, max_size=size), "pictures")
    if modality == "vision" and not sum(pictures):
        pictures[-1] = 1
    words = data.draw(st.lists(st.integers(0, 5), min_size=size, max_size=size), "words after the picture")
    answers = [data.draw(st.integers(0, count), "answer") for count in words]
    left = data.draw(st.booleans(), "padded on the left")
    routing, at = _observed(data, patches, (pictures, words, answers), left)
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 2**32 - 1), "input"))
    if modality == "text":
        length = routing.real.shape[1]
        owner = [sample for sample in range(size) for _ in range(length)]
        x = torch.randn(size, length, width, generator=generator)
        return Batch(routing, modality, x, owner, *at)
    share = data.draw(st.integers(1, 2), "rows of a position")
    owner = [sample for sample in range(size) for _ in range(pictures[sample] * patches * share)]
    rows = [[at for at, whose in enumerate(owner) if whose == sample] for sample in range(size)]
    x = torch.randn(len(owner), width, generator=generator)
    if data.draw(st.booleans(), "a block for each picture"):
        x = x.view(sum(pictures), patches * share, width)
    return Batch(routing, modality, x, owner, rows, rows, rows)


def _observed(data, patches, parts, left):
    """Return the routing context after a pass began, and the real, prompt and picture positions by sample."""
    rows = []
    for pictures, words, answer in zip(*parts, strict=True):
        row = [WORD] + [PICTURE] * (pictures * patches) + [WORD] * words
        rows.append((row, len(row) - answer))
    length = max(len(row) for row, _ in rows)
    ids = torch.full((len(rows), length), PAD)
    mask, labels = torch.zeros_like(ids), torch.full_like(ids, IGNORED)
    real, prompt, seen = [], [], []
    for sample, (row, asked) in enumerate(rows):
        start = length - len(row) if left else 0
        ids[sample, start : start + len(row)] = torch.tensor(row)
        mask[sample, start : start + len(row)] = 1
        labels[sample, start + asked : start + len(row)] = WORD
        flat = sample * length + start
        real.append([flat + at for at in range(len(row))])
        prompt.append([flat + at for at in range(asked)])
        seen.append([flat + at for at, token in enumerate(row) if token == PICTURE])
    known = data.draw(st.booleans(), "labels are given")
    full = bool(mask.all()) and data.draw(st.booleans(), "no mask is given")
    routing = Routing()
    routing.observe(ids, None if full else mask, labels if known else None, PICTURE, False)
    return routing, (real, prompt if known else real, seen)


@pytest.fixture(scope="session")
def fill():
    """Return a function that gives all weights and routers of an update random values, B among them."""
    return _fill


def _fill(update: torch.nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    tensors = [*update.parameters(), *(buffer for buffer in update.buffers() if buffer.is_floating_point())]
    with torch.no_grad():
        for tensor in tensors:
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.5)


@pytest.fixture(scope="session")
def agree():
    """Return a function that compares an update's output and gradients with those of the written-out form."""
    return _agree


def _agree(
    update: torch.nn.Module, batch: Batch, width_out: int, written_out, names: tuple[str, ...]
) -> None:
    """`written_out` maps position and double-precision weights by name to the update there, [o]."""
    x = batch.x.clone().requires_grad_(True)
    base = torch.randn(*x.shape[:-1], width_out, generator=torch.Generator().manual_seed(1))
    added = (update.add_to(base, x, batch.routing) - base).reshape(-1, width_out)
    weights = dict(update.named_parameters())
    doubles = {name: weights[name].detach().double().requires_grad_(True) for name in names}
    wanted = torch.stack([written_out(at, doubles) for at in range(len(batch.owner))])
    torch.testing.assert_close(added.double(), wanted, rtol=1e-5, atol=1e-5)
    pull = torch.randn(wanted.shape, generator=torch.Generator().manual_seed(2))
    (added * pull).sum().backward()
    (wanted * pull.double()).sum().backward()
    for name in names:
        found, expected = weights[name].grad, doubles[name].grad
        found = torch.zeros_like(weights[name]) if found is None else found
        expected = torch.zeros_like(doubles[name]) if expected is None else expected
        assert torch.allclose(found.double(), expected, rtol=1e-4, atol=1e-4), name


@pytest.fixture(scope="session")
def softmax():
    """Return a function that writes out the softmax of a list of numbers."""
    return _softmax


def _softmax(values):
    raised = [value.exp() for value in values]
    return [value / sum(raised) for value in raised]


@pytest.fixture(scope="session")
def decode():
    """Return a function that runs an update on a batch's prompts, and then on one more token of each."""
    return _decode


def _decode(update: torch.nn.Module, batch: Batch, width_out: int, seed: int):
    """Return the tokens in double precision [B, d] and what the update adds to them [B, o]."""
    update.add_to(torch.zeros(*batch.x.shape[:2], width_out), batch.x, batch.routing)
    size = len(batch.real)
    mask = torch.cat([batch.routing.real, torch.ones(size, 1, dtype=torch.bool)], 1)
    batch.routing.observe(torch.full((size, 1), WORD), mask, None, PICTURE, True)
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randn(size, 1, batch.x.shape[-1], generator=generator)
    added = update.add_to(torch.zeros(size, 1, width_out), tokens, batch.routing)
    return tokens[:, 0].double(), added[:, 0].detach().double()
