"""A layer tuned in full equals (W + ΔW) x + b + Δb, with the difference of each sample's own task."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cvit_bench.adapters.core import Place
from cvit_bench.adapters.dense import DenseUpdate

SEEDS = st.integers(0, 2**32 - 1)
STREAMS = st.sampled_from(["text", "vision"])


@settings(max_examples=50)
@given(SEEDS, STREAMS, st.integers(1, 4), st.booleans(), st.none() | st.integers(1, 3), st.data())
def test_the_difference_is_added_at_every_position(
    draw_batch, fill, agree, seed, modality, width, has_bias, num_tasks, data
):
    batch = draw_batch(data, modality, width)
    update = DenseUpdate(Place("l", modality, width, 3, has_bias), num_tasks)
    fill(update, seed)
    size = len(batch.real)
    tasks = data.draw(st.lists(st.integers(0, (num_tasks or 1) - 1), min_size=size, max_size=size))
    batch.routing.tasks = torch.tensor(tasks)

    def written_out(at, weights):
        name = f"differences.{tasks[batch.owner[at]]}"
        added = weights[f"{name}.weight"] @ batch.flat[at]
        return added + weights[f"{name}.bias"] if has_bias else added

    agree(update, batch, 3, written_out, tuple(dict(update.named_parameters())))
