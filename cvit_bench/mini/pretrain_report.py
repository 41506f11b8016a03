"""Probe the small base, write its card: `python -m cvit_bench.mini.pretrain_report --sources DIR --base DIR`.

A probe asks new drawings of one domain in one form and counts the answers that are right to the letter.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvit_bench.mini.pretrain_card import Probe, card, curve
from cvit_bench.mini.pretrain_data import ASKED, offered, worded
from cvit_bench.mini.pretrain_pictures import draw
from cvit_bench.mini.pretrain_steps import SIZES
from cvit_bench.mini.pretrain_store import Store
from cvit_bench.mini.recipes.sources import SourceMissingError, Sources

if TYPE_CHECKING:
    import numpy as np

EACH = 60
PROBED = dict.fromkeys(SIZES, 240)
SEED = 90210


def probe(base: Path, store: Store) -> list[Probe]:
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
                for n, facts in enumerate(store.facts)
                if facts.domain == domain and (form, topic) in [offer[:2] for offer in offered(facts)]
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
        tokens = model.generate(**batch, max_new_tokens=32, do_sample=False)
    said = processor.batch_decode(tokens[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return [text.strip() for text in said]


def main(argv: list[str] | None = None) -> int:
    """Run the report from the command line."""
    import numpy as np
    import torch

    parser = argparse.ArgumentParser(prog="python -m cvit_bench.mini.pretrain_report", description=__doc__)
    parser.add_argument("--sources", type=Path, required=True, help="folder of unpacked source packages")
    parser.add_argument("--base", type=Path, required=True, help="folder of the model")
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)
    try:
        store = draw(Sources(arguments.sources), PROBED, np.random.default_rng(SEED))
    except SourceMissingError as error:
        print(error, file=sys.stderr)
        return 2
    text = card(arguments.base, probe(arguments.base, store), EACH)
    (arguments.base / "card.md").write_text(text, encoding="utf-8")
    (arguments.base / "loss.svg").write_text(curve(json.loads((arguments.base / "loss.json").read_text())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
