"""Logs for inspect (`<stage>_<task>_<variant>.eval`), one a cell, with every sample, answer and score."""

from pathlib import Path
from typing import Any

from cvit_bench.errors import CvitBenchError
from cvit_bench.interop.scored_run import Answered, ScoredRun
from cvit_bench.records.files import sha256_json
from cvit_bench.records.plan import PlannedCell

TITLE = "inspect logs (.eval)"
IS_FOLDER = True
METRICS = ("strict", "knowledge", "form")
_CREATED = "1970-01-01T00:00:00+00:00"
"""Logs need a time; that of the evaluation is not kept, so that the same run gives the same logs."""


def write(run: ScoredRun, out: Path) -> str:
    """Write a log for each cell; return what was written."""
    write_log = _writer()
    cells = run.plan.cells
    out.mkdir(parents=True)
    for cell in cells:
        path = out / f"{cell.stage}_{cell.task}_{cell.variant}.eval"
        write_log(_log(run, cell, list(run.answers(cell))), str(path), format="eval")
    return f"{out}: {len(cells)} logs; `inspect view --log-dir {out}` shows them"


def _writer() -> Any:
    try:
        from inspect_ai.log import write_eval_log
    except ImportError as error:
        raise CvitBenchError(
            "export inspect: inspect_ai is not installed: pip install 'cvit-bench[inspect]'"
        ) from error
    return write_eval_log


def _log(run: ScoredRun, cell: PlannedCell, answers: list[Answered]) -> Any:
    from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSpec

    name = f"{run.results.run}/{cell.stage}"
    return EvalLog(
        status="success",
        eval=EvalSpec(
            run_id=sha256_json([run.results.run, cell.stage])[:22],
            eval_id=sha256_json([run.results.run, cell.stage, cell.task, cell.variant])[:22],
            created=_CREATED,
            task=f"{run.results.suite}/{cell.task}",
            task_id=sha256_json([run.results.suite, cell.task, cell.variant])[:22],
            task_version=run.results.suite_version,
            model=f"cvit-bench/{name}",
            dataset=EvalDataset(
                name=cell.task, samples=len(answers), sample_ids=[one.sample.id for one in answers]
            ),
            config=EvalConfig(),
            metadata={"variant": cell.variant, "task_identity": run.results.task_identity,
                      "provenance": run.results.provenance},
        ),
        results=_results(answers),
        samples=[_sample(one, name) for one in answers],
    )  # fmt: skip


def _results(answers: list[Answered]) -> Any:
    from inspect_ai.log import EvalMetric, EvalResults, EvalScore

    def score(metric: str) -> Any:
        mean = sum(float(getattr(one, metric)) for one in answers) / max(1, len(answers))
        return EvalScore(name=metric, scorer=metric, metrics={"mean": EvalMetric(name="mean", value=mean)})

    return EvalResults(
        total_samples=len(answers), completed_samples=len(answers), scores=[score(name) for name in METRICS]
    )


def _sample(one: Answered, model: str) -> Any:
    from inspect_ai.log import EvalSample
    from inspect_ai.model import ChatMessageAssistant, ChatMessageUser, ModelOutput
    from inspect_ai.scorer import Score

    values = {"strict": one.strict, "knowledge": one.knowledge, "form": float(one.form)}
    return EvalSample(
        id=one.sample.id,
        epoch=1,
        input=one.prompt,
        choices=list(one.sample.choices) or None,
        target=list(one.sample.answers),
        messages=[ChatMessageUser(content=one.prompt), ChatMessageAssistant(content=one.text)],
        output=ModelOutput.from_content(model, one.text),
        scores={name: Score(value=value, answer=one.extracted) for name, value in values.items()},
    )
