"""Train the small base model: `python -m cvit_bench.mini.pretrain --sources DIR --out DIR [--seed 0]`.

Two phases on pictures and questions made by `pretrain_pictures` and `pretrain_data`. First the vision tower
alone learns to name the object and colour of every patch, because that is cheap and everything else rests on
it. Then the whole model learns to answer, the patch labels staying on at 0.3. Several processes share the
work by `torchrun --nproc-per-node 2 -m cvit_bench.mini.pretrain …`; each draws its own pictures. Every step
draws from a seed of its own, so a call on the folder of an interrupted one goes on from its last checkpoint
and ends with the same weights. DIR holds the source packages that `cvit_bench.mini.build` needs. Users never
run this: the result is committed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvit_bench.mini.base_config import build_model, build_processor, build_tokenizer
from cvit_bench.mini.pretrain_batches import Pool
from cvit_bench.mini.pretrain_data import ask
from cvit_bench.mini.pretrain_pictures import draw, suite_pixels, without
from cvit_bench.mini.pretrain_steps import PHASES, SIZES, Bench, Phase, run
from cvit_bench.mini.pretrain_store import INK_NAMES, NAMES, Store
from cvit_bench.mini.recipes.sources import SourceMissingError, Sources

if TYPE_CHECKING:
    import numpy as np
    import torch
    from transformers import PreTrainedTokenizerFast

ROOT = Path(__file__).parents[2]


def corpus(root: Path, store: Store, rng: np.random.Generator) -> list[str]:
    """Collect the text that the tokenizer is trained on: our questions, the suite's texts and templates."""
    import pandas as pd

    templates = sorted((root / "instruction_templates").glob("*.yaml"))
    lines = [line for path in templates for line in path.read_text().splitlines()] * 20
    for path in sorted((root / "cvit_bench" / "mini" / "data").glob("*/train.parquet")):
        frame = pd.read_parquet(path)
        lines += [text for column in ("answers", "choices") for texts in frame[column] for text in texts]
        lines += list(frame["question"])
    for number in rng.integers(len(store.facts), size=30000):
        lines += ask(store.facts[number], rng)
    return lines


def save(bench: Bench, out: Path) -> None:
    """Write the model in bfloat16, its processor and the losses so far."""
    import copy

    import torch

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


def keep(bench: Bench, out: Path, phase: Phase, step: int, optimizer: torch.optim.Optimizer) -> None:
    """Write the model, and beside its folder all that is needed to go on."""
    import torch

    if bench.rank:
        return
    save(bench, out)
    state = {
        "phase": phase.name,
        "step": step,
        "model": bench.model.state_dict(),
        "heads": bench.heads.state_dict(),
        "optimizer": optimizer.state_dict(),
        "losses": bench.losses,
    }
    torch.save(state, state_file(out).with_suffix(".new"))
    state_file(out).with_suffix(".new").replace(state_file(out))


def state_file(out: Path) -> Path:
    """Return where the state of an unfinished training lies: beside the model's folder."""
    return out.parent / f"{out.name}-state.pt"


def tokenizer_of(store: Store, seed: int, rank: int, out: Path) -> PreTrainedTokenizerFast:
    """Train the tokenizer in the first process; the others wait and read it."""
    import numpy as np
    import torch
    from transformers import PreTrainedTokenizerFast

    folder = out / "tokenizer"
    if rank == 0 and not folder.exists():
        build_tokenizer(corpus(ROOT, store, np.random.default_rng(seed))).save_pretrained(folder)
    if torch.distributed.is_initialized():
        torch.distributed.barrier()
    return PreTrainedTokenizerFast.from_pretrained(folder)


def prepare(sources: Sources, seed: int, rank: int, world: int, out: Path) -> Bench:
    """Draw the data and build the untrained model."""
    import numpy as np
    import torch

    store = draw(sources, SIZES, np.random.default_rng([seed, rank]))
    store = without(store, suite_pixels(ROOT / "cvit_bench" / "mini" / "data"))
    processor = build_processor(tokenizer_of(store, seed, rank, out))
    torch.manual_seed(seed)
    model = build_model(processor.tokenizer)
    model.set_attn_implementation("eager")
    width = model.config.vision_config.hidden_size
    heads = {"objects": torch.nn.Linear(width, len(NAMES)), "colours": torch.nn.Linear(width, len(INK_NAMES))}
    pool = Pool(np.stack(store.pixels), np.stack(store.objects), np.stack(store.colours), store.facts)
    return Bench(model, torch.nn.ModuleDict(heads), processor, pool, seed, rank, world)


def go_on(bench: Bench, out: Path) -> tuple[str, int, dict[str, Any] | None]:
    """Take up the state of an unfinished training: its phase, its next step, its optimizer."""
    import torch

    if not state_file(out).exists():
        return PHASES[0].name, 0, None
    state = torch.load(state_file(out), weights_only=True)
    bench.model.load_state_dict(state["model"])
    bench.heads.load_state_dict(state["heads"])
    bench.losses = state["losses"]
    return state["phase"], state["step"], state["optimizer"]


def train(bench: Bench, out: Path) -> None:
    """Run what is left of the phases."""
    name, start, optimizer = go_on(bench, out)
    first = [phase.name for phase in PHASES].index(name)
    for phase in PHASES[first:]:
        run(bench, phase, start, optimizer, lambda *reached: keep(bench, out, *reached))
        start, optimizer = 0, None


def main(argv: list[str] | None = None) -> int:
    """Run the recipe from the command line."""
    import torch

    parser = argparse.ArgumentParser(prog="python -m cvit_bench.mini.pretrain", description=__doc__)
    parser.add_argument("--sources", type=Path, required=True, help="folder of unpacked source packages")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the model to")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    if world > 1:
        torch.distributed.init_process_group("gloo")
    arguments.out.mkdir(parents=True, exist_ok=True)
    try:
        bench = prepare(Sources(arguments.sources), arguments.seed, rank, world, arguments.out)
    except SourceMissingError as error:
        print(error, file=sys.stderr)
        return 2
    if rank == 0:
        print(
            f"{len(bench.pool.facts)} pictures a process, {len(bench.processor.tokenizer)} tokens", flush=True
        )
    train(bench, arguments.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
