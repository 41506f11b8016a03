"""A model card section for a hub: results as metadata (`model-index`) and as tables."""

from pathlib import Path

from cvit_bench.interop.scored_run import ScoredRun
from cvit_bench.records.files import write_text
from cvit_bench.records.results import MetricResult, Results

TITLE = "model card section"
IS_FOLDER = False
_MARKS = "\\`*_{}[]()<>#|!$&~"


def write(run: ScoredRun, out: Path) -> str:
    """Write the card; return what was written."""
    write_text(out, card(run.results))
    return f"{out}: metadata and an evaluation section"


def card(results: Results) -> str:
    """Return the front matter and the section of a run."""
    from huggingface_hub import EvalResult, ModelCardData

    found = [
        EvalResult(
            task_type="visual-question-answering",
            dataset_type=results.suite,
            dataset_name=f"{results.suite} (version {results.suite_version})",
            metric_type=one.id,
            metric_name=one.label,
            metric_value=one.value,
        )
        for one in results.metrics
        if one.value is not None
    ]
    data = ModelCardData(
        model_name=results.run, tags=["cvit-bench", "continual-learning"], eval_results=found or None
    )
    return f"---\n{data.to_yaml()}\n---\n\n{_section(results)}"


def _section(results: Results) -> str:
    seeds = ", ".join(map(str, results.seeds)) or "none"
    about = [
        f"Method: {plain(results.title)}. Suite: {plain(results.suite)}, version {results.suite_version}.",
        f"Task identity: {results.task_identity}. Templates: {results.templates}. Seeds: {seeds}.",
        "Scores are percentages; intervals are 95 % over test samples.",
    ]
    metrics = [_metric(one) for one in results.metrics if one.value is not None]
    tasks = [f"{plain(task.title)}{' (unseen)' if task.unseen else ''}" for task in results.tasks]
    stages = [
        [plain(stage.name), *("–" if value is None else f"{value:.1f}" for value in row)]
        for stage, row in zip(results.stages, results.matrices.S, strict=True)
    ]
    parts = [
        "## Evaluation (cvit-bench)", " ".join(about),
        _table(["Metric", "Value", "Interval", "Meaning"], metrics),
        "### Strict score after each stage", _table(["Stage", *tasks], stages),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _metric(one: MetricResult) -> list[str]:
    span = "–" if one.ci_low is None or one.ci_high is None else f"{one.ci_low:.1f} to {one.ci_high:.1f}"
    return [plain(one.label), f"{one.value:.1f}", span, plain(one.description)]


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def plain(text: str) -> str:
    """Return text that markdown leaves as it is, on one line."""
    one_line = " ".join(text.split())
    return "".join(f"\\{sign}" if sign in _MARKS else sign for sign in one_line)
