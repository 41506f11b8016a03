"""`scores/flips.parquet`: at which stage each sample was lost for good, a row for each sample and wording."""

from collections.abc import Sequence

from cvit_bench.evaluate.inputs import RunInputs
from cvit_bench.evaluate.outcomes import History, lost_at
from cvit_bench.records.files import replacing
from cvit_bench.records.plan import EvaluationPlan, flips_path


def write_flips(inputs: RunInputs, plan: EvaluationPlan, histories: Sequence[History]) -> None:
    """Write one file for all tasks; `lost_at` is null where a sample is right at the end, or never was.

    `still_known` says whether the right answer was still known at the stage that lost it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = pa.string()
    schema = pa.schema(
        [("task", text), ("variant", text), ("id", text), ("lost_at", text), ("still_known", pa.bool_())]
    )
    names = [stage.name for stage in plan.stages]
    rows = [
        {
            "task": history.task,
            "variant": variant,
            "id": name,
            "lost_at": None if stage is None else names[stage],
            "still_known": None if stage is None else bool(history.known[stage, at]),
        }
        for history in histories
        for at, ((variant, name), stage) in enumerate(zip(history.keys, lost_at(history), strict=True))
    ]
    with replacing(flips_path(inputs.run_dir, inputs.split)) as temporary:
        pq.write_table(pa.Table.from_pylist(rows, schema), temporary)
