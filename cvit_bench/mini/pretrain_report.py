"""Probe the small base, write its card: `python -m cvit_bench.mini.pretrain_report --sources DIR --base DIR`.

A probe asks new drawings of one domain in one form and counts the answers that are right to the letter. The
card ends with `gates.md` of the base folder, if there is one: what the suite's tasks score before and after.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvit_bench.mini.pretrain_data import ASKED, worded
from cvit_bench.mini.pretrain_pictures import Store, draw
from cvit_bench.mini.pretrain_steps import ANSWERING, SEEING, SHARES, SIZES
from cvit_bench.mini.recipes.sources import Sources

if TYPE_CHECKING:
    import numpy as np

EACH = 60
PROBED = dict.fromkeys(SIZES, 300)
SEED = 90210
ABOUT = """# The small base of the embedded suite

A LLaVA of {parameters:,} parameters in bfloat16: a CLIP tower of five layers (64 px, patches of 8
px), a projector of two layers, a Llama of four layers, our own byte-level tokenizer of 1,024.
Trained from random weights for this project, to be tuned by the embedded suite on a CPU. It knows
nothing beyond what is listed here.

## Recipe

`python -m cvit_bench.mini.pretrain --sources DIR --out DIR --seed 0`

1. Seeing: {seeing.steps} steps of {seeing.batch} pictures, learning rate {seeing.peak} to
   {seeing.floor}; the tower only, on the label of every patch (object, colour).
2. Answering: {answering.steps} steps of {answering.batch} pictures with four questions each,
   learning rate {answering.peak} to {answering.floor} in one cosine; answer loss + 0.3 × patch
   loss, all weights.

Pictures: {sizes}. They come from the sources of the suite's data (see `../data/LICENSES.md`) and
our own drawing; none is a picture of the suite, train or test (numbers set aside, and pixels
compared). Questions: five answer forms on four domains, worded apart from the suite's templates.
The suite's combinations are left out: letters and short answers on shapes, sentences on emoji,
names of garments, numerals on digits.

Losses: `loss.json`, drawn in `loss.svg`; at the end {losses}.
"""


def probe(base: Path, store: Store) -> list[tuple[str, str, str, float]]:
    """Return (domain, form, topic, share of right answers)."""
    import numpy as np
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    model = AutoModelForImageTextToText.from_pretrained(base, dtype=torch.float32).eval()
    processor = AutoProcessor.from_pretrained(base)
    rng = np.random.default_rng(SEED)
    found = []
    for domain, offers in ASKED.items():
        for form, topic, _ in offers:
            wanted = [
                n
                for n, f in enumerate(store.facts)
                if f.domain == domain and (f.count > 1) == (topic == "count")
            ]
            numbers = wanted[:EACH]
            pairs = [worded(form, topic, store.facts[n], rng) for n in numbers]
            said = reply(
                model, processor, [store.pixels[n] for n in numbers], [question for question, _ in pairs]
            )
            right = [one == answer for one, (_, answer) in zip(said, pairs, strict=True)]
            found.append((domain, form, topic, sum(right) / len(right)))
            print(*found[-1])
    return found


def reply(model: Any, processor: Any, pixels: list[np.ndarray[Any, Any]], questions: list[str]) -> list[str]:
    """Answer questions about pictures, greedily, in one batch."""
    import torch
    from PIL import Image

    texts = [
        processor.apply_chat_template(
            [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": question}]}],
            add_generation_prompt=True,
        )
        for question in questions
    ]
    batch = processor(
        text=texts, images=[Image.fromarray(one) for one in pixels], padding=True, return_tensors="pt"
    )
    with torch.no_grad():
        tokens = model.generate(**batch, max_new_tokens=16, do_sample=False)
    said = processor.batch_decode(tokens[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return [text.strip() for text in said]


def curve(losses: list[dict[str, Any]]) -> str:
    """Draw both losses over the steps of both phases as one SVG."""
    width, height, tall = 720, 240, 4.0
    first = max(row["step"] for row in losses if row["phase"] == SEEING.name) + 1
    total = first + max(row["step"] for row in losses) + 1
    lines = []
    for name, colour in (("dense", "#8a8a8a"), ("answers", "#1f5fbf")):
        points = [
            (
                (row["step"] + first * (row["phase"] != SEEING.name)) / total * width,
                min(row[name], tall) / tall,
            )
            for row in losses
            if name in row
        ]
        path = " ".join(f"{x:.1f},{height * (1 - y):.1f}" for x, y in points)
        lines.append(
            f'<polyline fill="none" stroke="{colour}" points="{path}"><title>{name} loss</title></polyline>'
        )
        label = height * 0.1 * (1 + (name == "answers"))
        lines.append(
            f'<text x="{width - 110}" y="{label:.0f}" fill="{colour}" font-size="12">{name} loss</text>'
        )
    border = f"{first / total * width:.1f}"
    lines.append(f'<line x1="{border}" x2="{border}" y2="{height}" stroke="#ccc"/>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">'
    return "\n".join([head, *lines, "</svg>"]) + "\n"


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a markdown table."""
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


def card(base: Path, probes: list[tuple[str, str, str, float]]) -> str:
    """Write the card from the folder's files and the probes."""
    from safetensors import safe_open

    losses = json.loads((base / "loss.json").read_text())
    with safe_open(base / "model.safetensors", "np") as file:
        parameters = sum(_size(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
    last = losses[-5:]
    ends = {name: sum(row[name] for row in last) / len(last) for name in ("dense", "answers")}
    text = ABOUT.format(
        parameters=parameters,
        seeing=SEEING,
        answering=ANSWERING,
        sizes=", ".join(
            f"{count:,} {domain} ({SHARES[domain]:.0%} of draws)" for domain, count in SIZES.items()
        ),
        losses=", ".join(f"{name} {value:.3f}" for name, value in ends.items()),
    )
    rows = [[domain, form, topic, f"{share:.2f}"] for domain, form, topic, share in probes]
    text += f"\n## Probes\n\n{EACH} new drawings each; digits are known ones, turned otherwise.\n\n"
    text += table(["domain", "form", "topic", "right"], rows) + "\n"
    gates = base / "gates.md"
    return text + ("\n" + gates.read_text() if gates.exists() else "")


def _size(shape: list[int]) -> int:
    import math

    return math.prod(shape)


def main(argv: list[str] | None = None) -> int:
    """Run the report from the command line."""
    import numpy as np
    import torch

    parser = argparse.ArgumentParser(prog="python -m cvit_bench.mini.pretrain_report", description=__doc__)
    parser.add_argument("--sources", type=Path, required=True, help="folder of unpacked source packages")
    parser.add_argument("--base", type=Path, required=True, help="folder of the model")
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)
    store = draw(Sources(arguments.sources), PROBED, np.random.default_rng(SEED))
    (arguments.base / "card.md").write_text(
        card(arguments.base, probe(arguments.base, store)), encoding="utf-8"
    )
    (arguments.base / "loss.svg").write_text(curve(json.loads((arguments.base / "loss.json").read_text())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
