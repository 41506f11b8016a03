"""Results of scores that came without samples: metrics of one matrix, and no interval anywhere."""

from pathlib import Path
from types import ModuleType

import numpy as np

from cvit_bench import plugins
from cvit_bench.errors import MetricUndefinedError
from cvit_bench.evaluate.headings import head, task_info
from cvit_bench.evaluate.inputs import RunInputs, open_run, refuse_other_version
from cvit_bench.evaluate.measures import all_metrics, computed, described, rounded
from cvit_bench.records.load import save_json
from cvit_bench.records.matrix import ScoreMatrix
from cvit_bench.records.plan import typed_path
from cvit_bench.records.results import Matrices, MetricResult, Results, results_path
from cvit_bench.records.typed import TypedMatrix, load_typed

_ONLY_STRICT = "only strict scores are known, without samples"


def score_typed(run_dir: Path, data_root: Path | None) -> Results:
    """Write and return the results of a run whose scores came without samples."""
    typed = load_typed(run_dir)
    inputs = open_run(run_dir, typed.suite, None, data_root)
    refuse_other_version(typed_path(run_dir), typed.suite_version, inputs.suite)
    results = typed_results(inputs, typed)
    save_json(results_path(run_dir), results)
    return results


def typed_results(inputs: RunInputs, typed: TypedMatrix) -> Results:
    """Assemble the results: no cell, no interval, and nothing but the strict matrix."""
    manifest = inputs.manifest
    nothing = tuple((None,) * len(typed.tasks) for _ in typed.stages)
    return Results(
        **head(inputs),
        variants=(),
        stages=typed.stages,
        tasks=tuple(task_info(inputs, name) for name in typed.tasks),
        cells=(),
        matrices=Matrices(S=typed.values, K=nothing, F=nothing),
        metrics=_metrics(_matrix(inputs, typed)),
        provenance={"base": manifest.base.model_dump(exclude_none=True), "trained_with": manifest.provenance},
    )


def _matrix(inputs: RunInputs, typed: TypedMatrix) -> ScoreMatrix:
    scorers = {name: plugins.load(plugins.SCORERS, inputs.task(name).scorer) for name in typed.tasks}
    return ScoreMatrix(
        values=np.array(typed.values, dtype=np.float64),
        stages=tuple(stage.name for stage in typed.stages),
        tasks=typed.tasks,
        trained=tuple(stage.tasks for stage in typed.stages),
        num_unseen=sum(name in inputs.suite.unseen for name in typed.tasks),
        open_ended=frozenset(name for name, scorer in scorers.items() if scorer.OPEN_ENDED),
    )


def _metrics(matrix: ScoreMatrix) -> tuple[MetricResult, ...]:
    return tuple(_metric(name, module, matrix) for name, module in all_metrics().items())


def _metric(name: str, module: ModuleType, matrix: ScoreMatrix) -> MetricResult:
    about = described(name, module)
    if set(module.MATRIX) != {"S"}:
        return about.model_copy(update={"reason": _ONLY_STRICT})
    try:
        value = rounded(float(computed(name, module, {"S": matrix})))
    except MetricUndefinedError as error:
        return about.model_copy(update={"reason": str(error)})
    return about.model_copy(update={"value": value})
