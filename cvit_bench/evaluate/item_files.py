"""`items/<task>.parquet`: what the bootstrap draws from, item by item, with hashes of what was asked.

One row an item (a sample in one wording), one column for each field and stage. Two runs are compared by these
files alone: no data, no model.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.table import Table
from cvit_bench.metrics.knowledge import FIELDS as RANKED
from cvit_bench.metrics.resampling import Items
from cvit_bench.records.choices import SplitChoice
from cvit_bench.records.files import canonical_json, replacing, sha256_bytes, sha256_json
from cvit_bench.records.matrix import Array
from cvit_bench.records.plan import items_path
from cvit_bench.records.sample import Picture, Sample

Key = tuple[str, str]
ASKED = ("question", "answers", "image", "prompt")
"""What two runs have to share, hash by hash; an item itself is told by its variant and its sample's id."""
_HASH_LENGTH = 16
_ABOUT = b"cvit_bench"


@dataclass(frozen=True)
class AskedItems:
    """The items of one task with what they were asked: `hashes` are those of `ASKED`, one tuple an item."""

    keys: Sequence[Key]
    hashes: Sequence[tuple[str, ...]]
    items: Items


def write_items(table: Table) -> None:
    """Write a file for each task."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    inputs = table.inputs
    for task, items in table.items.items():
        asked = table.asked(task)
        wordings = _wordings(table, task, asked)
        hashes = zip(*(_hashes(sample, wordings[key]) for key, sample in asked.items()), strict=True)
        about = {
            "fields": list(items.fields),
            "highest": dict(items.highest),
            "of_wordings": list(items.of_wordings),
        }
        columns = {
            "variant": [variant for variant, _ in asked],
            "id": [name for _, name in asked],
            **dict(zip(ASKED, (list(column) for column in hashes), strict=True)),
            "cluster": items.clusters,
            **{_column(name, at): row for name, rows in items.fields.items() for at, row in enumerate(rows)},
        }
        written = pa.table(columns).replace_schema_metadata({_ABOUT: canonical_json(about).encode("utf-8")})
        with replacing(items_path(inputs.run_dir, task, inputs.split)) as path:
            pq.write_table(written, path)


def _wordings(table: Table, task: str, asked: Mapping[Key, Sample]) -> dict[Key, str]:
    """Return what each item was asked, word for word."""
    variants = dict.fromkeys(variant for variant, _ in asked)
    prompts = {variant: table.inputs.prompts(task, variant) for variant in variants}
    return {(variant, one.sample_id): one.text for variant, found in prompts.items() for one in found}


def _hashes(sample: Sample, prompt: str) -> tuple[str, ...]:
    question = sha256_json([sample.question, sample.choices])
    image = _image(sample.picture) if sample.picture else ""
    whole = (question, sha256_json(sample.answers), image, sha256_bytes(prompt.encode("utf-8")))
    return tuple(one[:_HASH_LENGTH] for one in whole)


def _image(picture: Picture) -> str:
    """Return a picture's hash; nothing where it is not at hand: imported answers are scored without."""
    try:
        return picture.sha256
    except CvitBenchError:
        return ""


def _column(name: str, stage: int) -> str:
    return f"{name}/{stage}"


def read_items(run_dir: Path, task: str, stages: int, split: SplitChoice = SplitChoice.TEST) -> AskedItems:
    """Read the file of a task of a run with so many stages."""
    import pyarrow.parquet as pq
    from pyarrow import ArrowException

    path = items_path(run_dir, task, split)
    try:
        table = pq.read_table(path)
        about = json.loads((table.schema.metadata or {})[_ABOUT])
        columns = {name: table.column(name).to_numpy() for name in table.column_names}
        fields = {
            str(name): np.stack([columns[_column(name, at)] for at in range(stages)]).astype(np.float64)
            for name in about["fields"]
        }
        _refuse_without(fields)
        highest = {str(name): float(value) for name, value in about["highest"].items()}
        clusters = columns["cluster"].astype(np.int64)
        keys = list(zip(columns["variant"].tolist(), columns["id"].tolist(), strict=True))
        hashes = list(zip(*(columns[name].tolist() for name in ASKED), strict=True))
        of_wordings = tuple(about.get("of_wordings", ()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ArrowException) as error:
        raise CvitBenchError(
            f"{path}: no table of items ({error}); `cvit-bench score --run-dir {run_dir}` makes it again"
        ) from error
    wordings = np.unique([variant for variant, _ in keys], return_inverse=True)[1]
    items = Items(fields, clusters, highest, wordings, of_wordings)
    return AskedItems(keys, hashes, items)


def _refuse_without(fields: Mapping[str, Array]) -> None:
    """Raise KeyError where a field is missing that the matrices are made from."""
    needed = {"strict", "unsaid", "form", *(RANKED if "ranked" in fields else ())}
    lacking = sorted(needed - set(fields))
    if lacking:
        raise KeyError(f"no field {', '.join(lacking)}")
