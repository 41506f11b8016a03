"""Train the small base model: `python -m cvit_bench.mini.pretrain --sources DIR --out DIR [--seed 0]`.

Three phases on pictures and questions made by `pretrain_pictures` and `pretrain_data`. First the vision tower
alone learns to name the object and colour of every patch, because that is cheap and everything else rests on
it. Then the whole model learns to answer, the patch labels staying on at 0.3, and at last printed numerals
join. About an hour on one core that has bfloat16 tiles. DIR holds the source packages that
`cvit_bench.mini.build` needs. Users never run this: the result is committed.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cvit_bench.mini.base_config import build_model, build_processor, build_tokenizer
from cvit_bench.mini.pretrain_batches import Pool
from cvit_bench.mini.pretrain_data import ask
from cvit_bench.mini.pretrain_pictures import draw, suite_pixels, without
from cvit_bench.mini.pretrain_steps import ANSWERING, FINISHING, SEEING, SIZES, Bench, run
from cvit_bench.mini.pretrain_store import INK_NAMES, NAMES, Store
from cvit_bench.mini.recipes.sources import Sources

if TYPE_CHECKING:
    import numpy as np


def corpus(root: Path, store: Store, rng: np.random.Generator) -> list[str]:
    """Collect the text that the tokenizer is trained on: our questions, the suite's texts and templates."""
    import pandas as pd

    templates = sorted((root / "instruction_templates").glob("*.yaml"))
    lines = [line for path in templates for line in path.read_text().splitlines()] * 20
    for path in sorted((root / "cvit_bench" / "mini" / "data").glob("*/train.parquet")):
        frame = pd.read_parquet(path)
        lines += [text for column in ("answers", "choices") for texts in frame[column] for text in texts]
        lines += list(frame["question"])
    for number in rng.integers(len(store.facts), size=20000):
        lines += ask(store.facts[number], rng)
    return lines


def save(bench: Bench, out: Path) -> None:
    """Write the model in bfloat16, its processor and the losses so far."""
    import copy

    import torch

    out.mkdir(parents=True, exist_ok=True)
    small = copy.deepcopy(bench.model).to(torch.bfloat16)
    small.generation_config.update(
        eos_token_id=small.config.text_config.eos_token_id,
        pad_token_id=small.config.text_config.pad_token_id,
        bos_token_id=small.config.text_config.bos_token_id,
    )
    small.set_attn_implementation("sdpa")
    small.save_pretrained(out)
    bench.processor.save_pretrained(out)
    (out / "loss.json").write_text(json.dumps(bench.losses) + "\n")


def keep_seen(bench: Bench, path: Path) -> None:
    """Write what the first phase has learned."""
    import torch

    tower, heads = bench.model.model.vision_tower.state_dict(), bench.heads.state_dict()
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"tower": tower, "heads": heads, "losses": bench.losses}, path)


def take_seen(bench: Bench, path: Path) -> None:
    """Go on from what the first phase has learned."""
    import torch

    state = torch.load(path)
    bench.model.model.vision_tower.load_state_dict(state["tower"])
    bench.heads.load_state_dict(state["heads"])
    bench.losses = state["losses"]


def take_answered(bench: Bench, folder: Path) -> None:
    """Go on from the model that the second phase has written."""
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    bench.model = AutoModelForImageTextToText.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    )
    bench.processor = AutoProcessor.from_pretrained(folder)
    bench.losses = json.loads((folder / "loss.json").read_text())


def prepare(sources: Sources, seed: int) -> Bench:
    """Draw the data and build the untrained model."""
    import numpy as np
    import torch

    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    root = Path(__file__).parents[2]
    store = without(draw(sources, SIZES, rng), suite_pixels(root / "cvit_bench" / "mini" / "data"))
    processor = build_processor(build_tokenizer(corpus(root, store, rng)))
    model = build_model(processor.tokenizer)
    model.set_attn_implementation("eager")
    width = model.config.vision_config.hidden_size
    heads = {"objects": torch.nn.Linear(width, len(NAMES)), "colours": torch.nn.Linear(width, len(INK_NAMES))}
    pool = Pool(np.stack(store.pixels), np.stack(store.objects), np.stack(store.colours), store.facts)
    return Bench(model, torch.nn.ModuleDict(heads), processor, pool, rng)


def main(argv: list[str] | None = None) -> int:
    """Run the recipe from the command line."""
    import numpy as np
    import torch

    parser = argparse.ArgumentParser(prog="python -m cvit_bench.mini.pretrain", description=__doc__)
    parser.add_argument("--sources", type=Path, required=True, help="folder of unpacked source packages")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the model to")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seen", type=Path, help="file of the first phase: read if there, else written")
    parser.add_argument(
        "--answered", type=Path, help="folder of the second phase: read if there, else written"
    )
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)
    bench = prepare(Sources(arguments.sources), arguments.seed)
    print(f"{len(bench.pool.facts)} pictures, {len(bench.processor.tokenizer)} tokens", flush=True)
    seen = arguments.seen or arguments.out.parent / f"{arguments.out.name}-seen.pt"
    answered = arguments.answered or arguments.out.parent / f"{arguments.out.name}-answered"
    if seen.exists():
        take_seen(bench, seen)
    else:
        run(bench, SEEING, 500, lambda: keep_seen(bench, seen))
    bench.rng = np.random.default_rng([arguments.seed, 2])
    if answered.exists():
        take_answered(bench, answered)
    else:
        run(bench, ANSWERING, 250, lambda: save(bench, answered))
    bench.rng = np.random.default_rng([arguments.seed, 3])
    run(bench, FINISHING, 150, lambda: save(bench, arguments.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
