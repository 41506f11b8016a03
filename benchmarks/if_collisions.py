"""How often do two instructions take the same IF block, when SMoLoRA's routers stay as they start?

    python benchmarks/if_collisions.py --suite mini

The IF route is argmax(R q): q the embedding of an instruction, R [blocks, 384] drawn once a layer and never
trained. Draws routers as the adapter does, and counts for how many of them two of a suite's train tasks meet
in one block. It depends on the cosine of the two embeddings alone; tasks of one template always meet.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
from tabulate import tabulate

from cvit_bench.adapters.core import History, Place, logits
from cvit_bench.adapters.smolora import Config, Update
from cvit_bench.data.instruction_embeddings import instruction_embedding
from cvit_bench.data.library import open_suite
from cvit_bench.records.files import write_text
from cvit_bench.records.template import Template

KEYS = ("task_row", "family_mean")
AT_ONCE = 2000


def routers(draws: int, blocks: int, seed: int) -> Iterator[torch.Tensor]:
    """Yield IF routers as the adapter starts them, [n, blocks, 384], `draws` in all.

    A row is drawn by its width alone, so one layer with many blocks gives many routers.
    """
    generator = torch.Generator().manual_seed(seed)
    while draws > 0:
        count = min(draws, AT_ONCE)
        experts = 2 * blocks * count
        layer = Update(Place("layer", "text", 1, 1), Config(num_experts=experts, rank=experts), History())
        layer.start(generator)
        yield layer.if_router.view(count, blocks, -1)
        draws -= count


def chosen_blocks(embeddings: torch.Tensor, draws: int, blocks: int = 4, seed: int = 0) -> torch.Tensor:
    """Return the block that each embedding [T, 384] takes under each drawn router, long [draws, T]."""
    found = [
        logits(embeddings, drawn.flatten(0, 1)).view(len(embeddings), -1, blocks).argmax(-1).t()
        for drawn in routers(draws, blocks, seed)
    ]
    return torch.cat(found)


def meetings(chosen: torch.Tensor) -> torch.Tensor:
    """Return the share of routers under which two of them take one block, [T, T]."""
    return (chosen.unsqueeze(2) == chosen.unsqueeze(1)).float().mean(0)


def blocks_used(chosen: torch.Tensor) -> float:
    """Return how many blocks are taken by any of them, on average."""
    return float((chosen.sort(1).values.diff(dim=1) > 0).sum(1).add(1).float().mean())


def cosines(embeddings: torch.Tensor) -> torch.Tensor:
    """Return the cosine of each pair, [T, T]."""
    unit = torch.nn.functional.normalize(embeddings, dim=-1)
    return unit @ unit.t()


def instructions(suite: str, key: str) -> tuple[list[str], torch.Tensor]:
    """Return the names of the suite's distinct instructions, with their train tasks, and embeddings [T, 384].

    task_row: a template's first wording. family_mean: the mean over its train paraphrases.
    """
    library, found = open_suite(suite)
    tasks: dict[str, list[str]] = {}
    for name in found.train:
        tasks.setdefault(library.task(name).template, []).append(name)
    rows = [_embedding(library.template(name), key) for name in tasks]
    names = [f"{template} ({', '.join(members)})" for template, members in tasks.items()]
    return names, torch.from_numpy(np.stack(rows))


def _embedding(template: Template, key: str) -> np.ndarray:
    wordings = template.variants_of("train") if key == "family_mean" else template.variants[:1]
    return np.mean([instruction_embedding(template, wording) for wording in wordings], 0)


def table(names: Sequence[str], embeddings: torch.Tensor, draws: int, blocks: int, seed: int) -> str:
    """Return P(same block) of each pair with its cosine, and how many blocks are used."""
    chosen = chosen_blocks(embeddings, draws, blocks, seed)
    shares, angles = meetings(chosen), cosines(embeddings)
    rows = [
        [name, *(_cell(shares[at, other], angles[at, other]) for other in range(at + 1))]
        for at, name in enumerate(names)
    ]
    short = [name.partition(" ")[0] for name in names]
    text = tabulate(rows, ["P(same block) (cosine)", *short], tablefmt="pipe", disable_numparse=True)
    used = f"{blocks_used(chosen):.2f} of {blocks} blocks used on average, {draws:,} routers"
    return f"{text}\n\n{used}"


def _cell(share: torch.Tensor, angle: torch.Tensor) -> str:
    return f"{share:.2f} ({angle:.2f})"


def main(argv: Sequence[str] | None = None) -> int:
    """Draw, count and print."""
    given = _parser().parse_args(argv)
    torch.set_num_threads(given.threads)
    text = table(*instructions(given.suite, given.key), given.draws, given.blocks, given.seed)
    print(text)
    if given.markdown:
        write_text(given.markdown, f"{text}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--suite", default="mini")
    parser.add_argument("--key", choices=KEYS, default=KEYS[0], help="what a task is known by")
    parser.add_argument("--draws", type=int, default=100_000, help="routers")
    parser.add_argument("--blocks", type=int, default=4, help="blocks of the IF group")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--markdown", type=Path, help="write the table to this file as well")
    return parser


if __name__ == "__main__":
    sys.exit(main())
