"""`scores/<stage>/<task>.parquet`: one row an answer, all variants of a task together."""

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

from cvit_bench.evaluate.table import ScoredCell
from cvit_bench.records.choices import SplitChoice
from cvit_bench.records.files import replacing
from cvit_bench.records.plan import scores_path


def write_scores(run_dir: Path, cells: Sequence[ScoredCell], split: SplitChoice) -> None:
    """Write the scores of all cells, a file for each stage and task."""
    ordered = sorted(cells, key=_place)
    for (stage, task), group in itertools.groupby(ordered, key=_place):
        _write(scores_path(run_dir, stage, task, split), group)


def _place(cell: ScoredCell) -> tuple[str, str]:
    return cell.cell.stage, cell.cell.task


def _write(path: Path, cells: Iterable[ScoredCell]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {
            "id": sample.id,
            "variant": cell.cell.variant,
            "strict": score.strict,
            "knowledge": score.knowledge,
            "form": score.form,
            "extracted": score.extracted,
            "text": text,
        }
        for cell in cells
        for sample, text, score in zip(cell.samples, cell.texts, cell.scores, strict=True)
    ]
    with replacing(path) as temporary:
        pq.write_table(pa.Table.from_pylist(rows), temporary)
