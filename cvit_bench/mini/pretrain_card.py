"""The small base's card and loss curve, written from the files of its folder."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from cvit_bench.mini.pretrain_steps import ANSWERING, SEEING, SHARES, SIZES

Probe = tuple[str, str, str, float]
ABOUT = """# The small base of the embedded suite

A LLaVA of {parameters:,} parameters in bfloat16: a CLIP tower of five layers (64 px, patches of 8 px), a
projector of two layers, a Llama of four layers, our own byte-level tokenizer of 1,024. Trained from random
weights for this project, to be tuned by the embedded suite on a CPU. It knows nothing beyond what is listed
here.

## Recipe

`torchrun --nproc-per-node 2 -m cvit_bench.mini.pretrain --sources DIR --out DIR --seed 0`

1. Seeing: {seeing.steps} steps of 2 × {seeing.batch} pictures,
   learning rate {seeing.peak} to {seeing.floor};
   the tower only, on the label of every patch (object, letter, colour).
2. Answering: {answering.steps} steps of 2 × {answering.batch} pictures with four questions each,
   learning rate {answering.peak} to {answering.floor};
   answer loss + 0.3 × patch loss, all weights, the tower at {answering.tower} of the rate.

Pictures, for each of the two processes: {sizes}. They come from the sources of the suite's data (see
`../data/LICENSES.md`) and from our own drawing; none is a picture of the suite, train or test (other seeds,
numbers set aside, and pixels compared).

Questions: eight answer forms on eleven domains, worded apart from the suite's templates. The suite's own
combinations are left out: letters on maps, short answers on words, scenes, shapes and spoilt pictures,
sentences on emoji and on signs, names of garments and of places, numerals on handwriting, boxes on scenes.

Losses: `loss.json`, drawn in `loss.svg`; at the end {losses}.

## Probes

{each} new drawings each (digits: known handwriting, turned otherwise); right to the letter.

{probes}
"""


def card(base: Path, probes: list[Probe], each: int) -> str:
    """Write the card from the folder's files and the probes; `notes.md` of the folder stands at its end."""
    from safetensors import safe_open

    last = json.loads((base / "loss.json").read_text())[-5:]
    with safe_open(base / "model.safetensors", "np") as file:
        parameters = sum(math.prod(file.get_slice(name).get_shape()) for name in list(file.keys()))
    text = ABOUT.format(
        parameters=parameters,
        seeing=SEEING,
        answering=ANSWERING,
        sizes=", ".join(
            f"{count:,} {domain} ({share:.0%} of draws)"
            for (domain, count), share in zip(SIZES.items(), SHARES, strict=True)
        ),
        losses=", ".join(
            f"{name} {sum(row[name] for row in last) / len(last):.3f}" for name in ("dense", "answers")
        ),
        each=each,
        probes=_table(probes),
    )
    notes = base / "notes.md"
    return text + ("\n" + notes.read_text(encoding="utf-8") if notes.exists() else "")


def _table(probes: list[Probe]) -> str:
    rows = [f"| {domain} | {form} | {topic} | {share:.2f} |" for domain, form, topic, share in probes]
    return "\n".join(["| domain | form | topic | right |", "|---|---|---|---|", *rows])


def curve(losses: list[dict[str, Any]]) -> str:
    """Draw both losses over the steps of all phases as one SVG; a loss above four touches the top."""
    width, height, tall = 720, 240, 4.0
    starts, total = _starts(losses)
    lines = []
    for place, (name, colour) in enumerate((("dense", "#8a8a8a"), ("answers", "#1f5fbf"))):
        path = " ".join(
            f"{(starts[row['phase']] + row['step']) / total * width:.1f},"
            f"{height * (1 - min(row[name], tall) / tall):.1f}"
            for row in losses
            if name in row
        )
        lines.append(f'<polyline fill="none" stroke="{colour}" points="{path}"/>')
        lines.append(f'<text x="{width - 110}" y="{20 + 16 * place}" fill="{colour}">{name} loss</text>')
    for phase, start in starts.items():
        lines.append(f'<text x="{start / total * width + 3:.0f}" y="12" fill="#555">{phase}</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-size="12">'
    return "\n".join([head, "<title>Losses of the base's pre-training</title>", *lines, "</svg>"]) + "\n"


def _starts(losses: list[dict[str, Any]]) -> tuple[dict[str, int], int]:
    """Return where each phase starts on the common axis, and its length."""
    starts, total = {}, 0
    for phase in dict.fromkeys(row["phase"] for row in losses):
        starts[phase] = total
        total += max(row["step"] for row in losses if row["phase"] == phase) + 1
    return starts, total
