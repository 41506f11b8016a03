"""`scores/<stage>/<task>.parquet`: one row an answer, all variants of a task, one row group a variant."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from cvit_bench.evaluate.ranked import FIRST
from cvit_bench.evaluate.released import FORM, VALUE
from cvit_bench.records.matrix import Array
from cvit_bench.records.sample import Sample, Score

BESIDE = (VALUE, FORM, FIRST)

Write = Callable[[str, Sequence[Sample], Sequence[str], Sequence[Score], Mapping[str, Array]], None]


@contextmanager
def score_file(path: Path) -> Iterator[Write]:
    """Open a score file for writing; call what it gives with variant, samples, answers, scores, other fields.

    Released scores are null for a task without a released scorer, and for variants that ask for another form;
    so is `ranked_first` where nothing was ranked.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    text, real = pa.string(), pa.float64()
    columns = {"id": text, "variant": text, "strict": real, "knowledge": real, "form": pa.bool_(),
               "extracted": text, "text": text, **dict.fromkeys(BESIDE, real)}  # fmt: skip
    schema = pa.schema(list(columns.items()))
    with pq.ParquetWriter(path, schema, write_page_checksum=True) as writer:

        def write(
            variant: str,
            samples: Sequence[Sample],
            texts: Sequence[str],
            scores: Sequence[Score],
            beside: Mapping[str, Array],
        ) -> None:
            nothing = [None] * len(samples)
            rows = {
                "id": [sample.id for sample in samples],
                "variant": [variant] * len(samples),
                "strict": [score.strict for score in scores],
                "knowledge": [score.knowledge for score in scores],
                "form": [score.form for score in scores],
                "extracted": [score.extracted for score in scores],
                "text": list(texts),
                **{name: pa.array(beside.get(name, nothing), real, from_pandas=True) for name in BESIDE},
            }
            writer.write_table(pa.Table.from_pydict(rows, schema))

        yield write
