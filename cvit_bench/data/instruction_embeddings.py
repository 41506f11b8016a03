"""The stored embedding of every bundled variant: 384 numbers of all-MiniLM-L6-v2, for routing by instruction.

What is embedded is the instruction without the sample: the variant rendered with an empty question and no
choices, white space folded (`Answer yes or no.`). One row is the mean of the encoder's last hidden state over
the text's tokens, padding masked, *not* normalised, as in SMoLoRA's released ins_gen.py.

`models.embed_instructions` makes the table; here it is only read, with numpy and without torch. Each row is
kept with the hash of the text it was made from, so that a reworded variant is refused instead of routed by
what it used to say.

The file holds one tensor `embeddings`, float32 [num_variants, 384], and its index (`TableIndex`) as JSON in
the metadata.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from cvit_bench.data.prompts import render
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.base import FileRecord, Record, Sha256
from cvit_bench.records.files import sha256_bytes, sha256_json, write_bytes
from cvit_bench.records.sample import Sample
from cvit_bench.records.template import Template, Variant
from cvit_bench.resources import INSTRUCTION_WIDTH, instruction_table
from cvit_bench.text import one_space

MODES = ("per_sample", "family_mean", "task_row")
"""What a router may be told about a prompt's instruction (`told_variants`)."""
ENCODER = "sentence-transformers/all-MiniLM-L6-v2"
REMAKE = "python -m cvit_bench.models.embed_instructions --encoder PATH"

Floats = npt.NDArray[np.float32]


class TableRow(Record):
    """Which row belongs to a variant, and the hash of the text that was embedded."""

    row: int
    sha256: Sha256


class TableIndex(FileRecord):
    """What the rows are: `template/variant` → row."""

    encoder: str
    pooling: str = "mean over tokens, not normalised"
    licence: str = "weights Apache-2.0; this table is derived data"
    rows: dict[str, TableRow]


@dataclass(frozen=True)
class EmbeddingTable:
    """Rows [num_variants, 384] and what they are."""

    index: TableIndex
    values: Floats


def instruction_embedding(template: Template, variant: Variant, path: Path | None = None) -> Floats:
    """Return the stored embedding of a variant, float32 [384], from the shipped table or the one at `path`.

    Raises CvitBenchError when the table lacks the variant or was made from another wording of it.
    """
    key = variant_key(template, variant)
    row = open_table(path or instruction_table()).index.rows.get(key)
    if row is None:
        raise _unusable(template, variant, "has no stored embedding")
    if row.sha256 != text_sha256(template, variant):
        raise _unusable(template, variant, "was reworded after its embedding was stored")
    return open_table(path or instruction_table()).values[row.row].copy()


def told_variants(template: Template, wording: Variant, mode: str) -> tuple[Variant, ...]:
    """Return the variants whose mean embedding a router is told about a prompt.

    per_sample: its own wording. family_mean: the template's train paraphrases (SMoLoRA's multi-type setting).
    task_row: the template's first wording, whatever the prompt says (SMoLoRA's stored row a task; needs the
    task's identity).
    """
    if mode == "task_row":
        return (template.variants[0],)
    return template.variants_of("train") if mode == "family_mean" else (wording,)


def told_sha256(template: Template, wording: Variant, mode: str) -> str:
    """Hash what a router is told about a prompt: the stored rows; of a wording without one, its text."""
    return sha256_json([_row_sha256(template, variant) for variant in told_variants(template, wording, mode)])


def _row_sha256(template: Template, variant: Variant) -> str:
    try:
        return sha256_bytes(instruction_embedding(template, variant).tobytes())
    except CvitBenchError:
        return text_sha256(template, variant)


def instruction_text(template: Template, variant: Variant) -> str:
    """Return what is embedded: the wording without question and choices, white space folded."""
    text = one_space(render(template.name, variant, Sample("no sample", "", ())))
    if not text:
        raise CvitBenchError(
            f"template {template.name!r}, variant {variant.id!r}: text: says nothing beside the sample, "
            "so there is no instruction to embed"
        )
    return text


def variant_key(template: Template, variant: Variant) -> str:
    """Return the name of a variant in the table."""
    return f"{template.name}/{variant.id}"


def text_sha256(template: Template, variant: Variant) -> str:
    """Return the hash of what is embedded."""
    return sha256_bytes(instruction_text(template, variant).encode("utf-8"))


@lru_cache(maxsize=4)
def open_table(path: Path) -> EmbeddingTable:
    """Read a table; raise CvitBenchError when it is missing or not one."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            values, metadata = file.get_tensor("embeddings"), file.metadata() or {}
        index = TableIndex.model_validate_json(metadata.get("index", ""))
    except (OSError, SafetensorError, ValidationError) as error:
        raise CvitBenchError(f"{path}: no table of instruction embeddings; `{REMAKE}` makes it") from error
    if values.shape != (len(index.rows), INSTRUCTION_WIDTH) or values.dtype != np.float32:
        raise CvitBenchError(
            f"{path}: {values.dtype} {values.shape} does not fit its index; `{REMAKE}` makes it"
        )
    values.setflags(write=False)
    return EmbeddingTable(index, values)


def save_table(path: Path, variants: list[tuple[Template, Variant]], values: Floats) -> None:
    """Write a table, a row for each variant in the given order."""
    from safetensors.numpy import save

    rows = {
        variant_key(*pair): TableRow(row=at, sha256=text_sha256(*pair)) for at, pair in enumerate(variants)
    }
    index = TableIndex(encoder=ENCODER, rows=rows).model_dump_json()
    write_bytes(path, save({"embeddings": np.ascontiguousarray(values)}, {"index": index}))
    open_table.cache_clear()


def _unusable(template: Template, variant: Variant, what: str) -> CvitBenchError:
    return CvitBenchError(
        f"template {template.name!r}, variant {variant.id!r}: {what}; `{REMAKE}` makes the table again "
        f"(PATH: a folder with {ENCODER})"
    )
