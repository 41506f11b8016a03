"""lm-eval-style results and samples: `<stage>/results_<run>.json` and `<stage>/samples_<task>.jsonl`.

One results file a stage, one samples file a stage and task; a wording beyond the first is a task of its own
(`task@variant`). Shares are in [0, 1], as lm-eval has them; `strict`, `knowledge` and `form` are the metrics.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cvit_bench.errors import CvitBenchError
from cvit_bench.interop.scored_run import Answered, ScoredRun, as_line
from cvit_bench.records.files import sha256_json, write_text
from cvit_bench.records.plan import PlannedCell
from cvit_bench.text import counted

TITLE = "lm-eval-style results and samples"
IS_FOLDER = True
METRICS = ("strict", "knowledge", "form")


def write(run: ScoredRun, out: Path) -> str:
    """Write all stages; return what was written."""
    stages: dict[str, dict[str, PlannedCell]] = {}
    for cell in run.plan.cells:
        named = stages.setdefault(cell.stage, {})
        named[f"{cell.task}@{cell.variant}" if cell.task in named else cell.task] = cell
    for stage, cells in stages.items():
        scored = {name: (cell, list(run.answers(cell))) for name, cell in cells.items()}
        for name, (_, answers) in scored.items():
            write_text(out / stage / f"samples_{name}.jsonl", "".join(_sample(one) for one in answers))
        write_text(out / stage / f"results_{run.results.run}.json", as_line(_results(run, stage, scored)))
    return f"{out}: {counted(len(stages), 'stage')}, {counted(len(run.plan.cells), 'cell')}"


def _sample(one: Answered) -> str:
    document = {"id": one.sample.id, "question": one.sample.question, "answers": list(one.sample.answers),
                "choices": list(one.sample.choices)}  # fmt: skip
    target = one.sample.answers[0] if one.sample.answers else ""
    return as_line(
        {
            "doc_id": one.at,
            "doc": document,
            "target": target,
            "arguments": {"gen_args_0": {"arg_0": one.prompt, "arg_1": {"do_sample": False}}},
            "resps": [[one.text]],
            "filtered_resps": [one.extracted],
            "filter": "none",
            "metrics": list(METRICS),
            "doc_hash": sha256_json(document),
            "prompt_hash": sha256_json(one.prompt),
            "target_hash": sha256_json(target),
            "strict": one.strict,
            "knowledge": one.knowledge,
            "form": float(one.form),
        }
    )


def _results(
    run: ScoredRun, stage: str, scored: dict[str, tuple[PlannedCell, list[Answered]]]
) -> dict[str, Any]:
    found = run.results
    names = list(scored)
    return {
        "results": {name: _summary(name, answers) for name, (_, answers) in scored.items()},
        "group_subtasks": {name: [] for name in names},
        "configs": {name: _config(run, cell) for name, (cell, _) in scored.items()},
        "versions": dict.fromkeys(names, found.suite_version),
        "n-shot": dict.fromkeys(names, 0),
        "higher_is_better": {name: dict.fromkeys(METRICS, True) for name in names},
        "n-samples": {
            name: {"original": len(answers), "effective": len(answers)}
            for name, (_, answers) in scored.items()
        },
        "config": {
            "model": "cvit-bench",
            "model_args": f"run={found.run},method={found.method},stage={stage}",
            "batch_size": found.provenance.get("batch_size"),
            "limit": found.provenance.get("limit"),
            "task_identity": found.task_identity,
            "seeds": list(found.seeds),
        },
        "git_hash": None,
        "task_hashes": {name: _hash(answers) for name, (_, answers) in scored.items()},
        "model_name": f"{found.run}/{stage}",
        "model_source": "cvit-bench",
        "chat_template": None,
        "provenance": found.provenance,
    }


def _hash(answers: Sequence[Answered]) -> str:
    """Return the hash of what was asked."""
    return sha256_json([[one.sample.id, one.prompt, list(one.sample.answers)] for one in answers])


def _summary(name: str, answers: Sequence[Answered]) -> dict[str, Any]:
    if not answers:
        raise CvitBenchError(f"{name}: has no scored answer")
    summary: dict[str, Any] = {"alias": name, "sample_len": len(answers)}
    for metric in METRICS:
        values = [float(getattr(one, metric)) for one in answers]
        mean = math.fsum(values) / len(values)
        spread = math.fsum((value - mean) ** 2 for value in values)
        error = math.sqrt(spread / (len(values) - 1) / len(values)) if len(values) > 1 else "N/A"
        summary |= {f"{metric},none": mean, f"{metric}_stderr,none": error}
    return summary


def _config(run: ScoredRun, cell: PlannedCell) -> dict[str, Any]:
    task = run.suite_task(cell.task)
    return {
        "task": cell.task,
        "task_alias": task.title,
        "dataset_path": "cvit-bench",
        "dataset_name": task.name,
        "test_split": "test",
        "output_type": "generate_until",
        "generation_kwargs": {"do_sample": False, "max_gen_toks": task.max_new_tokens},
        "metric_list": [
            {"metric": name, "aggregation": "mean", "higher_is_better": True} for name in METRICS
        ],
        "metadata": {
            "suite": run.results.suite, "variant": cell.variant, "scorer": task.scorer,
            "answer_form": task.answer_form.value, "version": run.results.suite_version,
        },
    }  # fmt: skip
