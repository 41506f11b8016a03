"""How many weights does each method add to LLaVA-1.5, and are they as many as published?

    python benchmarks/parameter_counts.py

Builds the 7B and 13B models and attaches each method with its defaults, on the meta device: shapes without
memory. Counts the adapter's parameters and its routers, learning or not; a method with a router for each
task counts those of one task. Exit status 1 when a count is not the expected one.
"""

import argparse
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from peft import get_peft_model
from tabulate import tabulate
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

from cvit_bench import plugins
from cvit_bench.adapters.peft_bridge import peft_config_of
from cvit_bench.records.files import write_text
from cvit_bench.train.adapted import adaptable_sites

PROJECTOR = "model.multi_modal_projector"
METHODS = ("smolora", "branchlora", "moelora", "hydralora", "lora")


@dataclass(frozen=True)
class Size:
    """Width, feed-forward width, layers and heads of a language model."""

    width: int
    inner: int
    layers: int
    heads: int


@dataclass(frozen=True)
class Count:
    """Weights of an adapter, and those of them that learn; None: not known."""

    all: int
    learning: int | None = None


SIZES = {"7B": Size(4096, 11008, 32, 32), "13B": Size(5120, 13824, 40, 40)}
PUBLISHED = {
    ("moelora", "7B"): Count(349_904_896),
    ("branchlora", "7B"): Count(222_371_840),
    ("smolora", "7B"): Count(191_618_048, 188_989_440),
    ("moelora", "13B"): Count(546_416_640),
    ("branchlora", "13B"): Count(346_859_520),
}


def llava(size: Size) -> Any:
    """Return LLaVA-1.5 of a size on the meta device, with the vision tower CLIP ViT-L/14-336."""
    text = LlamaConfig(
        vocab_size=32064,
        hidden_size=size.width,
        intermediate_size=size.inner,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.heads,
    )
    vision = CLIPVisionConfig(
        hidden_size=1024,
        intermediate_size=4096,
        num_hidden_layers=24,
        num_attention_heads=16,
        image_size=336,
        patch_size=14,
        projection_dim=768,
    )
    with torch.device("meta"):
        return LlavaForConditionalGeneration(LlavaConfig(vision_config=vision, text_config=text))


def count(method: str, size: Size) -> Count:
    """Attach a method with its defaults and count what it added."""
    model = llava(size)
    for weight in model.parameters():
        weight.requires_grad_(False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        settings = plugins.load(plugins.ADAPTERS, method).Config()
        config = peft_config_of(method, settings, adaptable_sites(model, PROJECTOR))
        adapted = get_peft_model(model, config, low_cpu_mem_usage=True)
    learning = {name: weight for name, weight in adapted.named_parameters() if weight.requires_grad}
    routers = {name: buffer for name, buffer in adapted.named_buffers() if name.endswith("_router")}
    return Count(_total({**learning, **routers}), _total(learning))


def _total(tensors: Mapping[str, torch.Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors.values())


def row(method: str, base: str) -> tuple[object, ...]:
    """Return one line of the table: what was counted, what was expected, and a verdict."""
    found, expected = count(method, SIZES[base]), PUBLISHED.get((method, base))
    said = [f"{number:,}" for number in (found.all, found.learning)]
    if expected is None:
        return (method, base, *said, "", "")
    wanted = [found.all == expected.all, expected.learning in (None, found.learning)]
    figures = [f"{number:,}" for number in (expected.all, expected.learning) if number is not None]
    return (method, base, *said, ", ".join(figures), "pass" if all(wanted) else "fail")


def main(argv: Sequence[str] | None = None) -> int:
    """Count and print."""
    given = _parser().parse_args(argv)
    rows = [row(method, base) for base in given.bases for method in given.methods]
    headers = ("method", "base", "weights", "learning", "expected", "verdict")
    text = str(tabulate(rows, headers, tablefmt="pipe", disable_numparse=True))
    print(text)
    if given.markdown:
        write_text(given.markdown, f"{text}\n")
    return int(any(line[-1] == "fail" for line in rows))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--bases", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--markdown", type=Path, help="write the table to this file as well")
    return parser


if __name__ == "__main__":
    sys.exit(main())
