"""The replay benchmark at its smallest: all three sides answer, alike, and every figure is there."""

import json

import peft
import pytest
import torch

from benchmarks import replay
from cvit_bench.models.family import Placement
from cvit_bench.models.loading import load_base
from cvit_bench.resources import embedded_base

pytestmark = pytest.mark.slow
NUM_CELLS = 2 * 3 * 2
"""Stages × tasks × wordings."""


@pytest.fixture
def run_dir(tmp_path, pair):
    """A run of one stage whose LoRA adapter is random."""
    folder = tmp_path / "lora"
    torch.manual_seed(0)
    config = peft.LoraConfig(r=4, target_modules=r".*language_model.*_proj", init_lora_weights=False)
    adapted = peft.get_peft_model(load_base(embedded_base(), Placement()).model, config)
    adapted.save_pretrained(folder / "stages" / "01-mini_geo")
    stage = {"name": "01-mini_geo", "tasks": ["mini_geo"], "checkpoint": "stages/01-mini_geo"}
    manifest = {
        "run": "lora", "suite": pair, "method": "lora", "base": {"path": "embedded:mini"}, "stages": [stage],
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_all_sides_answer_alike(run_dir, tmp_path):
    """The published way in a process of its own, as all sides run; the others here, to be quick."""
    copy = replay.short_copy(run_dir, tmp_path / "short", 1)
    options = replay.options_of(1, 2, 4)
    mine = replay.Cost(1.0, 1.0, replay.ours(copy, options))
    loop = replay.loop(copy, options)
    words = (
        "--run-dir",
        copy,
        "--limit",
        1,
        "--variants",
        2,
        "--side",
        "loop",
        "--batch-size",
        1,
        "--cell",
        7,
    )
    published = replay.side(words)
    assert len(mine.answers) == NUM_CELLS
    assert loop == mine.answers
    assert [name for name in loop if name in published.answers] == list(published.answers)
    assert len(published.answers) == 1
    assert min(published.cpu, published.wall) > 0
    row = dict(zip(replay.HEADERS, replay._row("published", published, mine, 2), strict=True))
    assert (row["answers that differ"], row["prompts"], row["ours: prompts"]) == (0, 1, NUM_CELLS)
    assert not (run_dir / "predictions").exists(), "a copy is evaluated"


def test_an_answer_that_differs_is_counted_and_a_target_missed():
    mine = replay.Cost(1.0, 1.0, {"a": "red", "b": "blue"})
    theirs = replay.Cost(100.0, 100.0, {"a": "green"})
    row = dict(zip(replay.HEADERS, replay._row("published", theirs, mine, 1), strict=True))
    assert (row["answers that differ"], row["theirs / ours"], row["verdict"]) == (1, "200.00", "pass")
    slow = replay.Cost(7.0, 1.0, {"a": "green"})
    assert replay._row("published", slow, mine, 1)[-2] == "MISS"
