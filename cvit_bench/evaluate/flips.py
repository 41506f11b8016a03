"""Items that one run answers right and the other wrong, at the last stage of each."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.item_files import AskedItems, Key
from cvit_bench.evaluate.sides import Side
from cvit_bench.metrics.knowledge import PERCENT
from cvit_bench.metrics.resampling import Items
from cvit_bench.records.comparison import Flip
from cvit_bench.records.plan import scores_path
from cvit_bench.records.sample import RIGHT


def flips(
    one: Side, other: Side, asked: Mapping[str, AskedItems], others: Mapping[str, Items]
) -> Iterator[Flip]:
    """Yield the flips of every task, in item order, with both answers."""
    for task, mine in asked.items():
        first, second = mine.items.fields["strict"][-1], others[task].fields["strict"][-1]
        both = ~np.isnan(first) & ~np.isnan(second)
        places = np.flatnonzero(both & ((first >= RIGHT) != (second >= RIGHT))).tolist()
        texts = [_texts(side, task) for side in (one, other)] if places else []
        for at in places:
            variant, name = mine.keys[at]
            yield Flip(
                task=task,
                id=name,
                variant=variant,
                first=round(PERCENT * float(first[at]), 6),
                second=round(PERCENT * float(second[at]), 6),
                first_text=texts[0].get(mine.keys[at], ""),
                second_text=texts[1].get(mine.keys[at], ""),
            )


def _texts(side: Side, task: str) -> dict[Key, str]:
    """Return what a run said on a task at its last stage."""
    return _read(scores_path(side.path, side.last, task, side.split))


def _read(path: Path) -> dict[Key, str]:
    import pyarrow.parquet as pq
    from pyarrow import ArrowException

    try:
        columns = pq.read_table(path, columns=["variant", "id", "text"]).to_pydict()
        return dict(zip(zip(columns["variant"], columns["id"], strict=True), columns["text"], strict=True))
    except (OSError, ValueError, KeyError, ArrowException) as error:
        raise CvitBenchError(
            f"{path}: no table of scores ({error}); `cvit-bench score` makes it again"
        ) from error
