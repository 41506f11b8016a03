"""Read a dataset of the hub once, row by row, into the file that a split names; only this needs a network."""

from pathlib import Path
from typing import Any

from cvit_bench.data.split_files import SplitFiles
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.files import replacing

_BATCH = 500


def fetch(files: SplitFiles) -> Path | None:
    """Write the hub's rows as parquet where the split's file is missing; None where there is nothing to do.

    The dataset may be a folder as well. Rows are streamed: a batch is in memory at a time.
    """
    hub = files.split.hub
    if hub is None or files.file.is_file():
        return None
    import pyarrow as pa
    from datasets import load_dataset

    try:
        rows = load_dataset(hub.dataset, hub.config, split=hub.split, revision=hub.revision, streaming=True)
        _write(files.file, rows.decode(False))
    except (OSError, ValueError, pa.ArrowException) as error:
        what = f"dataset {hub.dataset!r}, split {hub.split!r}: cannot be had ({error})"
        raise CvitBenchError(
            f"task {files.task.name!r}: {what}; {files.file} may be put there by hand"
        ) from error
    return files.file


def _write(path: Path, rows: Any) -> None:
    import pyarrow.parquet as pq

    with replacing(path) as temporary:
        writer = None
        for batch in rows.with_format("arrow").iter(_BATCH):
            writer = writer or pq.ParquetWriter(temporary, batch.schema)
            writer.write_table(batch.cast(writer.schema))
        if writer is None:
            raise ValueError("it holds no row")
        writer.close()
